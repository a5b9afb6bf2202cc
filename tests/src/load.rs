//! Clients that come and go, or stay, while something is done to the gateway before them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::hello;
use crate::process::{PATIENCE, until};

/// A session with an endpoint that sends back what it gets, beginning with the hello.
#[derive(Debug)]
pub struct Session(TcpStream);

impl Session {
    /// Opens a session with the service of this name.
    ///
    /// # Errors
    ///
    /// When the gateway refuses it, or cuts it.
    pub fn open(gateway: SocketAddr, name: &str) -> std::io::Result<Self> {
        let mut stream = TcpStream::connect(gateway)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let hello = hello::named(name.as_bytes());
        stream.write_all(&hello)?;
        let mut session = Self(stream);
        session.expect(&hello)?;
        Ok(session)
    }

    /// Sends these bytes, which must come back.
    ///
    /// # Errors
    ///
    /// When something else comes, or nothing.
    pub fn exchange(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes)?;
        self.expect(bytes)
    }

    /// Ends it, as a client that has all it wanted.
    ///
    /// # Errors
    ///
    /// When it does not end in order.
    pub fn close(mut self) -> std::io::Result<()> {
        self.0.shutdown(std::net::Shutdown::Write)?;
        match self.0.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(std::io::Error::other("more than was sent")),
        }
    }

    fn expect(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let mut answer = vec![0; bytes.len()];
        self.0.read_exact(&mut answer)?;
        match answer == bytes {
            true => Ok(()),
            false => Err(std::io::Error::other("other bytes than were sent")),
        }
    }
}

/// Clients that ask, one session after the other, until they are told to stop.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    gateway: SocketAddr,
    name: &'static str,
    stays: Duration,
    is_over: AtomicBool,
    done: AtomicUsize,
    /// Since when the last interval was taken.
    took: Mutex<Vec<Duration>>,
    failures: Mutex<Vec<String>>,
}

impl Load {
    /// So many `clients` ask for `name` from now on, each of whose sessions lasts for `stays`.
    pub fn start(clients: usize, gateway: SocketAddr, name: &'static str, stays: Duration) -> Self {
        let shared = Arc::new(Shared {
            gateway,
            name,
            stays,
            is_over: AtomicBool::new(false),
            done: AtomicUsize::new(0),
            took: Mutex::default(),
            failures: Mutex::default(),
        });
        let client = |_| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.ask())
        };
        let clients = (0..clients).map(client).collect();
        Self { shared, clients }
    }

    /// How many sessions came to a good end.
    pub fn done(&self) -> usize {
        self.shared.done.load(Relaxed)
    }

    /// Waits until so many more did.
    pub fn wait_for(&self, more: usize) {
        let before = self.done();
        until("the clients were served", || {
            self.done() >= before + more || !self.shared.failures.lock().unwrap().is_empty()
        });
    }

    /// How long sessions took from the connection to the first answer, since this was asked last,
    /// in ascending order.
    pub fn take_times(&self) -> Vec<Duration> {
        let mut times = std::mem::take(&mut *self.shared.took.lock().unwrap());
        times.sort();
        times
    }

    /// No more sessions; why some did not come to a good end.
    pub fn stop(self) -> Vec<String> {
        self.shared.is_over.store(true, Relaxed);
        for client in self.clients {
            client.join().unwrap();
        }
        std::mem::take(&mut *self.shared.failures.lock().unwrap())
    }
}

impl Shared {
    fn ask(&self) {
        while !self.is_over.load(Relaxed) {
            match self.one() {
                Ok(()) => self.done.fetch_add(1, Relaxed),
                Err(error) => {
                    self.failures.lock().unwrap().push(error.to_string());
                    // One that fails at once must not fill the memory.
                    std::thread::sleep(Duration::from_millis(1));
                    continue;
                }
            };
        }
    }

    fn one(&self) -> std::io::Result<()> {
        let began = Instant::now();
        let mut session = Session::open(self.gateway, self.name)?;
        self.took.lock().unwrap().push(began.elapsed());
        // How long a session lasts is what is asked for.
        std::thread::sleep(self.stays);
        session.exchange(b"at the end")?;
        session.close()
    }
}

/// The time within which this share of `times`, in ascending order, lies.
pub fn within(times: &[Duration], share: f64) -> Duration {
    let at = (times.len() as f64 * share) as usize;
    times[at.min(times.len() - 1)]
}
