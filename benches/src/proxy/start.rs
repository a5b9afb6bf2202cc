//! Starting a proxy, and ending it with all that it started.

use std::fmt;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{
    Pid as SignalTo, Resource, Rlimit, Signal, WaitOptions, getpid, kill_process,
    kill_process_group, prlimit, set_child_subreaper, waitpgid,
};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::told::Told;
use super::{Front, Installed, Peer, Setting, Target};
use crate::loopback::free_port;
use crate::process::Pid;
use crate::wire::{Command, ask};

/// What does not answer by then will not.
const START: Duration = Duration::from_secs(10);

/// One try of whether it answers.
const TRY: Duration = Duration::from_secs(1);

/// Between two tries. Nothing tells when another's program is ready.
const PAUSE: Duration = Duration::from_millis(5);

/// Ports that are tried: one could have been taken before the proxy asked for it.
const PORTS: usize = 3;

/// The memory that a proxy may have, in bytes. One that takes more than this for any of this work is
/// told as having failed, and does not take the machine with it.
const MEMORY_MAX: u64 = 8 << 30;

/// The most that is told of what a proxy said before it ended.
const SAID: usize = 1000;

/// A proxy that runs until this is dropped.
#[derive(Debug)]
pub struct Proxy {
    target: Target,
    child: Child,
    leads: bool,
    told: Told,
    _directory: TempDir,
}

impl Proxy {
    /// Where it is reached.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }

    /// Has the gateway read its configuration again; how long that took, to its own word that it is
    /// done.
    ///
    /// # Errors
    ///
    /// When it does not say so, or says that it kept the old one.
    pub fn reload(&self) -> Result<Duration> {
        let since = Instant::now();
        let pid = i32::try_from(self.child.id()).ok();
        let pid = pid.and_then(SignalTo::from_raw).context("no pid")?;
        kill_process(pid, Signal::HUP)?;
        self.told.reloaded()?;
        Ok(since.elapsed())
    }
}

/// Starts a proxy in front of `backend`, and waits until it has passed a connection on. To be called
/// from a thread that outlives it: the kernel ends it with that thread.
///
/// With a `behind`, this one is the first of two hops: it stands before the other, and what is measured
/// of it includes the other.
///
/// # Errors
///
/// When it does not get ready; with what it said.
pub async fn start(
    installed: &Installed,
    setting: &Setting,
    backend: SocketAddr,
    behind: Option<&Proxy>,
) -> Result<Proxy> {
    let mut tries = 1;
    loop {
        let error = match once(installed, setting, backend, behind).await {
            Ok(proxy) => return Ok(proxy),
            Err(error) => error,
        };
        // One that runs and does not answer has its port.
        if tries == PORTS || !error.is::<Ended>() {
            return Err(error.context(format!("{} does not start", installed.peer)));
        }
        tries += 1;
    }
}

/// It ended before it was ready.
#[derive(Debug)]
struct Ended {
    status: ExitStatus,
    said: String,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it ended ({}): {}", self.status, self.said)
    }
}

impl std::error::Error for Ended {}

async fn once(
    installed: &Installed,
    setting: &Setting,
    backend: SocketAddr,
    behind: Option<&Proxy>,
) -> Result<Proxy> {
    let directory = tempfile::Builder::new().prefix("benches-").tempdir()?;
    let front = Front {
        installed,
        setting,
        listen: free_port(1)?,
        backend: behind.map_or(backend, |it| it.target.address),
        leads_on: behind.is_some(),
        directory: directory.path(),
    };
    let said = directory.path().join("said");
    let told = Told::listen(directory.path())?;
    let child = spawn(&front, &said, behind.and_then(|it| it.target.pid))?;
    let address = front.listen;
    let pid = behind.map_or(Some(child.id()), |it| it.target.pid);
    let mut proxy = Proxy {
        target: Target {
            address,
            pid,
            workers: installed.peer.workers(setting.workers),
        },
        child,
        leads: behind.is_none(),
        told,
        _directory: directory,
    };
    proxy.ready(&said).await?;
    Ok(proxy)
}

/// In a group of its own, or that of the hop behind: what is measured is a group.
fn spawn(front: &Front<'_>, said: &Path, group: Option<Pid>) -> Result<Child> {
    // A worker whose master was killed is ours to wait for; where that cannot be, it is init's.
    let _ = set_child_subreaper(Some(getpid()));
    let peer = front.installed.peer;
    let config = front.directory.join(match peer {
        Peer::Envoy => "config.json",
        _ => "config",
    });
    fs::write(&config, peer.config(front))?;
    let output = File::create(said)?;
    let child = peer
        .command(front, &config)?
        .envs(Told::environment(peer, front.directory))
        .process_group(group.map_or(Ok(0), i32::try_from)?)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn();
    let child = child.with_context(|| format!("cannot run {peer}"))?;
    let pid = i32::try_from(child.id()).ok().and_then(SignalTo::from_raw);
    let most = Rlimit {
        current: Some(MEMORY_MAX),
        maximum: Some(MEMORY_MAX),
    };
    prlimit(pid, Resource::Data, most)?;
    Ok(child)
}

impl Proxy {
    /// Waits until a connection has been passed on.
    async fn ready(&mut self, said: &Path) -> Result<()> {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                let said = tail(said);
                return Err(Ended { status, said }.into());
            }
            if let Ok(Ok(_)) = timeout(TRY, ask(self.target.address, Command::Finish)).await {
                return Ok(());
            }
            if since.elapsed() > START {
                bail!("no answer within {START:?}: {}", tail(said));
            }
            sleep(PAUSE).await;
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Neither holds anything worth saving. Workers that are processes are of its group, which
        // exists as long as its leader has not been waited for.
        let pid = i32::try_from(self.child.id()).ok();
        let pid = pid.and_then(SignalTo::from_raw);
        let _ = match (pid, self.leads) {
            (Some(pid), true) => kill_process_group(pid, Signal::KILL),
            (Some(pid), false) => kill_process(pid, Signal::KILL),
            (None, _) => Ok(()),
        };
        // Waited for, so that its use is counted as ours; and so are its workers, which the kernel
        // hands to us.
        let _ = self.child.wait();
        if let Some(group) = pid.filter(|_| self.leads) {
            while waitpgid(group, WaitOptions::empty()).is_ok() {}
        }
    }
}

fn tail(said: &Path) -> String {
    let text = fs::read(said).unwrap_or_default();
    let from = text.len().saturating_sub(SAID);
    let text = String::from_utf8_lossy(&text[from..]);
    match text.trim() {
        "" => "it said nothing".to_owned(),
        text => text.to_owned(),
    }
}
