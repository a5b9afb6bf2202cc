//! Where a pool leads.

use super::tls;
use crate::config::kinds::{self, Kind, List, Located, integer, located, or_table, parsed};
use crate::config::table::Table;
use crate::pool::EndpointOptions;

const TARGET: &str = "\"host:port\"";
/// Beyond what one process holds: whoever wants no limit leaves it out.
const CONNECTIONS_MAX: u64 = 10_000_000;

/// What the endpoints of a file can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// To take bytes as they come, TLS included.
    Passed,
    /// To be spoken TLS to on behalf of a plain client, too.
    Tls,
}

/// A list of endpoints, each `"host:port"` or a table.
pub(super) fn list(ends: Ends) -> List<impl Kind<Value = Located<EndpointOptions>>> {
    let build = match ends {
        Ends::Passed => passed,
        Ends::Tls => with_tls,
    };
    let endpoint = or_table(parsed(TARGET), EndpointOptions::at, build);
    kinds::list(TARGET, located(endpoint))
}

fn with_tls(table: &mut Table<'_>) -> Option<EndpointOptions> {
    let endpoint = plain(table);
    let tls = table.optional_table("tls", tls::read);
    Some(EndpointOptions { tls, ..endpoint? })
}

fn passed(table: &mut Table<'_>) -> Option<EndpointOptions> {
    if table.has("tls") {
        table.report("tls", PASSED_ON);
    }
    plain(table)
}

const PASSED_ON: &str = "TLS is passed on here as the client speaks it; for a check that speaks \
     TLS itself, give check.tls";

fn plain(table: &mut Table<'_>) -> Option<EndpointOptions> {
    let target = table.required("address", parsed(TARGET));
    let weight = table.with_default("weight", integer(1..=1000), 1);
    let connections = integer(1..=CONNECTIONS_MAX);
    let max_connections = table.optional("max_connections", connections, "any number");
    Some(EndpointOptions {
        weight,
        max_connections,
        ..EndpointOptions::at(target?)
    })
}
