//! A call of a phone, made or taken.

mod stranger;

use std::{
    net::{IpAddr, SocketAddr},
    thread,
    time::Duration,
};

pub(crate) use stranger::Via;

use super::{ALAW, Invite, Line, PATIENCE, RawPhone, Request, number, sdp, sip};
use crate::{
    process::wait_for,
    sip_trace::{Message, Trace},
};

/// See the module. When dropped it is left as it is.
pub(crate) struct Call<'a> {
    phone: &'a RawPhone,
    pub(crate) line: Line,
    /// Who the other side is, by SIP.
    peer: SocketAddr,
    /// How this side writes From and To, and whom it asks within the call.
    local: String,
    remote: String,
    target: String,
    id: String,
    cseq: u32,
    branch: String,
    invite: Message,
    /// Of its answers, if it was called.
    tag: String,
    /// Its INVITE had no SDP: the answer holds the offer, and the ACK our answer.
    is_late: bool,
    /// What it offers, or answers to an offer.
    codecs: &'static [&'static str],
}

impl<'a> Call<'a> {
    pub(super) fn outgoing(
        phone: &'a RawPhone,
        invite: &Invite,
        peer: SocketAddr,
        line: Line,
    ) -> Self {
        let offer = sdp(line.address(), invite.codecs, "sendrecv");
        let is_late = invite.is_late;
        let mut request = Request::new("INVITE", &invite.dialled, peer);
        let shown = format!("sip:{}@{}", invite.from, phone.address().ip());
        request.from = format!("<{}>;tag=raw{}", invite.shown.as_ref().unwrap_or(&shown), number());
        if let Some(uri) = &invite.uri {
            request.uri.clone_from(uri);
        }
        if let Some(to) = &invite.to {
            request.to.clone_from(to);
        }
        request.headers.clone_from(&invite.headers);
        let request = if is_late { request } else { request.body("application/sdp", &offer) };
        let (text, branch) = request.text(phone.address(), peer);
        phone.sends(&text, peer);
        Self {
            phone,
            line,
            peer,
            local: request.from,
            remote: request.to,
            target: request.uri,
            id: request.call,
            cseq: 1,
            branch,
            invite: Message { at: 0.0, sent: true, text },
            tag: String::new(),
            is_late,
            codecs: invite.codecs,
        }
    }

    pub(super) fn incoming(phone: &'a RawPhone, invite: Message, line: Line) -> Self {
        let contact = uri(invite.header("Contact"));
        let via = invite.header("Via").split([' ', ';']).nth(1).unwrap_or_default();
        let peer = via.parse().unwrap_or_else(|_| panic!("Via: {via}"));
        line.speaks_to(media(&invite));
        let (local, remote) = (invite.header("To").to_owned(), invite.header("From").to_owned());
        let id = invite.header("Call-ID").to_owned();
        Self {
            phone,
            line,
            peer,
            local: format!("{local};tag={}", sip::TAG),
            remote,
            target: contact,
            id,
            cseq: 0,
            branch: String::new(),
            invite,
            tag: sip::TAG.to_owned(),
            is_late: false,
            codecs: ALAW,
        }
    }

    /// The INVITE that began it.
    pub(crate) fn invite(&self) -> &Message {
        &self.invite
    }

    /// Where this call's media are sent to.
    pub(crate) fn media(&self) -> SocketAddr {
        self.line.to()
    }

    /// A call to this phone: an answer without SDP.
    pub(crate) fn says(&self, code: u16) {
        self.responds(code, "", "");
    }

    /// A call to this phone: early media.
    pub(crate) fn progresses(&self) {
        self.progresses_with(&sdp(self.line.address(), ALAW, "sendrecv"));
    }

    /// Early media by this SDP.
    pub(crate) fn progresses_with(&self, sdp: &str) {
        self.responds(183, "", sdp);
    }

    /// A call to this phone: picks up, with media to and from its line.
    pub(crate) fn answers(&self) {
        self.answers_with("", &sdp(self.line.address(), ALAW, "sendrecv"));
    }

