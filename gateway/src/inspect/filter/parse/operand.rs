//! From a value and its qualifiers to a primitive.

use super::super::error::{FilterError, Problem};
use super::super::expression::{
    Direction, Expression, Family, ICMP, ICMP6, Ports, Primitive, Subnet, TCP, Transports, UDP,
    Wanted,
};
use super::super::services;
use super::super::words::Kind;
use super::Parser;
use super::address::{self, AddressError, number};
use super::head::{Kinds, Protocol, Qualifiers};
use crate::name::Glob;

/// 12 bits of a tag.
const VLAN_MAX: u32 = 4095;

impl Parser<'_> {
    /// The value that stands here.
    pub(super) fn operand(&mut self, said: Qualifiers) -> Result<Expression, FilterError> {
        let value = match self.take().map(|token| token.kind) {
            Some(Kind::Word(word) | Kind::Quoted(word)) => word.to_owned(),
            _ => return Err(self.missing("a value")),
        };
        // `\tcp`: a word that is none of the language, for libpcap.
        let value = value.strip_prefix('\\').unwrap_or(&value);
        let direction = said.direction.unwrap_or(Direction::Either);
        let primitive = match said.kind {
            Kinds::Unsaid | Kinds::Host => self.host(value, said)?.into_primitive(direction),
            Kinds::Net => self.net(value, said)?.into_primitive(direction),
            Kinds::Port => Primitive::Port(direction, transports(said), self.port(value)?),
            Kinds::PortRange => Primitive::Port(direction, transports(said), self.range(value)?),
            Kinds::Proto => Primitive::Protocol(family(said), self.proto(value)?),
            Kinds::Sni => Primitive::Name(self.name(value)?),
        };
        Ok(Expression::Is(primitive))
    }

    fn host(&self, value: &str, said: Qualifiers) -> Result<Subnet, FilterError> {
        // Where `host` is not said, a network is understood, though libpcap does not.
        let subnet = match said.kind == Kinds::Unsaid && value.contains('/') {
            true => address::net(value),
            false => address::host(value),
        };
        self.of_family(subnet, value, said)
    }

    /// A network, and the mask that may follow it.
    fn net(&mut self, value: &str, said: Qualifiers) -> Result<Subnet, FilterError> {
        let index = self.next - 1;
        let mask = match self.peek() {
            Some(Kind::Word("mask" | "netmask")) => self.mask()?,
            _ => None,
        };
        let subnet = match mask {
            Some(mask) => address::masked(value, mask),
            None => address::net(value),
        };
        let after = std::mem::replace(&mut self.next, index + 1);
        let subnet = self.of_family(subnet, value, said);
        self.next = after;
        subnet
    }

    fn mask(&mut self) -> Result<Option<u32>, FilterError> {
        self.next += 1;
        let Some(Kind::Word(word)) = self.peek() else {
            return Err(self.missing("a mask, as `255.255.0.0`"));
        };
        self.next += 1;
        match address::mask(word) {
            Some(mask) => Ok(Some(mask)),
            None => Err(self.wrong_before(Problem::Mask(word.to_owned()))),
        }
    }

    /// An address, if it is one, and of the version of IP that was said.
    fn of_family(
        &self,
        subnet: Result<Subnet, AddressError>,
        value: &str,
        said: Qualifiers,
    ) -> Result<Subnet, FilterError> {
        let subnet = subnet.map_err(|why| self.wrong_before(problem(why, value, said.kind)))?;
        let wanted = family(said);
        match wanted.is_none_or(|family| family == subnet.family()) {
            true => Ok(subnet),
            false => {
                let protocol = said.protocol.map_or("", Protocol::word).to_owned();
                Err(self.wrong_before(Problem::Family(value.to_owned(), protocol)))
            }
        }
    }

    fn port(&self, value: &str) -> Result<Ports, FilterError> {
        let Some(port) = port_of(value) else {
            let alike = services::alike(value).map(str::to_owned);
            return Err(self.wrong_before(Problem::Port(value.to_owned(), alike)));
        };
        Ok(Ports {
            first: port,
            last: port,
        })
    }

    /// Both ends, in either order, or one port alone, as libpcap takes it.
    fn range(&self, value: &str) -> Result<Ports, FilterError> {
        // The names of some services have a dash themselves.
        let dashes = value.match_indices('-');
        let mut ends = dashes.map(|(at, _)| (port_of(&value[..at]), port_of(&value[at + 1..])));
        let found = ends.find_map(|(one, other)| one.zip(other));
        match found.or(port_of(value).map(|port| (port, port))) {
            Some((one, other)) => Ok(Ports {
                first: one.min(other),
                last: one.max(other),
            }),
            None => Err(self.wrong_before(Problem::PortRange(value.to_owned()))),
        }
    }

    fn proto(&self, value: &str) -> Result<u8, FilterError> {
        let known = match value {
            "icmp" => Some(ICMP),
            "tcp" => Some(TCP),
            "udp" => Some(UDP),
            "icmp6" | "ipv6-icmp" => Some(ICMP6),
            _ => number(value).and_then(|number| u8::try_from(number).ok()),
        };
        known.ok_or_else(|| self.wrong_before(Problem::Protocol(value.to_owned())))
    }

    fn name(&self, value: &str) -> Result<Wanted, FilterError> {
        match value {
            "" => Err(self.wrong_before(Problem::NoPattern)),
            "-" => Ok(Wanted::Absent),
            glob => Ok(Wanted::Like(Glob::new(glob))),
        }
    }

    /// `vlan`, and the number that may follow it.
    pub(super) fn vlan(&mut self) -> Result<Primitive, FilterError> {
        self.next += 1;
        let Some(Kind::Word(word)) = self.peek() else {
            return Ok(Primitive::Vlan(None));
        };
        let Some(id) = number(word) else {
            return Ok(Primitive::Vlan(None));
        };
        self.next += 1;
        match u16::try_from(id) {
            Ok(small) if id <= VLAN_MAX => Ok(Primitive::Vlan(Some(small))),
            _ => Err(self.wrong_before(Problem::Vlan(word.to_owned()))),
        }
    }

    /// The number of bytes after `less` or `greater`.
    pub(super) fn length(&mut self) -> Result<u32, FilterError> {
        self.next += 1;
        let Some(Kind::Word(word)) = self.peek() else {
            return Err(self.missing("a number of bytes"));
        };
        self.next += 1;
        number(word).ok_or_else(|| self.wrong_before(Problem::Length(word.to_owned())))
    }
}

