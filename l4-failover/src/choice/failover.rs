//! Which tier is active.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::balance::{Candidate, Turns};
use super::carry::Out;
use super::endpoint::{Endpoint, Maintenance, Member, State};
use super::event::{
    Cause, Changes, Command, EndpointChange, Event, Move, MoveKind, OutChange, Refusal,
};
use super::hold_down::HoldDown;
use super::policy::{Dial, Failback, HealthPolicy, Policy};

/// Who is active among tiers of endpoints, as one state machine without socket or clock.
///
/// The active tier is the first with a healthy endpoint at the start, and moving is [`Policy`]:
/// it leaves a tier that has no healthy endpoint as soon as another has one, and returns to a
/// better one after the hold-down, or when an operator says so. An event causes at most one move.
///
/// # Examples
///
/// ```
/// use l4_failover::choice::{Choice, Event, HealthPolicy, Member, MoveKind, Policy};
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now();
/// let tiers = vec![vec![Member::named("primary")], vec![Member::named("backup")]];
/// let mut choice = Choice::new(tiers, Policy::default(), HealthPolicy::default(), start);
///
/// // The first check decides; after that it takes `fall` failures, or `rise` successes.
/// let changes = choice.observe(Event::Checked { endpoint: 0, good: false }, start);
/// assert_eq!(changes.moved.unwrap().kind, MoveKind::Failover);
/// assert_eq!(choice.active(), 1);
///
/// let second = Duration::from_secs(1);
/// for nth in 1..=32 {
///     choice.observe(Event::Checked { endpoint: 0, good: true }, start + nth * second);
/// }
/// assert_eq!(choice.active(), 1); // healthy for 29 s
/// let changes = choice.observe(Event::Tick, start + 33 * second);
/// assert_eq!(changes.moved.unwrap().kind, MoveKind::Failback);
/// ```
#[derive(Clone, Debug)]
pub struct Choice {
    pub(super) policy: Policy,
    pub(super) health: HealthPolicy,
    pub(super) endpoints: Vec<Endpoint>,
    /// In maintenance, and not there now: the last that went is the last.
    pub(super) away: Vec<Out>,
    pub(super) tiers: Vec<Tier>,
    pub(super) active: usize,
    pub(super) start: Instant,
    /// When the active tier became so; none if it has been from the start.
    pub(super) moved_at: Option<Instant>,
    pub(super) last_move: Option<Move>,
    /// An operator's failover holds until a failback.
    pub(super) is_held: bool,
    /// An operator's failback onto an unhealthy tier.
    pub(super) is_forced: bool,
    pub(super) hold_down: HoldDown,
    pub(super) ramp: Option<Ramp>,
    pub(super) turns: Turns,
    /// Room for the candidates of a pick.
    pub(super) candidates: Vec<Candidate>,
}

/// Endpoints of one rank.
#[derive(Clone, Debug)]
pub(super) struct Tier {
    pub(super) endpoints: Range<usize>,
    /// Since when it has had a healthy endpoint without a break; none if it has none.
    pub(super) healthy_since: Option<Instant>,
}

/// New sessions that return little by little.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ramp {
    /// The tier that was left.
    pub(super) from: usize,
    pub(super) began: Instant,
}

impl Choice {
    /// All endpoints count as up, and the first tier is active.
    ///
    /// # Panics
    ///
    /// If there is no tier, or a tier has no endpoint.
    #[must_use]
    pub fn new(
        tiers: Vec<Vec<Member>>,
        policy: Policy,
        health: HealthPolicy,
        now: Instant,
    ) -> Self {
        let (endpoints, tiers) = lay_out(tiers, now);
        Self {
            policy,
            health,
            turns: Turns::new(endpoints.len()),
            candidates: Vec::with_capacity(endpoints.len()),
            endpoints,
            away: Vec::new(),
            tiers,
            active: 0,
            start: now,
            moved_at: None,
            last_move: None,
            is_held: false,
            is_forced: false,
            hold_down: HoldDown::default(),
            ramp: None,
        }
    }

