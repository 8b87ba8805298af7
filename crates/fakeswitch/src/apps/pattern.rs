//! The little of regular expressions that patterns of digits need.

/// Whether a part of the text matches: anchors, `.`, `[…]`, literal characters, and after each
/// `*`, `+`, `?` or `{n,m}`. Anything else never matches.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (anchored, pattern) = match pattern.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let Some(atoms) = parse(pattern) else { return false };
    let starts = if anchored { 0..=0 } else { 0..=text.len() };
    starts.into_iter().any(|start| text.get(start..).is_some_and(|text| here(&atoms, text)))
}

struct Atom {
    set: Set,
    min: usize,
    max: usize,
}

enum Set {
    Any,
    /// Ranges, perhaps all but these.
    Of(Vec<(char, char)>, bool),
    End,
}

fn here(atoms: &[Atom], text: &[char]) -> bool {
    let Some((atom, rest)) = atoms.split_first() else { return true };
    if matches!(atom.set, Set::End) {
        return text.is_empty();
    }
    let fits = |character: &&char| match &atom.set {
        Set::Any => true,
        Set::Of(ranges, not) => {
            ranges.iter().any(|(low, high)| (*low..=*high).contains(*character)) != *not
        }
        Set::End => false,
    };
    let most = text.iter().take(atom.max).take_while(fits).count();
    (atom.min..=most).rev().any(|count| text.get(count..).is_some_and(|text| here(rest, text)))
}

fn parse(pattern: &str) -> Option<Vec<Atom>> {
    let mut atoms: Vec<Atom> = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let tail = &rest[first.len_utf8()..];
        let (set, behind) = match first {
            '[' => {
                let (inside, behind) = tail.split_once(']')?;
                (class(inside), behind)
            }
            '.' => (Set::Any, tail),
            '$' if tail.is_empty() => (Set::End, tail),
            '(' | ')' | '|' | '\\' | '^' | '$' | '*' | '+' | '?' | '{' => return None,
            literal => (Set::Of(vec![(literal, literal)], false), tail),
        };
        let (min, max, behind) = quantifier(behind)?;
        atoms.push(Atom { set, min, max });
        rest = behind;
    }
    Some(atoms)
}

fn class(inside: &str) -> Set {
    let (not, inside) = match inside.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, inside),
    };
    let mut ranges = Vec::new();
    let mut characters = inside.chars();
    while let Some(low) = characters.next() {
        let high = characters.as_str().strip_prefix('-').and_then(|behind| behind.chars().next());
        if high.is_some() {
            characters.next();
            characters.next();
        }
        ranges.push((low, high.unwrap_or(low)));
    }
    Set::Of(ranges, not)
}

fn quantifier(text: &str) -> Option<(usize, usize, &str)> {
    if let Some(rest) = text.strip_prefix('*') {
        return Some((0, usize::MAX, rest));
    }
    if let Some(rest) = text.strip_prefix('+') {
        return Some((1, usize::MAX, rest));
    }
    if let Some(rest) = text.strip_prefix('?') {
        return Some((0, 1, rest));
    }
    let Some(rest) = text.strip_prefix('{') else { return Some((1, 1, text)) };
    let (inside, rest) = rest.split_once('}')?;
    let (min, max) = match inside.split_once(',') {
        None => (inside.parse().ok()?, inside.parse().ok()?),
        Some((min, "")) => (min.parse().ok()?, usize::MAX),
        Some((min, max)) => (min.parse().ok()?, max.parse().ok()?),
    };
    Some((min, max, rest))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn finds_what_patterns_of_digits_ask_for() {
        assert!(matches("[0-9]+", "12"));
        assert!(matches("^[0-9]+$", "12"));
        assert!(!matches("^[0-9]+$", "1*"));
        assert!(matches("[0-9]+", "*1"));
        assert!(matches("^[0-9]*$", ""));
        assert!(matches("^[12]{2,3}$", "121"));
        assert!(!matches("^[12]{2,3}$", "1"));
        assert!(matches("^[^*#]?.$", "12"));
        assert!(!matches("^5", "45"));
        assert!(!matches("\\d+", "45"));
    }
}
