//! Whether an expression holds of a packet. Three-valued: what is not known yet stays open.

use std::net::IpAddr;

use super::expression::{Direction, Expression, Family, Primitive, Subnet, Wanted};
use crate::inspect::frame::VlanTag;
use crate::name::Escaped;

/// What is known of a packet and its flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) tags: &'a [Option<VlanTag>],
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: u8,
    pub(super) carried: Carried,
    pub(super) wire_len: usize,
    pub(super) name: Name<'a>,
}

/// What is known of what a packet carries.
#[derive(Clone, Copy, Debug)]
pub(super) enum Carried {
    /// It has ports: the sender's and the receiver's.
    Ports(u16, u16),
    /// It has none.
    NoPorts,
    /// The packet is not put together yet.
    Fragment,
}

/// What is known of a flow's name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Name<'a> {
    NotYet,
    Known(Option<&'a [u8]>),
}

/// Whether the expression holds; none if that depends on what is not known yet.
pub(super) fn holds(expression: &Expression, facts: &Facts<'_>) -> Option<bool> {
    match expression {
        Expression::All(parts) => all(parts, facts, false),
        Expression::Any(parts) => all(parts, facts, true),
        Expression::Not(part) => holds(part, facts).map(|holds| !holds),
        Expression::Is(primitive) => is(primitive, facts),
    }
}

/// Whether all parts hold, decided by the first that does not; or, where `decides` is true, whether
/// some part does, decided by the first that does.
fn all(parts: &[Expression], facts: &Facts<'_>, decides: bool) -> Option<bool> {
    let mut result = Some(!decides);
    for part in parts {
        match holds(part, facts) {
            Some(holds) if holds == decides => return Some(decides),
            Some(_) => {}
            None => result = None,
        }
    }
    result
}

fn is(primitive: &Primitive, facts: &Facts<'_>) -> Option<bool> {
    let is_so = match primitive {
        Primitive::Family(family) => *family == facts.family(),
        Primitive::NotIp => false,
        Primitive::Protocol(family, number) => {
            *number == facts.protocol && family.is_none_or(|family| family == facts.family())
        }
        Primitive::Address(direction, subnet) => facts.is_between(*direction, *subnet),
        Primitive::Port(direction, transports, ports) => {
            let is_of_it = transports.protocols().contains(&facts.protocol);
            match (is_of_it, facts.carried) {
                (true, Carried::Ports(source, destination)) => {
                    direction.holds(ports.contain(source), ports.contain(destination))
                }
                (true, Carried::Fragment) => return None,
                _ => false,
            }
        }
        Primitive::Vlan(id) => facts.is_tagged(*id),
        Primitive::Less(most) => facts.wire_len <= *most as usize,
        Primitive::Greater(least) => facts.wire_len >= *least as usize,
        Primitive::Name(wanted) => return facts.is_named(wanted),
    };
    Some(is_so)
}

impl Facts<'_> {
    fn family(&self) -> Family {
        match self.source {
            IpAddr::V4(_) => Family::V4,
            IpAddr::V6(_) => Family::V6,
        }
    }

    fn is_between(&self, direction: Direction, subnet: Subnet) -> bool {
        direction.holds(
            subnet.contains(self.source),
            subnet.contains(self.destination),
        )
    }

    fn is_tagged(&self, id: Option<u16>) -> bool {
        let mut tags = self.tags.iter().flatten();
        tags.any(|tag| id.is_none_or(|id| id == tag.id))
    }

    fn is_named(&self, wanted: &Wanted) -> Option<bool> {
        let Name::Known(name) = self.name else {
            return None;
        };
        Some(match wanted {
            Wanted::Absent => name.is_none(),
            Wanted::Like(glob) => name.is_some_and(|name| glob.matches(&Escaped(name).to_string())),
        })
    }
}

impl Subnet {
    fn contains(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4 { bits, mask }, IpAddr::V4(address)) => address.to_bits() & mask == bits,
            (Self::V6 { bits, mask }, IpAddr::V6(address)) => address.to_bits() & mask == bits,
            _ => false,
        }
    }
}
