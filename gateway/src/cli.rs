//! The command line of `mesh-gateway`. The exit code is decided here and nowhere else: 0 done,
//! 1 failed, 2 a mistake in what was typed or configured.

mod routes;
mod tap;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use l4_failover::client::{Operate, Program, printable};
use l4_failover::config::Diagnostics;
use l4_failover::life;
use l4_failover::process::activation::{Activated, ActivationError};
use l4_failover::process::log::Log;
use l4_failover::process::signals::{Hangups, Signals};
use tokio::runtime::Runtime;

use crate::app::{Bound, Source, StartError};
use crate::check;
use crate::inspect::args::{SniArgs, hinted};
use crate::inspect::{self, run::SniFailure};

/// Passes TLS connections on by server name, without terminating TLS.
#[derive(Debug, Parser)]
#[command(name = "mesh-gateway", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the gateway until SIGTERM or SIGINT; a second signal ends it at once. SIGHUP reads the
    /// file again.
    ///
    /// Prints one line on stderr when all addresses are bound: `ready NAME=ADDR … admin=ADDR`.
    Run(Run),
    /// Says every mistake of configuration files, or the routes that they would give.
    Check(Check),
    /// Sees names on the wire: prints a line for each TLS hello that passes, or that a file holds.
    #[command(version, disable_version_flag = true)]
    Sni(Box<SniArgs>),
    /// Explains, rule by rule, what would happen to a name and why; without one, lists the rules.
    Routes(routes::RoutesArgs),
    /// Prints the running gateway's connections as they open and close: what was decided, and why.
    Tap(tap::TapArgs),
    #[command(flatten)]
    Operate(Operate),
}

/// The program as its subcommands speak to it; without `--admin`, where it is by convention.
const PROGRAM: Program = Program {
    name: "mesh-gateway",
    admin: "127.0.0.1:19000",
    command: Cli::command,
};

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

impl From<SniFailure> for Failure {
    fn from(failure: SniFailure) -> Self {
        match failure {
            SniFailure::Failed(why) => Self::Failed(why),
            SniFailure::Mistaken(why) => Self::Mistaken(why),
        }
    }
}

impl From<ActivationError> for Failure {
    fn from(error: ActivationError) -> Self {
        Self::Failed(format!("{:#}", anyhow::Error::from(error)))
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
    let words: Vec<OsString> = words.into_iter().collect();
    let result = match parsed(&words).command {
        Command::Run(run) => self::run(&run),
        Command::Check(check) => self::check(&check),
        Command::Sni(args) => inspect::run::run(&args).map_err(Failure::from),
        Command::Routes(args) => return routes::routes(&args),
        Command::Tap(args) => {
            let connection = &args.connection;
            return PROGRAM.ask(connection, async |peer, out| {
                tap::tap(&args, peer, out).await
            });
        }
        Command::Operate(operate) => return operate.run(&PROGRAM),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Failed(why)) => end(&why, 1),
        Err(Failure::Mistaken(why)) => end(&why, 2),
    }
}

/// What was typed. Ends the process where that is a mistake, or help was asked for.
fn parsed(words: &[OsString]) -> Cli {
    let is_sni = words.get(1).is_some_and(|command| command == "sni");
    Cli::try_parse_from(words).unwrap_or_else(|error| match is_sni {
        true => hinted(error).exit(),
        false => error.exit(),
    })
}

fn end(why: &str, code: u8) -> ExitCode {
    say(why);
    ExitCode::from(code)
}

/// On stderr, without what a terminal would obey: files may have any name.
fn say(text: &str) {
    for line in text.trim_end().lines() {
        // A closed stderr leaves nobody to tell.
        let _ = writeln!(io::stderr(), "{}", printable(line));
    }
}

fn check(check: &Check) -> Result<(), Failure> {
    let files = check.config.iter().chain(&check.files);
    let report = check::files(files.map(PathBuf::as_path));
    // A pipe that is closed early has read what it wanted.
    let _ = io::stdout().write_all(report.routes.as_bytes());
    for warning in &report.warnings {
        say(&format!("warning: {warning}"));
    }
    match report.mistakes.is_empty() {
        true => Ok(()),
        false => Err(Failure::Mistaken(report.mistakes)),
    }
}

fn run(run: &Run) -> Result<(), Failure> {
    // On this thread alone: what is given is taken before there are others.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("cannot start: {error}")))?;
    // First of all: until then, a hangup ends the process.
    let hangups = in_runtime(&runtime, Hangups::new)?;
    let (config, source) = Source::load(&run.config)?;
    let activated = Activated::from_env()?;
    let log = Log::start(config.log.options());
    for doubt in config.doubts() {
        tracing::warn!("{doubt}");
    }
    let bound = Bound::bind(config, Some(source), activated, log.lost())?;
    // Not before: while files are waited for, a signal ends the process by itself.
    let signals = in_runtime(&runtime, Signals::new)?;
    let result = runtime.block_on(serve(bound, signals, hangups));
    // Not dropped: that would wait for a look-up of a name that is under way.
    runtime.shutdown_background();
    result
}

fn in_runtime<T>(runtime: &Runtime, new: impl FnOnce() -> io::Result<T>) -> Result<T, Failure> {
    let _in_runtime = runtime.enter();
    new().map_err(|error| Failure::Failed(format!("cannot wait for signals: {error}")))
}

async fn serve(bound: Bound, signals: Signals, hangups: Hangups) -> Result<(), Failure> {
    let ready = bound.to_string();
    let app = bound.start().await?;
    let _ = writeln!(io::stderr(), "{ready}");
    life::run(&app, signals, hangups).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
