//! Dial strings: `{name=value,…}sofia/gateway/NAME/NUMBER`.

/// One of them, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DialString {
    /// The variables of `{…}` and `[…]`, in order.
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) endpoint: Endpoint,
}

/// Whom it reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Gateway {
        name: String,
        number: String,
    },
    /// `sofia/PROFILE/NUMBER@HOST`, an endpoint that is not loaded, or a list of several.
    Other,
}

impl DialString {
    pub(crate) fn parse(text: &str) -> Self {
        let mut variables = Vec::new();
        let mut rest = text.trim();
        for (open, close) in [('{', '}'), ('[', ']')] {
            while let Some((inside, behind)) =
                rest.strip_prefix(open).and_then(|rest| rest.split_once(close))
            {
                variables.extend(pairs(inside));
                rest = behind.trim_start();
            }
        }
        let endpoint = match rest.strip_prefix("sofia/gateway/").and_then(|to| to.split_once('/')) {
            Some((name, number)) if !number.contains([',', '|']) => {
                Endpoint::Gateway { name: name.to_owned(), number: number.to_owned() }
            }
            Some(_) | None => Endpoint::Other,
        };
        Self { variables, endpoint }
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .iter()
            .rev()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// `name=value` separated by commas; in single quotes a comma is part of the value.
fn pairs(inside: &str) -> Vec<(String, String)> {
    let mut quoted = false;
    inside
        .split(|character| {
            quoted ^= character == '\'';
            character == ',' && !quoted
        })
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim_matches('\'').to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{DialString, Endpoint};

    #[test]
    fn takes_a_dial_string_apart() {
        let dial = DialString::parse(
            "{origination_uuid=U,execute_on_answer='record_session a,b'}[x=1]sofia/gateway/carrier/+420234567890",
        );
        assert_eq!(dial.variable("origination_uuid"), Some("U"));
        assert_eq!(dial.variable("execute_on_answer"), Some("record_session a,b"));
        assert_eq!(dial.variable("x"), Some("1"));
        let Endpoint::Gateway { name, number } = dial.endpoint else { panic!("no gateway") };
        assert_eq!((name.as_str(), number.as_str()), ("carrier", "+420234567890"));
        assert_eq!(DialString::parse("user/1000").endpoint, Endpoint::Other);
    }
}
