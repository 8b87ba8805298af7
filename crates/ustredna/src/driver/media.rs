//! The sound of a call, as FreeSWITCH tells of it.
//!
//! FreeSWITCH refuses a re-INVITE for a codec that it does not know, or without sound (488), as it
//! must, and from then on does not read that leg any more (`CF_AUDIO` in switch_core_media.c), whatever
//! comes later but a re-INVITE that it accepts. It tells nobody. So as long as media flow the legs are
//! asked for the SDP that came last, and one whose SDP does not name the codec in use is made to agree
//! once more.

use std::time::Duration;

use esl::{
    Answer, Api, ChannelUuid, Command, ReplyId,
    command::{CommandError, VarName},
};
use exchange::cause::Cause;
use tracing::{error, warn};

use super::{Driver, in_a_while};
use crate::{alarm::Alarm, settings::WhenBroken};

/// So the dialplan ends a call whose called side has answered with other media than FreeSWITCH sends
/// and expects (freeswitch-conf/dialplan.xml, `media`), and FreeSWITCH one without any.
const NO_MEDIA: &str = "INCOMPATIBLE_DESTINATION";
/// So the dialplan ends a talk whose media would be moved to who is not the carrier (`moved`).
const MOVED: &str = "BEARERCAPABILITY_NOTAUTH";

/// So often both legs are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// And so often while one is being mended, at most so many times.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
const TRIES: u8 = 16;

/// What is known of the legs' media.
#[derive(Debug, Default)]
pub(super) struct Media {
    /// When they are looked at.
    pub(super) next: Option<tokio::time::Instant>,
    asked: Vec<(ReplyId, ChannelUuid, Question)>,
    /// Legs that were made to agree once more, with how often they have been looked at since.
    mending: Vec<(ChannelUuid, u8)>,
}

#[derive(Debug)]
enum Question {
    /// The last SDP of its network.
    Sdp,
    /// The codec in use, where the SDP names but these payload types.
    Codec(Vec<String>),
}

impl Media {
    /// Media flow from now on.
    pub(super) fn watch(&mut self) {
        self.next = Some(in_a_while(LOOK));
    }
}

impl Driver {
    /// The caller's leg is down: was it for its media?
    pub(super) fn look_at_media(&mut self) {
        self.media = Media::default();
        if self.talked() {
            self.tell_of_media(self.hangup_cause.as_deref());
        }
    }

    /// A leg was ended, by this cause: was it for its media?
    pub(super) fn tell_of_media(&self, cause: Option<&str>) {
        match cause {
            Some(NO_MEDIA) => self.alarm_of_media(
                "the call was ended at its answer: media do not go where the called side's answer \
                 wants them, and a re-INVITE did not mend that",
            ),
            Some(MOVED) => self.alarm_of_media(
                "the call was ended: somebody wanted its media moved to an address that is not in \
                 CARRIER_MEDIA",
            ),
            Some(_) | None => {}
        }
    }

    fn alarm_of_media(&self, problem: &str) {
        error!("{problem}");
        let call = self.history.id.to_string();
        self.app.alarm.raise(Alarm::Media { call, problem: problem.to_owned() });
    }

    /// Asks FreeSWITCH for what both networks have said last.
    pub(super) fn ask_for_media(&mut self) {
        let pause = if self.media.mending.is_empty() { LOOK } else { LOOK_AGAIN };
        self.media.next = Some(in_a_while(pause));
        let called = self.history.legs.last().filter(|_| self.watched.is_some());
        let called = called.map(|leg| ChannelUuid::parse(&leg.id.to_string()));
        let legs = [self.line.session.channel().copied(), called.and_then(Result::ok)];
        for leg in legs.into_iter().flatten() {
            if let Err(error) = self.ask(leg, "switch_r_sdp", Question::Sdp) {
                self.unspeakable(error);
            }
        }
    }

    fn ask(
        &mut self,
        leg: ChannelUuid,
        variable: &str,
        question: Question,
    ) -> Result<(), CommandError> {
        let api = Api::uuid_getvar(&leg, &VarName::new(variable)?);
        let id = self.line.session.send(&Command::Api(api));
        self.media.asked.push((id, leg, question));
        Ok(())
    }

