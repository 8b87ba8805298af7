//! The phones behind the carrier: every leg that the exchange dials ends here, and each number
//! has its own way to react.

use std::{fmt::Write as _, path::Path};

use super::{
    Part, Phone,
    script::{SDP, Steps, send},
};
use crate::ports::Ports;

/// How a called phone reacts.
pub(crate) enum Reaction {
    /// Rings so many ms (0: does not), answers, then these steps.
    Answers { rings_ms: u32, then: Steps },
    /// Rings so many ms (0: does not) and refuses with this code.
    Refuses { rings_ms: u32, code: u16 },
    /// Rings until it is told to stop.
    Rings,
}

/// Phones and how they react; a number that is not here does not exist (404), unless anybody
/// answers.
#[derive(Default)]
pub(crate) struct Callees {
    phones: Vec<(String, Reaction)>,
    anybody: Option<Reaction>,
}

impl Callees {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a phone.
    pub(crate) fn with(mut self, number: &str, reaction: Reaction) -> Self {
        self.phones.push((number.trim_start_matches('+').to_owned(), reaction));
        self
    }

    /// How all other numbers react.
    pub(crate) fn others(mut self, reaction: Reaction) -> Self {
        self.anybody = Some(reaction);
        self
    }

    /// A phone that answers after half a second.
    pub(crate) fn answers(self, number: &str, then: Steps) -> Self {
        self.with(number, Reaction::Answers { rings_ms: 500, then })
    }

    /// A phone that refuses at once.
    pub(crate) fn refuses(self, number: &str, code: u16) -> Self {
        self.with(number, Reaction::Refuses { rings_ms: 100, code })
    }

    /// A phone that rings for ever.
    pub(crate) fn rings(self, number: &str) -> Self {
        self.with(number, Reaction::Rings)
    }

    pub(crate) fn start(&self, dir: &Path, name: &str, ports: &Ports, carrier: u16) -> Phone {
        Phone::start(dir, name, ports, Part::Callee { carrier }, |files| self.xml(files))
    }

    fn xml(&self, files: &Path) -> String {
        let mut xml = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scenario name=\"callees\">\n\
             <recv request=\"INVITE\" rrs=\"true\"><action>\n\
             <ereg regexp=\"INVITE sip:[+]?([0-9]+)@\" search_in=\"msg\" check_it=\"true\" assign_to=\"line,dialled\"/>\n\
             <ereg regexp=\"[0-9]+ INVITE\" search_in=\"hdr\" header=\"CSeq:\" check_it=\"true\" assign_to=\"cseq\"/>\n\
             <ereg regexp=\".+\" search_in=\"hdr\" header=\"From:\" check_it=\"true\" assign_to=\"exchange\"/>\n\
             <ereg regexp=\".+\" search_in=\"hdr\" header=\"To:\" check_it=\"true\" assign_to=\"self\"/>\n",
        );
        for (index, (number, _)) in self.phones.iter().enumerate() {
            write!(
                xml,
                "<strcmp assign_to=\"differs{index}\" variable=\"dialled\" value=\"{number}\"/>\n\
                 <test assign_to=\"is{index}\" variable=\"differs{index}\" compare=\"equal\" value=\"0\"/>\n"
            )
            .unwrap();
        }
        xml.push_str(
            "</action></recv>\n<Reference variables=\"line,dialled,cseq,exchange,self\"/>\n",
        );
        for index in 0..self.phones.len() {
            writeln!(xml, "<nop next=\"phone{index}\" test=\"is{index}\"/>").unwrap();
        }
        let others = self.anybody.as_ref();
        let index = self.phones.len();
        xml.push_str(&others.map_or_else(|| refusal(404), |others| others.xml(files, index)));
        xml.push_str("<nop next=\"end\"/>\n");
        for (index, (_, reaction)) in self.phones.iter().enumerate() {
            write!(xml, "<label id=\"phone{index}\"/>\n{}", reaction.xml(files, index)).unwrap();
            xml.push_str("<nop next=\"end\"/>\n");
        }
        xml.push_str("<label id=\"end\"/>\n<pause milliseconds=\"1\"/>\n</scenario>\n");
        xml
    }
}

impl Reaction {
    fn xml(&self, files: &Path, index: usize) -> String {
        let ringing = send(&answer("180 Ringing", "[last_CSeq:]", "Content-Length: 0"));
        let rings = |ms: u32| match ms {
            0 => String::new(),
            _ => format!("{ringing}<pause milliseconds=\"{ms}\"/>\n"),
        };
        match self {
            Self::Answers { rings_ms, then } => {
                let accepted = send(&answer("200 OK", "[last_CSeq:]", SDP));
                let request = |method: &str, before: u32| {
                    format!(
                        "{method} [next_url] SIP/2.0\n\
                         Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n\
                         From:[$self];tag=[pid]e2e[call_number]\nTo:[$exchange]\n\
                         Call-ID: [call_id]\nCSeq: {} {method}\nMax-Forwards: 70\n\
                         Contact: <sip:phone@[local_ip]:[local_port]>\n",
                        before + 1
                    )
                };
                format!(
                    "{}{}<recv request=\"ACK\"/>\n{}",
                    rings(*rings_ms),
                    accepted.replace("<send>", "<send retrans=\"500\">"),
                    then.xml(files, &format!("callee{index}"), request)
                )
            }
            Self::Refuses { rings_ms, code } => {
                format!("{}{}", rings(*rings_ms), refusal(*code))
            }
            Self::Rings => {
                let stopped = send(&answer("200 OK", "[last_CSeq:]", "Content-Length: 0"));
                let terminated =
                    send(&answer("487 Request Terminated", "CSeq: [$cseq]", "Content-Length: 0"));
                format!(
                    "{ringing}<recv request=\"CANCEL\"/>\n{stopped}{terminated}<recv request=\"ACK\"/>\n"
                )
            }
        }
    }
}

fn refusal(code: u16) -> String {
    let refused = send(&answer(&format!("{code} Refused"), "[last_CSeq:]", "Content-Length: 0"));
    format!("{refused}<recv request=\"ACK\"/>\n")
}

/// An answer to the last request; the To gets this side's tag.
fn answer(status: &str, cseq: &str, rest: &str) -> String {
    format!(
        "SIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]e2e[call_number]\n\
         [last_Call-ID:]\n{cseq}\nContact: <sip:phone@[local_ip]:[local_port]>\n{rest}"
    )
}
