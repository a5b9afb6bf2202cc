//! Lists of networks: who may, and who is believed.

use crate::front::Access;
use crate::networks::{Network, Networks};
use l4_failover::config::{Table, list, parsed};

const NETWORK: &str = "a network such as \"10.0.0.0/8\", or an address";
const NETWORKS: &str = "networks such as \"10.0.0.0/8\", or addresses";

/// The networks at `key`; `absence` says what holds without.
pub(super) fn networks(
    table: &mut Table<'_>,
    key: &'static str,
    absence: &'static str,
) -> Networks {
    let kind = list(NETWORKS, parsed::<Network>(NETWORK)).not_empty();
    let networks = table.optional(key, kind, absence);
    networks.into_iter().flatten().collect()
}

/// Who may, by a list at each of two keys.
pub(super) fn access(table: &mut Table<'_>, allow: &'static str, deny: &'static str) -> Access {
    Access {
        allow: networks(table, allow, "everybody"),
        deny: networks(table, deny, "nobody"),
    }
}
