//! The `l4-failover` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    l4_failover::cli::main()
}
