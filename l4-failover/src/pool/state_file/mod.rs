//! Decisions that survive a restart.

mod content;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustix::fs::Access;
use tokio::time::Instant;
use tracing::warn;

use super::event::PoolEvent;
use crate::choice::Memory;
use content::{Content, Moment};

/// More than any pool has to remember.
const BYTES_MAX: u64 = 1 << 20;

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// It is there, and cannot be read.
    #[error("the state file {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("the state file {} cannot be written; its directory must exist and be writable", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// What survives a restart: decisions, and how the last of them came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Remembered {
    pub(super) memory: Memory,
    pub(super) last_move: Option<PoolEvent>,
}

/// What a state file holds.
#[derive(Debug)]
pub(super) enum Found {
    /// There is no such file.
    Nothing,
    /// What was remembered.
    Remembered(Remembered),
    /// What nobody wrote.
    Senseless(Senseless),
}

/// A file that makes no sense, and why.
#[derive(Debug)]
pub(super) struct Senseless {
    path: PathBuf,
    error: serde_json::Error,
}

/// What was remembered of `pool` in `path`. Nothing is changed there: the start may yet fail for
/// another reason, or the file be another process's.
///
/// # Errors
///
/// When the file is there and cannot be read, or its place cannot be written.
pub(super) fn load(path: &Path, pool: &Arc<str>) -> Result<Found, StateFileError> {
    check(path)?;
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(source) => {
            let path = path.to_owned();
            return Err(StateFileError::Unreadable { path, source });
        }
    };
    Ok(match serde_json::from_slice::<Content>(&bytes) {
        Ok(content) => Found::Remembered(content.remembered(pool, moment())),
        Err(error) => Found::Senseless(Senseless {
            path: path.to_owned(),
            error,
        }),
    })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a file can be put in the place of `path`, found out now and not at the first failover.
///
/// # Errors
///
/// When its directory is not there, or not to be written.
pub(super) fn check(path: &Path) -> Result<(), StateFileError> {
    let access = Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::access(directory(path), access).map_err(|error| StateFileError::Unwritable {
        path: path.to_owned(),
        source: error.into(),
    })
}

fn directory(path: &Path) -> &Path {
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

impl Senseless {
    /// Puts it aside, and says so: a service must not stay down for it.
    pub(super) fn put_aside(self) {
        let Self { path, error } = self;
        let aside = beside(&path, "unreadable");
        let (file, error) = (path.display().to_string(), error.to_string());
        match fs::rename(&path, &aside) {
            Ok(()) => {
                let aside = aside.display().to_string();
                warn!(
                    file,
                    error, aside, "the state file makes no sense; starting without it"
                );
            }
            Err(_) => warn!(
                file,
                error, "the state file makes no sense; starting without it"
            ),
        }
    }
}

/// Writes what is `remembered` so that the file is whole at every moment: the old one, or the new.
///
/// # Errors
///
/// When the system says no; the old file stays.
pub(super) fn save(path: &Path, remembered: &Remembered) -> Result<(), StateFileError> {
    let content = Content::of(remembered, moment());
    let unwritable = |source| StateFileError::Unwritable {
        path: path.to_owned(),
        source,
    };
    let text = serde_json::to_string_pretty(&content).map_err(|error| unwritable(error.into()))?;
    let new = beside(path, "new");
    let write = || {
        let mut file = File::create(&new)?;
        writeln!(file, "{text}")?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        // The new name is on the disk only when its directory is.
        File::open(directory(path))?.sync_all()
    };
    write().map_err(unwritable)
}

/// `path` with another ending after its own.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn moment() -> Moment {
    Moment {
        now: Instant::now().into_std(),
        time: SystemTime::now(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::{Cause, MoveKind, Out};
    use crate::pool::event::{Happened, TierName};
    use std::time::Duration;

    /// A moment of the past, as a file has it.
    fn past() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_763_640_000_250)
    }

    fn tier(tier: usize, name: &str) -> TierName {
        let endpoints = vec![name.into()];
        TierName { tier, endpoints }
    }

    fn remembered() -> Remembered {
        let what = Happened::Moved {
            kind: MoveKind::Failover,
            cause: Cause::Unhealthy,
            from: tier(0, "127.0.0.1:9000"),
            to: tier(1, "127.0.0.1:9001"),
            after: Duration::from_millis(3_600_500),
            reason: Some("connection refused".into()),
        };
        let out = Out {
            endpoint: "127.0.0.1:9000".to_owned(),
            reason: "a \"new\" kernel".to_owned(),
            since: Some(std::time::Instant::now()),
        };
        Remembered {
            memory: Memory {
                active: vec!["127.0.0.1:9001".to_owned()],
                since: None,
                is_held: true,
                is_forced: false,
                maintenance: vec![out],
            },
            last_move: Some(PoolEvent {
                at: past(),
                pool: "feed".into(),
                what,
            }),
        }
    }

    fn loaded(path: &Path) -> Remembered {
        match load(path, &"feed".into()).unwrap() {
            Found::Remembered(remembered) => remembered,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_saved_is_loaded_and_the_past_stays_where_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("feed.state");
        assert!(matches!(
            load(&path, &"feed".into()).unwrap(),
            Found::Nothing
        ));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        let wanted = remembered();
        save(&path, &wanted).unwrap();
        let found = loaded(&path);
        assert_eq!(found.last_move, wanted.last_move);
        let (found, wanted) = (found.memory, wanted.memory);
        assert_eq!((found.active, found.is_held), (wanted.active, true));
        let since = found.since.unwrap().elapsed();
        let real = past().elapsed().unwrap();
        assert!(since.abs_diff(real) < Duration::from_secs(1), "{since:?}");
        let (out, kept) = (&found.maintenance[0], &wanted.maintenance[0]);
        assert_eq!((&out.endpoint, &out.reason), (&kept.endpoint, &kept.reason));
        assert!(out.since.unwrap().elapsed() < Duration::from_secs(60));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_an_older_version_wrote_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("feed.state");
        let old = r#"{"active": ["a:1"], "held": true,
            "maintenance": [{"endpoint": "b:1", "reason": "a new disk"}]}"#;
        fs::write(&path, old).unwrap();
        let found = loaded(&path);
        assert_eq!((found.memory.is_held, found.memory.since), (true, None));
        assert_eq!(found.memory.maintenance[0].since, None);
        assert_eq!(found.last_move, None);
    }

    #[test]
    fn a_move_that_is_not_understood_costs_no_decision() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("feed.state");
        save(&path, &remembered()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("unhealthy", "moonshine")).unwrap();
        let found = loaded(&path);
        assert_eq!((found.memory.is_held, found.last_move), (true, None));
    }

    #[test]
    fn a_file_that_makes_no_sense_stays_until_it_is_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("feed.state");
        fs::write(&path, "{\"active\": [\"127.0").unwrap();
        let Found::Senseless(senseless) = load(&path, &"feed".into()).unwrap() else {
            panic!("it makes sense");
        };
        assert!(path.exists());
        senseless.put_aside();
        let aside = directory.path().join("feed.state.unreadable");
        assert_eq!(fs::read_to_string(aside).unwrap(), "{\"active\": [\"127.0");
        assert!(!path.exists());
    }

    #[test]
    fn a_place_that_cannot_be_written_is_said_at_once() {
        let error = load(Path::new("/nowhere/feed.state"), &"feed".into()).unwrap_err();
        assert!(
            matches!(error, StateFileError::Unwritable { .. }),
            "{error}"
        );
    }
}
