//! `l4-failover run`, and the form without a file.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use tokio::runtime::Runtime;

use super::Failure;
use crate::app::{Bound, StartError};
use crate::life;
use crate::process::activation::{Activated, ActivationError};
use crate::process::log::Log;
use crate::process::signals::{Hangups, Signals};
use crate::settings::{Flags, Source};

#[derive(Debug, Args)]
pub(super) struct Run {
    /// The configuration file.
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
}

/// One port without a file.
#[derive(Debug, Args)]
pub(super) struct Port {
    /// Where clients connect: an address and port such as 127.0.0.1:19100; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    listen: String,
    /// Where it leads, as HOST:PORT; several share the load.
    #[arg(long, value_name = "HOST:PORT", required = true)]
    primary: Vec<String>,
    /// Where it leads while no primary is healthy; several, in this order.
    #[arg(long, value_name = "HOST:PORT")]
    backup: Vec<String>,
    /// What is understood of the bytes: tcp or soupbintcp.
    #[arg(long)]
    protocol: Option<String>,
    /// How endpoints are checked: tcp or none.
    #[arg(long, value_name = "TYPE")]
    check: Option<String>,
    /// Where operators are served, on this machine; without it they are not.
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
}

impl From<Port> for Flags {
    fn from(port: Port) -> Self {
        Self {
            listen: port.listen,
            primary: port.primary,
            backup: port.backup,
            protocol: port.protocol,
            check: port.check,
            admin: port.admin,
        }
    }
}

pub(super) fn file(run: Run) -> Result<(), Failure> {
    start(Source::File(run.config))
}

pub(super) fn port(port: Port) -> Result<(), Failure> {
    start(Source::Flags(port.into()))
}

fn start(source: Source) -> Result<(), Failure> {
    // On this thread alone: what is given is taken before there are others.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("cannot start: {error}")))?;
    // First of all: until then, a hangup ends the process.
    let hangups = in_runtime(&runtime, Hangups::new)?;
    let loaded = source.load()?;
    let activated = Activated::from_env()?;
    let log = Log::start(loaded.settings.log);
    let bound = Bound::bind(loaded, activated, log.lost())?;
    // Not before: while files are waited for, a signal ends the process by itself.
    let signals = in_runtime(&runtime, Signals::new)?;
    let result = runtime.block_on(run(bound, signals, hangups));
    // Not dropped: that would wait for a look-up of a name that is under way.
    runtime.shutdown_background();
    result
}

fn in_runtime<T>(runtime: &Runtime, new: impl FnOnce() -> io::Result<T>) -> Result<T, Failure> {
    let _in_runtime = runtime.enter();
    new().map_err(|error| Failure::Failed(format!("cannot wait for signals: {error}")))
}

async fn run(bound: Bound, signals: Signals, hangups: Hangups) -> Result<(), Failure> {
    let ready = bound.to_string();
    let app = bound.start().await?;
    let _ = writeln!(std::io::stderr(), "{ready}");
    life::run(&app, signals, hangups).await;
    Ok(())
}

impl From<ActivationError> for Failure {
    fn from(error: ActivationError) -> Self {
        Self::Failed(format!("{:#}", anyhow::Error::from(error)))
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        // With its causes, on one line.
        Self::Failed(format!("{:#}", anyhow::Error::from(error)))
    }
}
