//! Version 2: binary, with fields of a type, a length and a value behind the addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

use crc::{CRC_32_ISCSI, Crc};

use super::header::address;
use super::{Header, HeaderError, Origin, Progress, UNIQUE_ID_MAX, UniqueId};

/// Bytes of the longest header that is read. The addresses take 216 at most, an id 128, a name
/// 255; the client's certificate, which some senders add, rarely more than 2 KiB.
pub const LENGTH_MAX: usize = 4096;

pub(super) const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, kind of addresses, and the length of what follows.
pub(super) const FIXED: usize = 16;
pub(super) const LOCAL: u8 = 0x20;
pub(super) const PROXY: u8 = 0x21;
pub(super) const UNSPEC: u8 = 0x00;
pub(super) const TCP4: u8 = 0x11;
pub(super) const TCP6: u8 = 0x21;
pub(super) const TYPE_UNIQUE_ID: u8 = 0x05;
const TYPE_CRC32C: u8 = 0x03;

const CRC32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Reads the header, of which [`SIGNATURE`] is known to be there as far as there are bytes.
pub(super) fn decode(bytes: &[u8]) -> Result<Progress, HeaderError> {
    let Some(fixed) = bytes.first_chunk::<FIXED>() else {
        return Ok(Progress::Partial);
    };
    let is_local = is_local(fixed[12])?;
    let given = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    let length = FIXED + given;
    if length > LENGTH_MAX {
        return Err(HeaderError::TooLong(length));
    }
    // What a LOCAL header says more is to be ignored, even the kind of its addresses.
    let needed = if is_local {
        0
    } else {
        addresses_length(fixed[13])?
    };
    if given < needed {
        return Err(HeaderError::Short { given, needed });
    }
    let Some(whole) = bytes.get(..length) else {
        return Ok(Progress::Partial);
    };
    let header = match is_local {
        true => Header::LOCAL,
        false => proxied(whole, FIXED + needed)?,
    };
    Ok(Progress::Whole { header, length })
}

fn is_local(byte: u8) -> Result<bool, HeaderError> {
    match (byte >> 4, byte & 0xf) {
        (2, 0) => Ok(true),
        (2, 1) => Ok(false),
        (2, command) => Err(HeaderError::Command(command)),
        (version, _) => Err(HeaderError::Version(version)),
    }
}

/// Bytes that addresses of this kind take: the family in the upper half, the protocol in the lower.
fn addresses_length(kind: u8) -> Result<usize, HeaderError> {
    match (kind >> 4, kind & 0xf) {
        (0, 0..=2) => Ok(0),
        (1, 0..=2) => Ok(2 * (4 + 2)),
        (2, 0..=2) => Ok(2 * (16 + 2)),
        // Unix: two paths.
        (3, 0..=2) => Ok(2 * 108),
        _ => Err(HeaderError::Family(kind)),
    }
}

/// What a whole header says whose fields begin at `fields`.
fn proxied(whole: &[u8], fields: usize) -> Result<Header, HeaderError> {
    let (kind, addresses) = (whole[13], &whole[FIXED..fields]);
    Ok(Header {
        origin: origin(kind, addresses),
        unique_id: unique_id(whole, fields)?,
    })
}

/// Anything but TCP over IP tells nothing of a client of TCP.
fn origin(kind: u8, addresses: &[u8]) -> Origin {
    let client = match kind {
        TCP4 => pair::<4, Ipv4Addr>(addresses),
        TCP6 => pair::<16, Ipv6Addr>(addresses),
        _ => None,
    };
    client.unwrap_or(Origin::Unknown)
}

/// Two addresses, then their two ports.
fn pair<const N: usize, A>(addresses: &[u8]) -> Option<Origin>
where
    A: From<[u8; N]> + Into<std::net::IpAddr>,
{
    let (from, rest) = addresses.split_first_chunk::<N>()?;
    let (to, rest) = rest.split_first_chunk::<N>()?;
    let (from_port, rest) = rest.split_first_chunk::<2>()?;
    let to_port = rest.first_chunk::<2>()?;
    Some(Origin::Client {
        source: address(A::from(*from), u16::from_be_bytes(*from_port)),
        destination: address(A::from(*to), u16::from_be_bytes(*to_port)),
    })
}

/// The first unique id among the fields, all of which are looked at.
fn unique_id(whole: &[u8], mut at: usize) -> Result<Option<UniqueId>, HeaderError> {
    let mut found = None;
    while at < whole.len() {
        let (kind, value) = field(&whole[at..]).ok_or(HeaderError::Field)?;
        at += FIELD_HEAD;
        match kind {
            TYPE_CRC32C => check(whole, at, value)?,
            TYPE_UNIQUE_ID if value.len() > UNIQUE_ID_MAX => {
                return Err(HeaderError::UniqueId(value.len()));
            }
            TYPE_UNIQUE_ID => found = found.or_else(|| UniqueId::new(value)),
            _ => {}
        }
        at += value.len();
    }
    Ok(found)
}

/// A field's type and length.
pub(super) const FIELD_HEAD: usize = 3;

/// The type and the value of the field that comes first.
fn field(fields: &[u8]) -> Option<(u8, &[u8])> {
    let ([kind, high, low], rest) = fields.split_first_chunk::<FIELD_HEAD>()?;
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    Some((*kind, rest.get(..length)?))
}

/// Whether the checksum `given`, which stands at `at`, is that of the header with zeros there.
fn check(whole: &[u8], at: usize, given: &[u8]) -> Result<(), HeaderError> {
    let mut digest = CRC32C.digest();
    digest.update(&whole[..at]);
    digest.update(&[0; 4]);
    digest.update(&whole[at + given.len()..]);
    match given == digest.finalize().to_be_bytes() {
        true => Ok(()),
        false => Err(HeaderError::Checksum),
    }
}
