//! The little HTTP that the tests speak to the admin address.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::process::PATIENCE;
use crate::wire::connect;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// Asks `address` for `path`.
pub fn get(address: SocketAddr, path: &str) -> Answer {
    exchange(
        address,
        &format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n"),
    )
}

/// Posts JSON, or nothing, to `path` of `address`.
pub fn post(address: SocketAddr, path: &str, json: &str) -> Answer {
    let length = json.len();
    let kind = match json {
        "" => "",
        _ => "Content-Type: application/json\r\n",
    };
    exchange(
        address,
        &format!(
            "POST {path} HTTP/1.0\r\nHost: {address}\r\n{kind}Content-Length: {length}\r\n\r\n{json}"
        ),
    )
}

fn exchange(address: SocketAddr, request: &str) -> Answer {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    parse(&answer)
}

/// A connection that is kept for one request after the other.
#[derive(Debug)]
pub struct Keeping(BufReader<TcpStream>);

impl Keeping {
    /// Connects to `address`.
    ///
    /// # Errors
    ///
    /// Where nobody accepts, or whoever does resets at once.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// The body that answers a GET of `path`.
    ///
    /// # Errors
    ///
    /// Where the connection ends before the answer.
    pub fn ask(&mut self, path: &str) -> io::Result<String> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes())?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", bytes)) => length = bytes.parse().unwrap(),
                None if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok(String::from_utf8(body).unwrap())
    }

    /// [`ask`](Self::ask), and no part of the answer is waited for longer than that.
    ///
    /// # Errors
    ///
    /// Where the connection ends before the answer, or nothing came in time.
    pub fn ask_within(&mut self, patience: Duration, path: &str) -> io::Result<String> {
        self.0.get_ref().set_read_timeout(Some(patience))?;
        self.ask(path)
    }

    /// Waits until the other side ends the connection, of which nothing more is expected.
    ///
    /// # Errors
    ///
    /// How it ended, unless by FIN.
    pub fn wait_for_end(&mut self) -> io::Result<()> {
        match self.0.read(&mut [0])? {
            0 => Ok(()),
            _ => panic!("it says something more"),
        }
    }
}

fn parse(answer: &str) -> Answer {
    let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    let status = head.split(' ').nth(1).expect("a status line");
    Answer {
        status: status.parse().unwrap(),
        body: body.to_owned(),
    }
}
