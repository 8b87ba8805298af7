//! SIP messages, written and answered.

use std::{fmt::Write as _, net::SocketAddr};

use super::number;
use crate::{audio::KEY_PAYLOAD, sip_trace::Message};

/// The codec of the recordings and keys as events: what a carrier usually offers.
pub(crate) const ALAW: &[&str] = &["8 PCMA/8000", "101 telephone-event/8000"];
/// The tag of a phone that is called.
pub(super) const TAG: &str = "raw-called";

/// An offer or answer: sound to and from this address, in these codecs (`8 PCMA/8000`).
pub(crate) fn sdp(media: SocketAddr, codecs: &[&str], direction: &str) -> String {
    let types: Vec<&str> = codecs.iter().map(|c| c.split(' ').next().unwrap_or_default()).collect();
    let (ip, port) = (media.ip(), media.port());
    let mut text = format!(
        "v=0\no=- 1 {} IN IP4 {ip}\ns=-\nc=IN IP4 {ip}\nt=0 0\nm=audio {port} RTP/AVP {}\n",
        number(),
        types.join(" ")
    );
    for codec in codecs {
        let _ = writeln!(text, "a=rtpmap:{codec}");
    }
    if types.contains(&KEY_PAYLOAD.to_string().as_str()) {
        let _ = writeln!(text, "a=fmtp:{KEY_PAYLOAD} 0-15");
    }
    let _ = writeln!(text, "a=ptime:20\na={direction}");
    text
}

/// A call to be made.
pub(crate) struct Invite {
    pub(crate) from: String,
    pub(crate) dialled: String,
    /// The request URI, To and the URI of From, where they are others.
    pub(super) uri: Option<String>,
    pub(super) to: Option<String>,
    pub(super) shown: Option<String>,
    /// Further lines of its head.
    pub(crate) headers: String,
    /// Without SDP.
    pub(super) is_late: bool,
    /// What it offers.
    pub(super) codecs: &'static [&'static str],
}

impl Invite {
    /// From this number to that.
    pub(crate) fn new(from: &str, dialled: &str) -> Self {
        Self {
            from: from.to_owned(),
            dialled: dialled.to_owned(),
            uri: None,
            to: None,
            shown: None,
            headers: String::new(),
            is_late: false,
            codecs: ALAW,
        }
    }

    /// Offers these codecs.
    pub(crate) fn offers(self, codecs: &'static [&'static str]) -> Self {
        Self { codecs, ..self }
    }

    /// With this request URI.
    pub(crate) fn uri(self, uri: &str) -> Self {
        Self { uri: Some(uri.to_owned()), ..self }
    }

    /// With this To.
    pub(crate) fn to(self, to: &str) -> Self {
        Self { to: Some(to.to_owned()), ..self }
    }

    /// With this URI in From.
    pub(crate) fn shows(self, uri: &str) -> Self {
        Self { shown: Some(uri.to_owned()), ..self }
    }

    /// Without SDP: the other side is to make the offer.
    pub(crate) fn late(self) -> Self {
        Self { is_late: true, ..self }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, header: &str) -> Self {
        let _ = writeln!(self.headers, "{header}");
        self
    }
}

/// A request outside of any call, or within one.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) call: String,
    pub(crate) cseq: u32,
    /// Further lines of its head.
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Request {
    /// Outside of any call, to whomever.
    pub(crate) fn new(method: &str, user: &str, to: SocketAddr) -> Self {
        let uri = if user.is_empty() { format!("sip:{to}") } else { format!("sip:{user}@{to}") };
        Self {
            method: method.to_owned(),
            to: format!("<{uri}>"),
            uri,
            from: format!("<sip:raw@127.0.0.1>;tag=raw{}", number()),
            call: format!("raw-{}-{}", std::process::id(), number()),
            cseq: 1,
            headers: String::new(),
            body: String::new(),
        }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, header: &str) -> Self {
        let _ = writeln!(self.headers, "{header}");
        self
    }

    /// With a body of this type.
    pub(crate) fn body(self, kind: &str, body: &str) -> Self {
        Self { body: body.to_owned(), ..self.header(&format!("Content-Type: {kind}")) }
    }

    /// As it is sent, and the branch by which its answers are known.
    pub(crate) fn text(&self, own: SocketAddr, _to: SocketAddr) -> (String, String) {
        let branch = format!("z9hG4bKraw{}", number());
        let Self { method, uri, from, to, call, cseq, headers, body } = self;
        let text = format!(
            "{method} {uri} SIP/2.0\nVia: SIP/2.0/UDP {own};branch={branch}\nFrom: {from}\n\
             To: {to}\nCall-ID: {call}\nCSeq: {cseq} {method}\nMax-Forwards: 70\n\
             Contact: <sip:phone@{own}>\n{headers}Content-Length: {}\n\n{body}",
            length(body)
        );
        (text, branch)
    }
}

/// An answer to a request. `tag` goes to its To where there is none.
pub(super) fn answer(request: &Message, code: u16, tag: &str, body: &str) -> String {
    let mut text = format!("SIP/2.0 {code} {}\n", phrase(code));
    for line in request.text.lines().take_while(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        match name.as_str() {
            "to" if !tag.is_empty() && !line.contains(";tag=") => {
                let _ = writeln!(text, "{line};tag={tag}");
            }
            "via" | "from" | "to" | "call-id" | "cseq" | "record-route" => {
                let _ = writeln!(text, "{line}");
            }
            _ => {}
        }
    }
    if !body.is_empty() {
        let _ = writeln!(text, "Content-Type: application/sdp");
    }
    let _ = write!(text, "Content-Length: {}\n\n{body}", length(body));
    text
}

/// The ACK of an answer that ends an INVITE.
pub(super) fn ack_of_failure(answer: &Message, to: SocketAddr) -> String {
    let header = |name| answer.header(name);
    let cseq = header("CSeq").split(' ').next().unwrap_or("1");
    format!(
        "ACK sip:{to} SIP/2.0\nVia: {}\nFrom: {}\nTo: {}\nCall-ID: {}\nCSeq: {cseq} ACK\n\
         Max-Forwards: 70\nContent-Length: 0\n\n",
        header("Via"),
        header("From"),
        header("To"),
        header("Call-ID"),
    )
}

/// As it is sent, with CR LF.
fn length(body: &str) -> usize {
    body.len() + body.matches('\n').count()
}

fn phrase(code: u16) -> &'static str {
    match code {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        486 => "Busy Here",
        487 => "Request Terminated",
        _ => "Whatever",
    }
}
