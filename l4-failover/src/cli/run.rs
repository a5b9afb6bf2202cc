//! `l4-failover run`, and the form without a file.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::app::{Bound, StartError};
use crate::life;
use crate::process::activation::{Activated, ActivationError};
use crate::process::log::Log;
use crate::process::signals::{Hangups, Signals};
use crate::settings::{Flags, Settings, Source};

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
    let settings = source.read()?;
    // Before there are threads.
    let activated = Activated::from_env()?;
    let log = Log::start(settings.log);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("cannot start: {error}")))?;
    let result = runtime.block_on(run(source, settings, activated, &log));
    // Not dropped: that would wait for a look-up of a name that is under way.
    runtime.shutdown_background();
    result
}

async fn run(
    source: Source,
    settings: Settings,
    activated: Activated,
    log: &Log,
) -> Result<(), Failure> {
    let signals = Signals::new().map_err(no_signals)?;
    let hangups = Hangups::new().map_err(no_signals)?;
    let bound = Bound::bind(settings, source, activated, log.lost())?;
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

fn no_signals(error: std::io::Error) -> Failure {
    Failure::Failed(format!("cannot wait for signals: {error}"))
}
