//! How a consumer's connection ended, in the words of logs and metrics.

use crate::outcome::{Cause, Ending};
use crate::soupbin::fanout::Departure;
use crate::soupbin::join::End;
use crate::soupbin::packet::Reject;

impl From<&End> for Ending {
    fn from(end: &End) -> Self {
        match end {
            End::Logout => Self::new(Cause::Done, "logout"),
            End::Closed => Self::new(Cause::Done, "closed"),
            End::EndOfSession => Self::new(Cause::Done, "end_of_session"),
            End::Broken(_) => Self::new(Cause::Client, "reset"),
            End::Rejected(Reject::NotAuthorized) => Self::new(Cause::Upstream, "not_authorized"),
            End::Rejected(Reject::SessionUnavailable) => {
                Self::new(Cause::Upstream, "session_unavailable")
            }
            End::NoLine => Self::new(Cause::Upstream, "no_line"),
            End::BeyondEnd { .. } => Self::new(Cause::Client, "beyond_end"),
            End::SessionGone => Self::new(Cause::Upstream, "session_gone"),
            End::Outage { .. } => Self::new(Cause::Upstream, "outage"),
            End::Gap { .. } => Self::new(Cause::Upstream, "gap"),
            End::Mismatch { .. } => Self::new(Cause::Upstream, "mismatch"),
            End::NoLogin => Self::new(Cause::Timeout, "no_login"),
            End::Silent => Self::new(Cause::Timeout, "silent"),
            End::Stalled => Self::new(Cause::Timeout, "stalled"),
            End::Malformed(_) => Self::new(Cause::Client, "malformed"),
            End::Protocol(_) => Self::new(Cause::Client, "protocol"),
        }
    }
}

impl From<&Departure> for Ending {
    fn from(departure: &Departure) -> Self {
        match departure {
            Departure::Own(end) => end.into(),
            Departure::WrongCredentials { .. } => Self::new(Cause::Policy, "not_authorized"),
            Departure::OtherSession { .. } => Self::new(Cause::Client, "other_session"),
            Departure::Refused => Self::new(Cause::Upstream, "login_refused"),
            Departure::NotCaughtUp { .. } => Self::new(Cause::Upstream, "not_caught_up"),
            Departure::CatchUpLost { .. } => Self::new(Cause::Upstream, "catch_up_lost"),
            Departure::NotNearer { .. } => Self::new(Cause::Timeout, "not_nearer"),
            Departure::Mismatch { .. } => Self::new(Cause::Upstream, "mismatch"),
            Departure::Lagged { .. } => Self::new(Cause::Client, "lagged"),
            Departure::Late => Self::new(Cause::Timeout, "late"),
            Departure::Removed => Self::new(Cause::Policy, "removed"),
        }
    }
}