    /// Picks up with these further headers and this SDP.
    pub(crate) fn answers_with(&self, headers: &str, sdp: &str) {
        self.responds(200, headers, sdp);
        self.awaits("the answer is acknowledged", |leg| leg.request_at("ACK"));
    }

    /// A call to this phone: another phone goes on, as when a carrier forks the call or connects
    /// it after an announcement. Its answers have another tag, unless `tag` is the same. What was
    /// there before.
    pub(crate) fn goes_over_to(&mut self, line: Line, tag: &str) -> Line {
        line.speaks_to(self.line.to());
        tag.clone_into(&mut self.tag);
        self.local = format!("{};tag={tag}", self.invite.header("To"));
        std::mem::replace(&mut self.line, line)
    }

    /// A request within the call, when it comes: the first of this method which has not been
    /// answered.
    pub(crate) fn is_asked(&self, method: &str) -> Message {
        self.awaits(&format!("{method} comes"), |_| self.unanswered(method).into_iter().next())
    }

    /// The requests of this method within the call that have not been answered.
    pub(crate) fn unanswered(&self, method: &str) -> Vec<Message> {
        let leg = self.trace();
        let is_asked = |message: &&Message| {
            let is_it = message.first_line().starts_with(&format!("{method} "));
            is_it && !message.sent && message.header("To").contains(";tag=")
        };
        let is_answered = |request: &Message| {
            let is_it = |m: &Message| m.sent && m.header("CSeq") == request.header("CSeq");
            leg.messages().iter().any(|message| is_it(message) && message.code() >= 200)
        };
        let asked = leg.messages().iter().filter(is_asked);
        asked.filter(|request| !is_answered(request)).cloned().collect()
    }

    /// Answers a request within the call.
    pub(crate) fn replies(&self, request: &Message, code: u16, body: &str) {
        self.responds_to(request, code, "", body);
    }

    fn responds(&self, code: u16, headers: &str, body: &str) {
        self.responds_to(&self.invite, code, headers, body);
    }

    fn responds_to(&self, request: &Message, code: u16, headers: &str, body: &str) {
        let text = sip::answer(request, code, &self.tag, body);
        let own = self.phone.address();
        let contact = format!("Contact: <sip:phone@{own}>\n{headers}Content-Length");
        self.phone.sends(&text.replacen("Content-Length", &contact, 1), self.peer);
    }

    /// Waits for the answer of this code; a 200 is acknowledged, and media go where it says.
    pub(crate) fn gets(&mut self, code: u16) -> Message {
        let answer = self.gets_alone(code);
        if code == 200 {
            self.acknowledges_by(1, self.is_late);
        }
        answer
    }

    /// The same, and nothing is acknowledged.
    pub(crate) fn gets_alone(&mut self, code: u16) -> Message {
        let what = format!("{code} comes, got {:?}", self.trace().codes(false));
        let find = || self.phone.answer(&self.branch, |got| got == code);
        let answer = wait_for(PATIENCE, &what, find);
        if code == 200 {
            answer.header("To").clone_into(&mut self.remote);
            self.target = uri(answer.header("Contact"));
            self.line.speaks_to(media(&answer));
        } else if code == 180 {
            // An early dialog.
            answer.header("To").clone_into(&mut self.remote);
        } else if code == 183 {
            self.line.speaks_to(media(&answer));
        }
        answer
    }

    /// Waits for the answer that decides the call.
    pub(crate) fn final_code(&self) -> u16 {
        let find = || self.phone.answer(&self.branch, |code| code >= 200);
        wait_for(PATIENCE, "the call is answered", find).code()
    }

    /// Acknowledges the answer to its last INVITE.
    pub(crate) fn acknowledges(&self, with_sdp: bool) {
        self.acknowledges_by(self.cseq, with_sdp);
    }

