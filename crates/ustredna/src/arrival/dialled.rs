//! Where in an INVITE the number stands that the caller dialled: carriers differ.

use std::{borrow::Cow, fmt};

use exchange::number::{Country, PhoneNumber};
use serde::Deserialize;

use super::written::{Written, entries};

/// Where the carrier puts the number dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DialledIn {
    /// The request URI, as RFC 3261 has it.
    RequestUri,
    /// To: the request URI holds the trunk's account or its main number.
    To,
    /// RFC 7315: the same, where To may have been written by the caller's phone.
    PCalledPartyId,
    /// RFC 5806: the number was forwarded to the trunk's. The first that was dialled is the last of
    /// the list.
    Diversion,
    /// RFC 7044: the same; there it is the first of the list.
    HistoryInfo,
}

impl DialledIn {
    const ALL: [Self; 5] =
        [Self::RequestUri, Self::To, Self::PCalledPartyId, Self::Diversion, Self::HistoryInfo];

    /// The number that stands there, by a channel's variables, if there is one.
    ///
    /// Of several Diversion lines mod_sofia keeps the last, and of P-Called-Party-ID the first. It
    /// takes the parameters of a `tel:` URI off the number.
    pub(super) fn number<'a>(
        self,
        variable: &impl Fn(&str) -> Option<Cow<'a, str>>,
        country: Country,
    ) -> Option<PhoneNumber> {
        let number = |text: &str| Written::read(text)?.number(country);
        match self {
            Self::RequestUri => {
                let user = variable("sip_req_user")?;
                match variable("sip_req_params") {
                    Some(parameters) => number(&format!("{user};{parameters}")),
                    None => number(&user),
                }
            }
            Self::To => number(&variable("sip_full_to")?),
            Self::PCalledPartyId => {
                let header = variable("sip_h_P-Called-Party-ID")?;
                entries(&header).into_iter().find_map(number)
            }
            Self::Diversion => {
                let header = variable("sip_h_Diversion")?;
                entries(&header).into_iter().rev().find_map(number)
            }
            Self::HistoryInfo => {
                let header = variable("sip_history_info")?;
                entries(&header).into_iter().find_map(number)
            }
        }
    }

    /// Where else there is a number, for whoever looks for the right setting.
    pub(super) fn others<'a>(
        self,
        variable: &impl Fn(&str) -> Option<Cow<'a, str>>,
        country: Country,
    ) -> Vec<Self> {
        let holds = |place: &Self| *place != self && place.number(variable, country).is_some();
        Self::ALL.into_iter().filter(holds).collect()
    }
}

/// As in the settings.
impl fmt::Display for DialledIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestUri => "request_uri",
            Self::To => "to",
            Self::PCalledPartyId => "p_called_party_id",
            Self::Diversion => "diversion",
            Self::HistoryInfo => "history_info",
        })
    }
}
