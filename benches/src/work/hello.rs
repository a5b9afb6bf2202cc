//! Whether a hello is understood however it comes.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Reading, all};
use crate::greeting::Greeting;
use crate::proxy::Target;
use crate::wire::{Command, greet};

/// Who is not answered by then is not served. A proxy that waits for more of a hello that is all
/// there waits for 5 s, and some for ever.
const PATIENCE: Duration = Duration::from_secs(2);

/// Connections that begin with such a hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// How it comes.
    pub greeting: Greeting,
    /// How many connections, all at once.
    pub connections: usize,
}

impl Hello {
    pub(super) async fn run(&self, target: Target) -> Result<Vec<Reading>> {
        let mut tasks = JoinSet::new();
        for _ in 0..self.connections {
            let greeting = self.greeting;
            tasks.spawn(async move {
                let greeted = greet(target.address, greeting, Command::Finish);
                // A refusal is a figure here, and no error.
                Ok(matches!(timeout(PATIENCE, greeted).await, Ok(Ok(_))))
            });
        }
        let served = all(tasks).await?.into_iter().filter(|served| *served);
        let value = 100.0 * served.count() as f64 / self.connections as f64;
        let (what, unit) = ("served", "%");
        Ok(vec![Reading { what, unit, value }])
    }
}

impl fmt::Display for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hello = match self.greeting {
            Greeting::Small => "a small hello",
            Greeting::TwoSegments => "a post-quantum hello in two segments",
            Greeting::FiveRecords => "a hello in 5 records",
            Greeting::SmallRecords => "a hello in records of 16 bytes",
        };
        write!(f, "{hello}, {} connections", self.connections)
    }
}
