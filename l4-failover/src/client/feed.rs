//! A feed at a glance: who consumes it, by which lines, and which of them cannot carry anybody.

use std::collections::BTreeMap;

use super::out::{Paint, printable};
use super::units::{bytes, span};
use crate::admin::pools::{
    ConsumerJson, FeedJson, LineJson, ProgressJson, SharedLoginJson, UnfitJson,
};

/// Consumers that are shown of those that the process shows.
const CONSUMERS_SHOWN: usize = 10;

/// Who consumes a feed, and which lines cannot carry them.
pub(super) fn feed(feed: &FeedJson, paint: Paint) -> String {
    let mut text = summary(feed, paint);
    if let Some(login) = &feed.login {
        text.push_str(&shared_login(login, paint));
    }
    text.push_str(&lines(feed, paint));
    let shown = feed.shown.iter().take(CONSUMERS_SHOWN);
    let is_hot = feed.standby == "hot";
    text.extend(shown.map(|it| consumer(it, is_hot, paint)));
    match feed.consumers.saturating_sub(CONSUMERS_SHOWN) {
        0 => {}
        rest => text.push_str(&format!("  consumer  and {rest} more\n")),
    }
    text
}

/// How many consumers there are, how many wait, have a hot standby, and one that differs.
fn summary(feed: &FeedJson, paint: Paint) -> String {
    let waiting = match feed.waiting {
        0 => String::new(),
        waiting => paint.state("down", &format!(", {waiting} without a line")),
    };
    let standing_by = match feed.standby == "hot" {
        true => format!(", {} with a hot standby", feed.standing_by),
        false => String::new(),
    };
    let diverged = match feed.diverged {
        0 => String::new(),
        diverged => paint.state("down", &format!(", {diverged} with a line that diverged")),
    };
    let count = feed.consumers;
    format!("  consumers {count}{waiting}{standing_by}{diverged}\n")
}

/// The endpoints whose lines failed, and those that cannot be joined.
fn lines(feed: &FeedJson, paint: Paint) -> String {
    let say = |endpoint: &str, what: &str, reason: &str| {
        let sentence = format!("{} {what}: {}", printable(endpoint), printable(reason));
        format!("  line      {}\n", paint.state("down", &sentence))
    };
    let failed = failed(feed);
    // Of more than are shown nothing else is known.
    let of = match feed.shown.len() < feed.consumers {
        true => format!(" of the first {}", feed.shown.len()),
        false => String::new(),
    };
    let of_consumers = failed.iter().map(|((endpoint, reason), count)| {
        let what = format!("failed for {count}{of}");
        say(endpoint, &what, reason)
    });
    let is_said = |unfit: &&UnfitJson| !failed.keys().any(|(it, _)| *it == unfit.endpoint);
    let of_all = feed.unfit.iter().filter(is_said).map(|unfit| {
        let what = format!("cannot be joined, for {}", span(unfit.since_seconds));
        say(&unfit.endpoint, &what, &unfit.reason)
    });
    of_consumers.chain(of_all).collect()
}

/// Endpoints whose last line failed, why, and for how many.
fn failed(feed: &FeedJson) -> BTreeMap<(&str, &str), usize> {
    let of_all = feed.login.iter().map(|login| &login.progress);
    let of_each = feed.shown.iter().map(|consumer| &consumer.progress);
    let lines = of_each.chain(of_all).flat_map(|it| &it.lines);
    let mut failed = BTreeMap::new();
    for line in lines.filter(|line| line.stage == "failed") {
        let reason = line.reason.as_deref().unwrap_or_default();
        *failed.entry((&*line.endpoint, reason)).or_default() += 1;
    }
    failed
}

/// The one login of all consumers, and what is kept for them.
fn shared_login(it: &SharedLoginJson, paint: Paint) -> String {
    let session = it.progress.session.as_deref().map(printable);
    let session = session.unwrap_or_else(|| paint.state("down", "no session"));
    let (line, waiting) = (line(&it.progress), waiting(&it.progress, paint));
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
        "  login     one for all: {session}{line}{waiting}{}{catching_up}\n",
        history.unwrap_or_default()
    )
}

/// One consumer of a feed, the line that it is on, and under hot standby where each of them stands.
fn consumer(it: &ConsumerJson, is_hot: bool, paint: Paint) -> String {
    let progress = &it.progress;
    let session = progress.session.as_deref().map(printable);
    let session = session.unwrap_or_else(|| "no session yet".to_owned());
    let next = progress.next.map(|next| format!(", next {next}"));
    let user = it
        .user
        .as_deref()
        .map(|user| format!(" {}", printable(user)));
    let catching_up = match it.catching_up {
        Some(true) => ", catching up by a line of its own",
        Some(false) | None => "",
    };
    let lines = progress.lines.iter();
    let lines = lines.filter(|line| is_hot || line.diverged.is_some());
    let lines = lines.filter(|line| line.stage != "failed");
    format!(
        "  consumer  {}{}: {session}{}{}{}{catching_up}{}\n{}",
        it.address,
        user.unwrap_or_default(),
        next.unwrap_or_default(),
        line(progress),
        behind(it.lag),
        waiting(progress, paint),
        lines.map(|line| standing(line, paint)).collect::<String>()
    )
}

/// The line that messages come from.
fn line(it: &ProgressJson) -> String {
    let line = it.line.as_deref();
    line.map_or_else(String::new, |line| {
        format!(", on {}{}", printable(line), doubt(it.verified))
    })
}

/// How long there has been none.
fn waiting(it: &ProgressJson, paint: Paint) -> String {
    it.waiting_seconds.map_or_else(String::new, |waiting| {
        let sentence = format!("without a line for {}", span(waiting));
        format!(", {}", paint.state("down", &sentence))
    })
}

/// Where a line of a consumer stands.
fn standing(line: &LineJson, paint: Paint) -> String {
    let (endpoint, stage) = (printable(&line.endpoint), printable(&line.stage));
    if let Some(number) = line.diverged {
        let sentence = format!("{endpoint} diverged at message {number}");
        return format!("            {}\n", paint.state("down", &sentence));
    }
    let next = line.next.map(|next| format!(", next {next}"));
    format!(
        "            {endpoint} {stage}{}{}{}\n",
        next.unwrap_or_default(),
        behind(line.lag),
        doubt(line.verified)
    )
}

fn behind(lag: Option<u64>) -> String {
    let lag = lag.filter(|lag| *lag > 0);
    lag.map_or_else(String::new, |lag| format!(", {lag} behind"))
}

fn doubt(is_verified: bool) -> &'static str {
    match is_verified {
        true => "",
        false => ", not verified",
    }
}
