//! The command line of `soupbintcp-sim`. The exit code is decided here and nowhere else: 0 done,
//! 1 failed or violated, 2 a mistake in what was typed or in a file that it names, or no login.

mod consume;
mod progress;
mod serve;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Serves and judges a believable ITCH 5.0 feed over SoupBinTCP.
#[derive(Debug, Parser)]
#[command(name = "soupbintcp-sim", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Consume(Box<consume::Consume>),
    Serve(Box<serve::Serve>),
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
        Command::Consume(consume) => consume::run(*consume),
        Command::Serve(serve) => serve::serve(*serve),
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
