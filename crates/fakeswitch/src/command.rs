//! Commands of the event socket, read off a stream (`read_packet` in mod_event_socket.c).

use std::io;

use tokio::{io::AsyncReadExt as _, net::tcp::OwnedReadHalf};

/// A command line, its headers, and perhaps a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Option<String>,
}

impl Command {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The rest of the line behind its first word when it is that one, whatever its case.
    pub(crate) fn arguments(&self, word: &str) -> Option<&str> {
        let (first, rest) = self.line.split_at_checked(word.len())?;
        first.eq_ignore_ascii_case(word).then(|| rest.trim_start_matches(' '))
    }
}

/// Reads commands. What has been read of one stays when [`Self::next`] is dropped.
#[derive(Debug)]
pub(crate) struct Commands {
    reader: OwnedReadHalf,
    buffer: Vec<u8>,
}

/// `MAX_CONTENT_LENGTH` is larger; no controller's command is.
const MAX: usize = 10_485_760;

impl Commands {
    pub(crate) fn new(reader: OwnedReadHalf) -> Self {
        Self { reader, buffer: Vec::new() }
    }

    /// The next command; `None` when the peer has closed. Cancel-safe.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Command>> {
        loop {
            if let Some((command, length)) = parse(&self.buffer)? {
                self.buffer.drain(..length);
                return Ok(Some(command));
            }
            if self.buffer.len() > MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }
}

// packet = *( CR / LF ) line LF *( name ":" *SP value LF ) LF [ body ]
/// The first command of the buffer and how many bytes it takes.
fn parse(buffer: &[u8]) -> io::Result<Option<(Command, usize)>> {
    let blank = buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let Some(rest) = buffer.get(blank..) else { return Ok(None) };
    let Some(end) = end_of_headers(rest) else { return Ok(None) };
    let (head, behind) = rest.split_at(end);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split(['\r', '\n']).filter(|line| !line.is_empty());
    let line = lines.next().unwrap_or_default().to_owned();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim_start_matches(' ').to_owned()))
        .collect();
    let mut command = Command { line, headers, body: None };
    let mut length = blank + end;
    if let Some(text) = command.header("content-length") {
        let size = text.trim().parse::<usize>().ok().filter(|size| *size <= MAX);
        let size = size.ok_or(io::ErrorKind::InvalidData)?;
        let Some(body) = behind.get(..size) else { return Ok(None) };
        if size > 0 {
            command.body = Some(String::from_utf8_lossy(body).into_owned());
        }
        length += size;
    }
    Ok(Some((command, length)))
}

/// Behind the empty line.
fn end_of_headers(bytes: &[u8]) -> Option<usize> {
    let mut feeds = 0;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' => feeds += 1,
            b'\r' => {}
            _ => feeds = 0,
        }
        if feeds == 2 {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_commands_one_behind_the_other() {
        let bytes = b"\nsendmsg\ncall-command: execute\nexecute-app-arg: a: b\n\nexit\r\n\r\nsendevent X\nContent-Length: 2\n\nhi";
        let (first, length) = parse(bytes).unwrap().unwrap();
        assert_eq!(first.line, "sendmsg");
        assert_eq!(first.header("Execute-App-Arg"), Some("a: b"));
        let rest = &bytes[length..];
        let (second, length) = parse(rest).unwrap().unwrap();
        assert_eq!(second.line, "exit");
        let rest = &rest[length..];
        for cut in 0..rest.len() {
            assert_eq!(parse(&rest[..cut]).unwrap(), None, "{cut}");
        }
        let (third, length) = parse(rest).unwrap().unwrap();
        assert_eq!((third.body.as_deref(), length), (Some("hi"), rest.len()));
    }
}
