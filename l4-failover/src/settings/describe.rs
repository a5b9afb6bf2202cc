//! Settings in words, for whoever checks a file before it is loaded.

use super::feed::FeedWords;
use super::{Inbound, Port, Protocol, Settings};
use crate::choice::{Failback, Policy};
use crate::config::PolicyWords;
use crate::pool::{EndpointOptions, PoolOptions};
use crate::probe::{CheckOptions, HttpProbe, Probe, SoupBinProbe};
use crate::soupbin::bridge::FeedOptions;
use crate::soupbin::fanout::{FanoutOptions, HistoryLimits};
use crate::soupbin::join::{JoinOptions, LineOptions, Standby};
use bytesize::ByteSize;
use humantime::format_duration;
use std::fmt::{Display, Write};
use std::time::Duration;

/// What `settings` do: a block of lines for each port and each inbound, in the order of the file.
///
/// ```
/// use l4_failover::settings::{Settings, describe};
///
/// let settings = Settings::parse("l4-failover.toml", r#"
///     [[port]]
///     name = "itch-feed"
///     listen = "127.0.0.1:19100"
///     primary = ["127.0.0.1:9000"]
///     backup = ["127.0.0.1:9001"]
/// "#)?;
/// assert_eq!(describe(&settings), "\
/// port itch-feed on 127.0.0.1:19100, tcp
///   primary    127.0.0.1:9000
///   backup 1   127.0.0.1:9001
///   dial       any, 1s each, 5s in all; try when none is healthy
///   failback   auto, after 30s, doubling with each flap within 1h up to 10m
///   sessions   keep on failover, keep on failback, keep on endpoint down
///   check      tcp, every 5s, in doubt every 1s, 1s each; rise 3, fall 3
/// ");
/// # Ok::<(), l4_failover::config::Diagnostics>(())
/// ```
pub fn describe(settings: &Settings) -> String {
    let ports = settings.ports.iter().map(port);
    let inbounds = settings.inbounds.iter().map(inbound);
    ports.chain(inbounds).collect::<Vec<_>>().join("\n")
}

/// Lines under a headline, each with its subject in a column of its own.
struct Block(String);

impl Block {
    fn new(headline: impl Display) -> Self {
        Self(format!("{headline}\n"))
    }

    fn line(&mut self, subject: impl Display, says: impl Display) {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "  {:10} {says}", subject.to_string());
    }
}

fn port(port: &Port) -> String {
    let (name, address) = (&port.name, port.listen.address);
    let (protocol, feed) = match &port.protocol {
        Protocol::Tcp => ("tcp", None),
        Protocol::SoupBinTcp(feed) => ("soupbintcp", Some(&**feed)),
    };
    let mut block = Block::new(format_args!("port {name} on {address}, {protocol}"));
    tiers(&mut block, &port.pool, feed);
    policy(&mut block, &port.pool);
    match feed {
        Some(feed) => carried(&mut block, feed, &port.pool),
        None => block.line("sessions", sessions(&port.pool.policy)),
    }
    block.line("check", check(&port.pool));
    if let Some(file) = &port.pool.state_file {
        block.line("state", file.display());
    }
    block.0
}

fn tiers(block: &mut Block, pool: &PoolOptions, feed: Option<&FeedOptions>) {
    let words = PolicyWords::of(&pool.policy);
    for (nth, tier) in pool.tiers.iter().enumerate() {
        let endpoints: Vec<_> = tier.iter().map(|it| endpoint(it, feed)).collect();
        let balance = match tier.len() {
            1 => String::new(),
            _ => format!(
                "; {}{}",
                words.balance,
                ramp("slow start", pool.policy.slow_start)
            ),
        };
        let subject = match nth {
            0 => "primary".to_owned(),
            nth => format!("backup {nth}"),
        };
        block.line(subject, format_args!("{}{balance}", endpoints.join(", ")));
    }
}

