//! What a configuration file would do, said without doing it.

use std::fmt::Write;
use std::path::Path;

use crate::app::{destination, tables};
use crate::config::Config;
use crate::front::Face;
use crate::metrics::Metrics;
use crate::tables::Tables;

/// The routes that the file at `path` would give, as a table.
///
/// # Errors
///
/// Every mistake of the file, a line each.
pub fn file(path: &Path) -> Result<String, String> {
    let config = Config::load(path).map_err(|mistakes| mistakes.to_string())?;
    let tables = build(&config).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(table(path, &config, &tables))
}

fn build(config: &Config) -> Result<Tables, String> {
    let metrics = Metrics::new().map_err(|error| error.to_string())?;
    let tables = tables(config, |kind, pool| destination(&metrics, kind, pool));
    tables.map_err(|error| error.to_string())
}

fn table(path: &Path, config: &Config, tables: &Tables) -> String {
    let mut text = format!("{}: ok; routes of {}:\n", path.display(), config.datacenter);
    let rules = tables.rules();
    let names = rules.iter().map(|(_, rule, _)| rule.to_string());
    let wide = names.map(|name| name.len()).max().unwrap_or_default();
    let mut is_for_peers = false;
    for (face, rule, to) in rules {
        if face == Face::Peers && !std::mem::replace(&mut is_for_peers, true) {
            text.push_str("  for gateways of other data centres, at peer_address:\n");
        }
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "  {:wide$}  {} {}: {}",
            rule.to_string(),
            to.kind.as_str(),
            to.name,
            to.endpoints(face).join(", then ")
        );
    }
    text
}
