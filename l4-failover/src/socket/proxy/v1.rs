//! Version 1: one line of text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::header::address;
use super::{Header, HeaderError, Origin, Progress};

/// Bytes of the longest line, its end included: two IPv6 addresses written in full.
pub const LENGTH_MAX: usize = 107;

pub(super) const PREFIX: &[u8] = b"PROXY ";
const END: &[u8] = b"\r\n";

/// Reads the line, of which [`PREFIX`] is known to be there as far as there are bytes.
pub(super) fn decode(bytes: &[u8]) -> Result<Progress, HeaderError> {
    let possible = &bytes[..bytes.len().min(LENGTH_MAX)];
    let end = possible.windows(END.len()).position(|it| it == END);
    let Some(end) = end else {
        let is_endless = possible.len() == LENGTH_MAX;
        return if is_endless {
            Err(HeaderError::Endless)
        } else {
            Ok(Progress::Partial)
        };
    };
    let header = Header {
        origin: origin(&possible[PREFIX.len()..end])?,
        unique_id: None,
    };
    let length = end + END.len();
    Ok(Progress::Whole { header, length })
}

fn origin(line: &[u8]) -> Result<Origin, HeaderError> {
    let mut words = line.split(|byte| *byte == b' ');
    match words.next() {
        Some(b"TCP4") => client::<Ipv4Addr>(words),
        Some(b"TCP6") => client::<Ipv6Addr>(words),
        // Whatever follows is to be ignored.
        Some(b"UNKNOWN") => Ok(Origin::Unknown),
        _ => Err(HeaderError::Line("protocol")),
    }
}

fn client<'a, A: FromStr + Into<IpAddr>>(
    mut words: impl Iterator<Item = &'a [u8]>,
) -> Result<Origin, HeaderError> {
    let mut word = || str::from_utf8(words.next()?).ok();
    let mut ip = |what| {
        word()
            .and_then(|it| it.parse::<A>().ok())
            .ok_or(HeaderError::Line(what))
    };
    let (from, to) = (ip("source address")?, ip("destination address")?);
    let mut port = |what| word().and_then(port).ok_or(HeaderError::Line(what));
    let (from_port, to_port) = (port("source port")?, port("destination port")?);
    if words.next().is_some() {
        return Err(HeaderError::Line("end"));
    }
    Ok(Origin::Client {
        source: address(from, from_port),
        destination: address(to, to_port),
    })
}

/// A port as the protocol wants it written: without a sign or zeros in front.
fn port(word: &str) -> Option<u16> {
    let port: u16 = word.parse().ok()?;
    (port.to_string() == word).then_some(port)
}