    /// Takes notice of an event.
    ///
    /// # Panics
    ///
    /// If the event names an endpoint that is not there.
    pub fn observe(&mut self, event: Event, now: Instant) -> Changes {
        let was_forced = self.is_forced;
        let mut changes = Changes::default();
        let pools = self.health;
        let mut turn = |endpoint: usize, notice: &dyn Fn(&mut Endpoint)| {
            turn(&mut self.endpoints, endpoint, notice, &mut changes);
        };
        let own = |it: &Endpoint| it.health_policy(&pools);
        let beyond = |it: &Endpoint| it.beyond_policy(&pools);
        match event {
            Event::Checked { endpoint, good } => turn(endpoint, &|it| {
                it.health.checked(good, now, &own(it));
            }),
            Event::Refused { endpoint } => turn(endpoint, &|it| {
                it.health.refused(now, &own(it));
            }),
            Event::Answered { endpoint } => turn(endpoint, &|it| {
                it.health.answered(now, &own(it));
            }),
            Event::LedNowhere { endpoint } => turn(endpoint, &|it| {
                it.beyond.refused(now, &beyond(it));
            }),
            Event::LedOn { endpoint } => turn(endpoint, &|it| {
                it.beyond.answered(now, &beyond(it));
            }),
            Event::Tick => {
                let all = self.tiers.last().map_or(0, |tier| tier.endpoints.end);
                (0..all).for_each(|endpoint| {
                    turn(endpoint, &|it| {
                        it.health.tick(now, &own(it));
                        it.beyond.tick(now, &beyond(it));
                    });
                });
            }
        }
        // Elsewhere time, or a dial, has said something; of one that is out nobody asked.
        let is_checked =
            |place: usize| self.endpoints[place].health_policy(&self.health).is_checked;
        changes.out.retain(|out| is_checked(out.endpoint));
        changes.ramped = self.end_ramp(now);
        changes.moved = self.settle(Cause::Unhealthy, now);
        changes.forced = self.forced_after(was_forced);
        changes
    }

    /// Whether a forced failback holds, if that is not as it was.
    pub(super) fn forced_after(&self, was_forced: bool) -> Option<bool> {
        (self.is_forced != was_forced).then_some(self.is_forced)
    }

    /// Ends a ramp whose time is over; the tier that was left.
    fn end_ramp(&mut self, now: Instant) -> Option<usize> {
        let ramp = self.ramp.as_ref()?;
        if self.ramp_end(ramp).is_none_or(|end| end > now) {
            return None;
        }
        self.ramp.take().map(|ramp| ramp.from)
    }

    fn ramp_end(&self, ramp: &Ramp) -> Option<Instant> {
        let length = self.policy.failback_ramp.unwrap_or_default();
        ramp.began.checked_add(length)
    }

    /// Does what an operator wants.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: why it is not done; nothing has changed.
    ///
    /// # Panics
    ///
    /// If the command names an endpoint that is not there.
    pub fn command(&mut self, command: &Command, now: Instant) -> Result<Changes, Refusal> {
        let was_forced = self.is_forced;
        let changes = match command {
            Command::Failover => self.fail_over(now)?,
            Command::Failback { force } => self.fail_back(*force, now)?,
            Command::Maintain { endpoint, reason } => {
                self.maintain(*endpoint, Some(Arc::clone(reason)), now)
            }
            Command::Resume { endpoint } => self.maintain(*endpoint, None, now),
        };
        Ok(Changes {
            forced: self.forced_after(was_forced),
            ..changes
        })
    }

    fn fail_over(&mut self, now: Instant) -> Result<Changes, Refusal> {
        let mut after = self.active + 1..self.tiers.len();
        let Some(to) = after.find(|tier| self.is_healthy(*tier)) else {
            let active = self.names(self.active);
            return Err(Refusal::NoBackup { active });
        };
        self.is_held = true;
        let moved = self.go(MoveKind::Failover, Cause::Operator, to, now);
        Ok(Changes {
            moved: Some(moved),
            ..Changes::default()
        })
    }

    fn fail_back(&mut self, force: bool, now: Instant) -> Result<Changes, Refusal> {
        if !self.is_healthy(0) && !force {
            let primary = self.names(0);
            return Err(Refusal::Unhealthy { primary });
        }
        let leaves = self.active > 0;
        let moved = leaves.then(|| self.go(MoveKind::Failback, Cause::Operator, 0, now));
        self.is_held = false;
        self.is_forced = !self.is_healthy(0);
        Ok(Changes {
            moved,
            ..Changes::default()
        })
    }

