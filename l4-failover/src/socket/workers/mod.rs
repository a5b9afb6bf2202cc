//! Workers: threads that each accept connections and serve them to their end.
//!
//! A worker is a current-thread runtime with a listening socket of its own per address. The
//! kernel spreads new connections over the sockets without regard for how many a worker holds, so
//! one that holds clearly more passes a new one on. Addresses come and go while the workers run.
//!
//! What is done with a connection is the program's: it implements [`Serve`].
//!
//! ```
//! use l4_failover::socket::TcpOptions;
//! use l4_failover::socket::listen::Listening;
//! use l4_failover::socket::live::{Entry, Live};
//! use l4_failover::socket::workers::{Accepted, Pause, Serve, Workers};
//! use std::sync::Arc;
//! use tokio::io::AsyncWriteExt;
//! use tokio::net::TcpStream;
//!
//! /// Says a word to everyone, another one on each address.
//! struct Greeter(Live<()>);
//!
//! /// A greeting that is under way.
//! struct Greeting { greeter: Arc<Greeter>, word: Arc<&'static str>, entry: Arc<Entry<()>> }
//!
//! impl Drop for Greeting {
//!     fn drop(&mut self) {
//!         self.greeter.0.close(&self.entry, |_| ());
//!     }
//! }
//!
//! impl Serve for Greeter {
//!     type Listener = &'static str;
//!     type Entry = ();
//!     type Record = Greeting;
//!
//!     fn live(&self) -> &Live<()> {
//!         &self.0
//!     }
//!
//!     fn open(self: &Arc<Self>, it: Accepted<'_, Self>) -> Greeting {
//!         let entry = self.0.open(it.slot, it.worker, it.client, ());
//!         Greeting { greeter: Arc::clone(self), word: Arc::clone(it.listener), entry }
//!     }
//!
//!     async fn serve(mut stream: TcpStream, greeting: Greeting) {
//!         let _ = stream.write_all(greeting.word.as_bytes()).await;
//!     }
//!
//!     fn paused(&self, _: Pause) {}
//!     fn handed_over(&self) {}
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let workers = Workers::start(Arc::new(Greeter(Live::new(2, 100))))?;
//! let any = "127.0.0.1:0".parse()?;
//! let listening = Listening::bind(any, workers.count(), 128, &TcpOptions::default())?;
//! let address = listening.address();
//! let id = workers.listen(listening, "hello")?;
//! # let mut client = TcpStream::connect(address).await?;
//! # let mut word = String::new();
//! # tokio::io::AsyncReadExt::read_to_string(&mut client, &mut word).await?;
//! # assert_eq!(word, "hello");
//! workers.close(id).await; // this address alone
//! workers.end();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accept;
mod thread;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use super::listen::Listening;
use super::live::{Live, Slot};
use accept::Acceptor;
use thread::Core;

/// What a program does with the connections that its workers accept.
pub trait Serve: Send + Sync + 'static {
    /// What the connections of one listening address share, such as its name and its counters.
    type Listener: Send + Sync + 'static;
    /// What the program keeps of each open connection where others may read it.
    type Entry: Send + Sync + 'static;
    /// What a connection's task keeps of it, from the moment it is accepted. It is dropped when
    /// the connection ends, whatever ends it, and closes the connection's entry.
    type Record: Send + 'static;

    /// The open connections, which say how many workers there are, whether one more may be
    /// accepted, and which worker has the fewest.
    fn live(&self) -> &Live<Self::Entry>;

    /// Whether connections of `client` are taken at all. One that is not is reset before anything is
    /// kept of it; whoever says so counts it.
    fn admits(&self, listener: &Self::Listener, client: SocketAddr) -> bool {
        let _ = (listener, client);
        true
    }

    /// A connection was accepted, and has its place; from here on it counts.
    fn open(self: &Arc<Self>, accepted: Accepted<'_, Self>) -> Self::Record;

    /// Serves a connection to its end, on the thread of its worker. Every open connection keeps
    /// this future.
    fn serve(stream: TcpStream, record: Self::Record) -> impl Future<Output = ()> + Send + 'static;

    /// A worker pauses accepting; to be counted.
    fn paused(&self, why: Pause);

    /// A worker passed a connection on to another; to be counted.
    fn handed_over(&self);
}

/// A connection that was accepted.
#[derive(Debug)]
pub struct Accepted<'a, S: Serve + ?Sized> {
    /// What the connections of its listening address share.
    pub listener: &'a Arc<S::Listener>,
    /// Its place among the open connections.
    pub slot: Slot<'a>,
    /// The worker that serves it.
    pub worker: usize,
    /// The client's address.
    pub client: SocketAddr,
}

/// Why a worker paused accepting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Out of descriptors or memory.
    Exhausted,
    /// As many connections are open as may be.
    Limit,
}

/// One listening address of some workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId(u64);

/// Why an address that is bound cannot be accepted on.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The workers were told to stop accepting.
    #[error("cannot accept connections on {0}: the process is stopping")]
    Stopping(SocketAddr),
    /// The kernel does not watch the sockets: out of descriptors or memory.
    #[error("cannot accept connections on {address}")]
    Watch {
        /// The address.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
}

