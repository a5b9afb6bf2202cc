//! What configuration files would do, said without doing it.

mod neighbours;
mod together;

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use l4_failover::config::{Diagnostics, text_of};
use l4_failover::settings::Settings;
use l4_failover::{PoolOptions, StateFileError};

use crate::app::{destination, tables};
use crate::config::Config;
use crate::front::Face;
use crate::metrics::Metrics;
use crate::tables::Tables;

/// What is to be said of some files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The routes that each would give, as a table; of a local port's file, that it is good.
    pub routes: String,
    /// What is no mistake of one of them: what none shows alone, and what does not fit this machine.
    /// A sentence each.
    pub warnings: Vec<String>,
    /// Every mistake, a line each; empty if all is well.
    pub mistakes: String,
}

/// A file that was read.
enum File<'p> {
    Gateway(&'p Path, Box<Config>),
    /// Of `l4-failover`, which may stand before a gateway.
    Ports(&'p Path, Box<Settings>),
}

/// Reads each of the files, and then looks at them together.
///
/// ```
/// let report = gateway::check::files(["/nowhere.toml".as_ref()]);
/// assert!(report.mistakes.starts_with("/nowhere.toml"));
/// ```
#[must_use]
pub fn files<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Report {
    let (mut report, mut read) = (Report::default(), Vec::new());
    for path in paths {
        match file(path) {
            Ok((file, routes)) => {
                report.routes.push_str(&routes);
                report.warnings.extend(file.unkept());
                read.push(file);
            }
            Err(mistake) => report
                .mistakes
                .push_str(&format!("{}\n", mistake.trim_end())),
        }
    }
    report.warnings.extend(together::warnings(&read));
    report
}

impl File<'_> {
    /// The pools that could not keep their state on this machine, which need not be the one that the
    /// file is for.
    fn unkept(&self) -> Vec<String> {
        let (path, pools): (_, Vec<&PoolOptions>) = match self {
            Self::Gateway(path, config) => {
                let services = config.services.iter().map(|it| &*it.pool);
                let datacenters = config.datacenters.iter().map(|it| &*it.pool);
                (path, services.chain(datacenters).collect())
            }
            Self::Ports(path, settings) => {
                (path, settings.ports.iter().map(|it| &it.pool).collect())
            }
        };
        let unkept = pools.into_iter().filter_map(|pool| pool.unkept());
        let said = |error: StateFileError| {
            format!(
                "{}: {error}; a start on this machine would be refused",
                path.display()
            )
        };
        unkept.map(said).collect()
    }
}

fn file(path: &Path) -> Result<(File<'_>, String), String> {
    let said = |mistakes: Diagnostics| mistakes.to_string();
    if is_of_ports(path) {
        let settings = Settings::load(path).map_err(said)?;
        let routes = format!("{}: ok; ports of l4-failover\n", path.display());
        return Ok((File::Ports(path, Box::new(settings)), routes));
    }
    let config = Config::load(path).map_err(said)?;
    let tables = build(&config).map_err(|error| format!("{}: {error}", path.display()))?;
    let routes = table(path, &config, &tables);
    Ok((File::Gateway(path, Box::new(config)), routes))
}

/// Whether the file is one of `l4-failover`: a gateway has neither of these sections. One that cannot
/// be read is told so as a gateway's.
fn is_of_ports(path: &Path) -> bool {
    let text = text_of(path).unwrap_or_default();
    let mut lines = text.lines().map(str::trim);
    lines.any(|line| line.starts_with("[[port]]") || line.starts_with("[[inbound]]"))
}

/// The tables that `config` gives, of pools that nobody looks after.
pub(crate) fn build(config: &Config) -> Result<Tables, String> {
    let metrics = Metrics::new().map_err(|error| error.to_string())?;
    // What a pool remembers is looked for where it runs.
    let forgetful = |pool: &PoolOptions| PoolOptions {
        state_file: None,
        ..pool.clone()
    };
    let tables = tables(config, |kind, pool| {
        destination(&metrics, kind, &Arc::new(forgetful(pool)))
    });
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
