//! Ports and inbounds alike, as the settings want them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::admin::pools::NamedPool;
use crate::choice::Policy;
use crate::config::Listen;
use crate::life;
use crate::pool::{BuildError, EndpointOptions, Past, Pool, PoolOptions, Prepared, Upkeep};
use crate::port::{Context, Door, Front, Gate, fanout};
use crate::probe::{CheckOptions, Probe};
use crate::settings::{Inbound, Port, Protocol, Settings};
use crate::socket::live::Live;
use crate::socket::tls::{TlsError, TlsServer, TlsServerOptions};
use crate::soupbin::bridge::{FeedOptions, SharedFeed};

/// A port or an inbound, as the settings want it.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) name: Arc<str>,
    pub(super) listen: Listen,
    protocol: Protocol,
    pool: PoolOptions,
    gate: Option<(TlsServerOptions, Duration)>,
}

/// Why there can be no such port or inbound.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    /// Its pool cannot be made.
    #[error("{name}")]
    Pool {
        /// The port's or inbound's name.
        name: Arc<str>,
        /// Why.
        source: BuildError,
    },
    /// Its files cannot be used.
    #[error("{name}")]
    Tls {
        /// The inbound's name.
        name: Arc<str>,
        /// Why.
        source: TlsError,
    },
}

/// One that can be had: nothing has changed yet.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) front: Arc<Front>,
    pub(super) listen: Listen,
    /// What is to become of the pool, if there was one.
    change: Option<Prepared>,
    /// How its consumers are carried from now on, if it was a feed before.
    feed: Option<FeedOptions>,
}

/// Everything that `settings` want, in the order of the file.
pub(super) fn wanted(settings: &Settings) -> Vec<Wanted> {
    let inbound = |inbound: &Inbound| Wanted::inbound(inbound, settings);
    let ports = settings.ports.iter().map(Wanted::port);
    ports.chain(settings.inbounds.iter().map(inbound)).collect()
}

impl Wanted {
    fn port(port: &Port) -> Self {
        Self {
            name: port.name.as_str().into(),
            listen: port.listen,
            protocol: port.protocol.clone(),
            pool: port.pool.clone(),
            gate: None,
        }
    }

    fn inbound(inbound: &Inbound, settings: &Settings) -> Self {
        Self {
            name: inbound.name.as_str().into(),
            listen: inbound.listen,
            protocol: Protocol::Tcp,
            pool: application(inbound, settings),
            gate: Some((inbound.tls.clone(), inbound.handshake_timeout)),
        }
    }

    /// How many descriptors its checks may have open.
    pub(super) fn checks(&self) -> usize {
        self.pool.tiers.iter().map(Vec::len).sum()
    }

    /// Makes it, or says what becomes of the one that there is; `past` is what is left of one that there
    /// was.
    pub(super) fn ready(
        self,
        context: &Context,
        before: Option<&Front>,
        past: Option<&Past>,
    ) -> Result<Ready, FrontError> {
        let (pool, change) = self.pool(before, past).map_err(|source| FrontError::Pool {
            name: Arc::clone(&self.name),
            source,
        })?;
        let gate = self.gate(before).map_err(|source| FrontError::Tls {
            name: Arc::clone(&self.name),
            source,
        })?;
        let (feed, options) = feed(self.protocol, before);
        let series = context.metrics().series(&self.name);
        // A feed keeps its kind for as long as it is the same.
        let is_shared = |feed: &&SharedFeed| feed.options().fanout.is_some();
        let fanout = feed.as_ref().filter(is_shared).map(|feed| {
            let known = before.and_then(|front| front.fanout.clone());
            known.unwrap_or_else(|| fanout(&self.name, feed, &pool, series.feed()))
        });
        let front = Front {
            series,
            name: self.name,
            pool,
            gate,
            feed,
            fanout,
        };
        Ok(Ready {
            front: Arc::new(front),
            listen: self.listen,
            change,
            feed: options,
        })
    }

    fn pool(
        &self,
        before: Option<&Front>,
        past: Option<&Past>,
    ) -> Result<(Pool, Option<Prepared>), BuildError> {
        let options = self.pool.clone();
        match before {
            Some(front) => {
                let change = front.pool.prepare(options)?;
                Ok((front.pool.clone(), Some(change)))
            }
            None => {
                let past = past.cloned().unwrap_or_default();
                Ok((Pool::after(options, &past)?, None))
            }
        }
    }

