//! The pools of a process, which a reload changes, and those who listen to all of them.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::EventJson;
use super::json::PoolJson;
use super::refusal::{Refusal, Refused};
use crate::pool::Wish;
use crate::soupbin::bridge::SharedFeed;
use crate::soupbin::fanout::Fanout;
use crate::{Events, Pool, PoolEvent};

/// Reloads that a listener may be behind; one that is further behind is no longer told of pools,
/// and its stream ends.
const RELOADS_MAX: usize = 16;

/// What is remembered of what happened: more than anybody reads at a glance.
const RECENT_MAX: usize = 50;

/// A pool and what operators know it by.
#[derive(Clone, Debug)]
pub struct NamedPool {
    /// The pool. Its name is unique within its kind.
    pub pool: Pool,
    /// What it serves, in one word: `port`, `inbound`, `service`, `datacenter`.
    pub kind: &'static str,
    /// What else is worth showing, such as `listen` and `protocol`.
    pub labels: BTreeMap<String, String>,
    /// Pools that are made of this one and others: an endpoint of this one that is in maintenance is so
    /// there as well.
    pub parts_of: Vec<Pool>,
    /// Who is carried from one of its endpoints to another, where it is a feed.
    pub feed: Option<SharedFeed>,
    /// The one login of all of them, where there is one.
    pub fanout: Option<Fanout>,
}

impl NamedPool {
    /// `pool`, which serves a `kind`, without labels.
    #[must_use]
    pub fn new(pool: Pool, kind: &'static str) -> Self {
        Self {
            pool,
            kind,
            labels: BTreeMap::new(),
            parts_of: Vec::new(),
            feed: None,
            fanout: None,
        }
    }

    /// The same as a part of `pool`.
    #[must_use]
    pub fn part_of(mut self, pool: Pool) -> Self {
        self.parts_of.push(pool);
        self
    }

    /// The same as a feed.
    #[must_use]
    pub fn consumed(mut self, feed: SharedFeed) -> Self {
        self.feed = Some(feed);
        self
    }

    /// The same as a feed with one login for many, if it is one.
    #[must_use]
    pub fn shared(mut self, fanout: Option<Fanout>) -> Self {
        self.fanout = fanout;
        self
    }

    /// The same with one label more.
    #[must_use]
    pub fn labelled(mut self, label: &str, value: impl Into<String>) -> Self {
        self.labels.insert(label.to_owned(), value.into());
        self
    }

    /// The endpoints that are in maintenance, each with the reason.
    fn in_maintenance(&self) -> Vec<(String, String)> {
        let status = self.pool.status();
        let out = status.endpoints().filter_map(|it| {
            let reason = it.maintenance.as_ref()?;
            Some((it.name.to_string(), reason.to_string()))
        });
        out.collect()
    }

    /// Takes an endpoint out of all that this pool is a part of, or puts it back there; the names of
    /// those that have it.
    pub(super) async fn maintain_whole(
        &self,
        endpoint: &str,
        reason: Option<&str>,
    ) -> Vec<Arc<str>> {
        let mut names = Vec::new();
        for pool in &self.parts_of {
            let wish = Wish::Maintenance {
                endpoint: endpoint.to_owned(),
                reason: reason.map(ToOwned::to_owned),
            };
            // Refused where it is not an endpoint there.
            if pool.obey(wish).await.is_ok() {
                names.push(Arc::clone(pool.name()));
            }
        }
        names
    }

    /// The same for the same pool, which a reload may have labelled anew. Clones share the name
    /// itself.
    fn identity(&self) -> *const u8 {
        Arc::as_ptr(self.pool.name()).cast()
    }
}

/// The pools of a process. Cheap to clone: clones show the same pools.
#[derive(Clone, Debug, Default)]
pub struct Pools(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    pools: Arc<[NamedPool]>,
    /// Each with what it wants.
    listeners: Vec<(mpsc::Sender<Vec<Heard>>, Wanted)>,
    /// What happened last, the newest first.
    recent: VecDeque<EventJson>,
}

/// The pools that are to be shown next, beside those that are shown now; see [`Pools::next`].
#[derive(Debug)]
pub struct Next {
    pools: Arc<[NamedPool]>,
    new: Vec<NamedPool>,
    /// Those that are parts of others.
    parts: Vec<NamedPool>,
}

