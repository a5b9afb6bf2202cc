//! The programs: what each is called, and how it is told its configuration.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use super::{Front, envoy, gateway, haproxy, nginx, sniproxy};
use crate::child::{Become, Program};

/// A program that routes connections by the name in their hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// mesh-gateway, of this build.
    #[value(name = "mesh-gateway")]
    Gateway,
    /// HAProxy.
    Haproxy,
    /// nginx with its stream module.
    Nginx,
    /// Envoy.
    Envoy,
    /// sniproxy.
    Sniproxy,
}

impl Peer {
    /// All of them, ours first.
    pub const ALL: [Self; 5] = [
        Self::Gateway,
        Self::Haproxy,
        Self::Nginx,
        Self::Envoy,
        Self::Sniproxy,
    ];

    /// What it is called among people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => "mesh-gateway",
            Self::Haproxy => "HAProxy",
            Self::Nginx => "nginx",
            Self::Envoy => "Envoy",
            Self::Sniproxy => "sniproxy",
        }
    }

    /// The name of its file.
    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Gateway => "mesh-gateway",
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
            Self::Envoy => "envoy",
            Self::Sniproxy => "sniproxy",
        }
    }

    /// How many workers it has when it is told to have so many.
    #[must_use]
    pub fn workers(self, told: usize) -> usize {
        match self {
            Self::Sniproxy => 1,
            Self::Gateway | Self::Haproxy | Self::Nginx | Self::Envoy => told,
        }
    }

    pub(super) fn config(self, front: &Front<'_>) -> String {
        match self {
            Self::Gateway => gateway::config(front),
            Self::Haproxy => haproxy::config(front),
            Self::Nginx => nginx::config(front),
            Self::Envoy => envoy::config(front),
            Self::Sniproxy => sniproxy::config(front),
        }
    }

    /// What runs it in the foreground with the configuration in this file.
    pub(super) fn command(self, front: &Front<'_>, config: &Path) -> Result<Command> {
        let cpu = front.setting.cpu;
        let mut command = match self {
            Self::Gateway if front.installed.is_ours => Program::Gateway.command(cpu)?,
            _ => Become::command(&front.installed.binary, cpu)?,
        };
        command.args(self.words(front, config));
        Ok(command)
    }

    fn words(self, front: &Front<'_>, config: &Path) -> Vec<OsString> {
        let config = config.as_os_str().to_owned();
        let workers = front.setting.workers.to_string();
        match self {
            Self::Gateway => vec!["run".into(), "--config".into(), config],
            Self::Haproxy => vec!["-db".into(), "-q".into(), "-f".into(), config],
            Self::Nginx => {
                let prefix = front.directory.as_os_str().to_owned();
                let errors = ["-e".into(), "stderr".into()];
                let [log, to] = errors;
                vec!["-p".into(), prefix, log, to, "-c".into(), config]
            }
            Self::Envoy => {
                let words = "--log-level error --disable-hot-restart --concurrency";
                let words = words.split(' ').map(OsString::from);
                words.chain([workers.into(), "-c".into(), config]).collect()
            }
            Self::Sniproxy => vec!["-f".into(), "-c".into(), config],
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
