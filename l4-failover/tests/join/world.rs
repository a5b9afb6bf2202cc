//! A consumer, its lines and the servers, in time that is stepped: it does what it is told, and
//! checks each thing that it is told.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use fastrand::Rng;
use l4_failover::soupbin::join::{
    Action, End, Join, JoinEvent, JoinOptions, Joined, LineFault, LineId, LineOptions, Stage,
    Standby, TargetId, Why,
};
use l4_failover::soupbin::packet::{Credentials, LoginRequest, Packet, SessionId};

use super::consumer::Consumer;
use super::feed::Feed;
use super::server::{Conn, Manner};
use super::watch::Watch;

pub(crate) const SESSION: &str = "FEED000001";

/// A dial whose target is not chosen yet.
struct Choosing {
    line: LineId,
    but: Vec<TargetId>,
    at: Duration,
}

/// A change of lines, and what led there.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) joined: Joined,
    /// The lines that failed since the one before.
    pub(crate) faults: Vec<LineFault>,
    /// What is known of lines that failed before, and whose failure is no news.
    pub(crate) known: Vec<LineFault>,
}

pub(crate) struct World {
    pub(crate) feed: Feed,
    pub(crate) manners: Vec<Manner>,
    /// Since when each server has been good.
    pub(crate) good_since: Vec<Option<Duration>>,
    /// Which is chosen first.
    pub(crate) order: Vec<usize>,
    pub(crate) random: Rng,
    pub(crate) join: Join,
    pub(crate) consumer: Consumer,
    pub(crate) time: Duration,
    pub(crate) end: Option<End>,
    pub(crate) changes: Vec<Change>,
    pub(crate) events: Vec<JoinEvent>,
    /// Servers that said that the session is over.
    pub(crate) enders: HashSet<usize>,
    start: Instant,
    faults: Vec<LineFault>,
    choosing: Vec<Choosing>,
    conns: Vec<Conn>,
    closed: HashSet<LineId>,
    is_blocked: bool,
    /// How often time has stood still.
    still: u32,
    said: u32,
    heard: HashSet<Vec<u8>>,
    pub(crate) watch: Watch,
    is_hot: bool,
    /// Since when the consumer has taken what there is.
    pub(crate) taking_since: Duration,
}

