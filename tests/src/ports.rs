//! Ports that are known before anybody listens there.
//!
//! Each gateway's configuration holds the other's port, so neither can be bound first and asked.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A port that the kernel gives to nobody else until this is dropped. It is bound and
/// does not listen: who connects is refused, and who asks for this very port by `SO_REUSEADDR`, as
/// a gateway does, gets it.
#[derive(Debug)]
pub struct Reserved {
    address: SocketAddr,
    _socket: Socket,
}

impl Reserved {
    /// Reserves a free port of loopback.
    ///
    /// # Errors
    ///
    /// When the system has none.
    pub fn new() -> io::Result<Self> {
        Self::at(Ipv4Addr::LOCALHOST)
    }

    /// Reserves a free port of an address of this machine.
    ///
    /// # Errors
    ///
    /// When the system has none, or the address is not its own.
    pub fn at(address: Ipv4Addr) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((address, 0)).into())?;
        // Only now: set before, the kernel might choose a port that is shared already.
        socket.set_reuse_address(true)?;
        let address = socket.local_addr()?.as_socket();
        Ok(Self {
            address: address.ok_or(io::ErrorKind::AddrNotAvailable)?,
            _socket: socket,
        })
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
