//! What shows only where several files are seen together: two data centres that miss each other, and
//! two layers that hide each other.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;

use l4_failover::settings::Settings;
use l4_failover::{Host, Target};

use super::File;
use crate::config::{Config, Datacenter, Listener, Service};
use crate::front::Face;

pub(super) fn warnings(files: &[File<'_>]) -> Vec<String> {
    let gateways = files.iter().filter_map(|file| match file {
        File::Gateway(path, config) => Some((*path, &**config)),
        File::Ports(..) => None,
    });
    let gateways: Vec<_> = gateways.collect();
    let mut warnings = Vec::new();
    for &one in &gateways {
        for &other in gateways.iter().filter(|(path, _)| *path != one.0) {
            warnings.extend(of_neighbours(one, other));
        }
        for file in files {
            if let File::Ports(path, settings) = file {
                warnings.extend(of_layers(one, path, settings));
            }
        }
    }
    warnings
}

/// What is wrong between a gateway and that of another data centre.
fn of_neighbours(
    (path, config): (&Path, &Config),
    (other_path, other): (&Path, &Config),
) -> Vec<String> {
    let Some(there) = config.datacenter(&other.datacenter) else {
        return Vec::new();
    };
    let (path, other_path) = (path.display(), other_path.display());
    let mut warnings = Vec::new();
    for (target, peer) in wrong_entrances(there, other) {
        warnings.push(format!(
            "{path}: \"{target}\", a gateway of {:?}, is its address for clients; its address for \
             gateways is \"{peer}\" (peer_address in {other_path}), where nothing goes in a circle",
            there.name,
        ));
    }
    let failovers = config.services.iter();
    for service in failovers.filter(|it| it.failover.contains(&other.datacenter)) {
        if !adopts(other, service, config) {
            let (name, here) = (&service.name, &config.datacenter);
            warnings.push(format!(
                "{path}: the service {name:?} fails over to {:?}, which does not answer for it: \
                 give adopts = [{here:?}] to its [[service]] in {other_path}",
                there.name,
            ));
        }
    }
    warnings
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

/// Services that fail over though a port before them does.
fn of_layers((path, config): (&Path, &Config), ports: &Path, settings: &Settings) -> Vec<String> {
    let mut warnings = Vec::new();
    for service in config.services.iter().filter(|it| !it.failover.is_empty()) {
        let names = names_of(service, config);
        for port in &settings.ports {
            let endpoints = port.pool.tiers.iter().flatten();
            let asked = endpoints.filter_map(|it| names.get(&it.tls.as_ref()?.server_name));
            let mut datacenters: Vec<&&str> = asked.collect();
            datacenters.dedup();
            if datacenters.len() > 1 {
                let (port, name) = (&port.name, &service.name);
                warnings.push(format!(
                    "{}: the port {port:?} fails over between data centres, and so does the service \
                     {name:?} ({}): each hides from the other who answers; leave failover to one",
                    ports.display(),
                    path.display(),
                ));
            }
        }
    }
    warnings
}

/// The names of a service, here and in the data centres that it fails over to, each with the data
/// centre.
fn names_of<'c>(service: &'c Service, config: &'c Config) -> HashMap<String, &'c str> {
    let datacenters = service.failover.iter().chain([&config.datacenter]);
    let names = datacenters.flat_map(|datacenter| {
        let patterns = config.name_patterns.iter();
        let names = patterns.filter_map(|it| it.name(&service.name, datacenter).ok());
        names.map(move |name| (name.to_string(), datacenter.as_str()))
    });
    names.collect()
}
