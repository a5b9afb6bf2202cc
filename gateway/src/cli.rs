//! The command line of `mesh-gateway`. The exit code is decided here and nowhere else: 0 done,
//! 1 failed, 2 a mistake in what was typed or configured.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use l4_failover::config::Diagnostics;
use l4_failover::process::log::Log;
use l4_failover::process::signals::{Hangups, Signals};
use tracing::warn;

use crate::app::{Bound, StartError};
use crate::check;
use crate::config::Config;

/// Passes TLS connections on by server name, without terminating TLS.
#[derive(Debug, Parser)]
#[command(name = "mesh-gateway", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the gateway until SIGTERM or SIGINT; a second signal ends it at once.
    ///
    /// Prints one line on stderr when all addresses are bound: `ready NAME=ADDR … admin=ADDR`.
    Run(Run),
    /// Says every mistake of configuration files, or the routes that they would give.
    Check(Check),
}

#[derive(Debug, Args)]
struct Run {
    /// The configuration file.
    #[arg(long, short, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Check {
    /// A configuration file; may be given several times.
    #[arg(long, short, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// More configuration files.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Something failed, or was mistaken.
enum Failure {
    Failed(String),
    Mistaken(String),
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Mistaken(diagnostics.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Routes(_) => Self::Mistaken(error.to_string()),
            // With its causes, on one line.
            _ => Self::Failed(format!("{:#}", anyhow::Error::from(error))),
        }
    }
}

/// Runs the command that was typed.
pub fn main() -> ExitCode {
    main_from(std::env::args_os())
}

/// Runs a command given as words, the first of which is the program's name.
pub fn main_from(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let result = match Cli::parse_from(words).command {
        Command::Run(run) => self::run(&run),
        Command::Check(check) => self::check(&check),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Failed(why)) => end(&why, 1),
        Err(Failure::Mistaken(why)) => end(&why, 2),
    }
}

fn end(why: &str, code: u8) -> ExitCode {
    // A closed stderr leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "{}", why.trim_end());
    ExitCode::from(code)
}

fn check(check: &Check) -> Result<(), Failure> {
    let files = check.config.iter().chain(&check.files);
    let report = check::files(files.map(PathBuf::as_path));
    // A pipe that is closed early has read what it wanted.
    let _ = std::io::stdout().write_all(report.routes.as_bytes());
    for warning in &report.warnings {
        let _ = writeln!(std::io::stderr(), "warning: {warning}");
    }
    match report.mistakes.is_empty() {
        true => Ok(()),
        false => Err(Failure::Mistaken(report.mistakes)),
    }
}

fn run(run: &Run) -> Result<(), Failure> {
    let config = Config::load(&run.config)?;
    let log = Log::start(config.log.options());
    let bound = Bound::bind(&config, log.lost())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("cannot start: {error}")))?;
    let result = runtime.block_on(serve(bound));
    // Not dropped: that would wait for a look-up of a name that is under way.
    runtime.shutdown_background();
    result
}

async fn serve(bound: Bound) -> Result<(), Failure> {
    let signals = Signals::new().map_err(no_signals)?;
    let hangups = Hangups::new().map_err(no_signals)?;
    let ready = bound.to_string();
    let ready = || {
        let _ = writeln!(std::io::stderr(), "{ready}");
    };
    let running = bound.run(ready, signals.next(), signals.next());
    tokio::select! {
        stopped = running => stopped?,
        never = ignore(hangups) => match never {},
    };
    Ok(())
}

fn no_signals(error: std::io::Error) -> Failure {
    Failure::Failed(format!("cannot wait for signals: {error}"))
}

/// Says of each SIGHUP that nothing comes of it.
async fn ignore(mut hangups: Hangups) -> Infallible {
    loop {
        hangups.next().await;
        warn!("SIGHUP is ignored: to change the configuration, restart");
    }
}
