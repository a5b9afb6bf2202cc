//! What the workers do with the connections that they accept.

use std::future::Future;
use std::sync::Arc;

use l4_failover::socket::live::Live;
use l4_failover::socket::workers::{Accepted, Pause, Serve};
use tokio::net::TcpStream;

use crate::connection;
use crate::context::Context;
use crate::front::Listener;
use crate::live::Course;
use crate::record::ConnectionRecord;

impl Serve for Context {
    type Listener = Listener;
    type Entry = Course;
    type Record = ConnectionRecord;

    fn live(&self) -> &Live<Course> {
        &self.live
    }

    fn open(self: &Arc<Self>, accepted: Accepted<'_, Self>) -> ConnectionRecord {
        accepted.listener.accepted.inc();
        ConnectionRecord::open(self, accepted)
    }

    fn serve(stream: TcpStream, record: ConnectionRecord) -> impl Future<Output = ()> + Send {
        connection::serve(stream, record)
    }

    fn paused(&self, why: Pause) {
        self.metrics.process().paused(why);
    }

    fn handed_over(&self) {
        self.metrics.process().handed_over();
    }
}
