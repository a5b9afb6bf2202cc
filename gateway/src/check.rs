//! What a configuration file would do, said without doing it.

use std::fmt::Write;
use std::path::Path;

use crate::app::{destination, tables};
use crate::config::Config;
use crate::destination::Destination;
use crate::metrics::Metrics;
use crate::route::{Routes, Rule};
use crate::tables::Tables;

/// The routes that the file at `path` would give, as a table.
///
/// # Errors
///
/// Every mistake of the file, a line each.
pub fn file(path: &Path) -> Result<String, String> {
    let config = Config::load(path).map_err(|mistakes| mistakes.to_string())?;
    let tables = build(&config).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(table(path, &config, &tables.clients))
}

fn build(config: &Config) -> Result<Tables, String> {
    let metrics = Metrics::new().map_err(|error| error.to_string())?;
    let tables = tables(config, |kind, pool| destination(&metrics, kind, pool));
    tables.map_err(|error| error.to_string())
}

fn table(path: &Path, config: &Config, routes: &Routes<Destination>) -> String {
    let mut rules: Vec<(Rule<'_>, &Destination)> =
        routes.rules().map(|(rule, to)| (rule, &**to)).collect();
    rules.sort_by_key(|(rule, _)| *rule);
    let mut text = format!("{}: ok; routes of {}:\n", path.display(), config.datacenter);
    let wide = rules.iter().map(|(rule, _)| rule.to_string().len()).max();
    let wide = wide.unwrap_or_default();
    for (rule, to) in rules {
        let endpoints = to.pool.endpoints();
        let endpoints: Vec<&str> = endpoints.iter().map(|it| &**it.name()).collect();
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "  {:wide$}  {} {}: {}",
            rule.to_string(),
            to.kind.as_str(),
            to.name,
            endpoints.join(", then ")
        );
    }
    text
}
