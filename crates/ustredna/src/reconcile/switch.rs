//! What FreeSWITCH itself says of open calls, over one connection for all of them.

use std::{collections::HashSet, io::ErrorKind};

use exchange::{history::History, model::LegId};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use tracing::debug;
use uuid::Uuid;

use crate::{
    app::App,
    clock::Skew,
    inbound::{Inbound, InboundError},
};

/// What FreeSWITCH says of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Yes,
    No,
    /// Nobody listens at its port.
    SwitchGone,
    CannotAsk,
}

/// FreeSWITCH, asked for its channels.
pub(super) struct Switch {
    /// None: it cannot be asked.
    connection: Option<Inbound>,
    gone: bool,
    channels: HashSet<Uuid>,
}

/// What `show channels as json` answers; without a channel there are no rows.
#[derive(Deserialize)]
struct Channels {
    #[serde(default)]
    rows: Vec<Channel>,
}

#[derive(Deserialize)]
struct Channel {
    uuid: Uuid,
}

impl Switch {
    /// Connects and asks for all channels.
    pub(super) async fn ask(app: &App) -> Self {
        let switch = &app.settings.switch;
        // Without a password one can still see whether anybody is there.
        let password = switch.password.as_ref().map_or("-", |password| password.expose_secret());
        match Inbound::open(switch.inbound, password).await {
            Ok(connection) => {
                let mut asked =
                    Self { connection: Some(connection), gone: false, channels: HashSet::new() };
                let listed = asked.answer("show channels as json").await.unwrap_or_default();
                // A FreeSWITCH without its core database lists none; each is asked for then.
                asked.channels = channels(&listed);
                asked
            }
            Err(error) => {
                debug!(%error, "FreeSWITCH cannot be asked for its calls");
                let refused = matches!(&error, InboundError::Refused(error)
                    if error.kind() == ErrorKind::ConnectionRefused);
                let gone = refused && on_this_machine(app);
                Self { connection: None, gone, channels: HashSet::new() }
            }
        }
    }

    /// Whether it knows a call. The list lags behind, so a call that is not in it is asked for when
    /// that would decide (`decides`).
    pub(super) async fn knows(&mut self, history: &History, decides: bool) -> Known {
        let leg = history.legs.last().map(|leg| leg.id.0);
        let listed = |id: &Uuid| self.channels.contains(id);
        if listed(&history.id.0) || leg.as_ref().is_some_and(listed) {
            return Known::Yes;
        }
        if self.gone {
            return Known::SwitchGone;
        }
        if !decides || self.connection.is_none() {
            return Known::CannotAsk;
        }
        match self.answer(&format!("uuid_exists {}", history.id)).await.as_deref().map(str::trim) {
            Some("true") => Known::Yes,
            Some("false") => Known::No,
            Some(_) | None => Known::CannotAsk,
        }
    }

    /// Since when the call's caller talks to `leg`, if they do, by our clock.
    pub(super) async fn bridged_at(&mut self, call: &History, leg: LegId) -> Option<Timestamp> {
        let dump = self.answer(&format!("uuid_dump {} json", call.id)).await?;
        Some(Skew::of(call.switch_ahead).ours(bridged_at(&dump, leg)?))
    }

    /// One that has failed to answer is not asked again: each question would take its time.
    async fn answer(&mut self, question: &str) -> Option<String> {
        match self.connection.as_mut()?.ask(question).await {
            Ok(answer) => Some(answer),
            Err(error) => {
                debug!(%error, "FreeSWITCH does not answer");
                self.connection = None;
                None
            }
        }
    }
}

fn channels(listed: &str) -> HashSet<Uuid> {
    let channels: Option<Channels> = serde_json::from_str(listed.trim()).ok();
    channels.into_iter().flat_map(|channels| channels.rows).map(|row| row.uuid).collect()
}

/// By FreeSWITCH's clock.
fn bridged_at(dump: &str, leg: LegId) -> Option<Timestamp> {
    let dump: serde_json::Value = serde_json::from_str(dump.trim()).ok()?;
    let text = |name: &str| dump.get(name).and_then(serde_json::Value::as_str);
    // `Other-Leg-Unique-ID` would name a phone that only rings, too, and `signal_bond` one that was answered
    // and not connected.
    let with: Uuid = text("variable_bridge_uuid")?.parse().ok()?;
    let microseconds: i64 = text("Caller-Channel-Bridged-Time")?.parse().ok()?;
    (with == leg.0 && microseconds > 0)
        .then(|| Timestamp::from_microsecond(microseconds).ok())
        .flatten()
}

/// Whether FreeSWITCH can be nowhere else: it reaches us on loopback, and so do we it. Otherwise a
/// port that nobody listens on may just be the wrong one.
fn on_this_machine(app: &App) -> bool {
    let switch = &app.settings.switch;
    switch.listen.ip().is_loopback() && switch.inbound.ip().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_read_and_what_is_no_list_lists_none() {
        let id = "c6e54b59-bf24-4bdd-a2e3-a278e26f03dc";
        let listed = format!(
            "{{\"row_count\":1,\"rows\":[{{\"uuid\":\"{id}\",\"state\":\"CS_EXECUTE\"}}]}}\n"
        );
        assert_eq!(channels(&listed), HashSet::from([id.parse().unwrap()]));
        assert!(channels("{\"row_count\": 0}\n").is_empty());
        assert!(channels("-ERR no database\n").is_empty());
    }

    #[test]
    fn only_a_bridge_with_that_leg_is_an_answer() {
        let leg = LegId(Uuid::from_u128(7));
        let dump = |with: Uuid, at: &str| {
            format!(
                "{{\"Caller-Channel-Bridged-Time\":\"{at}\",\"variable_bridge_uuid\":\"{with}\"}}"
            )
        };
        let at = bridged_at(&dump(leg.0, "1795344561809144"), leg);
        assert_eq!(at.map(Timestamp::as_microsecond), Some(1_795_344_561_809_144));
        assert_eq!(bridged_at(&dump(leg.0, "0"), leg), None);
        assert_eq!(bridged_at(&dump(Uuid::from_u128(8), "1795344561809144"), leg), None);
        assert_eq!(bridged_at("-ERR No such channel!\n", leg), None);
    }
}
