//! Reads records of TLS around a ClientHello: what came of one that is not whole, what the server
//! answered, where a second one begins.

use super::super::server_hello::ServerHello;
use super::event::{Message, Said};
use crate::hello::{HelloError, RANDOM_BYTES};

const RECORD_HEADER: usize = 5;
const MESSAGE_HEADER: usize = 4;
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION: u8 = 23;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// The random of a hello's body, the client's or the server's.
pub(super) fn random(body: &[u8]) -> Option<&[u8; RANDOM_BYTES]> {
    body.get(2..)?.first_chunk()
}

/// Whether a ServerHello's body is a HelloRetryRequest.
pub(super) fn is_retry(body: &[u8]) -> bool {
    ServerHello::parse(body).is_ok_and(|hello| hello.is_retry())
}

/// Whether a stream of which nothing came before may begin here: a handshake record of a version of
/// TLS, as far as it is there, with a ClientHello or a ServerHello.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    let is = |at: usize, wanted: &[u8]| bytes.get(at).is_none_or(|byte| wanted.contains(byte));
    !bytes.is_empty()
        && is(0, &[HANDSHAKE])
        && is(1, &[3])
        && is(2, &[0, 1, 2, 3, 4])
        && is(5, &[CLIENT_HELLO, SERVER_HELLO])
}

/// Whether a ClientHello begins here: its type has to be there.
pub(super) fn is_client_hello(bytes: &[u8]) -> bool {
    may_begin(bytes) && bytes.get(RECORD_HEADER) == Some(&CLIENT_HELLO)
}

/// Whether a record begins here that holds a ClientHello and nothing else, as far as their headers
/// say it: they and the hello's version have to be there.
pub(super) fn is_client_hello_alone(bytes: &[u8]) -> bool {
    if !is_client_hello(bytes) {
        return false;
    }
    let header = bytes.split_first_chunk::<RECORD_HEADER>();
    header.is_some_and(|(header, content)| {
        let len = message_len(content).map(|len| MESSAGE_HEADER + len);
        let is_alone = len == Some(record_len(header));
        is_alone && matches!(content.get(MESSAGE_HEADER..), Some([3, 0..=4, ..]))
    })
}

/// The body of the message that a record begins with, if it is there in whole.
pub(super) fn whole_body(raw: &[u8]) -> Option<&[u8]> {
    let (header, rest) = raw.split_first_chunk::<RECORD_HEADER>()?;
    let content = &rest[..record_len(header).min(rest.len())];
    content.get(MESSAGE_HEADER..MESSAGE_HEADER + message_len(content)?)
}

/// The hello in records that end early: none if not even its type is there.
pub(super) fn partial(raw: &[u8], error: Option<HelloError>) -> Option<Message> {
    // Anything may begin with the type of the record; with the version it is TLS.
    if !raw.starts_with(&[HANDSHAKE, 3]) {
        return None;
    }
    let content = content(raw);
    if *content.first()? != CLIENT_HELLO {
        return None;
    }
    let part = content.get(MESSAGE_HEADER..).unwrap_or_default().to_vec();
    Some(match error {
        Some(error) => Message::Broken { part, error },
        None => Message::Cut {
            part,
            stated: message_len(&content),
        },
    })
}

/// What handshake records hold, down to the first byte that is missing or another record.
fn content(mut raw: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    while let Some((header, rest)) = raw.split_first_chunk::<RECORD_HEADER>() {
        if header[0] != HANDSHAKE {
            break;
        }
        let len = record_len(header).min(rest.len());
        content.extend_from_slice(&rest[..len]);
        raw = &rest[len..];
    }
    content
}

fn record_len(header: &[u8; RECORD_HEADER]) -> usize {
    usize::from(u16::from_be_bytes([header[3], header[4]]))
}

fn message_len(content: &[u8]) -> Option<usize> {
    let &[_, high, middle, low] = content.first_chunk::<MESSAGE_HEADER>()?;
    Some(usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low))
}

/// What a server's first records say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// More must come.
    More,
    /// This, in so many bytes.
    Said(Said, usize),
    /// Nothing that a server answers a ClientHello with.
    Foreign,
}

/// Reads what a server answers. In front of a ServerHello that follows a HelloRetryRequest, a
/// change of cipher may stand (RFC 8446 §D.4).
pub(super) fn reply(raw: &[u8]) -> Reply {
    let mut content = Vec::new();
    let mut rest = raw;
    while let Some((header, behind)) = rest.split_first_chunk::<RECORD_HEADER>() {
        let len = record_len(header);
        let captured = len.min(behind.len());
        let (bytes, next) = behind.split_at(captured);
        match header[0] {
            CHANGE_CIPHER_SPEC if content.is_empty() => {}
            ALERT if content.is_empty() => return alert(len, bytes, raw.len() - next.len()),
            HANDSHAKE => content.extend_from_slice(bytes),
            _ => return Reply::Foreign,
        }
        if content.first().is_some_and(|kind| *kind != SERVER_HELLO) {
            return Reply::Foreign;
        }
        if let Some(body) =
            message_len(&content).and_then(|len| content.get(MESSAGE_HEADER..MESSAGE_HEADER + len))
        {
            return Reply::Said(Said::ServerHello(body.to_vec()), raw.len() - next.len());
        }
        rest = next;
    }
    match rest.first() {
        Some(&(CHANGE_CIPHER_SPEC | ALERT | HANDSHAKE)) | None => Reply::More,
        Some(_) => Reply::Foreign,
    }
}

/// One in the clear has two bytes.
fn alert(len: usize, bytes: &[u8], end: usize) -> Reply {
    match bytes {
        &[level, description] => Reply::Said(Said::Alert(level, description), end),
        _ if len == 2 => Reply::More,
        _ => Reply::Foreign,
    }
}

/// The client's records behind its hello: the change of cipher and the early data that may stand in
/// front of a second one.
#[derive(Debug, Default)]
pub(super) struct Between {
    header: [u8; RECORD_HEADER],
    header_len: usize,
    /// What the record still has to bring.
    left: usize,
    passed: usize,
}

/// Most bytes between two hellos: servers accept 16 KiB of early data, or not much more.
const BETWEEN_MAX: usize = 64 * 1024;

/// What stands behind a hello.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Behind<'a> {
    /// Nothing that is wanted, yet.
    More,
    /// A handshake record: its header, and what is behind that.
    Handshake([u8; RECORD_HEADER], &'a [u8]),
    /// No second hello will come.
    Foreign,
}

impl Between {
    /// Passes over bytes in order.
    pub(super) fn pass<'a>(&mut self, mut bytes: &'a [u8]) -> Behind<'a> {
        self.passed += bytes.len();
        while !bytes.is_empty() {
            if self.left > 0 {
                let passed = self.left.min(bytes.len());
                self.left -= passed;
                bytes = &bytes[passed..];
                continue;
            }
            self.header[self.header_len] = bytes[0];
            self.header_len = (self.header_len + 1) % RECORD_HEADER;
            bytes = &bytes[1..];
            if self.header_len > 0 {
                continue;
            }
            match self.header[0] {
                HANDSHAKE => return Behind::Handshake(self.header, bytes),
                CHANGE_CIPHER_SPEC | APPLICATION => self.left = record_len(&self.header),
                _ => return Behind::Foreign,
            }
        }
        if self.passed > BETWEEN_MAX {
            return Behind::Foreign;
        }
        Behind::More
    }
}
