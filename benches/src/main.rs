//! The command of the benchmarks.

use std::process::ExitCode;

fn main() -> ExitCode {
    benches::cli::main()
}
