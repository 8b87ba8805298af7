use proptest::prelude::*;

use super::*;

fn block(text: &str) -> Result<Vec<(&str, &str)>, ParseError> {
    let slice = |(start, end): (u32, u32)| &text[start as usize..end as usize];
    let spans = header_block(text.as_bytes(), 4)?;
    Ok(spans.into_iter().map(|span| (slice(span.name), slice(span.value))).collect())
}

#[test]
fn header_blocks() {
    for (text, headers) in [
        ("", vec![]),
        ("A: 1", vec![("A", "1")]),
        ("A: 1\n", vec![("A", "1")]),
        ("A:1\nB:  2", vec![("A", "1"), ("B", " 2")]),
        ("A: \nB:\nC: 3", vec![("A", ""), ("B", ""), ("C", "3")]),
        ("Channel-Name: sofia/trunk/1@h:5070", vec![("Channel-Name", "sofia/trunk/1@h:5070")]),
        ("A: 1\nA: 2", vec![("A", "1"), ("A", "2")]),
    ] {
        assert_eq!(block(text), Ok(headers), "{text:?}");
    }
    for (text, at) in [("A", 0), (": 1", 0), ("A: 1\nB\nC: 3", 5), ("A: 1\n\nB: 2", 5)] {
        assert_eq!(block(text), Err(ParseError::MalformedHeader { at }), "{text:?}");
    }
    assert_eq!(block("A: 1\nB: 2\nC: 3\nD: 4\n").unwrap().len(), 4);
    assert_eq!(block("A: 1\nB: 2\nC: 3\nD: 4\nE: 5"), Err(ParseError::TooManyHeaders { limit: 4 }));
}

#[test]
fn content_types() {
    assert_eq!(content_type(b"text/event-plain"), Ok(ContentType::EventPlain));
    assert_eq!(content_type(b" Text/Event-JSON "), Ok(ContentType::EventJson));
    for unknown in ["log/data", "text/event-xml", "text/event-plainer", ""] {
        assert_eq!(content_type(unknown.as_bytes()), Err(ParseError::UnknownContentType));
    }
}

#[test]
fn outcomes() {
    for (text, expected) in [
        ("+OK", (true, "")),
        ("+OK will linger 10 seconds", (true, "will linger 10 seconds")),
        ("-ERR command not found", (false, "command not found")),
        ("-USAGE: <uuid> <var>\n", (false, "<uuid> <var>")),
        ("true", (true, "true")),
        ("", (true, "")),
    ] {
        assert_eq!(outcome(text), expected, "{text:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in ".*") {
        if let Ok(spans) = header_block(&bytes, 4) {
            prop_assert!(spans.len() <= 4);
        }
        let _ = (content_length(&bytes), number(&bytes), content_type(&bytes));
        let _ = (outcome(&text), command(&text));
    }
}
