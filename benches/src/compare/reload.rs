//! What many routes cost the gateway: memory, and what a reload of all of them takes, from itself and
//! from those whose questions it answers meanwhile.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use super::case::Pace;
use super::stage::Stage;
use crate::process;
use crate::proxy::Proxy;
use crate::work::{Latency, Reading};

/// Of what the slowest program can do: a tenth, where the pace is a half.
const LOAD: u32 = 5;

/// Connections that take turns in asking.
const CONNECTIONS: usize = 8;

/// Into the asking: after its first questions, which are not counted.
const BEFORE: Duration = Duration::from_millis(700);

/// How long is asked around a reload. One that takes longer is longer than it should take by far.
const LASTS: Duration = Duration::from_secs(3);

/// Memory, reload, and how late answers are without a reload and with one.
pub(super) fn measure(stage: &Stage, proxy: &Proxy, pace: Pace) -> Result<Vec<Reading>> {
    let pid = proxy.target().pid.context("no process")?;
    let latency = Latency {
        connections: CONNECTIONS,
        rate: (pace.rate / LOAD).max(1),
        lasts: LASTS,
    };
    let memory = process::memory(pid)? as f64 / 1e6;
    let ask = || stage.block_on(latency.late(proxy.target()));
    let before = ask()?;
    let (during, took) = thread::scope(|scope| {
        let asking = scope.spawn(ask);
        thread::sleep(BEFORE);
        let took = proxy.reload();
        (asking.join(), took)
    });
    let during = during.map_err(|_| anyhow!("the load panicked"))??;
    let reading = |what, unit, value| Reading { what, unit, value };
    Ok(vec![
        reading("memory (PSS)", "MB", memory),
        reading("reload", "ms", took?.as_secs_f64() * 1e3),
        reading("latest answer", "ms", before.max() / 1e3),
        reading("latest answer while it reloads", "ms", during.max() / 1e3),
    ])
}
