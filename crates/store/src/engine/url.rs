//! What `database.url` names.

use std::path::{Path, PathBuf};

use sqlx::{any::AnyConnectOptions, postgres::PgConnectOptions};

use crate::{StoreError, watch};

pub(super) const SCHEMES: &str = "it must begin with sqlite:// or postgres://: write for example \
    sqlite://ustredna.db or postgres://USER:PASSWORD@HOST/DATABASE";

const CONTROL: &str = "it has a line break or another control character: write it on one line";

const PARTS: &str = "a part of it cannot be understood: write postgres://USER:PASSWORD@HOST:PORT/DATABASE, \
    and in the user and the password `@` as %40, `/` as %2F, `:` as %3A, `#` as %23, `?` as %3F, `%` as %25";

/// Looks whether `url` can name a database at all, without opening it.
///
/// # Errors
/// [`StoreError::Url`] with what to write; never with the URL's password.
pub fn check_url(url: &str) -> Result<(), StoreError> {
    if url.contains(char::is_control) {
        return Err(StoreError::Url(CONTROL));
    }
    match url.split_once(':') {
        Some(("sqlite", _)) => SqliteUrl::parse(url).map(drop),
        Some(("postgres" | "postgresql", rest)) => {
            // What stands before an `@` in the password would be the host.
            let rest = rest.strip_prefix("//").unwrap_or(rest);
            let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            if rest.get(host..).is_some_and(|behind| behind.contains('@')) {
                return Err(StoreError::Url(PARTS));
            }
            options(url)?;
            url.parse::<PgConnectOptions>().map(drop).map_err(|_| StoreError::Url(PARTS))
        }
        _ => Err(StoreError::Url(SCHEMES)),
    }
}

/// The file of a database, for messages; `None` for one that is no file.
#[must_use]
pub fn file_of(url: &str) -> Option<PathBuf> {
    let ("sqlite", _) = url.split_once(':')? else { return None };
    std::path::absolute(SqliteUrl::parse(url).ok()?.0).ok()
}

pub(super) fn options(url: &str) -> Result<AnyConnectOptions, StoreError> {
    url.parse().map_err(|_| StoreError::Url(PARTS))
}

/// A file named by a URL.
pub(super) struct SqliteUrl {
    pub(super) path: PathBuf,
    pub(super) creates: bool,
    pub(super) is_read_only: bool,
}

impl SqliteUrl {
    /// The path as it is written, and what follows the `?`.
    fn parse(url: &str) -> Result<(PathBuf, &str), StoreError> {
        let rest = url.strip_prefix("sqlite:").unwrap_or(url);
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if path.is_empty() || path.contains(":memory:") || query.contains("mode=memory") {
            return Err(StoreError::Url(
                "write a file, as in sqlite://ustredna.db: a database in memory forgets everything",
            ));
        }
        let path = percent_decoded(path)
            .ok_or(StoreError::Url("it has a broken %-escape: write a `%` in the path as %25"))?;
        if !matches!(query, "" | "mode=rwc" | "mode=rw" | "mode=ro") {
            return Err(StoreError::Url(
                "behind the `?` write only mode=ro, mode=rw or mode=rwc (a `?` in the path is %3F)",
            ));
        }
        if path.to_string_lossy().contains(char::is_control) {
            return Err(StoreError::Url(CONTROL));
        }
        if path.file_name().is_none() || path.to_string_lossy().trim().is_empty() {
            return Err(StoreError::Url(
                "it names a folder: write the file, for example sqlite://ustredna.db",
            ));
        }
        Ok((path, query))
    }

    /// The file as an absolute path, which goes to the driver in a form that URL parsing leaves
    /// alone (it takes the first folder of `sqlite://data/../x.db` for a host).
    pub(super) fn read(url: &str, create: bool) -> Result<Self, StoreError> {
        let (path, query) = Self::parse(url)?;
        let path = std::path::absolute(path).map_err(|_| StoreError::CannotOpen)?;
        let creates = create && matches!(query, "" | "mode=rwc");
        if !path.exists() {
            let aside = watch::set_aside(&path);
            if !aside.is_empty() {
                return Err(StoreError::WrittenOver { database: path, aside });
            }
            if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
                return Err(StoreError::NoFolder(folder.to_owned()));
            }
            if !creates {
                return Err(StoreError::NoDatabase(path));
            }
        } else if !path.is_file() {
            return Err(StoreError::NoFile(path));
        }
        Ok(Self { path, creates, is_read_only: query == "mode=ro" })
    }

    pub(super) fn may_be_read(&self) -> bool {
        rustix::fs::access(&self.path, rustix::fs::Access::READ_OK).is_ok()
    }

    /// Whether the last one who had it open has left changes outside it, or is still there.
    pub(super) fn has_wal(&self) -> bool {
        let wal = watch::beside(&self.path, "-wal");
        wal.metadata().is_ok_and(|found| found.len() > 0)
    }
}

fn percent_decoded(text: &str) -> Option<PathBuf> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

pub(super) fn percent_encoded(path: &Path) -> String {
    use std::fmt::Write as _;

    let mut text = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            text.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
