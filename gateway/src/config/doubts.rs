//! What a file may say, and probably does not mean.

use super::{Config, Listener, Service};
use crate::front::Face;
use l4_failover::config::did_you_mean;

impl Config {
    /// What the file may say, and probably does not mean: a sentence each, which says what to do.
    ///
    /// ```
    /// use gateway::config::Config;
    ///
    /// let config = Config::parse("gateway.toml", r#"
    ///     datacenter = "dc1"
    ///     [listen]
    ///     address = "127.0.0.1:8443"
    ///     peer_address = "0.0.0.0:8444"
    ///     [[service]]
    ///     name = "currency"
    ///     endpoints = ["127.0.0.1:7000"]
    /// "#)?;
    /// assert!(config.doubts()[0].contains("give peer_allow"));
    /// # Ok::<(), l4_failover::config::Diagnostics>(())
    /// ```
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        let open = self.listeners.iter().filter(|it| is_open(it));
        let adopting = self.services.iter();
        let unknown = adopting.flat_map(|service| {
            let adopts = service.adopts.iter();
            let unknown = adopts.filter(|name| self.datacenter(name).is_none());
            unknown.map(move |name| self.unknown(service, name))
        });
        open.map(open_to_all).chain(unknown).collect()
    }

    /// Answering for a data centre to which nothing is led is no mistake: its gateways may be elsewhere's
    /// alone. More often, its name is mistyped.
    fn unknown(&self, service: &Service, name: &str) -> String {
        let hint = did_you_mean(name, self.datacenters.iter().map(|it| &*it.name));
        format!(
            "the service {:?} adopts {name:?}, and there is no [[datacenter]] of this name: whoever asks \
             there is answered here, and never led there{hint}",
            service.name
        )
    }
}

/// Whether strangers may be let in as gateways. Loopback is this machine alone.
fn is_open(listener: &Listener) -> bool {
    let is_local = listener.address.ip().to_canonical().is_loopback();
    listener.face == Face::Peers && listener.access.allow.is_empty() && !is_local
}

fn open_to_all(listener: &Listener) -> String {
    format!(
        "whoever reaches {}, the peer_address, is taken for a gateway of another data centre, and no \
         limit per source holds there: give peer_allow with the addresses of those gateways",
        listener.address
    )
}
