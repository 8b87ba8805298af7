//! Names, projects and notes, wherever they are written: one rule for commands, tables, settings and
//! what is shown of them.

use unicode_normalization::UnicodeNormalization as _;

/// Marks of direction, line separators, joints without width, soft hyphens, letters without a shape: they
/// come along when text is copied, and some of them turn the rest of a line around.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}

/// What was written: without what cannot be seen, with plain spaces, without those at its ends, and each
/// letter with its accent as one (Macintosh takes them apart). Control characters stay, to be refused.
pub(crate) fn visible(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().filter(|c| !is_invisible(*c)).nfc().peekable();
    while let Some(c) = rest.next() {
        if is_joint(c) && !(joins(plain.chars().last()) && joins(rest.peek().copied())) {
            continue;
        }
        plain.push(if c.is_whitespace() && !c.is_control() { ' ' } else { c });
    }
    plain.nfc().collect::<String>().trim().to_owned()
}

fn is_joint(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Whether a joint beside it may mean something: in emoji and some scripts of Asia, never in ours.
fn joins(c: Option<char>) -> bool {
    c.is_some_and(|c| c > '\u{590}' && !is_joint(c))
}

/// Reads a name, a project or a note.
///
/// # Errors
/// When nothing is to be seen of it, or it has control characters.
pub(crate) fn read(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("it has a tab, a line break or another control character".to_owned());
    }
    match visible(text) {
        text if text.is_empty() => Err("nothing is written there".to_owned()),
        text => Ok(text),
    }
}

/// Names, notes, settings and a provider's answers are other people's: a control character in one would
/// steer the terminal, a mark of direction turn the numbers beside it around.
pub(crate) fn printable(text: &str) -> String {
    let harmful = |c: char| c.is_control() || is_invisible(c);
    text.chars().map(|c| if harmful(c) { '\u{fffd}' } else { c }).collect()
}

/// The same of several lines.
pub(crate) fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kept_as_it_reads() {
        for kept in ["Škoda – Praha", "Jana Nováková—Malá", "O’Brien", "👩\u{200d}🔧"]
        {
            assert_eq!(read(kept).as_deref(), Ok(kept));
        }
        assert_eq!(read(" Jana\u{a0}Nová\u{202e} ").as_deref(), Ok("Jana Nová"));
        assert_eq!(read("S\u{30c}koda\u{200d}\u{200c}").as_deref(), Ok("Škoda"));
        assert_eq!(read("Ba\u{ad}n\u{200c}ky").as_deref(), Ok("Banky"));
        for refused in
            ["", " ", "\u{202e}", "\u{200d}", "\u{3164}", "a\nb", "\u{1b}[2J", "a\u{9b}b"]
        {
            assert!(read(refused).is_err(), "{refused:?}");
        }
    }

    proptest::proptest! {
        /// What was read once is read the same again, so that a table imported twice changes nothing.
        #[test]
        fn is_read_the_same_again(text in "\\PC*|[\u{0}-\u{ff}\u{2000}-\u{206f}🔧S\u{30c}]*") {
            match read(&text) {
                Ok(kept) => {
                    assert_eq!(read(&kept).as_ref(), Ok(&kept));
                    assert_eq!(printable(&kept), kept);
                }
                Err(why) => assert!(!why.contains('`'), "{why}"),
            }
        }
    }
}
