//! What the gateways counted, as their metrics say, and what they should have, as the clients say.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tests::http;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::ask::Row;
use crate::world::World;
use tests::page::digits;

/// A gateway counts a connection when it has seen both ends of it: moments after the client.
const SETTLED_MAX: Duration = Duration::from_secs(3);
const ASK_AGAIN: Duration = Duration::from_millis(10);

/// What one gateway counted: by kind and name of the route.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures(BTreeMap<(String, String), Counted>);

#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    /// Connections, by the phase and cause of their end.
    ended: BTreeMap<(String, String), u64>,
    from_client: u64,
    from_upstream: u64,
}

/// The figures of a gateway, and those that the clients' account for.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) gateway: &'static str,
    counted: Figures,
    expected: Figures,
}

impl Compared {
    pub(crate) const COLUMNS: [&str; 6] = [
        "gateway",
        "route",
        ">connections",
        ">bytes from clients",
        ">bytes from services",
        "the clients say",
    ];

    /// Which check failed, if one did: the routes that differ.
    pub(crate) fn failure(&self) -> Option<String> {
        let (counted, expected) = (&self.counted.0, &self.expected.0);
        let routes: BTreeSet<_> = counted.keys().chain(expected.keys()).collect();
        let differ = routes
            .into_iter()
            .filter(|&route| counted.get(route) != expected.get(route));
        let said = differ.map(|route| {
            let (kind, name) = route;
            let (counted, expected) = (counted.get(route), expected.get(route));
            format!("{kind} {name}: counted {counted:?}, where clients say {expected:?}")
        });
        let said = said.collect::<Vec<_>>().join("; ");
        (!said.is_empty()).then(|| format!("gateway {}, {said}", self.gateway))
    }

    /// The rows of the table.
    pub(crate) fn rows(&self) -> Vec<Vec<String>> {
        let routes = self.counted.0.iter();
        let rows = routes.map(|(route, counted)| self.row(route, counted));
        rows.collect()
    }

    fn row(&self, route: &(String, String), counted: &Counted) -> Vec<String> {
        let verdict = match self.expected.0.get(route) {
            Some(expected) if expected == counted => "✓ the same",
            _ => "✗ something else",
        };
        let (kind, name) = route;
        let to = match kind.as_str() {
            "none" => "none: refused".to_owned(),
            _ => format!("{kind} {name}"),
        };
        vec![
            self.gateway.to_owned(),
            to,
            digits(counted.ended.values().sum()),
            digits(counted.from_client),
            digits(counted.from_upstream),
            verdict.to_owned(),
        ]
    }
}

/// Asks every gateway, until it counted what the clients did or should have by now.
pub(crate) async fn compare(world: &World, rows: &[Row]) -> Result<Vec<Compared>> {
    let until = Instant::now() + SETTLED_MAX;
    let mut all = Vec::new();
    for gateway in world.gateways() {
        let expected = Figures::expected(gateway.datacenter, rows);
        let mut counted = Figures::read(gateway.admin).await?;
        while counted != expected && Instant::now() < until {
            sleep(ASK_AGAIN).await;
            counted = Figures::read(gateway.admin).await?;
        }
        all.push(Compared {
            gateway: gateway.datacenter,
            counted,
            expected,
        });
    }
    Ok(all)
}

impl Figures {
    fn route(&mut self, kind: &str, route: &str) -> &mut Counted {
        self.0.entry((kind.into(), route.into())).or_default()
    }

    /// What `gateway` should count of these.
    fn expected(gateway: &str, rows: &[Row]) -> Self {
        let mut figures = Self::default();
        for row in rows {
            for hop in row.ask.hops.iter().filter(|hop| hop.gateway == gateway) {
                let counted = figures.route(hop.kind, &hop.route);
                let end = (hop.phase.to_owned(), hop.cause.to_owned());
                *counted.ended.entry(end).or_default() += 1;
                // A hello that nobody answered was read; the alert is the gateway's own.
                if matches!(hop.phase, "connect" | "relay") {
                    counted.from_client += row.asked.wire.sent;
                }
                if hop.phase == "relay" {
                    counted.from_upstream += row.asked.wire.received;
                }
            }
        }
        figures
    }

    async fn read(admin: SocketAddr) -> Result<Self> {
        let answer = spawn_blocking(move || http::get(admin, "/metrics")).await;
        let answer = answer.context("cannot read the metrics of a gateway")?;
        anyhow::ensure!(answer.status == 200, "/metrics answers {}", answer.status);
        Self::parse(&answer.body)
    }

    fn parse(metrics: &str) -> Result<Self> {
        let mut figures = Self::default();
        for line in metrics.lines() {
            let series = line.strip_prefix("mesh_gateway_").unwrap_or_default();
            if let Some(labels) = series.strip_prefix("connections_closed_total{") {
                figures.add_end(labels)?;
            } else if let Some(labels) = series.strip_prefix("bytes_total{") {
                figures.add_bytes(labels)?;
            }
        }
        Ok(figures)
    }

    fn add_end(&mut self, series: &str) -> Result<()> {
        let end = (label(series, "phase")?, label(series, "cause")?);
        if end == ("hello".to_owned(), "done".to_owned()) {
            // Closed without a byte: the other gateway looks whether this one is there.
            return Ok(());
        }
        let counted = self.route(&label(series, "kind")?, &label(series, "route")?);
        *counted.ended.entry(end).or_default() += value(series)?;
        Ok(())
    }

    fn add_bytes(&mut self, series: &str) -> Result<()> {
        let counted = self.route(&label(series, "kind")?, &label(series, "route")?);
        let bytes = match label(series, "from")?.as_str() {
            "client" => &mut counted.from_client,
            _ => &mut counted.from_upstream,
        };
        *bytes += value(series)?;
        Ok(())
    }
}

/// The value of a label in `kind="service",route="currency"} 3`.
fn label(series: &str, name: &str) -> Result<String> {
    let value = series.split(['{', ',', '}']).find_map(|pair| {
        let value = pair.strip_prefix(name)?.strip_prefix("=\"")?;
        value.strip_suffix('"')
    });
    let value = value.with_context(|| format!("no label {name} in {series}"))?;
    Ok(value.to_owned())
}

fn value(series: &str) -> Result<u64> {
    let value = series.rsplit(' ').next().unwrap_or_default();
    value.parse().with_context(|| format!("no count: {series}"))
}
