//! One endpoint as the choice sees it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::balance;
use super::health::Health;
use super::policy::HealthPolicy;

/// An endpoint that came up begins with this part of its share, in thousandths.
const SLOW_START_FIRST: u64 = 100;

/// What the choice is told of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name, which no other endpoint of the pool has.
    pub name: Arc<str>,
    /// Its share of the tier's sessions beside the others' weights; at least 1.
    pub weight: u32,
    /// Sessions that it may have at once. `None`: any number.
    pub max_connections: Option<u64>,
    /// When it counts as down. `None`: as the others of the pool.
    pub health: Option<HealthPolicy>,
}

impl Member {
    /// An endpoint of weight 1, with any number of sessions.
    #[must_use]
    pub fn named(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            weight: 1,
            max_connections: None,
            health: None,
        }
    }
}

/// One endpoint: what it is, and how it fares.
#[derive(Clone, Debug)]
pub struct Endpoint {
    member: Member,
    key: u64,
    tier: usize,
    pub(super) health: Health,
    /// Of what it leads on to; up as long as nobody says otherwise.
    pub(super) beyond: Health,
    pub(super) maintenance: Option<Maintenance>,
}

/// That an operator took an endpoint out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Maintenance {
    pub(super) reason: Arc<str>,
    /// Since when; none if nobody remembers.
    pub(super) since: Option<Instant>,
}

/// What an endpoint counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Sessions go there.
    Up,
    /// Checks, or dials, failed.
    Down,
    /// An operator took it out.
    Maintenance,
}

impl State {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Maintenance => "maintenance",
        }
    }
}

impl Endpoint {
    pub(super) fn new(member: Member, tier: usize) -> Self {
        Self {
            key: balance::hash(member.name.as_bytes()),
            member,
            tier,
            health: Health::default(),
            beyond: Health::default(),
            maintenance: None,
        }
    }

    /// The same endpoint in a changed pool: how it fares stays.
    pub(super) fn carried(&self, member: Member, tier: usize) -> Self {
        Self {
            member,
            tier,
            ..self.clone()
        }
    }

    pub(super) fn member(&self) -> &Member {
        &self.member
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.member.name
    }

    /// Its share of the tier's sessions beside the others' weights.
    #[must_use]
    pub fn weight(&self) -> u32 {
        self.member.weight
    }

    /// Sessions that it may have at once.
    #[must_use]
    pub fn max_connections(&self) -> Option<u64> {
        self.member.max_connections
    }

    /// Its tier; 0 is the primary.
    #[must_use]
    pub fn tier(&self) -> usize {
        self.tier
    }

    /// When it counts as down, where `pools` holds for the others.
    pub(super) fn health_policy(&self, pools: &HealthPolicy) -> HealthPolicy {
        self.member.health.unwrap_or(*pools)
    }

    /// The same of what it leads on to, which nothing but dials sees.
    pub(super) fn beyond_policy(&self, pools: &HealthPolicy) -> HealthPolicy {
        HealthPolicy {
            is_checked: false,
            ..self.health_policy(pools)
        }
    }

    /// Whether it is up, and what it leads on to answers; whether or not it is in maintenance.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.health.is_up() && self.beyond.is_up()
    }

    /// Whether both are up, and not for want of anybody who tried.
    pub(super) fn is_proven(&self) -> bool {
        self.health.is_proven() && self.beyond.is_proven()
    }

    /// Whether anybody has looked since the start; where nothing is checked, nobody need.
    pub(super) fn is_seen(&self, pools: &HealthPolicy) -> bool {
        let is_checked = self.health_policy(pools).is_checked;
        !is_checked || self.health.is_seen() || self.beyond.changed().is_some()
    }

    /// When an ejection ends.
    pub(super) fn ejected_until(&self) -> Option<Instant> {
        let ends = [self.health.ejected_until(), self.beyond.ejected_until()];
        ends.into_iter().flatten().min()
    }

    /// Whether a dial should go and try whether it answers: one at a time.
    pub(super) fn wants_trial(&self, now: Instant, pools: &HealthPolicy) -> bool {
        let own = self.health.wants_trial(now, &self.health_policy(pools));
        own || self.beyond.wants_trial(now, &self.beyond_policy(pools))
    }

    /// A dial goes and tries.
    pub(super) fn try_at(&mut self, now: Instant) {
        self.health.try_at(now);
        self.beyond.try_at(now);
    }

    /// When it last went up or down.
    fn changed(&self) -> Option<Instant> {
        self.health.changed().max(self.beyond.changed())
    }

    /// Its own health, whether or not it is in maintenance.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Why an operator took it out; none if nobody did.
    #[must_use]
    pub fn maintenance(&self) -> Option<&Arc<str>> {
        self.maintenance.as_ref().map(|it| &it.reason)
    }

    /// Since when it has been in maintenance; if it is not, since when it has been up or down. None
    /// if it has not changed since the start, or nobody remembers.
    #[must_use]
    pub fn since(&self) -> Option<Instant> {
        match &self.maintenance {
            Some(maintenance) => maintenance.since,
            None => self.changed(),
        }
    }

    /// What it counts as.
    #[must_use]
    pub fn state(&self) -> State {
        match (&self.maintenance, self.is_healthy()) {
            (Some(_), _) => State::Maintenance,
            (None, true) => State::Up,
            (None, false) => State::Down,
        }
    }

    /// Whether sessions may go there as a matter of course.
    pub(super) fn is_available(&self) -> bool {
        self.state() == State::Up
    }

    /// Whether it has as many sessions as it may.
    pub(super) fn is_full(&self, load: u64) -> bool {
        self.member.max_connections.is_some_and(|max| load >= max)
    }

    pub(super) fn candidate(
        &self,
        endpoint: usize,
        load: u64,
        slow_start: Option<Duration>,
        now: Instant,
    ) -> balance::Candidate {
        let share = u64::from(self.member.weight) * self.started(slow_start, now);
        balance::Candidate {
            endpoint,
            share: share.max(1),
            load,
            key: self.key,
        }
    }

    /// How much of its share it takes, in thousandths: less for a while after it came up.
    fn started(&self, slow_start: Option<Duration>, now: Instant) -> u64 {
        let (Some(slow_start), Some(up_at)) = (slow_start, self.changed()) else {
            return 1000;
        };
        let up_for = now.saturating_duration_since(up_at);
        let rest = u128::from(1000 - SLOW_START_FIRST) * up_for.as_nanos();
        let grown = rest / slow_start.as_nanos().max(1);
        (SLOW_START_FIRST + u64::try_from(grown).unwrap_or(1000)).min(1000)
    }
}
