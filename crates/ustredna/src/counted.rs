//! Numbers of things: `1 line`, `2 lines`.

/// With the noun in the singular: an `s` makes its plural.
pub(crate) fn counted<N: Copy + PartialEq + From<u8> + std::fmt::Display>(
    count: N,
    noun: &str,
) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        let told = [0_u32, 1, 2].map(|count| counted(count, "line"));
        assert_eq!(told, ["0 lines", "1 line", "2 lines"]);
    }
}
