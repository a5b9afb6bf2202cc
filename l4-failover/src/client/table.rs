//! Pools at a glance: who is active, since when and why, and how each endpoint is.

use std::collections::BTreeMap;
use std::time::Duration;

use super::document::{Document, PoolRates, Rates};
use super::line::line;
use super::out::{Paint, printable};
use crate::admin::pools::{
    ConsumerJson, EndpointJson, EventJson, FeedJson, LineJson, PoolJson, ServedJson,
    SharedLoginJson, TierJson, UnfitJson,
};

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
/// Consumers of a feed that are shown of those that the process shows.
const CONSUMERS_SHOWN: usize = 10;

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
    if let Some(feed) = &pool.feed {
        text.push_str(&consumers(feed, paint));
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

fn bytes(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().iec().to_string()
}

/// Who consumes a feed, and which lines cannot carry them.
fn consumers(feed: &FeedJson, paint: Paint) -> String {
    let waiting = match feed.waiting {
        0 => String::new(),
        waiting => paint.state("down", &format!(", {waiting} without a line")),
    };
    let mut text = format!(
        "  consumers {}{waiting}{}\n",
        feed.consumers,
        standbys(feed, paint)
    );
    if let Some(login) = &feed.login {
        text.push_str(&shared_login(login, paint));
    }
    let of_all = feed.login.iter().flat_map(|login| &login.lines);
    let lines = feed.shown.iter().flat_map(|consumer| &consumer.lines);
    let lines = lines.chain(of_all);
    let mut failed: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in lines.filter(|line| line.stage == "failed") {
        let reason = line.reason.as_deref().unwrap_or_default();
        *failed.entry((&line.endpoint, reason)).or_default() += 1;
    }
    let mut say = |endpoint: &str, what: String, reason: &str| {
        let sentence = format!("{} {what}: {}", printable(endpoint), printable(reason));
        text.push_str(&format!("  line      {}\n", paint.state("down", &sentence)));
    };
    // Of more than are shown nothing else is known.
    let of = match feed.shown.len() < feed.consumers {
        true => format!(" of the first {}", feed.shown.len()),
        false => String::new(),
    };
    for ((endpoint, reason), count) in &failed {
        say(endpoint, format!("failed for {count}{of}"), reason);
    }
    let is_said = |unfit: &&UnfitJson| !failed.keys().any(|(it, _)| *it == unfit.endpoint);
    for unfit in feed.unfit.iter().filter(is_said) {
        let since = span(unfit.since_seconds);
        say(
            &unfit.endpoint,
            format!("cannot be joined, for {since}"),
            &unfit.reason,
        );
    }
    let shown = feed.shown.iter().take(CONSUMERS_SHOWN);
    let is_hot = feed.standby == "hot";
    text.extend(shown.map(|it| consumer(it, is_hot, paint)));
    match feed.consumers.saturating_sub(CONSUMERS_SHOWN) {
        0 => {}
        rest => text.push_str(&format!("  consumer  and {rest} more\n")),
    }
    text
}

/// How many consumers have a hot standby, and how many one that differs.
fn standbys(feed: &FeedJson, paint: Paint) -> String {
    let standing_by = match feed.standby == "hot" {
        true => format!(", {} with a hot standby", feed.standing_by),
        false => String::new(),
    };
    let diverged = match feed.diverged {
        0 => String::new(),
        diverged => paint.state("down", &format!(", {diverged} with a line that diverged")),
    };
    format!("{standing_by}{diverged}")
}

/// The one login of all consumers, and what is kept for them.
fn shared_login(it: &SharedLoginJson, paint: Paint) -> String {
    let session = it.session.as_deref().map(printable);
    let session = session.unwrap_or_else(|| paint.state("down", "no session"));
    let waiting = it.waiting_seconds.map_or_else(String::new, |waiting| {
        let sentence = format!("without a line for {}", span(waiting));
        format!(", {}", paint.state("down", &sentence))
    });
    let line = it
        .line
        .as_deref()
        .map(|line| format!(", on {}", printable(line)));
    let history = it.history.map(|kept| {
        let (next, first) = (kept.next, kept.first);
        let size = bytes(kept.bytes as u64);
        format!(
            ", next {next}; history from {first}, {size}, at most {} behind",
            it.lag_max
        )
    });
    let catching_up = match it.catching_up {
        0 => String::new(),
        count => format!(", {count} catching up"),
    };
    format!(
        "  login     one for all: {session}{}{waiting}{}{catching_up}\n",
        line.unwrap_or_default(),
        history.unwrap_or_default()
    )
}

/// One consumer of a feed, the line that it is on, and under hot standby where each of them stands.
fn consumer(it: &ConsumerJson, is_hot: bool, paint: Paint) -> String {
    let session = it.session.as_deref().map(printable);
    let session = session.unwrap_or_else(|| "no session yet".to_owned());
    let next = it.next.map(|next| format!(", next {next}"));
    let waiting = it.waiting_seconds.map_or_else(String::new, |waiting| {
        let sentence = format!("without a line for {}", span(waiting));
        format!(", {}", paint.state("down", &sentence))
    });
    let line = it.line.as_deref().map(|line| {
        let doubt = match it.verified {
            true => "",
            false => ", not verified",
        };
        format!(", on {}{doubt}", printable(line))
    });
    let lines = it
        .lines
        .iter()
        .filter(|line| is_hot || line.diverged.is_some());
    let lines = lines.filter(|line| line.stage != "failed");
    let user = it
        .user
        .as_deref()
        .map(|user| format!(" {}", printable(user)));
    let lag = it.lag.filter(|lag| *lag > 0);
    let lag = lag.map(|lag| format!(", {lag} behind"));
    let catching_up = match it.catching_up {
        Some(true) => ", catching up by a line of its own",
        Some(false) | None => "",
    };
    format!(
        "  consumer  {}{}: {session}{}{}{}{catching_up}{waiting}\n{}",
        it.address,
        user.unwrap_or_default(),
        next.unwrap_or_default(),
        line.unwrap_or_default(),
        lag.unwrap_or_default(),
        lines.map(|line| standing(line, paint)).collect::<String>()
    )
}

/// Where a line of a consumer stands.
fn standing(line: &LineJson, paint: Paint) -> String {
    let (endpoint, stage) = (printable(&line.endpoint), printable(&line.stage));
    if let Some(number) = line.diverged {
        let sentence = format!("{endpoint} diverged at message {number}");
        return format!("            {}\n", paint.state("down", &sentence));
    }
    let next = line.next.map(|next| format!(", next {next}"));
    let lag = line.lag.filter(|lag| *lag > 0);
    let lag = lag.map(|lag| format!(", {lag} behind"));
    let doubt = match line.verified {
        true => "",
        false => ", not verified",
    };
    format!(
        "            {endpoint} {stage}{}{}{doubt}\n",
        next.unwrap_or_default(),
        lag.unwrap_or_default()
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

/// A time in at most two units: `3m 12s`.
pub(super) fn span(seconds: f64) -> String {
    let whole = Duration::try_from_secs_f64(seconds.trunc()).unwrap_or_default();
    let words = humantime::format_duration(whole).to_string();
    words.split(' ').take(2).collect::<Vec<_>>().join(" ")
}
