//! Are the folders there, and can they be written?

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
    process,
};

use super::{Finding, Status};
use crate::{
    cdr_intake,
    clock::Clock,
    folders,
    place::probe,
    prompts::{self, Prompts},
    settings::Settings,
};

/// Creates, writes and removes a file.
pub(super) fn try_write(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".ustredna-probe-{}", process::id()));
    let written = File::create(&probe).and_then(|mut file| {
        file.write_all(b"probe")?;
        file.sync_all()
    });
    let removed = match &written {
        Ok(()) => fs::remove_file(&probe),
        Err(_) => Ok(()),
    };
    written.and(removed)
}

/// What will happen to a folder that is not there: it is made below the first one that is.
pub(super) fn will_be_made(check: &'static str, dir: &Path, key: &str, by: &str) -> Finding {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    // A link to nowhere is in the way.
    let is_there = |folder: &&Path| fs::symlink_metadata(folder).is_ok();
    let there = dir.ancestors().find(is_there).unwrap_or(Path::new("/"));
    match try_write(there) {
        Ok(()) => Finding::ok(check, format!("{} will be made {by}", dir.display())),
        Err(error) => Finding::fail(
            check,
            format!("{} does not exist and cannot be made: {error}", dir.display()),
            format!("create it, writable for this program and FreeSWITCH, or set {key}"),
        ),
    }
}

pub(super) fn recordings(settings: &Settings) -> Finding {
    const CHECK: &str = "recordings";
    let dir = &settings.recordings.dir;
    if let Err(error) = settings.switch_recordings() {
        return Finding::failed(CHECK, format!("{error:#}"));
    }
    match recordings::check_writable(dir) {
        Ok(()) => match newest_recording(dir).map(|file| (File::open(&file), file)) {
            Some((Err(error), file)) => unreadable(CHECK, &file, &error),
            Some((Ok(_), _)) | None => match unusable_day(settings) {
                Some(problem) => Finding::failed(CHECK, problem),
                None => Finding::ok(CHECK, format!("{} can be written", dir.display())),
            },
        },
        Err(recordings::FolderError::Missing(_)) => {
            will_be_made(CHECK, dir, "recordings.dir", "at the first start")
        }
        Err(error) => Finding::failed(CHECK, error.to_string()),
    }
}

/// Whether today's folder, or tomorrow's, could not be made or written for a call. What is wrong with the
/// disk is told by a line of its own.
fn unusable_day(settings: &Settings) -> Option<String> {
    let today = Clock::SYSTEM.now().to_zoned(settings.exchange.timezone.0.clone()).date();
    let failed =
        |day| Some(format!("{:#}", probe::try_day(&settings.recordings.dir, day, 0).err()?));
    failed(today).or_else(|| Some(format!("from midnight on: {}", failed(today.tomorrow().ok()?)?)))
}

/// What FreeSWITCH writes, and we cannot read.
fn unreadable(check: &'static str, file: &Path, error: &io::Error) -> Finding {
    Finding::fail(
        check,
        format!("{} cannot be read: {error}", file.display()),
        "run FreeSWITCH and ustredna as one user, or in one group with umask 027",
    )
}

/// The latest recording of the latest day, by their names.
fn newest_recording(dir: &Path) -> Option<PathBuf> {
    let latest = |dir: PathBuf, accepts: fn(&str) -> bool| {
        let paths = fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path());
        paths
            .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(accepts))
            .max()
    };
    let number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    let month = latest(latest(dir.to_owned(), number)?, number)?;
    latest(latest(month, number)?, |name| {
        Path::new(name).extension().is_some_and(|extension| extension == "wav")
    })
}

pub(super) fn cdr(settings: &Settings) -> Finding {
    const CHECK: &str = "cdr";
    let dir = &settings.cdr.dir;
    let keep = &settings.cdr.keep;
    if !keep.as_os_str().is_empty()
        && let Some(finding) = usable(CHECK, keep, "cdr.keep", "at the first start")
    {
        return finding;
    }
    if !dir.exists() {
        return will_be_made(CHECK, dir, "cdr.dir", "at the first start");
    }
    // Files are removed once they are taken in.
    match fs::read_dir(dir).and_then(|_| try_write(dir)) {
        Ok(()) => {}
        Err(error) => {
            return Finding::fail(
                CHECK,
                format!("{}: {error}", dir.display()),
                "set cdr.dir to the log-dir of FreeSWITCH's mod_json_cdr (CDR_DIR), readable and writable for this user",
            );
        }
    }
    let aside = dir.join(cdr_intake::ASIDE);
    if let Some(finding) = usable(CHECK, &aside, "cdr.dir", "when it is needed") {
        return finding;
    }
    let closed = cdr_intake::records(dir).into_iter().find_map(|file| {
        let error = File::open(&file).err().filter(|error| error.kind() != ErrorKind::NotFound)?;
        Some(unreadable(CHECK, &file, &error))
    });
    if let Some(finding) = closed {
        return finding;
    }
    let detail = format!("{} can be read and emptied", dir.display());
    match cdr_intake::aside(dir) {
        0 => Finding::ok(CHECK, detail),
        count => Finding::ok(
            CHECK,
            format!(
                "{detail}; {count} of which nothing could be made lie in its folder {}: look at \
                 them, then remove them",
                cdr_intake::ASIDE
            ),
        ),
    }
}

/// What is wrong with a folder that records are moved to.
fn usable(check: &'static str, folder: &Path, key: &str, by: &str) -> Option<Finding> {
    let found = if folder.is_dir() {
        let error = try_write(folder).err()?;
        let fix = format!("make it writable for this user, or set {key} to another folder");
        Finding::fail(check, format!("{key}: {}: {error}", folder.display()), fix)
    } else {
        will_be_made(check, folder, key, by)
    };
    (found.status == Status::Fail).then_some(found)
}

/// Whether two folders are one; told only if so.
pub(super) fn apart(settings: &Settings) -> Option<Finding> {
    Some(Finding::failed("folders", format!("{:#}", folders::apart(settings).err()?)))
}

/// Whether every prompt is there, as far as this machine can tell.
pub(super) fn prompts(settings: &Settings) -> Finding {
    const CHECK: &str = "prompts";
    match prompts::look(settings) {
        Ok(Prompts::All(count, dir)) => {
            Finding::ok(CHECK, format!("all {count} in {}", dir.display()))
        }
        Ok(Prompts::Elsewhere) => Finding::skipped(
            CHECK,
            "prompts.dir is on FreeSWITCH's machine and cannot be looked at from here",
        ),
        Ok(Prompts::Missing { told, .. }) => Finding::fail(
            CHECK,
            told,
            "set prompts.dir to the folder with cs and en, or restore these files",
        ),
        Err(error) => Finding::failed(CHECK, format!("{error:#}")),
    }
}
