//! What the clones of a pool share, and what happens to it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::SystemTime;

use tokio::sync::{Notify, broadcast};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use super::build::{self, BuildError, Clients};
use super::event::{EVENTS_MAX, Events, Happened, PoolEvent, TierName};
use super::options::PoolOptions;
use super::session::{Cut, Signal};
use super::status::{EndpointStatus, PoolStatus, TierStatus};
use super::{Endpoint, Upkeep, state_file, wall_clock};
use crate::choice::{
    Cause, Changes, Choice, EndpointChange, Event, HealthPolicy, Member, Memory, Move, MoveKind,
    Sessions, State as Counts,
};
use crate::probe::{Probe, Subject, SubjectTls, Verdict, Watch};
use crate::socket::tls::TlsClient;

/// What the clones of a pool share.
#[derive(Debug)]
pub(super) struct Inner {
    name: Arc<str>,
    state: Mutex<State>,
    events: broadcast::Sender<PoolEvent>,
    /// Itself, for the tasks that go on as long as somebody has the pool.
    me: Weak<Inner>,
    /// What is due, or what must be kept, is another. Shared with the task that waits for it.
    wake: Arc<Notify>,
    /// One writer of the state file at a time; what it wrote last.
    pub(super) kept: tokio::sync::Mutex<Memory>,
    upkeep: OnceLock<Upkeep>,
    pub(super) moves: [[AtomicU64; Cause::ALL.len()]; 2],
    pub(super) spilled: AtomicU64,
}

/// What changes; locked for moments only, never over an await.
#[derive(Debug)]
pub(super) struct State {
    pub(super) choice: Choice,
    /// In the order of the choice's.
    pub(super) endpoints: Vec<Arc<Endpoint>>,
    /// The same; empty until the pool is started.
    watches: Vec<Watch>,
    check_tls: Option<SubjectTls>,
    pub(super) options: PoolOptions,
    pub(super) random: fastrand::Rng,
    pub(super) last_move: Option<PoolEvent>,
    /// A task waits for what is due.
    is_minded: bool,
    /// Something that must survive a restart may have changed.
    pub(super) is_unkept: bool,
    pub(super) state_file_error: Option<Arc<str>>,
}

impl Inner {
    pub(super) fn new(options: PoolOptions) -> Result<Arc<Self>, BuildError> {
        options.validate()?;
        let mut clients = Clients::default();
        let endpoints = build::endpoints(&options, &[], &mut clients)?;
        let check_tls = check_tls(&options, &mut clients)?;
        let now = Instant::now().into_std();
        let (policy, health) = (options.policy.clone(), health(&options));
        let mut choice = Choice::new(members(&options), policy, health, now);
        let kept = match &options.state_file {
            Some(path) => state_file::load(path)?,
            None => Memory::default(),
        };
        choice.restore(&kept, now);
        number(&endpoints);
        let state = State {
            choice,
            endpoints,
            watches: Vec::new(),
            check_tls,
            random: fastrand::Rng::new(),
            last_move: None,
            is_minded: false,
            is_unkept: false,
            state_file_error: None,
            options,
        };
        Ok(Arc::new_cyclic(|me| Self {
            name: state.options.name.as_str().into(),
            state: Mutex::new(state),
            events: broadcast::channel(EVENTS_MAX).0,
            me: Weak::clone(me),
            wake: Arc::default(),
            kept: tokio::sync::Mutex::new(kept),
            upkeep: OnceLock::new(),
            moves: Default::default(),
            spilled: AtomicU64::new(0),
        }))
    }

    pub(super) fn start(&self, upkeep: &Upkeep) {
        if self.upkeep.set(upkeep.clone()).is_err() {
            return;
        }
        let mut state = self.state();
        for endpoint in &state.endpoints {
            upkeep.resolve(endpoint.shared_addresses());
        }
        state.watches = self.watches(&state, upkeep);
        self.mind(&mut state);
    }

