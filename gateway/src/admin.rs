//! What operators are shown over HTTP.

mod health;
mod status;

use std::collections::{HashMap, HashSet};
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use l4_failover::Pool;
use l4_failover::admin::pools::{self, NamedPool, Pools};
use l4_failover::admin::{self, Site};
use l4_failover::metrics::{Labelled, Snapshot};
use tracing::warn;

use crate::context::Context;
use crate::destination::Destination;
use crate::live;
use crate::route::RouteKind;
use crate::tables::Tables;

/// What operators are told of the process.
#[derive(Clone, Debug)]
pub struct Info {
    /// The data centre.
    pub datacenter: String,
    /// The number of workers.
    pub workers: usize,
    /// The listeners' names and addresses.
    pub listeners: Vec<(String, SocketAddr)>,
    /// Connections that may be open at once.
    pub connections_max: usize,
}

/// The process as operators see it.
#[derive(Clone, Debug)]
pub struct Admin(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    context: Arc<Context>,
    tables: Tables,
    info: Info,
    pools: Pools,
    started: Instant,
    since: SystemTime,
}

impl Admin {
    /// A view of `context`.
    #[must_use]
    pub fn new(context: Arc<Context>, tables: Tables, info: Info) -> Self {
        let pools = Pools::default();
        pools.replace(named_pools(&tables));
        Self(Arc::new(Shared {
            context,
            tables,
            info,
            pools,
            started: Instant::now(),
            since: SystemTime::now(),
        }))
    }

    /// The metrics of the pools, read when somebody asks.
    ///
    /// # Errors
    ///
    /// When they are counted already.
    pub fn count_pools(&self) -> prometheus::Result<()> {
        let pools = self.0.pools.clone();
        let labelled = |it: &NamedPool| Labelled {
            labels: vec![it.kind.to_owned(), it.pool.name().to_string()],
            pool: it.pool.clone(),
        };
        let metrics = &self.0.context.metrics;
        metrics.add_pools(move || pools.list().iter().map(labelled).collect())
    }

    /// Serves operators until it is dropped; without an address, nobody.
    pub(crate) async fn serve(self, bound: Option<admin::Bound>) {
        if let Some(bound) = bound {
            let site = Site {
                operators: self.router(),
                metrics: self.open_router(),
                public_paths: Vec::new(),
            };
            if let Err(error) = bound.serve(site, pending()).await {
                warn!(%error, "operators are no longer served");
            }
        }
        pending::<()>().await;
    }

    /// Everything.
    pub fn router(&self) -> Router {
        let own = self.open().merge(status::router());
        let pools = pools::router(self.0.pools.clone());
        own.with_state(self.clone()).merge(pools)
    }

    /// What may be shown to anybody: metrics and health.
    pub fn open_router(&self) -> Router {
        self.open().with_state(self.clone())
    }

    fn open(&self) -> Router<Self> {
        health::router().route("/metrics", get(metrics))
    }
}

/// The pools of all destinations, services first.
fn named_pools(tables: &Tables) -> Vec<NamedPool> {
    let destinations = tables.destinations();
    let mut destinations: Vec<&Destination> = destinations.map(|to| &**to).collect();
    destinations.sort_by_key(|to| (to.kind, &to.name));
    let wholes = Wholes::of(&destinations);
    let named = |to: &&Destination| {
        let named = NamedPool::new(to.pool.clone(), to.kind.as_str());
        let whole = wholes.with(to).into_iter();
        whole.fold(named, |named, pool| named.part_of(pool.clone()))
    };
    destinations.iter().map(named).collect()
}

/// Pools that are made of several: services that fail over to gateways elsewhere, and adoptions.
#[derive(Default)]
struct Wholes<'d> {
    by_gateway: HashMap<Arc<str>, Vec<&'d Pool>>,
    by_service: HashMap<&'d str, Vec<&'d Pool>>,
}

impl<'d> Wholes<'d> {
    fn of(destinations: &[&'d Destination]) -> Self {
        let mut wholes = Self::default();
        let made_of_several = |it: &&&Destination| it.kind != RouteKind::Datacenter;
        for whole in destinations.iter().filter(made_of_several) {
            let endpoints = whole.pool.endpoints().into_iter();
            for gateway in endpoints.filter(|it| it.options().leads_on) {
                let name = Arc::clone(gateway.name());
                wholes.by_gateway.entry(name).or_default().push(&whole.pool);
            }
            let service = whole.name.split_once('.').map(|(service, _)| service);
            if let Some(service) = service.filter(|_| whole.kind == RouteKind::Adoption) {
                wholes
                    .by_service
                    .entry(service)
                    .or_default()
                    .push(&whole.pool);
            }
        }
        wholes
    }

    /// Those that the endpoints of `part` are in.
    fn with(&self, part: &Destination) -> Vec<&'d Pool> {
        let mut pools: Vec<&Pool> = match part.kind {
            RouteKind::Service => self
                .by_service
                .get(&*part.name)
                .cloned()
                .unwrap_or_default(),
            RouteKind::Adoption => Vec::new(),
            RouteKind::Datacenter => {
                let gateways = part.pool.endpoints().into_iter();
                let pools = gateways.filter_map(|it| self.by_gateway.get(it.name()));
                pools.flatten().copied().collect()
            }
        };
        let mut seen = HashSet::new();
        pools.retain(|pool| seen.insert(Arc::as_ptr(pool.name())));
        pools
    }
}

async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    let context = &admin.0.context;
    live::report(&context.live);
    let now = Snapshot {
        owned_bytes: context.relay.owned_bytes(),
        pipes_lent: context.relay.pipes_lent(),
        log_lost: context.lost.count(),
    };
    context.metrics.half_read(context.half_read.len());
    let text = context.metrics.render(context.live.loads(), now);
    ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text)
}
