//! What it costs to find the names in a capture, beside what others need to read it.
//!
//! A capture of mixed traffic is made (`traffic`), and read by `mesh-gateway sni -r`, by
//! `tcpdump -w /dev/null`, which looks at nothing, and by `tshark`, which looks at everything; in
//! turn, each a process of its own, from the page cache. Every hello that was put in has to be
//! printed. tshark is that much slower that it is given a smaller capture of the same traffic, which
//! the others read as well.

mod flow;
mod packet;
mod tool;
mod traffic;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::json;

use crate::machine::{Machine, Neighbours};
use crate::report::Report;
use crate::work::Reading;
use tool::{Tool, Used};
use traffic::Held;

const GIB: f64 = (1_u64 << 30) as f64;
/// Most that both captures may take on disk.
const GIB_MAX: f64 = 2.5;
/// The smaller capture, as a share of the other.
const SMALL: f64 = 0.125;

/// What `sni` is given.
#[derive(Debug, Args)]
pub struct Measure {
    /// A small capture and two rounds, for a look in some seconds.
    #[arg(long)]
    quick: bool,
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

/// A capture on disk.
struct Capture {
    path: PathBuf,
    name: String,
    held: Held,
}

impl Measure {
    /// Measures, and says what came of it.
    ///
    /// # Errors
    ///
    /// When a capture cannot be written, a program fails, or not every hello was printed.
    pub fn run(&self) -> Result<()> {
        let gib = self.gib.unwrap_or(if self.quick { 0.125 } else { 2.0 });
        ensure!(
            gib > 0.0 && gib * (1.0 + SMALL) <= GIB_MAX,
            "--gib {gib}: more than 0, and with an eighth more at most {GIB_MAX}"
        );
        if let Some(path) = &self.only_write {
            let capture = self.capture(path, gib)?;
            eprintln!("{}: {capture}", path.display());
            return Ok(());
        }
        fs::create_dir_all(&self.scratch)?;
        // Removed when this is dropped.
        let scratch = tempfile::tempdir_in(&self.scratch)
            .with_context(|| self.scratch.display().to_string())?;
        let captures = [("large", gib), ("small", gib * SMALL)];
        let captures = captures.map(|(name, gib)| self.capture(&scratch.path().join(name), gib));
        let [large, small] = captures;
        self.measure(&large?, &small?)
    }

    fn measure(&self, large: &Capture, small: &Capture) -> Result<()> {
        let missing = Tool::ALL.into_iter().filter(|tool| tool.is_missing());
        let missing: Vec<Tool> = missing.collect();
        let (machine, neighbours) = (Machine::look(), Neighbours::watch()?);
        let seen = see(large, small, &missing)?;
        let report = self.rounds(large, small, &missing)?;
        let (others, stolen) = neighbours.taken()?;
        let missing: Vec<&str> = missing.into_iter().map(Tool::name).collect();
        let absent = match missing[..] {
            [] => String::new(),
            _ => format!("not installed, so not measured: {}\n", missing.join(", ")),
        };
        let text = format!(
            "{}\n{large}\n{small}\n{seen}{absent}{machine}\n{}; meanwhile other processes took \
             {others:.2} CPUs, the host {stolen:.2}\n",
            report.markdown(),
            report.noise(),
        );
        std::io::stdout().write_all(format!("\n{text}").as_bytes())?;
        let raw = json!({
            "machine": machine.json(),
            "others_cpus": others,
            "stolen_cpus": stolen,
            "captures": [large.to_string(), small.to_string()],
            "missing": missing,
            "series": report.json(),
        });
        self.write(&text, &format!("{raw:#}\n"))
    }

    fn rounds(&self, large: &Capture, small: &Capture, missing: &[Tool]) -> Result<Report> {
        let or = |full, quick| if self.quick { quick } else { full };
        let rounds = self.rounds.unwrap_or(or(5, 2)).max(1);
        let tshark_rounds = self.tshark_rounds.unwrap_or(or(2, 1));
        let mut report = Report::default();
        for round in 1..=rounds {
            eprintln!("round {round} of {rounds}");
            let is_there = |tool: &Tool| !missing.contains(tool);
            let quick = [Tool::Gateway, Tool::Tcpdump].into_iter().filter(is_there);
            compare(large, quick, &mut report)?;
            if round <= tshark_rounds {
                compare(small, Tool::ALL.into_iter().filter(is_there), &mut report)?;
            }
        }
        Ok(report)
    }

    fn capture(&self, path: &Path, gib: f64) -> Result<Capture> {
        eprintln!("writing {gib:.3} GiB to {}", path.display());
        let cannot = || format!("{} cannot be written", path.display());
        let file = File::create(path).with_context(cannot)?;
        let file = BufWriter::with_capacity(1 << 20, file);
        let held = traffic::write(file, (gib * GIB) as u64, self.seed).with_context(cannot)?;
        Ok(Capture {
            path: path.to_owned(),
            name: format!("{gib:.2} GiB"),
            held,
        })
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

/// Reads both captures once, so that they are cached, and says how many hellos were seen.
fn see(large: &Capture, small: &Capture, missing: &[Tool]) -> Result<String> {
    for capture in [large, small] {
        let (seen, held) = (Tool::Gateway.lines(&capture.path)?, capture.held.hellos);
        ensure!(seen == held, "mesh-gateway sni saw {seen} of {held} hellos");
    }
    if missing.contains(&Tool::Tshark) {
        return Ok(String::new());
    }
    let (seen, held) = (Tool::Tshark.lines(&small.path)?, small.held.hellos);
    Ok(format!(
        "tshark saw {seen} of {held} hellos, mesh-gateway all\n"
    ))
}

/// Has each tool read a capture, the gateway first, and the others beside it.
fn compare(
    capture: &Capture,
    tools: impl Iterator<Item = Tool>,
    report: &mut Report,
) -> Result<()> {
    let mut gateway: Option<Used> = None;
    for tool in tools {
        let used = tool.read(&capture.path)?;
        report.add(tool.name(), &capture.name, &capture.readings(&used));
        let Some(gateway) = gateway else {
            gateway = Some(used);
            continue;
        };
        let ratios = [
            ("speed", used.time.div_duration_f64(gateway.time)),
            ("speed by CPU time", used.cpu.div_duration_f64(gateway.cpu)),
        ];
        let ratios = ratios.map(|(what, value)| reading(what, "x", value));
        let subject = format!("mesh-gateway : {}", tool.name());
        report.add(&subject, &capture.name, &ratios);
    }
    Ok(())
}

impl Capture {
    fn readings(&self, used: &Used) -> [Reading; 4] {
        let (bytes, seconds) = (self.held.bytes as f64, used.time.as_secs_f64());
        let cpu = used.cpu.as_secs_f64();
        [
            reading("bytes", "GB/s", bytes / 1e9 / seconds),
            reading("packets", "M/s", self.held.packets as f64 / 1e6 / seconds),
            reading("CPU", "s", cpu),
            reading("peak memory", "MiB", used.peak as f64 / f64::from(1 << 20)),
        ]
    }
}

fn reading(what: &'static str, unit: &'static str, value: f64) -> Reading {
    Reading { what, unit, value }
}

impl std::fmt::Display for Capture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Held {
            bytes,
            packets,
            hellos,
            flows,
        } = self.held;
        let name = &self.name;
        write!(
            f,
            "{name}: {bytes} bytes, {packets} packets, {flows} flows, {hellos} hellos"
        )
    }
}
