//! The rounds: every case through every proxy, one after the other.

use std::ops::ControlFlow::{self, Break, Continue};

use fastrand::Rng;
use serde_json::{Value, json};

use super::case::Case;
use super::stage::Stage;
use crate::progress::Progress;
use crate::proxy::Installed;
use crate::report::Report;

/// What no proxy does is called.
pub(super) const DIRECT: &str = "direct";

/// How often a case is tried through a proxy, each time through a new one. What fails that often is
/// not measured again: it would fail in each round, often only at the end of a long wait.
const TRIES: usize = 2;

/// What came of all rounds.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) report: Report,
    pub(super) failures: Vec<Failure>,
    /// The round, from 1, in which it was interrupted.
    pub(super) interrupted: Option<usize>,
}

/// What a proxy did not do.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) subject: &'static str,
    pub(super) case: String,
    pub(super) error: String,
    /// Whether it has no figures in this case, since it failed whenever it was tried in a round.
    pub(super) is_out: bool,
}

/// Who does a case.
#[derive(Clone, Copy, Debug)]
enum Subject<'a> {
    Direct,
    Proxy(&'a Installed),
}

impl Subject<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Direct => DIRECT,
            Self::Proxy(installed) => installed.peer.name(),
        }
    }
}

/// Does all cases, so many times, or until it is interrupted.
pub(super) fn run(stage: &Stage, proxies: &[Installed], cases: &[Case], rounds: usize) -> Outcome {
    let mut outcome = Outcome::default();
    let (mut done, total) = (0, rounds * cases.len());
    let mut progress = Progress::start("rounds × work", total);
    for round in 0..rounds {
        // One seed a round: orders differ, and are the same in each run.
        let mut order = Rng::with_seed(round as u64);
        for case in cases {
            progress.now(format!("round {} of {rounds}, {case}", round + 1));
            for subject in subjects(case, proxies, &mut order) {
                if outcome.measure(stage, subject, case).is_break() {
                    outcome.interrupted = Some(round + 1);
                    return outcome;
                }
            }
            done += 1;
            progress.done(done);
        }
    }
    outcome
}

/// Programs in another order each time, so that nobody is always the one after the same.
fn subjects<'a>(case: &Case, proxies: &'a [Installed], order: &mut Rng) -> Vec<Subject<'a>> {
    let mut subjects: Vec<Subject<'_>> = proxies
        .iter()
        .filter(|it| case.concerns(it.peer))
        .map(Subject::Proxy)
        .collect();
    order.shuffle(&mut subjects);
    if case.works_directly() {
        subjects.push(Subject::Direct);
    }
    subjects
}

impl Outcome {
    /// Breaks off when it is interrupted.
    fn measure(&mut self, stage: &Stage, subject: Subject<'_>, case: &Case) -> ControlFlow<()> {
        let (name, title) = (subject.name(), case.to_string());
        let is_out = |it: &Failure| it.is_out && it.subject == name && it.case == title;
        if self.failures.iter().any(is_out) {
            return Continue(());
        }
        for tried in 1..=TRIES {
            let done = match subject {
                Subject::Direct => stage.directly(case),
                Subject::Proxy(installed) => stage.through(installed, case),
            };
            if stage.interrupt.has_come() {
                return Break(());
            }
            match done {
                Ok(readings) => {
                    self.report.add(name, &title, &readings);
                    return Continue(());
                }
                Err(error) => self.failed(name, &title, &error, tried == TRIES),
            }
        }
        Continue(())
    }

    fn failed(&mut self, subject: &'static str, case: &str, error: &anyhow::Error, is_out: bool) {
        if is_out {
            self.report.remove(subject, case);
        }
        self.failures.push(Failure {
            subject,
            case: case.to_owned(),
            error: format!("{error:#}"),
            is_out,
        });
    }
}

impl Failure {
    pub(super) fn json(&self) -> Value {
        json!({
            "subject": self.subject,
            "work": self.case,
            "error": self.error,
            "is_out": self.is_out,
        })
    }
}
