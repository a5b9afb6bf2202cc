//! The names that services get from the patterns: each leads to one of them.

use crate::name::{NamePattern, ServerName};
use l4_failover::config::{Spot, Table};
use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};

/// By each name the service that has it, and where that stands.
type Taken = HashMap<ServerName, (String, Spot)>;

/// Finds names that no host can have, and names that two services would have.
pub(super) struct Names<'c> {
    /// The name of this data centre, if it could be read.
    here: Option<&'c str>,
    patterns: &'c [NamePattern],
    taken: Taken,
}

impl<'c> Names<'c> {
    /// There are `services` to come.
    pub(super) fn new(here: Option<&'c str>, patterns: &'c [NamePattern], services: usize) -> Self {
        Self {
            here,
            patterns,
            taken: HashMap::with_capacity(services * patterns.len()),
        }
    }

    /// Takes every name of `service`, which stands at `name` of `table`.
    pub(super) fn claim(&mut self, table: &Table<'_>, service: &str) {
        if let Some(here) = self.here {
            self.claim_in(table, here, service, "name");
        }
    }

    /// Takes every name that `service` has in `datacenter`, which stands at `key` of `table`.
    pub(super) fn claim_in(
        &mut self,
        table: &Table<'_>,
        datacenter: &str,
        service: &str,
        key: &'static str,
    ) {
        let patterns = self.patterns.iter();
        let wrong = patterns.filter_map(|pattern| match pattern.name(service, datacenter) {
            Ok(name) => take(&mut self.taken, table, name, service),
            Err(error) => Some(format!("{pattern} gives it no server name: {error}")),
        });
        report(table, key, wrong.collect());
    }

    /// Notes which patterns give no name to anything in `datacenter`.
    pub(super) fn check_suffixes(&self, table: &Table<'_>, datacenter: &str) {
        let patterns = self.patterns.iter();
        let wrong = patterns.filter_map(|pattern| no_suffix(pattern, datacenter));
        report(table, "name", wrong.collect());
    }
}

/// What is wrong with a pattern in a data centre, if anything.
pub(super) fn no_suffix(pattern: &NamePattern, datacenter: &str) -> Option<String> {
    let error = pattern.suffix(datacenter).err()?;
    Some(format!(
        "{pattern} gives no server name in {datacenter:?}: {error}"
    ))
}

/// One service may get one name from two patterns.
fn take(taken: &mut Taken, table: &Table<'_>, name: ServerName, service: &str) -> Option<String> {
    match taken.entry(name) {
        Occupied(taken) => {
            let (name, (owner, spot)) = (taken.key().as_str(), taken.get());
            (owner != service).then(|| {
                format!(
                    "{name:?} would be a name of this service and of {owner:?}, {}; \
                     change one of them, or name_patterns",
                    table.place(spot)
                )
            })
        }
        Vacant(free) => {
            free.insert((service.to_owned(), table.spot("name")));
            None
        }
    }
}

/// All in one sentence: a place has one mistake.
fn report(table: &Table<'_>, key: &str, wrong: Vec<String>) {
    if !wrong.is_empty() {
        table.report(key, wrong.join("; "));
    }
}
