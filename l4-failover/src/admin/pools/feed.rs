//! The consumers of a feed at one moment, in JSON.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::fanout::SharedLoginJson;
use super::json::seconds;
use super::progress::ProgressJson;
use crate::soupbin::bridge::{ConsumerState, SharedFeed, Unfit, Watched};
use crate::soupbin::fanout::Fanout;
use crate::soupbin::join::Standby;

/// Consumers that are shown; of more only the number is said.
const CONSUMERS_MAX: usize = 100;

/// Who consumes a feed, and by which lines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FeedJson {
    /// How many consumers are connected.
    pub consumers: usize,
    /// How many of them are logged in and have no line now.
    pub waiting: usize,
    /// What becomes of lines that nobody is on: `cold` or `hot`.
    #[serde(default)]
    pub standby: String,
    /// Under `hot`: how many of the consumers have another line beside their own.
    #[serde(default)]
    pub standing_by: usize,
    /// How many of the consumers have an endpoint that is out because it carries another message.
    #[serde(default)]
    pub diverged: usize,
    /// The first hundred of them, those without a line first, and then those with one that diverged.
    pub shown: Vec<ConsumerJson>,
    /// Endpoints that answered and whose lines could not be joined, until one is.
    #[serde(default)]
    pub unfit: Vec<UnfitJson>,
    /// The one login of all of them, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<SharedLoginJson>,
}

/// An endpoint that could not be joined, though a check may find it well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnfitJson {
    /// The endpoint's name.
    pub endpoint: String,
    /// Why, in one word, such as `other_session` or `mismatch`.
    pub fault: String,
    /// The same in a sentence.
    pub reason: String,
    /// Since when no line to it was joined.
    pub since_seconds: f64,
    /// How many lines have failed so since then.
    pub lines: u64,
}

/// One consumer of a feed. What does not apply is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConsumerJson {
    /// The id of its connection.
    pub id: String,
    /// Its address.
    pub address: SocketAddr,
    /// How far it is, and by which lines.
    #[serde(flatten)]
    pub progress: ProgressJson,
    /// With one login for many: its username.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Likewise: how many of the messages that are there it has not been given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag: Option<u64>,
    /// Likewise: whether it gets, by a line of its own, what is older than the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catching_up: Option<bool>,
}

impl FeedJson {
    /// The feed at this moment; `fanout` is its one login, if it has one.
    #[must_use]
    pub fn of(feed: &SharedFeed, fanout: Option<&Fanout>) -> Self {
        let status = fanout.map(Fanout::status);
        let end = status.as_ref().and_then(|it| it.history).map(|it| it.next);
        let consumers = feed.consumers();
        let lag = |it: &Arc<Watched>| Some(end?.saturating_sub(it.next()?));
        let lag_max = consumers.iter().filter_map(lag).max().unwrap_or(0);
        let mut shown: Vec<_> = consumers.iter().map(|it| (it, it.state())).collect();
        let count = |is_it: fn(&ConsumerState) -> bool| {
            let states = shown.iter().map(|(_, state)| state);
            states.filter(|state| is_it(state)).count()
        };
        let waiting = count(|it| it.waiting_since.is_some());
        let standing_by = count(|it| it.standby().is_some());
        let diverged = count(ConsumerState::has_diverged);
        shown.sort_by_key(|(consumer, state)| {
            let is_well = (state.waiting_since.is_none(), !state.has_diverged());
            (is_well, consumer.id)
        });
        shown.truncate(CONSUMERS_MAX);
        let shown = shown.iter().map(|(it, state)| ConsumerJson {
            lag: lag(it),
            ..ConsumerJson::of(it, state)
        });
        let login = status.map(|status| SharedLoginJson::of(&status, lag_max));
        // Without its line, all who share it wait.
        let all_wait = login
            .as_ref()
            .is_some_and(|it| it.progress.waiting_seconds.is_some());
        Self {
            consumers: consumers.len(),
            waiting: if all_wait { consumers.len() } else { waiting },
            standby: standby(feed).to_owned(),
            standing_by,
            diverged,
            shown: shown.collect(),
            unfit: feed.unfit().iter().map(UnfitJson::of).collect(),
            login,
        }
    }
}

fn standby(feed: &SharedFeed) -> &'static str {
    match feed.options().join.standby {
        Standby::Cold => "cold",
        Standby::Hot => "hot",
    }
}

impl UnfitJson {
    fn of(unfit: &Unfit) -> Self {
        Self {
            endpoint: unfit.endpoint.to_string(),
            fault: unfit.fault.0.to_owned(),
            reason: unfit.fault.1.clone(),
            since_seconds: seconds(unfit.since.elapsed()),
            lines: unfit.lines,
        }
    }
}

impl ConsumerJson {
    fn of(consumer: &Watched, state: &ConsumerState) -> Self {
        Self {
            id: consumer.id.to_string(),
            address: consumer.address,
            progress: ProgressJson {
                session: Some(state.session.clone()).filter(|it| !it.is_empty()),
                next: consumer.next(),
                ..ProgressJson::of(state)
            },
            user: consumer.user().map(ToString::to_string),
            lag: None,
            catching_up: consumer.user().map(|_| consumer.is_catching_up()),
        }
    }
}