impl Subnet {
    fn into_primitive(self, direction: Direction) -> Primitive {
        Primitive::Address(direction, self)
    }
}

fn port_of(value: &str) -> Option<u16> {
    let port = number(value).and_then(|port| u16::try_from(port).ok());
    port.or_else(|| services::port(value))
}

fn transports(said: Qualifiers) -> Transports {
    match said.protocol {
        Some(Protocol::Tcp) => Transports::Tcp,
        Some(Protocol::Udp) => Transports::Udp,
        _ => Transports::Any,
    }
}

fn family(said: Qualifiers) -> Option<Family> {
    match said.protocol {
        Some(Protocol::Ip) => Some(Family::V4),
        Some(Protocol::Ip6) => Some(Family::V6),
        _ => None,
    }
}

fn problem(why: AddressError, value: &str, kind: Kinds) -> Problem {
    let value = value.to_owned();
    match why {
        AddressError::None if kind == Kinds::Net => Problem::Network(value),
        AddressError::None => Problem::HostName(value),
        AddressError::Number => Problem::HostNumber(value),
        AddressError::Net => Problem::NotHost(value),
        AddressError::Prefix(most) => Problem::Prefix(value, most),
        AddressError::HostBits(meant) => Problem::HostBits(value, meant),
    }
}
