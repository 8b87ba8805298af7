use super::*;

fn cz() -> Country {
    "CZ".parse().unwrap()
}

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::from_e164(text).unwrap()
}

#[test]
fn one_phrase_is_one_path_and_several_are_a_chain() {
    let prompt = Prompt::clip(Language::Czech, Clip::EnterId);
    assert_eq!(prompt.chain("/s"), "/s/cs/enter-id.wav");
    let prompt = Prompt::clip(Language::English, Clip::WrongId).pause().then(Clip::EnterId);
    assert_eq!(
        prompt.chain("/s"),
        "file_string:///s/en/wrong-id.wav!silence_stream://400!/s/en/enter-id.wav"
    );
}

#[test]
fn a_number_is_read_in_groups_of_three() {
    let prompt = Prompt::new(Language::Czech).phone(&number("+420777000111"), cz());
    assert_eq!(
        prompt
            .chain("s")
            .replace("s/cs/number-", "")
            .replace(".wav", "")
            .replace("file_string://", ""),
        "7!7!7!silence_stream://250!0!0!0!silence_stream://250!1!1!1"
    );
    let prompt = Prompt::new(Language::Czech).phone(&number("+4930901820"), cz());
    assert!(prompt.chain("s").starts_with("file_string://s/cs/plus.wav!s/cs/number-4.wav"));
}

#[test]
fn numbers_in_words() {
    let words = |value| Prompt::new(Language::Czech).number(value).numbers().collect::<Vec<_>>();
    assert_eq!(words(0), [0]);
    assert_eq!(words(17), [17]);
    assert_eq!(words(20), [20]);
    assert_eq!(words(21), [20, 1]);
    assert_eq!(words(99), [90, 9]);
    assert_eq!(words(105), [1, 0, 5]);
}

#[test]
fn czech_plurals() {
    let noun = |count| missed_calls(Language::Czech, count).clips().last().unwrap();
    assert_eq!(noun(1), Clip::MissedCallsOne);
    for count in [2, 3, 4] {
        assert_eq!(noun(count), Clip::MissedCallsFew, "{count}");
    }
    for count in [0, 5, 11, 12, 22, 99] {
        assert_eq!(noun(count), Clip::MissedCallsMany, "{count}");
    }
}

#[test]
fn no_chain_is_longer_than_freeswitch_takes() {
    let numbers: Vec<PhoneNumber> =
        (0..99).map(|index| number(&format!("+4207770001{index:02}"))).collect();
    let entries = numbers.iter().enumerate().map(|(index, number)| {
        (PairingNumber::new(u16::try_from(index).unwrap() + 1).unwrap(), number)
    });
    let chunks = pairing_listing(Language::Czech, cz(), entries);
    assert!(chunks.iter().all(|chunk| chunk.len() <= MAX_PARTS - 10));
    let read = chunks.iter().flat_map(Prompt::clips).filter(|clip| *clip == Clip::ListingId);
    assert_eq!(read.count(), 99);
}

#[test]
fn debug_says_the_phrases_but_not_the_digits() {
    let prompt =
        Prompt::clip(Language::Czech, Clip::ListingNumber).phone(&number("+420777000111"), cz());
    assert_eq!(format!("{prompt:?}"), "cs listing-number");
}

#[test]
fn the_files_are_named_once() {
    let mut names: Vec<String> = files().collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(names.contains(&"number-90".to_owned()));
}
