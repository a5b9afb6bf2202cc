//! A client's connection, from its acceptance to its end.

mod supply;
mod wire;

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Instant;

use l4_failover::socket::Stream;
use l4_failover::socket::cut::ResetOnDrop;
use l4_failover::soupbin::packet::{LoginRequest, Packet};
use l4_failover::soupbin::session::{ServerSession, Tick};
use tokio::task::{unconstrained, yield_now};
use tokio::time::sleep_until;
use tracing::{debug, info, warn};

use self::wire::{poll_read, poll_write, until};
use crate::server::alarm::Alarm;
use crate::server::client::Client;
use crate::server::conduct::{Conduct, Deed, Flow};
use crate::server::end::End;
use crate::server::goodbye;
use crate::server::incoming::{Incoming, Said};
use crate::server::outgoing::Outgoing;
use crate::server::stage::{Record, Stage};
use crate::server::status::GoneStatus;

/// Serves a client to its end, and says in the log how it came to it.
pub(in crate::server) async fn converse(stream: Stream, record: Record) {
    let (client, address) = (record.entry.own.id, record.entry.client);
    debug!(client, %address, "connected");
    let mut conversation = Conversation::new(stream, &record);
    let end = conversation.run().await;
    let progress = &record.entry.own.progress;
    let (next, sent) = (progress.next.load(Relaxed), progress.sent.load(Relaxed));
    match end.level() {
        tracing::Level::WARN => warn!(client, %address, next, sent, "{end}"),
        _ => info!(client, %address, next, sent, "{end}"),
    }
    let gone = GoneStatus {
        id: client,
        address,
        next,
        sent,
        end: end.to_string(),
    };
    gone.remember(&mut record.stage.gone());
    let Conversation {
        stream, outgoing, ..
    } = conversation;
    goodbye::part(stream, outgoing, &end, record.stage.limits.stall).await;
}

struct Conversation<'a> {
    stage: &'a Arc<Stage>,
    record: &'a Record,
    client: &'a Client,
    stream: ResetOnDrop<Stream>,
    session: ServerSession,
    incoming: Incoming,
    outgoing: Outgoing,
    /// From the login on.
    alarm: Option<Alarm>,
    since: Instant,
    conduct: Conduct,
    /// The version of the orders that were carried out.
    seen: u64,
    /// The chunk at hand is not what it should be.
    is_stale: bool,
    /// Since when the client takes nothing of what there is.
    stalled: Option<Instant>,
}

/// What a connection was waiting for.
enum Event {
    /// Bytes came; none: the client closed.
    Heard(usize),
    Wrote(usize),
    /// A moment came, or an order.
    Woken,
    Stopping,
}

impl<'a> Conversation<'a> {
    fn new(stream: Stream, record: &'a Record) -> Self {
        let now = Instant::now();
        Self {
            stage: &record.stage,
            record,
            client: &record.entry.own,
            stream: ResetOnDrop::from(stream),
            session: ServerSession::new(record.stage.limits.session, now),
            incoming: Incoming::default(),
            outgoing: Outgoing::default(),
            alarm: None,
            since: now,
            conduct: Conduct::default(),
            seen: 0,
            is_stale: false,
            stalled: None,
        }
    }

    async fn run(&mut self) -> End {
        loop {
            if let Err(end) = self.step().await {
                return end;
            }
        }
    }

    async fn step(&mut self) -> Result<(), End> {
        self.obey().await?;
        let event = match self.conduct.flow {
            Flow::Frozen => self.frozen().await,
            Flow::On | Flow::Paused => {
                let now = Instant::now();
                self.tick(now).await?;
                self.fill(now).await?;
                self.event(now).await?
            }
        };
        match event {
            Event::Heard(0) => Err(End::Closed),
            Event::Heard(count) => self.heard(count),
            Event::Wrote(count) => {
                self.wrote(count, Instant::now());
                Ok(())
            }
            Event::Woken => Ok(()),
            Event::Stopping => Err(End::Stopping),
        }
    }

    /// Does what was ordered since this was last asked.
    async fn obey(&mut self) -> Result<(), End> {
        let version = self.client.version();
        if version == self.seen {
            return Ok(());
        }
        self.seen = version;
        let (conduct, deeds) = self.client.take_orders();
        self.is_stale |= conduct.blemishes != self.conduct.blemishes;
        if self.conduct.flow == Flow::Frozen && conduct.flow != Flow::Frozen {
            // Nobody listened, and nobody wrote.
            self.session.heard(Instant::now());
            self.stalled = None;
        }
        self.conduct = conduct;
        for deed in deeds {
            self.act(deed).await?;
        }
        Ok(())
    }

    async fn act(&mut self, deed: Deed) -> Result<(), End> {
        match deed {
            // A client that takes nothing is not told more and more.
            Deed::Debug(_) | Deed::Unsequenced(_) if self.outgoing.is_full() => {}
            Deed::Debug(text) => self.outgoing.say(&Packet::Debug(text.as_bytes())),
            Deed::Unsequenced(text) if self.session.is_in() => {
                self.outgoing.say(&Packet::Unsequenced(text.as_bytes()));
            }
            // Nobody has logged in to whom it could be sent.
            Deed::Unsequenced(_) => {}
            Deed::End(ending) => return Err(End::Ordered(ending)),
            Deed::Farewell => return Err(self.farewell()),
            Deed::Cut(ending) => {
                if self.session.is_in() && !self.outgoing.has_next() {
                    // It may be the last one: then there is none to be cut.
                    self.load().await?;
                }
                return Err(End::Cut(ending));
            }
        }
        Ok(())
    }