fn endpoint(endpoint: &EndpointOptions, feed: Option<&FeedOptions>) -> String {
    let tls = endpoint.tls.as_ref();
    let tls = tls.map(|tls| format!("tls {}", tls.server_name));
    let weight = (endpoint.weight != 1).then(|| format!("weight {}", endpoint.weight));
    let most = endpoint
        .max_connections
        .map(|most| format!("at most {most} connections"));
    let line = feed.map(|feed| line(feed, &endpoint.name()));
    let more: Vec<_> = [tls, weight, most]
        .into_iter()
        .flatten()
        .chain(line.into_iter().flatten())
        .collect();
    match more.is_empty() {
        true => endpoint.target.to_string(),
        false => format!("{} ({})", endpoint.target, more.join(", ")),
    }
}

fn policy(block: &mut Block, pool: &PoolOptions) {
    let (policy, words) = (&pool.policy, PolicyWords::of(&pool.policy));
    let (attempt, total) = (time(pool.dial.attempt), time(pool.dial.total));
    let none_healthy = words.when_none_healthy;
    let dial = words.dial;
    block.line(
        "dial",
        format_args!("{dial}, {attempt} each, {total} in all; {none_healthy} when none is healthy"),
    );
    block.line("failback", failback(policy));
}

fn sessions(policy: &Policy) -> String {
    let words = PolicyWords::of(policy);
    format!(
        "{} on failover, {} on failback, {} on endpoint down{}",
        words.on_failover,
        words.on_failback,
        words.on_endpoint_down,
        drain(policy)
    )
}

/// How the consumers of a feed are carried.
fn carried(block: &mut Block, feed: &FeedOptions, pool: &PoolOptions) {
    let (join, words) = (&feed.join, FeedWords::of(&feed.join));
    let silence = time(feed.other_lines.silence);
    let catch_up = time(join.catch_up);
    block.line(
        "lines",
        format_args!(
            "{}; silent for {silence}, caught up in {catch_up}",
            standby(join, pool)
        ),
    );
    let (unverified, gap) = (words.on_unverified, words.on_gap);
    let outage = time(join.max_outage);
    block.line(
        "joining",
        format_args!("{unverified} unverified lines, {gap} on a gap, {outage} without a line"),
    );
    let (login, silence) = (time(join.login_wait), time(join.consumer_silence));
    let stall = time(feed.stall);
    block.line(
        "consumers",
        format_args!("login in {login}, silent for {silence}, stalled for {stall}"),
    );
    if let Some(fanout) = &feed.fanout {
        return shared(block, feed, fanout);
    }
    let sent = words.unsequenced;
    let got = takers(feed);
    block.line(
        "unnumbered",
        format_args!("{sent} from consumers; to {got}"),
    );
}

/// Which lines are logged in, and what becomes of two that differ.
fn standby(join: &JoinOptions, pool: &PoolOptions) -> String {
    if join.standby == Standby::Cold {
        return "cold standby".to_owned();
    }
    let nobody = match pool.tiers.iter().flatten().count() {
        0 | 1 => " (of one target, so that there is none)",
        _ => "",
    };
    format!(
        "hot standby{nobody}, {} on a mismatch, compared over {}",
        FeedWords::of(join).on_mismatch,
        ByteSize(join.skew as u64).display().iec()
    )
}

/// How those are served that have one login.
fn shared(block: &mut Block, feed: &FeedOptions, fanout: &FanoutOptions) {
    let names: Vec<_> = fanout.consumers.iter().map(|it| it.username()).collect();
    block.line("login", format_args!("one for {}", names.join(", ")));
    let HistoryLimits { bytes, messages } = fanout.history;
    let size = bytesize::ByteSize(bytes as u64).display().iec();
    block.line("history", format_args!("{size}, {messages} messages"));
    let got = takers(feed);
    block.line(
        "unnumbered",
        format_args!("dropped from consumers; to {got}"),
    );
}

fn takers(feed: &FeedOptions) -> &'static str {
    match feed.join.server_unsequenced {
        true => "all consumers",
        false => "consumers with a login of version 4.1",
    }
}

/// What is said of one line alone.
fn line(feed: &FeedOptions, endpoint: &str) -> Vec<String> {
    let LineOptions {
        credentials,
        heartbeat_timeout,
        silence,
    } = feed.line(endpoint);
    let user = credentials.map(|who| format!("as {}", who.username()));
    let version = heartbeat_timeout.map(|_| "version 4.1".to_owned());
    let own = silence != feed.other_lines.silence;
    let silence = own.then(|| format!("silent for {}", time(silence)));
    [user, version, silence].into_iter().flatten().collect()
}

