//! `mesh-gateway sni` on captures, as its users start it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corpus;
mod damaged;
mod document;
mod forms;
mod pipes;
mod signals;
mod wire;
mod written;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::NamedTempFile;
use tests::process::run;

/// The program, with times of Greenwich.
fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mesh-gateway"));
    command
        .arg("sni")
        .env("TZ", "UTC")
        .env("RUST_BACKTRACE", "0");
    command
}

/// What a command said, and how it ended.
struct Said {
    out: String,
    err: String,
    code: Option<i32>,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
        }
    }
}

/// What is said of a file, with these words on the command line.
fn of_file(file: &Path, words: &[&str]) -> Said {
    run(program().arg("-r").arg(file).args(words)).into()
}

/// What is said of a capture of these bytes.
fn of(capture: &[u8], words: &[&str]) -> Said {
    of_file(file(capture).path(), words)
}

/// What stands on stdout, where nothing is wrong.
fn lines_of(capture: &[u8], words: &[&str]) -> String {
    let said = of(capture, words);
    assert_eq!(said.code, Some(0), "{}", said.err);
    said.out
}

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}