    pub(super) fn reload(&self, options: PoolOptions) -> Result<(), BuildError> {
        options.validate()?;
        let mut clients = Clients::default();
        let before = self.state().endpoints.clone();
        let endpoints = build::endpoints(&options, &before, &mut clients)?;
        let check_tls = check_tls(&options, &mut clients)?;
        if let Some(path) = &options.state_file {
            // What is in force now counts, not what is there; only whether it can be written.
            state_file::save(path, &self.state().choice.memory())?;
        }
        let now = Instant::now().into_std();
        let mut state = self.state();
        let left = self.tier_name(&state, state.choice.active());
        let policy = options.policy.clone();
        let (choice, changes) =
            state
                .choice
                .reconfigured(members(&options), policy, health(&options), now);
        before.iter().for_each(|it| it.set_place(None));
        number(&endpoints);
        (state.choice, state.endpoints, state.check_tls) = (choice, endpoints, check_tls);
        state.options = options;
        if let Some(upkeep) = self.upkeep.get() {
            let is_new = |it: &&Arc<Endpoint>| !before.iter().any(|old| Arc::ptr_eq(old, it));
            let new = state.endpoints.iter().filter(is_new);
            new.for_each(|it| upkeep.resolve(it.shared_addresses()));
            // The old watches are dropped after the new are there: no series of checks ends.
            let _before = std::mem::take(&mut state.watches);
            state.watches = self.watches(&state, upkeep);
        }
        if let Some(moved) = changes.moved {
            self.moved(&mut state, &moved, left);
        }
        state.is_unkept = true;
        self.mind(&mut state);
        Ok(())
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn listen(&self) -> Events {
        Events {
            pool: Arc::clone(&self.name),
            receiver: self.events.subscribe(),
        }
    }
}

/// What happens to a pool.
impl Inner {
    /// A dial ended in a connection.
    pub(super) fn answered(&self, endpoint: &Arc<Endpoint>, is_spilled: bool) {
        endpoint.answered();
        if is_spilled {
            self.spilled.fetch_add(1, Relaxed);
        }
        let mut state = self.state();
        if !is_checked(&state.options) {
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

    fn checked(&self, endpoint: &Arc<Endpoint>, verdict: &Verdict) {
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
        for change in &changes.endpoints {
            self.endpoint_changed(state, change);
        }
        if let Some(moved) = &changes.moved {
            let left = self.tier_name(state, moved.from);
            self.moved(state, moved, left);
            let (how, why) = match moved.kind {
                MoveKind::Failover => (state.options.policy.on_failover, Cut::Failover),
                MoveKind::Failback => (state.options.policy.on_failback, Cut::Failback),
            };
            let on_tier = |it: &&Arc<Endpoint>| {
                let place = it.place().map(|place| &state.choice.endpoints()[place]);
                place.is_some_and(|it| it.tier() == moved.from)
            };
            let signals = state.endpoints.iter().filter(on_tier);
            let signals = signals.flat_map(|it| it.sessions().signals()).collect();
            self.end(state, signals, how, why);
        }
        if !changes.is_empty() {
            state.is_unkept = true;
            self.mind(state);
        }
    }

    fn endpoint_changed(&self, state: &State, change: &EndpointChange) {
        let endpoint = &state.endpoints[change.endpoint];
        let counted = &state.choice.endpoints()[change.endpoint];
        let reason = match change.to {
            Counts::Up => None,
            Counts::Down => why_down(endpoint),
            Counts::Maintenance => counted.maintenance().cloned(),
        };
        let (pool, name, from, to) = (&self.name, endpoint.name(), change.from, change.to);
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
            endpoint: Arc::clone(name),
            from,
            to,
            reason,
        });
        if to == Counts::Down {
            let how = state.options.policy.on_endpoint_down;
            self.end(state, endpoint.sessions().signals(), how, Cut::EndpointDown);
        }
    }

