//! The `soupbintcp-sim` command, for the tests of this package.

use std::process::ExitCode;

fn main() -> ExitCode {
    soupbintcp_sim::cli::main()
}
