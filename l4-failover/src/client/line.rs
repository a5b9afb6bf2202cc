//! An event in one line, for people.

use super::out::{Paint, printable};
use super::units::span;
use crate::admin::pools::EventJson;

/// `event` in one line: when, whose, what, from where to where, why.
pub(super) fn line(event: &EventJson, paint: Paint) -> String {
    let what = paint.state(&event.event, &event.event);
    let line = format!("{} {} {what}", event.time, printable(&event.pool));
    format!("{line}{}\n", rest(event, paint))
}

fn rest(event: &EventJson, paint: Paint) -> String {
    if let Some(missed) = event.missed {
        return format!(" {missed} events: this listener was too slow");
    }
    if LINE_EVENTS.contains(&&*event.event) {
        return feed(event);
    }
    if let Some(forced) = event.forced {
        return format!(" {}", self::forced(event, forced));
    }
    let endpoint = event
        .endpoint
        .iter()
        .map(|it| format!(" {}", printable(it)));
    let mut rest: String = endpoint.collect();
    if let Some(healthy) = event.healthy {
        let what = match healthy {
            true => "its checks are good again",
            false => "its checks fail",
        };
        rest.push_str(&format!(" stays in maintenance, {what}{}", why(event)));
        return rest;
    }
    if let (Some(from), Some(to)) = (&event.from, &event.to) {
        let (from, to) = (printable(from), printable(to));
        rest.push_str(&format!(
            " {} → {}",
            paint.state(&from, &from),
            paint.state(&to, &to)
        ));
    }
    rest.push_str(&why(event));
    if let Some(since) = event.since_last_seconds {
        rest.push_str(&format!(" ({} after the last move)", span(since)));
    }
    rest
}

/// What happens to the lines of a feed: of one consumer, or of the login that all share.
const LINE_EVENTS: [&str; 11] = [
    "line_down",
    "line_lost",
    "line_joined",
    "line_standby",
    "line_verified",
    "line_unverified",
    "line_diverged",
    "truncated",
    "gap",
    "unsequenced_dropped",
    "end_of_session",
];

fn feed(event: &EventJson) -> String {
    let of = event.consumer.map(|consumer| format!(" of {consumer}"));
    let of = of.unwrap_or_default();
    let line = event.endpoint.as_deref().map(printable);
    let line = match (event.from.as_deref().map(printable), line) {
        (Some(from), Some(to)) => format!(" {from} → {to}"),
        (None, Some(line)) => format!(" {line}"),
        (_, None) => String::new(),
    };
    let at = event.sequence.map(|it| format!(" at message {it}"));
    let unverified = match event.verified {
        Some(false) => ", not verified",
        Some(true) | None => "",
    };
    let took = event.took_ms.as_ref().map(|took| {
        let total = took.detect + took.connect + took.login + took.catch_up;
        format!(" ({total:.1} ms)")
    });
    let (at, took) = (at.unwrap_or_default(), took.unwrap_or_default());
    format!("{line}{of}{at}{unverified}{}{took}", why(event))
}

fn forced(event: &EventJson, holds: bool) -> String {
    let tier = printable(event.to.as_deref().unwrap_or_default());
    match holds {
        true => format!(
            "{tier} stays active until it has been healthy once{}",
            why(event)
        ),
        false => format!("{tier} no longer"),
    }
}

fn why(event: &EventJson) -> String {
    let why = [&event.cause, &event.reason].into_iter().flatten();
    why.map(|why| format!(": {}", printable(why))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_kind_of_event_has_its_line() {
        for (event, expected) in [
            (
                json!({
                    "event": "failover", "cause": "unhealthy", "from": "a:1", "to": "b:1, c:1",
                    "from_tier": 0, "to_tier": 1, "since_last_seconds": 72.5,
                    "reason": "Connection refused\u{7}",
                }),
                "failover a:1 → b:1, c:1: unhealthy: Connection refused\\u{7} \
                 (1m 12s after the last move)",
            ),
            (
                json!({"event": "endpoint", "endpoint": "a:1", "from": "down", "to": "up"}),
                "endpoint a:1 down → up",
            ),
            (
                json!({
                    "event": "endpoint", "endpoint": "a:1", "from": "up", "to": "maintenance",
                    "reason": "a new disk",
                }),
                "endpoint a:1 up → maintenance: a new disk",
            ),
            (
                json!({
                    "event": "forced", "forced": true, "to": "a:1", "to_tier": 0,
                    "reason": "connection refused",
                }),
                "forced a:1 stays active until it has been healthy once: connection refused",
            ),
            (
                json!({"event": "forced", "forced": false, "to": "a:1", "to_tier": 0}),
                "forced a:1 no longer",
            ),
            (
                json!({
                    "event": "endpoint", "endpoint": "a:1", "from": "maintenance",
                    "to": "maintenance", "healthy": false, "reason": "connection refused",
                }),
                "endpoint a:1 stays in maintenance, its checks fail: connection refused",
            ),
            (
                json!({
                    "event": "line_lost", "consumer": "127.0.0.1:5", "endpoint": "a:1",
                    "sequence": 17, "cause": "closed", "reason": "closed by the server",
                }),
                "line_lost a:1 of 127.0.0.1:5 at message 17: closed: closed by the server",
            ),
            (
                json!({
                    "event": "line_joined", "consumer": "127.0.0.1:5", "endpoint": "b:1",
                    "from": "a:1", "sequence": 17, "cause": "failover", "verified": false,
                    "took_ms": {"detect": 0.5, "connect": 0.25, "login": 1.0, "catch_up": 0.25},
                }),
                "line_joined a:1 → b:1 of 127.0.0.1:5 at message 17, not verified: failover \
                 (2.0 ms)",
            ),
            (
                json!({
                    "event": "line_standby", "consumer": "127.0.0.1:5", "endpoint": "b:1",
                    "sequence": 17, "verified": true,
                }),
                "line_standby b:1 of 127.0.0.1:5 at message 17",
            ),
            (
                json!({
                    "event": "line_diverged", "consumer": "127.0.0.1:5", "endpoint": "b:1",
                    "sequence": 17, "reason": "its message 17 is not the one that the consumer has",
                }),
                "line_diverged b:1 of 127.0.0.1:5 at message 17: its message 17 is not the one that \
                 the consumer has",
            ),
            (
                json!({"event": "line_lost", "endpoint": "a:1", "sequence": 17, "cause": "closed"}),
                "line_lost a:1 at message 17: closed",
            ),
            (
                json!({"event": "missed", "missed": 7}),
                "missed 7 events: this listener was too slow",
            ),
        ] {
            let mut whole =
                json!({"time": "2025-11-20T12:00:00.000Z", "pool": "feed", "kind": "port"});
            let fields = event.as_object().unwrap().clone();
            whole.as_object_mut().unwrap().extend(fields);
            let event: EventJson = serde_json::from_value(whole).unwrap();
            let expected = format!("2025-11-20T12:00:00.000Z feed {expected}\n");
            assert_eq!(line(&event, Paint::NONE), expected);
        }
    }
}
