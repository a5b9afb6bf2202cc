//! The command line of `l4-failover`. The exit code is decided here and nowhere else: 0 done,
//! 1 failed, 2 a mistake in what was typed or configured.

mod check;
mod run;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::client::{Operate, Program};
use crate::config::Diagnostics;

/// Keeps a primary and backups behind a local port.
#[derive(Debug, Parser)]
#[command(name = "l4-failover", version, arg_required_else_help = true)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    port: Option<run::Port>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs until SIGTERM or SIGINT; a second signal ends it at once. SIGHUP reads the file again.
    ///
    /// Prints one line on stderr when all addresses are bound: `ready NAME=ADDR … admin=ADDR`.
    Run(run::Run),
    /// Says every mistake of configuration files, or what they would do.
    Check(check::Check),
    #[command(flatten)]
    Operate(Operate),
}

/// Where the process serves operators if nothing else is said.
const ADMIN: &str = "127.0.0.1:19001";

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

/// Runs the command that was typed.
pub fn main() -> ExitCode {
    main_from(std::env::args_os())
}

/// Runs a command given as words, the first of which is the program's name.
pub fn main_from(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let result = match Cli::parse_from(words) {
        Cli {
            command: Some(Command::Run(run)),
            ..
        } => run::file(run),
        Cli {
            command: Some(Command::Check(check)),
            ..
        } => check::check(&check),
        Cli {
            command: Some(Command::Operate(operate)),
            ..
        } => return operate.run(&PROGRAM),
        Cli {
            port: Some(port), ..
        } => run::port(port),
        Cli { port: None, .. } => unreachable!("clap asks for one or the other"),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Failed(why)) => end(&why, 1),
        Err(Failure::Mistaken(why)) => end(&why, 2),
    }
}

const PROGRAM: Program = Program {
    name: "l4-failover",
    admin: ADMIN,
    command: Cli::command,
};

fn end(why: &str, code: u8) -> ExitCode {
    // A closed stderr leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "{}", why.trim_end());
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::error::ErrorKind> {
        let words = line.split(' ').filter(|word| !word.is_empty());
        Cli::try_parse_from(["l4-failover"].into_iter().chain(words)).map_err(|error| error.kind())
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_port_is_given_by_flags_or_by_a_file() {
        let flags = "--listen 127.0.0.1:1 --primary a:1 --primary b:1 --backup c:1 --backup d:1";
        let port = parse(flags).unwrap().port.unwrap();
        let flags = crate::settings::Flags::from(port);
        assert_eq!((flags.primary.len(), flags.backup.len()), (2, 2));
        assert_eq!(flags.admin, None);
        let file = parse("run --config l4-failover.toml").unwrap();
        assert!(matches!(file.command, Some(Command::Run(_))) && file.port.is_none());
    }

    #[test]
    fn half_a_port_is_a_mistake() {
        use clap::error::ErrorKind;
        let missing = ErrorKind::MissingRequiredArgument;
        assert_eq!(parse("--listen 127.0.0.1:1").unwrap_err(), missing);
        assert_eq!(parse("--primary a:1").unwrap_err(), missing);
        assert_eq!(parse("run").unwrap_err(), missing);
        assert_eq!(parse("check").unwrap_err(), missing);
        let both = parse("--listen 127.0.0.1:1 --primary a:1 check x.toml");
        assert_eq!(both.unwrap_err(), ErrorKind::ArgumentConflict);
    }
}
