//! The `mesh-gateway` command, for the tests of this package.

use std::process::ExitCode;

fn main() -> ExitCode {
    gateway::cli::main()
}