impl Pools {
    /// Shows `pools` from now on. In a runtime, where one of them is a part of another. Listeners hear those that are new from this moment on: a program
    /// that does this before it starts them misses nothing.
    pub fn replace(&self, pools: Vec<NamedPool>) {
        self.show(self.next(pools));
    }

    /// All of [`replace`](Self::replace) that takes the longer the more pools there are, for whoever
    /// does that elsewhere than he shows them; nobody else shows others meanwhile.
    #[must_use]
    pub fn next(&self, pools: Vec<NamedPool>) -> Next {
        let before = self.list();
        let known: HashSet<_> = before.iter().map(NamedPool::identity).collect();
        let of =
            |is_it: &dyn Fn(&&NamedPool) -> bool| pools.iter().filter(is_it).cloned().collect();
        Next {
            new: of(&|it| !known.contains(&it.identity())),
            parts: of(&|it| !it.parts_of.is_empty()),
            pools: pools.into(),
        }
    }

    /// Shows these from now on; what was shown before.
    pub fn show(&self, next: Next) -> Arc<[NamedPool]> {
        let mut table = self.table();
        let before = std::mem::replace(&mut table.pools, next.pools);
        table
            .listeners
            .retain(|(listener, wanted)| listener.try_send(heard(&next.new, wanted)).is_ok());
        drop(table);
        carry_maintenance(next.parts);
        before
    }

    /// The pools of this moment, in the order in which they were given.
    #[must_use]
    pub fn list(&self) -> Arc<[NamedPool]> {
        Arc::clone(&self.table().pools)
    }

    /// All of them at this moment: a part of `/status`.
    #[must_use]
    pub fn status(&self) -> Vec<PoolJson> {
        self.list().iter().map(PoolJson::of).collect()
    }

    /// Remembers what happens from now on, but for what happens to single consumers of a feed.
    pub async fn remember(&self) -> Infallible {
        loop {
            let mut listener = self.listen(Wanted::default());
            while let Some(event) = listener.next().await {
                if event.consumer.is_none() {
                    let recent = &mut self.table().recent;
                    recent.truncate(RECENT_MAX - 1);
                    recent.push_front(event);
                }
            }
            // It was too far behind: what comes next is heard again.
        }
    }

    /// What was remembered last of those that are `wanted`, the newest first.
    #[must_use]
    pub fn recent(&self, wanted: &Wanted) -> Vec<EventJson> {
        let table = self.table();
        let recent = table.recent.iter();
        let wanted = recent.filter(|it| wanted.is(&it.pool, &it.kind));
        wanted.cloned().collect()
    }

    /// Those that are wanted; a kind or a name that no pool has is refused.
    pub(super) fn wanted(&self, wanted: &Wanted) -> Result<Vec<NamedPool>, Refusal> {
        let list = self.list();
        let of_kind = list.iter().filter(|it| wanted.has_kind(it.kind));
        let of_kind: Vec<_> = of_kind.cloned().collect();
        if let (Some(kind), true) = (&wanted.kind, of_kind.is_empty()) {
            let (kind, known) = (kind.clone(), kinds(&list));
            return Err(Refusal::UnknownKind { kind, known });
        }
        let found = of_kind.iter().filter(|it| wanted.has_name(it.pool.name()));
        let found: Vec<_> = found.cloned().collect();
        match &wanted.name {
            Some(name) if found.is_empty() => Err(Refusal::UnknownPool {
                name: name.clone(),
                kind: wanted.kind.clone(),
                known: names(&of_kind),
            }),
            _ => Ok(found),
        }
    }

    /// The one that is wanted.
    pub(super) fn find(&self, wanted: &Wanted) -> Result<NamedPool, Refusal> {
        let found = self.wanted(wanted)?;
        match found.as_slice() {
            [one] => Ok(one.clone()),
            several => Err(Refusal::Ambiguous {
                name: wanted.name.clone().unwrap_or_default(),
                kinds: several.iter().map(|it| it.kind).collect(),
            }),
        }
    }

