//! What survives a restart, and a change of the configuration.

use std::time::Instant;

use super::endpoint::{Endpoint, Maintenance, Member};
use super::event::{Cause, Changes, EndpointChange, Move, MoveKind};
use super::failover::{Choice, Ramp};
use super::policy::{Failback, HealthPolicy, Policy};

/// Endpoints that were in maintenance when they went away, and are so should they come back: so many,
/// the last that went. More than one file renames in a day, and too few to be worth a thought.
pub const AWAY_MAX: usize = 64;

/// What survives a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The names of the endpoints of the active tier.
    pub active: Vec<String>,
    /// When it became active; none if it has been so from the start, or nobody remembers.
    pub since: Option<Instant>,
    /// Whether an operator's failover holds.
    pub is_held: bool,
    /// Whether an operator's failback onto an unhealthy primary holds.
    pub is_forced: bool,
    /// Endpoints in maintenance, those included that are not there now.
    pub maintenance: Vec<Out>,
}

/// An endpoint in maintenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Out {
    /// Its name.
    pub endpoint: String,
    /// Why it was taken out.
    pub reason: String,
    /// When it was; none if nobody remembers.
    pub since: Option<Instant>,
}

impl Choice {
    /// What survives a restart.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let name = |it: &Endpoint| it.name().to_string();
        let out = self.endpoints.iter().filter_map(out);
        Memory {
            active: self.tier(self.active).iter().map(name).collect(),
            since: self.moved_at,
            is_held: self.is_held,
            is_forced: self.is_forced,
            maintenance: out.chain(self.away.iter().cloned()).collect(),
        }
    }

    /// Goes on from where `memory` was taken. Who is in maintenance and not there is so if it comes
    /// back; whether the tier that was active is still there.
    pub fn restore(&mut self, memory: &Memory, now: Instant) -> bool {
        for out in &memory.maintenance {
            let mut named = self.endpoints.iter_mut();
            match named.find(|it| **it.name() == *out.endpoint) {
                Some(endpoint) => endpoint.maintenance = Some(out.into()),
                None => self.remember_away(out.clone()),
            }
        }
        let active = self.tier_of(memory.active.iter().map(String::as_str));
        if let Some(active) = active {
            self.active = active;
            self.moved_at = memory.since;
            self.is_held = memory.is_held && active > 0;
            self.is_forced = memory.is_forced && active == 0;
        }
        self.date_tiers(now);
        active.is_some()
    }

    /// The same pool with other tiers or policies: endpoints that stay keep their health, the
    /// active tier stays active, and so do holds and maintenance, which waits for endpoints that go
    /// away, up to [`AWAY_MAX`] of them, until they come back. It moves only where the active
    /// tier is gone, or has no healthy endpoint; the move's `from` is a tier of the pool before.
    ///
    /// # Panics
    ///
    /// If there is no tier, or a tier has no endpoint.
    #[must_use]
    pub fn reconfigured(
        &self,
        tiers: Vec<Vec<Member>>,
        policy: Policy,
        health: HealthPolicy,
        now: Instant,
    ) -> (Self, Changes) {
        let mut next = Self::new(tiers, policy, health, now);
        let endpoints = next.carry_endpoints(self);
        next.hold_down = self.hold_down.clone();
        next.keep_past_of(self);
        let names = self.tier(self.active).iter().map(|it| &**it.name());
        let stays = next.tier_of(names);
        next.active = stays.unwrap_or_else(|| self.rank_in(&next));
        next.is_held = self.is_held && next.active > 0;
        next.is_forced = self.is_forced && next.active == 0;
        next.ramp = self.ramp.and_then(|ramp| self.ramp_in(&next, ramp));
        for tier in 0..next.tiers.len() {
            next.tiers[tier].healthy_since = self.healthy_since(&next, tier).or(Some(now));
        }
        let settled = next.settle(Cause::Reload, now);
        let moved = match stays {
            Some(_) => settled,
            None => Some(next.replaced(self, now)),
        };
        let changes = Changes {
            endpoints,
            moved,
            forced: next.forced_after(self.is_forced),
            ..Changes::default()
        };
        (next, changes)
    }

    /// Takes the health of endpoints over that were there before, and maintenance also of those that
    /// went away before that; what changes by that.
    fn carry_endpoints(&mut self, before: &Self) -> Vec<EndpointChange> {
        let mut changes = self.carry_away(before);
        for (place, endpoint) in self.endpoints.iter_mut().enumerate() {
            let known = before
                .endpoints
                .iter()
                .find(|it| it.name() == endpoint.name());
            let Some(known) = known else { continue };
            let (member, tier) = (endpoint.member().clone(), endpoint.tier());
            *endpoint = known.carried(member, tier);
            let policy = endpoint.health_policy(&self.health);
            endpoint.health.adopt(&policy);
            let change = EndpointChange {
                endpoint: place,
                from: known.state(),
                to: endpoint.state(),
            };
            changes.extend((change.from != change.to).then_some(change));
        }
        changes
    }

    /// Who was in maintenance and is gone stays remembered; who is back is in maintenance again.
    fn carry_away(&mut self, before: &Self) -> Vec<EndpointChange> {
        let mut changes = Vec::new();
        let just_gone = before.endpoints.iter().filter_map(out);
        let away: Vec<_> = before.away.iter().cloned().chain(just_gone).collect();
        for out in away {
            let mut here = self.endpoints.iter();
            let Some(endpoint) = here.position(|it| **it.name() == *out.endpoint) else {
                self.remember_away(out);
                continue;
            };
            let returned = &mut self.endpoints[endpoint];
            let from = returned.state();
            returned.maintenance = Some((&out).into());
            // Of those that were here all the while nothing changes.
            if !before
                .endpoints
                .iter()
                .any(|it| it.name() == returned.name())
            {
                let to = returned.state();
                changes.push(EndpointChange { endpoint, from, to });
            }
        }
        changes
    }

    /// For want of room, who has been away for longest is forgotten.
    fn remember_away(&mut self, out: Out) {
        self.away.retain(|it| it.endpoint != out.endpoint);
        self.away.push(out);
        let beyond = self.away.len().saturating_sub(AWAY_MAX);
        self.away.drain(..beyond);
    }

    /// The tier of `next` that takes the place of the active one, which is gone: where nobody
    /// returns by himself, of the same rank.
    fn rank_in(&self, next: &Self) -> usize {
        let stays_away = self.is_held || next.policy.failback == Failback::Manual;
        match stays_away {
            true => self.active.min(next.tiers.len() - 1),
            false => 0,
        }
    }

    fn keep_past_of(&mut self, before: &Self) {
        self.start = before.start;
        (self.moved_at, self.last_move) = (before.moved_at, before.last_move);
    }

    /// A ramp goes on if the tier that was left is still there.
    fn ramp_in(&self, next: &Self, ramp: Ramp) -> Option<Ramp> {
        let from = next.tier_of(self.tier(ramp.from).iter().map(|it| &**it.name()))?;
        Some(Ramp { from, ..ramp })
    }

    /// The tier that was active is gone: whichever is active now has taken its place.
    fn replaced(&mut self, before: &Self, now: Instant) -> Move {
        let is_held = self.is_held;
        self.keep_past_of(before);
        let moved = self.go(MoveKind::Failover, Cause::Reload, self.active, now);
        let moved = Move {
            from: before.active,
            ..moved
        };
        self.is_held = is_held;
        self.last_move = Some(moved);
        moved
    }

    /// Since when the tier of `next` has been healthy by an endpoint of ours.
    fn healthy_since(&self, next: &Self, tier: usize) -> Option<Instant> {
        let names = next.tier(tier).iter().filter(|it| it.is_available());
        let known = self.tier_of(names.map(|it| &**it.name()))?;
        self.tiers[known].healthy_since
    }

    /// The tier that has most of these endpoints; of equals the best.
    fn tier_of<'a>(&self, names: impl Iterator<Item = &'a str> + Clone) -> Option<usize> {
        let shared = |tier: usize| {
            let has = |name: &str| self.tier(tier).iter().any(|it| &**it.name() == name);
            names.clone().filter(|name| has(name)).count()
        };
        let tiers = (0..self.tiers.len()).rev().filter(|tier| shared(*tier) > 0);
        tiers.max_by_key(|tier| shared(*tier))
    }
}

/// `endpoint`, if it is in maintenance.
fn out(endpoint: &Endpoint) -> Option<Out> {
    let Maintenance { reason, since } = endpoint.maintenance.as_ref()?;
    Some(Out {
        endpoint: endpoint.name().to_string(),
        reason: reason.to_string(),
        since: *since,
    })
}

impl From<&Out> for Maintenance {
    fn from(out: &Out) -> Self {
        Self {
            reason: out.reason.as_str().into(),
            since: out.since,
        }
    }
}
