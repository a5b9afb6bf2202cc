//! What shows only where several files are seen together: two data centres that miss each other, and
//! two layers that hide each other.

use std::collections::HashMap;
use std::path::Path;

use l4_failover::settings::Settings;

use super::{File, neighbours};
use crate::config::{Config, Service};

pub(super) fn warnings(files: &[File<'_>]) -> Vec<String> {
    let gateways = files.iter().filter_map(|file| match file {
        File::Gateway(path, config) => Some((*path, &**config)),
        File::Ports(..) => None,
    });
    let gateways: Vec<_> = gateways.collect();
    let mut warnings = Vec::new();
    for &one in &gateways {
        let (path, config) = (one.0.display(), one.1);
        let doubts = config.doubts().into_iter();
        warnings.extend(doubts.map(|doubt| format!("{path}: {doubt}")));
        warnings.extend(neighbours::warnings(one, &gateways));
        for file in files {
            if let File::Ports(path, settings) = file {
                warnings.extend(of_layers(one, path, settings));
            }
        }
    }
    warnings
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
