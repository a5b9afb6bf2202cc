//! The gateway's configuration file: what it says, as plain data.
//!
//! Nothing below the application knows these types; it converts them into what each part takes.

mod doubts;
mod fallback;
mod limits;
mod listen;
mod log;
mod names;
mod networks;
mod peers;
mod process;

// The public interface is:
pub use fallback::Fallback;
pub use l4_failover::config::{Dial, Drain, Relay};
pub use l4_failover::process::log::{Format, Level};
pub use limits::Hello;
pub use listen::Listener;
pub use log::{ConnectionLog, Log};
pub use peers::{Datacenter, Service};
pub use process::Limits;

use crate::front::Face;
use crate::name::NamePattern;
use l4_failover::admin::AdminOptions;
use l4_failover::config::{
    self, Addresses, Diagnostics, Effective, Schema, Table, admin_section, checked, dial_section,
    drain_section, label, list, parsed, relay_section, workers,
};
use names::{Names, no_suffix};
use peers::Peers;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Long enough for a WAN to come back after its routes have moved.
const USER_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// The gateway's own data centre is given as a value, the others as tables of the same name.
const DATACENTER: &str = "datacenter";

const PATTERN: &str = "a pattern such as \"{service}.{datacenter}\"";
const PATTERNS: &str = "patterns such as \"{service}.{datacenter}\"";

const NOTHING_TO_PASS: &str =
    "the gateway would refuse every name; add a [[service]] or a [[datacenter]]";

/// Everything that the file says, with defaults in place of what it leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The name of the data centre that this gateway stands in.
    pub datacenter: String,
    /// How many threads pass connections on, 1 to 256.
    pub workers: usize,
    /// The forms of the names of services; at least one.
    pub name_patterns: Vec<NamePattern>,
    /// The service that answers names which no other does.
    pub fallback: Option<Fallback>,
    /// Where clients connect; at least one.
    pub listeners: Vec<Listener>,
    /// The bounds of reading a hello.
    pub hello: Hello,
    /// The bounds of reaching an endpoint.
    pub dial: Dial,
    /// The bounds of passing bytes on.
    pub relay: Relay,
    /// The bounds of the process.
    pub limits: Limits,
    /// How the process ends.
    pub drain: Drain,
    /// What is logged, and how.
    pub log: Log,
    /// Where operators are served, if anywhere.
    pub admin: Option<AdminOptions>,
    /// The services of this data centre, in the order of the file.
    pub services: Vec<Arc<Service>>,
    /// The other data centres, in the order of the file.
    pub datacenters: Vec<Datacenter>,
}

impl Config {
    /// Reads a configuration; `file` is the name that diagnostics give.
    ///
    /// ```
    /// use gateway::config::Config;
    ///
    /// let config = Config::parse("gateway.toml", r#"
    ///     datacenter = "dc1"
    ///     [listen]
    ///     address = "127.0.0.1:8443"
    ///     [[service]]
    ///     name = "currency"
    ///     endpoints = ["127.0.0.1:7000"]
    /// "#)?;
    /// assert_eq!(config.services[0].pool.tiers[0][0].target.port, 7000);
    /// # Ok::<(), l4_failover::config::Diagnostics>(())
    /// ```
    ///
    /// # Errors
    /// Every mistake of the text, in the order of its lines.
    pub fn parse(file: &str, text: &str) -> Result<Self, Diagnostics> {
        config::read_homonym(DATACENTER, file, text, Self::read)
    }

    /// The same, for a text that says much of what `before` was read from: services that are as they
    /// were are those of `before`, so that a large configuration is not there twice.
    ///
    /// # Errors
    /// Those of [`Config::parse`].
    pub fn parse_after(before: &Self, file: &str, text: &str) -> Result<Self, Diagnostics> {
        let read = |table: &mut Table<'_>| Self::read_after(table, &before.services);
        config::read_homonym(DATACENTER, file, text, read)
    }

    /// Reads the configuration file at `path`; see [`Config::parse`].
    ///
    /// # Errors
    /// Every mistake of the file, or the one that it cannot be read.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        Self::parse(&path.display().to_string(), &config::text_of(path)?)
    }

    /// What is in force of a text that [`Config::parse`] finds good, defaults included. Files that
    /// it names are read again; nothing of what they hold is in it.
    #[must_use]
    pub fn effective(text: &str) -> Effective {
        config::effective_homonym(DATACENTER, text, Self::read)
    }

    /// Every key that the file may hold, with its default and range.
    pub fn schema() -> Schema {
        config::schema(Self::read)
    }

    /// Another data centre by its name.
    #[must_use]
    pub fn datacenter(&self, name: &str) -> Option<&Datacenter> {
        self.datacenters.iter().find(|it| it.name == name)
    }

    fn read(table: &mut Table<'_>) -> Option<Self> {
        Self::read_after(table, &[])
    }

    fn read_after(table: &mut Table<'_>, before: &[Arc<Service>]) -> Option<Self> {
        let mut addresses = Addresses::default();
        let datacenter = table.required(DATACENTER, label());
        let workers = workers(table);
        let name_patterns = name_patterns(table, datacenter.as_deref());
        let listeners = listen::read(table, &mut addresses);
        let hello = table.table("hello", Hello::read);
        let dial = table.table("dial", dial_section);
        let relay = table.table("relay", |table| relay_section(table, USER_TIMEOUT));
        let limits = table.table("limits", Limits::read);
        let drain = table.table("drain", drain_section);
        let log = table.table("log", Log::read);
        let admin = table.optional_table("admin", |table| admin_section(table, &mut addresses));
        let room = table.count("service");
        let mut names = Names::new(datacenter.as_deref(), &name_patterns, room);
        let mut peers = Peers::new(dial.limits(relay.tcp_options()));
        let services = peers.services(table, datacenter.as_deref(), &mut names, before);
        let datacenters = peers.datacenters(table, datacenter.as_deref(), &names);
        let has_peer_address = listeners.iter().any(|it| it.face == Face::Peers);
        peers.report_elsewhere(table, &datacenters, has_peer_address);
        peers.report_circles(table, &addresses);
        let fallback = Fallback::read(table, &services);
        if !table.has("service") && !table.has(DATACENTER) {
            table.report_here(NOTHING_TO_PASS);
        }
        Some(Self {
            datacenter: datacenter?,
            workers,
            name_patterns,
            fallback,
            listeners,
            hello,
            dial,
            relay,
            limits,
            drain,
            log,
            admin,
            services,
            datacenters,
        })
    }
}

/// A pattern that gives no names in this data centre, `here`, is left out, so that it is told once.
fn name_patterns(table: &mut Table<'_>, here: Option<&str>) -> Vec<NamePattern> {
    let pattern = checked(parsed(PATTERN), |pattern| no_suffix(pattern, here?));
    let patterns = list(PATTERNS, pattern).not_empty().distinct();
    table.with_default("name_patterns", patterns, vec![NamePattern::default()])
}
