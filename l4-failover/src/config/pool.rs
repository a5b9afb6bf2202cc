//! The keys of a pool, the same wherever a file has one: where it leads, when it moves, how its
//! endpoints are checked.

mod check;
mod credentials;
mod endpoint;
mod line;
mod policy;
mod tls;

// The public interface is:
pub use credentials::consumer_credentials;
pub use endpoint::Ends;
pub use line::{Line, silence};
pub use policy::PolicyWords;
pub(crate) use tls::report_unusable;

use super::addresses::Addresses;
use super::kinds::{Located, briefly, path};
use super::node::Spot;
use super::table::Table;
use crate::choice::{Balance, Failback, Policy};
use crate::pool::{DialLimits, EndpointOptions, PoolOptions};
use crate::probe::{CheckOptions, Probe};
use crate::target::Target;
use endpoint::Entry;
use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::path::{Path, PathBuf, absolute};

/// The pools of one file: where they lead, and what no two of them may share.
#[derive(Debug, Default)]
pub struct Pools {
    targets: Vec<(Spot, Target)>,
    /// By each state file the pool that keeps its state there, and where that is said.
    state_files: HashMap<PathBuf, (String, Spot)>,
}

/// What a pool has from outside of its own keys.
#[derive(Clone, Copy, Debug)]
pub struct PoolBase<'n> {
    /// Its name; none if that is wrong.
    pub name: Option<&'n str>,
    /// What its endpoints can be asked for.
    pub ends: Ends,
    /// Who moves it back, if the file does not say.
    pub failback: Failback,
    /// Bounds of a dial.
    pub dial: DialLimits,
}

/// A pool that leads to lines, and how each is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinePool {
    /// The pool.
    pub pool: PoolOptions,
    /// The lines by the [names](EndpointOptions::name) of their endpoints, in order.
    pub lines: Vec<(String, Line)>,
}

type Tier = Vec<Located<Entry>>;

