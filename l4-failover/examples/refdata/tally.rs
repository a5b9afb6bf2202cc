//! What a caller got, and what it should have got.

use std::time::{Duration, Instant};

use crate::service::Datacenter;

/// Complaints that are kept in full; the others are counted.
const COMPLAINTS_MAX: usize = 5;

/// Who should answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Only(Datacenter),
    /// Something is under way: whoever does.
    Either,
}

impl Who {
    fn is(self, answerer: Datacenter) -> bool {
        self == Self::Either || self == Self::Only(answerer)
    }
}

/// On which connection a request is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// One of its own.
    New,
    /// The session of this number, which is held open.
    Held(usize),
}

/// Who should answer from now on. A request is judged by it if it is the same at both its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) epoch: u64,
    new: Who,
    held: Who,
}

impl Expected {
    /// What a request on such a connection should find.
    fn of(self, kind: Kind) -> Who {
        match kind {
            Kind::New => self.new,
            Kind::Held(_) => self.held,
        }
    }
}

/// Answers, by who gave them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Answers {
    by: [u64; 2],
    /// The one who gave the last.
    pub(crate) last: Option<Datacenter>,
    /// When that one began to.
    pub(crate) since: Option<Instant>,
}

impl Answers {
    /// Those of one data centre.
    pub(crate) fn by(&self, datacenter: Datacenter) -> u64 {
        self.by[datacenter as usize]
    }

    /// All of them.
    pub(crate) fn all(&self) -> u64 {
        self.by.iter().sum()
    }

    fn add(&mut self, by: Datacenter) {
        self.by[by as usize] += 1;
        if self.last.replace(by) != Some(by) {
            self.since = Some(Instant::now());
        }
    }
}

/// A session that is held open, one connection after the other.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Session {
    pub(crate) answers: Answers,
    /// Connections that it took so far.
    pub(crate) opened: u64,
    /// Those of them that were reset.
    pub(crate) reset: u64,
}

/// Why a request came to nothing.
#[derive(Debug)]
pub(crate) enum Failed {
    /// No answer, also the second time.
    Lost(String),
    /// An answer, and the wrong one.
    Wrong(String),
}

/// What a caller got so far.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    pub(crate) expected: Expected,
    /// Answers on connections of their own.
    pub(crate) new: Answers,
    /// The sessions that are held.
    pub(crate) held: Vec<Session>,
    /// Requests that were sent a second time.
    pub(crate) retried: u64,
    /// Requests without an answer.
    pub(crate) lost: u64,
    /// Answers that are not the ones that were due.
    pub(crate) wrong: u64,
    /// The longest that an answer took, the second try included.
    pub(crate) slowest: Duration,
    /// What was lost or wrong, the first few.
    pub(crate) complaints: Vec<String>,
}

impl Tally {
    /// Nothing yet, from a caller that holds so many sessions.
    pub(crate) fn new(sessions: usize) -> Self {
        Self {
            expected: Expected {
                epoch: 0,
                new: Who::Either,
                held: Who::Either,
            },
            new: Answers::default(),
            held: vec![Session::default(); sessions],
            retried: 0,
            lost: 0,
            wrong: 0,
            slowest: Duration::ZERO,
            complaints: Vec::new(),
        }
    }

    /// From now on these should answer.
    pub(crate) fn expect(&mut self, new: Who, held: Who) {
        let epoch = self.expected.epoch + 1;
        self.expected = Expected { epoch, new, held };
    }

    /// Takes down what came of a request, and whether it is what was expected when it was sent.
    pub(crate) fn record(
        &mut self,
        kind: Kind,
        sent: Expected,
        took: Duration,
        result: Result<Datacenter, Failed>,
    ) {
        match result {
            Ok(by) => {
                self.answers(kind).add(by);
                self.slowest = self.slowest.max(took);
                let due = sent.of(kind);
                if sent == self.expected && !due.is(by) {
                    let by = by.name();
                    self.complain_wrong(format!("{by} answered {kind:?}, where {due:?} was due"));
                }
            }
            Err(Failed::Lost(why)) => {
                self.lost += 1;
                self.complain(format!("lost, {kind:?}: {why}"));
            }
            Err(Failed::Wrong(what)) => self.complain_wrong(what),
        }
    }

    fn answers(&mut self, kind: Kind) -> &mut Answers {
        match kind {
            Kind::New => &mut self.new,
            Kind::Held(session) => &mut self.held[session].answers,
        }
    }

    fn complain_wrong(&mut self, what: String) {
        self.wrong += 1;
        self.complain(what);
    }

    fn complain(&mut self, what: String) {
        if self.complaints.len() < COMPLAINTS_MAX {
            self.complaints.push(what);
        }
    }

    /// Right answers of one data centre.
    pub(crate) fn by(&self, datacenter: Datacenter) -> u64 {
        let held = self.held.iter().map(|it| it.answers.by(datacenter));
        held.sum::<u64>() + self.new.by(datacenter)
    }

    /// All requests that came to their end.
    pub(crate) fn requests(&self) -> u64 {
        let answered: u64 = Datacenter::ALL.into_iter().map(|it| self.by(it)).sum();
        answered + self.lost
    }

    /// Whether each session that is held got its last answer from there.
    pub(crate) fn all_held_by(&self, datacenter: Datacenter) -> bool {
        let mut held = self.held.iter();
        held.all(|session| session.answers.last == Some(datacenter))
    }

    /// Whether each session got at least this many answers more than in `before`, and new
    /// connections as many for each.
    pub(crate) fn has_more_than(&self, before: &Self, each: u64) -> bool {
        let more = |now: &Answers, then: &Answers| now.all() - then.all();
        let held = self.held.iter().zip(&before.held);
        let mut held = held.map(|(now, then)| more(&now.answers, &then.answers));
        let new = more(&self.new, &before.new);
        new >= each * self.held.len() as u64 && held.all(|more| more >= each)
    }

    /// Who answered last on a new connection.
    pub(crate) fn new_answerer(&self) -> &'static str {
        self.new.last.map_or("nobody", Datacenter::name)
    }

    /// Who answered last on the sessions that are held, if it is one.
    pub(crate) fn held_answerer(&self) -> &'static str {
        let one = Datacenter::ALL.into_iter().find(|it| self.all_held_by(*it));
        one.map_or("several", Datacenter::name)
    }

    /// Who answers.
    pub(crate) fn in_words(&self) -> String {
        let (new, held) = (self.new_answerer(), self.held_answerer());
        let sessions = self.held.len();
        format!("new connections are answered by {new}, the {sessions} sessions it holds by {held}")
    }

    /// Connections that the sessions took, each.
    pub(crate) fn opened(&self) -> Vec<u64> {
        self.held.iter().map(|session| session.opened).collect()
    }

    /// Connections of the sessions that were reset, each.
    pub(crate) fn reset(&self) -> Vec<u64> {
        self.held.iter().map(|session| session.reset).collect()
    }
}
