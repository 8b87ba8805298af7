//! Somebody else gets hold of a call: an INVITE with Replaces, say, lets FreeSWITCH connect one of the
//! two with whoever sent it, past the exchange, the row and the recording. Our configuration refuses
//! that; should it happen all the same, the call is ended and the operator is told.

use std::time::Duration;

use esl::{Api, ChannelUuid, Command, Event, HangupCause};
use exchange::cause::Cause;
use tracing::error;

use super::Driver;
use crate::alarm::Alarm;

/// So long after a talk the caller's leg may still be there.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// With these FreeSWITCH hangs up the leg that is pushed out (switch_ivr_bridge.c, sofia.c).
const PUSHED_OUT: [&str; 3] = ["PICKED_OFF", "ATTENDED_TRANSFER", "BLIND_TRANSFER"];

/// With this our dialplan hangs a leg up that somebody tried to move from an address which is not the
/// carrier's (freeswitch-conf/dialplan.xml, context `reinvited`).
const BARRED: &str = "INVALID_IDENTITY";

/// In whose hands the call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    Ours,
    TakenOver,
}

impl Driver {
    /// Whether the caller has been connected with another leg than the one that was dialled.
    pub(super) fn is_with_another(&self, event: &Event) -> bool {
        let Some(leg) = self.history.legs.last() else { return true };
        event.header("Bridge-B-Unique-ID").is_some_and(|other| other != leg.id.to_string())
    }

    /// The caller's leg is down: by whom?
    pub(super) fn look_at_cause(&mut self, event: &Event) {
        let cause = event.hangup_cause();
        let other = event.variable("bridge_hangup_cause");
        let is_pushed = cause.as_deref().is_some_and(|cause| PUSHED_OUT.contains(&cause));
        if is_pushed || is_barred(cause.as_deref()) || is_barred(other.as_deref()) {
            self.is_taken_over();
        }
    }

    /// The called leg was ended before the two were connected: by whom, and for what?
    pub(super) fn look_at_end(&mut self, cause: Option<&str>) {
        self.tell_of_media(cause);
        if is_barred(cause) {
            self.is_taken_over();
        }
    }

    /// Ends both legs, whoever they are with, and tells the operator.
    pub(super) fn is_taken_over(&mut self) {
        if std::mem::replace(&mut self.hold, Hold::TakenOver) == Hold::TakenOver {
            return;
        }
        error!("somebody else has got hold of the call; it is ended");
        self.app.alarm.raise(Alarm::TakenOver { call: self.history.id.to_string() });
        self.kill(Cause::NormalClearing);
        let leg = self.history.legs.last().map(|leg| leg.id.to_string());
        if let (Some(Ok(leg)), Ok(cause)) = (
            leg.map(|id| ChannelUuid::parse(&id)),
            HangupCause::new(Cause::NormalClearing.as_str()),
        ) {
            self.line.session.send(&Command::Api(Api::uuid_kill(&leg, &cause)));
        }
    }
}

fn is_barred(cause: Option<&str>) -> bool {
    cause == Some(BARRED)
}
