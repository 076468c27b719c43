//! The measurements, and the table of their medians.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use super::data::{self, User};
use super::load::{Check, Exchange, Paced, Round, Until, run};
use super::peers::{Kind, Program, Running, ask, tell};
use super::works::{Work, posts};
use super::{Options, Outcome};

/// The rates of one kind of request.
pub struct Row {
    count: usize,
    work: Work,
    bare: f64,
    /// The bare route with standin's headers.
    dressed: f64,
    /// Name, rate, and its ratios to the two.
    servers: Vec<(String, f64, f64, f64)>,
    /// Microseconds of the processor for an answer, in user and in kernel mode: the bare routes, then the servers.
    processor: Vec<[f64; 2]>,
}

/// All rows.
#[derive(Default)]
pub struct Table {
    pub rows: Vec<Row>,
}

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
        // Each has a file of its own: a standin locks its file.
        let own = folder.path().join(format!("own-{number}.json"));
        std::fs::copy(&file, &own)?;
        servers.push(if work == Work::Post { None } else { Some(program.start(&own)?) });
    }
    let sample = match servers.first() {
        Some(Some(server)) => ask(server.address, target(&exact[0]))?,
        _ => {
            let server = options.programs[0].start(&file)?;
            answer_to_post(&server)?
        }
    };
    let mut yardsticks =
        vec![yardstick(folder.path(), &sample, false, None)?, yardstick(folder.path(), &sample, true, None)?];
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
        let all = yardsticks.iter().map(Some).chain(servers.iter().map(Option::as_ref));
        all.map(|server| server.and_then(Running::processor).unwrap_or_default()).collect()
    };
    let before = times();
    for number in 0..=options.rounds {
        let time = Until::Time(if number == 0 { options.round / 4 } else { options.round });
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
                let name = at.checked_sub(bares).map_or("the bare route", |at| programs[at].name.as_str());
                return Err(format!("{name} gave {} wrong answers, the first: {example}", round.wrong).into());
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
    let ratio = |one: &[f64], other: &[f64]| median(one.iter().zip(other).map(|(one, other)| one / other));
    let row = Row {
        count,
        work,
        bare: median(rates[0].iter().copied()),
        dressed: median(rates[1].iter().copied()),
        servers: std::iter::repeat_n("bare route that saves", bares - 2)
            .chain(programs.iter().map(|program| program.name.as_str()))
            .zip(&rates[2..])
            .map(|(name, own)| {
                (name.to_string(), median(own.iter().copied()), ratio(own, &rates[0]), ratio(own, &rates[1]))
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

/// A request as the 1.0 line of json-server wants it.
fn in_newer_words(exchange: &Exchange) -> Exchange {
    let request = String::from_utf8_lossy(&exchange.request).replace("&_limit=", "&_per_page=").into_bytes();
    Exchange { request, status: exchange.status, body: exchange.body.clone() }
}

/// Whether another server can do the work at all, and within reason.
fn takes(program: &Program, count: usize, work: Work) -> bool {
    match program.kind {
        Kind::Standin => true,
        Kind::JsonServer => count <= 100_000 && !(is_one(program) && matches!(work, Work::Like | Work::FullText)),
        Kind::Mocks => count <= 100_000 && matches!(work, Work::ById | Work::WholeList),
    }
}

/// Data of no more records is written to a file without a journal.
const SMALL: usize = 10_000;

/// How many records are added to small data before it is put back to what it was: it is to stay small.
pub const TOGETHER: usize = 500;

/// The writes that go before a round have e-mail addresses of rounds from here on.
const WARM_UP: usize = 1_000_000;

/// A round of writes on a fresh copy of the file, in which all that was acknowledged must be found afterwards.
fn save(program: &Program, folder: &Path, count: usize, number: usize, connections: usize) -> Outcome<Round> {
    let copy = folder.join(format!("copy-{number}.json"));
    std::fs::copy(folder.join("db.json"), &copy)?;
    std::fs::copy(folder.join("db.schema.json"), copy.with_extension("schema.json"))?;
    let server = program.start(&copy)?;
    if program.kind != Kind::Standin {
        let many = if count <= SMALL { 300 } else { 32 };
        return run(server.address, connections, &posts(number, many), Until::AllOnce).map_err(Into::into);
    }
    // A process that has just begun has its code to read in yet; the others have a second and more for that.
    run(server.address, connections, &posts(number + WARM_UP, 320), Until::AllOnce)?;
    let exchanges = posts(number, if count <= SMALL { 2000 } else { 4000 });
    let mut round = Round::default();
    for part in exchanges.chunks(if count <= SMALL { TOGETHER } else { exchanges.len() }) {
        let reset = tell(server.address, "POST", "/-/reset")?;
        if !reset.starts_with(b"HTTP/1.1 200") {
            return Err("the data cannot be put back".into());
        }
        let of_part = run(server.address, connections, part, Until::AllOnce)?;
        round.add(&of_part);
        // A small file holds a write when it is acknowledged, a large one within a second.
        let latest = Instant::now() + if count <= SMALL { Duration::ZERO } else { Duration::from_secs(1) };
        loop {
            let text = std::fs::read(&copy)?;
            let is_there = |exchange: &Exchange| match &exchange.body {
                Check::Holds(email) => memchr::memmem::find(&text, email).is_some(),
                Check::Exactly(_) => true,
            };
            // The last ones come last, so that a file that lags behind is found out soon.
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

/// A bare route that gives the body of `sample`, with its headers too or with its `Content-Type` alone.
fn yardstick(folder: &Path, sample: &[u8], headers: bool, saved: Option<&Path>) -> Outcome<Running> {
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
fn like(sample: &[u8], exchanges: &[Exchange], status: u16) -> Vec<Exchange> {
    let end = memchr::memmem::find(sample, b"\r\n\r\n").map_or(0, |end| end + 4);
    let body = Check::Exactly(sample[end..].to_vec());
    exchanges.iter().map(|one| Exchange { request: one.request.clone(), status, body: body.clone() }).collect()
}

fn target(exchange: &Exchange) -> &str {
    let text = std::str::from_utf8(&exchange.request).unwrap_or("");
    text.split(' ').nth(1).unwrap_or("/")
}

fn answer_to_post(server: &Running) -> Outcome<Vec<u8>> {
    use std::io::Read;
    let mut stream = std::net::TcpStream::connect(server.address)?;
    let request = posts(usize::MAX, 1).remove(0).request;
    stream.write_all(String::from_utf8(request)?.replacen("Host:", "Connection: close\r\nHost:", 1).as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// The time of one client's POST beside that of writing the file.
pub fn single_writes(options: &Options) -> Outcome<()> {
    if !options.wants("single") {
        return Ok(());
    }
    println!(
        "| records | file | plain write and flush | POST of a single client | ratio |\n| --- | --- | --- | --- | --- |"
    );
    for count in options.records.iter().filter(|count| **count <= 100_000) {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("db.json");
        let text = data::file(*count);
        std::fs::write(&file, &text)?;
        std::fs::write(folder.path().join("db.schema.json"), data::RULES)?;
        let server = options.programs[0].start(&file)?;
        let (mut plain, mut post) = (Vec::new(), Vec::new());
        for number in 0..options.rounds.max(5) * 3 {
            let start = Instant::now();
            let other = folder.path().join("other.json");
            let mut out = std::fs::File::create(&other)?;
            out.write_all(text.as_bytes())?;
            out.sync_all()?;
            plain.push(start.elapsed().as_secs_f64());
            let round = run(server.address, 1, &posts(number, 1), Until::AllOnce)?;
            if let Some(example) = round.example {
                return Err(example.into());
            }
            post.push(round.worst.as_secs_f64());
        }
        let (plain, post) = (median(plain), median(post));
        println!(
            "| {} | {:.1} MB | {:.2} ms | {:.2} ms | {:.2} |",
            grouped(*count),
            text.len() as f64 / 1e6,
            plain * 1e3,
            post * 1e3,
            post / plain
        );
    }
    println!();
    Ok(())
}

/// From the start of the process to the first answer, and the memory after that.
pub fn starts(options: &Options) -> Outcome<()> {
    if !options.wants("start") && !options.wants("memory") {
        return Ok(());
    }
    println!(
        "| server | records | file | start to first answer | of file a second | resident memory | of the file |\n| --- | --- | --- | --- | --- | --- | --- |"
    );
    for count in std::iter::once(&0).chain(&options.records) {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("db.json");
        let text = data::file(*count);
        std::fs::write(&file, &text)?;
        for program in &options.programs {
            if program.kind != Kind::Standin && *count > 100_000 {
                continue;
            }
            let mut times = Vec::new();
            let mut memory = Vec::new();
            for _ in 0..options.rounds.max(5) {
                let server = program.start(&file)?;
                times.push(server.start.as_secs_f64());
                memory.push(server.memory().unwrap_or(0) as f64);
            }
            let (time, memory, size) = (median(times), median(memory), text.len() as f64);
            println!(
                "| {} | {} | {:.1} MB | {:.1} ms | {:.0} MB | {:.1} MB | {:.1} |",
                program.name,
                grouped(*count),
                size / 1e6,
                time * 1e3,
                size / 1e6 / time,
                memory / 1e6,
                memory / size
            );
        }
    }
    println!();
    Ok(())
}

/// How long reads wait while the file is read again after an edit of one record.
pub fn reload(options: &Options) -> Outcome<()> {
    if !options.wants("reload") {
        return Ok(());
    }
    println!(
        "| records | file | | until it is seen | reads | half within | 999 of 1,000 within | longest wait | of the bare route |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    );
    for count in &options.records {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("db.json");
        let text = data::file(*count);
        std::fs::write(&file, &text)?;
        let server = options.programs[0].start(&file)?;
        // The first record is the one that is edited, so it is not among those asked for.
        let reads: Vec<Exchange> =
            Work::ById.exchanges(*count, true).into_iter().filter(|one| target(one) != "/users/1").collect();
        let sample = ask(server.address, target(&reads[0]))?;
        let bare = yardstick(folder.path(), &sample, true, None)?;
        let same = like(&sample, &reads, 200);
        let row = |what: &str, seen: Option<Duration>, [mut waits, mut bare]: [Vec<Duration>; 2]| {
            waits.sort_unstable();
            bare.sort_unstable();
            let at = |waits: &[Duration], part: f64| {
                let place = ((waits.len() as f64 * part) as usize).min(waits.len().saturating_sub(1));
                waits.get(place).map_or(0.0, |wait| wait.as_secs_f64() * 1e3)
            };
            println!(
                "| {} | {:.1} MB | {what} | {} | {} | {:.2} ms | {:.2} ms | {:.2} ms | {:.2} ms |",
                grouped(*count),
                text.len() as f64 / 1e6,
                seen.map_or(String::new(), |seen| format!("{:.0} ms", seen.as_secs_f64() * 1e3)),
                grouped(waits.len()),
                at(&waits, 0.5),
                at(&waits, 0.999),
                at(&waits, 1.0),
                at(&bare, 1.0),
            );
        };
        // What the machine makes both wait, it makes wait beside an edit, too: the two are asked in turn.
        let (mut still, mut edited, mut time) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()], Duration::ZERO);
        for number in 0..options.rounds {
            let start = Instant::now();
            waits(&server, &reads, &bare, &same, &mut still, || start.elapsed() > Duration::from_secs(2))?;
            let email = format!("edited.{number}@example.org");
            let other = folder.path().join("edit.json");
            std::fs::write(&other, text.replacen(&User(1).email(), &email, 1))?;
            std::fs::rename(&other, &file)?;
            let start = Instant::now();
            let (mut asked, mut seen) = (start, None);
            waits(&server, &reads, &bare, &same, &mut edited, || {
                if seen.is_none() && asked.elapsed() >= Duration::from_millis(20) {
                    asked = Instant::now();
                    let first = ask(server.address, "/users/1").unwrap_or_default();
                    seen = memchr::memmem::find(&first, email.as_bytes()).map(|_| Instant::now());
                }
                // What the data of before leaves to do is part of it.
                seen.is_some_and(|seen| seen.elapsed() > AFTER) || start.elapsed() > Duration::from_secs(60)
            })?;
            time += seen.ok_or("the edit has not been taken in within a minute")? - start;
        }
        row("no edit", None, still);
        row("an edit", Some(time / options.rounds as u32), edited);
    }
    println!();
    Ok(())
}

/// Asks a server and the bare route in turn, with pauses, until it is `over`, and adds how long the answers took.
fn waits(
    server: &Running,
    reads: &[Exchange],
    bare: &Running,
    same: &[Exchange],
    all: &mut [Vec<Duration>; 2],
    mut over: impl FnMut() -> bool,
) -> Outcome<()> {
    let mut both = [Paced::new(server.address, reads)?, Paced::new(bare.address, same)?];
    let mut buffer = vec![0; 64 * 1024];
    while !over() {
        for one in &mut both {
            one.ask(&mut buffer)?;
            std::thread::sleep(PACE);
        }
    }
    for (one, all) in both.into_iter().zip(all) {
        if let Some(example) = one.round.example {
            return Err(format!("an answer was wrong: {example}").into());
        }
        all.extend(one.waits);
    }
    Ok(())
}

/// How long reads go on after an edit has been seen.
const AFTER: Duration = Duration::from_millis(500);

/// How long to wait between two reads whose waits are told.
const PACE: Duration = Duration::from_micros(300);

/// The one in the middle.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// A number with commas between its thousands.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "| {} | {} | {} | {} |",
            grouped(self.count),
            self.work.title(),
            grouped(self.bare as usize),
            grouped(self.dressed as usize)
        )?;
        for (_, rate, bare, dressed) in &self.servers {
            if *rate == 0.0 {
                // It cannot do this work, or was not asked to.
                write!(formatter, " |")?;
                continue;
            }
            write!(formatter, " {} ({bare:.2}, {dressed:.2}) |", grouped(*rate as usize))?;
        }
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = Vec::new();
        for (name, ..) in self.rows.iter().flat_map(|row| &row.servers) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        writeln!(
            formatter,
            "Answers a second; in brackets the ratio to the bare route, without and with the same headers.\n"
        )?;
        writeln!(formatter, "| records | work | bare route | with the same headers | {} |", names.join(" | "))?;
        writeln!(formatter, "| --- | --- | --- | --- |{}", " --- |".repeat(names.len()))?;
        for row in &self.rows {
            let found = |name: &&str| row.servers.iter().find(|(known, ..)| known == *name).cloned();
            let servers = names.iter().map(|name| found(name).unwrap_or((String::new(), 0.0, 0.0, 0.0))).collect();
            writeln!(formatter, "{}", Row { servers, processor: Vec::new(), ..*row })?;
        }
        writeln!(formatter, "\nMicroseconds of the processor for an answer, in user + kernel mode.\n")?;
        writeln!(formatter, "| records | work | bare route | with the same headers | {} |", names.join(" | "))?;
        writeln!(formatter, "| --- | --- | --- | --- |{}", " --- |".repeat(names.len()))?;
        for row in self.rows.iter().filter(|row| row.work != Work::Post) {
            let times = row.processor.iter().map(|[user, kernel]| format!(" {user:.1} + {kernel:.1} |"));
            writeln!(formatter, "| {} | {} |{}", grouped(row.count), row.work.title(), times.collect::<String>())?;
        }
        Ok(())
    }
}