    /// Whether this is the answer to a question about media; and what follows from it.
    pub(super) fn media_replied(&mut self, id: ReplyId, answer: &Answer) -> bool {
        let Some(index) = self.media.asked.iter().position(|(asked, ..)| *asked == id) else {
            return false;
        };
        let (_, leg, question) = self.media.asked.swap_remove(index);
        let Answer::Api(response) = answer else { return true };
        let text = response.text();
        match question {
            Question::Sdp => match payload_types(&text) {
                Some(types) if !types.iter().any(|kind| kind == "8" || kind == "0") => {
                    let asked = self.ask(leg, "rtp_audio_recv_pt", Question::Codec(types));
                    asked.unwrap_or_else(|error| self.unspeakable(error));
                }
                Some(_) => self.agrees(leg),
                None => {}
            },
            Question::Codec(types) => {
                let in_use = text.trim();
                if types.iter().any(|kind| kind == in_use) {
                    self.agrees(leg);
                } else if in_use.parse::<u8>().is_ok() {
                    self.disagrees(leg);
                }
            }
        }
        true
    }

    fn agrees(&mut self, leg: ChannelUuid) {
        let waited = self.media.mending.len();
        self.media.mending.retain(|(mending, _)| *mending != leg);
        if self.media.mending.len() < waited && self.watched.is_some() {
            // FreeSWITCH waits for 5 s in a talk before it looks whether the leg can be read again.
            self.line.session.send(&Command::Api(Api::uuid_break(&leg)));
        }
    }

    fn disagrees(&mut self, leg: ChannelUuid) {
        if let Some((_, tries)) = self.media.mending.iter_mut().find(|(other, _)| *other == leg) {
            *tries = tries.saturating_add(1);
            if *tries == TRIES {
                self.alarm_of_media(
                    "one side wanted a codec that FreeSWITCH does not know, and agrees to no other \
                     any more: it is not heard",
                );
                if self.app.settings.recordings.when_broken == WhenBroken::End {
                    self.kill(Cause::NormalClearing);
                }
            }
            return;
        }
        warn!("one side wanted a codec that FreeSWITCH does not know; it is asked for the old one");
        self.media.mending.push((leg, 0));
        self.media.next = Some(in_a_while(LOOK_AGAIN));
        // What comes is no request of theirs (dialplan.xml, `moved-by-request`).
        match Api::uuid_setvar_multi(&leg, &[("by_request", "")]) {
            Ok(asked) => self.line.session.send(&Command::Api(asked)),
            Err(error) => return self.unspeakable(error),
        };
        self.line.session.send(&Command::Api(Api::uuid_media_reneg(&leg)));
    }
}

/// The payload types that an SDP names for sound, none where it has no sound that FreeSWITCH takes:
/// `m=audio 4000 RTP/AVP 8 101`. `None`: it is no SDP.
fn payload_types(sdp: &str) -> Option<Vec<String>> {
    if !sdp.starts_with("v=") {
        return None;
    }
    let sound = sdp.lines().find_map(|line| line.strip_prefix("m=audio "));
    let mut words = sound.unwrap_or_default().split_whitespace();
    let (port, profile) = (words.next(), words.next());
    let is_taken =
        port != Some("0") && profile.is_some_and(|profile| profile.starts_with("RTP/AVP"));
    Some(if is_taken { words.map(str::to_owned).collect() } else { Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sdp_names_its_payload_types() {
        for (sdp, types) in [
            ("v=0\r\nm=audio 4000 RTP/AVP 8 101\r\na=ptime:20", Some(vec!["8", "101"])),
            ("v=0\nm=video 2 RTP/AVP 96\nm=audio 4000 RTP/AVPF 18\n", Some(vec!["18"])),
            ("v=0\r\nm=audio 4000 RTP/SAVP 8\r\n", Some(vec![])),
            ("v=0\r\nm=video 4000 RTP/AVP 96\r\n", Some(vec![])),
            ("v=0\r\nm=audio 0 RTP/AVP 8\r\n", Some(vec![])),
            ("v=0\r\nm=audio 4000 RTP/AVP\r\n", Some(vec![])),
            ("v=0\r\nm=audio \n", Some(vec![])),
            ("v=0\r\n", Some(vec![])),
            ("_undef_", None),
            ("-ERR No such channel!\n", None),
            ("", None),
        ] {
            let found = payload_types(sdp);
            let found = found.as_ref().map(|types| types.iter().map(String::as_str).collect());
            assert_eq!(found, types, "{sdp}");
        }
    }
}
