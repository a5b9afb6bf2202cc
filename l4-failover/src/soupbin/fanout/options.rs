//! What one login for many goes by.

use std::time::Duration;

use super::history::HistoryLimits;
use crate::soupbin::bridge::FeedOptions;
use crate::soupbin::join::{JoinOptions, OnGap, Standby, Unsequenced};
use crate::soupbin::packet::Credentials;

/// Longer than any process lives; more would be further than a clock can say.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Who may log in at a port that has one login for all of them, and what is kept for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FanoutOptions {
    /// Who may, at least one; no two have the same username.
    pub consumers: Vec<Credentials>,
    /// What is kept.
    pub history: HistoryLimits,
}

impl FanoutOptions {
    /// Whether somebody of this username may log in, in upper or lower case.
    #[must_use]
    pub fn names(&self, username: &str) -> bool {
        let mut consumers = self.consumers.iter();
        consumers.any(|it| it.username().eq_ignore_ascii_case(username))
    }
}

/// How the port's own lines are carried: those of a consumer that is always there, takes everything at
/// once, and passes on what has no number. A gap is the end of what can be shared, whatever
/// [`on_gap`](JoinOptions::on_gap) says: consumers stand at different places, and each must hear of it.
pub(super) fn of_lines(feed: &FeedOptions) -> FeedOptions {
    FeedOptions {
        join: JoinOptions {
            on_gap: OnGap::Close,
            unsequenced: Unsequenced::Active,
            server_unsequenced: true,
            consumer_silence: FOR_EVER,
            ..feed.join.clone()
        },
        stall: FOR_EVER,
        ..feed.clone()
    }
}

/// How a consumer's own line to the history is carried: it is over soon, and each is a login more, so
/// that none stands by beside it.
pub(super) fn of_catch_up(lines: &FeedOptions) -> FeedOptions {
    FeedOptions {
        join: JoinOptions {
            standby: Standby::Cold,
            ..lines.join.clone()
        },
        ..lines.clone()
    }
}
