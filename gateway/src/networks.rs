//! Lists of networks: whose addresses are meant.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use thiserror::Error;

/// The bits that an IPv4 address is preceded by in its IPv6 form.
const MAPPED_BITS: u8 = 96;

/// A network in CIDR notation, as `10.0.0.0/8` or `2001:db8::/32`, or one address.
///
/// The IPv6 form of an IPv4 network (`::ffff:10.0.0.0/104`, RFC 4291 §2.5.5.2) is that network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NetworkError {
    /// Neither an address nor a network.
    #[error("")]
    Syntax,
    /// An address within a network, where a network must be meant or an address.
    #[error("{given:?} is an address within {meant}: write that, or the address alone")]
    HostBits {
        /// As given.
        given: String,
        /// The network around it.
        meant: IpNet,
    },
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(address.to_canonical().into()));
        }
        let network: IpNet = text.parse().map_err(|_| NetworkError::Syntax)?;
        if network.trunc() != network {
            return Err(NetworkError::HostBits {
                given: text.to_owned(),
                meant: network.trunc(),
            });
        }
        Ok(Self(canonical(network)))
    }
}

fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else {
        return network;
    };
    let address = mapped.addr().to_ipv4_mapped();
    let bits = mapped.prefix_len().checked_sub(MAPPED_BITS);
    let network = address.zip(bits).map(|(it, bits)| Ipv4Net::new(it, bits));
    match network {
        Some(Ok(network)) => network.into(),
        _ => mapped.into(),
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Networks, whose addresses are meant together.
///
/// An IPv4 address in its IPv6 form is the IPv4 address.
///
/// ```
/// use gateway::networks::{Network, Networks};
///
/// let text = ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"];
/// let networks = text.into_iter().map(str::parse).collect::<Result<Vec<Network>, _>>()?;
/// let networks = Networks::from_iter(networks);
/// assert!(networks.contains("10.1.2.3".parse()?));
/// assert!(networks.contains("::ffff:10.1.2.3".parse()?));
/// assert!(!networks.contains("192.0.2.2".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Box<[Network]>);

impl Networks {
    /// Whether `address` is in one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.0.contains(&address))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Network> for Networks {
    fn from_iter<T: IntoIterator<Item = Network>>(networks: T) -> Self {
        Self(networks.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Result<String, String> {
        let network = text.parse::<Network>();
        network
            .map(|it| it.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_alone_is_a_network_of_one() {
        assert_eq!(network("192.0.2.1").unwrap(), "192.0.2.1/32");
        assert_eq!(network("::1").unwrap(), "::1/128");
    }

    #[test]
    fn the_ipv6_form_of_ipv4_is_ipv4() {
        assert_eq!(network("::ffff:10.0.0.0/104").unwrap(), "10.0.0.0/8");
        assert_eq!(network("::ffff:192.0.2.1").unwrap(), "192.0.2.1/32");
        assert_eq!(network("::/0").unwrap(), "::/0");
    }

    #[test]
    fn an_address_with_a_prefix_says_which_network_was_meant() {
        let said = network("10.1.2.3/8").unwrap_err();
        let expected =
            "\"10.1.2.3/8\" is an address within 10.0.0.0/8: write that, or the address alone";
        assert_eq!(said, expected);
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "localhost",
            "10.0.0.0/8 ",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError::Syntax), "{text}");
        }
    }

    #[test]
    fn every_ipv4_address_is_in_one_family() {
        let all: Networks = ["0.0.0.0/0".parse().unwrap()].into_iter().collect();
        assert!(all.contains("::ffff:1.2.3.4".parse().unwrap()));
        assert!(!all.contains("::1".parse().unwrap()));
    }
}
