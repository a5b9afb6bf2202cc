//! Where messages go: to the judge, the histogram, the file.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::time::SystemTime;

use l4_failover::soupbin::packet::{LoginAccepted, LoginRequest, SessionId};

use super::against_seed::AgainstSeed;
use super::against_time::AgainstTime;
use super::error::ConsumeError;
use super::lateness::Lateness;
use super::options::Options;
use super::report::Report;
use super::verdict::{Fault, Tally};
use crate::binary_file::Writer;

/// What is written to the file at once.
const BUFFER: usize = 256 * 1024;

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
    judge: Judge,
    tally: Tally,
    lateness: Option<Lateness>,
    file: Option<Writer<BufWriter<File>>>,
    pub(super) messages: u64,
    first: Option<u64>,
    last: Option<u64>,
    session: Option<SessionId>,
    disconnects: u64,
    causes: Vec<String>,
    left: u64,
}

impl Intake {
    pub(super) fn new(options: &Options) -> Result<Self, ConsumeError> {
        let judge = options
            .seed
            .map_or_else(|| Judge::AgainstTime(AgainstTime::default()), Judge::Seed);
        Ok(Self {
            judge,
            tally: Tally::default(),
            lateness: options.scheduled.and_then(Lateness::new),
            file: options.out.as_deref().map(create).transpose()?,
            messages: 0,
            first: None,
            last: None,
            session: None,
            disconnects: 0,
            causes: Vec::new(),
            left: options.count.unwrap_or(u64::MAX),
        })
    }

    /// Whether as many messages came as were wanted.
    pub(super) const fn is_enough(&self) -> bool {
        self.left == 0
    }

    /// A login was accepted: what counting says of the messages that follow.
    pub(super) fn begins(&mut self, accepted: LoginAccepted, now: SystemTime) {
        if let Some(lateness) = &mut self.lateness {
            lateness.begins(now);
        }
        self.session.get_or_insert(accepted.session);
        let next = accepted.sequence;
        if let Judge::Seed(seed) = self.judge {
            self.judge = Judge::AgainstSeed(Box::new(AgainstSeed::new(seed, next)));
        }
        let (Some(last), Judge::AgainstTime(_)) = (self.last, &self.judge) else {
            return;
        };
        if next > last + 1 {
            self.tally.count(Fault::Gap {
                at: next,
                missing: next - last - 1,
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
        match &mut self.file {
            Some(file) => file.write(message).map_err(ConsumeError::Out),
            None => Ok(()),
        }
    }

    /// What to ask for next: what `login` says, or what is missing of the session that there was.
    pub(super) fn login_after(&self, login: LoginRequest) -> LoginRequest {
        LoginRequest {
            session: self.session.unwrap_or(login.session),
            sequence: self.last.map_or(login.sequence, |last| last + 1),
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
        if let Some(file) = self.file {
            file.finish().map_err(ConsumeError::Out)?;
        }
        Ok(Report {
            messages: self.messages,
            first: self.first,
            last: self.last,
            faults: self.tally.faults,
            told: self.tally.told,
            disconnects: self.disconnects,
            causes: self.causes,
            latency: self.lateness.map(|it| it.histogram),
        })
    }
}

fn create(path: &Path) -> Result<Writer<BufWriter<File>>, ConsumeError> {
    let failed = |cause: io::Error| ConsumeError::Create {
        path: path.to_owned(),
        cause,
    };
    let file = File::create(path).map_err(failed)?;
    Ok(Writer::new(BufWriter::with_capacity(BUFFER, file)))
}
