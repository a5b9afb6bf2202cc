//! Accepting on one socket of one worker.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::{Accepted, Pause, Serve};
use crate::socket::cut::ResetOnDrop;
use crate::socket::listen::{AcceptFailure, Queue, exhausted_pause};

/// A worker passes a connection on when it would hold this many, and an eighth, more than the
/// lightest. Short connections come and go within that; they are not worth the hand-over.
const CLEARLY_MORE: usize = 4;

/// Accepts on one socket of one worker.
pub(super) struct Acceptor<S: Serve> {
    pub(super) service: Arc<S>,
    pub(super) handles: Arc<[Handle]>,
    pub(super) listener: Arc<S::Listener>,
    pub(super) worker: usize,
    pub(super) queue: Queue,
}

impl<S: Serve> Acceptor<S> {
    /// Accepts until `closing`, then what is queued, if nobody else will, and closes the socket.
    /// Holds `closing` until then.
    pub(super) async fn run(self, socket: TcpListener, mut closing: watch::Receiver<()>) {
        loop {
            let accepted = tokio::select! {
                biased;
                // First: what is queued is accepted below, or is another process's.
                _ = closing.changed() => break,
                accepted = socket.accept() => accepted,
            };
            self.take(accepted).await;
        }
        match self.queue {
            Queue::Own => self.take_queued(socket).await,
            Queue::Kept => drop(socket),
        }
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
        if !self.service.admits(&self.listener, client) {
            drop(ResetOnDrop::from(stream));
            return Ok(());
        }
        let live = self.service.live();
        let slot = match live.try_reserve() {
            Some(slot) => slot,
            None => {
                self.service.paused(Pause::Limit);
                live.reserve().await
            }
        };
        let worker = self.choose();
        // From here on it has a record, which counts its end.
        let record = self.service.open(Accepted {
            listener: &self.listener,
            slot,
            worker,
            client,
        });
        if worker == self.worker {
            tokio::spawn(S::serve(stream, record));
            return Ok(());
        }
        self.service.handed_over();
        let stream = stream.into_std()?;
        self.handles[worker].spawn(async move {
            match TcpStream::from_std(stream) {
                Ok(stream) => S::serve(stream, record).await,
                // The record says that the connection was abandoned.
                Err(error) => warn!(%client, %error, "cannot watch a connection"),
            }
        });
        Ok(())
    }

    /// This worker, or the lightest if this one holds clearly more.
    fn choose(&self) -> usize {
        let live = self.service.live();
        let own = live.loads().nth(self.worker).unwrap_or_default();
        if own < CLEARLY_MORE {
            return self.worker;
        }
        let lightest = live.loads().enumerate().min_by_key(|(_, load)| *load);
        match lightest {
            Some((worker, load)) if own >= load + CLEARLY_MORE + load / 8 => worker,
            _ => self.worker,
        }
    }

    async fn failed(&self, error: &io::Error) {
        match AcceptFailure::of(error) {
            AcceptFailure::Connection => debug!(%error, "a connection was gone before its turn"),
            AcceptFailure::Exhausted => {
                self.service.paused(Pause::Exhausted);
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
