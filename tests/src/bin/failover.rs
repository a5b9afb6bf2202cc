//! The `l4-failover` command, for the tests of this package.

use std::process::ExitCode;

fn main() -> ExitCode {
    l4_failover::cli::main()
}
