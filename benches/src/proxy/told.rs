//! What the gateway tells a supervisor, sd_notify(3): the event that ends a reload.

use std::ffi::OsString;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Peer;

/// What has not been told by then will not be: the gateway gives up on reading after 10 s.
const PATIENCE: Duration = Duration::from_secs(30);

/// More than any message has.
const MESSAGE: usize = 4096;

/// A supervisor's socket.
#[derive(Debug)]
pub(super) struct Told(UnixDatagram);

impl Told {
    pub(super) fn listen(directory: &Path) -> Result<Self> {
        let socket = UnixDatagram::bind(path(directory))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(socket))
    }

    /// What leads the gateway to it. The others say what they say to nobody.
    pub(super) fn environment(peer: Peer, directory: &Path) -> Option<(&'static str, OsString)> {
        (peer == Peer::Gateway).then(|| ("NOTIFY_SOCKET", path(directory).into_os_string()))
    }

    /// Waits until the gateway has said that it reads its configuration again, and then that it is
    /// done with that.
    pub(super) fn reloaded(&self) -> Result<()> {
        self.wait("RELOADING=1")?;
        let said = self.wait("READY=1")?;
        ensure!(!said.contains("with the old configuration"), "{said}");
        Ok(())
    }

    /// Waits until it is told something with these words.
    fn wait(&self, words: &str) -> Result<String> {
        let mut message = [0; MESSAGE];
        loop {
            let read = self.0.recv(&mut message).context("it says nothing")?;
            let said = String::from_utf8_lossy(&message[..read]);
            if said.contains(words) {
                return Ok(said.into_owned());
            }
        }
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join("notify")
}
