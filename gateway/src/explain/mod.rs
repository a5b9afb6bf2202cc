//! What would happen to a name, rule by rule, and why: the same tables and lists that connections
//! are judged by, asked in the same order.

mod json;
mod say;

use std::net::IpAddr;
use std::path::Path;

use l4_failover::Reach;

use crate::access::{Denied, Doors};
use crate::check;
use crate::config::Config;
use crate::destination::Destination;
use crate::front::{Access, Face};
use crate::log::shown_name;
use crate::name::{NamePattern, ServerName};
use crate::outcome::Outcome;
use crate::refuse::Alert;
use crate::route::RouteError;
use crate::tables::Tables;

// The public interface is:
pub use json::{ExplanationJson, StepJson, WayJson};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The server name as a client would send it; none of a hello without one.
    pub name: Option<Vec<u8>>,
    /// Where the client is, if that is known.
    pub from: Option<IpAddr>,
    /// Where it connects.
    pub face: Face,
}

/// What a configuration says of connections.
#[derive(Debug)]
pub struct Ground<'g> {
    /// The data centre.
    pub here: &'g str,
    /// The forms of names.
    pub patterns: &'g [NamePattern],
    /// Where names lead.
    pub tables: &'g Tables,
    /// Who may reach what.
    pub doors: &'g Doors,
    /// The listeners, each with who connects there and whom it lets in.
    pub listeners: Vec<(String, Face, Access)>,
    /// Whether endpoints are looked after, so that their health is known.
    pub is_running: bool,
}

/// What the gateway with the configuration in `file` would do.
///
/// # Errors
///
/// Every mistake of the file, a line each.
pub fn in_file(file: &Path, question: &Question) -> Result<ExplanationJson, String> {
    let config = Config::load(file).map_err(|mistakes| mistakes.to_string())?;
    let tables = check::build(&config).map_err(|error| format!("{}: {error}", file.display()))?;
    let listeners = config.listeners.iter();
    let listeners = listeners.map(|it| (it.name.clone(), it.face, it.access.clone()));
    let ground = Ground {
        here: &config.datacenter,
        patterns: &config.name_patterns,
        tables: &tables,
        doors: &crate::app::doors(&config),
        listeners: listeners.collect(),
        is_running: false,
    };
    Ok(explain(&ground, question))
}

/// What would happen to a connection, and why.
#[must_use]
pub fn explain(ground: &Ground<'_>, question: &Question) -> ExplanationJson {
    let mut told = ExplanationJson {
        face: question.face.as_str().to_owned(),
        name: question.name.as_deref().map(shown_name),
        from: question.from.map(|from| from.to_string()),
        ..ExplanationJson::default()
    };
    if !listeners(ground, question, &mut told) {
        return told;
    }
    let found = match &question.name {
        Some(name) => named(ground, question.face, name, &mut told),
        None => nameless(ground, question.face, &mut told),
    };
    if let Some(destination) = found {
        access(ground, question, destination, &mut told);
        told.lead_to(destination, question.face, ground.is_running);
    }
    told.conclude();
    told
}

/// Whom the listening addresses let in; whether there are any.
fn listeners(ground: &Ground<'_>, question: &Question, told: &mut ExplanationJson) -> bool {
    let asked = |it: &&(String, Face, Access)| it.1 == question.face;
    let listeners: Vec<_> = ground.listeners.iter().filter(asked).collect();
    if listeners.is_empty() {
        told.step("listener", "refuses", say::no_listener(question.face));
        told.unheard();
        return false;
    }
    let (mut refusing, mut doubtful) = (0, 0);
    for (name, _, access) in &listeners {
        let has_lists = *access != Access::default();
        match question.from {
            _ if !has_lists => told.step("listener", "passes", say::open_listener(name)),
            None => {
                doubtful += 1;
                told.step("listener", "unknown", say::needs_source(name));
            }
            Some(from) if access.admits(from) => {
                told.step("listener", "passes", say::admitted(name, from));
            }
            Some(from) => {
                refusing += 1;
                told.step("listener", "refuses", say::not_admitted(name, from));
            }
        }
    }
    if refusing == listeners.len() {
        told.refuse(Outcome::LISTENER_DENIED.reason, None);
    } else if refusing + doubtful > 0 {
        told.doubt();
    }
    true
}

