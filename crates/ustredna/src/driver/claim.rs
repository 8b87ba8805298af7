//! Whether a call is this exchange's to take.
//!
//! FreeSWITCH waits 25 s for a controller that takes the connection and says nothing. Therefore
//! the dialplan (freeswitch-conf/controllers.xml) has scheduled that the call goes on to the next
//! controller, or to the apology, within some seconds. Who takes the call cancels that; who wakes
//! too late must leave the call alone, for another exchange attends to it.
//!
//! Who wakes in the turn of the next controller, which is silent as well, may have the call. But
//! FreeSWITCH waits for that other one and must be brought to let the channel go.

use std::time::Duration;

use esl::{Answer, Api, Command, CommandError, Event, SessionEvent, command::VarName};

use crate::{
    clock,
    line::{Line, LineError},
};

/// How long a channel may take to come where it is led; it takes a frame or two.
pub(super) const ON_THE_WAY: Duration = Duration::from_secs(2);
/// FreeSWITCH answers within a millisecond.
const CLAIM: Duration = Duration::from_secs(5);

/// Where a call is led by whoever has it, in whosever turn (freeswitch-conf/controllers.xml).
const HELD: &str = "held";

/// What the dialplan and other exchanges have noted on the channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    /// The call is going to be passed on.
    watched: bool,
    /// It has been already, to another exchange or to the apology.
    pub(super) passed_on: bool,
    /// A controller before this one was silent. When FreeSWITCH closes that connection it lets
    /// the channel go, and asks once more who holds it.
    pub(super) after_silence: bool,
}

impl Turn {
    pub(super) fn read(channel: &Event) -> Self {
        let is_true = |name| channel.variable(name).is_some_and(|value| value == "true");
        Self {
            watched: channel.variable("last_sched_id").is_some(),
            passed_on: is_true("exchange_attends") || is_true("exchange_given_up"),
            after_silence: is_true("controller_silent"),
        }
    }

    /// Takes the call. `false`: it has been passed on in this very moment.
    pub(super) async fn claim(self, line: &mut Line) -> Result<bool, LineError> {
        let (true, Some(channel)) = (self.watched, line.session.channel().copied()) else {
            return Ok(true);
        };
        let command = Command::Api(Api::sched_del(&channel));
        let claim = line.session.send_by(&command, clock::instant() + CLAIM);
        line.flush().await?;
        loop {
            match line.session.poll_event() {
                Some(SessionEvent::Replied { id, reply }) if id == claim => {
                    // A caller who has hung up meanwhile has called all the same.
                    return Ok(
                        !matches!(reply, Answer::Api(told) if told.text().contains("Deleted: 0")),
                    );
                }
                // Nothing else has been asked for yet.
                Some(_) => {}
                None => line.wait().await?,
            }
        }
    }

    /// Brings the channel from wherever FreeSWITCH waits for a silent controller to where this
    /// exchange leads it, and tells whether it must. Whoever does so must hear when the channel is
    /// parked there, and answer; what is asked of it before that is run on the way, where nothing
    /// can be played and nobody rung.
    pub(super) fn leads_on(self, line: &mut Line) -> Result<bool, CommandError> {
        let Some(channel) = line.session.channel().copied().filter(|_| self.after_silence) else {
            return Ok(false);
        };
        let held = Api::uuid_transfer(&channel, &VarName::new(HELD)?);
        line.session.send(&Command::Api(held));
        Ok(true)
    }
}

/// Whether the channel has been parked where [`Turn::leads_on`] has brought it.
pub(super) fn is_led(parked: &Event) -> bool {
    parked.header("Caller-Context").is_some_and(|context| context == HELD)
}
