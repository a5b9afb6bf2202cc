//! How a feed survives its primary, and what its bridge costs.
//!
//! Servers (`soupbintcp-sim serve`) and the local port (`l4-failover`) are processes of their own;
//! the consumers are threads of this one. What consumers get is judged by a decoder and an oracle
//! that share nothing with the bridge: see `decode` and `oracle`. Fault classes stand apart, because
//! a kill flatters: the kernel closes the sockets of the dead at once, while only silence betrays a
//! process that was stopped.

mod baseline;
mod consumer;
mod cpus;
mod decode;
mod failovers;
mod fanout;
mod figures;
mod frames;
mod http;
mod latency;
mod oracle;
mod plot;
mod saturation;
mod stage;
mod way;
mod witness;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::machine::{Machine, Neighbours, command};
use cpus::Cpus;
use failovers::Fault;
use figures::Figures;
use stage::Standby;

/// A part of the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Active servers that are killed and stopped.
    Ends,
    /// The same kill behind a plain tcp port.
    Plain,
    /// What the bridge adds to the way of a message.
    Latency,
    /// How many messages a second there can be, and what they cost.
    Saturation,
    /// One login for many consumers: what they cost, and how far apart they get a message.
    Fanout,
}

/// What `feed` is given.
#[derive(Debug, Args)]
pub struct Measure {
    /// Less of everything, for a look in about 30 seconds.
    #[arg(long)]
    quick: bool,
    /// Only this part; may be given several times.
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
    /// Servers end with this standby only; may be given several times. Default: each.
    #[arg(long, value_name = "WORD")]
    standby: Vec<Standby>,
    /// SIGKILLs of the active server at a random moment. Default: 500, or 10 with --quick.
    #[arg(long, value_name = "N")]
    kills: Option<usize>,
    /// SIGKILLs while the active server has written a part of a frame. Default: a tenth of the kills.
    #[arg(long, value_name = "N")]
    kills_within: Option<usize>,
    /// SIGSTOPs of the active server. Default: 100, or 3 with --quick.
    #[arg(long, value_name = "N")]
    stops: Option<usize>,
    /// How long a line may be silent, in milliseconds: what bounds a stop.
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(100..=300_000))]
    silence: u64,
    /// Messages a second while servers are killed and stopped.
    #[arg(long, value_name = "RATE", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1000..=1_000_000))]
    rate: u32,
    /// Messages a second while latency is measured.
    #[arg(long, value_name = "RATE", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1000..=10_000_000))]
    latency_rate: u32,
    /// The seed of the feed.
    #[arg(long, value_name = "NUMBER", default_value_t = 7)]
    seed: u64,
    /// Leave the choice of CPUs to the kernel.
    #[arg(long)]
    unpinned: bool,
    /// Where the table (feed.md), the plot (feed.svg) and every value (feed.json) are written.
    #[arg(long, value_name = "DIRECTORY", default_value = "target/feed")]
    out: PathBuf,
}

/// What holds for all measurements.
#[derive(Clone, Copy, Debug)]
struct Conditions {
    seed: u64,
    rate: u32,
    latency_rate: u32,
    silence: Duration,
    cpus: Cpus,
}

/// How much of everything.
#[derive(Clone, Copy, Debug)]
struct Plan {
    kills: usize,
    kills_within: usize,
    stops: usize,
    baseline: usize,
    latency_rounds: usize,
    latency_messages: u64,
    saturation_rounds: usize,
    saturation_passes: u64,
    fanout: fanout::Extent,
}

impl Measure {
    /// Measures, and says what came of it.
    ///
    /// # Errors
    ///
    /// When something cannot be measured, or a consumer did not get every message once and in order.
    pub fn run(&self) -> Result<()> {
        let (machine, neighbours) = (Machine::look(), Neighbours::watch()?);
        let figures = self.figures(&self.plan());
        let (others, stolen) = neighbours.taken()?;
        let text = format!(
            "{}\n{machine}; {}; {} messages/s and {} ms of silence at most where servers end; \
             meanwhile other processes took {others:.2} CPUs, the host {stolen:.2}\n\n    {}\n",
            figures.markdown(),
            self.cpus(),
            self.rate,
            self.silence,
            command()
        );
        std::io::stdout().write_all(format!("\n{text}").as_bytes())?;
        let mut raw = figures.json();
        raw["machine"] = machine.json();
        raw["cpus"] = self.cpus().to_string().into();
        raw["silence_ms"] = self.silence.into();
        raw["rate"] = self.rate.into();
        raw["others_cpus"] = others.into();
        raw["stolen_cpus"] = stolen.into();
        raw["command"] = command().into();
        self.write(&text, &format!("{raw:#}\n"), &plot::draw(&figures)?)?;
        let wrong = figures.wrong();
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    }

