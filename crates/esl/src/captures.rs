//! The captures of a real FreeSWITCH, replayed: the whole crate against what it will meet.

use std::fs;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use serde_json::Value;
use tokio_util::codec::Decoder;

use crate::codec::{CodecError, EslCodec};
use crate::command::Command;
use crate::frame::{Frame, FrameLimits, Framer};
use crate::message::Message;
use crate::parse::ParseError;

pub(crate) struct Capture {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
}

/// One read or one write.
pub(crate) enum Step {
    Switch(Vec<u8>),
    Controller(Vec<u8>),
}

pub(crate) fn all() -> Vec<Capture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/esl");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| Capture::load(&file)).collect()
}

impl Capture {
    fn load(file: &Path) -> Self {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(file).unwrap();
        let steps = text.lines().map(|line| {
            let step: Value = serde_json::from_str(line).unwrap();
            let data = step["data"].as_str().unwrap().as_bytes().to_vec();
            match step["from"].as_str().unwrap() {
                "switch" => Step::Switch(data),
                "controller" => Step::Controller(data),
                other => panic!("{name}: nobody called {other}"),
            }
        });
        Self { steps: steps.collect(), name }
    }

    pub(crate) fn switch_stream(&self) -> Vec<u8> {
        let reads = self.steps.iter().filter_map(|step| match step {
            Step::Switch(data) => Some(data.as_slice()),
            Step::Controller(_) => None,
        });
        reads.collect::<Vec<_>>().concat()
    }
}

pub(crate) fn frames(stream: &[u8]) -> Vec<Frame> {
    let mut buffer = BytesMut::from(stream);
    let mut framer = Framer::new(FrameLimits::default());
    let whole = std::iter::from_fn(|| framer.next_frame(&mut buffer).unwrap()).collect();
    assert!(buffer.is_empty(), "{} bytes left", buffer.len());
    whole
}

fn messages(stream: &[u8]) -> Vec<Message> {
    let limits = FrameLimits::default();
    frames(stream).into_iter().map(|frame| Message::parse(frame, &limits).unwrap()).collect()
}

/// Counted by another program: frames, connect replies, replies, API responses, events,
/// disconnect notices; headers of connect replies and plain events together.
const COUNTS: &[(&str, [usize; 6], usize)] = &[
    ("controller_lost_in_bridge", [16, 1, 6, 1, 8, 0], 1401),
    ("controller_lost_in_bridge_resume_on", [17, 1, 6, 1, 9, 0], 1546),
    ("controller_lost_in_prompt", [11, 1, 5, 1, 4, 0], 754),
    ("controller_lost_in_prompt_resume_on", [12, 1, 5, 1, 5, 0], 895),
    ("dealer_callback_answered", [25, 1, 5, 1, 16, 2], 2943),
    ("dealer_callback_busy", [31, 1, 8, 1, 19, 2], 3111),
    ("dealer_callback_missed", [32, 1, 8, 1, 20, 2], 3197),
    ("hotline_a_answered", [46, 1, 9, 1, 33, 2], 4627),
    ("hotline_a_busy", [50, 1, 10, 1, 36, 2], 4781),
    ("hotline_a_hangup_in_prompt", [22, 1, 5, 1, 13, 2], 1951),
    ("hotline_a_hangup_while_ringing", [20, 1, 5, 1, 11, 2], 1768),
    ("hotline_a_noanswer", [49, 1, 10, 1, 35, 2], 4603),
    ("hotline_a_notfound", [49, 1, 10, 1, 35, 2], 4643),
    ("hotline_a_reject", [50, 1, 10, 1, 36, 2], 4783),
    ("inbound_session", [16, 0, 9, 3, 2, 1], 16),
];