    fn moved(&self, state: &mut State, moved: &Move, left: TierName) {
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
        match kind {
            MoveKind::Failover => {
                warn!(target: "pool", %pool, %cause, from = %left, %to, since_last = ?after, reason = told, "failover");
            }
            MoveKind::Failback => {
                info!(target: "pool", %pool, %cause, from = %left, %to, since_last = ?after, "failback");
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
    }

    fn tell(&self, what: Happened) -> PoolEvent {
        let event = PoolEvent {
            at: SystemTime::now(),
            pool: Arc::clone(&self.name),
            what,
        };
        // An error means that nobody listens.
        let _ = self.events.send(event.clone());
        event
    }

    fn tier_name(&self, state: &State, tier: usize) -> TierName {
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

    /// Ends sessions as the policy says.
    fn end(&self, state: &State, signals: Vec<Weak<Signal>>, how: Sessions, why: Cut) {
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
                upkeep.runtime().spawn(drain(signals, within, why));
            }
        }
    }
}

/// What goes on beside.
impl Inner {
    /// Sees to it that what is due happens, and that what must be kept is kept.
    fn mind(&self, state: &mut State) {
        let Some(upkeep) = self.upkeep.get() else {
            return;
        };
        if state.is_minded {
            self.wake.notify_one();
        } else if self.is_waiting(state) {
            state.is_minded = true;
            let (me, wake) = (Weak::clone(&self.me), Arc::clone(&self.wake));
            upkeep.runtime().spawn(mind(me, wake));
        }
    }

    fn is_waiting(&self, state: &State) -> bool {
        let is_unkept = state.is_unkept && state.options.state_file.is_some();
        is_unkept || state.choice.due(Instant::now().into_std()).is_some()
    }

    /// Does what is due. Whether there is more to wait for, and until when.
    fn tick(&self) -> Option<Option<Instant>> {
        let now = Instant::now().into_std();
        let mut state = self.state();
        let changes = state.choice.observe(Event::Tick, now);
        self.apply(&mut state, &changes);
        state.is_minded = self.is_waiting(&state);
        let due = state.choice.due(now).map(Instant::from_std);
        state.is_minded.then_some(due)
    }

    /// Watches every endpoint, in order.
    fn watches(&self, state: &State, upkeep: &Upkeep) -> Vec<Watch> {
        let watch = |(place, endpoint): (usize, &Arc<Endpoint>)| {
            let (me, checked) = (Weak::clone(&self.me), Arc::clone(endpoint));
            let tell = move |verdict: &Verdict| {
                if let Some(inner) = me.upgrade() {
                    inner.checked(&checked, verdict);
                }
            };
            let watch = upkeep.checker().watch(subject(state, endpoint), tell);
            watch.doubt(state.choice.endpoints()[place].health().is_in_doubt());
            watch
        };
        state.endpoints.iter().enumerate().map(watch).collect()
    }

