//! What is wrong between a gateway and those of other data centres.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use l4_failover::{EndpointOptions, Host, Target};

use crate::config::{Config, Datacenter, Listener, Service};
use crate::front::Face;

/// A gateway's file.
type File<'f> = (&'f Path, &'f Config);

/// What is wrong between the gateway of `one` and those of `all`.
pub(super) fn warnings(one: File<'_>, all: &[File<'_>]) -> Vec<String> {
    let mut warnings = Vec::new();
    for there in &one.1.datacenters {
        let others = all.iter().filter(|it| it.1.datacenter == there.name);
        let others: Vec<_> = others.copied().filter(|it| it.0 != one.0).collect();
        warnings.extend(nobody_listens(one, there, &others));
        for other in others {
            let leads = Way { one, there, other };
            warnings.extend(leads.to_clients());
            warnings.extend(leads.with_headers());
            warnings.extend(leads.kept_out());
            warnings.extend(leads.to_unknown_names());
            warnings.extend(leads.to_nobody());
        }
    }
    warnings
}

/// Gateways of a data centre at whose address none of its files, if any is given, listens.
fn nobody_listens((path, _): File<'_>, there: &Datacenter, others: &[File<'_>]) -> Vec<String> {
    let listeners = others.iter().flat_map(|(_, config)| &config.listeners);
    let listeners: Vec<SocketAddr> = listeners.map(|it| it.address).collect();
    let missed = gateways(there).filter(|gateway| {
        let target = &gateway.target;
        !listeners
            .iter()
            .any(|listener| may_lead_to(target, *listener))
    });
    let missed = missed.filter(|_| !listeners.is_empty());
    let listed = |addresses: &[SocketAddr]| {
        let listed: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        listed.join(", ")
    };
    let warning = |gateway: &EndpointOptions| {
        format!(
            "{}: nobody in the files given listens at \"{}\", a gateway of {:?}, which listens on {}: \
             change one of them, or check its file too",
            path.display(),
            gateway.target,
            there.name,
            listed(&listeners),
        )
    };
    missed.map(warning).collect()
}

/// From one gateway to another data centre.
#[derive(Clone, Copy)]
struct Way<'f> {
    one: File<'f>,
    /// The data centre as `one` has it.
    there: &'f Datacenter,
    /// A gateway of it.
    other: File<'f>,
}

impl<'f> Way<'f> {
    /// Gateways that are listed with their address for clients.
    fn to_clients(self) -> Vec<String> {
        let (path, other) = (self.one.0.display(), self.other.0.display());
        let wrong = wrong_entrances(self.there, self.other.1);
        let warning = |(target, peer): (&Target, SocketAddr)| {
            format!(
                "{path}: \"{target}\", a gateway of {:?}, is its address for clients; its address for \
                 gateways is \"{peer}\" (peer_address in {other}), where nothing goes in a circle",
                self.there.name,
            )
        };
        wrong.into_iter().map(warning).collect()
    }

    /// Gateways that are told by a header whose connections they get, and do not expect one; or are not
    /// told, and do.
    fn with_headers(self) -> Vec<String> {
        let pairs = self.reached();
        let warnings = pairs.filter_map(|(gateway, listener)| self.header(gateway, listener));
        warnings.collect()
    }

    /// Each gateway of the data centre, and the listener there that it is.
    fn reached(self) -> impl Iterator<Item = (&'f EndpointOptions, &'f Listener)> {
        gateways(self.there).flat_map(move |gateway| {
            let listeners = self.other.1.listeners.iter();
            let reached = listeners.filter(|it| leads_to(&gateway.target, it.address));
            reached.map(move |listener| (gateway, listener))
        })
    }

    /// Addresses of this data centre's gateways, as the other one knows them, that it does not let in,
    /// or whose headers it does not expect though it expects those of others.
    fn kept_out(self) -> Vec<String> {
        let (path, other) = (self.one.0.display(), self.other.0.display());
        let (here, known) = (&self.one.1.datacenter, self.known());
        let listed = |out: Vec<&IpAddr>| {
            let listed: Vec<_> = out.iter().map(ToString::to_string).collect();
            (!listed.is_empty()).then(|| listed.join(", "))
        };
        let mut warnings = Vec::new();
        for (gateway, listener) in self.reached() {
            let target = &gateway.target;
            let out = known.iter().filter(|it| !listener.access.admits(**it));
            warnings.extend(listed(out.collect()).map(|out| {
                format!(
                    "{path}: {out} of {here:?} may not connect to \"{target}\": let all of its gateways \
                     in by the lists of its [[listen]] in {other}"
                )
            }));
            let mute = known.iter().filter(|it| !listener.proxies.contains(**it));
            let is_partly = gateway.proxy && known.iter().any(|it| listener.proxies.contains(*it));
            let mute = listed(mute.collect()).filter(|_| is_partly);
            warnings.extend(mute.map(|mute| {
                format!(
                    "{path}: {mute} of {here:?} send a header before each hello to \"{target}\", which \
                     takes it for a broken hello: give all of its gateways in proxy_from of its \
                     [[listen]] in {other}"
                )
            }));
        }
        warnings
    }