    /// Acknowledges the answer to the INVITE of this number.
    fn acknowledges_by(&self, cseq: u32, with_sdp: bool) {
        let mut ack = self.request("ACK");
        ack.cseq = cseq;
        if with_sdp {
            ack = ack.body("application/sdp", &sdp(self.line.address(), self.codecs, "sendrecv"));
        }
        self.sends(&ack);
    }

    /// Hangs up, and waits until that is accepted.
    pub(crate) fn hangs_up(&mut self) {
        let answer = self.asks("BYE", "", "");
        assert_eq!(answer.code(), 200, "BYE: {}", answer.text);
    }

    /// Hangs up, and then the other side's phone is hung up as well.
    pub(crate) fn hangs_up_and(mut self, other: &Call<'_>) -> Self {
        self.hangs_up();
        other.ends();
        self
    }

    /// Asks something within the call; the final answer, which is acknowledged if need be.
    pub(crate) fn asks(&mut self, method: &str, headers: &str, body: &str) -> Message {
        let answer = self.asks_alone(method, headers, body);
        if method == "INVITE" && answer.code() < 300 {
            self.acknowledges(body.is_empty());
        }
        answer
    }

    /// The same, and nothing is acknowledged.
    pub(crate) fn asks_alone(&mut self, method: &str, headers: &str, body: &str) -> Message {
        self.cseq += 1;
        let mut request = self.request(method);
        headers.clone_into(&mut request.headers);
        if headers.contains("Content-Type") {
            body.clone_into(&mut request.body);
        } else if !body.is_empty() {
            request = request.body("application/sdp", body);
        }
        let branch = self.sends(&request);
        let what = format!("{method} is answered");
        wait_for(PATIENCE, &what, || self.phone.answer(&branch, |code| code >= 200))
    }

    fn request(&self, method: &str) -> Request {
        Request {
            method: method.to_owned(),
            uri: self.target.clone(),
            from: self.local.clone(),
            to: self.remote.clone(),
            call: self.id.clone(),
            cseq: self.cseq,
            headers: String::new(),
            body: String::new(),
        }
    }

    fn sends(&self, request: &Request) -> String {
        let (text, branch) = request.text(self.phone.address(), self.peer);
        self.phone.sends(&text, self.peer);
        branch
    }

    /// This call's dialog as `Replaces` names it, to who sends that.
    pub(crate) fn dialog(&self) -> String {
        let tag = |text: &str| text.split(";tag=").nth(1).unwrap_or_default().to_owned();
        format!("{};to-tag={};from-tag={}", self.id, tag(&self.remote), tag(&self.local))
    }

    /// The messages of this call so far.
    pub(crate) fn trace(&self) -> Trace {
        self.phone.trace().leg(&self.invite)
    }

    /// Whether the other side has hung up.
    pub(crate) fn is_over(&self) -> bool {
        self.trace().request_at("BYE").is_some()
    }

    /// Waits until the other side hangs up.
    pub(crate) fn ends(&self) {
        self.awaits("the call ends", |leg| leg.request_at("BYE"));
    }

    fn awaits<T>(&self, what: &str, look: impl Fn(&Trace) -> Option<T>) -> T {
        wait_for(PATIENCE, what, || look(&self.trace()))
    }
}

/// A phone does nothing for so long.
pub(crate) fn pause(ms: u32) {
    thread::sleep(Duration::from_millis(ms.into()));
}

/// The address between angle brackets.
fn uri(header: &str) -> String {
    let uri = header.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    uri.map_or(header, |(uri, _)| uri).to_owned()
}

/// Where an offer or answer wants its media.
fn media(message: &Message) -> SocketAddr {
    let ip = message.text.lines().find_map(|line| line.strip_prefix("c=IN IP4 "));
    let ip: Option<IpAddr> = ip.and_then(|ip| ip.trim().parse().ok());
    let ip = ip.unwrap_or_else(|| panic!("no media:\n{}", message.text));
    (ip, message.media_port()).into()
}
