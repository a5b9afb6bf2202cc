//! The command line of `soupbintcp-sim`. The exit code is decided here and nowhere else: 0 done,
//! 1 failed or violated, 2 a mistake in what was typed or in a file that it names, or no login.

mod consume;
mod progress;
mod serve;
mod start;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A believable ITCH-over-SoupBinTCP feed, to test consumers against.
#[derive(Debug, Parser)]
#[command(name = "soupbintcp-sim", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves a feed until SIGTERM or SIGINT.
    ///
    /// Prints one line on stderr when all addresses are bound: `ready feed=ADDR … admin=ADDR`.
    /// Message n is due at start + n / rate: two servers of one seed, start and rate, or one that was
    /// restarted, stand at the same place.
    Serve(Box<serve::Serve>),
    /// Logs in to a feed, and judges what comes, until the session ends or all has come that was
    /// wanted.
    ///
    /// Exit code 0: every message came once, in order, unharmed, over one connection. 1: not so. 2:
    /// there was no login, or not the one that was asked for.
    Consume(Box<consume::Consume>),
}

/// Something failed, or was mistaken.
enum Failure {
    Failed(String),
    Mistaken(String),
}

/// Runs the command that was typed.
#[must_use]
pub fn main() -> ExitCode {
    main_from(std::env::args_os())
}

/// Runs a command given as words, the first of which is the program's name.
pub fn main_from(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let result = match Cli::parse_from(words).command {
        Command::Serve(serve) => serve::serve(*serve),
        Command::Consume(consume) => consume::consume(*consume),
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
