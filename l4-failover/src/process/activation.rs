//! Listening sockets that a service manager holds, and gives to the process: socket activation,
//! `sd_listen_fds(3)`.

use std::io;
use std::net::{SocketAddr, TcpListener};

use listenfd::ListenFd;
use socket2::SockRef;
use thiserror::Error;
use tracing::warn;

use crate::socket::TcpOptions;
use crate::socket::listen::{ListenError, Listening};

/// What is said of the sockets, and where their number is bounded: a unit with more has gone wrong.
const PID: &str = "LISTEN_PID";
const COUNT: &str = "LISTEN_FDS";
const NAMES: &str = "LISTEN_FDNAMES";
const COUNT_MAX: usize = 1024;

/// The listening sockets that the process was given. They stay open for as long as this is there,
/// so that an address which a reload drops can come back.
#[derive(Debug, Default)]
pub struct Activated(Vec<Socket>);

#[derive(Debug)]
struct Socket {
    /// `FileDescriptorName=` of the unit; by default the unit's own name.
    name: Option<String>,
    address: SocketAddr,
    listener: TcpListener,
}

/// Why the sockets that were given cannot be used as they should.
#[derive(Debug, Error)]
pub enum ActivationError {
    /// The environment makes no sense.
    #[error("the service manager gives sockets, and {PID} or {COUNT} is no number, or too great")]
    Garbled,
    /// One is no listening TCP socket.
    #[error("socket {nth} of those that the service manager gives does not listen for TCP")]
    NotListening {
        /// Which, counted from 1.
        nth: usize,
        /// What the system says.
        source: io::Error,
    },
    /// Clients would connect there and wait for ever.
    #[error(
        "the service manager gives a socket on {address}{}, and no listener has this address \
         or this name; add one, or take it out of the .socket unit", named(name.as_deref())
    )]
    Untaken {
        /// Its address.
        address: SocketAddr,
        /// What the service manager calls it.
        name: Option<String>,
    },
}

fn named(name: Option<&str>) -> String {
    name.map_or(String::new(), |name| format!(" ({name})"))
}

impl Activated {
    /// The sockets that the environment speaks of; none, where it speaks to another process. To be
    /// called once, before the process has threads: what it says is taken out of the environment,
    /// so that it is not believed twice.
    ///
    /// # Errors
    ///
    /// [`ActivationError`]: something else than listening sockets was given.
    pub fn from_env() -> Result<Self, ActivationError> {
        let count = count(var(PID), var(COUNT), std::process::id())?;
        if count == 0 {
            return Ok(Self::default());
        }
        let names = var(NAMES).unwrap_or_default();
        let mut names = names.split(':').filter(|name| !name.is_empty());
        let mut given = ListenFd::from_env();
        let sockets = (0..count).map(|nth| {
            let name = names.next().map(str::to_owned);
            take(&mut given, nth, name).map_err(|source| ActivationError::NotListening {
                nth: nth + 1,
                source,
            })
        });
        sockets.collect::<Result<_, _>>().map(Self)
    }

    /// How many there are: a descriptor each.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Which socket each of these listeners has, given by name and address: the one of its
    /// address, else the one of its name, else none.
    ///
    /// # Errors
    ///
    /// [`ActivationError::Untaken`]: one has no listener.
    pub fn among<'n>(
        &self,
        listeners: impl IntoIterator<Item = (&'n str, SocketAddr)>,
    ) -> Result<Vec<Option<Given<'_>>>, ActivationError> {
        let listeners: Vec<_> = listeners.into_iter().collect();
        let mut taken = vec![None; listeners.len()];
        let mut left: Vec<_> = self.0.iter().collect();
        for is_its in [Socket::has_address, Socket::has_name] {
            for (listener, taken) in listeners.iter().zip(&mut taken) {
                let found = left.iter().position(|it| is_its(it, *listener));
                if let (None, Some(at)) = (&taken, found) {
                    *taken = Some(Given(left.remove(at)));
                }
            }
        }
        match left.first() {
            None => Ok(taken),
            Some(socket) => Err(ActivationError::Untaken {
                address: socket.address,
                name: socket.name.clone(),
            }),
        }
    }
}

/// A socket that takes the place of binding an address.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a>(&'a Socket);

