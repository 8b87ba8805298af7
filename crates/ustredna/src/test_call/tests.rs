use secrecy::SecretString;

use super::*;

#[test]
fn a_token_is_good_for_two_minutes_and_for_who_knows_the_password() {
    let (password, other) = (SecretString::from("secret"), SecretString::from("another"));
    let now: jiff::Timestamp = "2026-11-27T10:00:00Z".parse().unwrap();
    let token = Token::new(&password, now);
    let read = |text: &str, password, seconds: i64| {
        Token::read(text, password, now + jiff::SignedDuration::from_secs(seconds)).is_some()
    };
    let text = token.as_str();
    assert!(read(text, &password, 0) && read(text, &password, 120) && read(text, &password, -120));
    assert!(!read(text, &password, 121) && !read(text, &password, -121));
    assert!(!read(text, &other, 0));
    for index in 0..text.len() {
        let mut changed = text.to_owned();
        let digit = if &text[index..=index] == "0" { "1" } else { "0" };
        changed.replace_range(index..=index, digit);
        assert!(!read(&changed, &password, 0), "digit {index}");
    }
    for text in ["", "0", &text[1..], &text.to_uppercase(), &"ž".repeat(32), &format!("{text}0")] {
        assert!(!read(text, &password, 0), "{text}");
    }
    assert_ne!(Token::new(&password, now), token, "no two are alike");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_good_once_and_few_are_tested_at_a_time() {
    let tests = Tests::default();
    assert!(tests.begin("a") && !tests.begin("a"));
    assert_eq!(tests.report("a"), Some(Report::default()));
    assert_eq!(tests.report("b"), None);
    let done = Report { done: true, problem: None, seconds: 3.0 };
    tests.end("a", done.clone());
    assert_eq!(tests.report("a"), Some(done));
    assert!((1..AT_ONCE).all(|index| tests.begin(&index.to_string())));
    assert!(!tests.begin("one too many"));
    tokio::time::advance(KEPT).await;
    assert!(tests.begin("later") && tests.report("a").is_none());
}
