//! Addresses of one process, of which no two may take each other's connections.

use super::table::Table;
use crate::admin::Address;
use crate::{Host, Target};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Finds two addresses of a file that one process cannot have both, and targets that lead back to
/// the process itself.
#[derive(Default)]
pub struct Addresses {
    taken: Vec<Taken>,
}

struct Taken {
    address: Address,
    role: Role,
    place: String,
}

/// Who listens there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// For clients; `[::]` is every IPv6 address.
    Listener,
    /// For operators; `[::]` is every address of either family, as the system has it.
    Operators,
}

impl Addresses {
    /// Takes the address of a listener, which stands at `key` of `table`, or notes what it clashes
    /// with. Port 0 clashes with nothing: the system chooses.
    pub fn claim(&mut self, table: &Table<'_>, key: &'static str, address: SocketAddr) {
        self.take(table, key, Address::Tcp(address), Role::Listener);
    }

    /// The same for an address of operators.
    pub(super) fn claim_for_operators(
        &mut self,
        table: &Table<'_>,
        key: &'static str,
        address: Address,
    ) {
        self.take(table, key, address, Role::Operators);
    }

    /// Says, if a connection to `target` would come back to a listener of this process, which one.
    pub fn leads_back(&self, target: &Target) -> Option<String> {
        let Host::Ip(ip) = target.host else {
            return None;
        };
        let target = SocketAddr::new(reached(ip), target.port);
        let is_it = |taken: &&Taken| match taken.address {
            Address::Tcp(listener) => taken.role == Role::Listener && takes(listener, target),
            Address::Unix(_) => false,
        };
        let taken = self.taken.iter().find(is_it)?;
        Some(format!(
            "\"{}\", the address of a listener, {}",
            taken.address, taken.place
        ))
    }

    fn take(&mut self, table: &Table<'_>, key: &'static str, address: Address, role: Role) {
        let place = table.place(&table.spot(key));
        let taken = Taken {
            address,
            role,
            place,
        };
        match self.taken.iter().find(|other| other.clashes(&taken)) {
            Some(other) => table.report(key, other.refuse(&taken.address)),
            None => self.taken.push(taken),
        }
    }
}

impl Taken {
    fn clashes(&self, other: &Self) -> bool {
        match (&self.address, &other.address) {
            (Address::Unix(one), Address::Unix(other)) => one == other,
            (Address::Tcp(one), Address::Tcp(two)) => {
                one.port() != 0
                    && one.port() == two.port()
                    && (same_host(*one, *two)
                        || self.role.covers(one.ip(), two.ip())
                        || other.role.covers(two.ip(), one.ip()))
            }
            _ => false,
        }
    }

    fn refuse(&self, address: &Address) -> String {
        let (taken, place) = (&self.address, &self.place);
        if taken == address {
            return format!("\"{address}\" is already the address of a listener, {place}");
        }
        format!(
            "\"{address}\" clashes with \"{taken}\", the address of a listener, {place}: \
             they overlap, and only one can have the port; change a port"
        )
    }
}

impl Role {
    /// Whether a socket at `ip` takes the connections to `other` as well.
    fn covers(self, ip: IpAddr, other: IpAddr) -> bool {
        let families = ip.is_ipv4() == other.is_ipv4() || (self == Self::Operators && ip.is_ipv6());
        ip.is_unspecified() && families
    }
}

/// Link-local addresses may be the same on two interfaces.
fn same_host(one: SocketAddr, other: SocketAddr) -> bool {
    let scope = |address: SocketAddr| match address {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(address) => address.scope_id(),
    };
    one.ip().to_canonical() == other.ip().to_canonical() && scope(one) == scope(other)
}

/// Where a connection to `ip` goes: the system takes one to no address for one to this machine.
fn reached(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        _ => ip,
    }
}

