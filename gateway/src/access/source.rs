//! Who counts as one.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A source of connections: an IPv4 address, or a network of IPv6, where one host has as many
/// addresses as it likes.
///
/// ```
/// use gateway::access::Source;
///
/// let of = |address: &str| Source::of(address.parse().unwrap(), 64);
/// assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
/// assert_eq!(of("2001:db8::1").to_string(), "2001:db8::/64");
/// assert_eq!(of("::ffff:192.0.2.7").to_string(), "192.0.2.7");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// Without the bits of the host.
    network: IpAddr,
    prefix: u8,
}

/// The bits of an IPv6 address.
const IPV6_BITS: u8 = 128;

impl Source {
    /// The source that `address` belongs to; one of IPv6 by its first `ipv6_prefix` bits, 0 to 128.
    /// An IPv4 address that is written as one of IPv6 is an IPv4 address.
    #[must_use]
    pub fn of(address: IpAddr, ipv6_prefix: u8) -> Self {
        match address.to_canonical() {
            network @ IpAddr::V4(_) => Self {
                network,
                prefix: 32,
            },
            IpAddr::V6(address) => {
                let prefix = ipv6_prefix.min(IPV6_BITS);
                let host_bits = u32::from(IPV6_BITS - prefix);
                // Shifted by all bits: every host is of the one network.
                let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
                let network = Ipv6Addr::from_bits(address.to_bits() & mask).into();
                Self { network, prefix }
            }
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.network {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(network) => write!(f, "{network}/{}", self.prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(address: &str, prefix: u8) -> Source {
        Source::of(address.parse().unwrap(), prefix)
    }

    #[test]
    fn an_ipv4_address_is_a_source_however_it_is_written() {
        assert_eq!(source("192.0.2.7", 64), source("::ffff:192.0.2.7", 48));
        assert_ne!(source("192.0.2.7", 64), source("192.0.2.8", 64));
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        assert_eq!(
            source("2001:db8:1:2::1", 64),
            source("2001:db8:1:2:f::9", 64)
        );
        assert_ne!(source("2001:db8:1:2::1", 64), source("2001:db8:1:3::1", 64));
        assert_eq!(source("2001:db8:1:2::1", 48), source("2001:db8:1:3::1", 48));
        assert_ne!(source("2001:db8::1", 128), source("2001:db8::2", 128));
        assert_eq!(source("2001:db8::1", 0), source("fe80::2", 0));
    }
}
