//! Where clients connect.

use l4_failover::config::{Addresses, Listen, Table, Unique, listener_name};
use std::net::SocketAddr;

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
        let name = nth.map_or("listen".to_owned(), |nth| format!("listen-{nth}"));
        let name = table.with_default("name", listener_name(), name);
        let Listen { address, backlog } = Listen::read(table, "address", addresses)?;
        names.claim(table, "name", name.clone());
        Some(Listener {
            name,
            address,
            backlog,
        })
    })
}
