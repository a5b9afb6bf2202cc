//! The first half of the story: not well, well again, and the operator's word.

use std::time::{Duration, Instant};

use anyhow::Result;
use l4_failover::admin::pools::EventJson;
use rustls::AlertDescription;
use tests::page::time;

use crate::caller::{Caller, SESSIONS};
use crate::service::Datacenter::{Dc1, Dc2};
use crate::story::Story;
use crate::tally::{Tally, Who};
use crate::world::{ORDERS, WEB, World};

/// Everybody by dc1, and by dc2.
pub(crate) const BY_DC1: (Who, Who) = (Who::Only(Dc1), Who::Only(Dc1));
pub(crate) const BY_DC2: (Who, Who) = (Who::Only(Dc2), Who::Only(Dc2));
/// Newcomers by dc2; sessions that are kept where they were, by dc1.
const KEPT_BY_DC1: (Who, Who) = (Who::Only(Dc2), Who::Only(Dc1));

pub(crate) const KEPT_BY_DC2: (Who, Who) = (Who::Only(Dc1), Who::Only(Dc2));

/// As in the file of the ports.
pub(crate) const HOLD_DOWN: Duration = Duration::from_secs(2);
const DRAIN: Duration = Duration::from_secs(1);
/// Between a moment and the sight of it, on a machine that has other things to do.
pub(crate) const SLACK: Duration = Duration::from_secs(1);
/// Three failed checks, 200 ms apart, and the wait for the first of them.
pub(crate) const NOTICED_MAX: Duration = Duration::from_secs(2);
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(50);

pub(crate) fn webservice(world: &World) -> &Caller {
    &world.webservice
}

pub(crate) fn ordermanager(world: &World) -> &Caller {
    &world.ordermanager
}

impl Story<'_, '_> {
    pub(crate) async fn all_is_well(&mut self) -> Result<()> {
        let began = Instant::now();
        self.part("1  All is well");
        self.lasts(BY_DC1, BY_DC1).await?;
        for port in [WEB, ORDERS] {
            let status = self.status(port).await?;
            let holds = (status.active_tier, status.moves) == (0, 0) && status.healthy;
            let claim = format!("{port}: dc1 is active, and never was not");
            self.checks.check(holds, &claim, &status);
        }
        self.strangers_are_refused().await?;
        self.opened = self.world.callers().map(|caller| caller.tally().opened());
        self.moment("all is well", began, Instant::now());
        Ok(())
    }

    async fn strangers_are_refused(&mut self) -> Result<()> {
        let alert = self.world.refusal(true).await?;
        let claim = "a certificate that is not on refdata's list: alert access_denied";
        let holds = alert == AlertDescription::AccessDenied;
        self.checks.check(holds, claim, &alert);
        let alert = self.world.refusal(false).await?;
        let claim = "no certificate: alert certificate_required";
        let holds = alert == AlertDescription::CertificateRequired;
        self.checks.check(holds, claim, &alert);
        Ok(())
    }

    pub(crate) async fn dc1_is_not_well(&mut self) -> Result<()> {
        self.part("2  refdata in dc1 answers, and its /health says 503");
        self.either([true, true]);
        self.world.site(Dc1).set_health(false).await?;
        let toggled = Instant::now();
        self.checks
            .done("POST /admin/health?ok=false to refdata in dc1");
        for port in [WEB, ORDERS] {
            let heard = self.moves(port, "failover", "unhealthy", toggled).await?;
            let reason = heard.event.reason.unwrap_or_default();
            let in_time = heard.at - toggled < NOTICED_MAX;
            let claim = format!("{port}: the check saw the 503, in less than {NOTICED_MAX:?}");
            self.checks
                .check(in_time && reason.contains("503"), &claim, &reason);
        }
        let web = self.new_by(webservice, Dc2).await?;
        let orders = self.new_by(ordermanager, Dc2).await?;
        self.all_held_by_dc2().await?;
        self.lasts(BY_DC2, KEPT_BY_DC1).await?;
        self.sessions(1, "reset, and its client came back");
        self.moment("dc1 says 503: failover", toggled, web.max(orders));
        Ok(())
    }

    async fn all_held_by_dc2(&mut self) -> Result<()> {
        let moved = |tally: &Tally| tally.all_held_by(Dc2);
        let what = "its sessions answered by dc2";
        self.world.webservice.until(what, moved).await?;
        Ok(())
    }

    /// What became of the sessions: those of webservice were reset so many times, those of
    /// ordermanager never.
    fn sessions(&mut self, resets: u64, what: &str) {
        let [web, orders] = self.world.callers().map(Caller::tally);
        let (opened, reset) = (since(&web.opened(), &self.opened[0]), web.reset());
        let holds = [&opened, &reset]
            .into_iter()
            .all(|it| *it == [resets; SESSIONS]);
        let claim = format!("webservice (close): each of its sessions was {what}");
        self.checks.check(holds, &claim, &(opened, reset));
        let opened = since(&orders.opened(), &self.opened[1]);
        let claim = "ordermanager (keep): each session goes on, on the same connection";
        self.checks.check(opened == [0; SESSIONS], claim, &opened);
    }

