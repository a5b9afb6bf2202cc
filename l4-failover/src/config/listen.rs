//! The address of a listener and what goes with it, the same for every program that has one.

use super::kinds::{integer, parsed};
use super::table::Table;
use super::{Addresses, Shown, checked, label};
use std::net::SocketAddr;

/// Where clients connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// How many connections may wait to be accepted, 1 to 65535; the system may allow fewer.
    pub backlog: u16,
}

const ADDRESS: &str = "an address and port such as \"0.0.0.0:8443\" or \"[::]:8443\"";

impl Listen {
    /// Reads the address, which stands at `key` and is claimed in `addresses`, and `backlog`.
    pub fn read(
        table: &mut Table<'_>,
        key: &'static str,
        addresses: &mut Addresses,
    ) -> Option<Self> {
        let address = table.required(key, socket_address());
        let backlog = table.with_default("backlog", integer(1..=u16::MAX), 4096);
        let address = address?;
        addresses.claim(table, key, address);
        Some(Self { address, backlog })
    }
}

/// An address to listen on, with its port.
pub fn socket_address() -> impl Shown<Value = SocketAddr> {
    parsed(ADDRESS)
}

/// The name of a listener: a label. The `ready` line has one address to each name.
pub fn listener_name() -> impl Shown<Value = String> {
    checked(label(), |name: &String| reserved(name))
}

fn reserved(name: &str) -> Option<String> {
    matches!(name, "admin" | "metrics").then(|| {
        format!("{name:?} is what the ready line calls an address of [admin]; choose another name")
    })
}
