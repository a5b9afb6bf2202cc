//! Where the programs are on this machine, and which versions they have.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::Peer;

/// Where `benches/peers` puts what does not come with the system.
const OURS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/peers/bin");

/// Where servers are, and a user's PATH often does not lead.
const SERVERS: &str = "/usr/sbin";

/// A program that is here.
#[derive(Clone, Debug)]
pub struct Installed {
    /// Which one.
    pub peer: Peer,
    /// Its version, as it says itself.
    pub version: String,
    /// Its file; for the gateway of this build, this program's own.
    pub(super) binary: PathBuf,
    /// Whether it is the gateway of this build.
    pub(crate) is_ours: bool,
    /// What nginx has to load before it knows of streams.
    pub(super) module: Option<PathBuf>,
}

impl Installed {
    /// The gateway of this build.
    ///
    /// # Errors
    ///
    /// When this program's own file is not known.
    pub fn gateway() -> Result<Self> {
        Ok(Self {
            peer: Peer::Gateway,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            binary: std::env::current_exe()?,
            is_ours: true,
            module: None,
        })
    }

    /// Looks for a program: in the file that is given, or else on PATH, in /usr/sbin, and where
    /// `benches/peers` puts it.
    ///
    /// # Errors
    ///
    /// When it is not there, or does not say its version.
    pub fn find(peer: Peer, given: Option<&Path>) -> Result<Self> {
        if peer == Peer::Gateway && given.is_none() {
            return Self::gateway();
        }
        let binary = match given {
            Some(path) => path.to_owned(),
            None => on_path(peer.program()).context("not installed")?,
        };
        let said = about(peer, &binary)?;
        Ok(Self {
            peer,
            version: version(&said).context("it does not say its version")?,
            module: module(peer, &said)?,
            binary,
            is_ours: false,
        })
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain([SERVERS.into(), OURS.into()]);
    let mut files = directories.map(|directory| directory.join(program));
    files.find(|file| file.is_file())
}

/// What it says about itself.
fn about(peer: Peer, binary: &Path) -> Result<String> {
    let flag = match peer {
        Peer::Nginx | Peer::Sniproxy => "-V",
        Peer::Haproxy => "-v",
        Peer::Gateway | Peer::Envoy => "--version",
    };
    let output = Command::new(binary).arg(flag).stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot run {}", binary.display()))?;
    let bytes = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The first word that begins as versions do.
fn version(said: &str) -> Option<String> {
    let words = said.split(|c: char| c.is_whitespace() || c == '/');
    let is_version = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_digit())
            && word.contains('.')
            && word
                .split('.')
                .next()
                .is_some_and(|it| it.parse::<u32>().is_ok())
    };
    Some(words.into_iter().find(is_version)?.to_owned())
}

/// nginx may have its streams built in, as a module in a file, or not at all.
fn module(peer: Peer, said: &str) -> Result<Option<PathBuf>> {
    if peer != Peer::Nginx || said.split_whitespace().any(|it| it == "--with-stream") {
        return Ok(None);
    }
    let mut words = said.split_whitespace();
    let directory = words.find_map(|it| it.strip_prefix("--modules-path="));
    let directory = directory.context("it has no stream module")?;
    let module = Path::new(directory).join("ngx_stream_module.so");
    ensure!(
        module.is_file(),
        "its stream module is not installed (libnginx-mod-stream)"
    );
    Ok(Some(module))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        let cases = [
            (
                "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/",
                "2.6.12-1+deb12u4",
            ),
            (
                "nginx version: nginx/1.22.1\nbuilt with OpenSSL 3.0",
                "1.22.1",
            ),
            (
                "envoy  version: 9e55809337/1.40.0/Clean/RELEASE/BoringSSL",
                "1.40.0",
            ),
            ("sniproxy 0.6.0", "0.6.0"),
        ];
        for (said, expected) in cases {
            assert_eq!(version(said).as_deref(), Some(expected), "{said}");
        }
        assert_eq!(version("no such option"), None);
    }

    #[test]
    fn a_program_that_is_not_there_is_said_to_be_so() {
        let error = Installed::find(Peer::Envoy, Some(Path::new("/nonexistent"))).unwrap_err();
        assert!(format!("{error:#}").contains("/nonexistent"), "{error:#}");
    }
}
