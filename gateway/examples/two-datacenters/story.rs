//! What happens, told while it does.

use std::sync::Arc;

use anyhow::Result;
use tests::client::Request;
use tokio::task::{JoinSet, spawn_blocking};

use crate::ask::{Ask, Row};
use crate::failing;
use crate::feed;
use crate::figures::{self, Compared};
use crate::world::{DATACENTERS, SERVICES, World};
use tests::page::Page;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Story {
    /// How many checks there were.
    pub(crate) checks: usize,
    /// Those that failed.
    pub(crate) failures: Vec<String>,
}

/// Asks everything, and shows what came of it.
pub(crate) async fn tell(page: &Page, world: &mut World) -> Result<Story> {
    let [currency, orders] = SERVICES;
    // Both at once, and before anything is measured: the digests of 64 MiB take a while.
    let download = spawn_blocking(|| Request::new(2, 0, 64 * MIB));
    let upload = spawn_blocking(|| Request::new(3, 64 * MIB, 0));
    let (download, upload) = (Arc::new(download.await?), Arc::new(upload.await?));
    let mut rows = Vec::new();
    page.part("Small requests: every name, asked at both gateways");
    let small = Arc::new(Request::new(1, 2 * KIB, 16 * KIB));
    rows.extend(in_turn(page, world, everywhere(&SERVICES, &small)).await?);
    // At once: nearly all of the time is SHA-256 in the clients and services, which one connection
    // does on one processor. The gateways' share is a few hundredths.
    page.part("64 MiB from a service to a client: four at once, in the order that they end");
    rows.extend(at_once(page, world, everywhere(&[currency], &download)).await?);
    page.part("64 MiB from a client to a service: four at once");
    rows.extend(at_once(page, world, everywhere(&[orders], &upload)).await?);
    page.part("1 MiB there, 1 MiB back: eight at once");
    let middling = Arc::new(Request::new(4, MIB, MIB));
    rows.extend(at_once(page, world, everywhere(&SERVICES, &middling)).await?);
    page.part("A name that nobody has; a service that is not running");
    rows.extend(in_turn(page, world, refused()).await?);
    let mut story = conclude(page, world, &rows).await?;
    let failing = failing::tell(page, world).await?;
    story.checks += failing.checks;
    story.failures.extend(failing.failures);
    let feed = feed::tell(page, world).await?;
    story.checks += feed.checks;
    story.failures.extend(feed.failures);
    Ok(story)
}

/// Each service in each data centre, asked from each.
fn everywhere(services: &[&'static str], request: &Arc<Request>) -> Vec<Ask> {
    let mut asks = Vec::new();
    for from in DATACENTERS {
        for datacenter in DATACENTERS {
            let services = services.iter();
            asks.extend(services.map(|service| Ask::service(service, datacenter, from, request)));
        }
    }
    asks
}

/// Refused by the gateway that is asked, and by the one behind it.
fn refused() -> Vec<Ask> {
    let [here, there] = DATACENTERS;
    vec![
        Ask::unknown("www.example.com", there, there),
        Ask::unknown(&format!("nobody.{here}"), here, here),
        Ask::unknown(&format!("nobody.{there}"), there, here),
        Ask::not_running(here, here),
        Ask::not_running(there, here),
    ]
}

async fn in_turn(page: &Page, world: &World, asks: Vec<Ask>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for ask in asks {
        let gateway = world.gateway(ask.from)?;
        let row = ask.ask(&world.client, gateway).await;
        page.line(&row.told());
        rows.push(row);
    }
    Ok(rows)
}

async fn at_once(page: &Page, world: &World, asks: Vec<Ask>) -> Result<Vec<Row>> {
    let mut asking = JoinSet::new();
    for ask in asks {
        let (client, gateway) = (world.client.clone(), world.gateway(ask.from)?);
        asking.spawn(async move { ask.ask(&client, gateway).await });
    }
    let mut rows = Vec::new();
    while let Some(row) = asking.join_next().await {
        let row = row?;
        page.line(&row.told());
        rows.push(row);
    }
    Ok(rows)
}

/// The tables, and the count of checks.
async fn conclude(page: &Page, world: &World, rows: &[Row]) -> Result<Story> {
    page.part("What came of it");
    let cells: Vec<_> = rows.iter().map(Row::cells).collect();
    page.table(&Row::COLUMNS, &cells);
    page.part("What the gateways counted: connections, and bytes on the wire");
    let compared = figures::compare(world, rows).await?;
    let counted: Vec<_> = compared.iter().flat_map(Compared::rows).collect();
    page.table(&Compared::COLUMNS, &counted);
    let failures = rows.iter().filter_map(Row::failure);
    let miscounts = compared.iter().filter_map(Compared::failure);
    // Of each gateway, that it counted the same, and that it stopped with nothing left open.
    let checks = rows.iter().map(Row::checks).sum::<usize>() + 2 * compared.len();
    Ok(Story {
        checks,
        failures: failures.chain(miscounts).collect(),
    })
}
