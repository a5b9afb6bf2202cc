//! Where a pool leads.

use super::line::{self, Line};
use super::tls;
use crate::config::kinds::{self, Kind, List, Located, integer, located, or_table, parsed};
use crate::config::table::Table;
use crate::pool::EndpointOptions;
use crate::target::Target;

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
    /// To be logged in to by SoupBinTCP, over TLS or not.
    Lines,
}

/// An endpoint, and how it is spoken to where it is a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) endpoint: EndpointOptions,
    pub(super) line: Line,
}

impl Entry {
    fn at(target: Target) -> Self {
        EndpointOptions::at(target).into()
    }
}

impl From<EndpointOptions> for Entry {
    fn from(endpoint: EndpointOptions) -> Self {
        let line = Line::default();
        Self { endpoint, line }
    }
}

/// A list of endpoints, each `"host:port"` or a table.
pub(super) fn list(ends: Ends) -> List<impl Kind<Value = Located<Entry>>> {
    let build = match ends {
        Ends::Passed => passed,
        Ends::Tls => with_tls,
        Ends::Lines => with_line,
    };
    let endpoint = or_table(parsed(TARGET), Entry::at, build);
    kinds::list(TARGET, located(endpoint))
}

fn with_line(table: &mut Table<'_>) -> Option<Entry> {
    let endpoint = plain(table);
    let line = Line::read(table);
    let tls = table.optional_table("tls", tls::read);
    let endpoint = EndpointOptions { tls, ..endpoint? };
    Some(Entry { endpoint, line })
}

fn with_tls(table: &mut Table<'_>) -> Option<Entry> {
    // First, so that nothing is said of values that have no use.
    line::report_foreign(table);
    let Entry { endpoint, .. } = with_line(table)?;
    Some(endpoint.into())
}

fn passed(table: &mut Table<'_>) -> Option<Entry> {
    if table.has("tls") {
        table.report("tls", PASSED_ON);
    }
    plain(table).map(Entry::from)
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
