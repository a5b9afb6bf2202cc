//! The one owner of a connection's log line, its metrics and its live entry.
//!
//! Whatever happens to a connection, it is counted and logged once: by [`ConnectionRecord::close`],
//! or, where its task was ended from outside, when the record is dropped.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use l4_failover::socket::proxy::{Header, Origin, UniqueId};
use l4_failover::socket::relay::Tally;
use l4_failover::socket::workers::Accepted;
use l4_failover::{Connected, Lease};
use tokio::net::TcpStream;

use crate::access::{Excess, Stay};
use crate::context::Context;
use crate::destination::Destination;
use crate::error::Error;
use crate::front::Listener;
use crate::hello::Hello;
use crate::live::{self, Course, Entry};
use crate::log::{Greeting, Known, Line, Upstream};
use crate::outcome::{Cause, Outcome, Phase};
use crate::route::RuleKind;
use crate::tap::Sighting;

/// What is known of a connection while it lives.
#[derive(Debug)]
pub struct ConnectionRecord {
    context: Arc<Context>,
    entry: Arc<Entry>,
    phase: Phase,
    rule: Option<RuleKind>,
    /// Boxed: an idle connection's task should stay small.
    greeting: Option<Box<Greeting>>,
    upstream: Option<Box<Upstream>>,
    /// A PROXY header went out, and an id with it.
    is_announced: bool,
    is_closed: bool,
}

impl ConnectionRecord {
    /// The record of a connection that was accepted.
    pub fn open(context: &Arc<Context>, accepted: Accepted<'_, Context>) -> Self {
        let Accepted {
            listener,
            slot,
            worker,
            client,
        } = accepted;
        let course = Course::at(Arc::clone(listener));
        let entry = context.live.open(slot, worker, client, course);
        entry.reached(Phase::Hello.as_str(), None);
        Self {
            context: Arc::clone(context),
            entry,
            phase: Phase::Hello,
            rule: None,
            greeting: None,
            upstream: None,
            is_announced: false,
            is_closed: false,
        }
    }

    /// What all connections share.
    #[must_use]
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Where it was accepted.
    #[must_use]
    pub fn listener(&self) -> &Listener {
        &self.entry.own.listener
    }

    /// A proxy that is believed has said whom it connects for.
    pub fn introduced(&self, header: Header) {
        // Set once: a connection begins with one header at most.
        let _ = self.entry.own.introduction.set(Box::new(header));
    }

    /// Whether the source that `client` belongs to may have one more connection: the address that its
    /// peer gave, where that is believed, or else the peer's. What is returned counts for it.
    ///
    /// # Errors
    ///
    /// [`Excess`]: the source has as much as it may.
    pub fn judge(&self, client: IpAddr) -> Result<Option<Box<Stay>>, Excess> {
        let limits = &self.listener().front().sources;
        self.context.sources.admit(client, limits, Instant::now())
    }

    /// The hello was read; `stay` counts for the client's source until the connection ends.
    pub fn greeted(&mut self, hello: &mut Hello, stay: Option<Box<Stay>>) {
        self.reach(Phase::Route);
        if let Some(name) = hello.server_name.take() {
            // Set once: a connection has one hello.
            let _ = self.entry.own.server_name.set(name);
        }
        self.greeting = Some(Box::new(Greeting {
            version: hello.version,
            alpn: std::mem::take(&mut hello.alpn),
            ech: hello.ech,
            stay,
            after: self.entry.opened.elapsed(),
        }));
    }

    /// The server name as sent.
    #[must_use]
    pub fn server_name(&self) -> Option<&[u8]> {
        self.entry.own.server_name.get().map(|name| &**name)
    }

    /// A destination was found, by a rule of this kind.
    pub fn routed(&mut self, rule: RuleKind, destination: &Arc<Destination>) {
        self.reach(Phase::Connect);
        self.rule = Some(rule);
        // Set once: a connection is routed once.
        let _ = self.entry.own.destination.set(Arc::clone(destination));
    }

    /// An endpoint answered, after so many had failed; its connection.
    pub fn connected(&mut self, connected: Connected, failed: usize) -> TcpStream {
        let greeted = self.greeting.as_ref().map_or(Duration::ZERO, |it| it.after);
        let took = self.entry.opened.elapsed().saturating_sub(greeted);
        self.upstream = Some(Box::new(Upstream {
            endpoint: connected.endpoint,
            address: connected.address,
            took,
            failed,
            is_spilled: connected.is_spilled,
        }));
        self.reach(Phase::Replay);
        let stream = connected.stream.into_tcp();
        stream.unwrap_or_else(|_| unreachable!("no endpoint of the gateway's has TLS of its own"))
    }

    /// The endpoint that it is connected to.
    #[must_use]
    pub fn endpoint(&self) -> Option<&Lease> {
        self.upstream.as_ref().map(|it| &it.endpoint)
    }

    /// What the endpoint led on to does not answer: it is left, and the dial goes on.
    pub fn left(&mut self) -> Option<(Lease, SocketAddr)> {
        let left = self.upstream.take()?;
        self.reach(Phase::Connect);
        Some((left.endpoint, left.address))
    }

    /// The hello was passed on; bytes flow both ways from here.
    pub fn relaying(&mut self) {
        self.reach(Phase::Relay);
        self.count_dial();
        let tap = &self.context.tap;
        tap.tell(|| Sighting::opened(&self.known(), self.entry.opened.elapsed()));
    }

