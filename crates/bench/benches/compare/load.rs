//! The load generator: keep-alive connections on one thread, one request at a time each, every response checked.
//!
//! It must be cheap, because it shares the machine with the server: a request is one `write`, a response one `read`.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::data::Random;

/// A request and its expected response.
pub struct Exchange {
    pub request: Vec<u8>,
    pub status: u16,
    pub body: Check,
}

/// What the response's body must be.
#[derive(Clone)]
pub enum Check {
    Exactly(Vec<u8>),
    Holds(Vec<u8>),
}

/// When a round ends.
#[derive(Clone, Copy)]
pub enum Until {
    Time(Duration),
    /// Each exchange once, in order.
    AllOnce,
}

/// The result of a round.
#[derive(Debug, Default, Clone)]
pub struct Round {
    pub answers: usize,
    pub time: Duration,
    pub worst: Duration,
    /// How many responses were wrong, and the first of them.
    pub wrong: usize,
    pub example: Option<String>,
}

impl Round {
    /// Adds the result of another round.
    pub fn add(&mut self, other: &Round) {
        self.answers += other.answers;
        self.time += other.time;
        self.worst = self.worst.max(other.worst);
        self.wrong += other.wrong;
        self.example = self.example.take().or_else(|| other.example.clone());
    }

    pub fn rate(&self) -> f64 {
        self.answers as f64 / self.time.as_secs_f64().max(1e-9)
    }
}

struct Connection {
    stream: TcpStream,
    exchange: usize,
    sent_at: Instant,
    unsent: usize,
    head: Vec<u8>,
    /// How much of the body is still to come; `None` while the head is.
    left: Option<usize>,
    at: usize,
    collected: Vec<u8>,
    right: bool,
    status: u16,
    idle: bool,
}

/// Sends `exchanges` over `connections` to `address`, in a random order or each once.
pub fn run(
    address: SocketAddr,
    connections: usize,
    exchanges: &[Exchange],
    until: Until,
) -> io::Result<Round> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut all = Vec::with_capacity(connections);
    for number in 0..connections {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(
            &mut stream,
            Token(number),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        all.push(Connection::of(stream));
    }
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut next = 0;
    let mut choose = move || match until {
        Until::Time(_) => Some(random.below(exchanges.len())),
        Until::AllOnce => {
            next += 1;
            (next <= exchanges.len()).then_some(next - 1)
        }
    };
    let mut round = Round::default();
    let mut buffer = vec![0; 256 * 1024];
    let start = Instant::now();
    let mut open = 0;
    for connection in &mut all {
        if let Some(exchange) = choose() {
            connection.send(exchange, exchanges)?;
            open += 1;
        }
    }
    let mut over = false;
    while open > 0 {
        poll.poll(&mut events, Some(Duration::from_secs(60)))?;
        if events.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the server has not answered for a minute",
            ));
        }
        if let Until::Time(limit) = until {
            over = over || start.elapsed() >= limit;
        }
        for event in &events {
            let connection = &mut all[event.token().0];
            if connection.unsent > 0 && event.is_writable() {
                connection.flush(exchanges)?;
            }
            if !event.is_readable() || connection.idle {
                continue;
            }
            loop {
                let count = match connection.stream.read(&mut buffer) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(count) => count,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                };
                if connection.take(&buffer[..count], exchanges)? {
                    connection.judge(&mut round, exchanges);
                    match choose().filter(|_| !over) {
                        Some(exchange) => connection.send(exchange, exchanges)?,
                        None => {
                            connection.idle = true;
                            open -= 1;
                            break;
                        }
                    }
                }
                if count < buffer.len() {
                    // Edge-triggered: later data makes another event.
                    break;
                }
            }
        }
    }
    round.time = start.elapsed();
    Ok(round)
}

/// Sequential requests over one connection with a pause in between, so that the measured wait is the server's, not the
/// load's.
pub struct Paced<'a> {
    connection: Connection,
    exchanges: &'a [Exchange],
    random: Random,
    pub round: Round,
    /// The latency of each request.
    pub waits: Vec<Duration>,
}

