//! What was made of files is made anew when they change.
//!
//! Files are replaced by renaming, by swapping a symbolic link on the way to them (Kubernetes), or
//! written in place. None of it is announced everywhere (network file systems, directories that
//! are replaced as a whole), so the watcher looks, about once a second: at the metadata, and at the
//! bytes when that has changed. What is half-written, missing or does not fit together changes
//! nothing, and is said once.

use std::fmt::Debug;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tracing::{info, warn};

use super::expiry::Expiry;
use super::files::Contents;
use super::{TlsError, TlsFile};
use crate::error::with_causes;

/// From one look at the files to the next.
const INTERVAL: Duration = Duration::from_secs(1);

/// A file that changed so shortly before it was read may change again without its times doing so:
/// file systems count in steps of up to 2 s (FAT), others in ticks of the kernel.
const SETTLED: Duration = Duration::from_secs(3);

/// What a look at the files came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// Nothing has changed since the last look.
    Unchanged,
    /// New handshakes use what the files hold now.
    Replaced,
    /// The files changed and cannot be used: what was there before stays.
    Kept,
}

/// What is made of files.
pub(super) trait Material: Debug + Send + Sync + 'static {
    type Made: Debug + Send + Sync;

    fn files(&self) -> Vec<(TlsFile, &Path)>;

    fn make(&self, contents: &Contents) -> Result<Self::Made, TlsError>;

    fn expiries(made: &Self::Made) -> &[Expiry];
}

/// What was made of files; it is replaced as a whole when they change.
#[derive(Debug)]
pub(super) struct Live<M: Material> {
    pub(super) material: M,
    made: ArcSwap<M::Made>,
    /// Why the files as they are now cannot be used. Not behind the lock of a look, which may take
    /// as long as a disk does.
    error: ArcSwapOption<TlsError>,
    seen: Mutex<Seen>,
}

/// The last look.
#[derive(Debug, Default)]
struct Seen {
    /// Where the files were and when they changed; nothing if that does not tell enough.
    stamps: Option<Vec<Stamp>>,
    /// The bytes that were last made something of, or could not be.
    digest: Option<u64>,
    /// The expiries that were said.
    said: Vec<Expiry>,
}

impl<M: Material> Live<M> {
    pub(super) fn load(material: M) -> Result<Self, TlsError> {
        // Before the bytes: whatever changes in between is seen by the next look.
        let stamps = stamps(&material.files(), SystemTime::now());
        let contents = Contents::read(material.files())?;
        let made = material.make(&contents)?;
        let seen = Seen {
            stamps,
            digest: Some(contents.digest()),
            ..Seen::default()
        };
        let live = Self {
            material,
            made: ArcSwap::from_pointee(made),
            error: ArcSwapOption::empty(),
            seen: Mutex::new(seen),
        };
        live.say_expired(&mut live.seen());
        Ok(live)
    }

    pub(super) fn made(&self) -> Arc<M::Made> {
        self.made.load_full()
    }

