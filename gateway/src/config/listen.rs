//! Where clients connect.

use l4_failover::config::{Addresses, Table, Unique, checked, integer, label, parsed};
use std::net::SocketAddr;

const ADDRESS: &str = "an address and port such as \"0.0.0.0:8443\" or \"[::]:8443\"";

/// A listener for clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// What logs, metrics and the `ready` line call it.
    pub name: String,
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// How many connections may wait to be accepted, 1 to 65535; the system may allow fewer.
    pub backlog: u16,
}

pub(super) fn read(table: &mut Table<'_>, addresses: &mut Addresses) -> Vec<Listener> {
    let mut names = Unique::new("the name of a listener");
    table.one_or_more("listen", |table, nth| {
        let listener = listener(table, nth)?;
        names.claim(table, "name", listener.name.clone());
        addresses.claim(table, "address", listener.address);
        Some(listener)
    })
}

/// The `ready` line has one address to each name.
fn reserved(name: &str) -> Option<String> {
    matches!(name, "admin" | "metrics").then(|| {
        format!("{name:?} is what the ready line calls an address of [admin]; choose another name")
    })
}

fn listener(table: &mut Table<'_>, nth: Option<usize>) -> Option<Listener> {
    let name = nth.map_or("listen".to_owned(), |nth| format!("listen-{nth}"));
    let name = table.with_default("name", checked(label(), |name| reserved(name)), name);
    let address = table.required("address", parsed(ADDRESS));
    let backlog = table.with_default("backlog", integer(1..=u16::MAX), 4096);
    Some(Listener {
        name,
        address: address?,
        backlog,
    })
}
