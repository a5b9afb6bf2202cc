//! Decisions that survive a restart.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::choice::Memory;

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

/// The form of the file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    /// The endpoints of the active tier.
    active: Vec<String>,
    /// Whether an operator's failover holds.
    held: bool,
    /// Whether an operator's failback onto an unhealthy primary holds.
    #[serde(default)]
    forced: bool,
    maintenance: Vec<Maintenance>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Maintenance {
    endpoint: String,
    reason: String,
}

/// What was remembered in `path`; nothing if there is no such file. One that makes no sense is put
/// aside, and said: a service must not stay down for it.
///
/// # Errors
///
/// When the file is there and cannot be read, or its place cannot be written.
pub(super) fn load(path: &Path) -> Result<Memory, StateFileError> {
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            // Found out now, not at the first failover.
            save(path, &Memory::default())?;
            return Ok(Memory::default());
        }
        Err(source) => {
            let path = path.to_owned();
            return Err(StateFileError::Unreadable { path, source });
        }
    };
    match serde_json::from_slice::<Content>(&bytes) {
        Ok(content) => {
            let memory = content.into();
            save(path, &memory)?;
            Ok(memory)
        }
        Err(error) => {
            let aside = beside(path, "unreadable");
            let moved = fs::rename(path, &aside);
            let aside = moved.is_ok().then_some(aside);
            warn!(file = %path.display(), %error, ?aside, "the state file makes no sense; starting without it");
            save(path, &Memory::default())?;
            Ok(Memory::default())
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes `memory` so that the file is whole at every moment: the old one, or the new one.
///
/// # Errors
///
/// When the system says no; the old file stays.
pub(super) fn save(path: &Path, memory: &Memory) -> Result<(), StateFileError> {
    let content = Content::from(memory);
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
        match path.parent().filter(|it| !it.as_os_str().is_empty()) {
            Some(directory) => File::open(directory)?.sync_all(),
            None => File::open(".")?.sync_all(),
        }
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

impl From<Content> for Memory {
    fn from(content: Content) -> Self {
        let kept = content.maintenance.into_iter();
        Self {
            active: content.active,
            is_held: content.held,
            is_forced: content.forced,
            maintenance: kept.map(|it| (it.endpoint, it.reason)).collect(),
        }
    }
}

impl From<&Memory> for Content {
    fn from(memory: &Memory) -> Self {
        let kept = memory.maintenance.iter().cloned();
        Self {
            active: memory.active.clone(),
            held: memory.is_held,
            forced: memory.is_forced,
            maintenance: kept
                .map(|(endpoint, reason)| Maintenance { endpoint, reason })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Memory {
        Memory {
            active: vec!["127.0.0.1:9001".to_owned()],
            is_held: true,
            is_forced: false,
            maintenance: vec![("127.0.0.1:9000".to_owned(), "a \"new\" kernel".to_owned())],
        }
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("feed.state");
        assert_eq!(load(&path).unwrap(), Memory::default());
        save(&path, &memory()).unwrap();
        assert_eq!(load(&path).unwrap(), memory());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_makes_no_sense_is_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("feed.state");
        fs::write(&path, "{\"active\": [\"127.0").unwrap();
        assert_eq!(load(&path).unwrap(), Memory::default());
        let aside = directory.path().join("feed.state.unreadable");
        assert_eq!(fs::read_to_string(aside).unwrap(), "{\"active\": [\"127.0");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_said_at_once() {
        let error = load(Path::new("/nowhere/feed.state")).unwrap_err();
        assert!(
            matches!(error, StateFileError::Unwritable { .. }),
            "{error}"
        );
    }
}
