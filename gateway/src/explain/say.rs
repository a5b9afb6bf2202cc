//! The sentences.

use std::net::IpAddr;

use super::Ground;
use crate::destination::Destination;
use crate::front::Face;
use crate::log::shown_name;
use crate::name::{NameError, NamePattern, ServerName};
use crate::route::{RouteKind, Rule};

pub(super) const NAMELESS: &str = "the hello has no server name";

pub(super) fn no_listener(face: Face) -> String {
    match face {
        Face::Clients => "nobody can connect: there is no listener".to_owned(),
        Face::Peers => "no gateway can connect: no listener has a peer_address".to_owned(),
    }
}

pub(super) fn open_listener(name: &str) -> String {
    format!("{name} has no list: everybody may connect")
}

pub(super) fn needs_source(name: &str) -> String {
    format!("{name} has lists allow or deny: --from ADDRESS says who asks")
}

pub(super) fn admitted(name: &str, from: IpAddr) -> String {
    format!("the lists of {name} let {from} in")
}

pub(super) fn not_admitted(name: &str, from: IpAddr) -> String {
    format!("the lists of {name} do not let {from} in: closed before its hello is read")
}

pub(super) fn malformed(sent: &[u8], error: &NameError) -> String {
    format!("\"{}\" is no server name: {error}", shown_name(sent))
}

pub(super) fn well_formed(sent: &[u8], name: &ServerName) -> String {
    match sent == name.as_str().as_bytes() {
        true => "well-formed".to_owned(),
        false => format!("looked up as {name}: lower case, without the dot at the end"),
    }
}

pub(super) fn exact(
    to: &Destination,
    name: &ServerName,
    form: Option<(&NamePattern, String)>,
) -> String {
    let service = to.name.split('.').next().unwrap_or_default();
    let by = form.map(|(form, there)| format!(" in {there}, by the form {form}"));
    let by = by.unwrap_or_default();
    match to.kind {
        RouteKind::Adoption => format!(
            "{name} is the name of {service}{by}; the service here adopted it: first the gateways \
             there, and while they lead nowhere the endpoints here"
        ),
        RouteKind::Service | RouteKind::Datacenter => {
            format!("{name} is the name of the service {service}{by}")
        }
    }
}

pub(super) fn not_exact(name: &ServerName, face: Face) -> String {
    match face {
        Face::Clients => format!("no service has the name {name}, and none adopted it"),
        Face::Peers => format!("no service here has the name {name}, or adopted it"),
    }
}

pub(super) fn suffix(to: &Destination, suffix: &str) -> String {
    format!("it ends with {suffix}: to the gateways of {}", to.name)
}

pub(super) fn here(suffix: &str, here: &str) -> String {
    format!(
        "it ends with {suffix}, as the names of {here} do, which is here: one that no service has \
         is unknown, and never the default's"
    )
}

pub(super) fn no_suffix(ground: &Ground<'_>, name: &ServerName, face: Face) -> String {
    let elsewhere = ground.tables.clients.trace(name).suffix;
    if let (Face::Peers, Some((_, Some(to)))) = (face, elsewhere) {
        return format!(
            "its data centre is {}, but for other gateways only names that are served here count: \
             nothing goes in a circle",
            to.name
        );
    }
    let rules = ground.tables.at(face).rules().map(|(rule, _)| rule);
    let suffixes = rules.filter_map(|rule| match rule {
        Rule::Suffix(suffix) => Some(suffix.to_owned()),
        Rule::Exact(_) | Rule::Default { .. } => None,
    });
    let mut suffixes: Vec<String> = suffixes.collect();
    suffixes.sort();
    match suffixes.as_slice() {
        [] => "no other data centre is led to".to_owned(),
        suffixes => format!("it ends with none of {}", suffixes.join(", ")),
    }
}

pub(super) fn default(to: &Destination) -> String {
    format!(
        "its data centre is not one that is configured: to the default, {}",
        to.name
    )
}

pub(super) fn no_default(face: Face) -> String {
    match face {
        Face::Clients => "there is no default: the name is unknown".to_owned(),
        Face::Peers => "no default is for other gateways: the name is unknown".to_owned(),
    }
}

pub(super) fn default_without_name(to: &Destination) -> String {
    format!("default_without_name is set: to the default, {}", to.name)
}

pub(super) fn no_default_without_name(has_default: bool, face: Face) -> String {
    match (has_default, face) {
        (true, _) => "the default takes names alone: default_without_name is not set".to_owned(),
        (false, face) => no_default(face).replace(": the name is unknown", ""),
    }
}

pub(super) fn open(to: &Destination) -> String {
    format!("{} has no list: everybody may reach it", to.name)
}

pub(super) fn may(to: &Destination, from: IpAddr) -> String {
    format!("the lists of {} let {from} in", to.name)
}

pub(super) fn not_beyond(to: &Destination, from: IpAddr) -> String {
    format!(
        "the lists of {} let {from} in, but not to the data centres that it fails over to",
        to.name
    )
}
