//! A channel's variables, in the order in which events list them.

/// Names with values. Setting a variable moves it to the end: `switch_channel_set_variable`
/// deletes the old one first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variables(Vec<(String, String)>);

impl Variables {
    /// Sets a variable. An empty value unsets it.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.unset(name);
        if !value.is_empty() {
            self.0.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Names are found whatever their case.
    pub(crate) fn unset(&mut self, name: &str) {
        if let Some(at) = self.0.iter().position(|(known, _)| known.eq_ignore_ascii_case(name)) {
            self.0.remove(at);
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// `switch_true`.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(is_true)
    }

    pub(crate) fn as_slice(&self) -> &[(String, String)] {
        &self.0
    }

    /// `${name}` in an application's argument. What is not closed stays as it is, and so does
    /// `${api(…)}`: `api-expansion` is off, and FreeSWITCH then says so in its place.
    pub(crate) fn expand(&self, text: &str) -> String {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, behind)) = after.split_once('}') else { break };
            expanded.push_str(before);
            if name.contains('(') {
                expanded.push_str("<API Execute Permission Denied>");
            } else {
                expanded.push_str(self.get(name).unwrap_or_default());
            }
            rest = behind;
        }
        expanded.push_str(rest);
        expanded
    }
}

/// What FreeSWITCH takes for a yes.
pub(crate) fn is_true(value: &str) -> bool {
    ["yes", "on", "true", "t", "enabled", "active", "allow"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word))
        || value.parse::<i64>().is_ok_and(|number| number != 0)
}
