//! JA4: like JA3, but independent of the order in which a client lists things.
//!
//! Source: JA4.md at <https://github.com/FoxIO-LLC/ja4>.

use std::fmt;

use ring::digest::{SHA256, digest};

use super::super::{ClientHello, EXTENSIONS_MAX, is_grease};
use super::hex;

/// The length of a fingerprint: `t13d1516h2_8daaf6152771_e5627efa2ab1`.
pub const JA4_BYTES: usize = PREFIX + 2 * (1 + DIGEST);

const PREFIX: usize = 10;
/// Digits that are kept of a SHA-256.
const DIGEST: usize = 12;
/// Four digits and a comma.
const LISTED: usize = 5;
/// Two digits are there to count.
const COUNT_MAX: usize = 99;

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;

/// What brought a hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// TLS over TCP.
    Tcp,
    /// TLS in QUIC.
    Quic,
    /// DTLS over UDP.
    Dtls,
}

/// A JA4 fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ja4([u8; JA4_BYTES]);

impl Ja4 {
    /// Its text: letters and digits of ASCII, and two underscores.
    pub fn as_str(&self) -> &str {
        // `ja4` puts nothing else there.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Ja4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Ja4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ja4({self})")
    }
}

/// The JA4 of a hello that `carrier` brought.
pub fn ja4(hello: &ClientHello<'_>, carrier: Carrier) -> Ja4 {
    let mut suites: Vec<u16> = without_grease(hello.cipher_suites()).collect();
    suites.sort_unstable();
    let mut room = [0; EXTENSIONS_MAX];
    let extensions = sorted_extensions(hello, &mut room);

    let mut text = [b'_'; JA4_BYTES];
    text[0] = letter(carrier);
    text[1..3].copy_from_slice(version(hello.version()));
    text[3] = destination(hello);
    text[4..6].copy_from_slice(&count(suites.len()));
    text[6..8].copy_from_slice(&count(extensions.len()));
    text[8..PREFIX].copy_from_slice(&protocol(hello.alpn().next()));
    text[PREFIX + 1..][..DIGEST].copy_from_slice(&suites_digest(&suites));
    text[JA4_BYTES - DIGEST..].copy_from_slice(&extensions_digest(extensions, hello));
    Ja4(text)
}

fn sorted_extensions<'a>(
    hello: &ClientHello<'_>,
    room: &'a mut [u16; EXTENSIONS_MAX],
) -> &'a [u16] {
    let mut len = 0;
    for (place, kind) in room.iter_mut().zip(without_grease(kinds(hello))) {
        *place = kind;
        len += 1;
    }
    room[..len].sort_unstable();
    &room[..len]
}

fn kinds(hello: &ClientHello<'_>) -> impl Iterator<Item = u16> {
    hello.extensions().map(|(kind, _)| kind)
}

fn without_grease(list: impl Iterator<Item = u16>) -> impl Iterator<Item = u16> {
    list.filter(|value| !is_grease(*value))
}

fn letter(carrier: Carrier) -> u8 {
    match carrier {
        Carrier::Tcp => b't',
        Carrier::Quic => b'q',
        Carrier::Dtls => b'd',
    }
}

fn version(version: u16) -> &'static [u8; 2] {
    match version {
        0x0304 => b"13",
        0x0303 => b"12",
        0x0302 => b"11",
        0x0301 => b"10",
        0x0300 => b"s3",
        0x0002 => b"s2",
        0xfeff => b"d1",
        0xfefd => b"d2",
        0xfefc => b"d3",
        _ => b"00",
    }
}

/// Whether the client says which domain it wants: the extension alone decides, not what it holds.
fn destination(hello: &ClientHello<'_>) -> u8 {
    if hello.has_extension(SERVER_NAME) {
        b'd'
    } else {
        b'i'
    }
}

fn count(count: usize) -> [u8; 2] {
    let count = count.min(COUNT_MAX) as u8;
    [b'0' + count / 10, b'0' + count % 10]
}

/// The first and the last character of the first protocol; if one of the two is neither a letter
/// nor a digit, the first and the last of the protocol's hexadecimal digits.
fn protocol(first: Option<&[u8]>) -> [u8; 2] {
    let Some(&[head, ..]) = first else {
        return *b"00";
    };
    let tail = first.and_then(|name| name.last()).copied().unwrap_or(head);
    if head.is_ascii_alphanumeric() && tail.is_ascii_alphanumeric() {
        [head, tail]
    } else {
        [hex(head)[0], hex(tail)[1]]
    }
}

fn suites_digest(suites: &[u16]) -> [u8; DIGEST] {
    let mut text = Vec::with_capacity(suites.len() * LISTED);
    put_list(&mut text, suites.iter().copied());
    beginning_of_digest(&text, suites.is_empty())
}

/// The extensions without those whose presence depends on the destination, then the signature
/// algorithms as they came.
fn extensions_digest(extensions: &[u16], hello: &ClientHello<'_>) -> [u8; DIGEST] {
    let listed = extensions
        .iter()
        .copied()
        .filter(|kind| !matches!(*kind, SERVER_NAME | ALPN));
    let mut algorithms = without_grease(hello.signature_algorithms()).peekable();
    let is_empty = listed.clone().next().is_none();
    let mut text = Vec::with_capacity(2 * extensions.len() * LISTED);
    put_list(&mut text, listed);
    if algorithms.peek().is_some() {
        text.push(b'_');
        put_list(&mut text, algorithms);
    }
    beginning_of_digest(&text, is_empty)
}

fn put_list(text: &mut Vec<u8>, list: impl Iterator<Item = u16>) {
    for (place, value) in list.enumerate() {
        if place > 0 {
            text.push(b',');
        }
        let [high, low] = value.to_be_bytes().map(hex);
        text.extend_from_slice([high, low].as_flattened());
    }
}

/// Of an empty list there is no digest, but zeros.
fn beginning_of_digest(text: &[u8], is_empty: bool) -> [u8; DIGEST] {
    let mut digits = [b'0'; DIGEST];
    if !is_empty {
        let sum = digest(&SHA256, text);
        for (digits, byte) in digits.chunks_exact_mut(2).zip(sum.as_ref()) {
            digits.copy_from_slice(&hex(*byte));
        }
    }
    digits
}
