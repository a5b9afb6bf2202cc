//! Programs that nobody here wrote.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::process::Log;

/// Whether all of these programs are here. Where one is not, the test says so and is skipped;
/// with `REQUIRE_PEERS=1` in the environment it fails.
pub fn are_here(programs: &[&str]) -> bool {
    let absent = programs.iter().find(|program| find(program).is_none());
    if let Some(absent) = absent {
        lacks(&format!("{absent} is not installed"));
    }
    absent.is_none()
}

/// A command that runs a script of this package's `peers/` by the Python of the virtual environment
/// in `PEERS_VENV`, which has what `peers/requirements.txt` names. Where there is none, as
/// [`are_here`].
pub fn python(script: &str) -> Option<Command> {
    let directory = installed("PEERS_VENV", "bin/python")?;
    let mut command = Command::new(directory.join("bin/python"));
    command.arg(ours(script));
    Some(command)
}

/// A command that runs a script of this package's `peers/` by Node, with the packages installed in
/// `PEERS_NODE`, which are those that `peers/package.json` names. Where there are none, as
/// [`are_here`].
pub fn node(script: &str) -> Option<Command> {
    let directory = installed("PEERS_NODE", "node_modules")?;
    if !are_here(&["node"]) {
        return None;
    }
    let mut command = command("node");
    command.env("NODE_PATH", directory.join("node_modules"));
    command.arg(ours(script));
    Some(command)
}

/// The directory that an environment variable names, if it has `content`.
fn installed(variable: &str, content: &str) -> Option<PathBuf> {
    let directory = std::env::var_os(variable).map(PathBuf::from);
    let there = directory.filter(|directory| directory.join(content).exists());
    if there.is_none() {
        lacks(&format!("{variable} names no directory with {content}"));
    }
    there
}

fn ours(script: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "peers", script]
        .iter()
        .collect()
}

fn lacks(what: &str) {
    let is_required = std::env::var_os("REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(!is_required, "{what}, and REQUIRE_PEERS=1");
    skip(what);
}

/// Says why a test is skipped.
pub fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

/// A command that runs a program which [is here](are_here).
pub fn command(program: &str) -> Command {
    Command::new(find(program).expect("an installed program"))
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Where a user's PATH ends, an administrator's goes on.
    let more = ["/usr/sbin".into(), "/sbin".into()];
    let directories = std::env::split_paths(&path).chain(more);
    let mut files = directories.map(|directory| directory.join(program));
    files.find(|file| file.is_file())
}

/// A program that runs beside the test. Dropping it ends it, and all that it started.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    log: Arc<Log>,
}

impl Peer {
    /// Starts `command`.
    pub fn start(command: &mut Command) -> Self {
        let command = command.process_group(0).stdin(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::follow(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// The first line on its stderr that `wanted` accepts, once it is there; none if the program
    /// ends before.
    pub fn line(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        self.log.find_or_end(wanted)
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.log.is_over()
    }

    /// Every line on its stderr so far.
    pub fn lines(&self) -> Vec<String> {
        self.log.lines()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Not reaped yet, so that its id, and its group's, is nobody else's.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}
