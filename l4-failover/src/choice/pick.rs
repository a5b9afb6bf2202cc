//! Where the next dial goes.

use std::time::Instant;

use super::balance::Request;
use super::failover::{Choice, Ramp};
use super::policy::{Dial, NoneHealthy};

/// Where a dial goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// The endpoint, by its place in the pool.
    pub endpoint: usize,
    /// Whether it is outside of the active tier: nobody there answers, or this one is tried
    /// whether it does again.
    pub is_spilled: bool,
}

/// Which endpoints of a tier a pick may fall on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Among {
    /// Those that are up.
    Healthy,
    /// All that are not in maintenance.
    Kept,
}

impl Choice {
    /// The endpoint that a dial should try, after those of `tried` have failed it: in the active
    /// tier, then where [`Dial`] and [`NoneHealthy`] allow; for a standby in any tier. `load` tells the
    /// open sessions of an endpoint. None if nobody is left.
    pub fn pick(
        &mut self,
        tried: &[usize],
        request: Request,
        load: impl Fn(usize) -> u64,
        now: Instant,
    ) -> Option<Pick> {
        if request.is_standby {
            let endpoint = self.standby(tried, request, &load, now)?;
            let is_spilled = false;
            return Some(Pick {
                endpoint,
                is_spilled,
            });
        }
        let tiers = request.tiers.unwrap_or(usize::MAX).min(self.tiers.len());
        if let Some(endpoint) = self.trial(tiers, tried, &load, now) {
            return Some(Pick {
                endpoint,
                is_spilled: true,
            });
        }
        let ramping = self.ramping(request.random, now);
        let ramping = ramping.filter(|from| *from < tiers);
        let mut choose = |tier, among| self.choose(tier, among, tried, request, &load, now);
        if let Some(endpoint) = ramping.and_then(|from| choose(from, Among::Healthy)) {
            return Some(Pick {
                endpoint,
                is_spilled: false,
            });
        }
        let active = self.active_among(tiers);
        let (endpoint, tier) = self.first(tiers, tried, request, &load, now)?;
        Some(Pick {
            endpoint,
            is_spilled: tier != active,
        })
    }

    /// The endpoint for a line beside another one.
    fn standby(
        &mut self,
        tried: &[usize],
        request: Request,
        load: &impl Fn(usize) -> u64,
        now: Instant,
    ) -> Option<usize> {
        let all = 0..self.tiers.len();
        let tries_all = self.policy.when_none_healthy == NoneHealthy::Try;
        let healthy = all.clone().map(|tier| (tier, Among::Healthy));
        let last = all.filter(|_| tries_all).map(|tier| (tier, Among::Kept));
        let mut choose = |(tier, among)| self.choose(tier, among, tried, request, load, now);
        healthy.chain(last).find_map(&mut choose)
    }

    /// The tier that is active for those who may go to the first `tiers` alone.
    fn active_among(&self, tiers: usize) -> usize {
        if self.active < tiers {
            return self.active;
        }
        (0..tiers).find(|tier| self.is_healthy(*tier)).unwrap_or(0)
    }

    /// The first endpoint that is left, and its tier.
    fn first(
        &mut self,
        tiers: usize,
        tried: &[usize],
        request: Request,
        load: &impl Fn(usize) -> u64,
        now: Instant,
    ) -> Option<(usize, usize)> {
        let (active, all) = (self.active_among(tiers), 0..tiers);
        // A tier that has no room is not one that does not answer.
        let is_any = self.policy.dial == Dial::Any && !self.is_full(active, tried, load);
        let is_forced = self.is_forced;
        let tries_all = self.policy.when_none_healthy == NoneHealthy::Try;
        let forced = is_forced.then_some((active, Among::Kept));
        let own = [(active, Among::Healthy)];
        let others = all.clone().filter(|tier| is_any && *tier != active);
        let others = others.map(|tier| (tier, Among::Healthy));
        // All that were healthy have failed this dial: those that are down may do no worse.
        let last = all.filter(|tier| tries_all && (is_any || *tier == active));
        let last = last.map(|tier| (tier, Among::Kept));
        let order = forced.into_iter().chain(own).chain(others).chain(last);
        for (tier, among) in order {
            if let Some(endpoint) = self.choose(tier, among, tried, request, load, now) {
                return Some((endpoint, tier));
            }
        }
        None
    }

    /// One endpoint of a tier.
    fn choose(
        &mut self,
        tier: usize,
        among: Among,
        tried: &[usize],
        request: Request,
        load: &impl Fn(usize) -> u64,
        now: Instant,
    ) -> Option<usize> {
        self.candidates.clear();
        for place in self.tiers[tier].endpoints.clone() {
            let (endpoint, load) = (&self.endpoints[place], load(place));
            let is_wanted = match among {
                Among::Healthy => endpoint.is_available(),
                Among::Kept => endpoint.maintenance().is_none(),
            };
            if is_wanted && !endpoint.is_full(load) && !tried.contains(&place) {
                let slow_start = self.policy.slow_start;
                let candidate = endpoint.candidate(place, load, slow_start, now);
                self.candidates.push(candidate);
            }
        }
        let balance = self.policy.balance;
        self.turns.choose(balance, request, &self.candidates)
    }

    /// An endpoint of a better tier that came back from an ejection, to be tried by this dial: where
    /// nothing is checked, nobody else finds out whether it answers.
    fn trial(
        &mut self,
        tiers: usize,
        tried: &[usize],
        load: &impl Fn(usize) -> u64,
        now: Instant,
    ) -> Option<usize> {
        if self.policy.dial == Dial::Active {
            return None;
        }
        let better = self.tiers[self.active.min(tiers)].endpoints.start;
        let place = (0..better).find(|place| {
            let it = &self.endpoints[*place];
            let is_free = it.is_available() && !it.is_full(load(*place));
            is_free && it.wants_trial(now, &self.health) && !tried.contains(place)
        })?;
        self.endpoints[place].try_at(now);
        Some(place)
    }

    /// Whether an endpoint of the tier is healthy and could be had, had it room.
    fn is_full(&self, tier: usize, tried: &[usize], load: &impl Fn(usize) -> u64) -> bool {
        self.tiers[tier].endpoints.clone().any(|place| {
            let it = &self.endpoints[place];
            it.is_available() && it.is_full(load(place)) && !tried.contains(&place)
        })
    }

    /// The tier that was left, while this request is not yet among those that return.
    fn ramping(&self, random: u64, now: Instant) -> Option<usize> {
        let Ramp { from, began } = self.ramp?;
        let length = self.policy.failback_ramp?;
        let past = now.saturating_duration_since(began);
        let share = past.as_secs_f64() / length.as_secs_f64();
        let drawn = (random >> 11) as f64 / (1_u64 << 53) as f64;
        (drawn >= share).then_some(from)
    }
}
