//! What happens to a pool, told and acted upon.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::SystemTime;

use tokio::time::Instant;
use tracing::{info, warn};

use super::Endpoint;
use super::event::{Happened, PoolEvent, TierName};
use super::inner::{Inner, State, is_checked};
use super::mind::{Drain, cut};
use super::session::Cut;
use crate::choice::{
    Cause, Changes, EndpointChange, Event, Move, MoveKind, OutChange, Sessions, State as Counts,
};
use crate::probe::{Verdict, Watch};

impl Inner {
    /// A dial ended in a connection.
    pub(super) fn answered(&self, endpoint: &Arc<Endpoint>, is_spilled: bool) {
        endpoint.answered();
        if is_spilled {
            self.spilled.fetch_add(1, Relaxed);
        }
        let mut state = self.state();
        if !is_checked(state.options.check_of(endpoint.options())) {
            self.happened(&mut state, endpoint, |endpoint| Event::Answered {
                endpoint,
            });
        }
    }

    /// A dial did not get a connection.
    pub(super) fn refused(&self, endpoint: &Arc<Endpoint>) {
        let mut state = self.state();
        self.happened(&mut state, endpoint, |endpoint| Event::Refused { endpoint });
        let watch = endpoint.place().and_then(|place| state.watches.get(place));
        watch.into_iter().for_each(Watch::now);
    }

    /// What an endpoint leads on to answered, or did not.
    pub(super) fn led(&self, endpoint: &Arc<Endpoint>, somewhere: bool) {
        let mut state = self.state();
        self.happened(&mut state, endpoint, |endpoint| match somewhere {
            true => Event::LedOn { endpoint },
            false => Event::LedNowhere { endpoint },
        });
    }

    pub(super) fn checked(&self, endpoint: &Arc<Endpoint>, verdict: &Verdict) {
        if endpoint.shared_addresses().is_pending() {
            // The look-up has not ended: nobody was asked.
            return;
        }
        endpoint.checked(verdict);
        let good = verdict.result.is_ok();
        let mut state = self.state();
        self.happened(&mut state, endpoint, |endpoint| Event::Checked {
            endpoint,
            good,
        });
    }

    fn happened(
        &self,
        state: &mut State,
        endpoint: &Arc<Endpoint>,
        event: impl FnOnce(usize) -> Event,
    ) {
        let Some(place) = endpoint.place() else {
            return;
        };
        let now = Instant::now().into_std();
        let changes = state.choice.observe(event(place), now);
        if let Some(watch) = state.watches.get(place) {
            watch.doubt(state.choice.endpoints()[place].health().is_in_doubt());
        }
        self.apply(state, &changes);
    }

    /// Tells of changes, and does with sessions what the policy says.
    pub(super) fn apply(&self, state: &mut State, changes: &Changes) {
        if state.is_retired {
            return;
        }
        for change in &changes.endpoints {
            self.endpoint_changed(state, change);
        }
        for change in &changes.out {
            self.out_changed(state, change);
        }
        for &endpoint in &changes.fell {
            let endpoint = Arc::clone(&state.endpoints[endpoint]);
            let how = state.options.policy.on_endpoint_down;
            self.end(state, &[endpoint], how, Cut::EndpointDown);
        }
        if let Some(moved) = &changes.moved {
            let (left, on_it) = self.left(state, moved.from);
            self.moved(state, moved, left);
            self.end_left(state, moved, &on_it);
        }
        self.forced(state, changes.forced);
        if let Some(left) = changes.ramped {
            let (_, on_it) = self.left(state, left);
            let how = state.options.policy.on_failback;
            self.end(state, &on_it, how, Cut::Failback);
        }
        if !changes.is_empty() {
            state.is_unkept = true;
            self.mind(state);
        }
    }

    /// A tier that was left: its name, and its endpoints.
    pub(super) fn left(&self, state: &State, tier: usize) -> (TierName, Vec<Arc<Endpoint>>) {
        let counted = state.choice.endpoints().iter().zip(&state.endpoints);
        let on_it = counted.filter(|(counted, _)| counted.tier() == tier);
        let on_it = on_it.map(|(_, endpoint)| Arc::clone(endpoint));
        (self.tier_name(state, tier), on_it.collect())
    }

    /// Ends the sessions on a tier that was left, as the policy says; while new sessions return
    /// little by little, later.
    pub(super) fn end_left(&self, state: &mut State, moved: &Move, left: &[Arc<Endpoint>]) {
        let active = state.choice.tier(moved.to).iter();
        let active: Vec<_> = active.map(|it| Arc::clone(it.name())).collect();
        active.iter().for_each(|it| stop_drains(state, it, true));
        let policy = &state.options.policy;
        let (how, why) = match moved.kind {
            MoveKind::Failover => (policy.on_failover, Cut::Failover),
            MoveKind::Failback if policy.failback_ramp.is_some() => return,
            MoveKind::Failback => (policy.on_failback, Cut::Failback),
        };
        self.end(state, left, how, why);
    }

    pub(super) fn endpoint_changed(&self, state: &mut State, change: &EndpointChange) {
        let endpoint = Arc::clone(&state.endpoints[change.endpoint]);
        let counted = &state.choice.endpoints()[change.endpoint];
        let reason = match change.to {
            Counts::Up => None,
            Counts::Down => why_down(&endpoint),
            Counts::Maintenance => counted.maintenance().cloned(),
        };
        let (pool, name) = (&self.name, Arc::clone(endpoint.name()));
        let (from, to) = (change.from, change.to);
        let told = reason.as_deref();
        match to {
            Counts::Down => {
                warn!(target: "pool", %pool, endpoint = %name, from = from.as_str(), reason = told, "endpoint down");
            }
            Counts::Up | Counts::Maintenance => {
                info!(target: "pool", %pool, endpoint = %name, from = from.as_str(), reason = told, "endpoint {}", to.as_str());
            }
        }
        self.tell(Happened::Endpoint {
            endpoint: Arc::clone(&name),
            from,
            to,
            reason,
        });
        if to == Counts::Up {
            stop_drains(state, &name, false);
            self.returned(&endpoint);
        }
    }

