//! A path to the demo's folder that FreeSWITCH would take.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf, absolute},
};

/// The folder itself, or a link to it while the demo runs.
///
/// The exchange names FreeSWITCH no path with a blank or a letter beyond ASCII in it, and does not
/// know that this switch is simulated. The demo should work in every folder all the same.
#[derive(Debug)]
pub(super) struct Alias {
    path: PathBuf,
    is_link: bool,
}

impl Alias {
    /// `folder` is absolute; it need not be there yet. A link, if one is needed, is made in the
    /// first of `places` where it can be.
    pub(super) fn of(folder: &Path, name: &str, places: &[PathBuf]) -> anyhow::Result<Self> {
        if is_plain(folder) {
            return Ok(Self { path: folder.to_owned(), is_link: false });
        }
        let places = places.iter().filter_map(|place| absolute(place).ok());
        for path in places.map(|place| place.join(name)).filter(|path| is_plain(path)) {
            if symlink(folder, &path).is_ok() {
                return Ok(Self { path, is_link: true });
            }
        }
        anyhow::bail!(
            "{}: a switch takes only paths of letters without accents, digits, `/`, `.`, `_` and \
             `-`, and there is no temporary folder for a link to this one: name another with --dir",
            folder.display()
        )
    }

    /// Whether the path is good only while the demo runs.
    pub(super) fn is_link(&self) -> bool {
        self.is_link
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Alias {
    fn drop(&mut self) {
        if self.is_link {
            // Somebody who has removed it already has saved us the work.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn is_plain(path: &Path) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    path.as_os_str().as_encoded_bytes().iter().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_folder_needs_no_link() {
        let place = tempfile::TempDir::new().unwrap();
        let folder = place.path().join("Demo_1.x-y");
        let alias = Alias::of(&folder, "link", &[place.path().to_owned()]).unwrap();
        assert_eq!(alias.path(), folder);
        drop(alias);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_link_leads_there_and_goes_with_the_demo() {
        let place = tempfile::TempDir::new().unwrap();
        let folder = place.path().join("moje \"ústředna\"");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("x"), "found").unwrap();
        // The first place is no better than the folder itself, and the second is not there.
        let places = [folder.clone(), place.path().join("none"), place.path().to_owned()];
        let alias = Alias::of(&folder, "link", &places).unwrap();
        assert_eq!(alias.path(), place.path().join("link"));
        assert_eq!(fs::read_to_string(alias.path().join("x")).unwrap(), "found");
        drop(alias);
        assert!(!place.path().join("link").exists());
        assert!(folder.join("x").is_file());
    }

    #[test]
    fn without_a_place_it_says_what_a_switch_takes() {
        let error = Alias::of(Path::new("/a b"), "link", &[PathBuf::from("/č")]).unwrap_err();
        assert!(error.to_string().contains("/a b: a switch takes only"), "{error}");
    }
}
