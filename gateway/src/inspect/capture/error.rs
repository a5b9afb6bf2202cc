//! Why nothing can be captured, or nothing any more.

use std::io;

use thiserror::Error;

/// Why nothing can be captured, or nothing any more: each a sentence that says what to do.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// There is no such interface.
    #[error("there is no interface {name}: there are {}", .known.join(", "))]
    NoInterface {
        /// As it was asked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The interface is down.
    #[error("the interface {name} is down: `sudo ip link set {name} up` brings it up")]
    Down {
        /// Its name.
        name: String,
    },
    /// Its frames begin in a way that is not read.
    #[error(
        "frames of the interface {name} cannot be read: its hardware type is {hardware}, and those that \
         are read are Ethernet (1), loopback (772) and plain IP (519, 768, 769, 776, 65534)"
    )]
    Hardware {
        /// Its name.
        name: String,
        /// `ARPHRD_` of `linux/if_arp.h`.
        hardware: u16,
    },
    /// This process may not capture.
    #[error(
        "no permission to capture: it takes the capability CAP_NET_RAW, and `sudo setcap cap_net_raw+ep \
         {program}` grants it"
    )]
    NotPermitted {
        /// The path of this program.
        program: String,
    },
    /// An interface that was captured on is not there any more.
    #[error("the interface {name} vanished")]
    Vanished {
        /// Its name.
        name: String,
    },
    /// The system refused something.
    #[error("cannot {what}: {source}")]
    System {
        /// What was to be done.
        what: String,
        /// Why it was not.
        source: io::Error,
    },
}

impl CaptureError {
    pub(super) fn system(what: impl Into<String>, source: impl Into<io::Error>) -> Self {
        let (what, source) = (what.into(), source.into());
        Self::System { what, source }
    }
}
