//! Pools at a glance: who is active, since when and why, and how each endpoint is.

use super::document::{Document, PoolRates, Rates};
use super::feed::feed;
use super::line::line;
use super::out::{Paint, printable};
use super::units::{bytes, span};
use crate::admin::pools::{EndpointJson, EventJson, PoolJson, ServedJson, TierJson};

const HEAD: [&str; COLUMNS] = [
    "TIER", "ENDPOINT", "STATE", "FOR", "SESSIONS", "CONNECTS", "FAILURES", "NOTE",
];
const COLUMNS: usize = 8;
/// The column of [`HEAD`] that is painted.
const STATE: usize = 2;

/// Nothing is to be returned from, and nobody leaves by himself.
const FORCED: &str = "forced by an operator: the primary stays active, healthy or not, until it \
     has been healthy once";

/// Events that are shown of those that the process remembers.
const RECENT_SHOWN: usize = 8;

/// The process, its pools one after the other, and what happened last.
pub(super) fn table(document: &Document, rates: &Rates, paint: Paint) -> String {
    let pools = document.served().map(|it| pool(it, rates.of(it), paint));
    let mut parts = vec![head(document, rates, paint)];
    parts.extend(pools);
    if parts.len() == 1 {
        parts.push("no pools\n".to_owned());
    }
    if !document.recent.is_empty() {
        parts.push(recent(&document.recent, paint));
    }
    parts.join("\n")
}

fn head(document: &Document, rates: &Rates, paint: Paint) -> String {
    let place = document
        .datacenter
        .iter()
        .map(|it| format!(" of {}", printable(it)));
    let title = format!("{}{}", document.program(), place.collect::<String>());
    let state = match &*document.state {
        "live" => paint.good("live"),
        other => paint.doubtful(&printable(other)),
    };
    let rate = rates
        .accepted
        .map(|rate| format!(", {rate:.1} accepted a second"));
    let reloads = match document.generation {
        0 => String::new(),
        1 => ", 1 reload".to_owned(),
        reloads => format!(", {reloads} reloads"),
    };
    format!(
        "{}  {state} for {}{reloads}\n  connections {} of {}{}\n",
        paint.bold(&title),
        span(document.uptime_seconds),
        document.connections,
        document.connections_max,
        rate.unwrap_or_default()
    )
}

/// What happened last, the newest first.
fn recent(events: &[EventJson], paint: Paint) -> String {
    let lines = events.iter().take(RECENT_SHOWN);
    let lines = lines.map(|event| format!("  {}", line(event, paint)));
    format!(
        "{}\n{}",
        paint.bold("last events"),
        lines.collect::<String>()
    )
}

fn pool(served: &ServedJson, rates: Option<&PoolRates>, paint: Paint) -> String {
    let pool = &served.pool;
    let mut text = title(pool, paint);
    let mut say = |key: &str, value: String| text.push_str(&format!("  {key:<9} {value}\n"));
    say("active", active(pool, paint));
    if let Some(why) = last_move(pool) {
        say("why", why);
    }
    say("failback", failback(pool));
    say("traffic", traffic(served, rates));
    if pool.spilled > 0 {
        say(
            "spilled",
            format!("{} sessions outside the active tier", pool.spilled),
        );
    }
    if let Some(error) = &pool.state_file_error {
        let sentence = format!("a restart may forget decisions: {}", printable(error));
        say("warning", paint.state("down", &sentence));
    }
    if let Some(it) = &pool.feed {
        text.push_str(&feed(it, paint));
    }
    text.push_str(&endpoints(pool, paint));
    text
}

/// Connections and bytes, and what they come to a second.
fn traffic(served: &ServedJson, rates: Option<&PoolRates>) -> String {
    let rate = |text: String| format!(" ({text}/s)");
    let connects = rates.map(|it| rate(format!("{:.1}", it.connects)));
    let from_client = rates.map(|it| rate(bytes(it.from_client as u64)));
    let from_upstream = rates.map(|it| rate(bytes(it.from_upstream as u64)));
    format!(
        "{} {}{}, in {}{}, out {}{}",
        served.connections,
        match served.connections {
            1 => "connection",
            _ => "connections",
        },
        connects.unwrap_or_default(),
        bytes(served.from_client_bytes),
        from_client.unwrap_or_default(),
        bytes(served.from_upstream_bytes),
        from_upstream.unwrap_or_default(),
    )
}

fn title(pool: &PoolJson, paint: Paint) -> String {
    let labels = pool.labels.iter();
    let labels = labels.map(|(key, value)| format!(", {key} {value}"));
    let about = format!("{}{}", pool.kind, labels.collect::<String>());
    format!(
        "{}  ({})\n",
        paint.bold(&printable(&pool.name)),
        printable(&about)
    )
}