    /// Why the files as they are now cannot be used, if they cannot.
    pub(super) fn last_error(&self) -> Option<Arc<TlsError>> {
        self.error.load_full()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn reload(&self) -> Reload {
        let mut seen = self.seen();
        let reload = self.look(&mut seen);
        self.say_expired(&mut seen);
        reload
    }

    fn look(&self, seen: &mut Seen) -> Reload {
        let stamps = stamps(&self.material.files(), SystemTime::now());
        if stamps.is_some() && stamps == seen.stamps {
            return Reload::Unchanged;
        }
        let contents = Contents::read(self.material.files());
        let digest = contents.as_ref().ok().map(Contents::digest);
        seen.stamps = stamps;
        if digest.is_some() && digest == seen.digest {
            return Reload::Unchanged;
        }
        seen.digest = digest;
        match contents.and_then(|contents| self.material.make(&contents)) {
            Ok(made) => self.replace(made),
            Err(error) => self.keep(error),
        }
    }

    fn replace(&self, made: M::Made) -> Reload {
        self.made.store(Arc::new(made));
        self.error.store(None);
        info!(
            files = self.names(),
            "TLS files have changed and are in use"
        );
        Reload::Replaced
    }

    fn keep(&self, error: TlsError) -> Reload {
        let said = self.last_error().map(|error| with_causes(&*error));
        let text = with_causes(&error);
        if said.as_ref() == Some(&text) {
            return Reload::Unchanged;
        }
        warn!(
            error = text,
            "TLS files have changed and cannot be used; the old ones stay in use"
        );
        self.error.store(Some(Arc::new(error)));
        Reload::Kept
    }

    fn say_expired(&self, seen: &mut Seen) {
        let (made, now) = (self.made(), SystemTime::now());
        let past = M::expiries(&made)
            .iter()
            .filter(|expiry| expiry.is_past(now));
        let past: Vec<_> = past.cloned().collect();
        for expiry in past.iter().filter(|expiry| !seen.said.contains(expiry)) {
            warn!("{expiry}");
        }
        seen.said = past;
    }

    fn names(&self) -> String {
        let files = self.material.files();
        let names: Vec<_> = files
            .iter()
            .map(|(_, path)| path.display().to_string())
            .collect();
        names.join(", ")
    }
}

/// What tells one state of a file from another without reading it: which file it is, behind any
/// symbolic links, and its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Nothing if a file is not there, or changed too shortly ago to trust its times.
fn stamps(files: &[(TlsFile, &Path)], now: SystemTime) -> Option<Vec<Stamp>> {
    let stamps = files.iter().map(|(_, path)| Stamp::of(path));
    let stamps = stamps.collect::<io::Result<Vec<_>>>().ok()?;
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let settled = now.saturating_sub(SETTLED).as_secs().cast_signed();
    let is_settled = |stamp: &Stamp| stamp.changed.0 < settled && stamp.modified.0 < settled;
    stamps.iter().all(is_settled).then_some(stamps)
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

/// The files of one [`TlsClient`](super::TlsClient) or [`TlsServer`](super::TlsServer), for as
/// long as that lives.
#[derive(Clone, Debug)]
pub struct WatchedFiles(Weak<dyn Look>);

trait Look: Debug + Send + Sync {
    fn look(&self);
}

impl<M: Material> Look for Live<M> {
    fn look(&self) {
        self.reload();
    }
}

impl<M: Material> From<&Arc<Live<M>>> for WatchedFiles {
    fn from(live: &Arc<Live<M>>) -> Self {
        let live: Weak<Live<M>> = Arc::downgrade(live);
        Self(live)
    }
}

/// Looks at files about once a second, and has what was made of them made anew.
///
/// Cheap to clone; the clones share what is watched.
///
/// ```no_run
/// # use l4_failover::socket::tls::{TlsClient, TlsOptions, Watcher};
/// # async fn example(options: TlsOptions) -> Result<(), Box<dyn std::error::Error>> {
/// let watcher = Watcher::default();
/// let client = TlsClient::load(&options)?;
/// watcher.add(client.files());
/// tokio::spawn(async move { watcher.run().await });
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Watcher(Arc<Mutex<Vec<WatchedFiles>>>);

impl Watcher {
    /// Watches these files too.
    pub fn add(&self, files: WatchedFiles) {
        self.watched().push(files);
    }

    /// Looks for as long as it is polled.
    pub async fn run(&self) {
        loop {
            sleep(INTERVAL).await;
            let watcher = self.clone();
            // A disk may hang, which must not stop whatever else the thread does.
            if let Err(error) = spawn_blocking(move || watcher.look()).await {
                warn!(%error, "cannot look at TLS files");
            }
        }
    }

    /// Looks once, now.
    pub fn look(&self) {
        let alive = |files: &WatchedFiles| files.0.upgrade();
        let live: Vec<_> = {
            let mut watched = self.watched();
            watched.retain(|files| files.0.strong_count() > 0);
            watched.iter().filter_map(alive).collect()
        };
        live.iter().for_each(|files| files.look());
    }

    fn watched(&self) -> MutexGuard<'_, Vec<WatchedFiles>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settled_file_is_told_from_another_without_reading_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cert.pem");
        let files = [(TlsFile::Cert, path.as_path())];
        let now = SystemTime::now();
        let later = now + 2 * SETTLED;
        assert_eq!(stamps(&files, later), None);
        fs::write(&path, "one").unwrap();
        assert_eq!(stamps(&files, now), None);
        let one = stamps(&files, later);
        assert!(one.is_some());
        assert_eq!(stamps(&files, later), one);
        // Of the same length, at the same time, and another file.
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let next = dir.path().join("next");
        fs::write(&next, "two").unwrap();
        let file = fs::File::open(&next).unwrap();
        file.set_modified(modified).unwrap();
        fs::rename(&next, &path).unwrap();
        assert!(stamps(&files, later).is_some_and(|two| Some(two) != one));
    }
}