    fn count_dial(&self) {
        if let (Some(destination), Some(upstream)) =
            (self.entry.own.destination.get(), &self.upstream)
        {
            destination.series.dialled(upstream.took, upstream.failed);
        }
    }

    /// Ready when an operator ends the connection, or what it is on was left, and the policy is not
    /// to keep it.
    pub fn poll_cut(&self, cx: &std::task::Context<'_>) -> Poll<Error> {
        if self.entry.poll_end(cx).is_ready() {
            return Poll::Ready(self.unwanted());
        }
        let upstream = self.upstream.as_ref();
        upstream.map_or(Poll::Pending, |it| it.endpoint.poll_cut(cx).map(Error::Cut))
    }

    /// An operator ended the connection.
    #[must_use]
    pub fn unwanted(&self) -> Error {
        Error::Unwanted(self.phase)
    }

    /// The connection as others see it.
    #[must_use]
    pub fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }

    fn reach(&mut self, phase: Phase) {
        self.phase = phase;
        let upstream = self.upstream.as_ref();
        let endpoint = upstream.map(|it| it.endpoint.name());
        self.entry.reached(phase.as_str(), endpoint);
    }

    /// Where the client is: as a proxy that is believed said, else the socket's peer.
    #[must_use]
    pub fn client(&self) -> SocketAddr {
        let introduced = self.entry.own.introduced();
        introduced.map_or(self.entry.client, |(client, _)| client)
    }

    /// Where the socket's peer is: the client, or a proxy that connects for it.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.entry.client
    }

    /// What the endpoint is to get before the bytes of `client`: a PROXY header, where it expects
    /// one.
    #[must_use]
    pub fn header(&mut self, client: &TcpStream) -> Vec<u8> {
        let upstream = self.upstream.as_ref();
        if !upstream.is_some_and(|it| it.endpoint.options().proxy) {
            return Vec::new();
        }
        self.is_announced = true;
        let introduced = self.entry.own.introduced();
        let destination = introduced.map_or_else(|| client.local_addr(), |(_, to)| Ok(to));
        let source = self.client();
        let origin = destination.map_or(Origin::Unknown, |destination| Origin::Client {
            source,
            destination,
        });
        let unique_id = Some(self.unique_id());
        Header { origin, unique_id }.encode()
    }

    /// The id that the connection came with, or else its own.
    fn unique_id(&self) -> UniqueId {
        let came = self.entry.own.introduction.get();
        let came = came.and_then(|header| header.unique_id.clone());
        came.unwrap_or_else(|| self.entry.id.into())
    }

    /// The id that travels with the connection, if one does.
    fn trace(&self) -> Option<UniqueId> {
        let came = self.entry.own.introduction.get();
        let came = came.is_some_and(|header| header.unique_id.is_some());
        (came || self.is_announced).then(|| self.unique_id())
    }

    /// Where the bytes of the connection are counted.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.entry.tally
    }

    /// The connection has ended.
    pub fn close(mut self, result: Result<(), Error>) {
        match result {
            Ok(()) => self.finish(Outcome::DONE, None),
            Err(error) => {
                match (&error, self.entry.own.destination.get()) {
                    (
                        Error::Connect(exhausted) | Error::UnknownThere(exhausted),
                        Some(destination),
                    ) => {
                        destination.series.exhausted(exhausted);
                    }
                    (Error::Replay(_), _) => self.count_dial(),
                    _ => {}
                }
                self.finish(error.outcome(), Some(&error));
            }
        }
    }

    fn finish(&mut self, outcome: Outcome, error: Option<&Error>) {
        self.is_closed = true;
        if let Some(greeting) = &mut self.greeting {
            // Before anybody learns that it has ended.
            greeting.stay = None;
        }
        live::close(&self.context.live, &self.entry);
        let destination = self.entry.own.destination.get();
        let metrics = &self.context.metrics;
        metrics.ended(destination.map(|to| &*to.series), outcome);
        let tally = self.tally();
        if self.phase == Phase::Relay {
            metrics.process().relayed(tally);
        }
        let line = Line {
            known: self.known(),
            outcome,
            error: error.map(|error| error as &dyn std::error::Error),
            from_client: tally.from_client(),
            from_upstream: tally.from_upstream(),
            lasted: self.entry.opened.elapsed(),
        };
        self.context.tap.tell(|| Sighting::closed(&line));
        self.context.log.connection(&line);
    }

    fn known(&self) -> Known<'_> {
        Known {
            id: self.entry.id,
            listener: &self.listener().name,
            server_name: self.server_name(),
            client: self.client(),
            peer: Some(self.peer()).filter(|peer| *peer != self.client()),
            trace: self.trace(),
            greeting: self.greeting.as_deref(),
            rule: self.rule,
            destination: self.entry.own.destination.get().map(|it| &**it),
            upstream: self.upstream.as_deref(),
        }
    }
}

impl Drop for ConnectionRecord {
    fn drop(&mut self) {
        if !self.is_closed {
            let (cause, reason) = match self.context.is_stopping() {
                true => (Cause::Drain, "drain"),
                false => (Cause::Abandon, "abandon"),
            };
            self.finish(Outcome::new(self.phase, cause, reason), None);
        }
    }
}
