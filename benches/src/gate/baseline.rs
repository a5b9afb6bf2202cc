//! The commit that this build is compared with, and a build of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// Where the baseline is named, from the top of the repository.
const FILE: &str = "benches/baseline.toml";

/// What the file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    commit: String,
    /// Why what came with it is worth its growth.
    reason: String,
}

/// A commit.
#[derive(Debug)]
pub(super) struct Baseline {
    commit: String,
}

impl Baseline {
    /// The one that the repository names.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let text = fs::read_to_string(root.join(FILE)).context(FILE)?;
        let Named { commit, reason } = toml::from_str(&text).context(FILE)?;
        ensure!(!reason.trim().is_empty(), "{FILE} gives no reason");
        let changed = git(root, &["log", "-1", "--format=%H", "--", FILE])?;
        if !changed.is_empty() {
            let with = git(root, &["show", "--format=", "--name-only", &changed])?;
            ensure!(
                with == FILE,
                "{FILE} is to be changed in a commit of its own; {changed} has more"
            );
        }
        Self::of(root, &commit)
    }

    /// Any commit.
    pub(super) fn of(root: &Path, commit: &str) -> Result<Self> {
        let name = format!("{commit}^{{commit}}");
        let commit = git(root, &["rev-parse", "--verify", "--quiet", &name])
            .with_context(|| format!("{commit} is not in this clone: fetch all of its history"))?;
        Ok(Self { commit })
    }

    /// Builds it, unless that was done before; the program.
    pub(super) fn build(&self, root: &Path, scratch: &Path) -> Result<PathBuf> {
        fs::create_dir_all(scratch)?;
        let scratch = scratch.canonicalize()?;
        let (tree, built) = (scratch.join("tree"), scratch.join(&self.commit));
        let program = built.join("release/benches");
        if program.exists() {
            return Ok(program);
        }
        eprintln!("building the baseline, {}", self.commit);
        self.check_out(root, &tree)?;
        let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(&tree)
            .args([
                "build",
                "--release",
                "--quiet",
                "-p",
                "benches",
                "--bin",
                "benches",
            ])
            .env("CARGO_TARGET_DIR", &built)
            // What both have in common is built once.
            .env("CARGO_BUILD_BUILD_DIR", root.canonicalize()?.join("target"))
            .status()?;
        ensure!(
            status.success(),
            "the baseline {} does not build",
            self.commit
        );
        git(
            root,
            &["worktree", "remove", "--force", &tree.display().to_string()],
        )?;
        Ok(program)
    }

    fn check_out(&self, root: &Path, tree: &Path) -> Result<()> {
        let path = tree.display().to_string();
        if tree.exists() {
            // Of a run that was ended.
            fs::remove_dir_all(tree)?;
        }
        git(root, &["worktree", "prune"])?;
        git(
            root,
            &[
                "worktree",
                "add",
                "--quiet",
                "--detach",
                &path,
                &self.commit,
            ],
        )?;
        Ok(())
    }
}

fn git(root: &Path, words: &[&str]) -> Result<String> {
    let output = Command::new("git").arg("-C").arg(root).args(words).output();
    let output = output.context("git cannot be run")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "git {}: {}",
        words.join(" "),
        said.trim()
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
