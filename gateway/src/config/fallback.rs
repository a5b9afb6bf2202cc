//! What answers a name that no service has.

use super::peers::Service;
use l4_failover::config::{Table, did_you_mean, flag, label};
use std::sync::Arc;

/// The service for well-formed names outside of the configured data centres.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// The name of one of the services.
    pub service: String,
    /// Whether the service also answers hellos without a name.
    pub without_name: bool,
}

impl Fallback {
    pub(super) fn read(table: &mut Table<'_>, services: &[Arc<Service>]) -> Option<Self> {
        let service = table.optional("default", label(), "such names are refused");
        let without_name = table.with_default("default_without_name", flag(), false);
        if without_name && !table.has("default") {
            let message = "this needs the key \"default\", which names the service to answer";
            table.report("default_without_name", message);
        }
        let service = service?;
        check_known(table, &service, services);
        Some(Self {
            service,
            without_name,
        })
    }
}

/// Nothing is said while a service is not in the list because its own name is wrong.
fn check_known(table: &Table<'_>, default: &str, services: &[Arc<Service>]) {
    let names = || services.iter().map(|service| service.name.as_str());
    let all_named = table.count("service") == services.len();
    if all_named && !names().any(|name| name == default) {
        let hint = did_you_mean(default, names());
        table.report(
            "default",
            format!("there is no [[service]] named {default:?}{hint}"),
        );
    }
}
