//! What it costs to find the names in a capture, beside what others need to read it.
//!
//! A capture of mixed traffic is made (`traffic`), and read by `mesh-gateway sni -r`, by
//! `tcpdump -w /dev/null`, which looks at nothing, and by `tshark`, which looks at everything; in
//! turn, each a process of its own, from the page cache. Every hello that was put in has to be
//! printed. tshark is that much slower that it is given a smaller capture of the same traffic, which
//! the others read as well. Then two of them capture live traffic (`live`).

mod flow;
mod live;
mod packet;
mod read;
mod tool;
pub(crate) mod traffic;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::machine::{Machine, Neighbours};
use crate::report::Report;
use crate::work::Reading;
use read::{Capture, Rounds};

/// Most that both captures may take on disk.
const GIB_MAX: f64 = 2.5;
/// The smaller capture, as a share of the other.
const SMALL: f64 = 0.125;

/// What live connections pass on in one round, in bytes.
const LIVE: u64 = 4_000_000_000;
/// The same with `--quick`.
const LIVE_QUICK: u64 = 500_000_000;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Reading captures.
    Read,
    /// Capturing live traffic; needs root, for network namespaces.
    Live,
}

/// What `sni` is given.
#[derive(Debug, Args)]
pub struct Measure {
    /// A small capture and two rounds, for a look in some seconds.
    #[arg(long)]
    quick: bool,
    /// Only this.
    #[arg(long, value_name = "KIND")]
    only: Option<Kind>,
    /// How large the capture is, in GiB. An eighth more is taken on disk, and given back.
    /// Default: 2, or 0.125 with --quick.
    #[arg(long, value_name = "N")]
    gib: Option<f64>,
    /// Rounds; all read the captures once a round. Default: 5, or 2 with --quick.
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Rounds in which tshark reads as well. Default: 2, or 1 with --quick.
    #[arg(long, value_name = "N")]
    tshark_rounds: Option<usize>,
    /// The seed of the traffic.
    #[arg(long, value_name = "NUMBER", default_value_t = 7)]
    seed: u64,
    /// Where the captures are while they are needed.
    #[arg(long, value_name = "DIRECTORY", default_value = "target")]
    scratch: PathBuf,
    /// Writes the capture to this file, and measures nothing.
    #[arg(long, value_name = "FILE")]
    only_write: Option<PathBuf>,
    /// Where the table (sni.md) and every value (sni.json) are written.
    #[arg(long, value_name = "DIRECTORY", default_value = "target/sni")]
    out: PathBuf,
}

impl Measure {
    /// Measures, and says what came of it.
    ///
    /// # Errors
    ///
    /// When a capture cannot be written, a program fails, or not every hello was printed.
    pub fn run(&self) -> Result<()> {
        let gib = self.gib.unwrap_or(self.or(2.0, 0.125));
        ensure!(
            gib > 0.0 && gib * (1.0 + SMALL) <= GIB_MAX,
            "--gib {gib}: more than 0, and with an eighth more at most {GIB_MAX}"
        );
        if let Some(path) = &self.only_write {
            let capture = Capture::write(path, gib, self.seed)?;
            eprintln!("{}: {capture}", path.display());
            return Ok(());
        }
        fs::create_dir_all(&self.scratch)?;
        // Removed when this is dropped.
        let scratch = tempfile::tempdir_in(&self.scratch)
            .with_context(|| self.scratch.display().to_string())?;
        self.measure(gib, scratch.path())
    }

    fn measure(&self, gib: f64, scratch: &Path) -> Result<()> {
        let (machine, neighbours) = (Machine::look(), Neighbours::watch()?);
        let (mut report, mut notes) = (Report::default(), String::new());
        if self.wants(Kind::Read) {
            notes = self.read(gib, scratch, &mut report)?;
        }
        if self.wants(Kind::Live) {
            let bytes = self.or(LIVE, LIVE_QUICK);
            match live::rounds(self.rounds(), bytes, scratch, &mut report) {
                Err(error) if self.only.is_none() => {
                    notes += &format!("live, not measured: {error:#}\n");
                }
                done => done?,
            }
        }
        let (others, stolen) = neighbours.taken()?;
        let text = format!(
            "{}\n{notes}{machine}\n{}; meanwhile other processes took {others:.2} CPUs, the host \
             {stolen:.2}\n",
            report.markdown(),
            report.noise(),
        );
        std::io::stdout().write_all(format!("\n{text}").as_bytes())?;
        let raw = json!({
            "machine": machine.json(),
            "others_cpus": others,
            "stolen_cpus": stolen,
            "notes": notes,
            "series": report.json(),
        });
        self.write(&text, &format!("{raw:#}\n"))
    }

    fn read(&self, gib: f64, scratch: &Path, report: &mut Report) -> Result<String> {
        let capture = |name, gib| Capture::write(&scratch.join(name), gib, self.seed);
        let (large, small) = (capture("large", gib)?, capture("small", gib * SMALL)?);
        let rounds = Rounds {
            all: self.rounds(),
            tshark: self.tshark_rounds.unwrap_or(self.or(2, 1)),
        };
        read::rounds([&large, &small], rounds, report)
    }

    fn rounds(&self) -> usize {
        self.rounds.unwrap_or(self.or(5, 2)).max(1)
    }

    fn wants(&self, kind: Kind) -> bool {
        self.only.is_none_or(|only| only == kind)
    }

    fn or<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    fn write(&self, table: &str, raw: &str) -> Result<()> {
        let out = &self.out;
        fs::create_dir_all(out).with_context(|| out.display().to_string())?;
        for (name, text) in [("sni.md", table), ("sni.json", raw)] {
            let path = out.join(name);
            fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        eprintln!("table and values are in {}", out.display());
        Ok(())
    }
}

fn reading(what: &'static str, unit: &'static str, value: f64) -> Reading {
    Reading { what, unit, value }
}
