//! Network namespaces of a test's own: other machines, as far as TCP can tell.

use std::fs::File;
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::peers;
use crate::process::run;

/// A network namespace. Dropping it removes it, and with it the links that end there.
#[derive(Debug)]
pub struct Namespace(String);

impl Namespace {
    /// A namespace with just the loopback interface.
    ///
    /// # Errors
    ///
    /// Why there can be none here.
    pub fn new() -> Result<Self, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (process, count) = (std::process::id(), COUNT.fetch_add(1, Relaxed));
        let namespace = Self(format!("test-{process}-{count}"));
        ip(&format!("netns add {}", namespace.0))?;
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// Runs `ip` inside.
    ///
    /// # Errors
    ///
    /// What `ip` says.
    pub fn ip(&self, words: &str) -> Result<(), String> {
        ip(&format!("-n {} {words}", self.0))
    }

    /// Does something inside: sockets that it opens, and processes that it starts, stay there.
    pub fn enter<T: Send>(&self, what: impl FnOnce() -> T + Send) -> T {
        let file = File::open(format!("/run/netns/{}", self.0)).unwrap();
        std::thread::scope(|scope| {
            let inside = scope.spawn(move || {
                let network = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(file.as_fd(), network).unwrap();
                what()
            });
            let done = inside.join();
            done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Links two namespaces by a cable that carries no more than a segment at a time: `eth0` at
    /// both ends, 10.0.0.1 here and 10.0.0.2 there.
    ///
    /// # Errors
    ///
    /// What the tools say.
    pub fn link(&self, other: &Self) -> Result<(), String> {
        let (here, there) = (&self.0, &other.0);
        ip(&format!(
            "link add eth0 netns {here} type veth peer name eth0 netns {there}"
        ))?;
        for (end, address) in [(self, "10.0.0.1/24"), (other, "10.0.0.2/24")] {
            end.ip(&format!("address add {address} dev eth0"))?;
            end.ip("link set eth0 up")?;
            let offloads = "-K eth0 tso off gso off gro off".split(' ');
            end.enter(|| succeed(peers::command("ethtool").args(offloads)))?;
        }
        Ok(())
    }

    /// [`link`](Self::link)s two namespaces as if the other were far away: when it is gone, packets
    /// to it vanish. The kernel of a near one would say so after some seconds without ARP.
    ///
    /// # Errors
    ///
    /// What the tools say.
    pub fn link_far(&self, other: &Self) -> Result<(), String> {
        const FAR: &str = "02:00:00:00:00:02";
        self.link(other)?;
        other.ip(&format!("link set eth0 address {FAR}"))?;
        let neighbour = format!("10.0.0.2 lladdr {FAR} dev eth0 nud permanent");
        self.ip(&format!("neigh replace {neighbour}"))
    }

    /// From now on packets to this namespace over its [`link`](Self::link) vanish, and none come.
    pub fn unplug(&self) {
        self.ip("link set eth0 down").unwrap();
    }

    /// Undoes [`unplug`](Self::unplug).
    pub fn plug(&self) {
        self.ip("link set eth0 up").unwrap();
    }

    /// From now on packets to this namespace vanish that are longer than those of a handshake of
    /// TCP, whose other end does not know it: connections come about, and nothing arrives.
    pub fn swallow_data(&self) {
        // The least that IPv4 allows; what is longer, the driver drops.
        self.ip("link set eth0 mtu 68").unwrap();
        // Else it would ask for segments that fit.
        let route = "10.0.0.0/24 dev eth0 src 10.0.0.2 advmss 1460";
        self.ip(&format!("route replace {route}")).unwrap();
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // It may never have come about.
        let _ = peers::command("ip")
            .args(["netns", "del", &self.0])
            .output();
    }
}

fn ip(words: &str) -> Result<(), String> {
    succeed(peers::command("ip").args(words.split(' ')))
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let output = run(command);
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}: {}", said.trim())),
    }
}
