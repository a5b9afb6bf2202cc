//! Addresses of this run.
//!
//! Ports of 127.0.0.1 are given to outgoing connections, too: one that was free a moment ago may
//! not be any longer. On an address of one's own nobody else is given any.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// The `nth` address of loopback that belongs to this process, by its number.
#[must_use]
pub fn of_this_run(nth: u8) -> Ipv4Addr {
    let [low, high, ..] = std::process::id().to_le_bytes();
    Ipv4Addr::new(127, high.max(1), low, nth)
}

/// A port of [`of_this_run`] where nobody listens, for a program that has to be told one. It is free
/// again when this returns; nobody but this process has a reason to ask for one there.
///
/// # Errors
///
/// When there is none.
pub fn free_port(nth: u8) -> io::Result<SocketAddr> {
    TcpListener::bind((of_this_run(nth), 0))?.local_addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_bound() {
        let address = free_port(1).unwrap();
        assert!(address.ip().is_loopback());
        TcpListener::bind(address).unwrap();
    }
}
