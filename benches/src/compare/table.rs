//! The comparison in Markdown, for whoever has to decide.

use std::fmt::Write;

use super::Comparison;
use super::aim::more_is_better;
use super::judge::{Judged, judge, median};
use super::rounds::DIRECT;
use crate::proxy::Peer;
use crate::report::{Row, figure};

/// Fewer rounds than this are a look, and no comparison.
const ROUNDS_MIN: usize = 9;

/// All of it. Writing to a string cannot fail, so results of that are dropped here.
pub(super) fn markdown(comparison: &Comparison) -> String {
    let mut text = "# mesh-gateway beside its peers\n\n".to_owned();
    warnings(comparison, &mut text);
    programs(comparison, &mut text);
    conditions(comparison, &mut text);
    let judged = judge(&comparison.report, &comparison.cases, &comparison.peers());
    aims(&judged, &mut text);
    figures(comparison, &mut text);
    failures(comparison, &mut text);
    text.push_str(include_str!("reading.md"));
    text
}

fn warnings(comparison: &Comparison, text: &mut String) {
    if cfg!(debug_assertions) {
        text.push_str("**A build for debugging: the figures of mesh-gateway mean nothing.**\n\n");
    }
    if comparison.rounds < ROUNDS_MIN {
        let rounds = comparison.rounds;
        let _ = writeln!(
            text,
            "**{rounds} rounds: a look. A comparison takes at least {ROUNDS_MIN}.**\n"
        );
    }
}

fn programs(comparison: &Comparison, text: &mut String) {
    text.push_str("| program | version | workers |\n|---|---|---:|\n");
    for installed in &comparison.proxies {
        let (peer, version) = (installed.peer, &installed.version);
        let version = match peer {
            Peer::Gateway => &comparison.machine.version,
            _ => version,
        };
        let workers = peer.workers(comparison.workers);
        let _ = writeln!(text, "| {peer} | {version} | {workers} |");
    }
    for (peer, why) in &comparison.missing {
        let _ = writeln!(text, "| {peer} | not measured: {why} | |");
    }
}

fn conditions(comparison: &Comparison, text: &mut String) {
    let machine = &comparison.machine;
    let _ = writeln!(
        text,
        "\n{}, {} CPUs; Linux {}, TCP {}. {} rounds, in which each piece of work went through every \
         program, in an order that changed. {}; meanwhile other processes took {:.2} CPUs, the host \
         {:.2}.\n\n    {}",
        machine.cpu,
        machine.cores,
        machine.kernel,
        machine.tcp,
        comparison.rounds,
        comparison.report.noise(),
        comparison.others,
        comparison.stolen,
        comparison.command
    );
}

fn aims(judged: &[Judged<'_>], text: &mut String) {
    let met = judged.iter().filter(|it| it.is_met()).count();
    let unsure = judged.iter().filter(|it| !it.is_sure()).count();
    let _ = writeln!(
        text,
        "\n## Aims\n\n{met} of {} met; of all, {unsure} by less than the noise.\n\n\
         | work | figure | mesh-gateway | beside | ratio [95 %] | aim | |\n\
         |---|---|---:|---:|---|---|---|",
        judged.len()
    );
    for it in judged {
        let Row { work, what, unit } = it.row;
        let (ours, theirs, verdict) = (figure(it.ours), figure(it.theirs), it.verdict());
        let (peer, ratio, bound) = (it.peer, it.ratio, it.bound);
        let _ = writeln!(
            text,
            "| {work} | {what}, {unit} | {ours} | {peer} {theirs} | {:.2} [{:.2}..{:.2}] | {bound} | \
             {verdict} |",
            ratio.value, ratio.low, ratio.high
        );
    }
}

fn figures(comparison: &Comparison, text: &mut String) {
    let mut subjects: Vec<&str> = comparison.proxies.iter().map(|it| it.peer.name()).collect();
    subjects.push(DIRECT);
    let _ = writeln!(
        text,
        "\n## All figures\n\nMedians; the best of the programs in bold.\n\n| work | figure | {} |\n\
         |---|---|{}",
        subjects.join(" | "),
        "---:|".repeat(subjects.len())
    );
    for row in comparison.report.rows() {
        let cells = cells(comparison, &subjects, row).join(" | ");
        let Row { work, what, unit } = row;
        let _ = writeln!(text, "| {work} | {what}, {unit} | {cells} |");
    }
}

fn cells(comparison: &Comparison, subjects: &[&str], row: Row<'_>) -> Vec<String> {
    let median = |subject: &&str| comparison.report.values(subject, row).map(median);
    let of_programs = subjects.iter().filter(|it| **it != DIRECT);
    let known = of_programs.filter_map(median);
    let best = match more_is_better(row.unit) {
        true => known.max_by(f64::total_cmp),
        false => known.min_by(f64::total_cmp),
    };
    let cell = |subject: &&str| match median(subject) {
        None => "–".to_owned(),
        Some(value) if Some(value) == best && *subject != DIRECT => {
            format!("**{}**", figure(value))
        }
        Some(value) => figure(value),
    };
    subjects.iter().map(cell).collect()
}

fn failures(comparison: &Comparison, text: &mut String) {
    if comparison.failures.is_empty() {
        return;
    }
    text.push_str("\n## What failed\n\n");
    for it in &comparison.failures {
        let became = match it.is_out {
            true => "no figures",
            false => "tried again",
        };
        let (subject, case) = (it.subject, &it.case);
        let error = it.error.replace('\n', " ");
        let _ = writeln!(text, "- {subject}, {case} ({became}): {error}");
    }
}
