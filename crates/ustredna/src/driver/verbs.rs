//! Verbs turned into commands, and completions turned into their answers.

use std::time::{Duration, Instant};

use esl::{
    Api, Command, CommandError, Event, Execute, HangupCause, PlayAndGetDigits, Playlist, ReplyId,
    command::{DigitPattern, Terminators, VarName},
};
use exchange::{
    call::{Ahead, Answer, Digits, Entry, Gather, Reply, Verb},
    cause::Cause,
    prompt::Prompt,
};
use tracing::{debug, error, info, warn};
use uuid::Uuid;

use super::Driver;
use crate::clock;

/// After this pause between keys an entry is taken as it is.
const DIGIT_PAUSE: Duration = Duration::from_secs(3);
/// FreeSWITCH waits this long for the first key at the least (switch_ivr_play_say.c).
const FIRST_DIGIT_FLOOR: Duration = Duration::from_secs(1);

/// No prompt, with the entry after it, takes as long: the longest list is read in two minutes.
const SPOKEN: Duration = Duration::from_mins(5);

/// What the flow waits for.
pub(super) enum Pending {
    /// A prompt to its end.
    Play { uuid: Uuid, reply: Reply },
    /// Keys from before an entry to come in and be forgotten.
    Forget { uuid: Uuid, until: Instant, gather: Gather, reply: Reply },
    /// Digits.
    Gather { uuid: Uuid, variable: String, reply: Reply },
    /// The recording's start, before anybody is rung.
    Recording { id: ReplyId, reply: Reply },
    /// The bridge's end.
    Bridge { uuid: Uuid, reply: Reply },
}

impl Pending {
    pub(super) fn waits_for(&self, completed: Uuid) -> bool {
        match self {
            Self::Play { uuid, .. }
            | Self::Forget { uuid, .. }
            | Self::Gather { uuid, .. }
            | Self::Bridge { uuid, .. } => *uuid == completed,
            Self::Recording { .. } => false,
        }
    }
}

impl Driver {
    /// Begins a verb. What nobody waits for is answered at once, so that the flow goes on and its
    /// next command joins the same write.
    pub(super) async fn begin(&mut self, verb: Verb, reply: Reply) {
        match verb {
            Verb::Answer => {
                debug!("answer");
                if !self.answered {
                    self.execute(Execute::answer(Uuid::new_v4()));
                    self.answered = true;
                }
                reply.send(Answer::Done);
            }
            Verb::Play(prompt) => {
                debug!(?prompt, "play");
                match self.playlist(&prompt) {
                    Ok(playlist) => {
                        let playback = Execute::playback(&playlist, Uuid::new_v4());
                        let deadline = clock::instant() + SPOKEN;
                        let uuid = self.line.session.execute_by(playback, deadline);
                        self.pending = Some(Pending::Play { uuid, reply });
                    }
                    Err(error) => self.unspeakable(error),
                }
            }
            Verb::Gather(gather) => {
                debug!(prompt = ?gather.prompt, "gather");
                let asked = match gather.ahead {
                    Ahead::Counts => self.gather(&gather, reply),
                    Ahead::Forgotten => self.forget_keys(gather, reply),
                };
                if let Err(error) = asked {
                    self.unspeakable(error);
                }
            }
            Verb::Connect(dial) => self.connect(*dial, reply).await,
            Verb::PinTried(right) => {
                reply.send(Answer::Locked(self.pin_tried(right).await));
            }
            Verb::Refused(refusal) => {
                info!(reason = %refusal, "refused");
                self.history.refusal = Some(refusal);
                reply.send(Answer::Done);
            }
            Verb::Hangup(cause) => {
                debug!(cause = cause.as_str(), "hangup");
                self.ending = true;
                match HangupCause::new(cause.as_str()) {
                    Ok(cause) => {
                        self.execute(Execute::hangup(&cause, Uuid::new_v4()));
                    }
                    Err(error) => self.unspeakable(error),
                }
                reply.send(Answer::Done);
            }
        }
    }

    /// A command that its own grammar refuses: a fault of ours, not of the caller, whose call
    /// ends. The verb's reply is dropped, which ends the flow.
    pub(super) fn unspeakable(&mut self, error: CommandError) {
        error!(%error, "a command was not admitted; the call ends");
        self.kill(Cause::NormalClearing);
    }