/// Whether `listener` is the target itself, or every address while the target is this machine.
fn takes(listener: SocketAddr, target: SocketAddr) -> bool {
    let every = listener.ip().is_unspecified() && listener.is_ipv4() == target.is_ipv4();
    let same = listener.ip().to_canonical() == target.ip();
    listener.port() == target.port() && (same || (every && target.ip().is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::super::{parsed, read};
    use super::*;

    /// The mistakes of a listener at `one` and, for operators or not, an address `two`.
    fn mistakes(one: &str, two: &str, operators: bool) -> String {
        let text = format!("one = '{one}'\ntwo = '{two}'\n");
        let build = |table: &mut Table<'_>| {
            let mut addresses = Addresses::default();
            let one: SocketAddr = table.required("one", parsed("an address"))?;
            addresses.claim(table, "one", one);
            let two: Address = table.required("two", parsed("an address"))?;
            match two {
                Address::Tcp(two) if !operators => addresses.claim(table, "two", two),
                two => addresses.claim_for_operators(table, "two", two),
            }
            Some(())
        };
        let mistakes = read("f", &text, build).err();
        mistakes.map_or(String::new(), |mistakes| mistakes.to_string())
    }

    #[test]
    fn a_wildcard_and_an_address_of_its_family_clash_in_either_order() {
        for (one, two) in [
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "[::1]:1"),
            ("[::]:1", "[2001:db8::1]:1"),
        ] {
            for (one, two) in [(one, two), (two, one)] {
                let said = mistakes(one, two, false);
                let expected = format!("f:2: two: \"{two}\" clashes with \"{one}\"");
                assert!(said.starts_with(&expected), "{said}");
                assert!(said.contains(", on line 1: "), "{said}");
                assert_eq!(mistakes(one, two, true), said);
            }
        }
    }

    #[test]
    fn addresses_that_the_system_tells_apart_stand_beside_each_other() {
        for (one, two) in [
            ("0.0.0.0:1", "127.0.0.1:2"),
            ("0.0.0.0:1", "[::]:1"),
            ("0.0.0.0:1", "[::1]:1"),
            ("[::]:1", "127.0.0.1:1"),
            ("127.0.0.1:1", "127.0.0.2:1"),
            ("0.0.0.0:0", "127.0.0.1:0"),
            ("[fe80::1%1]:1", "[fe80::1%2]:1"),
        ] {
            assert_eq!(mistakes(one, two, false), "", "{one} {two}");
        }
        assert_eq!(mistakes("0.0.0.0:1", "unix:/a", true), "");
    }

    #[test]
    fn the_wildcard_of_operators_is_every_address_of_either_family() {
        for one in ["127.0.0.1:1", "0.0.0.0:1", "[::1]:1"] {
            let said = mistakes(one, "[::]:1", true);
            assert!(said.starts_with("f:2: two: \"[::]:1\" clashes"), "{said}");
        }
        assert_eq!(mistakes("[::]:1", "127.0.0.1:1", true), "");
    }

    #[test]
    fn a_target_leads_back_where_the_system_would_bring_it() {
        let leads_back = |listener: &str, target: &str| {
            let address = Address::Tcp(listener.parse().unwrap());
            let addresses = Addresses {
                taken: vec![Taken {
                    address,
                    role: Role::Listener,
                    place: "on line 1".to_owned(),
                }],
            };
            addresses.leads_back(&target.parse().unwrap()).is_some()
        };
        for (listener, target) in [
            ("192.0.2.1:1", "192.0.2.1:1"),
            ("127.0.0.1:1", "[::ffff:127.0.0.1]:1"),
            ("0.0.0.0:1", "127.9.9.9:1"),
            ("127.0.0.1:1", "0.0.0.0:1"),
            ("[::]:1", "[::1]:1"),
            ("[::]:1", "[::]:1"),
        ] {
            assert!(leads_back(listener, target), "{listener} {target}");
        }
        for (listener, target) in [
            ("192.0.2.1:1", "192.0.2.1:2"),
            ("192.0.2.1:1", "192.0.2.2:1"),
            ("127.0.0.1:1", "127.0.0.2:1"),
            ("0.0.0.0:1", "192.0.2.1:1"),
            ("0.0.0.0:1", "[::1]:1"),
            ("[::]:1", "127.0.0.1:1"),
            ("127.0.0.1:1", "gateway.example:1"),
        ] {
            assert!(!leads_back(listener, target), "{listener} {target}");
        }
    }
}
