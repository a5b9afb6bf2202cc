//! The command line of the benchmarks.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};
use serde_json::json;

use crate::bench::Bench;
use crate::child::{BECOME, Become, RUN, Run};
use crate::compare;
use crate::feed;
use crate::gate::{self, REPEAT};
use crate::machine::{Machine, Neighbours};
use crate::micro;
use crate::plan::{Kind, Plan};
use crate::process;
use crate::proxy::{Others, Setting};
use crate::sni;

/// Measures what the gateway costs, alone and beside its peers, how a feed survives its primary, and
/// how fast names are found.
#[derive(Debug, Parser)]
#[command(name = "benches", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures the gateway, between clients and backends of this process.
    Gateway(Measure),
    /// Measures the gateway beside HAProxy, nginx, Envoy and sniproxy, on the same work.
    Compare(compare::Measure),
    /// Measures how a feed survives its primary, and what its bridge costs.
    Feed(feed::Measure),
    /// Measures how fast names are found in a capture, beside tcpdump and tshark.
    Sni(sni::Measure),
    /// Counts the instructions of single steps, beside those of the commit that is the baseline.
    Gate(gate::Gate),
    /// Does a single step some times.
    #[command(name = REPEAT, hide = true)]
    Repeat(micro::Repeat),
    /// Runs one of the programs: what the others start as processes of their own.
    #[command(name = RUN, hide = true)]
    Run(Run),
    /// Becomes a program of others that is measured.
    #[command(name = BECOME, hide = true)]
    Become(Become),
}

#[derive(Debug, Args)]
struct Measure {
    /// Less work and fewer rounds, for a look in under 20 seconds.
    #[arg(long)]
    quick: bool,
    /// Only work of this kind; may be given several times.
    #[arg(long, value_name = "KIND")]
    only: Vec<Kind>,
    /// Rounds; all work is done once a round. Default: 5, or 2 with --quick.
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Idle connections. Default: 2000, or 500 with --quick.
    #[arg(long, value_name = "N")]
    idle: Option<usize>,
    /// Bytes of one bulk transfer. Default: 2 GB, or a quarter of that with --quick.
    #[arg(long, value_name = "N")]
    bytes: Option<u64>,
    /// A line for the [relay] section of the gateway's configuration; may be given several times.
    #[arg(long, value_name = "KEY = VALUE")]
    relay: Vec<String>,
    /// Worker threads of the gateway. Default: its own choice.
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Where every value of every round is written, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the command that was typed.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Gateway(measure) => self::measure(&measure),
        Command::Compare(measure) => measure.run(),
        Command::Feed(measure) => measure.run(),
        Command::Sni(measure) => measure.run(),
        Command::Gate(gate) => gate.run(),
        Command::Repeat(repeat) => repeat.run(),
        Command::Run(run) => return run.run(),
        Command::Become(other) => return other.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(measure: &Measure) -> Result<()> {
    let (plan, kinds) = (measure.plan(), measure.kinds());
    if kinds.contains(&Kind::Idle) {
        check_descriptors(&plan)?;
    }
    let (machine, neighbours) = (Machine::look(), Neighbours::watch()?);
    let bench = Bench::new(Setting {
        workers: measure.workers.unwrap_or(machine.cores),
        cpu: None,
        access_log: false,
        relay: measure.relay.clone(),
        others: Others::default(),
    })?;
    let report = bench.rounds(&plan, &kinds)?;
    let (others, stolen) = neighbours.taken()?;
    let calls = match kinds.contains(&Kind::Short) {
        true => bench.calls(),
        false => String::new(),
    };
    let (table, noise, rounds) = (report.markdown(), report.noise(), plan.rounds);
    let text = format!(
        "\n{table}\n{machine}\n{rounds} rounds; {noise}; meanwhile other processes took \
         {others:.2} CPUs, the host {stolen:.2}\n{calls}"
    );
    std::io::stdout().write_all(text.as_bytes())?;
    let Some(path) = &measure.json else {
        return Ok(());
    };
    let raw = json!({
        "machine": machine.json(),
        "others_cpus": others,
        "stolen_cpus": stolen,
        "series": report.json(),
    });
    fs::write(path, format!("{raw:#}\n")).with_context(|| path.display().to_string())
}

fn check_descriptors(plan: &Plan) -> Result<()> {
    let idle = plan.idle.iter().max().copied().unwrap_or_default();
    let (needed, allowed) = (process::for_idle(idle), process::raise_descriptors());
    ensure!(
        needed <= allowed,
        "--idle {idle} takes {needed} open files, and a process may have {allowed} (ulimit -Hn)"
    );
    Ok(())
}

impl Measure {
    fn plan(&self) -> Plan {
        let mut plan = if self.quick {
            Plan::quick()
        } else {
            Plan::full()
        };
        plan.rounds = self.rounds.unwrap_or(plan.rounds).max(1);
        if let Some(idle) = self.idle {
            plan.idle = vec![idle.max(1)];
        }
        plan.bytes = self.bytes.unwrap_or(plan.bytes).max(1);
        plan
    }

    fn kinds(&self) -> Vec<Kind> {
        let wanted = |kind: &Kind| self.only.is_empty() || self.only.contains(kind);
        Kind::ALL.into_iter().filter(wanted).collect()
    }
}
