//! Names, projects and notes, as they are typed or stand in a table: one rule for both.

/// Marks of direction, line separators, joints without width, soft hyphens: they come along when text
/// is copied, and some of them turn the rest of a line around.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// What was written: without what cannot be seen, with plain spaces, and without those at its ends.
/// Control characters stay, to be refused.
pub(super) fn visible(text: &str) -> String {
    let space = |c: char| if c.is_whitespace() && !c.is_control() { ' ' } else { c };
    let plain: String = text.chars().filter(|c| !is_invisible(*c)).map(space).collect();
    plain.trim().to_owned()
}

/// Reads an option.
///
/// # Errors
/// When nothing is to be seen of it, or it has control characters.
pub(super) fn option(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("it has a tab, a line break or another control character".to_owned());
    }
    match visible(text) {
        text if text.is_empty() => Err("nothing is written there".to_owned()),
        text => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kept_as_it_reads() {
        for kept in ["Škoda – Praha", "Jana Nováková—Malá", "O’Brien", "👩\u{200d}🔧"]
        {
            assert_eq!(option(kept).as_deref(), Ok(kept));
        }
        assert_eq!(option(" Jana\u{a0}Nová\u{202e} ").as_deref(), Ok("Jana Nová"));
        for refused in ["", " ", "\u{202e}", "a\nb", "\u{1b}[2J", "a\u{9b}b"] {
            assert!(option(refused).is_err(), "{refused:?}");
        }
    }
}