    fn write(&self, table: &str, raw: &str, plot: &str) -> Result<()> {
        let out = &self.out;
        let all = [("feed.md", table), ("feed.json", raw), ("feed.svg", plot)];
        fs::create_dir_all(out).with_context(|| out.display().to_string())?;
        for (name, text) in all {
            let path = out.join(name);
            fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        eprintln!("table, values and plot are in {}", out.display());
        Ok(())
    }

    fn figures(&self, plan: &Plan) -> Figures {
        let conditions = self.conditions();
        let mut figures = Figures::default();
        if self.wants(Part::Ends) {
            let standbys = Standby::ALL.into_iter().filter(|it| self.is_with(*it));
            for standby in standbys {
                for (fault, count) in plan.ends() {
                    let run = failovers::run((fault, standby), count, &conditions);
                    let name = failovers::name(fault, standby);
                    figures.failovers.extend(figures.failed.keep(name, run));
                }
            }
        }
        if self.wants(Part::Plain) {
            let run = baseline::run(plan.baseline, &conditions);
            figures.baseline = figures.failed.keep("behind a plain tcp port", run);
        }
        if self.wants(Part::Latency) {
            let run = latency::run(plan.latency_rounds, plan.latency_messages, &conditions);
            figures.latency = figures.failed.keep("latency", run).unwrap_or_default();
        }
        if self.wants(Part::Saturation) {
            let (rounds, passes) = (plan.saturation_rounds, plan.saturation_passes);
            let run = saturation::run(rounds, passes, &conditions);
            let run = figures.failed.keep("saturation", run);
            figures.saturation = run.unwrap_or_default();
        }
        if self.wants(Part::Fanout) {
            let run = fanout::run(&plan.fanout, &conditions);
            let run = figures.failed.keep("one login for many", run);
            figures.fanout = run.unwrap_or_default();
        }
        figures
    }

    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    fn is_with(&self, standby: Standby) -> bool {
        self.standby.is_empty() || self.standby.contains(&standby)
    }

    fn conditions(&self) -> Conditions {
        Conditions {
            seed: self.seed,
            rate: self.rate,
            latency_rate: self.latency_rate,
            silence: Duration::from_millis(self.silence),
            cpus: self.cpus(),
        }
    }

    fn cpus(&self) -> Cpus {
        match self.unpinned {
            true => Cpus::default(),
            false => Cpus::of_this_machine(),
        }
    }

    fn plan(&self) -> Plan {
        let or = |full, quick| if self.quick { quick } else { full };
        let kills = self.kills.unwrap_or(or(500, 10));
        Plan {
            kills,
            kills_within: self.kills_within.unwrap_or(kills.div_ceil(10)),
            stops: self.stops.unwrap_or(or(100, 3)),
            baseline: or(10, 1),
            latency_rounds: or(21, 2),
            // A second: many short rounds, since what else a machine does comes in spells.
            latency_messages: u64::from(self.latency_rate),
            saturation_rounds: or(10, 2),
            saturation_passes: or(5, 2) as u64,
            fanout: self.fanout(),
        }
    }

    fn fanout(&self) -> fanout::Extent {
        let full = fanout::Extent {
            consumers: &[1, 10, 100, 1000],
            deliveries: 1_000_000,
            lasts: Duration::from_secs(3),
            rounds: 5,
        };
        let quick = fanout::Extent {
            consumers: &[1, 20],
            deliveries: 100_000,
            lasts: Duration::from_secs(1),
            rounds: 1,
        };
        if self.quick { quick } else { full }
    }
}

impl Plan {
    /// Whatever is to end, and how often.
    fn ends(&self) -> impl Iterator<Item = (Fault, usize)> {
        let ends = [
            (Fault::Kill, self.kills),
            (Fault::KillWithinFrame, self.kills_within),
            (Fault::Stop, self.stops),
        ];
        ends.into_iter().filter(|(_, count)| *count > 0)
    }
}
