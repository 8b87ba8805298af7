//! Which of the encodings with a byte a letter a text is in, by how much it then reads like Czech.

/// Encodings that spreadsheets write, each with its letters from 0x80 on (`\0`: none). The first one is
/// read; a text that reads better in another would become rubbish, and nobody would be told.
const ENCODINGS: [(&str, &str); 3] = [
    ("Windows-1250", WINDOWS_1250),
    ("MS-DOS's (CP852), which Excel calls \"CSV (MS-DOS)\"", CP852),
    ("Macintosh's (Mac OS Central European), which Excel calls \"CSV (Macintosh)\"", MACINTOSH),
];

/// <https://www.unicode.org/Public/MAPPINGS/VENDORS/MICSFT/WINDOWS/CP1250.TXT>
const WINDOWS_1250: &str = "€\0‚\0„…†‡\0‰Š‹ŚŤŽŹ\0‘’“”•–—\0™š›śťžź\
    \u{a0}ˇ˘Ł¤Ą¦§¨©Ş«¬\u{ad}®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľż\
    ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢß\
    ŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙";

/// <https://www.unicode.org/Public/MAPPINGS/VENDORS/MICSFT/PC/CP852.TXT>
const CP852: &str = "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×č\
    áíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐\
    └┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀\
    ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}";

/// <https://www.unicode.org/Public/MAPPINGS/VENDORS/APPLE/CENTEURO.TXT>
const MACINTOSH: &str = "ÄĀāÉĄÖÜáąČäčĆćéŹźĎíďĒēĖóėôöõúĚěü\
    †°Ę£§•¶ß®©™ę¨≠ģĮįĪ≤≥īĶ∂∑łĻļĽľĹĺŅ\
    ņŃ¬√ńŇ∆«»…\u{a0}ňŐÕőŌ–—“”‘’÷◊ōŔŕŘ‹›řŖ\
    ŗŠ‚„šŚśÁŤťÍŽžŪÓÔūŮÚůŰűŲųÝýķŻŁżĢˇ";

/// The text in Windows-1250.
///
/// # Errors
/// With the name of the encoding that it is in instead, or `None` when it is in none of these.
pub(super) fn windows_1250(bytes: &[u8]) -> Result<String, Option<&'static str>> {
    let [own, others @ ..] = ENCODINGS;
    let text = decoded(bytes, own.1);
    let likeness = likeness(&text);
    let best = others
        .into_iter()
        .map(|(name, letters)| (self::likeness(&decoded(bytes, letters)), name))
        .max_by_key(|(likeness, _)| *likeness);
    match best {
        Some((other, name)) if other > likeness => Err(Some(name)),
        _ if text.contains(NONE) || is_foreign(&text) => Err(None),
        _ => Ok(text),
    }
}

/// What stands for a byte that means nothing.
const NONE: char = '\u{fffd}';

fn decoded(bytes: &[u8], letters: &str) -> String {
    let letters: Vec<char> = letters.chars().collect();
    let letter = |byte: &u8| match byte.checked_sub(0x80) {
        None => char::from(*byte),
        Some(place) => {
            letters.get(usize::from(place)).copied().filter(|c| *c != '\0').unwrap_or(NONE)
        }
    };
    bytes.iter().map(letter).collect()
}

fn words(text: &str) -> impl Iterator<Item = Vec<char>> {
    let words = text.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric());
    words.filter(|word| !word.is_ascii()).map(|word| {
        let letters: Vec<char> = word.chars().collect();
        // A preposition of one letter may well be tied to its word.
        match letters.as_slice() {
            [letter, '\u{a0}', rest @ ..] if letter.is_alphabetic() => rest.to_vec(),
            _ => letters,
        }
    })
}

/// How much the words with other letters than those of ASCII are like Czech.
fn likeness(text: &str) -> i32 {
    // `5 §` and the like are no words.
    let is_word = |word: &Vec<char>| word.len() > 1 && !word.iter().any(char::is_ascii_digit);
    words(text).filter(is_word).map(|word| of_word(&word)).sum()
}

fn of_word(word: &[char]) -> i32 {
    let at = |place: Option<usize>| place.and_then(|place| word.get(place)).copied();
    let letters: i32 = word
        .iter()
        .enumerate()
        .filter(|(_, c)| !c.is_ascii())
        .map(|(place, c)| of_letter(*c, at(place.checked_sub(1)), at(Some(place + 1))))
        .sum();
    letters + of_capitals(word)
}

/// A letter or sign, with what stands before and behind it.
fn of_letter(c: char, before: Option<char>, after: Option<char>) -> i32 {
    const VOWELS: &str = "aeiouyáéěíóúůý";
    let is = |c: Option<char>, letters: &str| c.is_some_and(|c| letters.contains(lower(c)));
    let small = lower(c);
    let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    match small {
        NONE => -4,
        'ě' if !is(before, "bdfmnptv") => -2,
        'á' | 'é' | 'ě' | 'í' | 'ó' | 'ú' | 'ů' | 'ý'
            if is(before, VOWELS) || is(after, VOWELS) =>
        {
            0
        }
        // Names seldom end so.
        'ě' if after.is_none() => 1,
        'ů' if before.is_none() || after.is_none() => 1,
        'ä' | 'ľ' | 'ĺ' | 'ô' | 'ŕ' => 1,
        _ if "áčďéěíňóřšťúůýžöü".contains(small) => 2,
        _ if "ąćęłńśźżőűß".contains(small) => 0,
        _ if c.is_alphabetic() => -1,
        '’' | '–' | '—' => 0,
        _ if letter(before) && (letter(after) || "‚†‡‰‹ˇ˘¤¦§¬¨¸…°˙µ".contains(c)) => {
            -2
        }
        _ => 0,
    }
}

