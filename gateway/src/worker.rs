//! What the workers do with the connections that they accept.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use l4_failover::socket::live::Live;
use l4_failover::socket::workers::{Accepted, Pause, Serve};
use tokio::net::TcpStream;

use crate::connection;
use crate::context::Context;
use crate::front::Listener;
use crate::live::Course;
use crate::outcome::Outcome;
use crate::record::ConnectionRecord;
use crate::tap::Sighting;

impl Serve for Context {
    type Listener = Listener;
    type Entry = Course;
    type Record = ConnectionRecord;

    fn live(&self) -> &Live<Course> {
        &self.live
    }

    fn admits(&self, listener: &Listener, client: SocketAddr) -> bool {
        let is_admitted = listener.admits(client.ip());
        if !is_admitted {
            listener.accepted.inc();
            self.metrics.ended(None, Outcome::LISTENER_DENIED);
            self.tap.tell(|| Sighting::denied(&listener.name, client));
            self.log.denied(&listener.name, client);
        }
        is_admitted
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
