//! What happens to a consumer's lines, as the log and those who listen hear it.

use std::net::SocketAddr;
use std::sync::Arc;

use tracing::field::{DisplayValue, display};
use tracing::{debug, info, warn};

use crate::pool::{Happened, LineNews, LineTimes, Pool};
use crate::socket::live::ConnectionId;
use crate::soupbin::bridge::Told;
use crate::soupbin::join::{JoinEvent, Joined, LineFault, Why};

/// Says what happens to the lines of one consumer, or to those that all consumers of a port share.
#[derive(Clone, Copy, Debug)]
pub(super) struct News<'a> {
    pub(super) port: &'a str,
    pub(super) pool: &'a Pool,
    /// Whose they are; none where they are shared.
    pub(super) whose: Option<(ConnectionId, SocketAddr)>,
}

impl News<'_> {
    pub(super) fn tell(&self, told: Told<'_>) {
        self.log(told);
        if let Some(news) = self.news(told) {
            self.pool.tell(Happened::Line(Box::new(news)));
        }
    }

    /// News of which nothing more is said yet.
    fn of(&self, event: &'static str) -> LineNews {
        let (id, consumer) = self.whose.unzip();
        LineNews::new(event, id.map(|id| id.to_string()), consumer)
    }

    /// Messages that a consumer sent went nowhere: what it has is no line of its own.
    pub(super) fn dropped(&self, messages: u64) {
        let (port, (id, consumer)) = (self.port, self.who());
        warn!(target: "feed", port, id, consumer, messages, "unsequenced messages dropped: one login serves many");
        self.pool.tell(Happened::Line(Box::new(LineNews {
            reason: Some(format!("{messages}, since one login serves many")),
            ..self.of("unsequenced_dropped")
        })));
    }

    fn who(
        &self,
    ) -> (
        Option<DisplayValue<ConnectionId>>,
        Option<DisplayValue<SocketAddr>>,
    ) {
        let (id, consumer) = self.whose.unzip();
        (id.map(display), consumer.map(display))
    }

    /// What those who listen hear. What each login brings is not news.
    fn news(&self, told: Told<'_>) -> Option<LineNews> {
        let news = |event| self.of(event);
        let line = |target| Some(Arc::clone(told.names.of(target)));
        let reason = |fault: &LineFault| Some(fault.to_string());
        Some(match told.event {
            JoinEvent::LineDown {
                target,
                fault,
                was_joined,
                is_known,
            } if is_news(fault, *was_joined, *is_known) => LineNews {
                line: line(*target),
                word: Some(fault.as_str()),
                reason: reason(fault),
                ..news("line_down")
            },
            JoinEvent::FailoverStarted { from, fault, next } => LineNews {
                line: line(*from),
                sequence: Some(*next),
                word: Some(fault.as_str()),
                reason: reason(fault),
                ..news("line_lost")
            },
            JoinEvent::Joined(joined) if joined.why != Why::Login => LineNews {
                line: line(joined.to),
                from: joined.from.and_then(line),
                sequence: Some(joined.next),
                word: Some(joined.why.as_str()),
                is_verified: Some(joined.is_verified),
                times: Some(times(joined)),
                ..news("line_joined")
            },
            JoinEvent::Unverified { target, at, next } => LineNews {
                line: line(*target),
                sequence: Some(*next),
                reason: Some(outrun(*at, *next)),
                ..news("line_unverified")
            },
            JoinEvent::Diverged { target, sequence } => LineNews {
                line: line(*target),
                sequence: Some(*sequence),
                reason: Some(diverged(*sequence)),
                ..news("line_diverged")
            },
            JoinEvent::Truncated {
                requested,
                accepted,
            } => LineNews {
                sequence: Some(*accepted),
                reason: Some(format!("message {requested} was asked for")),
                ..news("truncated")
            },
            JoinEvent::Gap { from, to } => LineNews {
                sequence: Some(*to),
                reason: Some(format!("messages {from} to {} are missing", to - 1)),
                ..news("gap")
            },
            JoinEvent::UnsequencedDropped { messages } => LineNews {
                reason: Some(format!("{messages}, while no line was joined")),
                ..news("unsequenced_dropped")
            },
            JoinEvent::EndOfSession { next } => LineNews {
                sequence: Some(*next),
                ..news("end_of_session")
            },
            JoinEvent::StandingBy {
                target,
                at,
                is_verified,
                ..
            } => LineNews {
                line: line(*target),
                sequence: Some(*at),
                is_verified: Some(*is_verified),
                ..news("line_standby")
            },
            JoinEvent::Verified { target } => LineNews {
                line: line(*target),
                is_verified: Some(true),
                ..news("line_verified")
            },
            JoinEvent::LineDown { .. }
            | JoinEvent::LineUp { .. }
            | JoinEvent::LineQuiet { .. }
            | JoinEvent::Joined(_) => return None,
        })
    }

    fn log(&self, told: Told<'_>) {
        let (port, (id, consumer)) = (self.port, self.who());
        let name = |target| told.names.of(target);
        match told.event {
            JoinEvent::LineUp {
                target,
                session,
                asked,
                accepted,
            } => {
                debug!(target: "feed", port, id, consumer, line = %name(*target), %session, asked, accepted, "line up");
            }
            JoinEvent::LineQuiet { target, silent_for } => {
                warn!(target: "feed", port, id, consumer, line = %name(*target), silent_ms = silent_for.as_millis() as u64, "line quiet");
            }
            JoinEvent::LineDown {
                target,
                fault,
                was_joined,
                is_known,
            } if is_news(fault, *was_joined, *is_known) => {
                warn!(target: "feed", port, id, consumer, line = %name(*target), fault = fault.as_str(), reason = fault.to_string(), "line down");
            }
            JoinEvent::LineDown { .. } => {}
            JoinEvent::FailoverStarted { from, fault, next } => {
                warn!(target: "feed", port, id, consumer, line = %name(*from), next, fault = fault.as_str(), reason = fault.to_string(), "line lost");
            }
            JoinEvent::Joined(joined) => self.log_joined(joined, told),
            JoinEvent::StandingBy {
                target,
                at,
                compared,
                is_verified,
            } => {
                info!(target: "feed", port, id, consumer, line = %name(*target), at, compared, verified = is_verified, "line stands by");
            }
            JoinEvent::Verified { target } => {
                info!(target: "feed", port, id, consumer, line = %name(*target), "line verified");
            }
            JoinEvent::Unverified { target, at, next } => {
                warn!(target: "feed", port, id, consumer, line = %name(*target), at, next, "line unverified: it is further behind than can be compared (skew)");
            }
            JoinEvent::Diverged { target, sequence } => {
                warn!(target: "feed", port, id, consumer, line = %name(*target), sequence, "line diverged: its message is not the one that the consumer has");
            }
            JoinEvent::Truncated {
                requested,
                accepted,
            } => {
                warn!(target: "feed", port, id, consumer, requested, accepted, "login truncated: no line has messages that old");
            }
            JoinEvent::Gap { from, to } => {
                warn!(target: "feed", port, id, consumer, from, to, "gap: no line has the messages between");
            }
            JoinEvent::UnsequencedDropped { messages } => {
                warn!(target: "feed", port, id, consumer, messages, "unsequenced messages dropped: no line is joined");
            }
            JoinEvent::EndOfSession { next } => {
                info!(target: "feed", port, id, consumer, next, "end of session");
            }
        }
    }

    fn log_joined(&self, joined: &Joined, told: Told<'_>) {
        let (port, took, (id, consumer)) = (self.port, &joined.took, self.who());
        let from = joined.from.map(|from| told.names.of(from).to_string());
        let millis = |time: std::time::Duration| time.as_micros() as f64 / 1000.0;
        info!(
            target: "feed",
            port,
            id,
            consumer,
            line = %told.names.of(joined.to),
            from,
            why = joined.why.as_str(),
            next = joined.next,
            verified = joined.is_verified,
            compared = joined.compared,
            discarded = joined.discarded,
            detect_ms = millis(took.detect),
            connect_ms = millis(took.connect),
            login_ms = millis(took.login),
            catch_up_ms = millis(took.catch_up),
            "line joined"
        );
    }
}

/// Whether a line's end is news of its own: where a joined line failed, that a failover starts says it;
/// not so where the session was said to be over, and is not.
fn is_news(fault: &LineFault, was_joined: bool, is_known: bool) -> bool {
    match was_joined {
        true => matches!(fault, LineFault::EndedEarly { .. }),
        false => !is_known,
    }
}

fn outrun(at: u64, next: u64) -> String {
    let behind = next.saturating_sub(at);
    format!("it stands at message {at}, {behind} behind, and cannot be compared any more (skew)")
}

fn diverged(sequence: u64) -> String {
    format!("its message {sequence} is not the one that the consumer has")
}

fn times(joined: &Joined) -> LineTimes {
    let took = &joined.took;
    LineTimes {
        detect: took.detect,
        connect: took.connect,
        login: took.login,
        catch_up: took.catch_up,
    }
}
