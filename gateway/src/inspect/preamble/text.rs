//! Preambles made of text: CONNECT, lines with STARTTLS, XMPP.

use super::binary::is_beginning;
use super::{Talk, Unit};

/// Longest line, its end included: RFC 5321 §4.5.3.1.4 allows 512 bytes, others some more.
const LINE_MAX: usize = 2048;
/// Longest tag of XMPP before TLS.
const TAG_MAX: usize = 2048;

/// What clients say first, in their protocols in which they may.
const FIRST_WORDS: [&str; 16] = [
    "EHLO",
    "HELO",
    "LHLO",
    "STARTTLS",
    "CAPA",
    "STLS",
    "AUTH",
    "FEAT",
    "HOST",
    "CLNT",
    "OPTS",
    "CAPABILITIES",
    "CAPABILITY",
    "MODE",
    "NOOP",
    "HELP",
];
/// What clients of IMAP say first, behind a tag.
const TAGGED_WORDS: [&str; 4] = ["CAPABILITY", "STARTTLS", "ID", "NOOP"];

/// What servers say first. Who was greeted so may say any line.
pub(super) fn greeting(bytes: &[u8]) -> Option<Talk> {
    // SMTP and FTP, NNTP, IMAP, POP3, ManageSieve.
    const GREETINGS: [&[u8]; 7] = [
        b"220",
        b"200 ",
        b"201 ",
        b"* OK",
        b"* PREAUTH",
        b"+OK",
        b"\"",
    ];
    let is_one = GREETINGS.iter().any(|greeting| bytes.starts_with(greeting));
    is_one.then_some(Talk::Greeted)
}

/// RFC 9110 §9.3.6: the request's head; it has no content.
pub(super) fn connect(bytes: &[u8]) -> Unit {
    if !is_beginning(bytes, b"CONNECT ") {
        return Unit::None;
    }
    let end = bytes.windows(4).position(|end| end == b"\r\n\r\n");
    match end {
        Some(at) => Unit::Whole(at + 4, Talk::Open),
        None => Unit::More,
    }
}

/// A line of whatever a client may say first.
pub(super) fn first_line(bytes: &[u8]) -> Unit {
    match line(bytes) {
        Unit::Whole(len, next) if is_first(&bytes[..len]) => Unit::Whole(len, next),
        Unit::Whole(..) => Unit::None,
        unit => unit,
    }
}

pub(super) fn line(bytes: &[u8]) -> Unit {
    let end = bytes.iter().take(LINE_MAX).position(|byte| *byte == b'\n');
    let line = &bytes[..end.unwrap_or(bytes.len())];
    if !is_text(line) {
        return Unit::None;
    }
    match end {
        Some(at) if asks_for_tls(line) => Unit::Whole(at + 1, Talk::LinesAsked),
        Some(at) => Unit::Whole(at + 1, Talk::Lines),
        None if bytes.len() < LINE_MAX => Unit::More,
        None => Unit::None,
    }
}

/// Bytes beyond ASCII are let pass: names of files and of users have them.
fn is_text(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| !byte.is_ascii_control() || byte.is_ascii_whitespace())
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
}

fn is_one_of(word: &[u8], wanted: &[&str]) -> bool {
    wanted
        .iter()
        .any(|wanted| word.eq_ignore_ascii_case(wanted.as_bytes()))
}

fn is_first(line: &[u8]) -> bool {
    let mut words = words(line);
    let (first, second) = (words.next(), words.next());
    first.is_some_and(|word| is_one_of(word, &FIRST_WORDS))
        || second.is_some_and(|word| is_one_of(word, &TAGGED_WORDS))
}

/// SMTP (RFC 3207), NNTP (RFC 4642) and ManageSieve (RFC 5804); IMAP, behind a tag (RFC 9051
/// §6.2.1); POP3 (RFC 2595 §4); FTP (RFC 4217 §4).
fn asks_for_tls(line: &[u8]) -> bool {
    let mut words = words(line);
    match (words.next(), words.next(), words.next()) {
        (Some(only), None, _) => is_one_of(only, &["STARTTLS", "STLS"]),
        (Some(first), Some(second), None) => {
            is_one_of(second, &["STARTTLS"])
                || is_one_of(first, &["AUTH"]) && is_one_of(second, &["TLS", "SSL", "TLS-C"])
        }
        _ => false,
    }
}

/// What a stream of XMPP begins with (RFC 6120 §4.2).
pub(super) fn first_tag(bytes: &[u8]) -> Unit {
    match is_beginning(bytes, b"<?xml ") || is_beginning(bytes, b"<stream:stream ") {
        true => tag(bytes),
        false => Unit::None,
    }
}

/// A tag with the text in front of it.
pub(super) fn tag(bytes: &[u8]) -> Unit {
    let end = bytes.iter().take(TAG_MAX).position(|byte| *byte == b'>');
    let tag = &bytes[..end.unwrap_or(bytes.len())];
    if !is_text(tag) {
        return Unit::None;
    }
    let tag = tag.trim_ascii();
    let is_empty_element = tag.starts_with(b"<starttls") && tag.ends_with(b"/");
    match end {
        Some(at) if is_empty_element || tag == b"</starttls" => Unit::Whole(at + 1, Talk::XmlAsked),
        Some(at) => Unit::Whole(at + 1, Talk::Xml),
        None if bytes.len() < TAG_MAX => Unit::More,
        None => Unit::None,
    }
}
