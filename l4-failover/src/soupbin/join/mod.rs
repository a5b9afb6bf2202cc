//! Joining lines: how a consumer is carried from one line to the next at exactly the message that
//! it waits for.
//!
//! [`Join`] is one consumer with its lines, without a socket and without a clock: whoever owns those
//! tells what came ([`from_consumer`](Join::from_consumer), [`from_line`](Join::from_line)), what
//! became of dials, and what time it is, and does each [`Action`].
//!
//! The promise: the consumer gets every message of its session once, in order, from wherever it
//! began, or its connection is cut and [`End`] says why. Nobody guarantees that two lines carry the
//! same session under the same numbers; so a line is asked for messages that the consumer has
//! already, [`COMPARED`] of them, and joined only if they are equal, byte for byte.
//!
//! ```
//! use std::time::Instant;
//! use l4_failover::soupbin::join::{Action, Join, JoinOptions, LineOptions, TargetId};
//! use l4_failover::soupbin::packet::{Credentials, LoginRequest, Packet, SessionId};
//!
//! let now = Instant::now();
//! let mut join = Join::new(JoinOptions::default(), 7, now);
//!
//! // The consumer logs in: a line is wanted.
//! let mut login = Vec::new();
//! let credentials = Credentials::new("trader", "secret")?;
//! let request = LoginRequest { credentials, session: SessionId::BLANK, sequence: 1, heartbeat_timeout: None };
//! Packet::LoginRequest(request).encode(&mut login)?;
//! assert_eq!(join.from_consumer(&login, now), login.len());
//! let Some(Action::Dial { line, .. }) = join.next_action() else { panic!("a line is wanted") };
//!
//! // It connects, and gets the same login.
//! join.dialling(line, TargetId(0), LineOptions::default(), now);
//! join.connected(line, now);
//! assert_eq!(join.next_action(), Some(Action::Send { line, bytes: login }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod action;
mod candidate;
mod consumer;
mod deadlines;
mod ending;
mod event;
mod history;
mod incoming;
mod line;
mod live;
mod login;
mod options;
mod outage;
mod ring;
mod standby;
mod status;
mod target;
#[cfg(test)]
mod tests;
mod wake;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use fastrand::Rng;

pub use action::{Action, End, LineId, TargetId};
pub(crate) use consumer::{SUBSCRIPTION_BYTES_MAX, SUBSCRIPTION_MAX};
pub use event::{JoinEvent, Joined, LineFault, Took, Why};
pub use incoming::Step;
pub use line::Stage;
pub use options::{
    COMPARED, JoinOptions, LineOptions, OnGap, OnMismatch, OnUnverified, Standby, Unsequenced,
};
pub use status::{JoinStatus, LineStatus};
pub(in crate::soupbin) use target::NOT_AUTHORIZED;

use crate::soupbin::packet::{LoginRequest, Packet, SessionId};
use crate::soupbin::session::{ServerLimits, ServerSession};
use history::History;
use line::Line;
use ring::Ring;
use target::Targets;

/// One consumer, and the lines that may carry its session.
#[derive(Debug)]
pub struct Join {
    options: JoinOptions,
    phase: Phase,
    consumer: ServerSession,
    lines: Vec<Line>,
    targets: Targets,
    history: History,
    /// What the consumer got, as far back as a line may be late: where the standby is hot.
    ring: Option<Ring>,
    /// What the consumer sent in its first two seconds, where that is a subscription.
    subscription: Vec<Vec<u8>>,
    /// What it sent while no line was joined, and that is lost.
    dropped: Dropped,
    search: Search,
    /// Whether the consumer takes nothing now, so that no line is read.
    is_blocked: bool,
    lines_made: u64,
    random: Rng,
    actions: VecDeque<Action>,
}

/// How far the consumer has come.
#[derive(Clone, Debug)]
enum Phase {
    /// It has not logged in.
    Waiting,
    /// It has, and waits for the answer.
    LoggingIn(LoggingIn),
    /// It was answered.
    In(Place),
    /// Its connection ends.
    Over,
}

#[derive(Clone, Debug)]
struct LoggingIn {
    request: LoginRequest,
    since: Instant,
    /// The session that is asked for; once a line has named it, that.
    session: SessionId,
    /// Lines that were given up because they did not answer.
    unanswered: u32,
}

/// Where a consumer stands in its session.
#[derive(Clone, Debug)]
struct Place {
    request: LoginRequest,
    /// When its login was answered.
    since: Instant,
    session: SessionId,
    /// The number of its next message.
    next: u64,
    /// Whether the joined line has repeated enough to be trusted.
    is_verified: bool,
    /// The line that it has no longer.
    outage: Option<Outage>,
    /// The one before, which a line has ended.
    last_outage: Option<LastOutage>,
    /// The session was said to be over.
    ending: Option<Ending>,
    /// The session was said to be over on a line beside the joined one.
    beside_ended: Option<Ending>,
    /// Another line is preferred, and looked for from then on.
    preferred: Option<Instant>,
}

/// A time without a line.
#[derive(Clone, Debug)]
struct Outage {
    since: Instant,
    /// How long it took to know.
    detect: Duration,
    from: TargetId,
}

/// A time without a line that is over, unless the line that ended it brings nothing and fails.
#[derive(Clone, Copy, Debug)]
struct LastOutage {
    /// How long there was no line, in all.
    spent: Duration,
    /// The message that was waited for.
    next: u64,
}

/// The end of a session that a line has told of.
#[derive(Clone, Copy, Debug)]
struct Ending {
    since: Instant,
    /// Where the line led that said so.
    from: TargetId,
}

/// Messages of the consumer that went nowhere.
#[derive(Clone, Copy, Debug, Default)]
struct Dropped {
    /// How many since that was told.
    messages: u64,
    /// When it was told last.
    told: Option<Instant>,
}