fn nameless<'g>(
    ground: &Ground<'g>,
    face: Face,
    told: &mut ExplanationJson,
) -> Option<&'g Destination> {
    told.step("name", "no", say::NAMELESS.to_owned());
    match ground.tables.at(face).fallback() {
        Some((to, true)) => {
            told.step("default", "yes", say::default_without_name(to));
            Some(to)
        }
        fallback => {
            let says = say::no_default_without_name(fallback.is_some(), face);
            told.refused_by("default", says, &RouteError::Absent);
            None
        }
    }
}

fn named<'g>(
    ground: &Ground<'g>,
    face: Face,
    sent: &[u8],
    told: &mut ExplanationJson,
) -> Option<&'g Destination> {
    let name = match ServerName::parse(sent) {
        Ok(name) => name,
        Err(error) => {
            let says = say::malformed(sent, &error);
            told.refused_by("name", says, &RouteError::Malformed(error));
            return None;
        }
    };
    told.looked_up = Some(name.to_string());
    told.step("name", "passes", say::well_formed(sent, &name));
    let routes = ground.tables.at(face);
    let trace = routes.trace(&name);
    if let Some(to) = trace.exact {
        let form = form(ground, to, &name);
        told.step("exact", "yes", say::exact(to, &name, form));
        return Some(to);
    }
    told.step("exact", "no", say::not_exact(&name, face));
    match trace.suffix {
        Some((suffix, Some(to))) => {
            told.step("suffix", "yes", say::suffix(to, suffix));
            return Some(to);
        }
        Some((suffix, None)) => {
            told.refused_by(
                "suffix",
                say::here(suffix, ground.here),
                &RouteError::Unknown,
            );
            return None;
        }
        None => told.step("suffix", "no", say::no_suffix(ground, &name, face)),
    }
    match trace.default {
        Some(to) => told.step("default", "yes", say::default(to)),
        None => told.refused_by("default", say::no_default(face), &RouteError::Unknown),
    }
    trace.default.map(|to| &**to)
}

/// Which form of names gives this one, and in which data centre.
fn form<'g>(
    ground: &Ground<'g>,
    to: &Destination,
    name: &ServerName,
) -> Option<(&'g NamePattern, String)> {
    let service = to.name.split('.').next().unwrap_or_default();
    let elsewhere = ground.tables.destinations();
    let elsewhere = elsewhere.flat_map(|it| it.name.rsplit('.').next().map(str::to_owned));
    let datacenters: Vec<String> = [ground.here.to_owned()]
        .into_iter()
        .chain(elsewhere)
        .collect();
    ground.patterns.iter().find_map(|pattern| {
        let gives = |there: &&String| pattern.name(service, there).is_ok_and(|it| it == *name);
        Some((pattern, datacenters.iter().find(gives)?.clone()))
    })
}

/// Who may go there.
fn access(ground: &Ground<'_>, question: &Question, to: &Destination, told: &mut ExplanationJson) {
    if ground.doors.is_open(to) {
        told.step("access", "passes", say::open(to));
        return;
    }
    let Some(from) = question.from else {
        told.step("access", "unknown", say::needs_source(&to.name));
        told.doubt();
        return;
    };
    match ground.doors.judge(to, from) {
        Ok(Reach::All) => told.step("access", "passes", say::may(to, from)),
        Ok(Reach::Own) => told.step("access", "passes", say::not_beyond(to, from)),
        Err(denied) => {
            let alert = Some(Alert::AccessDenied);
            told.refused("access", denied.to_string(), Denied::REASON, alert);
        }
    }
}

#[cfg(test)]
mod tests;
