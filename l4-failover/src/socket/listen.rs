//! Listening: one socket per worker on one address, and what to do when accepting fails.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use super::TcpOptions;

/// An address that is bound, with one listening socket per worker.
///
/// The kernel spreads new connections over the sockets (`SO_REUSEPORT`), unless they are copies of
/// one that a service manager holds: then they have one queue.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    sockets: Vec<TcpListener>,
    queue: Queue,
}

/// Whose the connections are that wait to be accepted when the process stops accepting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// This process's: whom it does not accept is refused when the socket is closed.
    Own,
    /// A service manager's, which keeps the socket: they wait for the next process.
    Kept,
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another socket listens there, with `SO_REUSEPORT` or without.
    #[error(
        "cannot listen on {0}: another process does already; \
         stop it (`ss -ltnp` names it) or choose another address"
    )]
    Taken(SocketAddr),
    /// The port is privileged.
    #[error(
        "cannot listen on {0}: no permission for this port; \
         grant CAP_NET_BIND_SERVICE or choose a port from 1024 on"
    )]
    Permission(SocketAddr),
    /// No interface has this address.
    #[error(
        "cannot listen on {0}: no interface of this machine has this address; \
         add it (`ip address` lists what there is) or choose another"
    )]
    NotLocal(SocketAddr),
    /// Anything else.
    #[error("cannot listen on {address}")]
    Other {
        /// The address.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
}

impl ListenError {
    /// Says what an error of bind(2) or listen(2) on `address` means.
    #[must_use]
    pub fn new(address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::Taken(address),
            io::ErrorKind::PermissionDenied => Self::Permission(address),
            io::ErrorKind::AddrNotAvailable => Self::NotLocal(address),
            _ => Self::Other { address, source },
        }
    }
}

impl Listening {
    /// Binds `address` (port 0: any free port) and listens on it with `workers` sockets, each with
    /// its own queue of `backlog` connections. `options` are inherited by accepted connections.
    ///
    /// The first bind is exclusive: beside a process that shares the port by `SO_REUSEPORT` it
    /// fails, where a shared one would succeed and silently take a part of the connections.
    ///
    /// # Errors
    ///
    /// [`ListenError`]: a sentence that says which address, and what to do.
    pub fn bind(
        address: SocketAddr,
        workers: usize,
        backlog: u16,
        options: &TcpOptions,
    ) -> Result<Self, ListenError> {
        Self::try_bind(address, workers, backlog, options)
            .map_err(|source| ListenError::new(address, source))
    }

    fn try_bind(
        address: SocketAddr,
        workers: usize,
        backlog: u16,
        options: &TcpOptions,
    ) -> io::Result<Self> {
        let first = open(address, options)?;
        first.bind(&address.into())?;
        // Shared from here on: the port stays ours all the while.
        first.set_reuse_port(true)?;
        let address = first.local_addr()?.as_socket().unwrap_or(address);
        let mut sockets = vec![first];
        for _ in 1..workers {
            let socket = open(address, options)?;
            socket.set_reuse_port(true)?;
            socket.bind(&address.into())?;
            sockets.push(socket);
        }
        // Only when all are bound: a connection must not go to a socket that is closed again.
        for socket in &sockets {
            socket.listen(backlog.into())?;
        }
        let sockets = sockets.into_iter().map(TcpListener::from).collect();
        Ok(Self {
            address,
            sockets,
            queue: Queue::Own,
        })
    }

    /// Listens on `socket`, which somebody else holds as well, with a copy of it for each of
    /// `workers`. It is never shut down: that would end it for its other holder too. Its flags and
    /// options are set for all holders, of whom none but this process accepts.
    ///
    /// # Errors
    ///
    /// When the system refuses a copy, or the options.
    pub fn share(socket: &TcpListener, workers: usize, options: &TcpOptions) -> io::Result<Self> {
        options.apply(socket)?;
        socket.set_nonblocking(true)?;
        let copies = (0..workers).map(|_| socket.try_clone());
        Ok(Self {
            address: socket.local_addr()?,
            sockets: copies.collect::<io::Result<_>>()?,
            queue: Queue::Kept,
        })
    }

