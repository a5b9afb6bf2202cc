//! The configuration file of `l4-failover`: what it says, as plain data.
//!
//! Nothing below the application knows these types; it converts them into what each part takes.

mod describe;
mod fanout;
mod feed;
mod flags;
mod inbound;
mod listener;
mod port;
mod source;

// The public interface is:
pub use describe::describe;
pub use flags::Flags;
pub use inbound::Inbound;
pub use port::{Port, Protocol};
pub use source::{Loaded, Source};

use crate::admin::AdminOptions;
use crate::config::{
    self, Diagnostics, Dial, Drain, Effective, Limits, Located, Pools, Relay, Schema, Table,
    admin_section, dial_section, drain_section, limits_section, log_options, relay_section,
    workers,
};
use crate::process::log::LogOptions;
use crate::target::Target;
use listener::Listeners;
use std::path::Path;
use std::time::Duration;

/// Shorter than the gateway's: an application beside the port gets to its backup the sooner.
const USER_TIMEOUT: Duration = Duration::from_secs(60);

const NOTHING_TO_DO: &str = "there is nothing to listen for; add a [[port]] or an [[inbound]]";

/// Everything that the file says, with defaults in place of what it leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many threads pass connections on, 1 to 256.
    pub workers: usize,
    /// The bounds of reaching an endpoint.
    pub dial: Dial,
    /// The bounds of passing bytes on.
    pub relay: Relay,
    /// The bounds of the process.
    pub limits: Limits,
    /// How the process ends.
    pub drain: Drain,
    /// What is logged, and how.
    pub log: LogOptions,
    /// Where operators are served, if anywhere.
    pub admin: Option<AdminOptions>,
    /// The ports for plain clients, in the order of the file.
    pub ports: Vec<Port>,
    /// The ports for callers with certificates, in the order of the file.
    pub inbounds: Vec<Inbound>,
}

impl Settings {
    /// Reads a configuration; `file` is the name that diagnostics give.
    ///
    /// ```
    /// use l4_failover::settings::Settings;
    ///
    /// let settings = Settings::parse("l4-failover.toml", r#"
    ///     [[port]]
    ///     name = "itch-feed"
    ///     listen = "127.0.0.1:19100"
    ///     primary = ["127.0.0.1:9000"]
    ///     backup = ["127.0.0.1:9001"]
    /// "#)?;
    /// assert_eq!(settings.ports[0].pool.tiers[1][0].target.port, 9001);
    /// # Ok::<(), l4_failover::config::Diagnostics>(())
    /// ```
    ///
    /// # Errors
    /// Every mistake of the text, in the order of its lines.
    pub fn parse(file: &str, text: &str) -> Result<Self, Diagnostics> {
        config::read(file, text, Self::read)
    }

    /// Reads the configuration file at `path`; see [`Settings::parse`].
    ///
    /// # Errors
    /// Every mistake of the file, or the one that it cannot be read.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        Self::parse(&path.display().to_string(), &config::text_of(path)?)
    }

    /// What is in force of a text that [`Settings::parse`] finds good, defaults included. Files that
    /// it names are read again; nothing of what they hold is in it.
    #[must_use]
    pub fn effective(text: &str) -> Effective {
        config::effective(text, Self::read)
    }

    /// Every key that the file may hold, with its default and range.
    pub fn schema() -> Schema {
        config::schema(Self::read)
    }

    fn read(table: &mut Table<'_>) -> Option<Self> {
        let mut listeners = Listeners::default();
        let workers = workers(table);
        let dial = table.table("dial", dial_section);
        let relay = table.table("relay", |table| relay_section(table, USER_TIMEOUT));
        let limits = table.table("limits", limits_section);
        let drain = table.table("drain", drain_section);
        let log = table.table("log", log_options);
        let addresses = &mut listeners.addresses;
        let admin = table.optional_table("admin", |table| admin_section(table, addresses));
        let (mut pools, mut targets) = (Pools::default(), Vec::new());
        let limits_of_dial = dial.limits(relay.tcp_options());
        let ports = table.tables("port", |table| {
            Port::read(table, &mut listeners, &mut pools, limits_of_dial)
        });
        let inbounds = table.tables("inbound", |table| {
            Inbound::read(table, &mut listeners, &mut targets)
        });
        pools.report_circles(table, &listeners.addresses, "this process");
        report_no_applications(table, &listeners, &targets);
        if !table.has("port") && !table.has("inbound") {
            table.report_here(NOTHING_TO_DO);
        }
        Some(Self {
            workers,
            dial,
            relay,
            limits,
            drain,
            log,
            admin,
            ports,
            inbounds,
        })
    }
}

/// Notes which targets of inbounds are listeners of this process.
fn report_no_applications(table: &Table<'_>, listeners: &Listeners, targets: &[Located<Target>]) {
    for target in targets {
        if let Some(listener) = listeners.addresses.leads_back(&target.value) {
            let message = format!(
                "\"{}\" is this process itself, by {listener}; name the application behind it",
                target.value
            );
            table.report_at(&target.spot, message);
        }
    }
}
