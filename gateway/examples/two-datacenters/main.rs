//! Two data centres on loopback that pass TLS by name, and a proof that they do:
//!
//! ```sh
//! cargo run --release -p gateway --example two-datacenters
//! ```
//!
//! Real gateways, real TLS, real bytes; every claim that is printed was checked. The exit code is
//! 0 only if every check held.

mod ask;
mod failing;
mod feed;
mod figures;
mod gateways;
mod story;
mod world;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::world::World;
use tests::page::{Page, plural, time};

/// A few seconds are enough; more means that something hangs.
const STORY_MAX: Duration = Duration::from_secs(50);
/// The story, and time to stop.
const RUN_MAX: Duration = Duration::from_secs(58);

fn main() -> ExitCode {
    // What the story kills has to be a process: this program, by another name.
    let mut words = std::env::args_os().skip(1).peekable();
    match words.peek().and_then(|word| word.to_str()) {
        Some(feed::FAILOVER) => return l4_failover::cli::main_from(words),
        Some(feed::SIMULATOR) => return soupbintcp_sim::cli::main_from(words),
        Some(_) | None => {}
    }
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
    let started = Instant::now();
    page.title("Two data centres, passing TLS by name without opening it");
    let mut world = World::start(page).await?;
    let told = timeout(STORY_MAX, story::tell(page, &mut world)).await;
    let stopped = world.stop(page).await;
    let mut story = told.context("the story did not end")??;
    story.failures.extend(stopped?);
    let took = time(started.elapsed());
    page.line("");
    match story.failures.len() {
        0 => page.line(&format!("✓ all {} checks held, in {took}", story.checks)),
        failed => page.line(&format!("✗ {} failed, in {took}", plural(failed, "check"))),
    }
    Ok(story.failures)
}
