//! What the listeners of one file may not share: names and addresses.

use crate::config::{Addresses, Listen, Table, Unique, listener_name};

/// The names and addresses that are taken.
pub(super) struct Listeners {
    names: Unique<String>,
    pub(super) addresses: Addresses,
}

impl Default for Listeners {
    fn default() -> Self {
        Self {
            names: Unique::new("the name of a port or an inbound"),
            addresses: Addresses::default(),
        }
    }
}

impl Listeners {
    pub(super) fn name(&mut self, table: &mut Table<'_>) -> Option<String> {
        let name = table.required("name", listener_name())?;
        self.names.claim(table, "name", name.clone());
        Some(name)
    }

    pub(super) fn listen(&mut self, table: &mut Table<'_>) -> Option<Listen> {
        Listen::read(table, "listen", &mut self.addresses)
    }
}
