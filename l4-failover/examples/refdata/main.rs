//! refdata in two data centres, called by applications that know one address for ever, and a proof
//! that they are answered whatever happens to it:
//!
//! ```sh
//! cargo run --release -p l4-failover --example refdata
//! ```
//!
//! A real `l4-failover`, real gateways, mutual TLS and HTTP/1.1; every claim that is printed was checked. The exit code is 0
//! only if every check held.

mod caller;
mod checks;
mod death;
mod http;
mod operator;
mod process;
mod service;
mod site;
mod steps;
mod story;
mod stranger;
mod tally;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use tests::page::{Page, plural, time};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::checks::Checks;
use crate::world::World;

/// Half of the 13 s that it takes is hold-down; twice as long means that something hangs.
const STORY_MAX: Duration = Duration::from_secs(25);
/// The story, and time to stop.
const RUN_MAX: Duration = Duration::from_secs(29);

fn main() -> ExitCode {
    match run() {
        Ok(failures) if failures.is_empty() => ExitCode::SUCCESS,
        Ok(failures) => {
            for failure in failures {
                eprintln!("failed: {failure}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<Vec<String>> {
    let runtime = Runtime::new()?;
    let show = async { timeout(RUN_MAX, show(&Page::default())).await };
    let shown = runtime.block_on(show);
    // What hangs after a failure must not hold up the exit.
    runtime.shutdown_background();
    shown.context("the example did not end")?
}

/// The checks that failed.
async fn show(page: &Page) -> Result<Vec<String>> {
    page.title("refdata in two data centres, behind ports that applications call for ever");
    let mut checks = Checks::new(page);
    let mut world = World::start(page).await?;
    let told = timeout(STORY_MAX, story::tell(&mut checks, &mut world)).await;
    told.context("the story did not end")??;
    page.part("Stopped");
    for (process, left) in world.stop().await? {
        checks.check(
            left == 0,
            &format!("{process}: no session was left open"),
            &left,
        );
    }
    let took = time(checks.elapsed());
    page.line("");
    match checks.failures.len() {
        0 => page.line(&format!("✓ all {} checks held, in {took}", checks.count)),
        failed => page.line(&format!("✗ {} failed, in {took}", plural(failed, "check"))),
    }
    Ok(checks.failures)
}
