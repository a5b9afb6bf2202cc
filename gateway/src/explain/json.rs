//! An explanation in JSON: what `/routes?name=` answers.

use serde::{Deserialize, Serialize};

use crate::destination::Destination;
use crate::front::Face;
use crate::refuse::Alert;
use crate::route::RouteError;

/// What would happen, and why. What does not apply is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExplanationJson {
    /// Where it connects: `clients` or `peers`.
    pub face: String,
    /// The server name as asked, escaped.
    pub name: Option<String>,
    /// The name that rules are asked for.
    pub looked_up: Option<String>,
    /// Where the client is.
    pub from: Option<String>,
    /// Each rule, in the order in which they are asked.
    pub steps: Vec<StepJson>,
    /// `passed`, `refused`, or `depends` on what was not said.
    pub outcome: String,
    /// Of a refusal, the word of the log.
    pub reason: Option<String>,
    /// Of a refusal, what the client gets.
    pub answer: Option<String>,
    /// What it is led to: `service`, `adoption`, `datacenter`.
    pub kind: Option<String>,
    /// The configured name of that.
    pub route: Option<String>,
    /// The endpoints that could be asked, tier by tier.
    pub endpoints: Vec<WayJson>,
}

/// What one rule says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepJson {
    /// `listener`, `name`, `exact`, `suffix`, `default`, `access`.
    pub rule: String,
    /// `yes` and `no`: it is, or is not, by this rule that the name is led somewhere; `passes`,
    /// `refuses`; `unknown`: it depends on what was not said.
    pub verdict: String,
    /// In a sentence.
    pub says: String,
}

/// One endpoint that could be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayJson {
    /// Its tier; 0 is the primary.
    pub tier: usize,
    /// Its name.
    pub endpoint: String,
    /// Whether its tier is the active one; null where nothing runs.
    pub active: Option<bool>,
    /// `up`, `down`, `maintenance`; null where nothing runs.
    pub state: Option<String>,
}

impl ExplanationJson {
    pub(super) fn step(&mut self, rule: &str, verdict: &str, says: String) {
        self.steps.push(StepJson {
            rule: rule.to_owned(),
            verdict: verdict.to_owned(),
            says,
        });
    }

    pub(super) fn refused_by(&mut self, rule: &str, says: String, error: &RouteError) {
        self.refused(rule, says, error.reason(), Some(Alert::UnrecognizedName));
    }

    pub(super) fn refused(&mut self, rule: &str, says: String, reason: &str, alert: Option<Alert>) {
        self.step(rule, "refuses", says);
        self.refuse(reason, alert);
    }

    /// The first refusal is the one that counts.
    pub(super) fn refuse(&mut self, reason: &str, alert: Option<Alert>) {
        if self.outcome != "refused" {
            self.outcome = "refused".to_owned();
            self.reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
            self.answer = Some(alert.map_or_else(closed, said));
        }
    }

    /// Nobody listens.
    pub(super) fn unheard(&mut self) {
        self.outcome = "refused".to_owned();
        self.answer = Some("nobody listens there".to_owned());
    }

    pub(super) fn doubt(&mut self) {
        if self.outcome.is_empty() {
            self.outcome = "depends".to_owned();
        }
    }

    pub(super) fn conclude(&mut self) {
        if self.outcome.is_empty() {
            self.outcome = "passed".to_owned();
        }
    }

    /// Where it goes, as far as those at `face` may go there.
    pub(super) fn lead_to(&mut self, to: &Destination, face: Face, is_running: bool) {
        self.kind = Some(to.kind.as_str().to_owned());
        self.route = Some(to.name.clone());
        let (reached, status) = (to.endpoints(face), to.pool.status());
        for (rank, tier) in status.tiers.iter().enumerate() {
            let names = tier.endpoints.iter();
            let ways = names.filter(|it| reached.iter().any(|name| **name == *it.name));
            self.endpoints.extend(ways.map(|it| WayJson {
                tier: rank,
                endpoint: it.name.to_string(),
                active: is_running.then_some(rank == status.active),
                state: is_running.then(|| it.state.as_str().to_owned()),
            }));
        }
    }
}

fn closed() -> String {
    "the connection is closed".to_owned()
}

fn said(alert: Alert) -> String {
    let word = match alert {
        Alert::AccessDenied => "access_denied",
        Alert::InternalError => "internal_error",
        Alert::UnrecognizedName => "unrecognized_name",
    };
    format!("TLS alert {} ({word})", alert as u8)
}
