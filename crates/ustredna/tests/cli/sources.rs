//! What the source text shows of errors.

use std::{fs, path::Path};

/// Every Rust file below a folder, with its text.
fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The whole chain of an error is told in one line, so one that tells its cause must not have it as its
/// source as well. A cause of serde's may quote what was read: it is told by its place alone.
#[test]
fn no_error_tells_its_cause_twice() {
    let mut files = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap() {
        let source = entry.unwrap().path().join("src");
        if source.is_dir() {
            sources(&source, &mut files);
        }
    }
    let mut seen = 0;
    for (file, text) in &files {
        for (at, _) in text.match_indices("#[error(") {
            let Some(end) = text[at..].find(")]") else { continue };
            let (told, rest) = text[at..].split_at(end);
            // Up to the next one, or to the end of the type.
            let ends = ["#[error(", "\n}"].iter().filter_map(|end| rest.find(end));
            let rest = &rest[..ends.min().unwrap_or(rest.len())];
            let tells = ["{0", ".0.", "{source", "source."].iter().any(|part| told.contains(part));
            let has = ["#[from]", "#[source]", " source:"].iter().any(|part| rest.contains(part));
            assert!(!(tells && has), "{file}: {told}{rest}");
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}
