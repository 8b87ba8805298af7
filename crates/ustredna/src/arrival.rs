//! Who calls whom, as the reply to `connect` tells.

mod dialled;
mod own;
mod written;

use std::borrow::Cow;

use esl::Event;
use exchange::{
    facts::Rules,
    model::{CallId, Service},
    number::PhoneNumber,
};

pub(crate) use dialled::DialledIn;
use own::Named;
use tracing::{info, warn};
use written::Written;

/// A call that has just come in.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// The channel's UUID.
    pub(crate) call: CallId,
    /// Which service, by the number dialled; `None` when that is no number of any plan.
    pub(crate) dialled: Option<(Service, PhoneNumber)>,
    /// Who calls; `None` when withheld or not a number that could be called back.
    pub(crate) caller: Option<PhoneNumber>,
    /// Whether the caller has been answered already: after another controller's death.
    pub(crate) answered: bool,
    /// Whom its headers name.
    pub(crate) named: Named,
    /// The number dialled is not where the settings say.
    astray: Option<Astray>,
}

/// Where the number dialled should be, and where others are.
#[derive(Debug)]
struct Astray {
    wanted: DialledIn,
    others: Vec<DialledIn>,
}

impl Arrival {
    /// Reads the channel's data. `None`: it names no channel.
    pub(crate) fn read(event: &Event, rules: &Rules, dialled_in: DialledIn) -> Option<Self> {
        let call = CallId(event.unique_id()?.as_uuid());
        let hidden = event.header("Caller-Privacy-Hide-Number").is_some_and(|hide| hide == "true");
        let answered = event.header("Answer-State").is_some_and(|state| state == "answered");
        let arrival = Self::of(call, hidden, rules, dialled_in, |name| event.variable(name));
        Some(Self { answered, ..arrival })
    }

    /// Tells in the log that the number dialled was not where the settings say.
    pub(crate) fn tell(&self) {
        let Some(Astray { wanted, others }) = &self.astray else { return };
        let others: Vec<String> = others.iter().map(ToString::to_string).collect();
        let others = others.join(", ");
        if self.dialled.is_some() {
            info!(%wanted, others, "no number in switch.dialled_in: the request URI counts");
        } else {
            warn!(
                %wanted,
                others,
                "refused (404): no number in switch.dialled_in; `others` are where the call has one"
            );
        }
    }

    /// The same from a channel's variables, wherever they are written.
    pub(crate) fn of<'a>(
        call: CallId,
        hidden: bool,
        rules: &Rules,
        dialled_in: DialledIn,
        variable: impl Fn(&str) -> Option<Cow<'a, str>>,
    ) -> Self {
        let mut astray = None;
        let number = dialled_in.number(&variable, rules.country).or_else(|| {
            let others = dialled_in.others(&variable, rules.country);
            astray = Some(Astray { wanted: dialled_in, others });
            // A call that was not forwarded has no Diversion, for one.
            DialledIn::RequestUri.number(&variable, rules.country)
        });
        let dialled = number.map(|number| {
            let service = if number == rules.outbound_hotline {
                Service::OutboundHotline
            } else if number == rules.callback_hotline {
                Service::CallbackHotline
            } else {
                Service::FictitiousNumber
            };
            (service, number)
        });
        let named = Named::read(&variable, dialled.as_ref().map(|(_, number)| number), rules);
        let withheld = hidden || withheld(&variable);
        let caller = if withheld { None } else { caller(&variable, rules) };
        Self { call, dialled, caller, answered: false, named, astray }
    }
}

/// The caller's number: what the carrier asserts (RFC 3325) before what the phone claims. Calls
/// come from the carrier's addresses only (`apply-inbound-acl`), so both are the carrier's word.
/// The caller profile's number is not used: FreeSWITCH overrides it by headers of its own choice.
fn caller<'a>(
    variable: impl Fn(&str) -> Option<Cow<'a, str>>,
    rules: &Rules,
) -> Option<PhoneNumber> {
    let number = |name: &str| {
        variable(name).and_then(|written| Written::read(&written)?.number(rules.country))
    };
    // Some carriers assert an account's name, and the number stands in From alone. Of a `tel:` URI
    // only the whole header holds the parameters.
    number("sip_P-Asserted-Identity")
        .or_else(|| number("sip_full_from"))
        .or_else(|| number("sip_from_user"))
}

/// RFC 3323's `Privacy: id` and its kin, RFC 3325's anonymous From, or the caller profile's flag.
/// A network that asserts the number to us all the same asks us not to use it.
fn withheld<'a>(variable: impl Fn(&str) -> Option<Cow<'a, str>>) -> bool {
    let anonymous = |name: &str| {
        variable(name).and_then(|value| Written::read(&value)).is_some_and(|written| {
            ["anonymous", "restricted", "unavailable", "unknown", "private"]
                .iter()
                .any(|word| written.user.eq_ignore_ascii_case(word))
        })
    };
    let privacy = |name: &str| {
        variable(name).is_some_and(|value| {
            value.split([';', ',', ' ']).any(|token| {
                ["id", "user", "header", "full"].iter().any(|word| token.eq_ignore_ascii_case(word))
            })
        })
    };
    // The header's forerunner says it in a parameter.
    let remote_party = variable("sip_Remote-Party-ID").is_some_and(|identity| {
        let identity = identity.to_ascii_lowercase();
        ["privacy=full", "privacy=uri"].iter().any(|parameter| identity.contains(parameter))
    });
    remote_party
        || anonymous("sip_from_user")
        || anonymous("sip_P-Asserted-Identity")
        || variable("sip_from_host")
            .is_some_and(|host| host.eq_ignore_ascii_case("anonymous.invalid"))
        || privacy("sip_Privacy")
        || privacy("sip_h_Privacy")
}

#[cfg(test)]
mod tests;