    /// The address, with the port that the kernel chose where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whose the connections are that wait when accepting stops.
    #[must_use]
    pub fn queue(&self) -> Queue {
        self.queue
    }

    /// The listening sockets, non-blocking, one per worker.
    #[must_use]
    pub fn into_sockets(self) -> Vec<TcpListener> {
        self.sockets
    }
}

fn open(address: SocketAddr, options: &TcpOptions) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `[::]` beside `0.0.0.0`: each listener serves the family that it names.
        socket.set_only_v6(true)?;
    }
    options.apply(&socket)?;
    Ok(socket)
}

/// What an error of accept(2) means for the listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptFailure {
    /// The process or the system is out of descriptors or memory: pause, then go on.
    Exhausted,
    /// That one connection was gone before it was accepted: go on.
    Connection,
}

impl AcceptFailure {
    /// Sorts an error of accept(2).
    #[must_use]
    pub fn of(error: &io::Error) -> Self {
        match Errno::from_io_error(error) {
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => Self::Exhausted,
            _ => Self::Connection,
        }
    }
}

/// How long to pause accepting while descriptors or memory are short: 50 to 150 ms, told apart by
/// `salt` (a worker's number, a count), so that workers do not come back in step.
#[must_use]
pub fn exhausted_pause(salt: usize) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    Duration::from_millis(50 + RandomState::new().hash_one(salt) % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(address: SocketAddr) -> Result<Listening, ListenError> {
        Listening::bind(address, 2, 16, &TcpOptions::default())
    }

    #[test]
    fn a_port_shared_by_another_socket_is_taken() {
        let address = "127.0.0.1:0".parse().unwrap();
        let other = Listening::bind(address, 3, 16, &TcpOptions::default()).unwrap();
        let error = bind(other.address()).unwrap_err();
        assert!(matches!(error, ListenError::Taken(at) if at == other.address()));
        drop(other);
    }

    #[test]
    fn accepted_connections_inherit_the_options() {
        let options = TcpOptions {
            keepalive: Some(Duration::from_secs(7)),
            user_timeout: Some(Duration::from_millis(12_345)),
        };
        let address = "127.0.0.1:0".parse().unwrap();
        let listening = Listening::bind(address, 1, 16, &options).unwrap();
        let client = std::net::TcpStream::connect(listening.address()).unwrap();
        let [socket] = &listening.into_sockets()[..] else {
            panic!("one worker, one socket");
        };
        let (accepted, _) = socket.accept().unwrap();
        let accepted = socket2::SockRef::from(&accepted);
        assert!(accepted.tcp_nodelay().unwrap() && accepted.keepalive().unwrap());
        assert_eq!(
            accepted.tcp_keepalive_time().unwrap(),
            Duration::from_secs(7)
        );
        assert_eq!(accepted.tcp_user_timeout().unwrap(), options.user_timeout);
        drop(client);
    }

    #[test]
    fn an_address_of_another_machine_is_not_local() {
        // TEST-NET-1 (RFC 5737): no interface has it.
        let error = bind("192.0.2.1:0".parse().unwrap()).unwrap_err();
        assert!(matches!(error, ListenError::NotLocal(_)), "{error}");
    }

    #[test]
    fn every_socket_listens_on_the_port_that_was_chosen() {
        let listening = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listening.address();
        assert_ne!(address.port(), 0);
        let sockets = listening.into_sockets();
        assert_eq!(sockets.len(), 2);
        for socket in sockets {
            assert_eq!(socket.local_addr().unwrap(), address);
        }
    }

    #[test]
    fn descriptor_exhaustion_pauses_and_an_aborted_connection_does_not() {
        let sort = |errno: Errno| AcceptFailure::of(&errno.into());
        assert_eq!(sort(Errno::MFILE), AcceptFailure::Exhausted);
        assert_eq!(sort(Errno::NOMEM), AcceptFailure::Exhausted);
        assert_eq!(sort(Errno::CONNABORTED), AcceptFailure::Connection);
    }
}
