//! The names that services get from the patterns: each leads to one of them.

use crate::name::NamePattern;
use l4_failover::config::Table;
use std::collections::HashMap;

/// Finds names that no host can have, and names that two services would have.
pub(super) struct Names<'c> {
    /// The name of this data centre, if it could be read.
    here: Option<&'c str>,
    patterns: &'c [NamePattern],
    /// By each name the service that has it, and where that stands.
    taken: HashMap<String, (String, String)>,
}

impl<'c> Names<'c> {
    pub(super) fn new(here: Option<&'c str>, patterns: &'c [NamePattern]) -> Self {
        Self {
            here,
            patterns,
            taken: HashMap::new(),
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
            Ok(name) => take(&mut self.taken, table, name.to_string(), service),
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
fn take(
    taken: &mut HashMap<String, (String, String)>,
    table: &Table<'_>,
    name: String,
    service: &str,
) -> Option<String> {
    match taken.get(&name) {
        Some((owner, _)) if owner == service => None,
        Some((owner, place)) => Some(format!(
            "{name:?} would be a name of this service and of {owner:?}, {place}; \
             change one of them, or name_patterns"
        )),
        None => {
            let owner = (service.to_owned(), table.place("name"));
            taken.insert(name, owner);
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