    fn out_changed(&self, state: &State, change: &OutChange) {
        let endpoint = &state.endpoints[change.endpoint];
        let (pool, name, is_healthy) = (&self.name, endpoint.name(), change.is_healthy);
        let reason = match is_healthy {
            true => None,
            false => why_down(endpoint),
        };
        let told = reason.as_deref();
        info!(target: "pool", %pool, endpoint = %name, healthy = is_healthy, reason = told, "endpoint in maintenance was checked");
        self.tell(Happened::Out {
            endpoint: Arc::clone(name),
            is_healthy,
            reason,
        });
    }

    pub(super) fn moved(&self, state: &mut State, moved: &Move, left: TierName) {
        self.moves[moved.kind as usize][moved.cause as usize].fetch_add(1, Relaxed);
        let to = self.tier_name(state, moved.to);
        let reason = match moved.cause {
            Cause::Unhealthy => left.endpoints.iter().find_map(|name| {
                let endpoint = state.endpoints.iter().find(|it| it.name() == name)?;
                why_down(endpoint)
            }),
            Cause::Maintenance | Cause::Recovered | Cause::Operator | Cause::Reload => None,
        };
        let (pool, kind, cause, after) = (&self.name, moved.kind, moved.cause, moved.after);
        let told = reason.as_deref();
        // Lists, which stand in quotes only as strings.
        let (told_from, told_to) = (left.to_string(), to.to_string());
        match kind {
            MoveKind::Failover => {
                warn!(target: "pool", %pool, %cause, from = told_from, to = told_to, since_last_seconds = after.as_secs_f64(), reason = told, "failover");
            }
            MoveKind::Failback => {
                info!(target: "pool", %pool, %cause, from = told_from, to = told_to, since_last_seconds = after.as_secs_f64(), "failback");
            }
        }
        let event = self.tell(Happened::Moved {
            kind,
            cause,
            from: left,
            to,
            after,
            reason,
        });
        state.last_move = Some(event);
        self.recall(cause);
    }

    /// Tells that a forced failback holds, or does no longer; nothing if that is as it was.
    pub(super) fn forced(&self, state: &State, forced: Option<bool>) {
        let Some(holds) = forced else { return };
        let tier = self.tier_name(state, 0);
        let reason = match holds {
            true => why_out(state, &tier),
            false => None,
        };
        let (pool, primary, told) = (&self.name, tier.to_string(), reason.as_deref());
        match holds {
            true => {
                warn!(target: "pool", %pool, primary, reason = told, "forced: the primary stays active, healthy or not, until it has been healthy once");
            }
            false => info!(target: "pool", %pool, primary, "no longer forced"),
        }
        self.tell(Happened::Forced {
            tier,
            holds,
            reason,
        });
    }

    pub(super) fn tell(&self, what: Happened) -> PoolEvent {
        let event = PoolEvent {
            at: SystemTime::now(),
            pool: Arc::clone(&self.name),
            what,
        };
        self.listeners.tell(&event);
        event
    }

    pub(super) fn tier_name(&self, state: &State, tier: usize) -> TierName {
        let names = state
            .choice
            .tier(tier)
            .iter()
            .map(|it| Arc::clone(it.name()));
        TierName {
            tier,
            endpoints: names.collect(),
        }
    }

    /// Ends the sessions on these endpoints as the policy says.
    fn end(&self, state: &mut State, endpoints: &[Arc<Endpoint>], how: Sessions, why: Cut) {
        let signals: Vec<_> = endpoints
            .iter()
            .flat_map(|it| it.sessions().signals())
            .collect();
        if signals.is_empty() {
            return;
        }
        match (how, self.upkeep.get()) {
            (Sessions::Keep, _) => {}
            (Sessions::Close, _) | (Sessions::Drain, None) => {
                signals.iter().for_each(|it| cut(it, why));
            }
            (Sessions::Drain, Some(upkeep)) => {
                let within = state.options.policy.drain_timeout;
                let names = endpoints.iter().map(|it| Arc::clone(it.name())).collect();
                let drain = Drain::start(upkeep, (names, signals), within, why);
                state.drains.retain(Drain::goes_on);
                state.drains.push(drain);
            }
        }
    }
}

/// The endpoint is in use again: what is left of its sessions goes on.
fn stop_drains(state: &State, endpoint: &str, for_tier: bool) {
    let drains = state.drains.iter();
    let drains = drains.filter(|it| it.is_of(endpoint, for_tier));
    drains.for_each(Drain::stop);
}

/// Why the first endpoint of a tier that is not in use is not.
fn why_out(state: &State, tier: &TierName) -> Option<Arc<str>> {
    let counted = state.choice.tier(tier.tier).iter();
    counted.zip(&tier.endpoints).find_map(|(counted, name)| {
        let endpoint = state.endpoints.iter().find(|it| it.name() == name)?;
        match counted.state() {
            Counts::Up => None,
            Counts::Down => why_down(endpoint),
            Counts::Maintenance => counted.maintenance().cloned(),
        }
    })
}

/// Why an endpoint is down: what its last check said, or the last dial.
fn why_down(endpoint: &Endpoint) -> Option<Arc<str>> {
    let check = endpoint.last_check().and_then(|check| check.result.err());
    check.or_else(|| endpoint.last_failure())
}
