//! The gateway beside its peers: HAProxy, nginx, Envoy and sniproxy, on the same work in the same run.
//!
//! Programs are found on PATH or by flag; `benches/peers` installs them. One that is missing is named
//! in the table. Every piece of work goes through every program before the next one comes, so that a
//! slow minute of the machine touches all alike, and ratios are of figures that lie seconds apart.

mod aim;
mod case;
mod judge;
mod plot;
mod ratio;
mod reload;
mod rounds;
mod stage;
mod table;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::machine::{Machine, Neighbours, command};
use crate::plan::Plan;
use crate::process;
use crate::proxy::{Installed, Peer};
use crate::report::{Report, Row};
use crate::work::Direction;
use case::{Case, Part};
use rounds::Failure;
use stage::{Stage, WORKERS};

/// What `compare` is given.
#[derive(Debug, Args)]
pub struct Measure {
    /// Less work and fewer rounds, for a look in about three minutes.
    #[arg(long)]
    quick: bool,
    /// Only this part; may be given several times.
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
    /// Rounds; all work is done once a round. Default: 9, or 2 with --quick.
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Only these programs, with commas between. Default: all that are here.
    #[arg(long, value_name = "PROGRAM", value_delimiter = ',')]
    peers: Vec<Peer>,
    /// A mesh-gateway's file, such as one of another build. Default: that of this build.
    #[arg(long, value_name = "FILE")]
    mesh_gateway: Option<PathBuf>,
    /// HAProxy's file. Default: the one on PATH, and so for the others.
    #[arg(long, value_name = "FILE")]
    haproxy: Option<PathBuf>,
    /// nginx's file.
    #[arg(long, value_name = "FILE")]
    nginx: Option<PathBuf>,
    /// Envoy's file.
    #[arg(long, value_name = "FILE")]
    envoy: Option<PathBuf>,
    /// sniproxy's file.
    #[arg(long, value_name = "FILE")]
    sniproxy: Option<PathBuf>,
    /// Where the table (compare.md), the plots (*.svg) and every value (compare.json) are written.
    #[arg(long, value_name = "DIRECTORY", default_value = "target/compare")]
    out: PathBuf,
}

/// All that came of a run.
#[derive(Debug)]
struct Comparison {
    machine: Machine,
    command: String,
    workers: usize,
    rounds: usize,
    /// The round in which it was interrupted.
    interrupted: Option<usize>,
    proxies: Vec<Installed>,
    /// Who is not here, and why.
    missing: Vec<(Peer, String)>,
    cases: Vec<Case>,
    report: Report,
    failures: Vec<Failure>,
    /// System calls of short connections, a line for each program.
    calls: Vec<String>,
    /// CPUs that other processes took meanwhile, and the host.
    others: f64,
    stolen: f64,
}

impl Comparison {
    fn peers(&self) -> Vec<Peer> {
        self.proxies.iter().map(|it| it.peer).collect()
    }

    /// Those that there are figures of.
    fn parts(&self) -> Vec<Part> {
        let mut parts: Vec<Part> = self.cases.iter().map(|case| case.part).collect();
        parts.dedup();
        parts
    }

    /// The part that a row is of.
    fn part(&self, row: Row<'_>) -> Option<Part> {
        let case = self.cases.iter().find(|it| it.to_string() == row.work);
        Some(case?.part)
    }

    fn json(&self) -> Value {
        let programs = self.proxies.iter();
        let programs = programs.map(|it| json!({ "name": it.peer.name(), "version": it.version }));
        let missing = self.missing.iter();
        let missing = missing.map(|(peer, why)| json!({ "name": peer.name(), "why": why }));
        let failures = self.failures.iter().map(Failure::json);
        let judged = judge::judge(&self.report, &self.cases, &self.peers());
        json!({
            "command": self.command,
            "machine": self.machine.json(),
            "rounds": self.rounds,
            "interrupted_in_round": self.interrupted,
            "workers": self.workers,
            "programs": programs.collect::<Vec<_>>(),
            "missing": missing.collect::<Vec<_>>(),
            "others_cpus": self.others,
            "stolen_cpus": self.stolen,
            "aims": judged.iter().map(judge::Judged::json).collect::<Vec<_>>(),
            "series": self.report.json(),
            "failures": failures.collect::<Vec<_>>(),
            "system_calls": self.calls,
        })
    }
}

