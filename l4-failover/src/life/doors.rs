//! Listening addresses, which come and go with the configuration; those that it keeps keep their
//! sockets, and so the connections that are queued there.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use thiserror::Error;
use tokio::time::timeout;

use crate::config::Listen;
use crate::process::activation::{Activated, ActivationError};
use crate::socket::TcpOptions;
use crate::socket::listen::{ListenError, Listening};
use crate::socket::workers::{AcceptError, ListenerId, Serve, Workers};

/// An address that is no longer wanted is closed once its queue is accepted, which may have to wait
/// for places among the open connections; a reload waits for that no longer than this.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// How addresses are bound.
#[derive(Debug)]
pub struct Binding {
    /// A socket for each of so many workers.
    pub workers: usize,
    /// What accepted connections inherit.
    pub options: TcpOptions,
    /// Sockets that are there already.
    pub activated: Activated,
}

/// A listening address that the configuration wants.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What logs, metrics and the `ready` line call it.
    pub name: Arc<str>,
    /// The address, and how many may wait there.
    pub listen: Listen,
}

/// Why an address cannot be had as the configuration wants it.
#[derive(Debug, Error)]
pub enum PlaceError {
    /// It cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// What the service manager gives does not fit.
    #[error(transparent)]
    Activation(#[from] ActivationError),
    /// This process has the port itself.
    #[error(
        "cannot listen on {address}: this process itself listens on {held} until all of the change is \
         made, and only one of them can have the port; restart, or first reload with another port"
    )]
    Overlap {
        /// The address that is wanted.
        address: SocketAddr,
        /// The one that is open.
        held: SocketAddr,
    },
    /// This process still has the port, of a listener that is gone.
    #[error(
        "cannot listen on {address}: this process still closes {held}, where connections wait for a \
         place among the open ones (limits.connections); reload again once they are accepted"
    )]
    Closing {
        /// The address that is wanted.
        address: SocketAddr,
        /// The one that is closing.
        held: SocketAddr,
    },
    /// The kernel is told once.
    #[error("a change of the backlog of {0} takes a restart")]
    Backlog(Arc<str>),
}

/// Where connections to an address are accepted.
#[derive(Debug)]
pub enum Place {
    /// On the door that is open there, by its place among all.
    Kept(usize),
    /// On sockets that nobody accepts on yet.
    New(Listening),
}

/// A listening address that is open; `L` is what its connections share.
#[derive(Debug)]
pub struct Door<L> {
    /// What it is called.
    pub name: Arc<str>,
    /// As configured: a port of 0 stands for the one that was free.
    pub listen: Listen,
    /// The address itself.
    pub address: SocketAddr,
    /// What its connections share.
    pub listener: Arc<L>,
    id: ListenerId,
}

/// The listening addresses of a process, and the workers that accept on them.
#[derive(Debug)]
pub struct Doors<S: Serve> {
    workers: Workers<S>,
    binding: Binding,
    open: Vec<Door<S::Listener>>,
}

/// The doors of another configuration, of which nothing more can fail.
#[derive(Debug)]
pub struct Opened<L>(Vec<(Wanted, Result<Door<L>, usize>)>);

impl Binding {
    /// Binds all of `wanted`, or takes what the service manager gives.
    ///
    /// # Errors
    ///
    /// [`PlaceError`]: nothing is bound then.
    pub fn bind(&self, wanted: &[Wanted]) -> Result<Vec<Listening>, PlaceError> {
        let places = self.places::<()>(wanted, &[])?.into_iter();
        let new = |place| match place {
            Place::New(listening) => listening,
            Place::Kept(_) => unreachable!("none is open"),
        };
        Ok(places.map(new).collect())
    }

    /// Where each of `wanted` is to be: addresses that are `open` keep their sockets, also under
    /// another name.
    fn places<L>(&self, wanted: &[Wanted], open: &[Door<L>]) -> Result<Vec<Place>, PlaceError> {
        let listeners = wanted.iter().map(|it| (&*it.name, it.listen.address));
        let given = self.activated.among(listeners)?;
        let place = |(wanted, given): (&Wanted, Option<_>)| match (
            open.iter().position(|open| open.is_for(wanted)),
            given,
        ) {
            (Some(at), _) if open[at].listen.backlog != wanted.listen.backlog => {
                Err(PlaceError::Backlog(Arc::clone(&wanted.name)))
            }
            (Some(at), _) => Ok(Place::Kept(at)),
            (None, Some(given)) => {
                let given: crate::process::activation::Given<'_> = given;
                given.warn_if_elsewhere(&wanted.name, wanted.listen.address);
                Ok(Place::New(given.listening(self.workers, &self.options)?))
            }
            (None, None) => Ok(Place::New(self.bind_one(wanted.listen)?)),
        };
        wanted.iter().zip(given).map(place).collect()
    }

