//! Complete parsers over whole frames; [`crate::frame`] has found their ends and held the limits.

use memchr::memchr_iter;
use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, tag_no_case, take_till};
use nom::character::complete::{digit1, space0};
use nom::combinator::{all_consuming, eof, map_res, opt, rest, value};
use nom::multi::separated_list1;
use nom::sequence::{delimited, preceded, separated_pair, terminated};
use nom::{IResult, Parser};

use crate::headers::Span;

/// A whole frame that is not what the event socket's protocol knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A header line without a colon or without a name.
    #[error("malformed header at byte {at}")]
    MalformedHeader {
        /// Offset of the line in its block.
        at: usize,
    },
    /// An event inside a body has more headers than the limit.
    #[error("more than {limit} headers")]
    TooManyHeaders {
        /// The limit in headers.
        limit: usize,
    },
    /// A block larger than 32-bit offsets can tell.
    #[error("header block exceeds 4 GiB")]
    BlockTooLarge,
    /// The frame has no `Content-Type`.
    #[error("no content-type")]
    MissingContentType,
    /// A `Content-Type` that no command of this crate asks for.
    #[error("unknown content-type")]
    UnknownContentType,
    /// A `command/reply` without `Reply-Text`.
    #[error("reply without reply-text")]
    MissingReplyText,
    /// An event or an API response without a body.
    #[error("message without the body it must have")]
    MissingBody,
    /// A `text/event-json` whose body is not a JSON object.
    #[error("event is not a json object")]
    MalformedJson,
    /// A command that this crate does not send.
    #[error("not a command")]
    MalformedCommand,
}

/// What a frame's body and headers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContentType {
    CommandReply,
    ApiResponse,
    EventPlain,
    EventJson,
    DisconnectNotice,
    AuthRequest,
    RudeRejection,
}

// header = name ":" [ SP ] value
// name   = 1*( any octet but ":" and LF )
// value  = *( any octet but LF )             ; further colons belong to it
fn header(input: &[u8]) -> IResult<&[u8], (&[u8], &[u8])> {
    separated_pair(is_not(":\n"), (tag(":"), opt(tag(" "))), take_till(|byte| byte == b'\n'))
        .parse(input)
}

// header-block = *( header ( LF / end ) )
pub(crate) fn header_block(block: &[u8], limit: usize) -> Result<Vec<Span>, ParseError> {
    u32::try_from(block.len()).map_err(|_| ParseError::BlockTooLarge)?;
    let lines = memchr_iter(b'\n', block.strip_suffix(b"\n").unwrap_or(block)).count() + 1;
    if lines > limit {
        return Err(ParseError::TooManyHeaders { limit });
    }
    let mut spans = Vec::with_capacity(lines);
    let mut rest = block;
    while !rest.is_empty() {
        let at = block.len() - rest.len();
        let (after, (name, value)) =
            header(rest).map_err(|_| ParseError::MalformedHeader { at })?;
        let end = block.len() - after.len();
        spans.push(Span {
            name: (offset(at)?, offset(at + name.len())?),
            value: (offset(end - value.len())?, offset(end)?),
        });
        // A value stops at a newline or at the end.
        rest = after.get(1..).unwrap_or_default();
    }
    Ok(spans)
}

fn offset(at: usize) -> Result<u32, ParseError> {
    u32::try_from(at).map_err(|_| ParseError::BlockTooLarge)
}

// content-length = "Content-Length" *WSP ":" value          ; the name in any case
/// The value, if the line is this header.
pub(crate) fn content_length(line: &[u8]) -> Option<&[u8]> {
    let mut name = (tag_no_case("content-length"), space0, tag(":"));
    let parsed: IResult<&[u8], _> = name.parse(line);
    parsed.ok().map(|(value, _)| value)
}

// number = *WSP 1*DIGIT *WSP
/// The digits.
pub(crate) fn number(value: &[u8]) -> Option<&str> {
    let digits = delimited(space0, digit1, space0);
    let parsed: IResult<&[u8], _> =
        all_consuming(map_res(digits, std::str::from_utf8)).parse(value);
    parsed.ok().map(|(_, digits)| digits)
}

