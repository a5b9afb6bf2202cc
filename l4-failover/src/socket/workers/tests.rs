//! Addresses that come and go, and connections that are queued while they do.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::*;
use crate::socket::TcpOptions;
use crate::socket::cut::ResetOnDrop;
use crate::socket::live::Entry;

/// A hang fails rather than blocks.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends each client the letter of its address, then waits for its end.
#[derive(Debug)]
struct Greeter {
    live: Live<()>,
    pauses: AtomicUsize,
    handed_over: AtomicUsize,
}

struct Record {
    greeter: Arc<Greeter>,
    letter: Arc<u8>,
    entry: Arc<Entry<()>>,
}

impl Drop for Record {
    fn drop(&mut self) {
        self.greeter.live.close(&self.entry, |_| ());
    }
}

impl Serve for Greeter {
    type Listener = u8;
    type Entry = ();
    type Record = Record;

    fn live(&self) -> &Live<()> {
        &self.live
    }

    fn open(self: &Arc<Self>, accepted: Accepted<'_, Self>) -> Record {
        let Accepted {
            listener,
            slot,
            worker,
            client,
        } = accepted;
        Record {
            greeter: Arc::clone(self),
            letter: Arc::clone(listener),
            entry: self.live.open(slot, worker, client, ()),
        }
    }

    async fn serve(stream: TcpStream, record: Record) {
        let mut stream = ResetOnDrop::from(stream);
        if stream.write_all(&[*record.letter]).await.is_ok() {
            let _ = stream.read(&mut [0]).await;
        }
        stream.end();
    }

    fn paused(&self, why: Pause) {
        assert_eq!(why, Pause::Limit);
        self.pauses.fetch_add(1, Relaxed);
    }

    fn handed_over(&self) {
        self.handed_over.fetch_add(1, Relaxed);
    }
}

struct Party {
    greeter: Arc<Greeter>,
    workers: Workers<Greeter>,
}

impl Party {
    /// Two workers, and at most `max` connections at once.
    fn new(max: usize) -> Self {
        let greeter = Arc::new(Greeter {
            live: Live::new(2, max),
            pauses: AtomicUsize::new(0),
            handed_over: AtomicUsize::new(0),
        });
        Self {
            workers: Workers::start(Arc::clone(&greeter)).unwrap(),
            greeter,
        }
    }

    fn listening(&self) -> Listening {
        let any = "127.0.0.1:0".parse().unwrap();
        Listening::bind(any, self.workers.count(), 128, &TcpOptions::default()).unwrap()
    }

    fn listen(&self, letter: u8) -> (ListenerId, SocketAddr) {
        let listening = self.listening();
        let address = listening.address();
        (self.workers.listen(listening, letter).unwrap(), address)
    }

    async fn end(self) {
        tokio::task::spawn_blocking(|| self.workers.end())
            .await
            .unwrap();
        assert!(self.greeter.live.is_empty());
    }
}

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("no hang")
}

/// The letter that an open connection is greeted with.
async fn letter(stream: &mut TcpStream) -> io::Result<u8> {
    in_time(stream.read_u8()).await
}

/// Polls once; whether that was enough.
async fn is_ready(future: std::pin::Pin<&mut impl Future>) -> bool {
    let mut future = Some(future);
    poll_fn(|cx| {
        let future = future.take().expect("polled once");
        Poll::Ready(future.poll(cx).is_ready())
    })
    .await
}