impl Pools {
    /// Reads a pool whose first tier stands under either of two keys and whose further tiers are
    /// the entries of `backup`, one each.
    pub fn tiered(
        &mut self,
        table: &mut Table<'_>,
        primary: [&'static str; 2],
        base: PoolBase<'_>,
    ) -> PoolOptions {
        let tiers = tiers(table, primary, base.ends);
        self.moving(table, tiers, base)
    }

    /// The same, with what the targets say of themselves as [`Ends::Lines`].
    pub fn lines(
        &mut self,
        table: &mut Table<'_>,
        primary: [&'static str; 2],
        base: PoolBase<'_>,
    ) -> LinePool {
        let tiers = tiers(table, primary, base.ends);
        let lines = tiers.iter().flatten().map(named_line).collect();
        let pool = self.moving(table, tiers, base);
        LinePool { pool, lines }
    }

    /// A pool of these tiers, with the policy and the check that stand beside them.
    fn moving(
        &mut self,
        table: &mut Table<'_>,
        tiers: Vec<Tier>,
        base: PoolBase<'_>,
    ) -> PoolOptions {
        let balance = policy::balance(table);
        let policy = policy::read(table, base.failback, balance);
        let check = table.optional("check", check::check(base.ends), check::ABSENCE);
        self.pool(table, tiers, policy, check, base)
    }

    /// Reads a pool whose entries stand in one list under `key`: one tier each, or one tier
    /// together if the file says how to balance them. The schema has the keys of tables from a
    /// pool that is [`tiered`](Self::tiered).
    pub fn listed(
        &mut self,
        table: &mut Table<'_>,
        key: &'static str,
        base: PoolBase<'_>,
    ) -> PoolOptions {
        let entries = table.required(key, briefly(endpoint::list(base.ends).not_empty()));
        let entries = entries.unwrap_or_default();
        let balance = policy::balance_if_any(table);
        let tiers = match balance {
            Some(_) if !entries.is_empty() => vec![entries],
            _ => entries.into_iter().map(|only| vec![only]).collect(),
        };
        let balance = balance.unwrap_or(Balance::RoundRobin);
        let policy = policy::read(table, base.failback, balance);
        let check = table.optional("check", briefly(check::check(base.ends)), check::ABSENCE);
        self.pool(table, tiers, policy, check, base)
    }

    /// Notes which targets lead back to `own` addresses; `who` has them, as in `this gateway`.
    ///
    /// One connection through such a target would take every place there is.
    pub fn report_circles(&self, table: &Table<'_>, own: &Addresses, who: &str) {
        for (spot, target) in &self.targets {
            if let Some(listener) = own.leads_back(target) {
                let message = format!(
                    "\"{target}\" is {who} itself, by {listener}: \
                     a connection would go round in a circle; name another address"
                );
                table.report_at(spot, message);
            }
        }
    }

    fn pool(
        &mut self,
        table: &mut Table<'_>,
        tiers: Vec<Tier>,
        policy: Policy,
        check: Option<CheckOptions>,
        base: PoolBase<'_>,
    ) -> PoolOptions {
        let check = check.unwrap_or_default();
        let is_tls = tiers
            .iter()
            .flatten()
            .map(|it| it.value.endpoint.tls.is_some());
        check::hold(table, &check, is_tls);
        let name = base.name.unwrap_or_default().to_owned();
        let state_file = self.state_file(table, &name);
        report_repeated(table, &tiers);
        report_nameless(table, &tiers, &check);
        PoolOptions {
            tiers: self.unlocated(tiers),
            name,
            policy,
            check,
            dial: base.dial,
            state_file,
        }
    }

    fn state_file(&mut self, table: &mut Table<'_>, pool: &str) -> Option<PathBuf> {
        let absence = "a restart forgets who is active, holds and maintenance";
        let file = table.optional("state_file", path(), absence)?;
        match self.state_files.entry(whole(&file)) {
            Occupied(first) => {
                let (pool, spot) = first.get();
                let message = format!(
                    "\"{}\" is already the state file of {pool:?}, {}; give each its own",
                    file.display(),
                    table.place(spot)
                );
                table.report("state_file", message);
            }
            Vacant(free) => _ = free.insert((pool.to_owned(), table.spot("state_file"))),
        }
        Some(file)
    }

    fn unlocated(&mut self, tiers: Vec<Tier>) -> Vec<Vec<EndpointOptions>> {
        let mut unlocated = |entry: Located<Entry>| {
            let endpoint = entry.value.endpoint;
            self.targets.push((entry.spot, endpoint.target.clone()));
            endpoint
        };
        // Just the room that it takes: what is left out here was larger.
        let tier = |tier: Tier| {
            let mut endpoints: Vec<_> = tier.into_iter().map(&mut unlocated).collect();
            endpoints.shrink_to_fit();
            endpoints
        };
        tiers.into_iter().map(tier).collect()
    }
}

/// The first tier, which stands under either of two keys, and those of `backup`.
fn tiers(table: &mut Table<'_>, primary: [&'static str; 2], ends: Ends) -> Vec<Tier> {
    let first = table.required_as(primary, endpoint::list(ends).not_empty());
    let backup = briefly(endpoint::list(ends));
    let backup = table.optional("backup", backup, "there are none");
    let backup = backup.into_iter().flatten().map(|only| vec![only]);
    first.into_iter().chain(backup).collect()
}

fn named_line(entry: &Located<Entry>) -> (String, Line) {
    (entry.value.endpoint.name(), entry.value.line)
}

/// The path from the root, without looking whether anything is there.
fn whole(path: &Path) -> PathBuf {
    absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Notes every endpoint that stands in the pool for the second time. Two names behind one address
/// are two endpoints.
fn report_repeated(table: &Table<'_>, tiers: &[Tier]) {
    let entries = || tiers.iter().flatten();
    for (nth, entry) in entries().enumerate() {
        if let Some(first) = entries().take(nth).find(|first| is_same(first, entry)) {
            let first = table.name_of(&first.spot);
            let message = format!("this is listed already, as {first}; remove one of them");
            table.report_at(&entry.spot, message);
        }
    }
}

fn is_same(one: &Located<Entry>, other: &Located<Entry>) -> bool {
    let (one, other) = (&one.value.endpoint, &other.value.endpoint);
    one.target == other.target
        && match (&one.tls, &other.tls) {
            (Some(one), Some(other)) => one.server_name.eq_ignore_ascii_case(&other.server_name),
            (None, None) => true,
            _ => false,
        }
}

/// Notes that a TLS check is asked for, and no name to ask an endpoint for.
fn report_nameless(table: &Table<'_>, tiers: &[Tier], check: &CheckOptions) {
    if check.probe != Some(Probe::Tls) || check.tls.is_some() {
        return;
    }
    let nameless = |entry: &&Located<Entry>| entry.value.endpoint.tls.is_none();
    if let Some(entry) = tiers.iter().flatten().find(nameless) {
        let target = &entry.value.endpoint.target;
        let message = format!(
            "\"{target}\" has no server name, which a tls check needs; give check.tls.server_name"
        );
        table.report("check", message);
    }
}