    pub(crate) async fn dc1_is_well_again(&mut self) -> Result<()> {
        self.part(
            "3  refdata in dc1 is well again: one port returns by itself, the other does not",
        );
        self.world.site(Dc1).set_health(true).await?;
        self.checks
            .done("POST /admin/health?ok=true to refdata in dc1");
        let began = Instant::now();
        let is_up = |event: &EventJson| event.to.as_deref() == Some("up");
        let up = self.world.events.until(WEB, "up", is_up).await?;
        self.world.events.until(ORDERS, "up", is_up).await?;
        let took = time(up.at - began);
        self.checks.done(&format!("dc1 counts as up, after {took}"));
        let back = self.count_down().await?;
        self.check_hold_down(back.at - up.at, HOLD_DOWN);
        let drained = self.drained(back.at).await?;
        self.lasts(BY_DC1, KEPT_BY_DC1).await?;
        self.sessions(2, "reset a second time (drain)");
        self.check_manual().await?;
        self.moment("dc1 is well: webservice returns", began, drained);
        Ok(())
    }

    pub(crate) fn check_hold_down(&mut self, took: Duration, hold_down: Duration) {
        let holds = took + LOOK_AGAIN >= hold_down && took < hold_down + SLACK;
        let claim = format!("{WEB}: failback after a hold-down of {hold_down:?}");
        self.checks.check(holds, &claim, &took);
    }

    /// Waits until webservice's sessions are back in dc1, which takes as long as configured.
    pub(crate) async fn drained(&mut self, back: Instant) -> Result<Instant> {
        let returned = self.new_by(webservice, Dc1).await?;
        let claim = "webservice: until then no new connection was answered by dc1";
        let early = back.saturating_duration_since(returned);
        self.checks.check(early < LOOK_AGAIN, claim, &early);
        let all = |tally: &Tally| tally.all_held_by(Dc1);
        let what = "its sessions answered by dc1";
        let tally = self.world.webservice.until(what, all).await?;
        let began = tally.held.iter().filter_map(|it| it.answers.since);
        let (first, last) = (
            began.clone().min().unwrap_or(back),
            began.max().unwrap_or(back),
        );
        let (first, last) = (first.saturating_duration_since(back), last - back);
        let claim = format!(
            "webservice: its sessions were moved one by one, the first after {}, the last after {}",
            time(first),
            time(last)
        );
        self.checks
            .check(last < DRAIN + SLACK, &claim, &(first, last));
        Ok(back + last)
    }

    async fn check_manual(&mut self) -> Result<()> {
        let status = self.status(ORDERS).await?;
        let holds = status.active_tier == 1
            && status.tiers[0].healthy
            && status.hold_down_left_seconds.is_none();
        let claim = format!("{ORDERS}: dc2 is active, dc1 is healthy, nothing is counted down");
        self.checks.check(holds, &claim, &status);
        Ok(())
    }

    pub(crate) async fn operator_returns(&mut self) -> Result<()> {
        self.part("4  The operator brings ordermanager's port back");
        let (began, took) = self.failback().await?;
        self.lasts(BY_DC1, BY_DC1).await?;
        self.sessions(2, "left alone this time");
        self.moment("the operator: failback", began, took);
        Ok(())
    }

    pub(crate) async fn failback(&mut self) -> Result<(Instant, Instant)> {
        self.either([false, true]);
        let began = Instant::now();
        let done = self.order(ORDERS, "failback", "").await?;
        let moved = done.is_some_and(|event| event.to_tier == Some(0));
        self.checks.check(
            moved,
            &format!("{ORDERS}: the answer names the move"),
            &moved,
        );
        self.moves(ORDERS, "failback", "operator", began).await?;
        let answered = self.new_by(ordermanager, Dc1).await?;
        Ok((began, answered))
    }

    /// Commands, and shows what the process says; the move that came of it.
    pub(crate) async fn order(
        &mut self,
        port: &str,
        what: &str,
        json: &str,
    ) -> Result<Option<EventJson>> {
        let done = self.world.operator.order(port, what, json).await?;
        self.checks
            .done(&format!("POST /pools/{port}/{what} {json}"));
        self.checks.done(&format!("  {}", done.message));
        Ok(done.moved)
    }
}

/// How many more there are of each.
fn since(now: &[u64], then: &[u64]) -> Vec<u64> {
    now.iter().zip(then).map(|(now, then)| now - then).collect()
}