/// `Čeněk` is a word, `čENěk` is none.
fn of_capitals(word: &[char]) -> i32 {
    let letters: Vec<char> = word.iter().copied().filter(|c| c.is_alphabetic()).collect();
    let Some((first, rest)) = letters.split_first() else { return 0 };
    let (small, capital) =
        (rest.iter().all(|c| !c.is_uppercase()), rest.iter().all(|c| !c.is_lowercase()));
    match (first.is_uppercase(), small, capital) {
        (true, true, _) | (true, _, true) => 1,
        (false, true, _) => 0,
        _ => -2,
    }
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// Words without a letter of ASCII, as no Czech text has two of: Cyrillic, or what else there may be.
fn is_foreign(text: &str) -> bool {
    let without = |word: &Vec<char>| {
        word.len() >= 4 && word.iter().all(|c| c.is_alphabetic() && !c.is_ascii())
    };
    let found: Vec<_> = words(text).filter(without).collect();
    found.len() > 1 || found.iter().any(|word| word.len() > 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the order of [`ENCODINGS`], as far as it has the letters.
    fn encoded(text: &str, encoding: usize) -> Option<Vec<u8>> {
        let letters: Vec<char> = ENCODINGS[encoding].1.chars().collect();
        let byte = |c: char| match u8::try_from(c) {
            Ok(byte) if byte < 0x80 => Some(byte),
            _ => letters
                .iter()
                .position(|letter| *letter == c)
                .and_then(|at| u8::try_from(0x80 + at).ok()),
        };
        text.chars().map(byte).collect()
    }

    /// One to a table: the hardest case.
    const NAMES: [&str; 60] = [
        "Jana Nováková",
        "Jiří Dvořák",
        "Karel Černý",
        "Dušek",
        "Řiha",
        "Jan Žižka",
        "Šťastný",
        "Čeněk",
        "Petřina",
        "Kučera",
        "Horák",
        "Pospíšil",
        "Hájek",
        "Král",
        "Růžička",
        "Beneš",
        "Sedláček",
        "Doležal",
        "Kolář",
        "Krejčí",
        "Navrátil",
        "Čermák",
        "Blažek",
        "Kříž",
        "Kovář",
        "Kratochvíl",
        "Bartoš",
        "Vlček",
        "Polák",
        "Šimek",
        "Konečný",
        "Štěpánek",
        "Dostál",
        "Vávra",
        "Říha",
        "Bláha",
        "Ševčík",
        "Hruška",
        "Pavlíček",
        "Čížek",
        "Ďurišová",
        "Ľudmila",
        "Müllerová",
        "Žofie",
        "příští týden",
        "křížů",
        "ŠKODA",
        "ČESKÁ SPOŘITELNA",
        "Ondřej",
        "Tomáš",
        "Lukáš",
        "Kateřina",
        "Anežka",
        "Košťál",
        "Šíp",
        "Žák",
        "Ústí nad Labem",
        "Děčín",
        "Škoda Praha",
        "Mladá Boleslav",
    ];

    #[test]
    fn a_single_name_tells_its_encoding() {
        for name in NAMES {
            for (encoding, (called, _)) in ENCODINGS.into_iter().enumerate() {
                let bytes = encoded(name, encoding).unwrap();
                match windows_1250(&bytes) {
                    Ok(read) => assert_eq!(read, name, "{called}"),
                    Err(other) => assert!(encoding > 0 && other.is_some(), "{name}: {called}"),
                }
            }
        }
    }

    #[test]
    fn what_windows_has_is_read() {
        for name in [
            "Müller",
            "Němec",
            "Vaněk",
            "Malý",
            "Novotný",
            "Sýkora",
            "Týn",
            "Škoda – Praha",
            "„Škoda“ Plzeň",
            "v\u{a0}Praze",
            "Jana\u{a0}Nováková",
            "O’Brien Řehoř",
            "5\u{a0}§",
            "Marií",
            "Wałęsa",
            "šíří",
        ] {
            let read = windows_1250(&encoded(name, 0).unwrap());
            assert_eq!(read.as_deref(), Ok(name));
        }
        // `Иван Петров` in Windows-1251.
        let cyrillic = b"\xc8\xe2\xe0\xed \xcf\xe5\xf2\xf0\xee\xe2";
        assert_eq!(windows_1250(cyrillic), Err(None));
        assert_eq!(windows_1250(b"\x81"), Err(None));
        assert!(ENCODINGS.iter().all(|(_, letters)| letters.chars().count() == 128));
    }
}