    /// Hears what happens from now on to the pools that are `wanted`, new ones included.
    pub(super) fn listen(&self, wanted: Wanted) -> Listener {
        let (listener, new) = mpsc::channel(RELOADS_MAX);
        let mut table = self.table();
        // Those whose streams have ended would otherwise stay until the next reload.
        table
            .listeners
            .retain(|(listener, _)| !listener.is_closed());
        let now = heard(&table.pools, &wanted);
        table.listeners.push((listener, wanted));
        drop(table);
        let mut listener = Listener {
            new,
            heard: FuturesUnordered::new(),
        };
        listener.hear(now);
        listener
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a pool remembers to be in maintenance is so in those that it is a part of, which may be new, or
/// remember nothing.
fn carry_maintenance(parts: Vec<NamedPool>) {
    for named in parts {
        let out = named.in_maintenance();
        if !out.is_empty() {
            tokio::spawn(async move {
                for (endpoint, reason) in out {
                    named.maintain_whole(&endpoint, Some(&reason)).await;
                }
            });
        }
    }
}

/// Their names in order, each once.
fn names(pools: &[NamedPool]) -> Vec<String> {
    each_once(pools.iter().map(|it| &**it.pool.name()))
}

/// What they serve, in order, each once.
fn kinds(pools: &[NamedPool]) -> Vec<String> {
    each_once(pools.iter().map(|it| it.kind))
}

fn each_once<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut each: Vec<String> = Vec::new();
    let mut known = HashSet::new();
    each.extend(words.filter(|word| known.insert(*word)).map(str::to_owned));
    each
}

fn heard(pools: &[NamedPool], wanted: &Wanted) -> Vec<Heard> {
    let heard = |named: &NamedPool| Heard {
        kind: named.kind,
        events: named.pool.events(),
    };
    let is_wanted = |named: &&NamedPool| wanted.is(named.pool.name(), named.kind);
    pools.iter().filter(is_wanted).map(heard).collect()
}

/// A pool that is listened to.
#[derive(Debug)]
struct Heard {
    kind: &'static str,
    events: Events,
}

/// Which pools are meant: those of this name and kind; without either, all.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Wanted {
    #[serde(rename = "pool")]
    pub(super) name: Option<String>,
    pub(super) kind: Option<String>,
}

impl Wanted {
    /// What a query means: a kind or a name that none of `pools` has is refused.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub fn of(pools: &Pools, query: Result<Query<Self>, QueryRejection>) -> Result<Self, Refused> {
        let wanted = super::refusal::query(query)?;
        pools.wanted(&wanted)?;
        Ok(wanted)
    }

    /// Whether a pool of this name and kind is meant.
    #[must_use]
    pub fn is(&self, name: &str, kind: &str) -> bool {
        self.has_name(name) && self.has_kind(kind)
    }

    fn has_name(&self, name: &str) -> bool {
        self.name.as_deref().is_none_or(|wanted| wanted == name)
    }

    fn has_kind(&self, kind: &str) -> bool {
        self.kind.as_deref().is_none_or(|wanted| wanted == kind)
    }
}

/// Hears what happens to pools, to those that come later too.
pub(super) struct Listener {
    new: mpsc::Receiver<Vec<Heard>>,
    heard: FuturesUnordered<BoxFuture<'static, (Option<PoolEvent>, Heard)>>,
}

impl Listener {
    /// The next event; none when there will be none: the process has forgotten its pools, or the
    /// listener is too far behind.
    pub(super) async fn next(&mut self) -> Option<EventJson> {
        loop {
            tokio::select! {
                biased;
                new = self.new.recv() => self.hear(new?),
                Some((event, heard)) = self.heard.next() => {
                    // A pool that is gone has no next event, and is heard no more.
                    if let Some(event) = event {
                        let event = EventJson::of(&event, heard.kind);
                        self.heard.push(Box::pin(next_of(heard)));
                        return Some(event);
                    }
                }
            }
        }
    }

    fn hear(&mut self, new: Vec<Heard>) {
        let next = new.into_iter().map(next_of);
        self.heard
            .extend(next.map(|next| Box::pin(next) as BoxFuture<'static, _>));
    }
}

async fn next_of(mut heard: Heard) -> (Option<PoolEvent>, Heard) {
    (heard.events.next().await, heard)
}