    fn maintain(&mut self, endpoint: usize, reason: Option<Arc<str>>, now: Instant) -> Changes {
        let cause = match reason {
            Some(_) => Cause::Maintenance,
            None => Cause::Unhealthy,
        };
        let it = &mut self.endpoints[endpoint];
        let (from, is_new) = (it.state(), it.maintenance() != reason.as_ref());
        let since = it.maintenance.take().map_or(Some(now), |it| it.since);
        it.maintenance = reason.map(|reason| Maintenance { reason, since });
        let to = it.state();
        let change = EndpointChange { endpoint, from, to };
        Changes {
            // Another reason is worth telling, too.
            endpoints: Vec::from_iter(is_new.then_some(change)),
            moved: self.settle(cause, now),
            ..Changes::default()
        }
    }

    /// Moves, if the active tier must be left, or a better one has earned it.
    pub(super) fn settle(&mut self, cause: Cause, now: Instant) -> Option<Move> {
        self.date_tiers(now);
        if self.is_healthy(self.active) {
            // That it counts as up until somebody looks is no reason to forget what was ordered.
            self.is_forced &= !self.is_seen_healthy(self.active);
            let to = self.ripe(now)?;
            return Some(self.go(MoveKind::Failback, Cause::Recovered, to, now));
        }
        if self.is_forced {
            return None;
        }
        let to = self.refuge()?;
        // What was to be kept away from is all there is.
        self.is_held &= to > self.active;
        Some(self.go(MoveKind::Failover, cause, to, now))
    }

    /// Where to go from a tier that has no healthy endpoint: the first that has one; where an
    /// operator wanted the tiers before this one left, those after it come first.
    fn refuge(&self) -> Option<usize> {
        let from = if self.is_held { self.active + 1 } else { 0 };
        let mut order = (from..self.tiers.len()).chain(0..from);
        order.find(|tier| self.is_healthy(*tier))
    }

    /// The best tier before the active one that may take over by itself.
    fn ripe(&self, now: Instant) -> Option<usize> {
        if !self.returns_by_itself() {
            return None;
        }
        let required = self.hold_down.required(now, &self.policy);
        let is_ripe = |since: Instant| now.saturating_duration_since(since) >= required;
        (0..self.active).find(|tier| self.tiers[*tier].healthy_since.is_some_and(is_ripe))
    }

    fn returns_by_itself(&self) -> bool {
        self.policy.failback == Failback::Auto && !self.is_held
    }

    pub(super) fn go(&mut self, kind: MoveKind, cause: Cause, to: usize, now: Instant) -> Move {
        let moved = Move {
            kind,
            cause,
            from: self.active,
            to,
            at: now,
            after: now.saturating_duration_since(self.since()),
        };
        self.hold_down.moved(&moved, &self.policy);
        let ramps = kind == MoveKind::Failback && self.policy.failback_ramp.is_some();
        self.ramp = ramps.then_some(Ramp {
            from: self.active,
            began: now,
        });
        self.active = to;
        (self.moved_at, self.last_move) = (Some(now), Some(moved));
        self.is_forced = false;
        moved
    }

    pub(super) fn date_tiers(&mut self, now: Instant) {
        for tier in 0..self.tiers.len() {
            let since = self.tiers[tier].healthy_since.unwrap_or(now);
            self.tiers[tier].healthy_since = self.is_proven(tier).then_some(since);
        }
    }

    /// Whether a tier has an endpoint that sessions may go to as a matter of course.
    #[must_use]
    pub fn is_healthy(&self, tier: usize) -> bool {
        self.tier(tier).iter().any(Endpoint::is_available)
    }

    /// Whether a tier has an endpoint that is up, and not for want of anybody who looked.
    fn is_seen_healthy(&self, tier: usize) -> bool {
        let mut endpoints = self.tier(tier).iter().filter(|it| it.is_available());
        endpoints.any(|it| it.is_seen(&self.health))
    }

    /// Whether a tier is healthy for a reason: where only dials tell, and may go there, one has
    /// answered since the last ejection.
    fn is_proven(&self, tier: usize) -> bool {
        let can_try = self.policy.dial == Dial::Any;
        let mut endpoints = self.tier(tier).iter().filter(|it| it.is_available());
        endpoints.any(|it| !can_try || it.is_proven())
    }