    fn bind_one(&self, listen: Listen) -> Result<Listening, ListenError> {
        Listening::bind(listen.address, self.workers, listen.backlog, &self.options)
    }
}

impl<L> Door<L> {
    fn is_for(&self, wanted: &Wanted) -> bool {
        let address = wanted.listen.address;
        // Of several that took any free port, each keeps its own.
        self.listen.address == address && (address.port() != 0 || self.name == wanted.name)
    }
}

impl<S: Serve> Doors<S> {
    /// No door yet.
    #[must_use]
    pub fn new(workers: Workers<S>, binding: Binding) -> Self {
        Self {
            workers,
            binding,
            open: Vec::new(),
        }
    }

    /// The open doors, in the order of the configuration.
    #[must_use]
    pub fn open(&self) -> &[Door<S::Listener>] {
        &self.open
    }

    /// How many of the sockets are a service manager's.
    #[must_use]
    pub fn activated(&self) -> usize {
        self.binding.activated.len()
    }

    /// What serves the connections.
    #[must_use]
    pub fn service(&self) -> &Arc<S> {
        self.workers.service()
    }

    /// Finds where each of `wanted` is to be, and binds what is new.
    ///
    /// # Errors
    ///
    /// [`PlaceError`]: nothing has changed.
    pub fn places(&self, wanted: &[Wanted]) -> Result<Vec<Place>, PlaceError> {
        let places = self.binding.places(wanted, &self.open);
        places.map_err(|error| self.own(error))
    }

    /// Where this process is itself in its way, that is the reason.
    fn own(&self, error: PlaceError) -> PlaceError {
        let PlaceError::Listen(ListenError::Taken(address)) = error else {
            return error;
        };
        let held = self.workers.addresses().into_iter();
        let Some(held) = { held }.find(|held| overlap(*held, address)) else {
            return error;
        };
        match self.open.iter().any(|door| door.address == held) {
            true => PlaceError::Overlap { address, held },
            false => PlaceError::Closing { address, held },
        }
    }

    /// Accepts on the new ones of `places`, whose connections share what `listener` makes by their
    /// number: the last step that can fail.
    ///
    /// # Errors
    ///
    /// [`AcceptError`]: nothing has changed.
    pub async fn accept(
        &self,
        places: impl IntoIterator<Item = (Wanted, Place)>,
        mut listener: impl FnMut(usize) -> Arc<S::Listener>,
    ) -> Result<Opened<S::Listener>, AcceptError> {
        let mut opened = Vec::new();
        for (nth, (wanted, place)) in places.into_iter().enumerate() {
            let door = match place {
                Place::Kept(at) => Ok(Err(at)),
                Place::New(listening) => self.one(&wanted, listening, listener(nth)).map(Ok),
            };
            match door {
                Ok(door) => opened.push((wanted, door)),
                Err(error) => {
                    let new = opened.into_iter().filter_map(|(_, door)| door.ok());
                    self.close(new.collect()).await;
                    return Err(error);
                }
            }
        }
        Ok(Opened(opened))
    }

    fn one(
        &self,
        wanted: &Wanted,
        listening: Listening,
        listener: Arc<S::Listener>,
    ) -> Result<Door<S::Listener>, AcceptError> {
        Ok(Door {
            name: Arc::clone(&wanted.name),
            listen: wanted.listen,
            address: listening.address(),
            id: self.workers.listen(listening, Arc::clone(&listener))?,
            listener,
        })
    }

    /// The doors are those of `opened` from here on; the others are to be closed.
    #[must_use]
    pub fn apply(&mut self, opened: Opened<S::Listener>) -> Vec<Door<S::Listener>> {
        let mut before: Vec<_> = self.open.drain(..).map(Some).collect();
        for (wanted, door) in opened.0 {
            let kept = |at: usize| before[at].take().expect("kept for one");
            let mut door = door.unwrap_or_else(kept);
            door.name = wanted.name;
            self.open.push(door);
        }
        before.into_iter().flatten().collect()
    }

    /// Closes doors, all of them at once, as far as that goes within a second; the rest goes on by
    /// itself.
    pub async fn close(&self, gone: Vec<Door<S::Listener>>) {
        let closed = join_all(gone.iter().map(|door| self.workers.close(door.id)));
        let _ = timeout(CLOSE_WAIT, closed).await;
    }

    pub(super) async fn stop_accepting(&self) {
        self.workers.stop_accepting().await;
    }

    pub(super) fn into_workers(self) -> Workers<S> {
        self.workers
    }
}

/// Whether only one of them can be listened on.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let is_every = one.ip().is_unspecified() || other.ip().is_unspecified();
    let family = one.is_ipv4() == other.is_ipv4();
    one.port() == other.port() && (one.ip() == other.ip() || (is_every && family))
}
