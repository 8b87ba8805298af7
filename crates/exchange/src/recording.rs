//! Where a recording lies.

use std::{
    borrow::Cow,
    fmt,
    path::{Path, PathBuf},
};

/// The path of a recording below the recordings folder, with `/` between its parts:
/// `2026/11/22/20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav`.
///
/// Its name holds the numbers of both sides. `Debug` and `Display` hide them:
/// `2026/11/22/20261122-103145_out_…_3f2a9c1e.wav` is enough to find the file.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct RecordingPath(String);

impl RecordingPath {
    /// The path with this text; any text is one.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// The whole path, with the numbers: for files, rows and those who have asked for it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The same, owned.
    #[must_use]
    pub fn into_revealed(self) -> String {
        self.0
    }

    /// Where the file is if `dir` is the recordings folder.
    #[must_use]
    pub fn in_dir(&self, dir: &Path) -> PathBuf {
        dir.join(&self.0)
    }
}

impl fmt::Display for RecordingPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hidden(Path::new(&self.0)))
    }
}

impl fmt::Debug for RecordingPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&hidden(Path::new(&self.0)), f)
    }
}

/// A path as it may be logged: without the numbers that a recording, its sidecar or whatever lies
/// beside it under a similar name has in its name. The folders are left as they are.
#[must_use]
pub fn hidden(path: &Path) -> String {
    let Some(name) = path.file_name() else { return path.display().to_string() };
    let name = name.to_string_lossy();
    let shown = without_numbers(&name);
    if shown == name {
        return path.display().to_string();
    }
    path.with_file_name(shown.as_ref()).display().to_string()
}

/// So many digits in a row may be a telephone number. A date has eight, but is followed by its time.
const DIGITS: usize = 6;

fn without_numbers(name: &str) -> Cow<'_, str> {
    // `[.]DATE-TIME_DIRECTION_NUMBER_NUMBER_CALL…`
    if let [time, direction, _, _, call] = name.split('_').collect::<Vec<_>>().as_slice()
        && is_time(time.trim_start_matches('.'))
        && direction.bytes().all(|byte| byte.is_ascii_lowercase())
    {
        return format!("{time}_{direction}_…_{call}").into();
    }
    // Named otherwise, by whomever: no more of it than its end.
    let runs = name.split(|char: char| !char.is_ascii_digit());
    if runs.map(str::len).max().unwrap_or_default() < DIGITS {
        return name.into();
    }
    match name.rsplit_once('.') {
        Some((_, extension)) if extension.len() < DIGITS => format!("….{extension}").into(),
        Some(_) | None => "…".into(),
    }
}

/// `20261122-103145`
fn is_time(text: &str) -> bool {
    text.len() == 15
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: &str = "2026/11/22";

    fn shown(name: &str) -> String {
        hidden(&Path::new("/srv/recordings").join(DAY).join(name))
    }

    #[test]
    fn the_numbers_of_a_recording_are_hidden() {
        let path = RecordingPath::new(format!(
            "{DAY}/20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav"
        ));
        let expected = format!("{DAY}/20261122-103145_out_…_3f2a9c1e.wav");
        assert_eq!(path.to_string(), expected);
        assert_eq!(format!("{path:?}"), format!("{expected:?}"));
        assert!(path.reveal().contains("_420234567890_"));
        assert!(path.in_dir(Path::new("/r")).ends_with(path.reveal()));
    }

    #[test]
    fn so_are_those_of_its_neighbours_and_of_other_names() {
        for (name, expected) in [
            ("20261122-103145_back_420777000111_anonymous_3f2a9c1e.json", "_back_…_3f2a9c1e.json"),
            (".20261122-103145_out_420777000111_420234567890_3f2a9c1e.flac.part", "flac.part"),
            ("420777000111.wav", "/….wav"),
            ("copy of 20261122-103145_out_420777000111_420234567890_3f2a9c1e.wav", "/….wav"),
            ("20261122-103145_out_420777000111_420234567890_3f_2a9c1e.wav", "/….wav"),
            ("20261122-103145_out_420777000111.420234567890", "/…"),
            ("+420777000111", "/…"),
        ] {
            let shown = shown(name);
            assert!(shown.ends_with(expected), "{shown}");
            assert!(!shown.contains("777000111") && !shown.contains("234567890"), "{shown}");
        }
        for kept in ["exchange.db", "a.wav", "99999.wav"] {
            assert_eq!(shown(kept), format!("/srv/recordings/{DAY}/{kept}"));
        }
    }
}