    fn farewell(&mut self) -> End {
        if self.session.is_in() {
            self.outgoing.say(&Packet::EndOfSession);
        }
        End::OfSession
    }

    async fn frozen(&self) -> Event {
        tokio::select! {
            () = self.client.ordered() => Event::Woken,
            () = poll_fn(|cx| self.record.entry.poll_end(cx)) => Event::Stopping,
        }
    }

    /// Heartbeats, and what lasted too long.
    async fn tick(&mut self, now: Instant) -> Result<(), End> {
        let limits = &self.stage.limits;
        if self
            .stalled
            .is_some_and(|since| now >= since + limits.stall)
        {
            return Err(End::Stalled(limits.stall));
        }
        let mut tick = self.session.tick(now);
        if let Tick::Silent | Tick::NoLogin = tick {
            self.look().await?;
            tick = self.session.tick(now);
        }
        match tick {
            Tick::Nothing => {}
            // Behind bytes that wait it would only pile up.
            Tick::Heartbeat if self.conduct.is_mute || !self.outgoing.bytes().is_empty() => {}
            Tick::Heartbeat => self.outgoing.say(&Packet::ServerHeartbeat),
            Tick::Silent => return Err(End::Silent(self.session.silent_for(now))),
            Tick::NoLogin => return Err(End::NoLogin(limits.session.login)),
        }
        Ok(())
    }

    /// Takes in what came already. Where this process stood still for longer than a client may be
    /// silent, that is what the client said meanwhile.
    async fn look(&mut self) -> Result<(), End> {
        // A process that goes on is told of its timers before it is told of its sockets.
        yield_now().await;
        let Self {
            stream, incoming, ..
        } = self;
        // Not as one of the reads after which others have their turn: it must not seem that nothing
        // is there.
        let read = poll_fn(|cx| Poll::Ready(poll_read(stream, incoming, cx)));
        match unconstrained(read).await {
            Poll::Ready(Ok(0)) => Err(End::Closed),
            Poll::Ready(Ok(count)) => self.heard(count),
            Poll::Ready(Err(error)) => Err(End::Broken(error)),
            Poll::Pending => Ok(()),
        }
    }

    /// Waits for something to happen.
    async fn event(&mut self, now: Instant) -> Result<Event, End> {
        let due = self.due();
        let timer = match self.stalled {
            Some(since) => self.session.due().min(since + self.stage.limits.stall),
            None => self.session.due(),
        };
        let Self {
            record,
            client,
            stream,
            incoming,
            outgoing,
            alarm,
            stalled,
            ..
        } = self;
        let moved = poll_fn(|cx| {
            if record.entry.poll_end(cx).is_ready() {
                return Poll::Ready(Ok(Event::Stopping));
            }
            if let Poll::Ready(heard) = poll_read(stream, incoming, cx) {
                return Poll::Ready(heard.map(Event::Heard));
            }
            let written = poll_write(stream, outgoing.bytes(), cx);
            if written.is_pending() && !outgoing.bytes().is_empty() {
                stalled.get_or_insert(now);
            }
            written.map_ok(Event::Wrote)
        });
        tokio::select! {
            biased;
            event = moved => event.map_err(End::Broken),
            () = client.ordered() => Ok(Event::Woken),
            woken = until(alarm, due) => woken.map(|()| Event::Woken).map_err(End::Alarm),
            () = sleep_until(timer.into()) => Ok(Event::Woken),
        }
    }

    fn heard(&mut self, count: usize) -> Result<(), End> {
        self.session.heard(Instant::now());
        self.incoming.read(count);
        loop {
            match self.incoming.next(&mut self.session) {
                Ok(Some(Said::Login(login))) => self.login(&login)?,
                Ok(Some(Said::Logout)) => return Err(End::Logout),
                Ok(Some(Said::Unsequenced)) => {
                    self.client.progress.unsequenced.fetch_add(1, Relaxed);
                }
                Ok(Some(Said::Nothing)) => {}
                Ok(None) => return Ok(()),
                Err(malformed) => return Err(End::Malformed(malformed)),
            }
        }
    }

    fn login(&mut self, login: &LoginRequest) -> Result<(), End> {
        let now = Instant::now();
        let answer = self.stage.rules.answer(login, &self.stage.moment(now));
        self.say_asked(login);
        match answer {
            Ok(admission) => {
                self.outgoing
                    .say(&Packet::LoginAccepted(admission.accepted));
                self.outgoing.begin(admission.first);
                self.session.accepted(now);
                self.since = now;
                self.alarm = Some(Alarm::new().map_err(End::Alarm)?);
                self.client.logged_in(login, admission.first);
                self.stage.counts.logins.fetch_add(1, Relaxed);
                Ok(())
            }
            Err(reject) => {
                self.outgoing.say(&Packet::LoginRejected(reject));
                self.stage.counts.rejected.fetch_add(1, Relaxed);
                Err(End::Rejected(reject))
            }
        }
    }

    fn say_asked(&self, login: &LoginRequest) {
        let (client, address) = (self.client.id, self.record.entry.client);
        let (username, sequence) = (login.credentials.username(), login.sequence);
        info!(client, %address, username, session = %login.session, sequence, "login");
    }
}
