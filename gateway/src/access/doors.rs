//! Who may reach which service, and which other data centre.

use std::collections::HashMap;
use std::net::IpAddr;

use thiserror::Error;

use crate::destination::Destination;
use crate::front::Access;
use crate::route::RouteKind;

/// Whose connections each destination takes, by its kind and name; one without a list takes
/// everybody's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doors([HashMap<String, Access>; RouteKind::ALL.len()]);

/// Who may not reach what it asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{client} may not reach the {kind} {name:?}, by its lists allow and deny")]
pub struct Denied {
    client: IpAddr,
    kind: &'static str,
    name: String,
}

impl Denied {
    /// A stable label for metrics and logs.
    pub const REASON: &'static str = "route_denied";
}

impl Doors {
    /// `access` holds for the destination of this name.
    pub fn add(&mut self, kind: RouteKind, name: &str, access: &Access) {
        if *access == Access::default() {
            return;
        }
        self.0[kind as usize].insert(name.to_owned(), access.clone());
    }

    /// Whether `client` may go on to `destination`.
    ///
    /// # Errors
    ///
    /// [`Denied`]: it may not.
    pub fn judge(&self, destination: &Destination, client: IpAddr) -> Result<(), Box<Denied>> {
        match self.0[destination.kind as usize].get(&destination.name) {
            Some(access) if !access.admits(client) => Err(Box::new(Denied {
                client,
                kind: destination.kind.as_str(),
                name: destination.name.clone(),
            })),
            _ => Ok(()),
        }
    }
}
