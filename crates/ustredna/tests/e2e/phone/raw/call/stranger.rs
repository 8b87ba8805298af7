//! What somebody sends into a call who has seen one of its packets.

use super::{Call, RawPhone, Request};
use crate::sip_trace::Message;

impl Call<'_> {
    /// Asks something within this call from another phone, as who has seen one of its packets could;
    /// the final answer, or `None` when none comes.
    pub(crate) fn is_asked_by(
        &mut self,
        stranger: &RawPhone,
        method: &str,
        headers: &str,
        body: &str,
    ) -> Option<Message> {
        self.cseq += 1;
        let mut request = self.request(method);
        headers.clone_into(&mut request.headers);
        if !body.is_empty() {
            request = request.body("application/sdp", body);
        }
        let answer = stranger.asks(&request, self.peer);
        if method == "INVITE" && answer.as_ref().is_some_and(|answer| answer.code() < 300) {
            let ack = Request { cseq: self.cseq, ..self.request("ACK") };
            stranger.sends(&ack.text(stranger.address(), self.peer).0, self.peer);
        }
        answer
    }

    /// The answer to the last INVITE is acknowledged by another phone, with this SDP. `via` is put
    /// into its first Via: what a stranger may write there, to be taken for somebody else.
    pub(crate) fn is_acknowledged_by(&self, stranger: &RawPhone, sdp: &str, via: Via) {
        let ack = self.request("ACK").body("application/sdp", sdp);
        let own = match via {
            Via::Own => stranger.address(),
            Via::OfPhone | Via::Received | Via::Quoted => self.phone.address(),
        };
        let (text, _) = ack.text(own, self.peer);
        let ip = self.phone.address().ip();
        let parameters = match via {
            Via::Own | Via::OfPhone => ";branch=".to_owned(),
            Via::Received => format!(";received={ip};received={ip};received={ip};branch="),
            Via::Quoted => format!(";x=\",\";received={ip};y=\";received={ip},\";branch="),
        };
        stranger.sends(&text.replacen(";branch=", &parameters, 1), self.peer);
    }
}

/// Whose address stands in the Via of a stranger's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    Own,
    OfPhone,
    Received,
    Quoted,
}
