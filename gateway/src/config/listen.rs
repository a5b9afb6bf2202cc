//! Where clients connect, and gateways of other data centres.

use super::networks::{access, networks};
use crate::front::{Access, Face};
use crate::networks::Networks;
use l4_failover::config::{Addresses, Listen, Table, Unique, listener_name, socket_address};
use std::net::SocketAddr;

/// A listening address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// What logs, metrics and the `ready` line call it.
    pub name: String,
    /// Who connects there.
    pub face: Face,
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// How many connections may wait to be accepted, 1 to 65535; the system may allow fewer.
    pub backlog: u16,
    /// Whose connections are accepted.
    pub access: Access,
    /// Who must say by a PROXY header whom it connects for.
    pub proxies: Networks,
}

/// The keys that say something of the other gateways' address, and nothing without it.
const OF_PEERS: [&str; 2] = ["peer_allow", "peer_deny"];

/// Reads the listeners: a section gives one for clients and, with `peer_address`, one for gateways.
pub(super) fn read(table: &mut Table<'_>, addresses: &mut Addresses) -> Vec<Listener> {
    let mut names = Unique::new("the name of a listener");
    let sections = table.one_or_more("listen", |table, nth| {
        let name = nth.map_or("listen".to_owned(), |nth| format!("listen-{nth}"));
        let name = table.with_default("name", listener_name(), name);
        let listen = Listen::read(table, "address", addresses);
        let of_clients = access(table, "allow", "deny");
        let peer_address = peer_address(table, addresses);
        let of_peers = access(table, "peer_allow", "peer_deny");
        let proxies = networks(table, "proxy_from", "no header is expected of anybody");
        let Listen { address, backlog } = listen?;
        names.claim(table, "name", name.clone());
        let clients = Listener {
            name,
            face: Face::Clients,
            address,
            backlog,
            access: of_clients,
            proxies,
        };
        let peers = peer_address.map(|address| Listener {
            name: format!("{}-peer", clients.name),
            face: Face::Peers,
            address,
            access: of_peers,
            ..clients.clone()
        });
        if let Some(peers) = &peers {
            names.claim(table, "peer_address", peers.name.clone());
        }
        Some([Some(clients), peers])
    });
    sections.into_iter().flatten().flatten().collect()
}

fn peer_address(table: &mut Table<'_>, addresses: &mut Addresses) -> Option<SocketAddr> {
    let absence = "gateways of other data centres connect as clients do";
    let address = table.optional("peer_address", socket_address(), absence);
    match address {
        Some(address) => addresses.claim(table, "peer_address", address),
        None => report_needless(table),
    }
    address
}

fn report_needless(table: &Table<'_>) {
    if table.has("peer_address") {
        return;
    }
    for key in OF_PEERS.into_iter().filter(|key| table.has(key)) {
        table.report(
            key,
            "this needs the key \"peer_address\", which it is about",
        );
    }
}