#[test]
fn every_capture_in_one_piece() {
    let captures = all();
    assert_eq!(captures.len(), COUNTS.len());
    for (capture, (name, expected, expected_headers)) in captures.iter().zip(COUNTS) {
        assert_eq!(capture.name, *name);
        let mut counts = [0; 6];
        let mut headers = 0;
        for message in messages(&capture.switch_stream()) {
            counts[0] += 1;
            let kind = match message {
                Message::Connect(event) => {
                    assert_eq!(event.header("Reply-Text").unwrap(), "+OK\n");
                    assert_eq!(event.header("Control").unwrap(), "full");
                    headers += event.header_count();
                    1
                }
                Message::Reply(_) => 2,
                Message::Api(_) => 3,
                Message::Event(event) => {
                    let is_plain = event.header("Job-Command-Arg").is_none();
                    headers += if is_plain { event.header_count() } else { 0 };
                    4
                }
                Message::Disconnect(_) => 5,
                Message::AuthRequest | Message::RudeRejection => 0,
            };
            counts[kind] += usize::from(kind > 0);
        }
        assert_eq!((counts, headers), (*expected, *expected_headers), "{name}");
    }
}

#[test]
fn every_capture_byte_by_byte() {
    for capture in all() {
        let stream = capture.switch_stream();
        let mut codec = EslCodec::default();
        let mut buffer = BytesMut::new();
        let mut decoded = Vec::new();
        for byte in &stream {
            buffer.extend_from_slice(&[*byte]);
            decoded.extend(codec.decode(&mut buffer).unwrap());
        }
        assert_eq!(codec.decode_eof(&mut buffer).unwrap(), None);
        assert_eq!(decoded, messages(&stream), "{}", capture.name);
    }
}

/// A cut touches one frame alone, so each frame is cut at each of its bytes; what stays the same,
/// the frames around it, is the test in one piece.
#[test]
fn every_capture_cut_at_every_byte() {
    for capture in all() {
        let stream = Bytes::from(capture.switch_stream());
        let mut start = 0;
        for frame in frames(&stream) {
            let end = start + frame.head.len() + 2 + frame.body.as_ref().map_or(0, Bytes::len);
            for cut in start..end {
                let mut framer = Framer::new(FrameLimits::default());
                let mut buffer = BytesMut::from(&stream[start..cut]);
                assert_eq!(framer.next_frame(&mut buffer), Ok(None), "{} at {cut}", capture.name);
                buffer.extend_from_slice(&stream[cut..end]);
                let whole = framer.next_frame(&mut buffer).unwrap();
                assert_eq!(whole.as_ref(), Some(&frame), "{} at {cut}", capture.name);
                assert!(buffer.is_empty());
            }
            start = end;
        }
        assert_eq!(start, stream.len());
    }
}

#[test]
fn a_capture_that_stops_inside_a_frame_is_truncated() {
    let stream = all()[0].switch_stream();
    let mut buffer = BytesMut::from(&stream[..100]);
    let ended = EslCodec::default().decode_eof(&mut buffer);
    assert!(matches!(ended, Err(CodecError::Truncated { bytes: 100 })), "{ended:?}");
}

/// What the throw-away controller of the captures wrote is what this crate writes.
#[test]
fn every_captured_command_is_written_the_same() {
    let mut same = 0;
    for capture in all() {
        for step in &capture.steps {
            let Step::Controller(data) = step else { continue };
            for frame in frames(data) {
                let command = match Command::parse(&frame.head) {
                    Ok(command) => command,
                    Err(error) => {
                        // The session on port 8021 tries what this crate never sends.
                        assert_eq!(error, ParseError::MalformedCommand);
                        assert_eq!(capture.name, "inbound_session");
                        continue;
                    }
                };
                let mut written = BytesMut::new();
                command.encode(&mut written);
                let captured = String::from_utf8_lossy(&frame.head).into_owned() + "\n\n";
                // It wrote empty arguments too.
                assert_eq!(written, captured.replace("execute-app-arg: \n", ""));
                same += 1;
            }
        }
    }
    assert_eq!(same, 139);
}