    /// When [`Event::Tick`] is due next; none if nothing waits for time alone.
    #[must_use]
    pub fn due(&self, now: Instant) -> Option<Instant> {
        let ejections = self.endpoints.iter().filter_map(Endpoint::ejected_until);
        let left = self.hold_down_left(now);
        let ripe = left.and_then(|left| now.checked_add(left));
        // The hold-down shrinks as flaps are forgotten.
        let forgets = ripe.and_then(|_| self.hold_down.forgets_at(now, &self.policy));
        let ramp = self.ramp.as_ref().and_then(|ramp| self.ramp_end(ramp));
        ejections.chain(ripe).chain(forgets).chain(ramp).min()
    }

    /// How long a better tier must stay healthy until it takes over by itself; none if none waits.
    #[must_use]
    pub fn hold_down_left(&self, now: Instant) -> Option<Duration> {
        if !self.returns_by_itself() {
            return None;
        }
        let required = self.hold_down.required(now, &self.policy);
        let better = self.tiers[..self.active].iter();
        let healthy_for = better.filter_map(|tier| tier.healthy_since);
        let healthy_for = healthy_for.map(|since| now.saturating_duration_since(since));
        healthy_for.max().map(|it| required.saturating_sub(it))
    }

    /// The hold-down as things stand: longer with each flap.
    #[must_use]
    pub fn hold_down(&self, now: Instant) -> Duration {
        self.hold_down.required(now, &self.policy)
    }

    /// Failovers soon after a return, within the flap window.
    #[must_use]
    pub fn flaps(&self, now: Instant) -> usize {
        self.hold_down.flaps(now, &self.policy)
    }

    /// The active tier; 0 is the primary.
    #[must_use]
    pub fn active(&self) -> usize {
        self.active
    }

    /// Since when it has been active.
    #[must_use]
    pub fn since(&self) -> Instant {
        self.moved_at.unwrap_or(self.start)
    }

    /// The last move; none since the start.
    #[must_use]
    pub fn last_move(&self) -> Option<&Move> {
        self.last_move.as_ref()
    }

    /// Whether an operator's failover holds.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.is_held
    }

    /// Whether an operator's failback onto an unhealthy primary holds: it stays active, healthy or
    /// not, until it has been healthy once.
    #[must_use]
    pub fn is_forced(&self) -> bool {
        self.is_forced
    }

    /// How many tiers there are; at least one.
    #[must_use]
    pub fn tiers(&self) -> usize {
        self.tiers.len()
    }

    /// The endpoints of a tier.
    #[must_use]
    pub fn tier(&self, tier: usize) -> &[Endpoint] {
        &self.endpoints[self.tiers[tier].endpoints.clone()]
    }

    /// All endpoints, in the order of their tiers.
    #[must_use]
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// What the operator decided.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The names of a tier's endpoints, for people.
    #[must_use]
    pub fn names(&self, tier: usize) -> String {
        let names: Vec<&str> = self.tier(tier).iter().map(|it| &**it.name()).collect();
        names.join(", ")
    }
}

/// Puts the endpoints in one row, tier by tier.
fn lay_out(tiers: Vec<Vec<Member>>, now: Instant) -> (Vec<Endpoint>, Vec<Tier>) {
    assert!(!tiers.is_empty(), "a pool has at least one tier");
    // Just the room that it takes: of most pools there is one endpoint.
    let mut endpoints = Vec::with_capacity(tiers.iter().map(Vec::len).sum());
    let mut ranges = Vec::with_capacity(tiers.len());
    for (nth, members) in tiers.into_iter().enumerate() {
        assert!(!members.is_empty(), "tier {nth} has no endpoint");
        let first = endpoints.len();
        endpoints.extend(members.into_iter().map(|it| Endpoint::new(it, nth)));
        ranges.push(Tier {
            endpoints: first..endpoints.len(),
            healthy_since: Some(now),
        });
    }
    (endpoints, ranges)
}

/// Lets an endpoint take notice; what it counts as may change.
fn turn(
    endpoints: &mut [Endpoint],
    endpoint: usize,
    notice: &dyn Fn(&mut Endpoint),
    changes: &mut Changes,
) {
    let it = &mut endpoints[endpoint];
    let (from, was_healthy) = (it.state(), it.is_healthy());
    notice(it);
    let (to, is_healthy) = (it.state(), it.is_healthy());
    let has_turned = was_healthy != is_healthy;
    if has_turned && !is_healthy {
        changes.fell.push(endpoint);
    }
    if has_turned && to == State::Maintenance {
        changes.out.push(OutChange {
            endpoint,
            is_healthy,
        });
    }
    let change = EndpointChange { endpoint, from, to };
    changes.endpoints.extend((from != to).then_some(change));
}
