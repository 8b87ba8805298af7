//! The folders that a start makes: each there, and each another one.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};

use crate::{
    cdr_intake::ASIDE,
    settings::{Settings, SmsGateway, parts},
};

/// Those that these settings use, by their keys.
fn used(settings: &Settings) -> Vec<(&'static str, &Path)> {
    let Settings { recordings, cdr, sms, .. } = settings;
    let mut used = vec![("recordings.dir", recordings.dir.as_path())];
    if sms.gateway == SmsGateway::Spool {
        used.push(("sms.spool.dir", &sms.spool.dir));
    }
    used.push(("cdr.dir", &cdr.dir));
    if !cdr.keep.as_os_str().is_empty() {
        used.push(("cdr.keep", &cdr.keep));
    }
    used
}

/// Makes them, and sees that what a call needs can be written, before the first one comes.
///
/// # Errors
/// What is wrong, beginning with the key.
pub(crate) async fn prepare(settings: &Settings) -> anyhow::Result<()> {
    let settings = settings.clone();
    tokio::task::spawn_blocking(move || {
        for (key, folder) in used(&settings) {
            fs::create_dir_all(folder)
                .with_context(|| format!("{key}: {} cannot be made", folder.display()))?;
        }
        apart(&settings)?;
        recordings::check_writable(&settings.recordings.dir).context("recordings.dir")?;
        let spool = &settings.sms.spool;
        if settings.sms.gateway == SmsGateway::Spool {
            sms::SpoolGateway::new(&spool.dir, spool.form).probe().context("sms.spool.dir")?;
        }
        Ok(())
    })
    .await?
}

/// Whether no two of them are one, or will be once they are made; links lead where they may.
///
/// # Errors
/// Which two are.
pub(crate) fn apart(settings: &Settings) -> anyhow::Result<()> {
    let used = used(settings);
    for (at, (key, folder)) in used.iter().enumerate() {
        if let Some((other, _)) = used[..at].iter().find(|(_, other)| are_one(folder, other)) {
            anyhow::bail!("{key} leads to the same folder as {other}: write a folder of its own");
        }
    }
    // Records of which nothing could be made are counted there.
    let (keep, aside) = (&settings.cdr.keep, settings.cdr.dir.join(ASIDE));
    ensure!(
        keep.as_os_str().is_empty() || !are_one(keep, &aside),
        "cdr.keep is the folder {ASIDE} of cdr.dir, for records of which nothing could be made: write \
         a folder of its own"
    );
    Ok(())
}

/// Whether two paths lead to one folder, or will.
pub(crate) fn are_one(one: &Path, other: &Path) -> bool {
    identity(one).is_some_and(|identity| Some(identity) == self::identity(other))
}

/// Device and number of what is there of it, and the rest, still to be made.
fn identity(folder: &Path) -> Option<(u64, u64, PathBuf)> {
    let folder = std::path::absolute(folder).ok()?;
    folder.ancestors().find_map(|there| {
        let found = fs::metadata(there).ok()?;
        let rest = parts(folder.strip_prefix(there).ok()?);
        Some((found.dev(), found.ino(), rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_one_by_what_they_are_and_not_by_what_they_are_called() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("a/b")).unwrap();
        std::os::unix::fs::symlink(at("a"), at("link")).unwrap();
        std::os::unix::fs::symlink("a/b", at("deep")).unwrap();
        for (one, other) in [
            ("a", "a"),
            ("a", "link"),
            ("a/b", "link/b"),
            ("a/b", "deep"),
            ("deep", "link/b/"),
            // Not there yet.
            ("a/new", "link/new"),
            ("a/b/new/er", "deep/./new/x/../er"),
        ] {
            assert!(are_one(&at(one), &at(other)), "{one} {other}");
        }
        for (one, other) in [("a", "a/b"), ("a/new", "a/newer"), ("new", "link/new"), ("a", "none")]
        {
            assert!(!are_one(&at(one), &at(other)), "{one} {other}");
        }
    }
}
