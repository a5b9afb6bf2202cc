//! The ways that are compared.

use std::fmt;
use std::net::SocketAddr;

use super::stage::{Bridge, Server};

/// Which way messages take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Direct,
    Plain,
    Bridge,
    Hot,
}

impl Way {
    pub(super) const ALL: [Self; 4] = [Self::Direct, Self::Plain, Self::Bridge, Self::Hot];

    /// The address to dial.
    pub(super) fn through(self, server: &Server, bridge: &Bridge) -> SocketAddr {
        match self {
            Self::Direct => server.address,
            Self::Plain => bridge.plain,
            Self::Bridge => bridge.feed,
            Self::Hot => bridge.hot,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Plain => "through a plain tcp port",
            Self::Bridge => "through the bridge",
            Self::Hot => "through the bridge, hot",
        })
    }
}