    fn playlist(&self, prompt: &Prompt) -> Result<Playlist, CommandError> {
        prompt.chain(&self.app.switch_prompts).parse()
    }

    pub(super) fn gather(&mut self, gather: &Gather, reply: Reply) -> Result<(), CommandError> {
        self.entries += 1;
        let variable = format!("entry_{}", self.entries);
        let arguments = PlayAndGetDigits {
            min: 1,
            max: gather.max_digits,
            // The flow says what was wrong; FreeSWITCH would play the invalid file even after the
            // last try.
            tries: 1,
            timeout: gather.first_digit.max(FIRST_DIGIT_FLOOR),
            terminators: Terminators::new("#*")?,
            prompt: self.playlist(&gather.prompt)?,
            invalid: "silence_stream://20".parse()?,
            variable: VarName::new(&variable)?,
            pattern: DigitPattern::new("[0-9]+")?,
            digit_timeout: DIGIT_PAUSE,
        };
        // The last entry's terminator is never cleared by FreeSWITCH. Sensitive digits stay out of
        // logs and CDRs; the dialplan says until when they are.
        self.set(&[("read_terminator_used", ""), ("sensitive_dtmf", "true")])?;
        let execute = Execute::play_and_get_digits(&arguments, Uuid::new_v4());
        let uuid = self.line.session.execute_by(execute, clock::instant() + SPOKEN);
        self.pending = Some(Pending::Gather { uuid, variable, reply });
        Ok(())
    }

    /// Sets channel variables at once, before any application queued after it.
    pub(super) fn set(&mut self, variables: &[(&str, &str)]) -> Result<(), CommandError> {
        if let Some(channel) = self.line.session.channel().copied() {
            self.line.session.send(&Command::Api(Api::uuid_setvar_multi(&channel, variables)?));
        }
        Ok(())
    }

    /// The application has run to its end, or to the channel's.
    pub(super) fn finish(&mut self, pending: Pending, event: &Event) {
        match pending {
            Pending::Bridge { reply, .. } => self.bridge_ended(event, reply),
            // A hang-up in mid-entry says "success" with what was keyed so far.
            Pending::Play { .. } | Pending::Forget { .. } | Pending::Gather { .. }
                if self.line.session.is_hung_up() => {}
            Pending::Forget { until, gather, reply, .. } => {
                if let Err(error) = self.forgotten(event, until, gather, reply) {
                    self.unspeakable(error);
                }
            }
            Pending::Play { reply, .. } => {
                if event.header("Application-Response").is_some_and(|told| told != "FILE PLAYED") {
                    warn!("a prompt could not be played: run `ustredna check`");
                }
                reply.send(Answer::Done);
            }
            Pending::Gather { variable, reply, .. } => {
                let entry = entry(event, &variable);
                // Digits would else be in every later event and in the CDR file.
                if let Err(error) = self.set(&[(&variable, "")]) {
                    self.unspeakable(error);
                }
                reply.send(Answer::Entry(entry));
            }
            Pending::Recording { .. } => {}
        }
    }

    /// Counts a PIN; `true` when the shopper is locked out, also when it cannot be counted: else a
    /// broken database would allow any number of guesses.
    async fn pin_tried(&mut self, right: bool) -> bool {
        let Some(shopper) = self.history.shopper else { return true };
        let lock = self.app.settings.pin.lock.signed();
        info!(right, "PIN");
        let counted = self.app.store.pin_tried(shopper, right, self.app.clock.now(), lock).await;
        counted.unwrap_or_else(|error| {
            error!(%error, "a PIN could not be counted; the shopper is turned away");
            true
        })
    }
}

/// What was keyed. `read_result` is of no use: it says "timeout" when digits were ended by a
/// pause, and "success" when the caller hung up in the middle.
fn entry(event: &Event, variable: &str) -> Entry {
    let digits = event.variable(variable).map(|text| Digits::new(&text));
    let terminator = event.variable("read_terminator_used");
    match (digits, terminator.as_deref()) {
        // `12*`: the caller wants to start again whatever came before.
        (_, Some("*")) => Entry::StartAgain,
        (Some(digits), _) if !digits.as_str().is_empty() => Entry::Digits(digits),
        (Some(_) | None, _) => {
            if event.variable("read_result").is_none() {
                warn!("a prompt could not be played: run `ustredna check`");
            }
            Entry::Nothing
        }
    }
}
