//! What operators are shown, and what they may order.

use std::fmt::Write;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use l4_failover::admin::Site;
use l4_failover::admin::pools::RefusalJson;
use serde::Serialize;

use super::Order;
use super::serve::Handle;
use super::status::Status;

/// What came of orders.
#[derive(Serialize)]
struct Ordered {
    /// How many clients each reached, in their order.
    clients: Vec<usize>,
}

pub(super) fn site(handle: Handle) -> Site {
    let open = Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(async || "live\n"))
        .route("/health/ready", get(async || "ready\n"));
    let operators = Router::new()
        .route("/status", get(status))
        .route("/faults", get(async || Order::HELP).post(faults))
        .merge(open.clone());
    Site {
        operators: operators.with_state(handle.clone()),
        metrics: open.with_state(handle),
        public_paths: Vec::new(),
    }
}

async fn status(State(handle): State<Handle>) -> Json<Status> {
    Json(handle.status())
}

/// Orders, one a line: all are carried out, or none, if one is no order or for nobody.
async fn faults(State(handle): State<Handle>, text: String) -> Response {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let orders: Result<Vec<Order>, _> = lines.map(str::parse).collect();
    let orders = match orders {
        Ok(orders) if orders.is_empty() => {
            let error = "the body of the request is to be an order, such as: pause".to_owned();
            return refused(StatusCode::BAD_REQUEST, error);
        }
        Ok(orders) => orders,
        Err(error) => return refused(StatusCode::BAD_REQUEST, error.to_string()),
    };
    match handle.orders(&orders) {
        Ok(clients) => Json(Ordered { clients }).into_response(),
        Err(error) => refused(StatusCode::NOT_FOUND, error.to_string()),
    }
}

fn refused(code: StatusCode, error: String) -> Response {
    let known = Vec::new();
    (code, Json(RefusalJson { error, known })).into_response()
}

async fn metrics(State(handle): State<Handle>) -> impl IntoResponse {
    const FORMAT: &str = "text/plain; version=0.0.4";
    ([(CONTENT_TYPE, FORMAT)], text(&handle.status()))
}

/// A handful of numbers without labels: the text is written down as it is.
fn text(status: &Status) -> String {
    let clients = status.clients.len() as u64;
    let metrics = [
        (
            "messages_total",
            "counter",
            "Messages sent, to all clients together.",
            status.messages,
        ),
        ("logins_total", "counter", "Logins accepted.", status.logins),
        (
            "logins_rejected_total",
            "counter",
            "Logins rejected.",
            status.rejected,
        ),
        (
            "newest_message",
            "gauge",
            "The number of the newest message.",
            status.newest,
        ),
        ("clients", "gauge", "Clients that are connected.", clients),
    ];
    let mut text = String::new();
    for (name, kind, help, value) in metrics {
        // A string takes what is written.
        let _ = writeln!(
            text,
            "# HELP soupbintcp_sim_{name} {help}\n# TYPE soupbintcp_sim_{name} {kind}\n\
             soupbintcp_sim_{name} {value}"
        );
    }
    text
}
