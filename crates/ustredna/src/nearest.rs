//! "Did you mean": what somebody who mistyped a word had in mind.

/// The one of the candidates that differs from `given` least, if it differs by little: in one
/// character of three at most, or by its end alone (`warning`, `warn`).
pub(crate) fn nearest<'a>(
    given: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let given = given.to_lowercase();
    let bound = (given.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&given, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            let length = candidate.chars().count();
            let begins = length >= 3 && given.starts_with(&candidate.to_lowercase());
            begins || (*distance <= bound && *distance < length)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_that_was_meant_is_found() {
        let words = ["country", "language", "timezone"];
        assert_eq!(nearest("countri", words), Some("country"));
        assert_eq!(nearest("TIMEZONE", words), Some("timezone"));
        assert_eq!(nearest("tiemzone", words), Some("timezone"), "two keys in each other's place");
        assert_eq!(nearest("colour", words), None);
        assert_eq!(nearest("languages_of", words), Some("language"));
        assert_eq!(nearest("", words), None);
        assert_eq!(nearest("x", ["y"]), None, "one letter is as good as another");
        assert_eq!(nearest("601123457", ["601123456", "602654321"]), Some("601123456"));
    }
}
