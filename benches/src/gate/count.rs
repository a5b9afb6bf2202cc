//! Counting the instructions of a step, by callgrind.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::REPEAT;

/// How often a step is done, behind a first time that is not counted.
const TIMES: u32 = 3;

/// Where it is done: what comes before, with hash tables whose order is never the same, is not counted.
const COUNTED: &str = "--toggle-collect=benches::micro::again_and_again";

/// A build of this program whose steps are counted.
#[derive(Debug)]
pub(super) struct Counter {
    program: PathBuf,
    steps: Vec<String>,
}

impl Counter {
    pub(super) fn of(program: PathBuf) -> Result<Self> {
        let output = Command::new(&program).arg(REPEAT).output();
        let output = output.with_context(|| program.display().to_string())?;
        ensure!(
            output.status.success(),
            "{} cannot do single steps: a baseline has to have `benches {REPEAT}`",
            program.display()
        );
        let text = String::from_utf8(output.stdout)?;
        Ok(Self {
            program,
            steps: text.lines().map(str::to_owned).collect(),
        })
    }

    pub(super) fn steps(&self) -> &[String] {
        &self.steps
    }

    /// The instructions of one step.
    pub(super) fn count(&self, step: &str) -> Result<f64> {
        let output = Command::new("valgrind")
            .args([
                "--tool=callgrind",
                "--callgrind-out-file=/dev/null",
                COUNTED,
            ])
            .arg(&self.program)
            .args([REPEAT, step, &TIMES.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .output()
            .context("valgrind cannot be run; Debian has it in the package valgrind")?;
        let said = String::from_utf8_lossy(&output.stderr);
        let collected = output.status.success().then(|| collected(&said)).flatten();
        let collected = collected.filter(|count| *count > 0);
        let collected =
            collected.with_context(|| format!("{step}: not counted: {}", said.trim()))?;
        Ok(collected as f64 / f64::from(TIMES))
    }
}

/// The total that callgrind ends with.
fn collected(said: &str) -> Option<u64> {
    let line = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    line?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_found() {
        let said = "==7== Events    : Ir\n==7== Collected : 1234\n==7== \n";
        assert_eq!(collected(said), Some(1234));
        assert_eq!(collected("valgrind: no such program"), None);
    }
}
