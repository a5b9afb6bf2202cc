//! `l4-failover check`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Failure;
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
        match Settings::load(path) {
            Ok(settings) => {
                warn(path, &settings);
                let says = describe(&settings);
                report.push_str(&format!("{}: ok\n{says}", path.display()));
            }
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

/// Says what does not fit this machine, which need not be the one that the file is for.
fn warn(path: &Path, settings: &Settings) {
    let unkept = settings.ports.iter().filter_map(|it| it.pool.unkept());
    for error in unkept {
        let path = path.display();
        // A closed stderr leaves nobody to tell.
        let _ = writeln!(
            std::io::stderr(),
            "warning: {path}: {error}; a start on this machine would be refused"
        );
    }
}