fn active(pool: &PoolJson, paint: Paint) -> String {
    let tier = pool.tiers.get(pool.active_tier);
    let names = tier.iter().flat_map(|tier| &tier.endpoints);
    let names: Vec<_> = names.map(|it| printable(&it.endpoint)).collect();
    let health = match tier.is_some_and(|tier| tier.healthy) {
        true => String::new(),
        false => format!(" {}", paint.state("down", "(not healthy)")),
    };
    format!(
        "{}: {}{health}, for {}, since {}",
        rank(pool.active_tier),
        names.join(", "),
        span(pool.active_seconds),
        pool.since
    )
}

/// Why the active tier is the one that it is.
fn last_move(pool: &PoolJson) -> Option<String> {
    let event = pool.last_move.as_ref()?;
    let from = event.from.iter().map(|from| format!(" from {from}"));
    let why = [&event.cause, &event.reason].into_iter().flatten();
    let why = why.map(|why| format!(": {why}"));
    let said = from.chain(why).collect::<String>();
    Some(printable(&format!("{}{said}", event.event)))
}

fn failback(pool: &PoolJson) -> String {
    let flaps = match pool.flaps {
        0 => String::new(),
        1 => ", 1 flap".to_owned(),
        flaps => format!(", {flaps} flaps"),
    };
    let hold_down = span(pool.hold_down_seconds);
    if pool.forced {
        return FORCED.to_owned();
    }
    match (pool.held, pool.hold_down_left_seconds) {
        (true, _) => "held by an operator's failover, until failback by command".to_owned(),
        (false, Some(left)) => format!("in {}: hold-down {hold_down}{flaps}", span(left)),
        (false, None) if pool.failback == "manual" => "by command only".to_owned(),
        (false, None) => format!("by itself: hold-down {hold_down}{flaps}"),
    }
}

fn endpoints(pool: &PoolJson, paint: Paint) -> String {
    let mut rows = vec![(String::new(), HEAD.map(str::to_owned))];
    for tier in &pool.tiers {
        let mark = match tier.tier == pool.active_tier {
            true => "*",
            false => "",
        };
        let row = |endpoint| (mark.to_owned(), row(tier, endpoint));
        rows.extend(tier.endpoints.iter().map(row));
    }
    let widths = widths(&rows);
    let lines = rows.iter().map(|(mark, row)| {
        let cells = row.iter().zip(widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| {
            let padded = format!("{cell:<width$}");
            match column {
                STATE => paint.state(cell, &padded),
                _ => padded,
            }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        format!("{mark:<2}{}\n", line.trim_end())
    });
    lines.collect()
}

fn widths(rows: &[(String, [String; COLUMNS])]) -> [usize; COLUMNS] {
    std::array::from_fn(|column| {
        let widths = rows.iter().map(|(_, row)| row[column].chars().count());
        widths.max().unwrap_or_default()
    })
}

fn row(tier: &TierJson, endpoint: &EndpointJson) -> [String; COLUMNS] {
    let sessions = match endpoint.max_connections {
        Some(max) => format!("{}/{max}", endpoint.connections),
        None => endpoint.connections.to_string(),
    };
    [
        rank(tier.tier),
        printable(&endpoint.endpoint),
        endpoint.state.clone(),
        endpoint
            .changed_seconds
            .map_or_else(|| "-".to_owned(), span),
        sessions,
        endpoint.connects.to_string(),
        endpoint.failures.to_string(),
        printable(&note(endpoint)),
    ]
}

/// What else is known of an endpoint: why it is out, what it was last asked, how it answered.
fn note(endpoint: &EndpointJson) -> String {
    let out = endpoint.maintenance.iter().cloned();
    let check = endpoint.last_check.iter().map(|check| {
        let ago = span(check.ago_seconds);
        match &check.error {
            Some(error) => format!("check {ago} ago: {error}"),
            None => format!("check {ago} ago: ok in {} ms", check.took_ms),
        }
    });
    let checked = endpoint.last_check.as_ref();
    let checked = checked.and_then(|check| check.error.as_ref());
    // What the check says already is not said twice.
    let failure = endpoint.last_failure.iter();
    let failure = failure.filter(|failure| Some(*failure) != checked);
    let failure = failure.map(|failure| format!("last dial: {failure}"));
    out.chain(check)
        .chain(failure)
        .collect::<Vec<_>>()
        .join("; ")
}

fn rank(tier: usize) -> String {
    match tier {
        0 => "primary".to_owned(),
        tier => format!("backup {tier}"),
    }
}
