//! Workers: threads that each accept connections and serve them to their end.
//!
//! A worker is a current-thread runtime with a listening socket of its own per address. The
//! kernel spreads new connections over the sockets without regard for how many a worker holds, so
//! one that holds clearly more passes a new one on.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use l4_failover::socket::listen::{AcceptFailure, exhausted_pause};
use prometheus::IntCounter;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tracing::{debug, warn};

use crate::connection::serve;
use crate::context::Context;
use crate::metrics::Pause;
use crate::record::ConnectionRecord;

/// A worker passes a connection on when it would hold this many, and an eighth, more than the
/// lightest. Short connections come and go within that; they are not worth the hand-over.
const CLEARLY_MORE: usize = 4;

/// Shorter than the bounds on time that every connection has.
const HEARTBEAT: Duration = Duration::from_millis(250);

/// The workers of a process, running.
#[derive(Debug)]
pub struct Workers {
    threads: Vec<JoinHandle<()>>,
    end: Vec<oneshot::Sender<()>>,
    accepting: watch::Sender<bool>,
}

/// One listening address: its place among the listeners, and a socket per worker.
#[derive(Debug)]
pub struct Listener {
    /// Its place among the listeners.
    pub index: usize,
    /// One socket per worker.
    pub sockets: Vec<StdListener>,
}

impl Workers {
    /// Starts `count` workers on `listeners`.
    ///
    /// # Errors
    ///
    /// When a thread or its event queue cannot be made.
    pub fn start(
        context: &Arc<Context>,
        count: usize,
        listeners: Vec<Listener>,
    ) -> io::Result<Self> {
        let (accepting, stop) = watch::channel(true);
        let cores: Vec<Core> = (0..count).map(|_| Core::new()).collect::<io::Result<_>>()?;
        let handles: Arc<[Handle]> = cores.iter().map(|core| core.handle.clone()).collect();
        for listener in listeners {
            for (worker, socket) in listener.sockets.into_iter().enumerate() {
                let acceptor = Acceptor {
                    context: Arc::clone(context),
                    handles: Arc::clone(&handles),
                    accepted: context.metrics.accepted(&context.listeners[listener.index]),
                    listener: listener.index,
                    worker,
                };
                let _in_runtime = handles[worker].enter();
                let socket = TcpListener::from_std(socket)?;
                handles[worker].spawn(acceptor.run(socket, stop.clone()));
            }
        }
        let mut workers = Self {
            threads: Vec::new(),
            end: Vec::new(),
            accepting,
        };
        for (worker, core) in cores.into_iter().enumerate() {
            workers.spawn(worker, core)?;
        }
        Ok(workers)
    }

    fn spawn(&mut self, worker: usize, core: Core) -> io::Result<()> {
        let (end, ended) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name(format!("worker-{worker}"));
        self.threads.push(thread.spawn(move || core.run(ended))?);
        self.end.push(end);
        Ok(())
    }

    /// Accepts what each listening socket has queued, then closes it; returns when all are closed.
    /// Open connections go on.
    pub async fn stop_accepting(&self) {
        self.accepting.send_replace(false);
        // Each acceptor holds a receiver for as long as it accepts.
        self.accepting.closed().await;
    }

    /// Ends the workers and, with RST, the connections that are still open.
    pub fn end(self) {
        drop(self.end);
        for thread in self.threads {
            // A worker that panicked has ended as well; the panic was printed.
            let _ = thread.join();
        }
    }
}

/// Keeps a worker's runtime going until its end.
///
/// A timer that is due before every other makes the runtime wake itself through its event queue,
/// which is two system calls; one that is always due sooner than a connection's saves them.
async fn live(mut ended: oneshot::Receiver<()>) {
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // An error means that the sender is gone: it is time to end as well.
            _ = &mut ended => return,
            _ = heartbeat.tick() => {}
        }
    }
}

