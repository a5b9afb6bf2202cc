//! Writing a header, of version 2.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::v2::{FIELD_HEAD, FIXED, LOCAL, PROXY, SIGNATURE, TCP4, TCP6, TYPE_UNIQUE_ID, UNSPEC};
use super::{Header, Origin, UNIQUE_ID_MAX, UniqueId};

/// Two IPv6 addresses and their ports.
const ADDRESSES_MAX: usize = 2 * (16 + 2);
/// So much is written at most.
const ENCODED_MAX: usize = FIXED + ADDRESSES_MAX + FIELD_HEAD + UNIQUE_ID_MAX;

impl Header {
    /// The header of a connection that its sender makes for itself, such as a health check.
    pub const LOCAL: Self = Self {
        origin: Origin::Local,
        unique_id: None,
    };

    /// The header in version 2: 183 bytes at most, which go out with the connection's first bytes
    /// or before them. An address of IPv4 beside one of IPv6 is written as IPv6. A header of the
    /// sender's own connection carries no id, which its receiver would have to ignore.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (command, kind) = match self.origin {
            Origin::Local => (LOCAL, UNSPEC),
            Origin::Unknown => (PROXY, UNSPEC),
            Origin::Client {
                source,
                destination,
            } => match (ip(source), ip(destination)) {
                (IpAddr::V4(_), IpAddr::V4(_)) => (PROXY, TCP4),
                _ => (PROXY, TCP6),
            },
        };
        let mut bytes = Vec::with_capacity(ENCODED_MAX);
        bytes.extend(SIGNATURE);
        bytes.extend([command, kind, 0, 0]);
        self.put_addresses(&mut bytes);
        if let (PROXY, Some(id)) = (command, &self.unique_id) {
            put_id(id, &mut bytes);
        }
        let length = length(bytes.len() - FIXED);
        bytes[FIXED - 2..FIXED].copy_from_slice(&length);
        bytes
    }

    fn put_addresses(&self, bytes: &mut Vec<u8>) {
        let Origin::Client {
            source,
            destination,
        } = self.origin
        else {
            return;
        };
        match (ip(source), ip(destination)) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                bytes.extend([from, to].map(|ip| ip.octets()).concat());
            }
            (from, to) => bytes.extend([from, to].map(|ip| v6(ip).octets()).concat()),
        }
        bytes.extend(
            [source, destination]
                .map(|it| it.port().to_be_bytes())
                .concat(),
        );
    }
}

fn put_id(id: &UniqueId, bytes: &mut Vec<u8>) {
    bytes.push(TYPE_UNIQUE_ID);
    bytes.extend(length(id.as_bytes().len()));
    bytes.extend(id.as_bytes());
}

/// A length as the protocol has it; none here comes near its limit.
fn length(bytes: usize) -> [u8; 2] {
    (bytes as u16).to_be_bytes()
}

fn ip(address: SocketAddr) -> IpAddr {
    address.ip().to_canonical()
}

fn v6(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}
