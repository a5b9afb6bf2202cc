//! All figures: as tables for people, raw for programs, and what is wrong with them.

use std::fmt::{Display, Write};

use anyhow::Result;
use serde_json::{Value, json};

use super::baseline::Baseline;
use super::failovers::{Failover, Failovers};
use super::fanout::Fanout;
use super::latency::Latency;
use super::oracle::Faults;
use super::saturation::Saturation;
use crate::quantiles::Sorted;

/// What was measured.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) failovers: Vec<Failovers>,
    pub(super) baseline: Option<Baseline>,
    pub(super) latency: Vec<Latency>,
    pub(super) saturation: Vec<Saturation>,
    pub(super) fanout: Vec<Fanout>,
    pub(super) failed: Failed,
}

/// Parts that could not be measured; the others are told all the same.
#[derive(Debug, Default)]
pub(super) struct Failed(Vec<String>);

impl Failed {
    /// What came of a part, if anything did.
    pub(super) fn keep<T>(&mut self, part: impl Display, result: Result<T>) -> Option<T> {
        let told = |error| self.0.push(format!("{part}: {error:#}"));
        result.map_err(told).ok()
    }
}

/// What a failover consists of, and what of it is told.
type Part = (&'static str, fn(&Failover) -> Option<f64>);

const PARTS: [Part; 8] = [
    ("pause of the consumer", |it| it.pause),
    ("pause at the other server itself", |it| it.witness),
    ("what the failover adds to it", |it| {
        Some(it.pause? - it.witness?)
    }),
    ("from the signal", |it| it.since_fault),
    ("of it detect", |it| Some(it.took.detect)),
    ("connect", |it| Some(it.took.connect)),
    ("log in", |it| Some(it.took.login)),
    ("catch up", |it| Some(it.took.catch_up)),
];

impl Figures {
    /// Tables in Markdown, one for each part that was measured.
    pub(super) fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_faults(&mut text);
        let _ = self.write_times(&mut text);
        let _ = write_latency(&self.latency, &mut text);
        let _ = self.write_saturation(&mut text);
        let _ = write_fanout(&self.fanout, &mut text);
        text
    }

    fn write_faults(&self, text: &mut String) -> std::fmt::Result {
        if self.failovers.is_empty() && self.baseline.is_none() {
            return Ok(());
        }
        writeln!(
            text,
            "| the active server gets | N | messages | gaps | duplicates | reorders | corruptions | disconnects |\n\
             |---|---:|---:|---:|---:|---:|---:|---:|"
        )?;
        for it in &self.failovers {
            let (fault, n, messages) = (it.name(), it.each.len(), it.messages);
            writeln!(text, "| {fault} | {n} | {messages} | {} |", row(&it.faults))?;
        }
        if let Some(Baseline { kills, faults }) = &self.baseline {
            let faults = row(faults);
            writeln!(
                text,
                "| SIGKILL, behind a plain tcp port | {kills} | | {faults} |"
            )?;
        }
        Ok(())
    }

    fn write_times(&self, text: &mut String) -> std::fmt::Result {
        if !self.failovers.iter().any(|it| it.fault.is_timed()) {
            return Ok(());
        }
        writeln!(
            text,
            "\n| ms | | N | p50 | p99 | max |\n|---|---|---:|---:|---:|---:|"
        )?;
        for it in self.failovers.iter().filter(|it| it.fault.is_timed()) {
            for (what, part) in PARTS {
                let times = Sorted::of(it.each.iter().filter_map(part));
                let (fault, n) = (it.name(), times.values().len());
                if n == 0 {
                    continue;
                }
                let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| figure(times.quantile(share)));
                writeln!(text, "| {fault} | {what} | {n} | {p50} | {p99} | {max} |")?;
            }
        }
        Ok(())
    }

    fn write_saturation(&self, text: &mut String) -> std::fmt::Result {
        if self.saturation.is_empty() {
            return Ok(());
        }
        writeln!(
            text,
            "\n| as fast as it goes | messages/s, median [min..max] | CPU s of l4-failover per million |\n\
             |---|---:|---:|"
        )?;
        for Saturation { way, rates, cpu } in &self.saturation {
            let rates = spread(rates, |it| format!("{it:.0}"));
            let cpu = cpu.as_ref().map(|cpu| spread(cpu, figure));
            writeln!(text, "| {way} | {rates} | {} |", cpu.unwrap_or_default())?;
        }
        Ok(())
    }

    /// Every value.
    pub(super) fn json(&self) -> Value {
        let failovers = self.failovers.iter().map(Failovers::json);
        let saturation = self.saturation.iter().map(Saturation::json);
        json!({
            "failovers": failovers.collect::<Vec<_>>(),
            "plain": self.baseline.as_ref().map(Baseline::json),
            "latency": self.latency.iter().map(Latency::json).collect::<Vec<_>>(),
            "saturation": saturation.collect::<Vec<_>>(),
            "fanout": self.fanout.iter().map(Fanout::json).collect::<Vec<_>>(),
        })
    }

    /// What is not as a feed promises.
    pub(super) fn wrong(&self) -> Vec<String> {
        let mut wrong = self.failed.0.clone();
        for it in &self.failovers {
            wrong.extend(it.failed.clone());
            if !it.faults.is_none() {
                wrong.push(format!("{}: {}", it.name(), it.faults));
            }
            if it.each.len() < it.wanted {
                wrong.push(format!("{}: {} of {}", it.name(), it.each.len(), it.wanted));
            }
        }
        if matches!(&self.baseline, Some(it) if it.faults.disconnects == 0) {
            wrong.push("a plain tcp port kept its consumer: not the baseline".to_owned());
        }
        wrong
    }
}

