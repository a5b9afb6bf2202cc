//! What fails, who answers meanwhile, and what comes back.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tests::client::Request;
use tests::http;
use tests::page::{Page, plural, time};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::story::Story;
use crate::world::{DATACENTERS, STOOD_IN_FOR, World, instance};

/// Somebody asks this often.
const ASK_EVERY: Duration = Duration::from_millis(10);
/// What is dead is noticed, and what is back is used again, long before.
const TURN_MAX: Duration = Duration::from_secs(15);

/// How it went until somebody else answered.
struct Turn {
    what: String,
    name: String,
    answered_by: String,
    first: Duration,
    asked: usize,
    lost: Vec<String>,
}

/// A service and a gateway die, and are started again, while a client asks on and on.
pub(crate) async fn tell(page: &Page, world: &mut World) -> Result<Story> {
    let [here, there] = DATACENTERS;
    let mut turns = Vec::new();
    page.part("A service dies in dc1, and comes back; a client of dc1 asks for currency.dc1");
    let address = world.stop_service(STOOD_IN_FOR, here).await?;
    turns.push(turn(page, world, "service dc1 dies", (here, there)).await?);
    noticed(page, world, &mut turns, "service", STOOD_IN_FOR).await?;
    world.start_service(STOOD_IN_FOR, here, address).await?;
    turns.push(turn(page, world, "service dc1 is back", (here, here)).await?);
    page.part("The gateway of dc2 dies, and comes back; a client of dc1 asks for currency.dc2");
    world.stop_gateway(there).await?;
    turns.push(turn(page, world, "gateway dc2 dies", (there, here)).await?);
    let adopted = format!("{STOOD_IN_FOR}.{there}");
    noticed(page, world, &mut turns, "adoption", &adopted).await?;
    world.start_gateway(there).await?;
    turns.push(turn(page, world, "gateway dc2 is back", (there, there)).await?);
    page.part("Who answered, and how soon");
    let rows: Vec<_> = turns.iter().map(Turn::cells).collect();
    page.table(&Turn::COLUMNS, &rows);
    Ok(Story {
        // Of each, that somebody answered in time, and that nobody was left without an answer.
        checks: 2 * turns.len(),
        failures: turns.iter().filter_map(Turn::failure).collect(),
    })
}

/// Asks dc1's gateway for the service of a data centre until another one's answers.
async fn turn(
    page: &Page,
    world: &World,
    what: &str,
    (of, by): (&'static str, &'static str),
) -> Result<Turn> {
    let name = format!("{STOOD_IN_FOR}.{of}");
    let mut turn = Turn {
        what: what.to_owned(),
        answered_by: instance(STOOD_IN_FOR, by),
        first: Duration::ZERO,
        asked: 0,
        lost: Vec::new(),
        name,
    };
    let (gateway, began) = (world.gateway(DATACENTERS[0])?, Instant::now());
    while !turn.ask(world, gateway).await {
        ensure!(
            began.elapsed() < TURN_MAX,
            "{what}, and nobody else answers"
        );
        sleep(ASK_EVERY).await;
    }
    turn.first = began.elapsed();
    page.line(&turn.told());
    Ok(turn)
}

/// Goes on asking until the gateway knows of the death by its checks: until then each question finds
/// out for itself, and whoever comes back by then was never away.
async fn noticed(
    page: &Page,
    world: &World,
    turns: &mut [Turn],
    kind: &str,
    route: &str,
) -> Result<()> {
    let Some(turn) = turns.last_mut() else {
        return Ok(());
    };
    let gateway = world
        .gateways()
        .iter()
        .find(|it| it.datacenter == DATACENTERS[0]);
    let (listen, admin) = gateway
        .map(|it| (it.listen, it.admin))
        .context("no gateway")?;
    let series = format!("mesh_gateway_active_tier{{kind=\"{kind}\",route=\"{route}\"}} 1");
    let began = Instant::now();
    loop {
        turn.ask(world, listen).await;
        let metrics = spawn_blocking(move || http::get(admin, "/metrics").body).await?;
        if metrics.lines().any(|line| line == series) {
            break;
        }
        ensure!(
            began.elapsed() < TURN_MAX,
            "the gateway does not see that {}",
            turn.what
        );
        sleep(ASK_EVERY).await;
    }
    let (asked, lost) = (plural(turn.asked, "question"), turn.lost.len());
    let took = time(began.elapsed());
    page.line(&format!(
        "    noticed by its checks {took} later; {asked} until then, {lost} lost"
    ));
    Ok(())
}

impl Turn {
    const COLUMNS: [&str; 6] = [
        "what",
        "asked",
        "answered by",
        ">after",
        ">questions",
        ">lost",
    ];

    /// Whether the one answered who should at last.
    async fn ask(&mut self, world: &World, gateway: SocketAddr) -> bool {
        let request = Request::new(5, 100, 1000);
        let asked = world.client.ask(gateway, &self.name, &request).await;
        self.asked += 1;
        match asked.result {
            Ok(by) => by == self.answered_by,
            Err(error) => {
                self.lost.push(error.to_string());
                false
            }
        }
    }

    fn told(&self) -> String {
        let mark = if self.lost.is_empty() { "✓" } else { "✗" };
        let (what, name, by) = (&self.what, &self.name, &self.answered_by);
        let (first, questions) = (time(self.first), plural(self.asked, "question"));
        let lost = self.lost.len();
        format!("  {mark} {what:<20} {name} → {by:<16} after {first:>8}, {questions}, {lost} lost")
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.what.clone(),
            self.name.clone(),
            self.answered_by.clone(),
            time(self.first),
            self.asked.to_string(),
            self.lost.len().to_string(),
        ]
    }

    fn failure(&self) -> Option<String> {
        let first = self.lost.first()?;
        let (what, asked, lost) = (&self.what, self.asked, self.lost.len());
        Some(format!(
            "{what}: {lost} of {asked} questions were lost: {first}"
        ))
    }
}