fn failback(policy: &Policy) -> String {
    let ramp = ramp("ramp", policy.failback_ramp);
    match policy.failback {
        Failback::Manual => format!("manual{ramp}"),
        Failback::Auto => format!(
            "auto, after {}, doubling with each flap within {} up to {}{ramp}",
            time(policy.hold_down),
            time(policy.flap_window),
            time(policy.hold_down_max.max(policy.hold_down)),
        ),
    }
}

fn drain(policy: &Policy) -> String {
    let left = [
        policy.on_failover,
        policy.on_failback,
        policy.on_endpoint_down,
    ];
    match left.contains(&crate::choice::Sessions::Drain) {
        true => format!("; drained over {}", time(policy.drain_timeout)),
        false => String::new(),
    }
}

fn ramp(what: &str, over: Option<Duration>) -> String {
    over.map_or(String::new(), |over| format!(", {what} {}", time(over)))
}

fn check(pool: &PoolOptions) -> String {
    let check = &pool.check;
    let asked = asked(pool);
    if check.probe == Some(Probe::None) {
        return format!("{asked}; fall {}", check.fall);
    }
    let port = check
        .port
        .map_or(String::new(), |port| format!(" on port {port}"));
    let tls = check.tls.as_ref();
    let name = tls.map_or(String::new(), |tls| format!(" as {}", tls.server_name));
    format!("{asked}{port}{name}, {}", pace(check))
}

fn pace(check: &CheckOptions) -> String {
    format!(
        "every {}, in doubt every {}, {} each; rise {}, fall {}",
        time(check.interval),
        time(check.fast_interval),
        time(check.timeout),
        check.rise,
        check.fall
    )
}

fn asked(pool: &PoolOptions) -> String {
    let mut endpoints = pool.tiers.iter().flatten();
    match &pool.check.probe {
        Some(Probe::None) => "none".to_owned(),
        Some(Probe::Tcp) => "tcp".to_owned(),
        Some(Probe::Tls) => "tls".to_owned(),
        Some(Probe::Http(http)) => http_asked(http),
        Some(Probe::SoupBinTcp(login)) => login_asked(login),
        None if endpoints.clone().all(|it| it.tls.is_none()) => "tcp".to_owned(),
        None if endpoints.all(|it| it.tls.is_some()) => "tls".to_owned(),
        None => "tls where there is a server name, tcp elsewhere".to_owned(),
    }
}

fn login_asked(login: &SoupBinProbe) -> String {
    let session = match login.session.is_blank() {
        true => "any session".to_owned(),
        false => format!("session {}", login.session),
    };
    format!(
        "soupbintcp login as {} to {session}",
        login.credentials.username()
    )
}

fn http_asked(http: &HttpProbe) -> String {
    let status = |range: &std::ops::RangeInclusive<u16>| match (range.start(), range.end()) {
        (low, high) if low == high => low.to_string(),
        (low, high) => format!("{low}-{high}"),
    };
    let statuses: Vec<_> = http.status.iter().map(status).collect();
    let body = http.body.as_ref();
    let body = body.map_or(String::new(), |body| format!(" with {body:?}"));
    format!(
        "http GET {} answers {}{body}",
        http.path,
        statuses.join(" or ")
    )
}

fn inbound(inbound: &Inbound) -> String {
    let (name, address) = (&inbound.name, inbound.listen.address);
    let mut block = Block::new(format_args!("inbound {name} on {address}, tls"));
    let tls = &inbound.tls;
    block.line("target", &inbound.target);
    let allow: Vec<_> = tls.allow.iter().map(ToString::to_string).collect();
    block.line("allow", allow.join(", "));
    block.line("authority", tls.ca.display());
    if let Some(file) = &tls.crl_file {
        block.line("revoked", file.display());
    }
    block.line(
        "handshake",
        format_args!("{} at most", time(inbound.handshake_timeout)),
    );
    block.0
}

fn time(time: Duration) -> impl Display {
    format_duration(time)
}