async fn is_refused(address: SocketAddr) -> bool {
    let connected = TcpStream::connect(address).await;
    connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

#[tokio::test]
async fn an_address_comes_and_goes_and_the_others_go_on() {
    let party = Party::new(100);
    let (first, first_at) = party.listen(b'a');
    let mut open = TcpStream::connect(first_at).await.unwrap();
    assert_eq!(letter(&mut open).await.unwrap(), b'a');

    let (_, second_at) = party.listen(b'b');
    in_time(party.workers.close(first)).await;
    assert!(is_refused(first_at).await);
    let mut other = TcpStream::connect(second_at).await.unwrap();
    assert_eq!(letter(&mut other).await.unwrap(), b'b');

    // What was open goes on, to an end that is no reset.
    open.shutdown().await.unwrap();
    assert_eq!(open.read(&mut [0]).await.unwrap(), 0);
    // An address that is closed is closed.
    in_time(party.workers.close(first)).await;
    party.end().await;
}

/// A bind is exclusive: it fails beside any socket that still listens there.
#[tokio::test]
async fn an_address_that_was_closed_can_be_added_again() {
    let party = Party::new(100);
    let (mut id, address) = party.listen(b'a');
    let mut clients = Vec::new();
    for letter_now in b'a'..=b'd' {
        let mut client = TcpStream::connect(address).await.unwrap();
        assert_eq!(letter(&mut client).await.unwrap(), letter_now);
        clients.push(client);
        in_time(party.workers.close(id)).await;
        let again = Listening::bind(address, 2, 128, &TcpOptions::default()).unwrap();
        id = party.workers.listen(again, letter_now + 1).unwrap();
    }
    assert_eq!(party.greeter.live.len(), clients.len());
    party.end().await;
}

/// One place, taken: what connects meanwhile waits in the queues of the address that is closed.
#[tokio::test]
async fn connections_that_are_queued_when_their_address_closes_are_served() {
    const QUEUED: usize = 24;
    let party = Party::new(1);
    let (stays, stays_at) = party.listen(b'b');
    let (id, address) = party.listen(b'a');
    let mut holder = TcpStream::connect(stays_at).await.unwrap();
    assert_eq!(letter(&mut holder).await.unwrap(), b'b');
    let mut queued = Vec::new();
    for _ in 0..QUEUED {
        queued.push(TcpStream::connect(address).await.unwrap());
    }

    let mut close = Box::pin(party.workers.close(id));
    assert!(!is_ready(close.as_mut()).await);
    drop(holder);
    let clients = queued.into_iter().map(|mut client| {
        tokio::spawn(async move {
            let letter = letter(&mut client).await;
            drop(client);
            letter.unwrap()
        })
    });
    for client in clients.collect::<Vec<_>>() {
        assert_eq!(client.await.unwrap(), b'a');
    }
    in_time(close).await;
    assert!(party.greeter.pauses.load(Relaxed) > 0);
    assert!(is_refused(address).await);
    assert!(!is_refused(stays_at).await);
    in_time(party.workers.close(stays)).await;
    party.end().await;
}

/// A service manager keeps the socket: whoever is not accepted waits for the next process.
#[tokio::test]
async fn what_is_queued_on_a_socket_that_is_shared_is_left_there() {
    let party = Party::new(1);
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap();
    let share = || Listening::share(&held, 1, &TcpOptions::default()).unwrap();
    let id = party.workers.listen(share(), b'a').unwrap();
    let mut holder = TcpStream::connect(address).await.unwrap();
    assert_eq!(letter(&mut holder).await.unwrap(), b'a');
    // The second is accepted, and waits for the place; the third is not.
    let mut waiting = TcpStream::connect(address).await.unwrap();
    while party.greeter.pauses.load(Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let mut queued = TcpStream::connect(address).await.unwrap();
    let mut close = Box::pin(party.workers.close(id));
    assert!(!is_ready(close.as_mut()).await);
    drop(holder);
    assert_eq!(letter(&mut waiting).await.unwrap(), b'a');
    drop(waiting);
    in_time(close).await;
    in_time(party.greeter.live.emptied()).await;
    assert!(!is_refused(address).await);
    let next = party.workers.listen(share(), b'b').unwrap();
    assert_eq!(letter(&mut queued).await.unwrap(), b'b');
    drop(queued);
    in_time(party.workers.close(next)).await;
    party.end().await;
}

#[tokio::test]
async fn a_close_that_is_not_waited_for_goes_on() {
    let party = Party::new(1);
    let (id, address) = party.listen(b'a');
    let mut holder = TcpStream::connect(address).await.unwrap();
    assert_eq!(letter(&mut holder).await.unwrap(), b'a');
    let mut queued = TcpStream::connect(address).await.unwrap();
    {
        let close = pin!(party.workers.close(id));
        assert!(!is_ready(close).await);
    }
    drop(holder);
    assert_eq!(letter(&mut queued).await.unwrap(), b'a');
    drop(queued);
    in_time(party.workers.stop_accepting()).await;
    assert!(is_refused(address).await);
    party.end().await;
}

#[tokio::test]
async fn workers_that_stopped_accepting_take_no_address_more() {
    let party = Party::new(100);
    let addresses = [party.listen(b'a').1, party.listen(b'b').1];
    in_time(party.workers.stop_accepting()).await;
    for address in addresses {
        assert!(is_refused(address).await);
    }
    let listening = party.listening();
    let address = listening.address();
    let refused = party.workers.listen(listening, b'c');
    assert!(matches!(refused, Err(AcceptError::Stopping(at)) if at == address));
    assert!(is_refused(address).await);
    party.end().await;
}

#[tokio::test]
async fn the_end_cuts_what_is_open() {
    let party = Party::new(100);
    let (_, address) = party.listen(b'a');
    let mut client = TcpStream::connect(address).await.unwrap();
    assert_eq!(letter(&mut client).await.unwrap(), b'a');
    party.end().await;
    let error = letter(&mut client).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

/// One socket for two workers: all that the other serves was passed on to it.
#[tokio::test]
async fn a_worker_that_holds_clearly_more_passes_connections_on() {
    let party = Party::new(100);
    let any = "127.0.0.1:0".parse().unwrap();
    let listening = Listening::bind(any, 1, 128, &TcpOptions::default()).unwrap();
    let address = listening.address();
    party.workers.listen(listening, b'a').unwrap();
    let mut clients = Vec::new();
    for _ in 0..40 {
        let mut client = TcpStream::connect(address).await.unwrap();
        assert_eq!(letter(&mut client).await.unwrap(), b'a');
        clients.push(client);
    }
    let loads: Vec<_> = party.greeter.live.loads().collect();
    let [own, other] = loads[..] else {
        panic!("two workers");
    };
    assert_eq!(own + other, 40);
    assert!(own.abs_diff(other) <= 8, "{loads:?}");
    assert_eq!(party.greeter.handed_over.load(Relaxed), other);
    drop(clients);
    in_time(party.greeter.live.emptied()).await;
    party.end().await;
}
