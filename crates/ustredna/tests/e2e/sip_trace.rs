//! The SIP messages of a phone, from SIPp's `-trace_msg` file, and what must not be in them.

use std::{fs, path::Path};

/// One message as a phone sent or received it.
#[derive(Clone)]
pub(crate) struct Message {
    /// Seconds; comparable between the phones of one machine.
    pub(crate) at: f64,
    /// Whether the phone sent it.
    pub(crate) sent: bool,
    pub(crate) text: String,
}

impl Message {
    /// The request or status line.
    pub(crate) fn first_line(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    /// The value of the first header of this name.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.text
            .lines()
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.split_once(':'))
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .unwrap_or_default()
    }

    /// The user of the first SIP address of the line that begins so.
    pub(crate) fn user(&self, line: &str) -> String {
        let line = self.text.lines().find(|text| text.starts_with(line)).unwrap_or_default();
        let user = line.split_once("sip:").and_then(|(_, rest)| rest.split_once('@'));
        user.map(|(user, _)| user.to_owned()).unwrap_or_default()
    }

    /// The display name of its From.
    pub(crate) fn display_name(&self) -> String {
        let name = self.header("From").split_once('<').map(|(name, _)| name).unwrap_or_default();
        name.trim().trim_matches('"').to_owned()
    }

    /// The port that its offer names for sound.
    pub(crate) fn media_port(&self) -> u16 {
        let line = self.text.lines().find_map(|line| line.strip_prefix("m=audio "));
        let port = line.and_then(|line| line.split(' ').next()?.parse().ok());
        port.unwrap_or_else(|| panic!("no sound is offered:\n{}", self.text))
    }

    /// Its text without tags and branches, whose random letters may make any word.
    pub(crate) fn without_tags(&self) -> String {
        let mut plain = String::new();
        let mut rest = self.text.as_str();
        while let Some(at) = [";tag=", ";branch="].iter().filter_map(|name| rest.find(name)).min() {
            let (before, value) = rest.split_at(at + 1);
            plain.push_str(before);
            rest = value
                .trim_start_matches(|char: char| !matches!(char, ';' | ',' | '>' | ' ' | '\n'));
        }
        plain + rest
    }

    /// The code of an answer; 0: it is a request.
    pub(crate) fn code(&self) -> u16 {
        let mut words = self.first_line().split(' ');
        let is_answer = words.next() == Some("SIP/2.0");
        words.next().filter(|_| is_answer).and_then(|code| code.parse().ok()).unwrap_or_default()
    }

    /// Whether it is the INVITE that this CANCEL takes back.
    pub(crate) fn is_invite_of(&self, cancel: &Self) -> bool {
        self.is_request("INVITE") && self.header("Via") == cancel.header("Via")
    }

    /// Whether it asks this.
    pub(crate) fn is_request(&self, method: &str) -> bool {
        self.first_line().starts_with(&format!("{method} "))
    }

    /// Whether it is this final or provisional answer to an INVITE.
    pub(crate) fn is_answer(&self, code: u16) -> bool {
        self.first_line().starts_with(&format!("SIP/2.0 {code} "))
            && self.header("CSeq").ends_with("INVITE")
    }
}

/// All messages of one phone.
#[derive(Clone, Default)]
pub(crate) struct Trace(Vec<Message>);

impl Trace {
    /// Reads what SIPp has written so far.
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default().replace('\r', "");
        let parts = text.split("-----------------------------------------------");
        Self(parts.filter_map(message).collect())
    }

    /// Of these messages.
    pub(crate) fn of(messages: Vec<Message>) -> Self {
        Self(messages)
    }

    pub(crate) fn messages(&self) -> &[Message] {
        &self.0
    }

    /// The INVITEs of this phone, one a leg: retransmissions count once.
    pub(crate) fn invites(&self) -> Vec<&Message> {
        let mut legs: Vec<&Message> = Vec::new();
        for invite in self.0.iter().filter(|message| message.is_request("INVITE")) {
            if legs.iter().all(|leg| leg.header("Call-ID") != invite.header("Call-ID")) {
                legs.push(invite);
            }
        }
        legs
    }

    /// The messages of one leg.
    pub(crate) fn leg(&self, invite: &Message) -> Self {
        let call = invite.header("Call-ID");
        Self(self.0.iter().filter(|message| message.header("Call-ID") == call).cloned().collect())
    }

    /// The answers to an INVITE that the phone gave or was given, without 100, each once.
    pub(crate) fn codes(&self, given: bool) -> Vec<u16> {
        let mut codes = Vec::new();
        for message in self.0.iter().filter(|message| message.sent == given) {
            let code = message.first_line().split(' ').nth(1).and_then(|code| code.parse().ok());
            if let Some(code) = code
                && message.is_answer(code)
                && code != 100
                && !codes.contains(&code)
            {
                codes.push(code);
            }
        }
        codes
    }

    /// When this answer to an INVITE came first.
    pub(crate) fn answered_at(&self, code: u16) -> Option<f64> {
        self.0.iter().find(|message| message.is_answer(code)).map(|message| message.at)
    }

    /// When this request came first.
    pub(crate) fn request_at(&self, method: &str) -> Option<f64> {
        self.0.iter().find(|message| message.is_request(method)).map(|message| message.at)
    }

    /// Whether a BYE was said and accepted.
    pub(crate) fn was_hung_up(&self) -> bool {
        let accepts = |message: &Message| {
            message.first_line().starts_with("SIP/2.0 200 ")
                && message.header("CSeq").ends_with("BYE")
        };
        self.0.iter().any(accepts)
    }

    /// From the answer to the BYE.
    pub(crate) fn talk_seconds(&self) -> f64 {
        let answered = self.answered_at(200).expect("the call was answered");
        self.request_at("BYE").expect("the call was hung up") - answered
    }

    /// No message that the exchange sent to this phone holds the number (E.164) in any form,
    /// in no header and no body.
    pub(crate) fn assert_never_shown(&self, number: &str) {
        // 00420… and +420… end alike; the national form is the least that gives it away.
        let national = number.trim_start_matches("+420");
        for message in self.0.iter().filter(|message| !message.sent) {
            let written_together: String =
                message.text.chars().filter(|c| !matches!(c, ' ' | '-' | '.')).collect();
            assert!(
                !message.text.contains(national) && !written_together.contains(national),
                "{number} is shown to a phone that must not see it:\n{}",
                message.text
            );
        }
    }
}

/// ` 2026-11-22 10:38:39.354208\nUDP message received [939] bytes :\n\n<message>`
fn message(part: &str) -> Option<Message> {
    let (stamp, rest) = part.trim_start().split_once('\n')?;
    let (direction, text) = rest.split_once("\n\n")?;
    let (_, time) = stamp.trim().split_once(' ')?;
    let mut units = time.split(':').map(|unit| unit.parse::<f64>().unwrap_or_default());
    let at = units.next()? * 3600.0 + units.next()? * 60.0 + units.next()?;
    Some(Message { at, sent: direction.contains("sent"), text: text.to_owned() })
}