impl Given<'_> {
    /// The one socket for all of `workers`. Its backlog is what the service manager chose.
    ///
    /// # Errors
    ///
    /// [`ListenError`]: the system refuses a copy of it, or the options.
    pub fn listening(self, workers: usize, options: &TcpOptions) -> Result<Listening, ListenError> {
        let shared = Listening::share(&self.0.listener, workers, options);
        shared.map_err(|source| ListenError::new(self.0.address, source))
    }

    /// Says so where the socket, taken by its name, is not on the `address` that `listener` is to
    /// have: clients who go by the file would find nobody there.
    pub fn warn_if_elsewhere(self, listener: &str, address: SocketAddr) {
        let socket = self.0.address;
        let is_any = address.port() == 0 && address.ip() == socket.ip();
        if socket != address && !is_any {
            warn!(
                listener,
                configured = %address,
                given = %socket,
                "the service manager's socket is on another address than the file says, and \
                 clients are accepted there alone; let both say the same"
            );
        }
    }
}

impl Socket {
    fn has_address(&self, (_, address): (&str, SocketAddr)) -> bool {
        self.address == address
    }

    fn has_name(&self, (name, _): (&str, SocketAddr)) -> bool {
        self.name.as_deref() == Some(name)
    }
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// How many sockets are given to process `own`. `listenfd` alone would take them also where the
/// environment, inherited, does not say for whom they are.
fn count(pid: Option<String>, count: Option<String>, own: u32) -> Result<usize, ActivationError> {
    let (Some(pid), Some(count)) = (pid, count) else {
        return Ok(0);
    };
    let pid: u32 = pid.parse().map_err(|_| ActivationError::Garbled)?;
    let count = count.parse().map_err(|_| ActivationError::Garbled)?;
    match count {
        _ if pid != own => Ok(0),
        COUNT_MAX.. => Err(ActivationError::Garbled),
        count => Ok(count),
    }
}

fn take(given: &mut ListenFd, nth: usize, name: Option<String>) -> io::Result<Socket> {
    let listener = given.take_tcp_listener(nth)?.ok_or_else(not_listening)?;
    match SockRef::from(&listener).is_listener()? {
        true => Ok(Socket {
            name,
            address: listener.local_addr()?,
            listener,
        }),
        false => Err(not_listening()),
    }
}

fn not_listening() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it does not listen")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(names: &[&str]) -> Activated {
        let socket = |name: &&str| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            Socket {
                name: Some(name.to_string()),
                address: listener.local_addr().unwrap(),
                listener,
            }
        };
        Activated(names.iter().map(socket).collect())
    }

    #[test]
    fn sockets_of_another_process_are_not_taken() {
        let count =
            |pid: &str, sockets: &str| super::count(Some(pid.into()), Some(sockets.into()), 7);
        assert_eq!(count("7", "2").unwrap(), 2);
        assert_eq!(count("8", "2").unwrap(), 0);
        assert!(count("7", "2000").is_err() && count("7", "-1").is_err());
        assert_eq!(super::count(None, Some("2".into()), 7).unwrap(), 0);
    }

    #[test]
    fn a_listener_has_the_socket_of_its_address_before_that_of_its_name() {
        let given = given(&["first", "second"]);
        let [one, other] = [0, 1].map(|nth| given.0[nth].address);
        let at = |taken: &Option<Given<'_>>| taken.map(|it| it.0.address);
        let elsewhere = "127.0.0.1:1".parse().unwrap();
        let listeners = [("first", other), ("second", elsewhere), ("first", one)];
        let taken = given.among(listeners).unwrap();
        let taken: Vec<_> = taken.iter().map(at).collect();
        assert_eq!(taken, [Some(other), None, Some(one)]);
        let taken = given
            .among([("second", elsewhere), ("third", one)])
            .unwrap();
        let taken: Vec<_> = taken.iter().map(at).collect();
        assert_eq!(taken, [Some(other), Some(one)]);
    }

    #[test]
    fn a_socket_that_no_listener_has_is_a_mistake() {
        let given = given(&["first"]);
        let address = given.0[0].address;
        let error = given.among([]).unwrap_err().to_string();
        let start = format!("the service manager gives a socket on {address} (first), and no ");
        assert!(error.starts_with(&start), "{error}");
    }
}
