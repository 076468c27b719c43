//! Latencies: of a single write, of a start, and of reads during a reload.

use std::io::Write;
use std::time::{Duration, Instant};

use super::data::{self, User};
use super::load::{Exchange, Paced, Until, run};
use super::peers::{Kind, Running, ask};
use super::rates::{like, target, yardstick};
use super::table::{grouped, median};
use super::works::{Work, posts};
use super::{Options, Outcome};

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

/// How long reads wait during the reload after an edit of one record.
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
        // The first record is the one that is edited, so it is not requested.
        let reads: Vec<Exchange> = Work::ById
            .exchanges(*count, true)
            .into_iter()
            .filter(|one| target(one) != "/users/1")
            .collect();
        let sample = ask(server.address, target(&reads[0]))?;
        let bare = yardstick(folder.path(), &sample, true, None)?;
        let same = like(&sample, &reads, 200);
        let row = |what: &str,
                   seen: Option<Duration>,
                   [mut waits, mut bare]: [Vec<Duration>; 2]| {
            waits.sort_unstable();
            bare.sort_unstable();
            let at = |waits: &[Duration], part: f64| {
                let place =
                    ((waits.len() as f64 * part) as usize).min(waits.len().saturating_sub(1));
                waits
                    .get(place)
                    .map_or(0.0, |wait| wait.as_secs_f64() * 1e3)
            };
            println!(
                "| {} | {:.1} MB | {what} | {} | {} | {:.2} ms | {:.2} ms | {:.2} ms | {:.2} ms |",
                grouped(*count),
                text.len() as f64 / 1e6,
                seen.map_or(String::new(), |seen| format!(
                    "{:.0} ms",
                    seen.as_secs_f64() * 1e3
                )),
                grouped(waits.len()),
                at(&waits, 0.5),
                at(&waits, 0.999),
                at(&waits, 1.0),
                at(&bare, 1.0),
            );
        };
        // The two are requested in turn, because other load on the machine slows both.
        let (mut still, mut edited, mut time) = (
            [Vec::new(), Vec::new()],
            [Vec::new(), Vec::new()],
            Duration::ZERO,
        );
        for number in 0..options.rounds {
            let start = Instant::now();
            waits(&server, &reads, &bare, &same, &mut still, || {
                start.elapsed() > Duration::from_secs(2)
            })?;
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
                // Freeing the old data is a part of it.
                seen.is_some_and(|seen| seen.elapsed() > AFTER)
                    || start.elapsed() > Duration::from_secs(60)
            })?;
            time += seen.ok_or("the edit was not loaded within a minute")? - start;
        }
        row("no edit", None, still);
        row("an edit", Some(time / options.rounds as u32), edited);
    }
    println!();
    Ok(())
}

/// Sends requests to a server and the bare route in turn, with pauses, until `over`, and records the latencies.
fn waits(
    server: &Running,
    reads: &[Exchange],
    bare: &Running,
    same: &[Exchange],
    all: &mut [Vec<Duration>; 2],
    mut over: impl FnMut() -> bool,
) -> Outcome<()> {
    let mut both = [
        Paced::new(server.address, reads)?,
        Paced::new(bare.address, same)?,
    ];
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

/// The pause between two measured reads.
const PACE: Duration = Duration::from_micros(300);
