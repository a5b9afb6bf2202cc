//! The `soupbintcp-sim` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    soupbintcp_sim::cli::main()
}
