//! Reading captures of mixed traffic, side by side.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::reading;
use super::tool::{Tool, Used};
use super::traffic::{self, Held};
use crate::report::Report;
use crate::work::Reading;

const GIB: f64 = (1_u64 << 30) as f64;

/// How often captures are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rounds {
    pub(super) all: usize,
    /// Those in which tshark reads as well.
    pub(super) tshark: usize,
}

/// A capture on disk.
pub(super) struct Capture {
    path: PathBuf,
    name: String,
    held: Held,
}

/// Has all programs read both captures; what else there is to say of that.
pub(super) fn rounds(
    [large, small]: [&Capture; 2],
    rounds: Rounds,
    report: &mut Report,
) -> Result<String> {
    let missing = Tool::ALL.into_iter().filter(|tool| tool.is_missing());
    let missing: Vec<Tool> = missing.collect();
    let seen = see(large, small, &missing)?;
    let is_there = |tool: &Tool| !missing.contains(tool);
    for round in 1..=rounds.all {
        eprintln!("round {round} of {}", rounds.all);
        let quick = [Tool::Gateway, Tool::Tcpdump].into_iter().filter(is_there);
        compare(large, quick, report)?;
        if round <= rounds.tshark {
            compare(small, Tool::ALL.into_iter().filter(is_there), report)?;
        }
    }
    let missing: Vec<&str> = missing.iter().map(|tool| tool.name()).collect();
    let absent = match missing[..] {
        [] => String::new(),
        _ => format!("not installed, so not measured: {}\n", missing.join(", ")),
    };
    Ok(format!("{large}\n{small}\n{seen}{absent}"))
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
    /// Writes a capture of so many GiB.
    pub(super) fn write(path: &Path, gib: f64, seed: u64) -> Result<Self> {
        eprintln!("writing {gib:.3} GiB to {}", path.display());
        let cannot = || format!("{} cannot be written", path.display());
        let file = File::create(path).with_context(cannot)?;
        let file = BufWriter::with_capacity(1 << 20, file);
        let held = traffic::write(file, (gib * GIB) as u64, seed).with_context(cannot)?;
        Ok(Self {
            path: path.to_owned(),
            name: format!("{gib:.2} GiB"),
            held,
        })
    }

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