/// A worker's runtime, until it runs. The workers are started from within another runtime, where
/// dropping one the ordinary way, when starting fails, would panic.
struct Core {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Core {
    fn new() -> io::Result<Self> {
        let mut builder = Builder::new_current_thread();
        let runtime = builder.enable_io().enable_time().build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// Runs until the end, then drops the connections that are still open.
    fn run(mut self, ended: oneshot::Receiver<()>) {
        if let Some(runtime) = self.runtime.take() {
            runtime.block_on(live(ended));
        }
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Accepts on one socket of one worker.
struct Acceptor {
    context: Arc<Context>,
    handles: Arc<[Handle]>,
    accepted: IntCounter,
    listener: usize,
    worker: usize,
}

impl Acceptor {
    async fn run(self, socket: TcpListener, mut stop: watch::Receiver<bool>) {
        loop {
            let accepted = tokio::select! {
                biased;
                // First: what is queued is accepted below, however much there is.
                _ = stop.changed() => break,
                accepted = socket.accept() => accepted,
            };
            self.take(accepted).await;
        }
        self.take_queued(socket).await;
    }

    async fn take_queued(&self, socket: TcpListener) {
        // Asks the kernel: that the runtime knows of no connection may mean that it has not
        // looked yet.
        let Ok(socket) = socket.into_std() else {
            return;
        };
        while let Some(accepted) = queued(&socket) {
            self.take(accepted).await;
        }
    }

    async fn take(&self, accepted: io::Result<(TcpStream, SocketAddr)>) {
        match accepted {
            Ok((stream, client)) => {
                if let Err(error) = self.serve(stream, client).await {
                    warn!(%client, %error, "cannot hand a connection to another worker");
                }
            }
            Err(error) => self.failed(&error).await,
        }
    }

    async fn serve(&self, stream: TcpStream, client: SocketAddr) -> io::Result<()> {
        let live = &self.context.live;
        let slot = match live.try_reserve() {
            Some(slot) => slot,
            None => {
                self.context.metrics.paused(Pause::Limit);
                live.reserve().await
            }
        };
        // From here on it has a record, which counts its end.
        self.accepted.inc();
        let worker = self.choose();
        let record = ConnectionRecord::open(&self.context, slot, worker, self.listener, client);
        if worker == self.worker {
            tokio::spawn(serve(stream, record));
            return Ok(());
        }
        self.context.metrics.handed_over();
        let stream = stream.into_std()?;
        self.handles[worker].spawn(async move {
            match TcpStream::from_std(stream) {
                Ok(stream) => serve(stream, record).await,
                // The record says that the connection was abandoned.
                Err(error) => warn!(%client, %error, "cannot watch a connection"),
            }
        });
        Ok(())
    }

    /// This worker, or the lightest if this one holds clearly more.
    fn choose(&self) -> usize {
        let mut loads = self.context.live.loads();
        let own = loads.nth(self.worker).unwrap_or_default();
        if own < CLEARLY_MORE {
            return self.worker;
        }
        let lightest = self
            .context
            .live
            .loads()
            .enumerate()
            .min_by_key(|(_, load)| *load);
        match lightest {
            Some((worker, load)) if own >= load + CLEARLY_MORE + load / 8 => worker,
            _ => self.worker,
        }
    }

    async fn failed(&self, error: &io::Error) {
        match AcceptFailure::of(error) {
            AcceptFailure::Connection => debug!(%error, "a connection was gone before its turn"),
            AcceptFailure::Exhausted => {
                self.context.metrics.paused(Pause::Exhausted);
                warn!(%error, worker = self.worker, "cannot accept; pausing shortly");
                sleep(exhausted_pause(self.worker)).await;
            }
        }
    }
}

/// The next connection in the socket's queue; none when it is empty.
fn queued(socket: &StdListener) -> Option<io::Result<(TcpStream, SocketAddr)>> {
    match socket.accept() {
        Ok((stream, client)) => Some(watched(stream).map(|stream| (stream, client))),
        Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => Some(Err(error)),
        // Empty; or out of descriptors, which must not keep the listener open at the end.
        Err(_) => None,
    }
}

fn watched(stream: StdStream) -> io::Result<TcpStream> {
    stream.set_nonblocking(true)?;
    TcpStream::from_std(stream)
}