fn write_latency(ways: &[Latency], text: &mut String) -> std::fmt::Result {
    let [direct, others @ ..] = ways else {
        return Ok(());
    };
    writeln!(
        text,
        "\n| µs from the schedule, {} messages/s, median of the rounds [min..max] | p50 | p99 | p99.9 | max |\n\
         |---|---:|---:|---:|---:|",
        direct.rate
    )?;
    for latency in ways {
        let values = latency.by_round().map(|it| spread(&it, figure));
        writeln!(text, "| {} | {} |", latency.way, values.join(" | "))?;
    }
    for latency in others {
        let values = latency.beyond(direct).map(|it| spread(&it, figure));
        writeln!(text, "| added {} | {} |", latency.way, values.join(" | "))?;
    }
    Ok(())
}

fn write_fanout(cases: &[Fanout], text: &mut String) -> std::fmt::Result {
    if cases.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "\n| consumers of one login, median of the rounds [min..max] | deliveries/s | CPU s of l4-failover per million | \
         µs from the schedule, p99.9 | µs from the first consumer to the last, p50 | p99 | kB per consumer |\n\
         |---|---:|---:|---:|---:|---:|---:|"
    )?;
    for it in cases {
        let rates = spread(&it.rates(), |it| format!("{it:.0}"));
        let costs = it.costs().map(|it| spread(&it, figure)).join(" | ");
        let skews = it.skews().map(|it| it.map(|it| spread(&it, figure)));
        let skews = skews.unwrap_or_default().join(" | ");
        let memory = it.memory().map(|it| spread(&it, figure));
        let (name, memory) = (it.name(), memory.unwrap_or_default());
        writeln!(text, "| {name} | {rates} | {costs} | {skews} | {memory} |")?;
    }
    Ok(())
}

fn row(faults: &Faults) -> String {
    let Faults {
        gaps,
        duplicates,
        reorders,
        corruptions,
        disconnects,
    } = *faults;
    [gaps, duplicates, reorders, corruptions, disconnects]
        .map(|it| it.to_string())
        .join(" | ")
}

fn spread(values: &Sorted, figure: fn(f64) -> String) -> String {
    let [median, min, max] = [values.quantile(0.5), values.min(), values.max()].map(figure);
    format!("{median} [{min}..{max}]")
}

/// Three digits, or all before the point.
fn figure(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}