    /// The pool at this moment.
    pub(super) fn status(&self) -> PoolStatus {
        let state = self.state();
        let (choice, now) = (&state.choice, Instant::now().into_std());
        let tier = |tier: usize| TierStatus {
            is_healthy: choice.is_healthy(tier),
            endpoints: choice
                .tier(tier)
                .iter()
                .zip(state.endpoints.iter().skip(first_of(choice, tier)))
                .map(|(counted, endpoint)| endpoint_status(counted, endpoint, now))
                .collect(),
        };
        let moves = self.moves.iter().flatten();
        PoolStatus {
            name: Arc::clone(&self.name),
            active: choice.active(),
            since: wall_clock(choice.since()),
            active_for: now.saturating_duration_since(choice.since()),
            failback: choice.policy().failback,
            is_held: choice.is_held(),
            hold_down: choice.hold_down(now),
            hold_down_left: choice.hold_down_left(now),
            flaps: choice.flaps(now),
            moves: moves.map(|count| count.load(Relaxed)).sum(),
            spilled: self.spilled.load(Relaxed),
            last_move: state.last_move.clone(),
            state_file_error: state.state_file_error.clone(),
            tiers: (0..choice.tiers()).map(tier).collect(),
        }
    }
}

fn first_of(choice: &Choice, tier: usize) -> usize {
    (0..tier).map(|before| choice.tier(before).len()).sum()
}

fn endpoint_status(
    counted: &crate::choice::Endpoint,
    endpoint: &Endpoint,
    now: std::time::Instant,
) -> EndpointStatus {
    let health = counted.health();
    let addresses = endpoint.addresses();
    EndpointStatus {
        name: Arc::clone(endpoint.name()),
        state: counted.state(),
        maintenance: counted.maintenance().cloned(),
        changed_for: health.changed().map(|at| now.saturating_duration_since(at)),
        streak: health.streak(),
        weight: counted.weight(),
        max_connections: counted.max_connections(),
        addresses: addresses.map_or_else(|_| Vec::new(), |found| found.to_vec()),
        connections: endpoint.active(),
        connects: endpoint.connects(),
        failures: endpoint.failures(),
        last_failure: endpoint.last_failure(),
        last_check: endpoint.last_check(),
    }
}

/// Why an endpoint is down: what its last check said, or the last dial.
fn why_down(endpoint: &Endpoint) -> Option<Arc<str>> {
    let check = endpoint.last_check().and_then(|check| check.result.err());
    check.or_else(|| endpoint.last_failure())
}

/// Does what is due and keeps what must be kept, until nothing waits or the pool is gone.
async fn mind(pool: Weak<Inner>, wake: Arc<Notify>) {
    while let Some(inner) = pool.upgrade() {
        if let Err(error) = inner.keep().await {
            warn!(target: "pool", pool = %inner.name, %error, "a restart will forget what changed");
        }
        let Some(due) = inner.tick() else { return };
        drop(inner);
        let wait = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = wait => {}
            () = wake.notified() => {}
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Lets the task that waits find that the pool is gone.
        self.wake.notify_one();
    }
}

/// Ends sessions one after the other, spread evenly.
async fn drain(signals: Vec<Weak<Signal>>, within: std::time::Duration, why: Cut) {
    let each = within / u32::try_from(signals.len()).unwrap_or(u32::MAX);
    for signal in signals {
        sleep(each).await;
        cut(&signal, why);
    }
}

fn cut(signal: &Weak<Signal>, why: Cut) {
    if let Some(signal) = signal.upgrade() {
        signal.cut(why);
    }
}

fn subject(state: &State, endpoint: &Endpoint) -> Subject {
    let (check, options) = (&state.options.check, endpoint.options());
    let own = |client: &TlsClient| {
        let options = options.tls.clone()?;
        let client = client.clone();
        Some(SubjectTls { client, options })
    };
    let tls = state
        .check_tls
        .clone()
        .or_else(|| endpoint.tls().and_then(own));
    Subject {
        target: options.target.clone(),
        addresses: Arc::clone(endpoint.shared_addresses()),
        probe: check.probe_of(options.tls.as_ref()),
        tls,
        port: check.port,
        interval: check.interval,
        fast_interval: check.fast_interval,
        timeout: check.timeout,
    }
}

fn check_tls(
    options: &PoolOptions,
    clients: &mut Clients,
) -> Result<Option<SubjectTls>, BuildError> {
    let Some(options) = &options.check.tls else {
        return Ok(None);
    };
    Ok(Some(SubjectTls {
        client: clients.of(options)?,
        options: options.clone(),
    }))
}

fn number(endpoints: &[Arc<Endpoint>]) {
    for (place, endpoint) in endpoints.iter().enumerate() {
        endpoint.set_place(Some(place));
    }
}

fn is_checked(options: &PoolOptions) -> bool {
    options.check.probe != Some(Probe::None)
}

fn health(options: &PoolOptions) -> HealthPolicy {
    HealthPolicy {
        is_checked: is_checked(options),
        rise: options.check.rise,
        fall: options.check.fall,
        fast_interval: options.check.fast_interval,
    }
}

fn members(options: &PoolOptions) -> Vec<Vec<Member>> {
    let member = |endpoint: &super::EndpointOptions| Member {
        name: endpoint.name().into(),
        weight: endpoint.weight,
        max_connections: endpoint.max_connections,
    };
    let tier = |tier: &Vec<super::EndpointOptions>| tier.iter().map(member).collect();
    options.tiers.iter().map(tier).collect()
}
