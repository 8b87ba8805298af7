//! What a phone does once it is connected.

use std::{fmt::Write as _, path::Path, time::Duration};

use super::prompter::{CUE, Cue, PATIENCE};
use crate::audio::Media;

enum Step {
    /// Until this phrase has been heard, see [`Prompter`](super::prompter::Prompter).
    Hears(String),
    /// Silence, ms.
    Wait(u32),
    Keys(String),
    /// Hz and ms.
    Sings(u32, u32),
    /// Hz, or silence; and at most so many ms.
    UntilHangup(Option<u32>, u32),
    /// With a tone for music, or silence; and ms.
    Holds(Option<u32>, u32),
    HangsUp,
}

/// Steps, in order. They end with a hang-up, whosever it is.
#[derive(Default)]
pub(crate) struct Steps(Vec<Step>);

impl Steps {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Waits until the exchange has said enough of this phrase to know it.
    pub(crate) fn hears(mut self, phrase: &str) -> Self {
        self.0.push(Step::Hears(phrase.to_owned()));
        self
    }

    /// Waits in silence.
    pub(crate) fn waits(mut self, ms: u32) -> Self {
        self.0.push(Step::Wait(ms));
        self
    }

    /// Presses keys.
    pub(crate) fn keys(mut self, keys: &str) -> Self {
        self.0.push(Step::Keys(keys.to_owned()));
        self
    }

    /// Sings a tone.
    pub(crate) fn sings(mut self, hz: u32, ms: u32) -> Self {
        self.0.push(Step::Sings(hz, ms));
        self
    }

    /// Sings until the other side hangs up, which it must within `ms`.
    pub(crate) fn sings_until_hangup(mut self, hz: u32, ms: u32) -> Self {
        self.0.push(Step::UntilHangup(Some(hz), ms));
        self
    }

    /// Listens until the other side hangs up, which it must within `ms`.
    pub(crate) fn listens_until_hangup(mut self, ms: u32) -> Self {
        self.0.push(Step::UntilHangup(None, ms));
        self
    }

    /// Puts the other side on hold, with a tone for music or in silence, and takes it back (RFC 3264,
    /// 8.4).
    pub(crate) fn holds(mut self, music: Option<u32>, ms: u32) -> Self {
        self.0.push(Step::Holds(music, ms));
        self
    }

    /// Then these.
    pub(crate) fn then(mut self, steps: Self) -> Self {
        self.0.extend(steps.0);
        self
    }

    /// Hangs up.
    pub(crate) fn hangs_up(mut self) -> Self {
        self.0.push(Step::HangsUp);
        self
    }

    /// The phrases that are waited for, each with how long the steps before it take.
    pub(super) fn cues(&self) -> Vec<Cue> {
        let mut cues = Vec::new();
        let mut ms = 0;
        for step in &self.0 {
            match step {
                Step::Hears(phrase) => {
                    let after = Duration::from_millis(u64::from(std::mem::take(&mut ms)));
                    cues.push(Cue { phrase: phrase.clone(), after });
                }
                Step::Wait(wait) | Step::Sings(_, wait) | Step::Holds(_, wait) => ms += wait,
                Step::Keys(keys) => ms += Media::new(0).keys(keys).ms,
                Step::UntilHangup(..) | Step::HangsUp => {}
            }
        }
        cues
    }

    /// As SIPp's XML. `files` takes the media, their names begin with `prefix`; `request` is how
    /// this side begins its requests in the call: the method, and how many were before it.
    pub(super) fn xml(
        &self,
        files: &Path,
        prefix: &str,
        request: impl Fn(&str, u32) -> String,
    ) -> String {
        let mut requests = 0;
        let mut xml = String::new();
        let source = prefix.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31) + u32::from(byte));
        let mut media = Media::new(source);
        for (index, step) in self.0.iter().enumerate() {
            let path = files.join(format!("{prefix}-{index}.pcap"));
            let piece = match step {
                Step::Keys(keys) => Some(media.keys(keys)),
                Step::Sings(hz, ms) => Some(media.tone(*hz, *ms)),
                Step::UntilHangup(hz, ms) | Step::Holds(hz, ms) => hz.map(|hz| media.tone(hz, *ms)),
                Step::Hears(_) | Step::Wait(_) | Step::HangsUp => None,
            };
            if let Some(piece) = &piece {
                piece.write_pcap(&path);
                writeln!(
                    xml,
                    r#"<nop><action><exec play_pcap_audio="{}"/></action></nop>"#,
                    path.display()
                )
                .unwrap();
            }
            match (step, piece) {
                (Step::Hears(_), _) => {
                    writeln!(xml, r#"<recv request="{CUE}" timeout="{PATIENCE}"/>"#).unwrap();
                }
                (Step::Wait(ms), _) => writeln!(xml, r#"<pause milliseconds="{ms}"/>"#).unwrap(),
                (Step::UntilHangup(_, ms), _) => {
                    writeln!(xml, r#"<recv request="BYE" timeout="{ms}"/>"#).unwrap();
                    xml.push_str(&send(
                        "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n\
                         [last_CSeq:]\nContent-Length: 0",
                    ));
                }
                (Step::Holds(_, ms), _) => {
                    for (direction, ms) in [("sendonly", *ms), ("sendrecv", 0)] {
                        let offer = SDP.replace("o=- 1 1", &format!("o=- 1 {}", requests + 2));
                        let invite = request("INVITE", requests);
                        xml.push_str(&send(&format!("{invite}{offer}\na={direction}")));
                        xml.push_str("<recv response=\"100\" optional=\"true\"/>\n");
                        xml.push_str("<recv response=\"200\"/>\n");
                        xml.push_str(&send(&format!("{}{BARE}", request("ACK", requests))));
                        writeln!(xml, r#"<pause milliseconds="{}"/>"#, ms.max(1)).unwrap();
                        requests += 1;
                    }
                }
                (Step::HangsUp, _) => {
                    xml.push_str(&send(&format!("{}{BARE}", request("BYE", requests))));
                    xml.push_str("<recv response=\"200\"/>\n");
                }
                (_, Some(piece)) => {
                    writeln!(xml, r#"<pause milliseconds="{}"/>"#, piece.ms).unwrap();
                }
                (Step::Keys(_) | Step::Sings(..), None) => {}
            }
        }
        xml
    }
}

/// A message that SIPp sends.
pub(super) fn send(message: &str) -> String {
    format!("<send><![CDATA[\n{message}\n\n]]></send>\n")
}

/// The end of a message without a body.
pub(super) const BARE: &str = "Content-Length: 0";

/// The body of an offer or answer: A-law and keys, to and from the port of the ear.
pub(super) const SDP: &str = "Content-Type: application/sdp\nContent-Length: [len]\n\n\
    v=0\no=- 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\n\
    m=audio [media_port+4] RTP/AVP 8 101\na=rtpmap:8 PCMA/8000\n\
    a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=ptime:20";
