//! Where messages go: to the judge, the histogram, the file.

use std::time::SystemTime;

use l4_failover::soupbin::packet::{LoginAccepted, LoginRequest, SessionId};

use super::against_seed::AgainstSeed;
use super::against_time::AgainstTime;
use super::error::{Cause, ConsumeError};
use super::lateness::Lateness;
use super::options::Options;
use super::out::Out;
use super::report::{LinesReport, Report};
use super::verdict::{Fault, Tally};

/// Causes of disconnects that are kept; the others are only counted.
const CAUSES_TOLD: usize = 16;

#[derive(Debug)]
enum Judge {
    /// No message came yet.
    Seed(u64),
    AgainstSeed(Box<AgainstSeed>),
    AgainstTime(AgainstTime),
}

/// All that is known of the messages so far.
#[derive(Debug)]
pub(super) struct Intake {
    /// The first login.
    first_login: LoginRequest,
    judge: Judge,
    tally: Tally,
    lateness: Option<Lateness>,
    out: Option<Out>,
    pub(super) messages: u64,
    first: Option<u64>,
    last: Option<u64>,
    session: Option<SessionId>,
    disconnects: u64,
    causes: Vec<String>,
    /// What became of the lines, where there are several.
    pub(super) lines: Option<LinesReport>,
    left: u64,
}

impl Intake {
    pub(super) fn new(options: &Options) -> Result<Self, ConsumeError> {
        let judge = options
            .seed
            .map_or_else(|| Judge::AgainstTime(AgainstTime::default()), Judge::Seed);
        Ok(Self {
            first_login: options.login,
            judge,
            tally: Tally::default(),
            lateness: options.scheduled.and_then(Lateness::new),
            out: options.out.as_deref().map(Out::open).transpose()?,
            messages: 0,
            first: None,
            last: None,
            session: None,
            disconnects: 0,
            causes: Vec::new(),
            lines: None,
            left: options.count.unwrap_or(u64::MAX),
        })
    }

    /// Whether as many messages came as were wanted.
    pub(super) const fn is_enough(&self) -> bool {
        self.left == 0
    }

    /// A login was accepted: what counting says of the messages that follow.
    pub(super) fn begins(&mut self, accepted: LoginAccepted, now: SystemTime) -> Result<(), Cause> {
        self.look_at(accepted)?;
        self.miss_before(accepted.sequence);
        if let Some(lateness) = &mut self.lateness {
            lateness.begins(now);
        }
        self.session.get_or_insert(accepted.session);
        if let Judge::Seed(seed) = self.judge {
            let judge = AgainstSeed::new(seed, accepted.sequence);
            self.judge = Judge::AgainstSeed(Box::new(judge));
        }
        Ok(())
    }

    /// Whether the login that was accepted is the one that was asked for. A later one that goes on
    /// further back brings what came before, and that is counted.
    fn look_at(&self, accepted: LoginAccepted) -> Result<(), Cause> {
        let asked = self.login();
        if !asked.session.is_blank() && asked.session != accepted.session {
            return Err(Cause::OtherSession {
                asked: asked.session,
                accepted: accepted.session,
            });
        }
        if self.session.is_none() && accepted.sequence < asked.sequence {
            return Err(Cause::OtherNumber {
                asked: asked.sequence,
                accepted: accepted.sequence,
            });
        }
        Ok(())
    }

    /// What is missing between what was asked for and `next`, unless the judge sees it for itself.
    /// Who asks for 0 asks for no number.
    pub(super) fn miss_before(&mut self, next: u64) {
        let wanted = match (&self.judge, self.session) {
            (Judge::AgainstSeed(_), _) => return,
            (_, None) => self.first_login.sequence,
            (_, Some(_)) => self.last.map_or(next, |last| last.saturating_add(1)),
        };
        if wanted > 0 && next > wanted {
            self.tally.count(Fault::Gap {
                at: next,
                missing: next - wanted,
            });
        }
    }

    /// A message, by counting number `number`, that was read at `now`.
    pub(super) fn take(
        &mut self,
        number: u64,
        message: &[u8],
        now: SystemTime,
    ) -> Result<(), ConsumeError> {
        self.messages += 1;
        self.left = self.left.saturating_sub(1);
        self.first.get_or_insert(number);
        self.last = Some(number);
        match &mut self.judge {
            Judge::AgainstSeed(judge) => judge.judge(message, number, &mut self.tally),
            Judge::AgainstTime(judge) => judge.judge(message, number, &mut self.tally),
            Judge::Seed(_) => {}
        }
        if let Some(lateness) = &mut self.lateness {
            lateness.observe(number, now);
        }
        match &mut self.out {
            Some(out) => out.write(message).map_err(ConsumeError::Out),
            None => Ok(()),
        }
    }

    /// What to ask for next: the first login, or what is missing of the session that there was.
    pub(super) fn login(&self) -> LoginRequest {
        let login = self.first_login;
        LoginRequest {
            session: self.session.unwrap_or(login.session),
            sequence: self
                .last
                .map_or(login.sequence, |last| last.saturating_add(1)),
            ..login
        }
    }

    pub(super) fn disconnected(&mut self, cause: String) {
        self.disconnects += 1;
        if self.causes.len() < CAUSES_TOLD {
            self.causes.push(cause);
        }
    }

    /// Whether nothing was wrong so far.
    pub(super) fn is_clean(&self) -> bool {
        self.tally.faults.is_clean() && self.disconnects == 0
    }

    /// The verdict; the file is ended.
    pub(super) fn report(self) -> Result<Report, ConsumeError> {
        if let (Some(out), true) = (self.out, self.session.is_some()) {
            out.finish().map_err(ConsumeError::Out)?;
        }
        Ok(Report {
            messages: self.messages,
            first: self.first,
            last: self.last,
            faults: self.tally.faults,
            told: self.tally.told,
            disconnects: self.disconnects,
            causes: self.causes,
            lines: self.lines,
            latency: self.lateness.map(|it| it.histogram),
        })
    }
}
