//! Dialling: the intent is stored, the recording is started, and only then is anybody rung.

use std::time::Duration;

use esl::{
    Api, Command, CommandError, DialString, Event, Execute, ReplyId,
    command::{Path, Recording},
};
use exchange::{
    call::{Answer, Dial, Dialled, Direction, Reply},
    cause::Failure,
    destination::Refusal,
    history::Leg,
    model::LegId,
    recording::RecordingPath,
};
use jiff::Timestamp;
use store::{Limits, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use super::{Driver, media::Media, verbs::Pending};
use crate::{
    cdr_intake::UNCONNECTED, clock, health::Worker, place, proof, settings::WhenBroken,
    talks::Watched,
};

/// How long a recording may take to start; it takes some 12 ms.
const RECORD: Duration = Duration::from_secs(10);

impl Driver {
    /// Begins to dial: writes the intent down first, so that whatever crashes leaves a row that
    /// the CDR file completes.
    pub(super) async fn connect(&mut self, dial: Dial, reply: Reply) {
        let now = self.time.now();
        // What was refused before has been got over.
        self.history.refusal = None;
        let settings = &self.app.settings;
        let zone = &settings.exchange.timezone.0;
        let name = proof::recording_name(&self.history, &dial, now, zone);
        let leg = Leg {
            id: LegId(Uuid::new_v4()),
            dial,
            recording: RecordingPath::new(name.relative()),
            started_at: now,
            answered_at: None,
            ended_at: None,
            failure: None,
            cause: None,
        };
        self.rings = None;
        if let (Direction::Back, Some(shopper)) = (leg.dial.direction, self.history.shopper) {
            self.rings = self.app.ringing.begin(shopper);
            if self.rings.is_none() {
                warn!("the shopper's phone rings for too many callers already: busy");
                let busy = Leg { failure: Some(Failure::Busy), cause: None, ..failed(leg, now) };
                self.history.legs.push(busy);
                return reply.send(Answer::Dialled(Dialled::Failed(Failure::Busy)));
            }
        }
        let limits = Limits {
            calls_per_day: limit(settings.limits.calls_per_day),
            minutes_per_day: limit(settings.limits.minutes_per_day),
            calls_at_once: limit(settings.limits.calls_at_once),
        };
        let midnight = clock::start_of_day(now, zone);
        // FreeSWITCH would make the folders itself, with rights of its own.
        let (begun, prepared) = tokio::join!(
            self.app.store.begin_leg(&self.history, &leg, &limits, now, midnight),
            proof::prepare(&self.app, &name),
        );
        match begun {
            Ok(Ok(())) => self.app.health.well(Worker::Calls),
            Ok(Err(refusal)) => return reply.send(Answer::Dialled(Dialled::Refused(refusal))),
            Err(error) => {
                error!(%error, "a call was not dialled, since its intent could not be stored");
                // What is wrong with the database as a whole is noticed without a call.
                if matches!(error, StoreError::Contradiction(_) | StoreError::Database(_)) {
                    self.app.health.note(Worker::Calls, Err(error));
                }
                // A dealer who was calling back is missed all the same.
                if leg.dial.direction == Direction::Back {
                    self.history.legs.push(failed(leg, now));
                }
                return reply.send(Answer::Dialled(Dialled::Refused(Refusal::Unavailable)));
            }
        }
        info!(to = ?leg.dial.to, shown = ?leg.dial.shown, leg.id = %leg.id, "dial");
        if let Err(problem) = prepared {
            error!(problem = %format!("{problem:#}"), "the recordings folder cannot be used");
            if settings_require(self) {
                self.history.legs.push(failed(leg, self.time.now()));
                return reply.send(Answer::Dialled(Dialled::NotRecordable));
            }
        }
        self.recording = false;
        self.history.legs.push(leg);
        if let Err(error) = self.dial(reply) {
            self.unspeakable(error);
        }
    }

    fn dial(&mut self, reply: Reply) -> Result<(), CommandError> {
        let Some((path, direction)) = self.recording_path()? else { return Ok(()) };
        let Some(channel) = self.line.session.channel().copied() else { return Ok(()) };
        if direction == Direction::Back {
            // The dealer is not answered, so nothing is recorded yet: media before the answer
            // would have them hear us. FreeSWITCH starts the recording itself at the answer, and
            // ends the call when it cannot. The caller's leg is the dealer: hence the swap.
            let start = format!("record_session {}", path.as_str());
            self.set(&[
                ("RECORD_STEREO_SWAP", "true"),
                ("RECORD_HANGUP_ON_ERROR", if settings_require(self) { "true" } else { "" }),
                ("execute_on_answer", &start),
            ])?;
            // The shopper's network may send 183 or nothing; the dealer hears ringing at once.
            self.execute(Execute::ring_ready(Uuid::new_v4()));
            return self.bridge(reply);
        }
        // So that who is not connected with an answered phone (dialplan.xml, `dialled`) hears of it, as of
        // any other failure. A dealer would have been answered by it, and is hung up by FreeSWITCH itself.
        self.set(&[
            ("last_bridge_hangup_cause", ""),
            ("execute_on_post_originate_goes_on", "execute_extension goes-on XML dialled"),
        ])?;
        let record = Api::uuid_record(&channel, Recording::Start, &path);
        let deadline = clock::instant() + RECORD;
        let id = self.line.session.send_by(&Command::Api(record), deadline);
        if settings_require(self) {
            self.pending = Some(Pending::Recording { id, reply });
            Ok(())
        } else {
            self.bridge(reply)
        }
    }

    /// `uuid_record` has told whether the recording runs. Its word is good: the file is open.
    pub(super) fn recording_replied(&mut self, id: ReplyId, started: bool) -> bool {
        let waits = |pending: &mut Pending| match pending {
            Pending::Recording { id: expected, .. } => *expected == id,
            Pending::Play { .. }
            | Pending::Forget { .. }
            | Pending::Gather { .. }
            | Pending::Bridge { .. } => false,
        };
        let Some(Pending::Recording { reply, .. }) = self.pending.take_if(waits) else {
            return false;
        };
        place::recorded(&self.app, started);
        if started {
            if let Err(error) = self.bridge(reply) {
                self.unspeakable(error);
            }
        } else {
            error!(
                "FreeSWITCH cannot record: can it write to {}? Nobody was rung.",
                self.app.switch_recordings
            );
            if let Some(leg) = self.history.legs.last_mut() {
                leg.failure = Some(Failure::Unreachable);
                leg.cause = Some(NOT_RECORDABLE.to_owned());
                leg.ended_at = Some(self.time.now());
            }
            reply.send(Answer::Dialled(Dialled::NotRecordable));
        }
        true
    }

    fn bridge(&mut self, reply: Reply) -> Result<(), CommandError> {
        let Some(leg) = self.history.legs.last() else { return Ok(()) };
        let settings = &self.app.settings;
        let ring = match leg.dial.direction {
            Direction::Back => settings.callbacks.ring_timeout,
            Direction::Out | Direction::Return => settings.switch.ring_timeout,
        };
        let (leg_id, call_id) = (leg.id.to_string(), self.history.id.to_string());
        let shown = leg.dial.shown.as_str();
        let ring = ring.std().as_secs().max(1).to_string();
        let mut string = DialString::new(&settings.switch.gateway.0, leg.dial.to.as_str())?;
        for (name, value) in [
            ("origination_uuid", leg_id.as_str()),
            ("origination_caller_id_number", shown),
            // The name defaults to the caller's real number.
            ("origination_caller_id_name", shown),
            ("origination_privacy", "screen"),
            ("sip_cid_type", "none"),
            // Only an answer counts; until then the exchange makes the ringing.
            ("ignore_early_media", "true"),
            ("originate_timeout", ring.as_str()),
            // Diversion, P-*, X-* and User-to-User headers would be copied along.
            ("sip_copy_custom_headers", "false"),
            ("sip_copy_multipart", "false"),
            ("outbound_redirect_fatal", "true"),
            ("ignore_display_updates", "true"),
            // Both legs' CDRs name the call.
            ("ustredna_call_id", call_id.as_str()),
        ] {
            string = string.variable(name, value)?;
        }
        let uuid = self.execute(Execute::bridge(&string, Uuid::new_v4()));
        self.pending = Some(Pending::Bridge { uuid, reply });
        Ok(())
    }

    /// A dealer's call that FreeSWITCH could not record is ended by it in the moment of the answer.
    pub(super) fn look_at_recording(&self) {
        let back =
            self.history.legs.last().is_some_and(|leg| leg.dial.direction == Direction::Back);
        if back && !self.recording && self.hangup_cause.as_deref() == Some(UNRECORDED) {
            error!("FreeSWITCH cannot record: can it write to {}?", self.app.switch_recordings);
            place::recorded(&self.app, false);
        }
    }

    /// The callee has answered and the two can hear each other: with `ignore_early_media` the
    /// bridge stands for nothing less, unless the callee is gone already (`unconnected`).
    pub(super) fn bridged(&mut self, event: &Event) {
        if self.is_with_another(event) {
            return self.is_taken_over();
        }
        let (required, at) = (settings_require(self), self.time_of(event));
        let Some(leg) = self.history.legs.last_mut() else { return };
        if leg.answered_at.is_some() {
            return;
        }
        leg.answered_at = Some(at);
        self.rings = None;
        info!(leg.id = %leg.id, "answered");
        let talk = (self.history.id, leg.id, leg.recording.clone());
        self.watched = Some(self.app.talks.watch(talk.0, talk.1, talk.2));
        self.media.watch();
        if !self.recording {
            error!("the call is not being recorded");
            if required {
                self.kill(exchange::cause::Cause::NormalClearing);
            }
        }
    }

    /// When FreeSWITCH saw it. It writes the recording by the same clock, so a talk is as long as its
    /// file; a message may be late.
    fn time_of(&mut self, event: &Event) -> Timestamp {
        self.time.of(dated(event))
    }

    /// Cancelled should the recording of the present talk break, until that is dealt with.
    pub(super) fn broken(&self) -> CancellationToken {
        self.watched.as_ref().map(Watched::broken).unwrap_or_default()
    }

    /// The recording of the talk does not grow any more. Whoever looked has told so.
    pub(super) fn recording_broke(&mut self) {
        if let Some(watched) = &mut self.watched {
            watched.deal_with_it();
        }
        if self.app.settings.recordings.when_broken == WhenBroken::End {
            warn!("the call is ended, since its recording broke");
            self.kill(exchange::cause::Cause::NormalClearing);
        }
    }

    /// The talk is over.
    pub(super) fn unbridged(&mut self, event: &Event) {
        self.watched = None;
        self.media = Media::default();
        if self.answered {
            self.media.watch();
        }
        let at = self.time_of(event);
        if self.is_unconnected(event) {
            return self.unconnected(event, at);
        }
        if let Some(leg) = self.history.legs.last_mut()
            && let (Some(answered), None) = (leg.answered_at, leg.ended_at)
        {
            leg.ended_at = Some(at.max(answered));
        }
    }

    /// FreeSWITCH tells of a bridge, and of its end, even where the callee was hung up between the answer
    /// and the bridge, because media were not agreed; but then it has not noted with whom.
    fn is_unconnected(&self, event: &Event) -> bool {
        self.talked() && event.variable("bridge_uuid").is_none()
    }

    /// Somebody picked up, and nobody heard anything: this is no answer.
    fn unconnected(&mut self, event: &Event, at: Timestamp) {
        let cause = event.variable("last_bridge_hangup_cause");
        let cause = cause.as_deref().unwrap_or(UNCONNECTED).to_owned();
        let Some(leg) = self.history.legs.last_mut() else { return };
        leg.answered_at = None;
        leg.ended_at = Some(at);
        leg.failure = Some(Failure::from_cause(&cause));
        leg.cause = Some(cause.clone());
        self.look_at_end(Some(&cause));
    }

    pub(super) fn bridge_ended(&mut self, event: &Event, reply: Reply) {
        self.unbridged(event);
        self.rings = None;
        let (hung_up, at) = (self.line.session.is_hung_up(), self.time_of(event));
        let Some(leg) = self.history.legs.last_mut() else { return };
        if let Some(failure) = leg.failure {
            return self.not_answered(failure, reply);
        }
        if leg.answered_at.is_some() {
            leg.cause = event.variable("bridge_hangup_cause").map(std::borrow::Cow::into_owned);
            return reply.send(Answer::Dialled(Dialled::Talked));
        }
        leg.ended_at = Some(at);
        let disposition = event
            .variable("originate_disposition")
            .map_or_else(|| "UNKNOWN".to_owned(), std::borrow::Cow::into_owned);
        leg.cause = Some(disposition.clone());
        // The caller gave up first: whatever the disposition says, it is no failure of the callee.
        // (A callee's 487 is called ORIGINATOR_CANCEL, too, and CHANNEL_HANGUP comes before this.)
        if hung_up {
            return;
        }
        let failure = Failure::from_cause(&disposition);
        leg.failure = Some(failure);
        self.not_answered(failure, reply);
    }

    fn not_answered(&mut self, failure: Failure, reply: Reply) {
        if let Some(leg) = self.history.legs.last() {
            info!(outcome = %leg.outcome(), cause = ?leg.cause, "not answered");
        }
        if let Err(error) = self.stop_recording() {
            self.unspeakable(error);
        }
        reply.send(Answer::Dialled(Dialled::Failed(failure)));
    }

    /// A recording stays attached after a bridge that failed, and would write the next talk into
    /// this attempt's file as well. Stopped before any talk, it removes its empty file.
    fn stop_recording(&mut self) -> Result<(), CommandError> {
        let Some((path, direction)) = self.recording_path()? else { return Ok(()) };
        if direction == Direction::Back {
            return self.set(&[("execute_on_answer", "")]);
        }
        if let Some(channel) = self.line.session.channel().copied() {
            let stop = Api::uuid_record(&channel, Recording::Stop, &path);
            self.line.session.send(&Command::Api(stop));
        }
        Ok(())
    }

    fn recording_path(&self) -> Result<Option<(Path, Direction)>, CommandError> {
        let Some(leg) = self.history.legs.last() else { return Ok(None) };
        let path =
            Path::new(&format!("{}/{}", self.app.switch_recordings, leg.recording.reveal()))?;
        Ok(Some((path, leg.dial.direction)))
    }
}

fn settings_require(driver: &Driver) -> bool {
    driver.app.settings.recordings.required
}

/// FreeSWITCH's cause where `RECORD_HANGUP_ON_ERROR` ends a call.
const UNRECORDED: &str = "DESTINATION_OUT_OF_ORDER";

/// Stands for FreeSWITCH's cause with a leg that was not dialled.
const NOT_RECORDABLE: &str = "NOT_RECORDABLE";

/// In the settings 0 stands for no limit.
fn limit(setting: u32) -> Option<u32> {
    (setting > 0).then_some(setting)
}

fn failed(mut leg: Leg, now: Timestamp) -> Leg {
    leg.failure = Some(Failure::Unreachable);
    leg.cause = Some(NOT_RECORDABLE.to_owned());
    leg.ended_at = Some(now);
    leg
}

/// When FreeSWITCH saw it, by its own clock.
pub(super) fn dated(event: &Event) -> Option<Timestamp> {
    let microseconds = event.header("Event-Date-Timestamp")?.parse().ok()?;
    Timestamp::from_microsecond(microseconds).ok()
}