impl World {
    pub(crate) fn new(seed: u64, servers: usize, options: JoinOptions) -> Self {
        let mut random = Rng::with_seed(seed);
        let start = Instant::now();
        let is_hot = options.standby == Standby::Hot;
        let watch = Watch::new(is_hot);
        let feed = Feed {
            seed,
            head_start: random.u64(0..200),
            pace: Duration::from_micros(random.u64(500..40_000)),
            last: u64::MAX - 1,
        };
        let session = SESSION.parse().unwrap();
        Self {
            manners: vec![Manner::good(session); servers],
            good_since: vec![Some(Duration::ZERO); servers],
            order: (0..servers).collect(),
            join: Join::new(options, seed, start),
            consumer: Consumer::new(SESSION, 1, false),
            time: Duration::ZERO,
            end: None,
            changes: Vec::new(),
            events: Vec::new(),
            enders: HashSet::new(),
            faults: Vec::new(),
            choosing: Vec::new(),
            conns: Vec::new(),
            closed: HashSet::new(),
            is_blocked: false,
            still: 0,
            said: 0,
            heard: HashSet::new(),
            watch,
            is_hot,
            taking_since: Duration::ZERO,
            feed,
            random,
            start,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.start + self.time
    }

    /// The consumer logs in: its login comes in two pieces.
    pub(crate) fn log_in(&mut self, sequence: u64) {
        let is_blank = self.random.bool();
        let heartbeat_timeout = self.random.bool().then_some(Duration::from_secs(15));
        let request = LoginRequest {
            credentials: Credentials::new("trader", "secret").unwrap(),
            session: if is_blank {
                SessionId::BLANK
            } else {
                SESSION.parse().unwrap()
            },
            sequence,
            heartbeat_timeout,
        };
        self.consumer = Consumer::new(SESSION, sequence, heartbeat_timeout.is_some());
        self.consumer.may_stray = self.is_hot;
        let mut bytes = Vec::new();
        Packet::LoginRequest(request).encode(&mut bytes).unwrap();
        let cut = self.random.usize(0..bytes.len());
        let now = self.now();
        assert_eq!(self.join.from_consumer(&bytes[..cut], now), 0);
        assert_eq!(self.join.from_consumer(&bytes, now), bytes.len());
        self.act();
    }

    /// Runs until it is so, or for so long: whether it came to be so.
    pub(crate) fn run(&mut self, longest: Duration, mut until: impl FnMut(&Self) -> bool) -> bool {
        let deadline = self.time + longest;
        while !until(self) {
            if self.time >= deadline || self.end.is_some() {
                return false;
            }
            self.step();
        }
        true
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        self.run(time, |_| false);
    }

    pub(crate) fn joined(&self) -> Option<usize> {
        self.join.joined().map(|target| target.0 as usize)
    }

    /// Changes how a server behaves.
    pub(crate) fn change(&mut self, server: usize, change: impl FnOnce(&mut Manner)) {
        let session = SESSION.parse().unwrap();
        let manner = &mut self.manners[server];
        change(manner);
        let since = self.good_since[server].unwrap_or(self.time);
        self.good_since[server] = manner.is_good(session).then_some(since);
    }

    /// An operator says that who differed may be tried again: whether anybody did.
    pub(crate) fn forgive(&mut self) -> bool {
        let has_any = !self.join.status(self.now()).diverged.is_empty();
        if has_any {
            self.watch.allowances += self.manners.len();
            self.join.forgive_diverged(self.now());
            self.act();
        }
        has_any
    }

    pub(crate) fn mend(&mut self, server: usize) {
        let manner = &self.manners[server];
        if manner.is_live_only || manner.begins > 1 {
            // No server comes by older messages while it runs.
            self.cut(server, LineFault::Closed);
        }
        self.change(server, |it| *it = Manner::good(SESSION.parse().unwrap()));
        self.forgive();
    }

    /// One of the messages that a server has yet to send on its lines is another.
    pub(crate) fn corrupt(&mut self, server: usize, ahead: u64) {
        let conns = self.conns.iter_mut().filter(|it| it.target == server);
        conns.for_each(|it| it.corrupt(ahead));
    }

    /// The lines that are logged in.
    pub(crate) fn logged_in(&self) -> usize {
        self.conns.iter().filter(|it| it.is_in()).count()
    }

    /// How many lines are in this stage.
    pub(crate) fn count(&self, stage: Stage) -> usize {
        let lines = self.join.status(self.now()).lines;
        lines.iter().filter(|line| line.stage == stage).count()
    }

    /// SIGKILL: what is on the wire is lost from anywhere on, a frame's middle too.
    pub(crate) fn kill(&mut self, server: usize) {
        self.change(server, |it| it.is_up = false);
        self.cut(server, LineFault::Broken("reset".to_owned()));
    }

    /// All of a server's connections end, after a part of what is on the wire.
    pub(crate) fn cut(&mut self, server: usize, fault: LineFault) {
        let lines = self
            .conns
            .iter()
            .filter(|it| it.target == server && it.is_connected());
        let lines: Vec<_> = lines.map(|it| it.line).collect();
        for line in lines {
            self.deliver(line);
            if self.conns.iter().any(|it| it.line == line) {
                self.conns.retain(|it| it.line != line);
                self.join.failed(line, fault.clone(), self.now());
                self.act_without(line);
            }
        }
    }

    /// The consumer takes nothing for a while, or does again.
    pub(crate) fn block(&mut self, is_blocked: bool) {
        self.is_blocked = is_blocked;
        self.taking_since = if is_blocked { Duration::MAX } else { self.time };
        self.join.block(is_blocked, self.now());
        self.act();
    }

    pub(crate) fn prefer(&mut self, server: usize) {
        self.order.retain(|it| *it != server);
        self.order.insert(0, server);
        self.watch.allowances += self.manners.len();
        self.join.prefer_another(self.now());
        self.act();
    }

    /// Checks see a server come up, whether it is or not.
    pub(crate) fn see_up(&mut self, server: usize) {
        self.watch.allowances += 1;
        let target = TargetId(server as u32);
        self.join.target_up(target, self.now());
        self.act();
    }

    /// The consumer sends a message without a number.
    pub(crate) fn say(&mut self) {
        self.said += 1;
        let mut bytes = Vec::new();
        Packet::Unsequenced(&self.said.to_be_bytes())
            .encode(&mut bytes)
            .unwrap();
        self.join.from_consumer(&bytes, self.now());
        self.act();
    }

    fn step(&mut self) {
        let due = self
            .join
            .due()
            .map(|at| at.saturating_duration_since(self.start));
        let next = self.time + Duration::from_micros(self.random.u64(500..20_000));
        let due = due.filter(|due| *due <= next);
        self.still = if due == Some(self.time) {
            self.still + 1
        } else {
            0
        };
        assert!(
            self.still < 10,
            "due again and again: {:?}",
            self.join.status(self.now())
        );
        self.time = due.unwrap_or(next).max(self.time);
        if due.is_some() {
            self.join.tick(self.now());
            self.act();
        }
        if self.random.u32(0..40) == 0 && self.end.is_none() {
            let mut heartbeat = Vec::new();
            Packet::ClientHeartbeat.encode(&mut heartbeat).unwrap();
            self.join.from_consumer(&heartbeat, self.now());
            self.act();
        }
        self.consumer.check_cadence(self.time);
        if self.is_hot {
            self.check_lines();
        }
        self.choose();
        let lines: Vec<_> = self.conns.iter().map(|it| it.line).collect();
        for line in lines {
            self.serve(line);
            self.deliver(line);
        }
        if self.end.is_some() {
            assert!(
                self.conns.is_empty() && self.choosing.is_empty(),
                "open after the end"
            );
            assert_eq!(self.join.due(), None);
            self.consumer.check_whole();
        }
    }

    fn choose(&mut self) {
        while let Some(place) = self.choosing.iter().position(|it| self.time >= it.at) {
            let Choosing { line, but, .. } = self.choosing.remove(place);
            let mut order = self.order.iter().copied();
            let chosen = order.find(|it| !but.contains(&TargetId(*it as u32)));
            let now = self.now();
            match chosen {
                Some(target) => {
                    self.conns.push(Conn::new(line, target, self.time));
                    self.watch.dialled(line, target, self.time);
                    let options = LineOptions::default();
                    self.join
                        .dialling(line, TargetId(target as u32), options, now);
                }
                None => {
                    self.closed.insert(line);
                    self.join.nobody(line, now);
                }
            }
            self.act();
        }
    }

    fn serve(&mut self, line: LineId) {
        let at = (self.consumer.next, self.consumer.retained());
        let (time, now) = (self.time, self.now());
        let Some(conn) = self.conns.iter_mut().find(|it| it.line == line) else {
            return;
        };
        let manner = &self.manners[conn.target];
        if conn.connects(manner, time) {
            match manner.is_up {
                true => self.join.connected(line, now),
                false => {
                    self.conns.retain(|it| it.line != line);
                    let refused = LineFault::Unreachable("refused".to_owned());
                    self.join.failed(line, refused, now);
                    return self.act_without(line);
                }
            }
            self.act();
        }
        if let Some(conn) = self.conns.iter_mut().find(|it| it.line == line) {
            conn.serve(
                &self.manners[conn.target],
                &self.feed,
                at,
                &mut self.random,
                time,
            );
            if conn.has_ended {
                self.enders.insert(conn.target);
            }
        }
    }

    /// Some of what a server wrote arrives, split anywhere.
    fn deliver(&mut self, line: LineId) {
        if !self.join.wants(line) {
            return;
        }
        let Some(conn) = self.conns.iter_mut().find(|it| it.line == line) else {
            return;
        };
        if self.manners[conn.target].is_stopped {
            return;
        }
        let count = match self.random.u32(0..4) {
            0 => self.random.usize(0..=conn.wire.len()),
            1 => self.random.usize(0..=conn.wire.len().min(50)),
            _ => conn.wire.len(),
        };
        conn.read.extend(conn.wire.drain(..count));
        let is_last = conn.is_closed && conn.wire.is_empty();
        if count == 0 && !is_last {
            return;
        }
        let read = std::mem::take(&mut conn.read);
        let mut from = 0;
        loop {
            let step = self.join.from_line(line, &read[from..], self.now());
            let taken = &read[from..from + step.taken];
            self.watch.takes(line, taken, &step.forward, &self.consumer);
            self.act();
            if !self.closed.contains(&line) {
                self.watch.assert_sound(line);
            }
            let forward = &read[from..][step.forward.clone()];
            if !forward.is_empty() {
                assert!(self.end.is_none() && self.conns.iter().any(|it| it.line == line));
                self.consumer.gets(forward, &self.feed, self.time);
            }
            from += step.taken;
            if step.taken == 0 {
                break;
            }
        }
        let Some(conn) = self.conns.iter_mut().find(|it| it.line == line) else {
            return;
        };
        conn.read = read[from..].to_vec();
        if is_last {
            self.conns.retain(|it| it.line != line);
            self.join.failed(line, LineFault::Closed, self.now());
            self.act_without(line);
        }
    }

    /// After a line has ended here, that is said of it once more.
    fn act_without(&mut self, line: LineId) {
        self.act();
        assert!(self.closed.contains(&line), "a line that failed is closed");
    }

    /// Does what is to be done.
    fn act(&mut self) {
        let mut queued = 0;
        while let Some(action) = self.join.next_action() {
            assert!(self.end.is_none(), "{action:?} after the end");
            queued += 1;
            assert!(queued < 2000, "too much at once");
            match action {
                Action::Dial { line, but, .. } => self.dial(line, but),
                Action::Send { line, bytes } => {
                    assert!(!self.closed.contains(&line), "sent on a closed line");
                    let time = self.time;
                    if let Some(conn) = self.conns.iter_mut().find(|it| it.line == line) {
                        conn.received(&bytes, time);
                        let came = std::mem::take(&mut conn.unsequenced);
                        came.into_iter()
                            .for_each(|it| assert!(self.heard.insert(it), "twice"));
                    }
                }
                Action::Close { line } => {
                    assert!(self.closed.insert(line), "closed twice");
                    self.conns.retain(|it| it.line != line);
                    self.choosing.retain(|it| it.line != line);
                }
                Action::Tell(bytes) => self.consumer.gets(&bytes, &self.feed, self.time),
                Action::End(end) => self.end = Some(end),
                Action::Event(event) => self.note(event),
            }
        }
    }

    /// Never two lines to one server, nor more than two that are live, where the standby is hot.
    fn check_lines(&self) {
        let status = self.join.status(self.now());
        let at = |stage| status.lines.iter().filter(move |it| it.stage == stage);
        let (joined, beside) = (at(Stage::Joined).count(), at(Stage::Standby).count());
        assert!(joined <= 1 && beside <= 1, "{status:?}");
        let targets: HashSet<_> = status.lines.iter().filter_map(|it| it.target).collect();
        let lines = status.lines.iter().filter(|it| it.target.is_some());
        assert_eq!(targets.len(), lines.count(), "{status:?}");
    }

    fn dial(&mut self, line: LineId, but: Vec<TargetId>) {
        let joined = self.join.joined();
        for conn in &self.conns {
            let target = TargetId(conn.target as u32);
            // With a hot standby what is preferred may be there already, and is known by that.
            assert!(
                but.contains(&target) || joined == Some(target) || self.is_hot,
                "two lines to {target:?}"
            );
        }
        assert!(self.conns.len() <= self.manners.len() && self.choosing.is_empty());
        let waits = self.random.u64(0..3) * self.random.u64(0..3);
        let at = self.time + Duration::from_millis(waits);
        self.choosing.push(Choosing { line, but, at });
    }

    fn note(&mut self, event: JoinEvent) {
        match &event {
            JoinEvent::LineDown { fault, target, .. } => {
                if let LineFault::Mismatch { sequence } = fault {
                    self.watch.assert_differs(target.0 as usize, *sequence);
                }
                self.watch.allowances += usize::from(matches!(fault, LineFault::Rejected(_)));
                self.faults.push(fault.clone());
            }
            JoinEvent::Diverged { target, sequence } => {
                self.watch.assert_differs(target.0 as usize, *sequence);
            }
            JoinEvent::FailoverStarted { .. } | JoinEvent::StandingBy { .. } => {
                self.watch.allowances += self.manners.len();
            }
            JoinEvent::Joined(joined) if joined.why != Why::Login => {
                self.watch.allowances += self.manners.len();
                self.changes.push(Change {
                    joined: joined.clone(),
                    faults: std::mem::take(&mut self.faults),
                    known: {
                        let status = self.join.status(self.now());
                        status.faults.into_iter().map(|(_, fault)| fault).collect()
                    },
                });
            }
            _ => {}
        }
        self.events.push(event);
    }
}

impl World {
    /// Whether a part of a frame of this server's was read.
    pub(crate) fn has_half_a_frame(&self, server: usize) -> bool {
        let mut conns = self.conns.iter();
        conns.any(|it| it.target == server && !it.read.is_empty() && !it.wire.is_empty())
    }
}
