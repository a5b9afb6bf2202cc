//! Consumes a feed of a primary and a backup, and goes on where it stopped:
//!
//! ```sh
//! cargo run -p soupbintcp-sim -- serve --listen 127.0.0.1:9000 --seed 7 --rate 5 --start @1763640000 &
//! cargo run -p soupbintcp-sim -- serve --listen 127.0.0.1:9001 --seed 7 --rate 5 --start @1763640000 &
//! cargo run -p l4-failover --example consume -- 127.0.0.1:9000 127.0.0.1:9001 /tmp/itch.cursor
//! ```

use std::error::Error;
use std::fs;

use l4_failover::soupbin::feed::{Cursor, Feed};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [primary, backup, file] = &words[..] else {
        return Err("usage: consume PRIMARY BACKUP CURSOR-FILE".into());
    };
    // A file that is there and says nothing sensible is a mistake, not a beginning.
    let stored: Option<Cursor> = match fs::exists(file)? {
        true => Some(fs::read_to_string(file)?.parse()?),
        false => None,
    };
    let feed = Feed::builder("itch").primary(primary).backup(backup);
    let mut feed = feed.resume(stored).connect().await?;
    while let Some(message) = feed.next().await? {
        let (number, payload) = (message.sequence(), message.payload());
        eprintln!("{number}: {}", payload.escape_ascii());
        // Whole or not at all, whenever this process ends.
        let beside = format!("{file}.new");
        fs::write(&beside, feed.cursor().to_string())?;
        fs::rename(&beside, file)?;
    }
    Ok(())
}
