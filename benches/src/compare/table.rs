//! The comparison in Markdown, for whoever has to decide.

use std::fmt::Write;

use super::Comparison;
use super::aim::Better;
use super::judge::{Judged, judge, median};
use super::ratio::Ratio;
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
    aims(comparison, &judged, &mut text);
    figures(comparison, &mut text);
    calls(&comparison.calls, &mut text);
    failures(comparison, &mut text);
    text.push_str(include_str!("reading.md"));
    text
}

fn warnings(comparison: &Comparison, text: &mut String) {
    if cfg!(debug_assertions) {
        text.push_str("**A build for debugging: the figures of mesh-gateway mean nothing.**\n\n");
    }
    if let Some(round) = comparison.interrupted {
        let rounds = comparison.rounds;
        let _ = writeln!(
            text,
            "**Interrupted in round {round} of {rounds}: figures until then, of unlike numbers of rounds.**\n"
        );
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
            Peer::Gateway if installed.is_ours => &comparison.machine.version,
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

fn aims(comparison: &Comparison, judged: &[Judged<'_>], text: &mut String) {
    let _ = writeln!(
        text,
        "\n## Aims\n\n| | met | missed | of both, within the noise |\n|---|---:|---:|---:|"
    );
    for part in comparison.parts() {
        let of_part = judged
            .iter()
            .filter(|it| comparison.part(it.row) == Some(part));
        let of_part: Vec<&Judged<'_>> = of_part.collect();
        let count = |is: fn(&Judged<'_>) -> bool| of_part.iter().filter(|it| is(it)).count();
        let (met, unsure) = (count(|it| it.is_met()), count(|it| !it.is_sure()));
        let (title, missed) = (part.title(), of_part.len() - met);
        let _ = writeln!(text, "| {title} | {met} | {missed} | {unsure} |");
    }
    text.push_str(
        "\n| work | figure | mesh-gateway | beside | ratio [95 %] | aim | |\n\
         |---|---|---:|---:|---|---|---|\n",
    );
    for it in judged {
        aim(it, text);
    }
}

fn aim(judged: &Judged<'_>, text: &mut String) {
    let Row { work, what, unit } = judged.row;
    let (ours, verdict, bound) = (figure(judged.ours), judged.verdict(), judged.bound);
    let Ratio { value, low, high } = judged.ratio;
    let (beside, ratio) = match judged.beside {
        Some((other, theirs)) => (
            format!("{other} {}", figure(theirs)),
            format!("{value:.2} [{low:.2}..{high:.2}]"),
        ),
        None => ("–".to_owned(), format!("[{low:.2}..{high:.2}]")),
    };
    let _ = writeln!(
        text,
        "| {work} | {what}, {unit} | {ours} | {beside} | {ratio} | {bound} | {verdict} |"
    );
}

fn figures(comparison: &Comparison, text: &mut String) {
    let mut subjects: Vec<&str> = comparison.proxies.iter().map(|it| it.peer.name()).collect();
    subjects.push(DIRECT);
    text.push_str("\n## All figures\n\nMedians; the best of the programs in bold.\n");
    for part in comparison.parts() {
        let _ = writeln!(
            text,
            "\n### {}\n\n| work | figure | {} |\n|---|---|{}",
            part.title(),
            subjects.join(" | "),
            "---:|".repeat(subjects.len())
        );
        let rows = comparison.report.rows().into_iter();
        for row in rows.filter(|row| comparison.part(*row) == Some(part)) {
            let cells = cells(comparison, &subjects, row).join(" | ");
            let Row { work, what, unit } = row;
            let _ = writeln!(text, "| {work} | {what}, {unit} | {cells} |");
        }
    }
}

fn cells(comparison: &Comparison, subjects: &[&str], row: Row<'_>) -> Vec<String> {
    let median = |subject: &&str| comparison.report.values(subject, row).map(median);
    let of_programs = subjects.iter().filter(|it| **it != DIRECT);
    let known: Vec<f64> = of_programs.filter_map(median).collect();
    let best = Better::of(row.unit).of_all(known.iter().copied());
    // Who is alone is not the best.
    let best = best.filter(|_| known.len() > 1);
    let cell = |subject: &&str| match median(subject) {
        None => "–".to_owned(),
        Some(value) if Some(value) == best && *subject != DIRECT => {
            format!("**{}**", figure(value))
        }
        Some(value) => figure(value),
    };
    subjects.iter().map(cell).collect()
}

fn calls(calls: &[String], text: &mut String) {
    if !calls.is_empty() {
        text.push_str("\n## System calls of a short connection, FIN\n\n");
        for line in calls {
            let _ = writeln!(text, "- {line}");
        }
    }
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
