//! `routes`: what would happen to a name, rule by rule.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use l4_failover::client::{self, ClientError, Connection, Out, Paint, Peer, printable, with_query};
use serde::Deserialize;

use super::PROGRAM;
use crate::explain::{self, ExplanationJson, Question, StepJson, WayJson};
use crate::front::Face;

/// What to explain, and by whose rules.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("asked").args(["name", "nameless"]))]
pub(super) struct RoutesArgs {
    /// The server name, as a client would send it. [default: lists all rules]
    name: Option<String>,
    /// Explains what would happen to a hello without a server name.
    #[arg(long)]
    nameless: bool,
    /// Where the client is: lists allow and deny judge it.
    #[arg(long, value_name = "ADDRESS", requires = "asked")]
    from: Option<IpAddr>,
    /// As if another data centre's gateway asked, at peer_address; without a name, lists the rules for
    /// those alone.
    #[arg(long)]
    peer: bool,
    /// By the rules of this file, not of the process that runs.
    #[arg(long, short, value_name = "FILE", conflicts_with = "admin")]
    config: Option<PathBuf>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl RoutesArgs {
    fn question(&self) -> Option<Question> {
        let is_asked = self.name.is_some() || self.nameless;
        is_asked.then(|| Question {
            name: self.name.clone().map(String::into_bytes),
            from: self.from,
            face: match self.peer {
                true => Face::Peers,
                false => Face::Clients,
            },
        })
    }

    fn path(&self) -> String {
        let from = self.from.map(|from| from.to_string());
        let flag = |is_set: bool| is_set.then_some("true");
        let query = [
            ("name", self.name.as_deref()),
            ("nameless", flag(self.nameless)),
            ("from", from.as_deref()),
            ("peer", flag(self.peer)),
        ];
        with_query("/routes", &query)
    }
}

const NO_PEERS: &str = "no rules for gateways of other data centres: no listener has a peer_address, or no \
                        service is here\n";

/// One rule, as `/routes` lists it.
#[derive(Deserialize)]
struct RuleJson {
    face: String,
    name: String,
    kind: String,
    route: String,
    endpoints: Vec<String>,
}

pub(super) fn routes(args: &RoutesArgs) -> ExitCode {
    match &args.config {
        Some(file) => client::run(async |out| in_file(args, file, out)),
        None => PROGRAM.ask(&args.connection, async |peer, out| {
            asked(args, peer, out).await
        }),
    }
}

async fn asked(args: &RoutesArgs, peer: &Peer, out: &mut Out<'_>) -> Result<(), ClientError> {
    let answer = peer.get(&args.path()).await?;
    if args.json {
        // As it came: a newer process may say more than is known here.
        return out.say(&format!(
            "{}\n",
            String::from_utf8_lossy(&answer).trim_end()
        ));
    }
    let text = match args.question() {
        Some(_) => told(&peer.parsed(&answer)?, out.paint()),
        None => match peer.parsed::<Vec<RuleJson>>(&answer)? {
            rules if rules.is_empty() && args.peer => NO_PEERS.to_owned(),
            rules => listed(&rules, out.paint()),
        },
    };
    out.say(&text)
}

fn in_file(
    args: &RoutesArgs,
    file: &std::path::Path,
    out: &mut Out<'_>,
) -> Result<(), ClientError> {
    let Some(question) = args.question() else {
        if args.peer {
            let why = "--peer with --config is asked of a name: add one, or --nameless";
            return Err(ClientError::Mistyped(why.to_owned()));
        }
        let report = crate::check::files([file]);
        return match report.mistakes.is_empty() {
            true => out.say(&report.routes),
            false => Err(ClientError::Mistyped(report.mistakes)),
        };
    };
    let explained = explain::in_file(file, &question).map_err(ClientError::Mistyped)?;
    let text = match args.json {
        true => {
            let json = serde_json::to_string(&explained);
            format!("{}\n", json.expect("strings have a form in JSON"))
        }
        false => told(&explained, out.paint()),
    };
    out.say(&text)
}

/// Every rule, those for clients before those for other gateways.
fn listed(rules: &[RuleJson], paint: Paint) -> String {
    let wide = rules.iter().map(|rule| rule.name.chars().count()).max();
    let wide = wide.unwrap_or_default();
    let mut text = String::new();
    for (nth, rule) in rules.iter().enumerate() {
        let is_first = nth == 0 || rules[nth - 1].face != rule.face;
        if is_first {
            text.push_str(&format!(
                "{}\n",
                paint.bold(&printable(heading(&rule.face)))
            ));
        }
        let led = format!(
            "  {:wide$}  {} {}: {}",
            rule.name,
            rule.kind,
            rule.route,
            rule.endpoints.join(", then ")
        );
        text.push_str(&format!("{}\n", printable(&led)));
    }
    text
}

fn heading(face: &str) -> &str {
    match face {
        "clients" => "for clients",
        "peers" => "for gateways of other data centres, at peer_address",
        other => other,
    }
}

/// The rules in the order in which they are asked, and what it comes to.
fn told(it: &ExplanationJson, paint: Paint) -> String {
    let name = match it.name.as_deref() {
        None => "(no server name)",
        Some("") => "\"\" (an empty server name; --nameless asks for a hello without one)",
        Some(name) => name,
    };
    let from = it.from.as_deref().map(|from| format!(", from {from}"));
    let title = paint.bold(&printable(name));
    let about = format!(" {}{}", heading(&it.face), from.unwrap_or_default());
    let steps: String = it.steps.iter().map(|it| step(it, paint)).collect();
    format!("{title}{}\n{steps}{}", printable(&about), end(it, paint))
}

fn step(it: &StepJson, paint: Paint) -> String {
    let verdict = format!("{:<8}", printable(&it.verdict));
    let verdict = match &*it.verdict {
        "yes" | "passes" => paint.good(&verdict),
        "refuses" => paint.bad(&verdict),
        "unknown" => paint.doubtful(&verdict),
        _ => paint.dim(&verdict),
    };
    format!(
        "  {:<9} {verdict} {}\n",
        printable(&it.rule),
        printable(&it.says)
    )
}

fn end(it: &ExplanationJson, paint: Paint) -> String {
    let word = match &*it.outcome {
        "passed" => paint.good("passed on"),
        "refused" => paint.bad("refused"),
        _ => paint.doubtful("depends on who asks"),
    };
    let refused = [&it.reason, &it.answer].into_iter().flatten();
    let refused: Vec<&str> = refused.map(String::as_str).collect();
    let led = it.kind.iter().zip(&it.route).filter(|_| refused.is_empty());
    let led: String = led
        .map(|(kind, route)| format!(" to the {kind} {route}"))
        .collect();
    let why = match refused.is_empty() {
        true => led,
        false => format!(": {}", refused.join(", ")),
    };
    let ways = it.endpoints.iter().filter(|_| refused.is_empty());
    let ways: String = ways.map(|it| way(it, paint)).collect();
    format!("{word}{}\n{ways}", printable(&why))
}

fn way(it: &WayJson, paint: Paint) -> String {
    let rank = match it.tier {
        0 => "primary".to_owned(),
        tier => format!("backup {tier}"),
    };
    let mark = match it.active {
        Some(true) => "*",
        _ => " ",
    };
    let state = it.state.as_deref().map(printable).unwrap_or_default();
    let painted = match &*state {
        "up" => paint.good(&state),
        "down" => paint.bad(&state),
        _ => paint.doubtful(&state),
    };
    let line = format!("{mark} {rank:<9} {}  {painted}", printable(&it.endpoint));
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_reads_from_top_to_bottom() {
        let step = |rule: &str, verdict: &str, says: &str| StepJson {
            rule: rule.to_owned(),
            verdict: verdict.to_owned(),
            says: says.to_owned(),
        };
        let passed = ExplanationJson {
            face: "clients".to_owned(),
            name: Some("Currency.DC1".to_owned()),
            steps: vec![step("exact", "yes", "it is a name\u{1b}")],
            outcome: "passed".to_owned(),
            kind: Some("service".to_owned()),
            route: Some("currency".to_owned()),
            endpoints: vec![WayJson {
                tier: 0,
                endpoint: "127.0.0.1:7000".to_owned(),
                active: Some(true),
                state: Some("up".to_owned()),
            }],
            ..ExplanationJson::default()
        };
        assert_eq!(
            told(&passed, Paint::NONE),
            "Currency.DC1 for clients\n  exact     yes      it is a name\\u{1b}\n\
             passed on to the service currency\n* primary   127.0.0.1:7000  up\n"
        );
        let refused = ExplanationJson {
            face: "peers".to_owned(),
            from: Some("10.0.0.1".to_owned()),
            outcome: "refused".to_owned(),
            reason: Some("unknown_name".to_owned()),
            answer: Some("TLS alert 112 (unrecognized_name)".to_owned()),
            ..ExplanationJson::default()
        };
        assert_eq!(
            told(&refused, Paint::NONE),
            "(no server name) for gateways of other data centres, at peer_address, from 10.0.0.1\n\
             refused: unknown_name, TLS alert 112 (unrecognized_name)\n"
        );
    }
}
