//! The folder of a demo, and what is in it before anything happens.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write as _},
    net::{SocketAddr, TcpListener},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use exchange::model::Language;
use uuid::Uuid;

use super::{FIRST, Options, SECOND, SHOPPER, alias::Alias};

pub(super) const SETTINGS: &str = "ustredna.toml";
pub(super) const TABLE: &str = "shoppers.csv";
pub(super) const SOUNDS: &str = "sounds";
pub(super) const LOG: &str = "ustredna.log";
const DATABASE: &str = "ustredna.db";

/// What a demo writes at most: recordings, and a database with its journal.
const ROOM_MB: usize = 8;

#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// The same folder as the switch sees it.
    pub(super) alias: Alias,
}

/// `dir`, or a new folder among the temporary ones. One that was not there may be read by nobody
/// else. Nothing is made before it is clear that the folder will do.
pub(super) fn make(dir: Option<&Path>) -> anyhow::Result<Folder> {
    let id = Uuid::new_v4().simple().to_string();
    let name = format!("ustredna-demo-{}", id.split_at(8).0);
    let path =
        std::path::absolute(dir.map_or_else(|| std::env::temp_dir().join(&name), Path::to_owned))
            .context("--dir: the current folder cannot be told")?;
    ensure!(path.to_str().is_some(), "--dir: {} is not written in UTF-8", path.display());
    // The story tells of a house where nobody has called yet.
    for name in [SETTINGS, DATABASE, TABLE, SOUNDS, LOG] {
        ensure!(
            !path.join(name).exists(),
            "{} is in use already ({name} is in it): name a new folder with --dir",
            path.display()
        );
    }
    let link = format!("{name}-link");
    let alias = Alias::of(&path, &link, &[std::env::temp_dir(), PathBuf::from("/tmp")])?;
    let mut builder = DirBuilder::new();
    builder.mode(0o700).recursive(dir.is_some());
    builder.create(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    has_room(&path).with_context(|| {
        format!("{}: the demo needs {ROOM_MB} MB there, which cannot be written", path.display())
    })?;
    Ok(Folder { path, alias })
}

/// Tries it: a full disk would be found out in the middle of the story only, as a call that does
/// not come out as told.
fn has_room(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".room-{}", Uuid::new_v4().simple()));
    let mut file = File::create_new(&path)?;
    let megabyte = vec![0; 1 << 20];
    let written = (0..ROOM_MB).try_for_each(|_| file.write_all(&megabyte));
    // Some disks tell only now.
    let written = written.and_then(|()| file.sync_all());
    fs::remove_file(&path).and(written)
}

impl Folder {
    /// Writes the settings and the table of shoppers.
    pub(super) fn furnish(&self, inbound: SocketAddr, options: &Options) -> anyhow::Result<()> {
        create(&self.path.join(SETTINGS), &self.settings(inbound, options.interactive)?)?;
        create(&self.path.join(TABLE), &table(options.language))
    }

    /// Short times, so that nobody has to wait for the story to go on; but somebody who plays must
    /// first find the key that answers.
    fn settings(&self, inbound: SocketAddr, interactive: bool) -> anyhow::Result<String> {
        let ring_timeout = if interactive { "20s" } else { "4s" };
        let database = format!("sqlite://{}", escaped(text(&self.path.join(DATABASE))?));
        let database = toml::Value::from(database);
        let quoted = |path: PathBuf| anyhow::Ok(toml::Value::from(text(&path)?));
        let own = |name: &str| quoted(self.path.join(name));
        let switch = |name: &str| quoted(self.alias.path().join(name));
        let note = if self.alias.is_link() {
            "# FreeSWITCH could not take the path of this folder: recordings.switch_dir and\n\
             # prompts.dir led through a link, which has gone with the demo.\n"
        } else {
            ""
        };
        let [listen, web] = free_ports()?;
        Ok(format!(
            "# The settings of `ustredna demo`.\n\
             {note}\
             [database]\n\
             url = {database}\n\n\
             [switch]\n\
             listen = \"{listen}\"\n\
             inbound = \"{inbound}\"\n\
             password = \"ClueCon\"\n\n\
             [callbacks]\n\
             ring_timeout = \"{ring_timeout}\"\n\
             sms_delay = \"3s\"\n\n\
             [recordings]\n\
             dir = {}\n\
             switch_dir = {}\n\
             min_free = 0\n\n\
             [cdr]\n\
             dir = {}\n\n\
             [prompts]\n\
             dir = {}\n\n\
             # The story goes by quicker than days do.\n\
             [sms.throttle]\n\
             minute = 0\n\n\
             [sms.spool]\n\
             dir = {}\n\n\
             [web]\n\
             listen = \"{web}\"\n",
            own("recordings")?,
            switch("recordings")?,
            own("cdr")?,
            switch(SOUNDS)?,
            own("sms")?,
        ))
    }
}

/// Two that nobody has at the moment. Port 0 would do for the demo, but the lists that are asked for
/// later go by the same settings, and refuse it.
fn free_ports() -> anyhow::Result<[SocketAddr; 2]> {
    let bind = || TcpListener::bind("127.0.0.1:0").context("no free port on 127.0.0.1");
    let (first, second) = (bind()?, bind()?);
    Ok([first.local_addr()?, second.local_addr()?])
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("the folder has no UTF-8 name")
}

/// What has a meaning in the URL of a database.
fn escaped(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3F").replace('#', "%23")
}

fn create(path: &Path, text: &str) -> anyhow::Result<()> {
    File::create_new(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| path.display().to_string())
}

/// A shopper with two numbers.
fn table(language: Language) -> String {
    format!(
        "shopper_phone,shopper_name,language,fictitious_number,id,project,valid_from,valid_to\n\
         {SHOPPER},Jana Nováková,{language},{FIRST},1,Banks,,\n\
         {SHOPPER},Jana Nováková,{language},{SECOND},2,Cars,,\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_player_has_longer_to_answer() {
        let place = tempfile::TempDir::new().unwrap();
        let folder = make(Some(&place.path().join("new"))).unwrap();
        let inbound = SocketAddr::from(([127, 0, 0, 1], 1));
        let settings = |interactive| {
            let text = folder.settings(inbound, interactive).unwrap();
            text.parse::<toml::Table>().unwrap()
        };
        let rings = |interactive| settings(interactive)["callbacks"]["ring_timeout"].to_string();
        assert_eq!([rings(false), rings(true)], ["\"4s\"", "\"20s\""]);
    }

    #[test]
    fn a_folder_in_use_is_left_as_it_was() {
        for name in [SETTINGS, DATABASE, TABLE, SOUNDS, LOG] {
            let place = tempfile::TempDir::new().unwrap();
            fs::write(place.path().join(name), "somebody's").unwrap();
            let error = make(Some(place.path())).unwrap_err().to_string();
            assert!(error.contains(&format!("is in use already ({name} is in it)")), "{error}");
            assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn nobody_else_may_read_a_new_folder() {
        use std::os::unix::fs::PermissionsExt as _;

        let place = tempfile::TempDir::new().unwrap();
        let folder = make(Some(&place.path().join("a/b"))).unwrap();
        let mode = fs::metadata(&folder.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        // What it was tried with is gone.
        assert_eq!(fs::read_dir(&folder.path).unwrap().count(), 0);
    }
}
