//! What goes on beside the connections, for all pools of a process: checks, look-ups, waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::Addresses;
use crate::probe::Checker;
use crate::socket::tls::{WatchedFiles, Watcher};

/// How often names are looked up.
const EVERY: Duration = Duration::from_secs(30);
/// How often while a name has no address yet.
const EVERY_WHILE_UNKNOWN: Duration = Duration::from_secs(1);
/// Names looked up at once.
const AT_ONCE: usize = 16;

/// Keeps the pools of a process: checks their endpoints, looks their names up, reads certificates
/// again when their files change, waits for what is due. One is enough for a process; its clones are it. It works on the tokio runtime that it was
/// made on.
///
/// ```
/// use l4_failover::{Pool, Upkeep};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let upkeep = Upkeep::new();
/// // Both lead to one backup: it is checked once for both.
/// let orders = Pool::builder().primary("127.0.0.1:9000").backup("127.0.0.1:9001").upkeep(&upkeep).build()?;
/// let prices = Pool::builder().primary("127.0.0.1:9002").backup("127.0.0.1:9001").upkeep(&upkeep).build()?;
/// # drop((orders, prices));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Upkeep {
    runtime: Handle,
    checker: Checker,
    resolver: Arc<Resolver>,
    files: Watcher,
    /// What goes on for as long as somebody has this.
    _tasks: Arc<Tasks>,
}

/// Tasks that end when this is dropped.
#[derive(Debug)]
struct Tasks([AbortHandle; 2]);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl Upkeep {
    /// Upkeep on the current tokio runtime.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn new() -> Self {
        let (resolver, files) = (Arc::new(Resolver::default()), Watcher::default());
        let (runtime, watcher) = (Handle::current(), files.clone());
        let looking_up = runtime.spawn(keep(Arc::clone(&resolver)));
        let watching = runtime.spawn(async move { watcher.run().await });
        Self {
            runtime,
            checker: Checker::new(),
            resolver,
            files,
            _tasks: Arc::new(Tasks([looking_up.abort_handle(), watching.abort_handle()])),
        }
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(super) fn checker(&self) -> &Checker {
        &self.checker
    }

    /// Looks the name of `addresses` up from now on, as long as somebody has them.
    pub(super) fn resolve(&self, addresses: &Arc<Addresses>) {
        if !addresses.is_literal() {
            self.resolver.add(addresses);
        }
    }

    /// Has files read again when they change, as long as what was made of them is there.
    pub fn watch(&self, files: WatchedFiles) {
        self.files.add(files);
    }

    /// Looks up once, now, every name that came since this was last called; for `limit` at most.
    pub async fn look_up(&self, limit: Duration) {
        // Those that do not answer in time are tried again all the while; nobody waits for them twice.
        let _ = timeout(limit, look_up(self.resolver.take_new())).await;
    }
}

impl Default for Upkeep {
    /// [`Upkeep::new`].
    fn default() -> Self {
        Self::new()
    }
}

/// The addresses that are given by name.
#[derive(Debug, Default)]
struct Resolver {
    named: Mutex<Vec<Weak<Addresses>>>,
    /// Those that nobody has waited for.
    unasked: Mutex<Vec<Weak<Addresses>>>,
    /// There is a new one.
    more: Notify,
}

impl Resolver {
    fn named(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Addresses>>> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unasked(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Addresses>>> {
        self.unasked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, addresses: &Arc<Addresses>) {
        let mut new = self.unasked();
        // Where nobody ever waits, they must not gather.
        new.retain(|it| it.strong_count() > 0);
        new.push(Arc::downgrade(addresses));
        self.named().push(Arc::downgrade(addresses));
        self.more.notify_one();
    }

    /// Those of which nobody has asked here, as far as they have no address by now.
    fn take_new(&self) -> Vec<Arc<Addresses>> {
        let new = std::mem::take(&mut *self.unasked());
        let mut new: Vec<_> = new.iter().filter_map(Weak::upgrade).collect();
        new.retain(|it| it.get().is_err());
        new
    }

    /// All that somebody still has.
    fn all(&self) -> Vec<Arc<Addresses>> {
        let mut named = self.named();
        named.retain(|it| it.strong_count() > 0);
        named.iter().filter_map(Weak::upgrade).collect()
    }

    fn unknown(&self) -> Vec<Arc<Addresses>> {
        let mut all = self.all();
        all.retain(|it| it.get().is_err());
        all
    }
}

/// Looks every name up, for ever.
async fn keep(resolver: Arc<Resolver>) {
    loop {
        let wait = match resolver.unknown().is_empty() {
            true => EVERY,
            false => EVERY_WHILE_UNKNOWN,
        };
        tokio::select! {
            () = sleep(wait) => look_up(resolver.all()).await,
            () = resolver.more.notified() => look_up(resolver.unknown()).await,
        }
    }
}

/// Looks each name up once, however many have it.
async fn look_up(wanted: Vec<Arc<Addresses>>) {
    let mut by_name: HashMap<Arc<str>, Vec<Arc<Addresses>>> = HashMap::new();
    for addresses in wanted {
        let name = Arc::clone(addresses.target());
        by_name.entry(name).or_default().push(addresses);
    }
    let mut running = JoinSet::new();
    for (name, sharing) in by_name {
        if running.len() == AT_ONCE {
            running.join_next().await;
        }
        running.spawn(look_up_for(name, sharing));
    }
    while running.join_next().await.is_some() {}
}

async fn look_up_for(name: Arc<str>, sharing: Vec<Arc<Addresses>>) {
    let found = Addresses::look_up(&name).await;
    let has_address = sharing.iter().all(|it| it.get().is_ok());
    if let Err(error) = &found {
        let error = error.to_string();
        warn!(endpoint = %name, error, has_address, "cannot look up an endpoint's name");
    }
    let found = found.map_err(|error| Arc::from(error.to_string()));
    for addresses in sharing {
        addresses.learn(found.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(resolver: &Resolver, target: &str) -> Arc<Addresses> {
        let addresses = Arc::new(Addresses::new(&target.parse().unwrap()));
        resolver.add(&addresses);
        addresses
    }

    /// Else one that nobody knows would hold up every reload.
    #[test]
    fn a_name_is_waited_for_once() {
        let resolver = Resolver::default();
        let unknown = named(&resolver, "nobody.invalid:1");
        assert_eq!(resolver.take_new().len(), 1);
        assert!(resolver.take_new().is_empty());
        let (another, known) = (named(&resolver, "a:1"), named(&resolver, "b:1"));
        known.set(&["127.0.0.1:1".parse().unwrap()]);
        drop(named(&resolver, "gone:1"));
        let new = resolver.take_new();
        assert!(new.len() == 1 && Arc::ptr_eq(&new[0], &another));
        // It is looked up all the same.
        assert!(
            resolver
                .unknown()
                .iter()
                .any(|it| Arc::ptr_eq(it, &unknown))
        );
    }
}
