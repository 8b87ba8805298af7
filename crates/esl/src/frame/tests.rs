use proptest::prelude::*;

use super::*;

const SMALL: FrameLimits = FrameLimits { header_block: 64, headers: 3, body: 10 };

fn read(text: &str) -> Result<Vec<(String, Option<String>)>, FrameError> {
    let mut framer = Framer::new(SMALL);
    let mut buffer = BytesMut::from(text);
    let mut whole = Vec::new();
    while let Some(Frame { head, body }) = framer.next_frame(&mut buffer)? {
        let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        whole.push((text(head), body.map(text)));
    }
    Ok(whole)
}

#[test]
fn known_answers() {
    let one = |head: &str, body: Option<&str>| vec![(head.to_owned(), body.map(str::to_owned))];
    for (text, frames) in [
        ("A: 1\n\n", one("A: 1", None)),
        ("A: 1\nB: 2\n\n", one("A: 1\nB: 2", None)),
        ("Content-Length: 3\n\nabc", one("Content-Length: 3", Some("abc"))),
        ("content-length:3\n\nabc", one("content-length:3", Some("abc"))),
        ("CONTENT-LENGTH : \t3 \n\nabc", one("CONTENT-LENGTH : \t3 ", Some("abc"))),
        ("Content-Length: 0\n\n", one("Content-Length: 0", Some(""))),
        ("X-Content-Length: 9\n\n", one("X-Content-Length: 9", None)),
        // A body may look like a frame.
        ("Content-Length: 6\n\nA: 1\n\n", one("Content-Length: 6", Some("A: 1\n\n"))),
        // Newlines that a reply's text brought along.
        ("\n\n\nA: 1\n\n\n", one("A: 1", None)),
        // Not whole yet.
        ("", vec![]),
        ("\n", vec![]),
        ("A: 1\n", vec![]),
        ("Content-Length: 3\n\nab", vec![]),
    ] {
        assert_eq!(read(text), Ok(frames), "{text:?}");
    }
}

#[test]
fn violations() {
    let long = format!("A: {}", "x".repeat(62));
    let longest = format!("A: {}", "x".repeat(61));
    let too_long = FrameError::HeaderBlockTooLarge { limit: 64 };
    let large = FrameError::BodyTooLarge { limit: 10 };
    let many = FrameError::TooManyHeaders { limit: 3 };
    for (text, error) in [
        ("Content-Length: x\n\n", FrameError::BadContentLength),
        ("Content-Length: -1\n\n", FrameError::BadContentLength),
        ("Content-Length:\n\n", FrameError::BadContentLength),
        ("Content-Length: 1 2\n\n", FrameError::BadContentLength),
        ("Content-Length: 1\ncontent-length: 1\n\n", FrameError::RepeatedContentLength),
        ("Content-Length: 11\n\n", large),
        ("Content-Length: 99999999999999999999999\n\n", large),
        ("A: 1\nB: 2\nC: 3\nD: 4\n\n", many),
        (&format!("{long}\n\n"), too_long),
        // Without its end: what has come is too long whatever follows.
        (&format!("{long}\n"), too_long),
    ] {
        assert_eq!(read(text), Err(error), "{text:?}");
    }
    assert_eq!(read(&format!("{longest}\n\n")).unwrap().len(), 1);
    assert_eq!(read("A: 1\nB: 2\nContent-Length: 10\n\n0123456789").unwrap().len(), 1);
}

#[test]
fn an_error_stays() {
    let mut framer = Framer::new(SMALL);
    let mut buffer = BytesMut::from("Content-Length: 11\n\nA: 1\n\n");
    for _ in 0..2 {
        let error = framer.next_frame(&mut buffer).unwrap_err();
        assert_eq!(error, FrameError::BodyTooLarge { limit: 10 });
    }
}

#[test]
fn frames_share_the_buffer() {
    let mut buffer = BytesMut::from("Content-Length: 3\n\nabc");
    let read_into = buffer.as_ptr();
    let frame = Framer::new(SMALL).next_frame(&mut buffer).unwrap().unwrap();
    assert_eq!(frame.head.as_ptr(), read_into, "no copy");
    assert_eq!(format!("{frame:?}"), "Frame { head_bytes: 17, body_bytes: Some(3) }");
}

proptest! {
    #[test]
    fn any_bytes_cut_anywhere(
        stream in proptest::collection::vec(
            prop_oneof![
                4 => Just(b"\n".to_vec()),
                2 => Just(b"Content-Length: ".to_vec()),
                2 => "[0-9]{1,2}".prop_map(String::into_bytes),
                3 => proptest::collection::vec(any::<u8>(), 0..20),
            ], 0..40).prop_map(|parts| parts.concat()),
        cuts in proptest::collection::vec(1_usize..9, 1..20),
    ) {
        let run = |cuts: &[usize]| {
            let mut framer = Framer::new(SMALL);
            let mut buffer = BytesMut::new();
            let mut whole = Vec::new();
            let mut rest = stream.as_slice();
            for &cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                rest = later;
                buffer.extend_from_slice(now);
                loop {
                    match framer.next_frame(&mut buffer) {
                        Ok(Some(frame)) => {
                            let body = frame.body.as_ref().map_or(0, Bytes::len);
                            assert!(frame.head.len() <= SMALL.header_block && body <= SMALL.body);
                            whole.push(frame);
                        }
                        Ok(None) => break,
                        Err(error) => return (whole, Some(error)),
                    }
                }
                // What is kept is less than a whole frame.
                assert!(buffer.len() <= SMALL.header_block + 2 + SMALL.body);
                if rest.is_empty() {
                    break;
                }
            }
            (whole, None)
        };
        prop_assert_eq!(run(&cuts), run(&[usize::MAX >> 1]));
    }
}
