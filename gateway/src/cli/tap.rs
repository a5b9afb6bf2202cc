//! `tap`: connections of the running gateway as they open and close.

use std::ops::ControlFlow;

use clap::Args;
use l4_failover::client::{ClientError, Connection, Out, Paint, Peer, printable, with_query};

use crate::tap::SightingJson;

/// What to watch. All conditions must hold.
#[derive(Clone, Debug, Args)]
pub(super) struct TapArgs {
    /// Only server names that match: * stands for any characters, ? for one.
    #[arg(long, value_name = "GLOB")]
    name: Option<String>,
    /// Only clients in this network, or of this address.
    #[arg(long, value_name = "CIDR")]
    source: Option<String>,
    /// Only ends of this phase, cause or reason, as the log has them: route, timeout, unknown_name.
    #[arg(long, value_name = "WORD")]
    outcome: Option<String>,
    /// Prints an object of JSON in each line.
    #[arg(long)]
    json: bool,
    /// Ends after so many lines; those that say what was dropped do not count.
    #[arg(short = 'c', long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    #[command(flatten)]
    pub(super) connection: Connection,
}

/// Goes on until so many were seen, or the process stops.
pub(super) async fn tap(args: &TapArgs, peer: &Peer, out: &mut Out<'_>) -> Result<(), ClientError> {
    let query = [
        ("name", args.name.as_deref()),
        ("source", args.source.as_deref()),
        ("outcome", args.outcome.as_deref()),
    ];
    let mut left = args.count.unwrap_or(u64::MAX);
    let path = with_query("/tap", &query);
    peer.follow(&path, |event| {
        let seen: SightingJson = peer.parsed(event.as_bytes())?;
        let said = match args.json {
            // As it came: a newer process may say more than is known here.
            true => format!("{event}\n"),
            false => line(&seen, out.paint()),
        };
        out.say(&said)?;
        left -= u64::from(seen.dropped.is_none());
        Ok(match left {
            0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
    })
    .await
}

/// One line for people: when, who, what for, where to and why, how it went.
fn line(it: &SightingJson, paint: Paint) -> String {
    if let Some(dropped) = it.dropped {
        let what = paint.doubtful("dropped");
        return format!(
            "{} {what} {dropped} events: this reader was too slow\n",
            printable(&it.time)
        );
    }
    let word = |word: &Option<String>| printable(word.as_deref().unwrap_or("-"));
    let what = match (&*it.event, it.cause.as_deref()) {
        ("open", _) => paint.good("open "),
        (_, Some("done")) => paint.dim("close"),
        (_, Some("upstream" | "timeout" | "resource" | "abandon")) => paint.bad("close"),
        _ => paint.doubtful("close"),
    };
    let (client, name) = (word(&it.client), paint.bold(&word(&it.sni)));
    let rest = match &*it.event {
        "open" => opened(it),
        _ => closed(it),
    };
    let time = printable(&it.time);
    format!("{time} {what} {client} {name}{}{rest}\n", decision(it))
}

/// Where it was led, and by which rule.
fn decision(it: &SightingJson) -> String {
    let (Some(route), Some(kind), Some(rule)) = (&it.route, &it.kind, &it.rule) else {
        return String::new();
    };
    let endpoint = it.endpoint.iter().map(|it| format!(" → {}", printable(it)));
    let address = it
        .upstream
        .iter()
        .filter(|at| Some(*at) != it.endpoint.as_ref());
    let address = address.map(|at| format!(" ({})", printable(at)));
    let led: String = endpoint.chain(address).collect();
    let (route, kind, rule) = (printable(route), printable(kind), printable(rule));
    format!("  {rule}: {kind} {route}{led}")
}

fn opened(it: &SightingJson) -> String {
    let spilled = it.spilled.then(|| "outside of the active tier".to_owned());
    let failed = it
        .failed_attempts
        .map(|failed| format!("after {failed} failed"));
    let hello = it.hello_ms.map(|took| format!("hello {took:.1} ms"));
    let dial = it.dial_ms.map(|took| format!("dial {took:.1} ms"));
    let said = [spilled, failed, hello, dial].into_iter().flatten();
    let said = said.collect::<Vec<_>>().join(", ");
    format!("  {said}")
}

fn closed(it: &SightingJson) -> String {
    let words = [&it.phase, &it.cause, &it.reason].into_iter().flatten();
    let mut words: Vec<&str> = words.map(String::as_str).collect();
    // `relay done done`, `relay client reset`.
    words.dedup();
    let bytes = it.from_client.zip(it.from_upstream);
    let bytes = bytes.map(|(from, to)| format!(", {from} bytes in, {to} out"));
    let lasted = it.duration_ms.map(|took| format!(", {took:.1} ms"));
    let error = it
        .error
        .as_deref()
        .map(|error| format!(": {}", printable(error)));
    let rest: String = [bytes, lasted, error].into_iter().flatten().collect();
    format!("  {}{rest}", printable(&words.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(event: serde_json::Value) -> String {
        line(&serde_json::from_value(event).unwrap(), Paint::NONE)
    }

    #[test]
    fn every_event_has_its_line() {
        let open = json!({
            "time": "2025-11-20T12:00:00.000Z", "event": "open", "id": "0a1b2c3d-4e",
            "listener": "listen", "client": "192.0.2.1:5000", "sni": "currency.dc1",
            "rule": "exact", "route": "currency", "kind": "service",
            "endpoint": "refdata:7000", "upstream": "127.0.0.1:7000", "spilled": true,
            "failed_attempts": 1, "hello_ms": 0.25, "dial_ms": 12.5,
        });
        assert_eq!(
            said(open),
            "2025-11-20T12:00:00.000Z open  192.0.2.1:5000 currency.dc1  exact: service currency → \
             refdata:7000 (127.0.0.1:7000)  outside of the active tier, after 1 failed, \
             hello 0.2 ms, dial 12.5 ms\n"
        );
        let close = json!({
            "time": "T", "event": "close", "client": "192.0.2.1:5000", "sni": "currency.dc1",
            "rule": "exact", "route": "currency", "kind": "service",
            "endpoint": "127.0.0.1:7000", "upstream": "127.0.0.1:7000",
            "phase": "relay", "cause": "done", "reason": "done",
            "from_client": 517, "from_upstream": 1448, "duration_ms": 20.04,
        });
        assert_eq!(
            said(close),
            "T close 192.0.2.1:5000 currency.dc1  exact: service currency → 127.0.0.1:7000  \
             relay done, 517 bytes in, 1448 out, 20.0 ms\n"
        );
        let refused = json!({
            "time": "T", "event": "close", "client": "192.0.2.1:5000",
            "phase": "route", "cause": "policy", "reason": "absent_name",
            "from_client": 200, "from_upstream": 0, "error": "no name\u{1b}[2J",
        });
        assert_eq!(
            said(refused),
            "T close 192.0.2.1:5000 -  route policy absent_name, 200 bytes in, 0 out: \
             no name\\u{1b}[2J\n"
        );
        let dropped = json!({"time": "T", "event": "dropped", "dropped": 7});
        assert_eq!(
            said(dropped),
            "T dropped 7 events: this reader was too slow\n"
        );
    }
}