    fn header(self, gateway: &EndpointOptions, listener: &Listener) -> Option<String> {
        let sources = self.sources(gateway);
        let is_expected = sources.iter().any(|it| listener.proxies.contains(*it));
        let is_elsewhere = listener.proxies.is_empty() || !sources.is_empty();
        let (path, other) = (self.one.0.display(), self.other.0.display());
        let (target, there) = (&gateway.target, &self.there.name);
        match gateway.proxy {
            true if !is_expected && is_elsewhere => Some(format!(
                "{path}: proxy = \"v2\" sends a header before each hello to \"{target}\", a gateway of \
                 {there:?}, which takes it for a broken hello: give the addresses of the gateways of \
                 {:?} in proxy_from of its [[listen]] in {other}, or leave proxy out here",
                self.one.1.datacenter,
            )),
            false if is_expected => Some(format!(
                "{path}: \"{target}\", a gateway of {there:?}, expects a header before each hello \
                 (proxy_from in {other}) and refuses whoever sends none: give proxy = \"v2\" to the \
                 [[datacenter]] {there:?}, or leave this gateway out there",
            )),
            _ => None,
        }
    }

    /// The addresses that connections to `gateway` come from, as far as the files know: those by which
    /// the other data centre knows this one, and those on which this one listens.
    fn sources(self, gateway: &EndpointOptions) -> Vec<IpAddr> {
        let target = match gateway.target.host {
            Host::Ip(ip) => Some(ip),
            Host::Name(_) => None,
        };
        if let Some(target) = target.filter(IpAddr::is_loopback) {
            return vec![match target {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            }];
        }
        let own = self.one.1.listeners.iter().map(|it| it.address.ip());
        let own = own.filter(|ip| !ip.is_unspecified() && !ip.is_loopback());
        self.known().into_iter().chain(own).collect()
    }

    /// The addresses by which the other data centre knows this one's gateways.
    fn known(self) -> Vec<IpAddr> {
        let here = self.other.1.datacenter(&self.one.1.datacenter);
        let known = here.into_iter().flat_map(gateways);
        let known = known.filter_map(|it| match it.target.host {
            Host::Ip(ip) => Some(ip),
            Host::Name(_) => None,
        });
        known.collect()
    }

    /// Forms of names that are led there and that nobody there knows.
    fn to_unknown_names(self) -> Vec<String> {
        let known = &self.other.1.name_patterns;
        let led = self.one.1.name_patterns.iter();
        let (path, other) = (self.one.0.display(), self.other.0.display());
        let warning = |pattern| {
            format!(
                "{path}: names of the form \"{pattern}\" are led to {:?}, where they are unknown: give \
                 the same name_patterns in {other}",
                self.there.name,
            )
        };
        led.filter(|it| !known.contains(it)).map(warning).collect()
    }

    /// Services that fail over to where nobody answers for them.
    fn to_nobody(self) -> Vec<String> {
        let (path, other) = (self.one.0.display(), self.other.0.display());
        let (there, here) = (&self.there.name, &self.one.1.datacenter);
        let services = self.one.1.services.iter();
        let failing_over = services.filter(|it| it.failover.contains(there));
        let lost = failing_over.filter(|it| !adopts(self.other.1, it, self.one.1));
        let warning = |service: &Arc<Service>| {
            format!(
                "{path}: the service {:?} fails over to {there:?}, which does not answer for it: \
                 give adopts = [{here:?}] to its [[service]] in {other}",
                service.name,
            )
        };
        lost.map(warning).collect()
    }
}

fn gateways(of: &Datacenter) -> impl Iterator<Item = &EndpointOptions> {
    of.pool.tiers.iter().flatten()
}

/// Gateways that are listed with the address for clients, and the one that is meant.
fn wrong_entrances<'c>(there: &'c Datacenter, other: &'c Config) -> Vec<(&'c Target, SocketAddr)> {
    let of = |face| move |it: &&Listener| it.face == face;
    let Some(peer) = other.listeners.iter().find(of(Face::Peers)) else {
        return Vec::new();
    };
    let clients: Vec<_> = other.listeners.iter().filter(of(Face::Clients)).collect();
    let is_wrong = |target: &&Target| clients.iter().any(|it| leads_to(target, it.address));
    let targets = there.pool.tiers.iter().flatten().map(|it| &it.target);
    let wrong = targets.filter(is_wrong);
    wrong.map(|target| (target, peer.address)).collect()
}

/// Whether a connection to `target` may come to `listener`. For one that takes every address, its port
/// has to do.
fn leads_to(target: &Target, listener: SocketAddr) -> bool {
    let is_host = match target.host {
        Host::Ip(ip) => listener.ip().is_unspecified() || ip == listener.ip(),
        Host::Name(_) => listener.ip().is_unspecified(),
    };
    is_host && target.port == listener.port()
}

fn adopts(other: &Config, service: &Service, config: &Config) -> bool {
    let mut theirs = other.services.iter();
    theirs.any(|it| it.name == service.name && it.adopts.contains(&config.datacenter))
}

/// The same, where a name may stand for any address.
fn may_lead_to(target: &Target, listener: SocketAddr) -> bool {
    match target.host {
        Host::Ip(_) => leads_to(target, listener),
        Host::Name(_) => target.port == listener.port(),
    }
}
