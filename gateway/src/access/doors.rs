//! Who may reach which service, and which other data centre.

use std::collections::HashMap;
use std::net::IpAddr;

use l4_failover::Reach;
use thiserror::Error;

use crate::destination::Destination;
use crate::front::Access;
use crate::route::RouteKind;

/// Whose connections each destination takes, by its kind and name; one without a list takes
/// everybody's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doors {
    own: [HashMap<String, Vec<Access>>; RouteKind::ALL.len()],
    /// By the name of a service: of the data centres that it fails over to.
    beyond: HashMap<String, Vec<Access>>,
}

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
        let doors = self.own[kind as usize].entry(name.to_owned());
        doors.or_default().push(access.clone());
    }

    /// `access` holds for what lies beyond the service of this name, where it fails over to.
    pub fn add_beyond(&mut self, service: &str, access: &Access) {
        if *access != Access::default() {
            let doors = self.beyond.entry(service.to_owned());
            doors.or_default().push(access.clone());
        }
    }

    /// Whether everybody may go on to `destination`, and to all that it leads to.
    #[must_use]
    pub fn is_open(&self, destination: &Destination) -> bool {
        let (kind, name) = (destination.kind, &destination.name);
        let is_beyond = kind == RouteKind::Service && self.beyond.contains_key(name);
        !self.own[kind as usize].contains_key(name) && !is_beyond
    }

    /// Whether `client` may go on to `destination`, and how far: never to another data centre that it
    /// may not reach.
    ///
    /// # Errors
    ///
    /// [`Denied`]: it may not.
    pub fn judge(&self, destination: &Destination, client: IpAddr) -> Result<Reach, Box<Denied>> {
        let (kind, name) = (destination.kind, &destination.name);
        if !admits(&self.own[kind as usize], name, client) {
            return Err(Box::new(Denied {
                client,
                kind: kind.as_str(),
                name: name.clone(),
            }));
        }
        match kind == RouteKind::Service && !admits(&self.beyond, name, client) {
            true => Ok(Reach::Own),
            false => Ok(Reach::All),
        }
    }
}

/// Whether every list of this name admits `client`.
fn admits(doors: &HashMap<String, Vec<Access>>, name: &str, client: IpAddr) -> bool {
    let lists = doors.get(name);
    lists.is_none_or(|lists| lists.iter().all(|access| access.admits(client)))
}
