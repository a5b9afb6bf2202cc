//! A port for plain clients.

use super::listener::Listeners;
use crate::choice::Failback;
use crate::config::{Ends, Listen, PoolBase, Pools, Table, checked, one_of};
use crate::pool::{DialLimits, PoolOptions};

/// An address that an application keeps, whoever is active behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// What logs, metrics, commands and the `ready` line call it; no other port or inbound has it.
    pub name: String,
    /// Where clients connect.
    pub listen: Listen,
    /// What is understood of the bytes.
    pub protocol: Protocol,
    /// Where it leads, when it moves, how that is checked.
    pub pool: PoolOptions,
}

/// What a port understands of the bytes that it passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Nothing: a stream that is cut stays cut.
    Tcp,
}

/// What the file may say; what has no value is not there yet.
const PROTOCOLS: &[(&str, Option<Protocol>)] =
    &[("tcp", Some(Protocol::Tcp)), ("soupbintcp", None)];

const NO_BRIDGE: &str = "this version has no SoupBinTCP bridge yet; \"tcp\" passes such sessions \
     on as they are, and resets those of a line that dies";

impl Port {
    pub(super) fn read(
        table: &mut Table<'_>,
        listeners: &mut Listeners,
        pools: &mut Pools,
        dial: DialLimits,
    ) -> Option<Self> {
        let name = listeners.name(table);
        let listen = listeners.listen(table);
        let protocol = protocol(table);
        let base = PoolBase {
            name: name.as_deref(),
            ends: Ends::Tls,
            failback: protocol.map_or(Failback::Manual, Protocol::failback),
            dial,
        };
        let pool = pools.tiered(table, ["primary", "endpoints"], base);
        Some(Self {
            name: name?,
            listen: listen?,
            protocol: protocol?,
            pool,
        })
    }
}

impl Protocol {
    /// Who moves back, where the file does not say.
    fn failback(self) -> Failback {
        match self {
            Self::Tcp => Failback::Auto,
        }
    }
}

fn protocol(table: &mut Table<'_>) -> Option<Protocol> {
    let known = checked(one_of(PROTOCOLS), |protocol| {
        protocol.is_none().then(|| NO_BRIDGE.to_owned())
    });
    table.with_default("protocol", known, Some(Protocol::Tcp))
}
