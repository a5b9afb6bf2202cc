//! `l4-failover check`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Failure;
use crate::config::Diagnostics;
use crate::settings::{Settings, describe};

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct Check {
    /// A configuration file; may be given several times.
    #[arg(long, short, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// More configuration files.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn check(check: &Check) -> Result<(), Failure> {
    let (mut report, mut mistakes) = (String::new(), String::new());
    for path in check.config.iter().chain(&check.files) {
        match file(path) {
            Ok(said) => report.push_str(&said),
            Err(wrong) => mistakes.push_str(&format!("{}\n", wrong.to_string().trim_end())),
        }
    }
    // A pipe that is closed early has read what it wanted.
    let _ = std::io::stdout().write_all(report.as_bytes());
    match mistakes.is_empty() {
        true => Ok(()),
        false => Err(Failure::Mistaken(mistakes)),
    }
}

fn file(path: &Path) -> Result<String, Diagnostics> {
    let settings = Settings::load(path)?;
    Ok(format!("{}: ok\n{}", path.display(), describe(&settings)))
}
