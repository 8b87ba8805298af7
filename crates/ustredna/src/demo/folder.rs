//! The folder of a demo, and what is in it before anything happens.

use std::{
    fs::{DirBuilder, File},
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use exchange::model::Language;
use uuid::Uuid;

use super::{FIRST, SECOND, SHOPPER};

pub(super) const SETTINGS: &str = "ustredna.toml";
pub(super) const TABLE: &str = "shoppers.csv";

/// The folder, which nobody else may read: `dir`, or a new one among the temporary ones.
pub(super) fn make(dir: Option<&Path>) -> anyhow::Result<PathBuf> {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    let folder = if let Some(dir) = dir {
        builder.recursive(true);
        std::path::absolute(dir).context("--dir: the current folder cannot be told")?
    } else {
        let id = Uuid::new_v4().simple().to_string();
        std::env::temp_dir().join(format!("ustredna-demo-{}", id.split_at(8).0))
    };
    builder.create(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    // The story tells of a house where nobody has called yet.
    anyhow::ensure!(
        !folder.join(SETTINGS).exists(),
        "{} is in use by an exchange already: name a new folder",
        folder.display()
    );
    Ok(folder)
}

/// Writes the settings and the table of shoppers.
pub(super) fn furnish(
    folder: &Path,
    inbound: SocketAddr,
    language: Language,
) -> anyhow::Result<()> {
    create(&folder.join(SETTINGS), &settings(folder, inbound)?)?;
    create(&folder.join(TABLE), &table(language))
}

fn create(path: &Path, text: &str) -> anyhow::Result<()> {
    File::create_new(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| path.display().to_string())
}

/// Short times, so that nobody has to wait for the story to go on.
fn settings(folder: &Path, inbound: SocketAddr) -> anyhow::Result<String> {
    let below = |name: &str| {
        let path = folder.join(name);
        let text = path.to_str().context("the folder has no UTF-8 name")?;
        anyhow::Ok(toml::Value::from(text).to_string())
    };
    let database = below("ustredna.db")?.replacen('"', "\"sqlite://", 1);
    Ok(format!(
        "# The settings of `ustredna demo`.\n\
         [database]\n\
         url = {database}\n\n\
         [switch]\n\
         listen = \"127.0.0.1:0\"\n\
         inbound = \"{inbound}\"\n\
         password = \"ClueCon\"\n\n\
         [callbacks]\n\
         ring_timeout = \"4s\"\n\
         sms_delay = \"3s\"\n\n\
         [recordings]\n\
         dir = {}\n\n\
         [cdr]\n\
         dir = {}\n\n\
         [prompts]\n\
         dir = {}\n\n\
         [sms.spool]\n\
         dir = {}\n\n\
         [web]\n\
         listen = \"127.0.0.1:0\"\n",
        below("recordings")?,
        below("cdr")?,
        below("sounds")?,
        below("sms")?,
    ))
}

/// A shopper with two numbers.
fn table(language: Language) -> String {
    format!(
        "shopper_phone,shopper_name,language,fictitious_number,id,project,valid_from,valid_to\n\
         {SHOPPER},Jana Nováková,{language},{FIRST},1,Banks,,\n\
         {SHOPPER},Jana Nováková,{language},{SECOND},2,Cars,,\n"
    )
}