    fn gate(&self, before: Option<&Front>) -> Result<Option<Arc<Gate>>, TlsError> {
        let Some((options, timeout)) = self.gate.clone() else {
            return Ok(None);
        };
        // Its files are watched: it is made of what they hold now.
        let same = before
            .and_then(|front| front.gate.as_ref())
            .filter(|gate| gate.options == options);
        let tls = match same {
            Some(gate) => gate.tls.clone(),
            None => TlsServer::load(&options)?,
        };
        Ok(Some(Arc::new(Gate {
            tls,
            options,
            timeout,
        })))
    }
}

/// The feed behind a port, and, if it was one before, what is to become of it.
fn feed(protocol: Protocol, before: Option<&Front>) -> (Option<SharedFeed>, Option<FeedOptions>) {
    let Protocol::SoupBinTcp(options) = protocol else {
        return (None, None);
    };
    // Consumers with lines of their own, and those of one login, have nothing in common.
    let is_like = |feed: &SharedFeed| feed.options().fanout.is_some() == options.fanout.is_some();
    match before.and_then(|front| front.feed.clone()).filter(is_like) {
        Some(feed) => (Some(feed), Some(*options)),
        None => (Some(SharedFeed::new(*options)), None),
    }
}

/// How often the application behind an inbound is checked.
const APPLICATION_CHECKED: Duration = Duration::from_secs(1);

/// An inbound's one endpoint is on this machine, where a check costs nothing and one is enough:
/// callers fail over as soon as it is known to be down.
fn application(inbound: &Inbound, settings: &Settings) -> PoolOptions {
    PoolOptions {
        name: inbound.name.clone(),
        tiers: vec![vec![EndpointOptions::at(inbound.target.clone())]],
        policy: Policy::default(),
        check: CheckOptions {
            probe: Some(Probe::Tcp),
            interval: APPLICATION_CHECKED,
            fast_interval: APPLICATION_CHECKED,
            timeout: APPLICATION_CHECKED / 2,
            rise: 1,
            fall: 1,
            ..CheckOptions::default()
        },
        dial: settings.dial.limits(settings.relay.tcp_options()),
        state_file: None,
    }
}

impl Front {
    /// As operators know its pool.
    pub(super) fn named(&self, address: SocketAddr) -> NamedPool {
        let named = NamedPool::new(self.pool.clone(), self.kind());
        let named = named.labelled("listen", address.to_string());
        match &self.feed {
            None => named,
            Some(feed) => named
                .labelled("protocol", "soupbintcp")
                .consumed(feed.clone())
                .shared(self.fanout.clone()),
        }
    }
}

/// The addresses that they want.
pub(super) fn places_of(readies: &[Ready]) -> Vec<life::Wanted> {
    let place = |ready: &Ready| life::Wanted {
        name: Arc::clone(&ready.front.name),
        listen: ready.listen,
    };
    readies.iter().map(place).collect()
}

impl Ready {
    /// A new door in front of it.
    pub(super) fn door(&self) -> Arc<Door> {
        Arc::new(Door::new(Arc::clone(&self.front)))
    }

    /// Looks after what is new of it.
    pub(super) fn keep(&self, upkeep: &Upkeep) {
        self.front.pool.start(upkeep);
        if let Some(gate) = &self.front.gate {
            upkeep.watch(gate.tls.files());
        }
    }

    /// Logs in, where that is done once for all. Not before those who had the logins until now were told
    /// to leave: an exchange may let a user in once.
    pub(super) fn log_in(&self, upkeep: &Upkeep) {
        if let Some(fanout) = &self.front.fanout {
            fanout.start(upkeep.runtime());
        }
    }

    /// Ends what consumers have of the front that was here, if they shared a login and each now has its
    /// own, or the other way round: they were let in by other rules, and hold logins that others need.
    pub(super) fn part_with(&self, before: &Front, connections: &Live<Arc<Front>>) {
        match (&before.fanout, &self.front.fanout) {
            (Some(shared), None) => shared.retire(),
            (None, Some(_)) if before.feed.is_some() => connections.for_each(|entry| {
                if entry.own.fanout.is_none() && Arc::ptr_eq(&entry.own.series, &before.series) {
                    entry.end();
                }
            }),
            _ => {}
        }
    }

    /// From here on it is so.
    pub(super) fn apply(self) {
        if let Some(change) = self.change {
            change.apply();
        }
        if let (Some(feed), Some(options)) = (&self.front.feed, self.feed) {
            feed.change(options);
        }
        if let Some(fanout) = &self.front.fanout {
            fanout.changed();
        }
    }
}