impl<'a> Paced<'a> {
    pub fn new(address: SocketAddr, exchanges: &'a [Exchange]) -> io::Result<Paced<'a>> {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let connection = Connection::of(TcpStream::from_std(stream));
        let random = Random(0x9e37_79b9_7f4a_7c15);
        Ok(Paced {
            connection,
            exchanges,
            random,
            round: Round::default(),
            waits: Vec::new(),
        })
    }

    /// Sends a request and waits for the response.
    pub fn ask(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let Paced {
            connection,
            exchanges,
            ..
        } = self;
        connection.send(self.random.below(exchanges.len()), exchanges)?;
        loop {
            let count = connection.stream.read(buffer)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if connection.take(&buffer[..count], exchanges)? {
                break;
            }
        }
        self.waits.push(connection.sent_at.elapsed());
        connection.judge(&mut self.round, exchanges);
        Ok(())
    }
}

impl Connection {
    fn of(stream: TcpStream) -> Connection {
        Connection {
            stream,
            exchange: 0,
            sent_at: Instant::now(),
            unsent: 0,
            head: Vec::new(),
            left: None,
            at: 0,
            collected: Vec::new(),
            right: true,
            status: 0,
            idle: true,
        }
    }

    fn send(&mut self, exchange: usize, exchanges: &[Exchange]) -> io::Result<()> {
        self.exchange = exchange;
        self.sent_at = Instant::now();
        self.idle = false;
        self.unsent = exchanges[exchange].request.len();
        self.flush(exchanges)
    }

    fn flush(&mut self, exchanges: &[Exchange]) -> io::Result<()> {
        let request = &exchanges[self.exchange].request;
        while self.unsent > 0 {
            match self.stream.write(&request[request.len() - self.unsent..]) {
                Ok(count) => self.unsent -= count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Consumes received bytes; returns whether they complete the response.
    fn take(&mut self, bytes: &[u8], exchanges: &[Exchange]) -> io::Result<bool> {
        let mut part = bytes;
        let held;
        if self.left.is_none() {
            if !self.head.is_empty() {
                self.head.extend_from_slice(bytes);
                held = std::mem::take(&mut self.head);
                part = &held;
            }
            let Some(end) = memchr::memmem::find(part, b"\r\n\r\n") else {
                self.head = part.to_vec();
                return Ok(false);
            };
            let (status, length) = read_head(&part[..end + 2])?;
            (self.status, self.left, self.at, self.right) = (status, Some(length), 0, true);
            self.collected.clear();
            return Ok(self.body(&part[end + 4..], exchanges));
        }
        Ok(self.body(part, exchanges))
    }

    fn body(&mut self, part: &[u8], exchanges: &[Exchange]) -> bool {
        let left = self.left.unwrap_or(0);
        let part = &part[..part.len().min(left)];
        match &exchanges[self.exchange].body {
            Check::Exactly(wanted) => {
                self.right &= wanted.get(self.at..self.at + part.len()) == Some(part);
                if !self.right && self.collected.is_empty() {
                    self.collected.extend_from_slice(part);
                }
            }
            Check::Holds(_) => self.collected.extend_from_slice(part),
        }
        self.at += part.len();
        self.left = Some(left - part.len());
        left == part.len()
    }

    fn judge(&mut self, round: &mut Round, exchanges: &[Exchange]) {
        let exchange = &exchanges[self.exchange];
        let right = self.status == exchange.status
            && match &exchange.body {
                Check::Exactly(wanted) => self.right && self.at == wanted.len(),
                Check::Holds(wanted) => memchr::memmem::find(&self.collected, wanted).is_some(),
            };
        round.answers += 1;
        round.worst = round.worst.max(self.sent_at.elapsed());
        if !right {
            round.wrong += 1;
            round.example.get_or_insert_with(|| {
                let asked = String::from_utf8_lossy(&exchange.request)
                    .lines()
                    .next()
                    .unwrap_or("")
                    .to_string();
                let body = String::from_utf8_lossy(&self.collected)
                    .chars()
                    .take(200)
                    .collect::<String>();
                format!("{asked} -> {} {body}", self.status)
            });
        }
        self.left = None;
    }
}

/// The status and the body's length.
fn read_head(head: &[u8]) -> io::Result<(u16, usize)> {
    let bad = || {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "the answer has no status and Content-Length",
        )
    };
    let number = |digits: &[u8]| {
        std::str::from_utf8(digits)
            .ok()?
            .trim()
            .parse::<usize>()
            .ok()
    };
    let status = head.get(9..12).and_then(number).ok_or_else(bad)? as u16;
    let mut lines = head.split(|byte| *byte == b'\n');
    let length = lines.find_map(|line| {
        let (name, value) = line.split_at_checked(15)?;
        if name.eq_ignore_ascii_case(b"content-length:") {
            number(value)
        } else {
            None
        }
    });
    match (length, status) {
        (Some(length), _) => Ok((status, length)),
        (None, 204 | 304) => Ok((status, 0)),
        _ => Err(bad()),
    }
}