/// The workers of a process, running. Dropped, they end of themselves; see [`end`](Self::end).
#[derive(Debug)]
pub struct Workers<S> {
    service: Arc<S>,
    handles: Arc<[Handle]>,
    threads: Vec<JoinHandle<()>>,
    end: Vec<oneshot::Sender<()>>,
    listeners: Mutex<Listeners>,
}

#[derive(Debug, Default)]
struct Listeners {
    next: u64,
    is_stopping: bool,
    /// Each with its address, and what tells its acceptors to close; they hold a receiver for as long
    /// as their socket is open.
    open: HashMap<ListenerId, (SocketAddr, watch::Sender<()>)>,
}

impl<S: Serve> Workers<S> {
    /// Starts the workers, which accept nothing yet.
    ///
    /// # Errors
    ///
    /// When a thread or its event queue cannot be made.
    pub fn start(service: Arc<S>) -> io::Result<Self> {
        let count = service.live().workers();
        let cores: Vec<Core> = (0..count).map(|_| Core::new()).collect::<io::Result<_>>()?;
        let mut workers = Self {
            service,
            handles: cores.iter().map(Core::handle).collect(),
            threads: Vec::new(),
            end: Vec::new(),
            listeners: Mutex::default(),
        };
        for (worker, core) in cores.into_iter().enumerate() {
            let (thread, end) = core.start(worker)?;
            workers.threads.push(thread);
            workers.end.push(end);
        }
        Ok(workers)
    }

    /// What serves the connections.
    #[must_use]
    pub fn service(&self) -> &Arc<S> {
        &self.service
    }

    /// How many there are: the number of sockets to bind each address with.
    #[must_use]
    pub fn count(&self) -> usize {
        self.handles.len()
    }

    /// Accepts connections on `listening` from here on.
    ///
    /// # Errors
    ///
    /// [`AcceptError`]; the address is then closed.
    pub fn listen(
        &self,
        listening: Listening,
        listener: impl Into<Arc<S::Listener>>,
    ) -> Result<ListenerId, AcceptError> {
        let address = listening.address();
        let mut listeners = self.listeners();
        if listeners.is_stopping {
            return Err(AcceptError::Stopping(address));
        }
        let queue = listening.queue();
        let sockets = self.watched(listening.into_sockets());
        let sockets = sockets.map_err(|source| AcceptError::Watch { address, source })?;
        let (close, closing) = watch::channel(());
        let listener = listener.into();
        for (worker, socket) in sockets {
            let acceptor = Acceptor {
                service: Arc::clone(&self.service),
                handles: Arc::clone(&self.handles),
                listener: Arc::clone(&listener),
                worker,
                queue,
            };
            self.handles[worker].spawn(acceptor.run(socket, closing.clone()));
        }
        Ok(listeners.add(address, close))
    }

    /// The sockets, each watched by the worker that accepts on it; all of them, or none is used.
    fn watched(&self, sockets: Vec<StdListener>) -> io::Result<Vec<(usize, TcpListener)>> {
        let watched = |(nth, socket): (usize, StdListener)| {
            // None is left out, were there more sockets than workers.
            let worker = nth % self.handles.len();
            let _in_runtime = self.handles[worker].enter();
            Ok((worker, TcpListener::from_std(socket)?))
        };
        sockets.into_iter().enumerate().map(watched).collect()
    }

    /// Accepts what one address has queued, unless that waits for the next process, then closes
    /// it; returns when it is closed, at once if it is already. Open connections go on, and so do
    /// other addresses.
    ///
    /// This waits for places, where all are taken by open connections; a caller that does not wait
    /// as long leaves the address closing.
    pub async fn close(&self, id: ListenerId) {
        let close = self.listeners().open.get(&id).cloned();
        if let Some((_, close)) = close {
            close.send_replace(());
            close.closed().await;
            self.listeners().open.remove(&id);
        }
    }

    /// The addresses that have sockets now, those that are still closing included.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let listeners = self.listeners();
        let open = listeners.open.values();
        let open = open.filter(|(_, close)| !close.is_closed());
        open.map(|(address, _)| *address).collect()
    }

    /// [Closes](Self::close) every address; returns when all are closed. Open connections go on; no
    /// address is added any more.
    pub async fn stop_accepting(&self) {
        let open = self.listeners().stop();
        for id in open {
            self.close(id).await;
        }
    }

    /// Ends the workers and drops the futures of connections that are still open. Waits for the
    /// threads: not to be called on one that others need meanwhile.
    pub fn end(self) {
        drop(self.end);
        for thread in self.threads {
            // A worker that panicked has ended as well; the panic was printed.
            let _ = thread.join();
        }
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listeners {
    fn add(&mut self, address: SocketAddr, close: watch::Sender<()>) -> ListenerId {
        let id = ListenerId(self.next);
        self.next += 1;
        self.open.insert(id, (address, close));
        id
    }

    /// Tells all to close, before any is waited for.
    fn stop(&mut self) -> Vec<ListenerId> {
        self.is_stopping = true;
        for (_, close) in self.open.values() {
            close.send_replace(());
        }
        self.open.keys().copied().collect()
    }
}
