//! Preambles made of messages: PROXY, SOCKS, PostgreSQL, MySQL, LDAP, RDP.

use l4_failover::socket::proxy::{Progress, decode};

use super::{PREAMBLE_MAX, Talk, Unit};

/// Longest name in a request of SOCKS 4, its end included.
const SOCKS4_NAME_MAX: usize = 256;

/// Whether `bytes` begin with `mark`, or are themselves its beginning.
pub(super) fn is_beginning(bytes: &[u8], mark: &[u8]) -> bool {
    bytes.iter().zip(mark).all(|(byte, marked)| byte == marked)
}

/// So many bytes, if they are there.
fn whole(bytes: &[u8], len: usize, next: Talk) -> Unit {
    match bytes.len() >= len {
        true => Unit::Whole(len, next),
        false => Unit::More,
    }
}

pub(super) fn proxy(bytes: &[u8]) -> Unit {
    match decode(bytes) {
        Ok(Progress::Whole { length, .. }) => Unit::Whole(length, Talk::Open),
        Ok(Progress::Partial) => Unit::More,
        Err(_) => Unit::None,
    }
}

/// CONNECT of version 4, with the name behind it if the address is 0.0.0.x (version 4a).
pub(super) fn socks4(bytes: &[u8]) -> Unit {
    const FIXED: usize = 8;
    if !is_beginning(bytes, &[4, 1]) {
        return Unit::None;
    }
    let Some((fixed, rest)) = bytes.split_first_chunk::<FIXED>() else {
        return Unit::More;
    };
    let names = match fixed[4..] {
        [0, 0, 0, 1..=255] => 2,
        _ => 1, // The user.
    };
    let mut len = 0;
    for _ in 0..names {
        match rest[len..].iter().position(|byte| *byte == 0) {
            Some(at) if at < SOCKS4_NAME_MAX => len += at + 1,
            None if rest.len() - len < SOCKS4_NAME_MAX => return Unit::More,
            _ => return Unit::None,
        }
    }
    Unit::Whole(FIXED + len, Talk::Open)
}

/// RFC 1928 §3: how the client can prove who it is.
pub(super) fn socks5_methods(bytes: &[u8]) -> Unit {
    match bytes {
        [5] => Unit::More,
        [5, methods @ 1..=255, ..] => whole(bytes, 2 + usize::from(*methods), Talk::Socks5),
        _ => Unit::None,
    }
}

/// A user and a password (RFC 1929 §2), or the request (RFC 1928 §4).
pub(super) fn socks5(bytes: &[u8]) -> Unit {
    match bytes {
        [1] => Unit::More,
        [1, user, rest @ ..] => match rest.get(usize::from(*user)) {
            Some(password) => {
                let len = 3 + usize::from(*user) + usize::from(*password);
                whole(bytes, len, Talk::Socks5)
            }
            None => Unit::More,
        },
        [5, 1, 0, 1, ..] => whole(bytes, 4 + 4 + 2, Talk::Open),
        [5, 1, 0, 3] => Unit::More,
        [5, 1, 0, 3, name, ..] => whole(bytes, 5 + usize::from(*name) + 2, Talk::Open),
        [5, 1, 0, 4, ..] => whole(bytes, 4 + 16 + 2, Talk::Open),
        _ if bytes.len() < 4 && is_beginning(bytes, &[5, 1, 0]) => Unit::More,
        _ => Unit::None,
    }
}

/// SSLRequest, or GSSENCRequest, which may stand before it.
pub(super) fn postgres(bytes: &[u8]) -> Unit {
    const SSL: &[u8] = &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
    const GSSENC: &[u8] = &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];
    match is_beginning(bytes, SSL) || is_beginning(bytes, GSSENC) {
        true => whole(bytes, SSL.len(), Talk::Open),
        false => Unit::None,
    }
}

/// The server's greeting: a message of number 0 that begins with the protocol's version, 10.
pub(super) fn greeting(bytes: &[u8]) -> Option<Talk> {
    matches!(bytes, [_, _, 0, 0, 10, ..]).then_some(Talk::Open)
}

/// SSLRequest: a message of number 1 with 32 bytes, which an answer without TLS is longer than, and
/// the capability to speak TLS.
pub(super) fn mysql(bytes: &[u8]) -> Unit {
    const SSL_IN_SECOND_BYTE: u8 = 0x08;
    let has_ssl = bytes
        .get(5)
        .is_none_or(|byte| byte & SSL_IN_SECOND_BYTE != 0);
    match is_beginning(bytes, &[32, 0, 0, 1]) && has_ssl {
        true => whole(bytes, 4 + 32, Talk::Open),
        false => Unit::None,
    }
}

/// A client's message (RFC 4511 §4.1.1); the one that asks for TLS is the extended operation of
/// RFC 4511 §4.14.
pub(super) fn ldap(bytes: &[u8]) -> Unit {
    let (header, len) = match element(bytes, 0x30) {
        Ok(element) => element,
        Err(unit) => return unit,
    };
    if header + len > PREAMBLE_MAX {
        return Unit::None;
    }
    let message = &bytes[header..bytes.len().min(header + len)];
    let is_whole = message.len() == len;
    let operation = match element(message, 0x02) {
        Ok((header, len @ 1..=4)) => message.get(header + len..).unwrap_or_default(),
        Err(Unit::More) if !is_whole => return Unit::More,
        Ok(_) | Err(_) => return Unit::None,
    };
    match operation.first() {
        // Bind, unbind, search, abandon, extended.
        Some(0x60 | 0x42 | 0x63 | 0x50 | 0x77) => {
            let next = match is_start_tls(operation) {
                true => Talk::Open,
                false => Talk::Ldap,
            };
            whole(bytes, header + len, next)
        }
        None if !is_whole => Unit::More,
        Some(_) | None => Unit::None,
    }
}

fn is_start_tls(operation: &[u8]) -> bool {
    const NAME: &[u8] = b"1.3.6.1.4.1.1466.20037";
    let Ok((header, _)) = element(operation, 0x77) else {
        return false;
    };
    let Ok((name, len)) = element(&operation[header..], 0x80) else {
        return false;
    };
    let name = header + name;
    operation.get(name..name + len) == Some(NAME)
}

/// How long the header and the content of an element of BER are.
fn element(bytes: &[u8], tag: u8) -> Result<(usize, usize), Unit> {
    let (&first, rest) = bytes.split_first().ok_or(Unit::More)?;
    if first != tag {
        return Err(Unit::None);
    }
    let (&len, rest) = rest.split_first().ok_or(Unit::More)?;
    match len {
        0..=0x7f => Ok((2, usize::from(len))),
        0x81..=0x84 => {
            let count = usize::from(len & 0x7f);
            let digits = rest.get(..count).ok_or(Unit::More)?;
            let len = digits
                .iter()
                .fold(0, |len, digit| len << 8 | u32::from(*digit));
            Ok((2 + count, len as usize))
        }
        _ => Err(Unit::None),
    }
}

/// The connection request of RDP (MS-RDPBCGR §2.2.1.1): X.224 in TPKT.
pub(super) fn rdp(bytes: &[u8]) -> Unit {
    const CONNECTION_REQUEST: u8 = 0xe0;
    let is_request = bytes.get(5).is_none_or(|kind| *kind == CONNECTION_REQUEST);
    match bytes {
        [3] | [3, 0] | [3, 0, _] => Unit::More,
        [3, 0, high, low, ..] if is_request => {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            match len {
                11..=1024 => whole(bytes, len, Talk::Open),
                _ => Unit::None,
            }
        }
        _ => Unit::None,
    }
}
