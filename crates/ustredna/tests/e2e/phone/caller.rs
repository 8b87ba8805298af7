//! A phone that calls the exchange, through the carrier.

use std::path::Path;

use super::{
    Part, Phone,
    script::{BARE, SDP, Steps, send},
};
use crate::ports::Ports;

/// How a call is to go.
enum Course {
    /// Answered, then these steps.
    Answered(Steps),
    /// Ended by the exchange with this code, unanswered.
    Fails(u16),
    /// Given up so many ms after this provisional answer.
    GivesUp { after: u16, ms: u32 },
    /// Answered, then these steps; or ended unanswered, with whatever code.
    Open(Steps),
}

/// With what a call may end unanswered.
const FAILURES: [u16; 10] = [403, 404, 408, 480, 484, 486, 487, 500, 503, 603];

/// A call to be made.
pub(crate) struct Caller {
    from: String,
    dialled: String,
    /// To, if it is another than what is dialled.
    to: Option<String>,
    /// Further lines of the INVITE.
    headers: String,
    course: Course,
    calls: u32,
    at_once: u32,
}

impl Caller {
    /// A phone of this number that dials.
    pub(crate) fn new(number: &str, dialled: &str) -> Self {
        Self {
            from: format!("\"{number}\" <sip:{number}@127.0.0.1>"),
            dialled: dialled.to_owned(),
            to: None,
            headers: String::new(),
            course: Course::Fails(404),
            calls: 1,
            at_once: 1,
        }
    }

    /// Shows this From instead of the number.
    pub(crate) fn shows(mut self, from: &str) -> Self {
        from.clone_into(&mut self.from);
        self
    }

    /// Shows this To instead of what is dialled.
    pub(crate) fn to(mut self, to: &str) -> Self {
        self.to = Some(to.to_owned());
        self
    }

    /// Adds a header to the INVITE.
    pub(crate) fn header(mut self, header: &str) -> Self {
        self.headers.push_str(header);
        self.headers.push('\n');
        self
    }

    /// The call must be answered; then these steps.
    pub(crate) fn answered(mut self, steps: Steps) -> Self {
        self.course = Course::Answered(steps);
        self
    }

    /// The call is answered, then these steps; or it ends unanswered, which is not a failure.
    pub(crate) fn open(mut self, steps: Steps) -> Self {
        self.course = Course::Open(steps);
        self
    }

    /// The call must end with this code, never answered.
    pub(crate) fn fails(mut self, code: u16) -> Self {
        self.course = Course::Fails(code);
        self
    }

    /// The caller gives up so many ms after the provisional answer `after`.
    pub(crate) fn gives_up(mut self, after: u16, ms: u32) -> Self {
        self.course = Course::GivesUp { after, ms };
        self
    }

    /// Makes the call several times: so many, and at most `at_once` of them at once.
    pub(crate) fn times(mut self, calls: u32, at_once: u32) -> Self {
        (self.calls, self.at_once) = (calls, at_once);
        self
    }

    pub(crate) fn start(&self, dir: &Path, name: &str, ports: &Ports, sip: u16) -> Phone {
        let cues = match &self.course {
            Course::Answered(steps) | Course::Open(steps) => steps.cues(),
            Course::Fails(_) | Course::GivesUp { .. } => Vec::new(),
        };
        let part = Part::Caller { sip, calls: self.calls, at_once: self.at_once, cues };
        Phone::start(dir, name, ports, part, |files| self.xml(files))
    }

    fn xml(&self, files: &Path) -> String {
        let (from, dialled) = (&self.from, &self.dialled);
        let uri = format!("sip:{dialled}@[remote_ip]:[remote_port]");
        let to = self.to.clone().unwrap_or_else(|| format!("<{uri}>"));
        let head = |method: &str, uri: &str, via: &str, tail: &str, cseq: u32| {
            format!(
                "{method} {uri} SIP/2.0\n{via}\nFrom: {from};tag=[pid]e2e[call_number]\n\
                 To: {to}{tail}\nCall-ID: [call_id]\n\
                 CSeq: {cseq} {method}\nMax-Forwards: 70\n"
            )
        };
        let own_via = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]";
        let headers = &self.headers;
        let invite = format!(
            "{}Contact: <sip:phone@[local_ip]:[local_port]>\n{headers}{SDP}",
            head("INVITE", &uri, own_via, "", 1)
        );
        let ack_failure =
            send(&format!("{}{BARE}", head("ACK", &uri, "[last_Via:]", "[peer_tag_param]", 1)));
        let optional = |codes: &[u16]| {
            let line = |code| format!("<recv response=\"{code}\" optional=\"true\"/>\n");
            codes.iter().map(line).collect::<Vec<_>>().concat()
        };
        let answered = |steps: &Steps| {
            let ack = head("ACK", "[next_url]", own_via, "[peer_tag_param]", 1);
            let request = |method: &str, before: u32| {
                let head = head(method, "[next_url]", own_via, "[peer_tag_param]", before + 2);
                format!("{head}Contact: <sip:phone@[local_ip]:[local_port]>\n")
            };
            format!(
                "<recv response=\"200\" rrs=\"true\"/>\n{}{}",
                send(&format!("{ack}{BARE}")),
                steps.xml(files, "caller", request)
            )
        };
        let course = match &self.course {
            Course::Answered(steps) => format!("{}{}", optional(&[100, 180, 183]), answered(steps)),
            Course::Open(steps) => {
                let failure = |code| {
                    format!("<recv response=\"{code}\" optional=\"true\" next=\"failed\"/>\n")
                };
                format!(
                    "{}{}{}<nop next=\"end\"/>\n<label id=\"failed\"/>\n{ack_failure}\
                     <label id=\"end\"/>\n<pause milliseconds=\"1\"/>\n",
                    optional(&[100, 180, 183]),
                    FAILURES.map(failure).concat(),
                    answered(steps)
                )
            }
            Course::Fails(code) => {
                format!("{}<recv response=\"{code}\"/>\n{ack_failure}", optional(&[100, 180, 183]))
            }
            Course::GivesUp { after, ms } => {
                let before: Vec<u16> =
                    [100, 180, 183].into_iter().filter(|code| code != after).collect();
                let cancel = send(&format!("{}{BARE}", head("CANCEL", &uri, "[last_Via:]", "", 1)));
                format!(
                    "{}<recv response=\"{after}\"/>\n<pause milliseconds=\"{ms}\"/>\n{cancel}\
                     <recv response=\"200\"/>\n<recv response=\"487\"/>\n{ack_failure}",
                    optional(&before)
                )
            }
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scenario name=\"caller\">\n{}{course}</scenario>\n",
            send(&invite).replace("<send>", "<send retrans=\"500\">")
        )
    }
}
