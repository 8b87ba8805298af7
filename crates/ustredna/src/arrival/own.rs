//! Calls that come from the exchange itself: a phone that it rang, or somebody on the way there, is
//! forwarded to one of its numbers. Left alone they go round without end, or let a dealer into a hotline.

use std::borrow::Cow;

use exchange::{facts::Rules, number::PhoneNumber};

use super::written::{Written, entries};

/// Whom a call names beside its destination.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// Who is said to call, by each header that says so.
    pub(crate) callers: Vec<PhoneNumber>,
    /// Whose phones the call was forwarded by (RFC 5806's Diversion, RFC 7044's History-Info).
    pub(crate) forwarded_by: Vec<PhoneNumber>,
}

impl Named {
    /// Reads the headers, also those of a caller who does not want to be shown.
    pub(super) fn read<'a>(
        variable: impl Fn(&str) -> Option<Cow<'a, str>>,
        dialled: Option<&PhoneNumber>,
        rules: &Rules,
    ) -> Self {
        let numbers = |names: &[&str]| {
            let mut numbers = Vec::new();
            for value in names.iter().filter_map(|name| variable(name)) {
                let read = |written: &str| Written::read(written)?.number(rules.country);
                for number in entries(&value).into_iter().filter_map(read) {
                    if !numbers.contains(&number) {
                        numbers.push(number);
                    }
                }
            }
            numbers
        };
        let callers = numbers(&[
            "sip_full_from",
            "sip_from_user",
            "sip_P-Asserted-Identity",
            "sip_Remote-Party-ID",
        ]);
        let mut forwarded_by = numbers(&["sip_h_Diversion", "sip_history_info"]);
        // Where carriers say in a history that a call has come to where it comes.
        forwarded_by.retain(|number| Some(number) != dialled);
        Self { callers, forwarded_by }
    }

    /// Whether one of the hotlines is said to call or to have forwarded the call. None of them does
    /// either but by way of a phone that the exchange has rung.
    pub(crate) fn a_hotline(&self, rules: &Rules) -> bool {
        self.callers.iter().chain(&self.forwarded_by).any(|number| rules.is_hotline(number))
    }
}
