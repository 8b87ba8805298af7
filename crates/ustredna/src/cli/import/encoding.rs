//! From the bytes of a table to its text: spreadsheets write several encodings.

mod letters;

use anyhow::bail;

/// The text of a table, with every line break as `\n`, and what it was written in.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) encoding: &'static str,
}

/// Begins of files that are no text, and what they are.
const NO_TEXT: [(&[u8], &str); 5] = [
    (b"PK\x03\x04", "a workbook (Excel or LibreOffice)"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a compressed file"),
    (b"SQLite format 3\0", "a database"),
];

/// Reads UTF-8, UTF-16 and Windows-1250.
///
/// # Errors
/// When it is something else, with what to do.
pub(super) fn decode(bytes: &[u8]) -> anyhow::Result<Decoded> {
    const SAVE: &str = "save the table as \"CSV UTF-8\"";
    if let Some((_, what)) = NO_TEXT.iter().find(|(begin, _)| bytes.starts_with(begin)) {
        bail!("this is {what}, not a table of text: {SAVE}");
    }
    let (text, encoding) = if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        (std::str::from_utf8(rest).ok().map(str::to_owned), "UTF-8")
    } else if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        (utf16(rest, u16::from_le_bytes), "UTF-16")
    } else if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        (utf16(rest, u16::from_be_bytes), "UTF-16")
    } else if let Ok(text) = std::str::from_utf8(bytes)
        && !text.contains('\0')
    {
        (Some(text.to_owned()), "UTF-8")
    } else if bytes.iter().take(2).any(|byte| *byte == 0) {
        // The header is ASCII: in UTF-16 each second byte of it is zero.
        let little = bytes.first() != Some(&0);
        let unit = if little { u16::from_le_bytes } else { u16::from_be_bytes };
        (utf16(bytes, unit), "UTF-16")
    } else if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        let line = bytes.iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
        bail!("line {line} has a character with the code 0, which no table has: {SAVE}");
    } else {
        match letters::windows_1250(bytes) {
            Err(Some(other)) => bail!("it is not UTF-8; its letters are {other}: {SAVE}"),
            Err(None) => bail!("it is neither UTF-8 nor Windows-1250: {SAVE}"),
            Ok(_) if is_ambiguous(bytes) => {
                bail!("it is not UTF-8, and may be Windows-1250 or ISO 8859-2: {SAVE}")
            }
            Ok(text) => (Some(text), "Windows-1250"),
        }
    };
    match text {
        Some(text) if !text.contains('\0') => {
            Ok(Decoded { text: text.replace("\r\n", "\n").replace('\r', "\n"), encoding })
        }
        Some(_) | None => bail!("it is not {encoding}: {SAVE}"),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text =
        String::from_utf16(&units.iter().map(|pair| unit(*pair)).collect::<Vec<_>>()).ok()?;
    rest.is_empty().then_some(text)
}

/// Š, š, Ž, ž, Ť and ť have other places in ISO 8859-2, where Windows-1250 has signs that no table
/// needs, and the Slovak ľ. The places below 0xA0 ISO 8859-2 has no letters in.
fn is_ambiguous(bytes: &[u8]) -> bool {
    let windows = bytes.iter().any(|byte| (0x80..0xa0).contains(byte));
    let either = [0xa9, 0xb9, 0xae, 0xbe, 0xab, 0xbb];
    !windows && bytes.iter().any(|byte| either.contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_of_spreadsheets_is_read() {
        let text = "telefon;jméno\r\n601123456;Žofie Šťastná\r";
        let expected = "telefon;jméno\n601123456;Žofie Šťastná\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), "UTF-8"),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), "UTF-8"),
            ([b"\xff\xfe".to_vec(), little.clone()].concat(), "UTF-16"),
            ([b"\xfe\xff".to_vec(), big.clone()].concat(), "UTF-16"),
            (little, "UTF-16"),
            (big, "UTF-16"),
            (b"telefon;jm\xe9no\r\n601123456;\x8eofie \x8a\x9dastn\xe1\r".to_vec(), "Windows-1250"),
        ] {
            let decoded = decode(&bytes).unwrap();
            assert_eq!((decoded.text.as_str(), decoded.encoding), (expected, encoding));
        }
    }

    #[test]
    fn what_cannot_be_told_is_named() {
        let error = |bytes: &[u8]| decode(bytes).unwrap_err().to_string();
        assert!(error(b"jm\xe9no \xaeofie").contains("Windows-1250 or ISO 8859-2"));
        // `Jana Nováková`, `Jiří` in CP852; and of a Macintosh.
        for other in [b"1;Jana Nov\xa0kov\xa0;".as_slice(), b"Ji\xfd\xa1"] {
            assert!(error(other).contains("CSV (MS-DOS)"), "{}", error(other));
        }
        for other in
            [b"Jana Nov\x87kov\x87".as_slice(), b"Ji\xde\x92 \x89ern\xf9 \xe1koda Du\x8bek"]
        {
            assert!(error(other).contains("CSV (Macintosh)"), "{}", error(other));
        }
        assert!(decode(b"v\xa0Praze \x84\x8aafr\x93 O\x92Brien 5\xa0\xa7").is_ok());
        assert!(error(b"PK\x03\x04...").contains("workbook"));
        assert!(error(b"\xff\xfea").contains("not UTF-16"));
        assert!(error(b"shopper_phone\n6011\x0023456").contains("line 2"));
        assert!(error(b"\x81").contains("neither UTF-8 nor Windows-1250"));
        assert!(error(b"\xef\xbb\xbf\xff").contains("not UTF-8"));
    }
}
