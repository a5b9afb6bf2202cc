//! The second half of the story: a death, and what the operator makes of it.

use std::time::{Duration, Instant};

use anyhow::Result;
use l4_failover::admin::pools::EventJson;
use tests::page::time;
use tokio::time::{interval, timeout};

use crate::service::Datacenter::{Dc1, Dc2};
use crate::steps::{
    BY_DC1, BY_DC2, HOLD_DOWN, KEPT_BY_DC2, LOOK_AGAIN, NOTICED_MAX, SLACK, ordermanager,
    webservice,
};
use crate::story::Story;
use crate::tally::Tally;
use crate::world::{ORDERS, WEB};

/// A good check comes within 200 ms; some time more for a busy machine.
const WELL_MAX: Duration = Duration::from_secs(5);

impl Story<'_, '_> {
    pub(crate) async fn dc1_dies(&mut self) -> Result<()> {
        self.part("5  refdata in dc1 dies: its machine is gone, and all connections with it");
        self.either([true, true]);
        let spilled = [self.spilled(WEB).await?, self.spilled(ORDERS).await?];
        self.world.site(Dc1).kill().await?;
        let killed = Instant::now();
        self.checks.done("killed");
        for port in [WEB, ORDERS] {
            let heard = self.moves(port, "failover", "unhealthy", killed).await?;
            let took = heard.at - killed;
            let claim = format!("{port}: noticed in less than {NOTICED_MAX:?}");
            self.checks.check(took < NOTICED_MAX, &claim, &took);
        }
        let answered = self.answered_by_dc2(killed).await?;
        for (port, before) in [WEB, ORDERS].into_iter().zip(spilled) {
            let more = self.spilled(port).await? - before;
            let claim = format!("{port}: until then, dials that dc1 refused went to dc2: {more}");
            self.checks.check(more > 0, &claim, &more);
        }
        self.lasts(BY_DC2, BY_DC2).await?;
        self.moment("dc1 dies: failover", killed, answered);
        Ok(())
    }

    async fn answered_by_dc2(&mut self, killed: Instant) -> Result<Instant> {
        let web = self.new_by(webservice, Dc2).await?;
        let orders = self.new_by(ordermanager, Dc2).await?;
        let first = web.min(orders).saturating_duration_since(killed);
        let claim = format!(
            "new connections were answered by dc2 {} after the death",
            time(first)
        );
        self.checks.check(first < SLACK, &claim, &first);
        let moved = |tally: &Tally| tally.all_held_by(Dc2);
        for caller in self.world.callers() {
            caller.until("its sessions answered by dc2", moved).await?;
        }
        Ok(web.max(orders))
    }

    async fn spilled(&self, port: &str) -> Result<u64> {
        Ok(self.status(port).await?.spilled)
    }

    pub(crate) async fn operator_keeps_it_out(&mut self) -> Result<()> {
        self.part("6  The operator keeps dc1 out until somebody has looked at it");
        let endpoint = self.world.endpoint(Dc1);
        let out = format!(r#"{{"endpoint":"{endpoint}","reason":"died, nobody knows why"}}"#);
        self.order(WEB, "maintenance", &out).await?;
        self.world.site(Dc1).start_again().await?;
        self.checks.done("refdata in dc1 starts again");
        self.seen_well().await?;
        self.lasts(BY_DC2, BY_DC2).await?;
        let began = Instant::now();
        let back_in = format!(r#"{{"endpoint":"{endpoint}","off":true}}"#);
        self.order(WEB, "maintenance", &back_in).await?;
        let put_back = Instant::now();
        let back = self.count_down().await?;
        // dc1 came back once and failed again soon after: that is a flap.
        self.check_hold_down(back.at - put_back, 2 * HOLD_DOWN);
        self.drained(back.at).await?;
        let (_, returned) = self.failback().await?;
        self.lasts(BY_DC1, KEPT_BY_DC2).await?;
        self.moment("maintenance ends, failback of both", began, returned);
        Ok(())
    }

    /// Waits until the checks of both ports find dc1 well: to one it is up, to the other it stays
    /// in maintenance, about which there is no event.
    async fn seen_well(&mut self) -> Result<()> {
        let is_up = |event: &EventJson| event.to.as_deref() == Some("up");
        self.world.events.until(ORDERS, "up", is_up).await?;
        let mut looks = interval(LOOK_AGAIN);
        let seen = async {
            loop {
                looks.tick().await;
                let status = self.status(WEB).await?;
                let endpoint = &status.tiers[0].endpoints[0];
                let check = endpoint.last_check.as_ref();
                if check.is_some_and(|check| check.error.is_none()) {
                    return anyhow::Ok(status);
                }
            }
        };
        let status = timeout(WELL_MAX, seen).await??;
        let state = &status.tiers[0].endpoints[0].state;
        let holds = state == "maintenance" && status.hold_down_left_seconds.is_none();
        let claim = format!("{WEB}: the checks find dc1 well, and it stays in maintenance");
        self.checks.check(holds, &claim, &status);
        Ok(())
    }
}
