//! Requests per second, compared with the bare routes.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use super::data;
use super::load::{Check, Exchange, Round, Until, run};
use super::peers::{Kind, Program, Running, ask, tell};
use super::table::{Row, median};
use super::works::{Work, posts};
use super::{Options, Outcome};
/// Measures `work` on `count` records.
pub fn requests(options: &Options, count: usize, work: Work) -> Outcome<Row> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("db.json");
    std::fs::write(&file, data::file(count))?;
    if work == Work::Post {
        std::fs::write(folder.path().join("db.schema.json"), data::RULES)?;
    }
    let programs: Vec<&Program> = options
        .programs
        .iter()
        .filter(|program| program.kind == Kind::Standin || takes(program, count, work))
        .collect();
    let exact = work.exchanges(count, true);
    let loose = work.exchanges(count, false);
    let newer: Vec<Exchange> = loose.iter().map(in_newer_words).collect();
    let mut servers: Vec<Option<Running>> = Vec::new();
    for (number, program) in programs.iter().enumerate() {
        // Each has its own file, because standin locks it.
        let own = folder.path().join(format!("own-{number}.json"));
        std::fs::copy(&file, &own)?;
        servers.push(if work == Work::Post {
            None
        } else {
            Some(program.start(&own)?)
        });
    }
    let sample = match servers.first() {
        Some(Some(server)) => ask(server.address, target(&exact[0]))?,
        _ => {
            let server = options.programs[0].start(&file)?;
            answer_to_post(&server)?
        }
    };
    let mut yardsticks = vec![
        yardstick(folder.path(), &sample, false, None)?,
        yardstick(folder.path(), &sample, true, None)?,
    ];
    if work == Work::Post && count <= SMALL {
        let saved = folder.path().join("saved.json");
        std::fs::copy(&file, &saved)?;
        yardsticks.push(yardstick(folder.path(), &sample, true, Some(&saved))?);
    }
    let bares = yardsticks.len();
    let same = like(&sample, &exact, if work == Work::Post { 201 } else { 200 });
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); servers.len() + bares];
    let mut answers = vec![0; servers.len() + bares];
    let times = || -> Vec<[f64; 2]> {
        let all = yardsticks
            .iter()
            .map(Some)
            .chain(servers.iter().map(Option::as_ref));
        all.map(|server| server.and_then(Running::processor).unwrap_or_default())
            .collect()
    };
    let before = times();
    for number in 0..=options.rounds {
        let time = Until::Time(if number == 0 {
            options.round / 4
        } else {
            options.round
        });
        let mut round = Vec::new();
        for yardstick in &yardsticks {
            round.push(run(yardstick.address, options.connections, &same, time)?);
        }
        for (program, server) in programs.iter().zip(&servers) {
            let exchanges = match program.kind {
                Kind::Standin => &exact,
                Kind::JsonServer if is_one(program) => &newer,
                _ => &loose,
            };
            round.push(match server {
                Some(server) => run(server.address, options.connections, exchanges, time)?,
                None => save(program, folder.path(), count, number, options.connections)?,
            });
        }
        for (at, round) in round.iter().enumerate() {
            if let Some(example) = &round.example {
                let name = at
                    .checked_sub(bares)
                    .map_or("the bare route", |at| programs[at].name.as_str());
                return Err(format!(
                    "{name} gave {} wrong answers, the first: {example}",
                    round.wrong
                )
                .into());
            }
            answers[at] += round.answers;
            if number > 0 {
                rates[at].push(round.rate());
            }
        }
    }
    let spent = |(at, (before, after)): (usize, (&[f64; 2], [f64; 2]))| {
        [0, 1].map(|mode| (after[mode] - before[mode]) * 1e6 / answers[at].max(1) as f64)
    };
    let processor = before.iter().zip(times()).enumerate().map(spent).collect();
    let ratio =
        |one: &[f64], other: &[f64]| median(one.iter().zip(other).map(|(one, other)| one / other));
    let row = Row {
        count,
        work,
        bare: median(rates[0].iter().copied()),
        dressed: median(rates[1].iter().copied()),
        servers: std::iter::repeat_n("bare route that saves", bares - 2)
            .chain(programs.iter().map(|program| program.name.as_str()))
            .zip(&rates[2..])
            .map(|(name, own)| {
                (
                    name.to_string(),
                    median(own.iter().copied()),
                    ratio(own, &rates[0]),
                    ratio(own, &rates[1]),
                )
            })
            .collect(),
        processor,
    };
    println!("{row}");
    Ok(row)
}

/// Whether it is the 1.0 line of json-server.
fn is_one(program: &Program) -> bool {
    !program.name.contains(" 0.")
}

/// Translates a request for the 1.0 line of json-server.
fn in_newer_words(exchange: &Exchange) -> Exchange {
    let request = String::from_utf8_lossy(&exchange.request)
        .replace("&_limit=", "&_per_page=")
        .into_bytes();
    Exchange {
        request,
        status: exchange.status,
        body: exchange.body.clone(),
    }
}

