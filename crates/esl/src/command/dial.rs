use std::fmt::{self, Write as _};

use super::value::{VarName, admitted, is_plain, is_word};
use super::{Arg, CommandError};

admitted! {
    /// A sofia gateway's name: `[A-Za-z0-9_.-]+`.
    Gateway, Gateway, |text| is_word(text, b"_.-")
}

admitted! {
    /// A number to dial: `+` or not, and 3 to 15 digits.
    Destination, Number, |text| {
        let digits = text.strip_prefix('+').unwrap_or(text);
        (3..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    }
}

admitted! {
    /// A value between a dial string's braces: `[A-Za-z0-9+_./-]*`. All else may be syntax there:
    /// `, | [ ] { } < > : = ' \ @ ; $` and spaces.
    DialValue, VariableValue, |text| is_plain(text, b"+_./-")
}

/// Whom `bridge` calls: `{name=value,…}sofia/gateway/<gateway>/<number>`. Admits, never escapes.
#[derive(Clone, PartialEq, Eq)]
pub struct DialString {
    variables: Vec<(VarName, DialValue)>,
    gateway: Gateway,
    destination: Destination,
}

impl DialString {
    /// A number behind a gateway.
    ///
    /// # Errors
    /// When either is not admitted.
    pub fn new(gateway: &str, destination: &str) -> Result<Self, CommandError> {
        let gateway = Gateway::new(gateway)?;
        Ok(Self { variables: Vec::new(), gateway, destination: Destination::new(destination)? })
    }

    /// Adds a variable of the new leg.
    ///
    /// # Errors
    /// When name or value is not admitted.
    pub fn variable(mut self, name: &str, value: &str) -> Result<Self, CommandError> {
        self.variables.push((VarName::new(name)?, DialValue::new(value)?));
        Ok(self)
    }

    /// As an argument of `bridge`.
    #[must_use]
    pub fn to_arg(&self) -> Arg {
        let mut text = String::new();
        for (place, (name, value)) in self.variables.iter().enumerate() {
            text.push(if place == 0 { '{' } else { ',' });
            // Writing into a String cannot fail.
            let _ = write!(text, "{}={}", name.as_str(), value.as_str());
        }
        if !self.variables.is_empty() {
            text.push('}');
        }
        let _ =
            write!(text, "sofia/gateway/{}/{}", self.gateway.as_str(), self.destination.as_str());
        Arg::of_admitted(text)
    }
}

impl fmt::Debug for DialString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gateway = self.gateway.as_str();
        write!(f, "DialString({gateway}, {} variables)", self.variables.len())
    }
}