impl Measure {
    /// Measures, and says what came of it.
    ///
    /// # Errors
    ///
    /// When nothing is here to compare with, the results cannot be written, or it is interrupted: then
    /// what there was until then is written all the same.
    pub fn run(&self) -> Result<()> {
        let comparison = self.compare()?;
        let text = table::markdown(&comparison);
        std::io::stdout().write_all(format!("\n{text}").as_bytes())?;
        let raw = format!("{:#}\n", comparison.json());
        let out = &self.out;
        fs::create_dir_all(out).with_context(|| out.display().to_string())?;
        let mut files = plot::draw(&comparison)?;
        files.push(("compare.md".to_owned(), text));
        files.push(("compare.json".to_owned(), raw));
        for (name, text) in files {
            let path = out.join(name);
            fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        eprintln!("table, values and plots are in {}", out.display());
        ensure!(comparison.interrupted.is_none(), "interrupted");
        Ok(())
    }

    fn compare(&self) -> Result<Comparison> {
        let allowed = process::raise_descriptors();
        let (machine, neighbours) = (Machine::look(), Neighbours::watch()?);
        let (proxies, missing) = self.proxies();
        ensure!(!proxies.is_empty(), "none of the programs is here");
        let stage = Stage::new()?;
        let mut plan = self.plan();
        let too_many = left_out(&mut plan, allowed);
        let cases = self.cases(&stage, &proxies, &plan)?;
        let mut outcome = rounds::run(&stage, &proxies, &cases, plan.rounds);
        let is_empty = outcome.report.rows().is_empty();
        ensure!(!is_empty || outcome.interrupted.is_none(), "interrupted");
        if self.wants(Part::Idle) {
            outcome.failures.extend(too_many);
        }
        let (others, stolen) = neighbours.taken()?;
        let calls = match self.wants(Part::Short) && outcome.interrupted.is_none() {
            true => stage.calls(&proxies)?,
            false => Vec::new(),
        };
        Ok(Comparison {
            machine,
            command: command(),
            workers: WORKERS,
            rounds: plan.rounds,
            interrupted: outcome.interrupted,
            proxies,
            missing,
            cases,
            report: outcome.report,
            failures: outcome.failures,
            calls,
            others,
            stolen,
        })
    }

    fn cases(&self, stage: &Stage, proxies: &[Installed], plan: &Plan) -> Result<Vec<Case>> {
        let lasts = Duration::from_secs(if self.quick { 1 } else { 3 });
        let parts = Part::ALL.into_iter().filter(|part| self.wants(*part));
        let parts: Vec<Part> = parts.collect();
        let pace = match parts.iter().any(|part| part.needs_pace()) {
            true => Some(stage.pace(proxies, plan.questions, lasts)?),
            false => None,
        };
        let cases = parts.iter().flat_map(|part| part.cases(plan, pace));
        Ok(cases.collect())
    }

    /// Who is here, and who is not.
    fn proxies(&self) -> (Vec<Installed>, Vec<(Peer, String)>) {
        let wanted = |peer: &Peer| self.peers.is_empty() || self.peers.contains(peer);
        let (mut here, mut missing) = (Vec::new(), Vec::new());
        for peer in Peer::ALL.into_iter().filter(wanted) {
            match Installed::find(peer, self.given(peer)) {
                Ok(installed) => here.push(installed),
                Err(error) => missing.push((peer, format!("{error:#}"))),
            }
        }
        (here, missing)
    }

    fn given(&self, peer: Peer) -> Option<&Path> {
        match peer {
            Peer::Gateway => self.mesh_gateway.as_deref(),
            Peer::Haproxy => self.haproxy.as_deref(),
            Peer::Nginx => self.nginx.as_deref(),
            Peer::Envoy => self.envoy.as_deref(),
            Peer::Sniproxy => self.sniproxy.as_deref(),
        }
    }

    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    fn plan(&self) -> Plan {
        let mut plan = match self.quick {
            true => Plan {
                rounds: 2,
                bytes: 100_000_000,
                idle: vec![300],
                routes: vec![10, 1000],
                short: 1000,
                questions: 3000,
                ..Plan::full()
            },
            false => Plan {
                rounds: 9,
                bytes: 1_000_000_000,
                idle: vec![1000, 3000, 6000],
                routes: vec![10, 1000, 100_000],
                ..Plan::full()
            },
        };
        plan.directions.push(Direction::Both);
        plan.pings = [64, 4096]
            .into_iter()
            .flat_map(|bytes| [1, 8, 64, 1000].map(|connections| (bytes, connections)))
            .collect();
        plan.rounds = self.rounds.unwrap_or(plan.rounds).max(1);
        plan
    }
}

/// Takes those numbers of idle connections out for which a process may not open enough files.
fn left_out(plan: &mut Plan, allowed: u64) -> Vec<Failure> {
    let is_out = |idle: &mut usize| process::for_idle(*idle) > allowed;
    let failure = |idle: usize| {
        let needed = process::for_idle(idle);
        Failure {
            subject: "the load",
            case: format!("idle, {idle} connections"),
            error: format!("it takes {needed} open files, of {allowed} (ulimit -Hn)"),
            is_out: true,
        }
    };
    plan.idle.extract_if(.., is_out).map(failure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_take_too_many_files_is_left_out_and_said() {
        let mut plan = Plan {
            idle: vec![1000, 6000],
            ..Plan::full()
        };
        let out = left_out(&mut plan, 4096);
        assert_eq!(plan.idle, [1000]);
        assert_eq!(out.len(), 1);
        assert!(out[0].error.contains("12500 open files, of 4096"));
    }
}
