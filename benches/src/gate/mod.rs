//! Lets no step grow unnoticed: its instructions are counted in this build and in that of the commit
//! which is the baseline, by valgrind, in one run.
//!
//! Instructions do not depend on what else the machine does, so small changes show. They are not
//! time: what waits for memory or for the kernel is not in them.
//!
//! Where growth is wanted, `benches/baseline.toml` gets the commit that brought it and the reason, in
//! a commit of its own.

mod baseline;
mod count;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::Args;

use baseline::Baseline;
use count::Counter;

/// The hidden subcommand that does a step some times.
pub const REPEAT: &str = "repeat";

/// What `gate` is given.
#[derive(Debug, Args)]
pub struct Gate {
    /// Only steps whose names have this in them.
    filter: Option<String>,
    /// The commit to compare with. Default: what benches/baseline.toml says.
    #[arg(long, value_name = "COMMIT")]
    base: Option<String>,
    /// How much more a step may take than in the baseline, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    most: f64,
    /// Where the baseline is built.
    #[arg(long, value_name = "DIRECTORY", default_value = "target/gate")]
    scratch: PathBuf,
}

/// Instructions of a step.
#[derive(Clone, Debug)]
struct Row {
    step: String,
    /// None where the baseline has no such step.
    base: Option<f64>,
    change: f64,
}

impl Gate {
    /// Counts, and compares.
    ///
    /// # Errors
    ///
    /// When a step has grown by more than it may; or when it cannot be counted, and why.
    pub fn run(&self) -> Result<()> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let base = match &self.base {
            Some(commit) => Baseline::of(&root, commit)?,
            None => Baseline::read(&root)?,
        };
        let base = Counter::of(base.build(&root, &self.scratch)?)?;
        let change = Counter::of(std::env::current_exe()?)?;
        let mut rows = Vec::new();
        for step in change.steps().iter().filter(|step| self.wants(step)) {
            eprintln!("{step}");
            let is_known = base.steps().contains(step);
            rows.push(Row {
                step: step.clone(),
                base: is_known.then(|| base.count(step)).transpose()?,
                change: change.count(step)?,
            });
        }
        std::io::stdout().write_all(table(&rows).as_bytes())?;
        let grown: Vec<&str> = rows
            .iter()
            .filter(|row| row.growth() > self.most)
            .map(Row::step)
            .collect();
        ensure!(
            grown.is_empty(),
            "more than {} % more instructions than in the baseline: {}. Where that is wanted, \
             benches/baseline.toml gets the commit and the reason, in a commit of its own",
            self.most,
            grown.join(", ")
        );
        Ok(())
    }

    fn wants(&self, step: &str) -> bool {
        self.filter.as_ref().is_none_or(|part| step.contains(part))
    }
}

impl Row {
    fn step(&self) -> &str {
        &self.step
    }

    /// In percent; none for a step that is new.
    fn growth(&self) -> f64 {
        self.base
            .map_or(0.0, |base| (self.change / base - 1.0) * 100.0)
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "| step | instructions in the baseline | now | growth |\n|---|---:|---:|---:|\n",
    );
    for row in rows {
        let Row { step, base, change } = row;
        let (base, growth) = match base {
            Some(base) => (format!("{base:.0}"), format!("{:+.1} %", row.growth())),
            None => ("-".to_owned(), "new".to_owned()),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| {step} | {base} | {change:.0} | {growth} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_counted_from_the_baseline() {
        let row = |base| Row {
            step: "hello".to_owned(),
            base,
            change: 106.0,
        };
        assert!((row(Some(100.0)).growth() - 6.0).abs() < 1e-9);
        assert_eq!(row(None).growth(), 0.0);
        let table = table(&[row(Some(100.0)), row(None)]);
        assert!(table.contains("| hello | 100 | 106 | +6.0 % |\n| hello | - | 106 | new |\n"));
    }
}
