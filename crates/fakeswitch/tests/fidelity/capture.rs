//! Recorded traffic, frame by frame.

use std::{collections::BTreeMap, fs, path::PathBuf};

use crate::common::{Frame, take};

/// What one side sent.
#[derive(Debug, Clone)]
pub(crate) enum Sent {
    Switch(Frame),
    Controller(String),
}

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/esl")
}

/// All captures' names, in order.
pub(crate) fn names() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

pub(crate) fn read(name: &str) -> Vec<Sent> {
    let text = fs::read_to_string(folder().join(format!("{name}.jsonl"))).unwrap();
    let mut buffers: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut sent = Vec::new();
    for line in text.lines() {
        let chunk: serde_json::Value = serde_json::from_str(line).unwrap();
        let from = chunk["from"].as_str().unwrap();
        let buffer = buffers.entry(from.to_owned()).or_default();
        buffer.extend(chunk["data"].as_str().unwrap().as_bytes());
        if from == "switch" {
            while let Some(frame) = take(buffer) {
                sent.push(Sent::Switch(frame));
            }
        } else {
            while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                let command: Vec<u8> = buffer.drain(..end + 2).collect();
                sent.push(Sent::Controller(String::from_utf8(command).unwrap()));
            }
        }
    }
    sent
}