// content-type = ( "command/reply" / "api/response" / "text/event-plain" / "text/event-json" /
//                  "text/disconnect-notice" / "auth/request" / "text/rude-rejection" ) *WSP
pub(crate) fn content_type(input: &[u8]) -> Result<ContentType, ParseError> {
    let known = alt((
        value(ContentType::CommandReply, tag_no_case("command/reply")),
        value(ContentType::ApiResponse, tag_no_case("api/response")),
        value(ContentType::EventPlain, tag_no_case("text/event-plain")),
        value(ContentType::EventJson, tag_no_case("text/event-json")),
        value(ContentType::DisconnectNotice, tag_no_case("text/disconnect-notice")),
        value(ContentType::AuthRequest, tag_no_case("auth/request")),
        value(ContentType::RudeRejection, tag_no_case("text/rude-rejection")),
    ));
    let parsed: IResult<_, _> = all_consuming(delimited(space0, known, space0)).parse(input);
    parsed.map(|(_, known)| known).map_err(|_| ParseError::UnknownContentType)
}

// outcome = ( "-ERR" / "-USAGE:" / [ "+OK" ] ) *WSP text
/// Whether the text tells of success, and the text without its mark.
pub(crate) fn outcome(text: &str) -> (bool, &str) {
    let mark = alt((
        value(false, alt((tag("-ERR"), tag("-USAGE:")))),
        value(true, tag("+OK")),
        value(true, tag("")),
    ));
    let parsed: IResult<&str, (bool, &str)> = (mark, rest).parse(text);
    parsed.map_or((true, text), |(_, (ok, rest))| (ok, rest.trim()))
}

// array = "ARRAY::" item *( "|:" item )
/// What follows the mark; `None`: not an array.
pub(crate) fn array(value: &str) -> Option<&str> {
    value.strip_prefix("ARRAY::")
}

/// A command as words and lines, before its parts are admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Connect,
    Exit,
    MyEvents,
    Linger(&'a str),
    Events(Vec<&'a str>),
    JsonEvents(Vec<&'a str>),
    NixEvents(Vec<&'a str>),
    Auth(&'a str),
    Api(&'a str),
    BgApi(&'a str, Option<&'a str>),
    SendMsg(Vec<(&'a str, &'a str)>),
}

// command = "connect" / "exit" / "myevents" / "linger" SP number
//         / "event" SP ( "plain" / "json" ) SP names / "nixevent" SP names
//         / "auth" SP text / "api" SP text / "bgapi" SP text [ LF "Job-UUID: " text ]
//         / "sendmsg" LF header-block
// names   = name *( SP name )
// text    = 1*( any character but LF )
pub(crate) fn command(input: &str) -> Option<Line<'_>> {
    let text = || is_not("\n");
    let names = || separated_list1(tag(" "), is_not(" \n"));
    let header = || separated_pair(is_not(":\n"), tag(": "), take_till(|c| c == '\n'));
    let job = opt(preceded(tag("\nJob-UUID: "), text()));
    let command = alt((
        value(Line::Connect, tag("connect")),
        value(Line::Exit, tag("exit")),
        value(Line::MyEvents, tag("myevents")),
        preceded(tag("linger "), digit1).map(Line::Linger),
        preceded(tag("event plain "), names()).map(Line::Events),
        preceded(tag("event json "), names()).map(Line::JsonEvents),
        preceded(tag("nixevent "), names()).map(Line::NixEvents),
        preceded(tag("auth "), text()).map(Line::Auth),
        preceded(tag("api "), text()).map(Line::Api),
        preceded(tag("bgapi "), (text(), job)).map(|(api, job)| Line::BgApi(api, job)),
        preceded(tag("sendmsg\n"), separated_list1(tag("\n"), header())).map(Line::SendMsg),
    ));
    let parsed: IResult<&str, Line<'_>> = terminated(command, eof).parse(input);
    parsed.ok().map(|(_, line)| line)
}

#[cfg(test)]
mod tests;
