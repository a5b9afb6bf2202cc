//! The pools at this moment.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::refusal::{Queried, Refusal, query};
use super::table::Wanted;
use super::{PoolJson, Shared};

/// What `/clusters` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClustersJson {
    /// The pools, in the order of the configuration.
    pub pools: Vec<PoolJson>,
}

pub(super) async fn clusters(
    State(shared): State<Shared>,
    wanted: Queried<Wanted>,
) -> Result<Json<ClustersJson>, Refusal> {
    let pools = shared.pools.wanted(&query(wanted)?)?;
    Ok(Json(ClustersJson {
        pools: pools.iter().map(PoolJson::of).collect(),
    }))
}
