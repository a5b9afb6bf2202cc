//! Addresses and networks, in the short forms that libpcap has.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::expression::Subnet;

/// Why a value is no address, or no network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AddressError {
    /// Nothing of the kind.
    None,
    /// One number, where an address must be.
    Number,
    /// A network, where an address must be.
    Net,
    /// A prefix of more bits than these.
    Prefix(u8),
    /// Bits outside of the network; what may be meant.
    HostBits(String),
}

/// A number, decimal or with `0x`.
pub(super) fn number(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match text.strip_prefix("0x") {
        _ if !is_plain => None,
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// An address; with fewer than four numbers, all that begin with them.
pub(super) fn host(text: &str) -> Result<Subnet, AddressError> {
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Ok(v6(address, 128));
    }
    match dotted(text) {
        Some((_, 1)) => Err(AddressError::Number),
        Some((bits, count)) => Ok(v4(bits, 8 * count)),
        None if number(text).is_some() => Err(AddressError::Number),
        None if net(text).is_ok() => Err(AddressError::Net),
        None => Err(AddressError::None),
    }
}

/// A network: `10.0.0.0/8`, `2001:db8::/32`, or numbers that all addresses of it begin with.
pub(super) fn net(text: &str) -> Result<Subnet, AddressError> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix_of(prefix)?)),
        None => (text, None),
    };
    let whole = match address.parse::<Ipv6Addr>() {
        Ok(address) => v6(address, narrow(prefix.unwrap_or(128), 128)?),
        Err(_) => {
            let (bits, count) = dotted(address).ok_or(AddressError::None)?;
            v4(bits, narrow(prefix.unwrap_or(8 * count), 32)?)
        }
    };
    within(whole)
}

/// A network of IPv4 by its mask.
pub(super) fn masked(text: &str, mask: u32) -> Result<Subnet, AddressError> {
    let (bits, _) = dotted(text).ok_or(AddressError::None)?;
    within(Subnet::V4 { bits, mask })
}

/// A mask; the numbers that are not written are 0.
pub(super) fn mask(text: &str) -> Option<u32> {
    dotted(text).map(|(bits, _)| bits)
}

fn prefix_of(text: &str) -> Result<u32, AddressError> {
    number(text).ok_or(AddressError::None)
}

fn narrow(prefix: u32, most: u8) -> Result<u32, AddressError> {
    match prefix > u32::from(most) {
        true => Err(AddressError::Prefix(most)),
        false => Ok(prefix),
    }
}

/// One to four numbers with dots between, as the first bytes of an address, and how many they are.
fn dotted(text: &str) -> Option<(u32, u32)> {
    let (mut bytes, mut count) = ([0; 4], 0);
    for part in text.split('.') {
        let is_plain = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        *bytes.get_mut(count)? = part.parse().ok().filter(|_: &u8| is_plain)?;
        count += 1;
    }
    Some((u32::from_be_bytes(bytes), u32::try_from(count).ok()?))
}

fn v4(bits: u32, prefix: u32) -> Subnet {
    let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
    Subnet::V4 { bits, mask }
}

fn v6(address: Ipv6Addr, prefix: u32) -> Subnet {
    let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
    let bits = address.to_bits();
    Subnet::V6 { bits, mask }
}

/// As it is, if no bit stands outside of the mask.
fn within(subnet: Subnet) -> Result<Subnet, AddressError> {
    let meant = match subnet {
        Subnet::V4 { bits, mask } if bits & !mask != 0 => {
            Ipv4Addr::from_bits(bits & mask).to_string()
                + &said(mask.leading_ones(), mask.count_ones())
        }
        Subnet::V6 { bits, mask } if bits & !mask != 0 => {
            Ipv6Addr::from_bits(bits & mask).to_string()
                + &said(mask.leading_ones(), mask.count_ones())
        }
        _ => return Ok(subnet),
    };
    Err(AddressError::HostBits(meant))
}

/// The prefix that a mask is, if it has no gaps.
fn said(leading: u32, ones: u32) -> String {
    match leading == ones {
        true => format!("/{leading}"),
        false => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_are_those_of_libpcap() {
        assert_eq!(net("10"), Ok(v4(0x0a00_0000, 8)));
        assert_eq!(net("192.168"), Ok(v4(0xc0a8_0000, 16)));
        assert_eq!(net("10.1.2.3"), Ok(v4(0x0a01_0203, 32)));
        assert_eq!(net("10/8"), Ok(v4(0x0a00_0000, 8)));
        assert_eq!(net("0.0.0.0/0"), Ok(v4(0, 0)));
        assert_eq!(host("10.1"), Ok(v4(0x0a01_0000, 16)));
        assert_eq!(host("10"), Err(AddressError::Number));
        assert_eq!(host("10.0.0.0/8"), Err(AddressError::Net));
    }

    #[test]
    fn networks_have_no_bits_outside() {
        let meant = |text: &str| Err(AddressError::HostBits(text.to_owned()));
        assert_eq!(net("10.0.0.1/8"), meant("10.0.0.0/8"));
        assert_eq!(net("2001:db8::1/32"), meant("2001:db8::/32"));
        assert_eq!(masked("10.0.0.1", 0xff00_0000), meant("10.0.0.0/8"));
        assert!(net("2001:db8::/32").is_ok());
        assert!(net("::/0").is_ok());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for odd in [
            "",
            ".",
            "1.",
            "1..2",
            "1.2.3.4.5",
            "256",
            "a",
            "+1",
            "1.2.3.4/",
            "1/+8",
        ] {
            assert!(net(odd).is_err(), "{odd}");
        }
        assert_eq!(net("10.0.0.0/33"), Err(AddressError::Prefix(32)));
        assert_eq!(net("::/129"), Err(AddressError::Prefix(128)));
        assert_eq!(number("0x1bb"), Some(443));
        assert_eq!(number("+1"), None);
    }
}