/// The search for a line.
#[derive(Clone, Debug, Default)]
struct Search {
    /// There was nobody left to dial; not before then is it asked again.
    nobody_until: Option<Instant>,
    /// What was not to be dialled when there was nobody left.
    left_out: Vec<TargetId>,
}

/// A line that has not joined for so long gets company: the next one is tried beside it.
const HEDGE: Duration = Duration::from_millis(500);
/// Lines that are tried beside each other, at most.
const CANDIDATES_MAX: usize = 4;
/// How soon it is asked again whether there is anybody to dial.
const NOBODY_RETRY: Duration = Duration::from_millis(250);
/// How long the end of a session is held back, in case that it goes on elsewhere.
const END_HELD: Duration = Duration::from_secs(1);

impl Join {
    /// A consumer that connected at `now`. `seed` is what delays are drawn by.
    #[must_use]
    pub fn new(options: JoinOptions, seed: u64, now: Instant) -> Self {
        let limits = ServerLimits {
            silence: options.consumer_silence,
            ..ServerLimits::default()
        };
        let ring = (options.standby == Standby::Hot).then(|| Ring::new(options.skew));
        Self {
            options,
            phase: Phase::Waiting,
            consumer: ServerSession::new(limits, now),
            lines: Vec::new(),
            targets: Targets::default(),
            history: History::default(),
            ring,
            subscription: Vec::new(),
            dropped: Dropped::default(),
            search: Search::default(),
            is_blocked: false,
            lines_made: 0,
            random: Rng::with_seed(seed),
            actions: VecDeque::new(),
        }
    }

    /// The next thing to do; none for now.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Whether the consumer's connection ends, or has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// Where the joined line leads.
    #[must_use]
    pub fn joined(&self) -> Option<TargetId> {
        let line = self.lines.iter().find(|line| line.stage == Stage::Joined);
        line?.target
    }

    /// Whether the line's bytes are wanted now: what is not wanted stays in its socket.
    #[must_use]
    pub fn wants(&self, line: LineId) -> bool {
        let line = self.lines.iter().find(|it| it.id == line);
        line.is_some_and(|it| !self.is_unread(it))
    }

    /// What a line repeats goes nowhere, so that a consumer that takes nothing does not hold it up.
    fn is_unread(&self, line: &Line) -> bool {
        match line.stage {
            Stage::Held => true,
            _ if self.is_hot() => self.is_kept_waiting(line),
            Stage::Joined => self.is_blocked,
            Stage::Dialling | Stage::Asked | Stage::Behind | Stage::Standby => false,
        }
    }

    /// The consumer takes nothing now, or does again: meanwhile its line is not read, and not blamed
    /// for its silence.
    pub fn block(&mut self, is_blocked: bool, now: Instant) {
        if self.is_blocked && !is_blocked {
            for place in 0..self.lines.len() {
                if self.is_unread(&self.lines[place]) {
                    self.lines[place].heard(now);
                }
            }
        }
        self.is_blocked = is_blocked;
    }

    /// Ends the consumer's connection, for a reason that whoever owns it knows.
    pub fn end(&mut self, end: End) {
        if self.is_over() {
            return;
        }
        while let Some(line) = self.lines.pop() {
            self.leave(line);
        }
        self.phase = Phase::Over;
        let messages = std::mem::take(&mut self.dropped.messages);
        if messages > 0 {
            self.say(JoinEvent::UnsequencedDropped { messages });
        }
        self.act(Action::End(end));
    }

    /// A target refused the same credentials before, and is not asked again until then.
    pub(in crate::soupbin) fn is_refused_by(&mut self, target: TargetId, until: Instant) {
        self.targets.get(target).refused(until);
    }

    fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    fn say(&mut self, event: JoinEvent) {
        self.act(Action::Event(event));
    }

    fn tell(&mut self, packet: &Packet<'_>, now: Instant) {
        let bytes = encoded(packet);
        self.consumer.sent(now);
        self.act(Action::Tell(bytes));
    }

    fn send(&mut self, line: usize, packet: &Packet<'_>, now: Instant) {
        let line = &mut self.lines[line];
        if let Some(session) = &mut line.session {
            session.sent(now);
        }
        let (id, mut more) = (line.id, encoded(packet));
        match self.actions.back_mut() {
            Some(Action::Send { line, bytes }) if *line == id => bytes.append(&mut more),
            _ => self.act(Action::Send {
                line: id,
                bytes: more,
            }),
        }
    }

    /// Ends a line that is needed no longer.
    fn leave(&mut self, line: Line) {
        let id = line.id;
        if line.is_in() {
            let bytes = encoded(&Packet::Logout);
            self.act(Action::Send { line: id, bytes });
        }
        self.act(Action::Close { line: id });
    }

    /// Ends all lines but one.
    fn leave_others(&mut self, kept: LineId) {
        let (kept, others) = std::mem::take(&mut self.lines)
            .into_iter()
            .partition(|line| line.id == kept);
        self.lines = kept;
        others.into_iter().for_each(|line: Line| self.leave(line));
    }

    /// Ends all lines that could yet be joined, but one.
    fn leave_candidates(&mut self, but: LineId) {
        let is_other = |line: &Line| line.is_candidate() && line.id != but;
        while let Some(place) = self.lines.iter().position(is_other) {
            let line = self.lines.remove(place);
            self.leave(line);
        }
    }

    fn place_of(&self, line: LineId) -> Option<usize> {
        self.lines.iter().position(|it| it.id == line)
    }
}

/// What is written here is always short enough for a frame.
fn encoded(packet: &Packet<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = packet.encode(&mut bytes);
    debug_assert!(written.is_ok(), "{packet:?}");
    bytes
}