/// Whether another server can do the work in reasonable time.
fn takes(program: &Program, count: usize, work: Work) -> bool {
    match program.kind {
        Kind::Standin => true,
        Kind::JsonServer => {
            count <= 100_000 && !(is_one(program) && matches!(work, Work::Like | Work::FullText))
        }
        Kind::Mocks => count <= 100_000 && matches!(work, Work::ById | Work::WholeList),
    }
}

/// Data of no more records is written to a file without a journal.
const SMALL: usize = 10_000;

/// How many records are added to small data before it is restored, to keep it small.
pub const TOGETHER: usize = 500;

/// Warm-up writes have the e-mail addresses of rounds from here on.
const WARM_UP: usize = 1_000_000;

/// A round of writes on a fresh copy of the file, which must have all acknowledged writes afterwards.
fn save(
    program: &Program,
    folder: &Path,
    count: usize,
    number: usize,
    connections: usize,
) -> Outcome<Round> {
    let copy = folder.join(format!("copy-{number}.json"));
    std::fs::copy(folder.join("db.json"), &copy)?;
    std::fs::copy(
        folder.join("db.schema.json"),
        copy.with_extension("schema.json"),
    )?;
    let server = program.start(&copy)?;
    if program.kind != Kind::Standin {
        let many = if count <= SMALL { 300 } else { 32 };
        return run(
            server.address,
            connections,
            &posts(number, many),
            Until::AllOnce,
        )
        .map_err(Into::into);
    }
    // Warm up: a process that has just started still has to load its code.
    run(
        server.address,
        connections,
        &posts(number + WARM_UP, 320),
        Until::AllOnce,
    )?;
    let exchanges = posts(number, if count <= SMALL { 2000 } else { 4000 });
    let mut round = Round::default();
    for part in exchanges.chunks(if count <= SMALL {
        TOGETHER
    } else {
        exchanges.len()
    }) {
        let reset = tell(server.address, "POST", "/-/reset")?;
        if !reset.starts_with(b"HTTP/1.1 200") {
            return Err("the data cannot be put back".into());
        }
        let of_part = run(server.address, connections, part, Until::AllOnce)?;
        round.add(&of_part);
        // A small file has a write when it is acknowledged, a large one within a second.
        let latest = Instant::now()
            + if count <= SMALL {
                Duration::ZERO
            } else {
                Duration::from_secs(1)
            };
        loop {
            let text = std::fs::read(&copy)?;
            let is_there = |exchange: &Exchange| match &exchange.body {
                Check::Holds(email) => memchr::memmem::find(&text, email).is_some(),
                Check::Exactly(_) => true,
            };
            // Check the last ones first, to find a missing write early.
            if part.iter().rev().all(is_there) {
                break;
            }
            if Instant::now() >= latest {
                return Err("a write was acknowledged and is not in the file".into());
            }
        }
    }
    drop(server);
    std::fs::remove_file(&copy)?;
    Ok(round)
}

/// A bare route that sends the body of `sample`, with all its headers or just its `Content-Type`.
pub fn yardstick(
    folder: &Path,
    sample: &[u8],
    headers: bool,
    saved: Option<&Path>,
) -> Outcome<Running> {
    let end = memchr::memmem::find(sample, b"\r\n\r\n").ok_or("the answer has no head")?;
    let file = folder.join(format!("bare-{headers}"));
    let mut out = std::fs::File::create(&file)?;
    for line in std::str::from_utf8(&sample[..end])?.lines().skip(1) {
        let name = line.split(':').next().unwrap_or("").to_ascii_lowercase();
        let own = ["content-length", "date", "connection"].contains(&name.as_str());
        if !own && (headers || name == "content-type") {
            writeln!(out, "{line}")?;
        }
    }
    writeln!(out)?;
    out.write_all(&sample[end + 4..])?;
    Running::bare(&file, saved)
}

/// The requests of `exchanges`, all answered as in `sample`.
pub fn like(sample: &[u8], exchanges: &[Exchange], status: u16) -> Vec<Exchange> {
    let end = memchr::memmem::find(sample, b"\r\n\r\n").map_or(0, |end| end + 4);
    let body = Check::Exactly(sample[end..].to_vec());
    exchanges
        .iter()
        .map(|one| Exchange {
            request: one.request.clone(),
            status,
            body: body.clone(),
        })
        .collect()
}

pub fn target(exchange: &Exchange) -> &str {
    let text = std::str::from_utf8(&exchange.request).unwrap_or("");
    text.split(' ').nth(1).unwrap_or("/")
}

fn answer_to_post(server: &Running) -> Outcome<Vec<u8>> {
    use std::io::Read;
    let mut stream = std::net::TcpStream::connect(server.address)?;
    let request = posts(usize::MAX, 1).remove(0).request;
    stream.write_all(
        String::from_utf8(request)?
            .replacen("Host:", "Connection: close\r\nHost:", 1)
            .as_bytes(),
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
