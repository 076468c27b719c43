//! The cost of a write, from the command to the acknowledgement: `cargo bench -p standin-bench --bench saves`.
//!
//! The latency of one writer, and the throughput of 64 writers (group commit), by the size of the file, with and
//! without fsync and a journal. The file is in the build folder, so the numbers are those of that disk.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use standin::internals::engine::{Engine, FileSource, Journaling, Rulebook};
use standin::internals::file::{DataFile, Durability, Loaded, RealDisk, Role};
use standin::internals::json::{Id, Object};
use standin::internals::schema::Schema;
use standin::internals::store::{Command, Merge, Operation, Settings};

const SIZES: [(&str, usize); 6] = [
    ("1 KB", 1_000),
    ("100 KB", 100_000),
    ("300 KB", 300_000),
    ("1 MB", 1_000_000),
    ("10 MB", 10_000_000),
    ("100 MB", 100_000_000),
];

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("db.json");
    println!(
        "{:>8}  {:>8}  {:>8}  {:>12}  {:>12}  {:>14}",
        "file", "flush", "journal", "median", "95 of 100", "64 writers"
    );
    for (name, size) in SIZES {
        let ways = [("yes", Durability::Synced), ("no", Durability::Written)];
        let ways = ways
            .iter()
            .flat_map(|way| [(way, "no", usize::MAX), (way, "yes", 0)]);
        for ((flush, durability), journal, above) in ways {
            std::fs::write(&path, data(size)).unwrap();
            let engine = Arc::new(open(&path, *durability, above));
            let mut times = one_writer(&engine, Duration::from_secs(2));
            let rate = many_writers(&engine, Duration::from_secs(2));
            times.sort();
            let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
            println!(
                "{name:>8}  {flush:>8}  {journal:>8}  {:>12}  {:>12}  {rate:>10.0} / s",
                show(at(50)),
                show(at(95))
            );
        }
    }
}

/// A file of about `size` bytes: ordinary records, indented by two spaces.
fn data(size: usize) -> String {
    let mut text = String::from("{\n  \"posts\": [");
    let mut id = 0;
    while text.len() + 20 < size || id == 0 {
        id += 1;
        let comma = if id > 1 { "," } else { "" };
        text.push_str(&format!(
            "{comma}\n    {{\n      \"id\": {id},\n      \"title\": \"The title of number {id}\",\n      \"body\": \"Some words about it, as long as such words are.\",\n      \"views\": {}\n    }}",
            id * 7 % 1000
        ));
    }
    text.push_str("\n  ]\n}\n");
    text
}

fn open(path: &Path, durability: Durability, above: usize) -> Engine {
    let opened = DataFile::open(path, durability, Box::new(RealDisk), Role::Owner).unwrap();
    let (file, Loaded { bytes, left, .. }) = opened;
    let rulebook = Rulebook::new(Schema::default(), Settings::default());
    let (store, _) = rulebook
        .read_file(bytes)
        .unwrap_or_else(|_| panic!("the data is whole"));
    let unseen = Duration::from_secs(2);
    let journaling = Journaling {
        above,
        ..Journaling::default()
    };
    let source = FileSource {
        file: Box::new(file),
        watched: false,
        poll: Duration::ZERO,
        unseen,
        journaling,
        left,
    };
    Engine::start(store, rulebook, Some(source), Default::default(), |_| {}).unwrap()
}

fn patch(id: i64, views: usize) -> Command {
    Command {
        resource: "posts".into(),
        id: Some(Id::Number(id)),
        operation: Operation::Merge(Merge::Shallow),
        body: Object::parse(&format!("{{\"views\": {views}}}")).unwrap(),
    }
}

fn one_writer(engine: &Engine, time: Duration) -> Vec<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let end = Instant::now() + time;
    let mut times = Vec::new();
    while Instant::now() < end || times.len() < 5 {
        let start = Instant::now();
        runtime
            .block_on(engine.write(patch(1, 10_000 + times.len()), None))
            .unwrap();
        times.push(start.elapsed());
    }
    times
}

fn many_writers(engine: &Arc<Engine>, time: Duration) -> f64 {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let start = Instant::now();
    let count: usize = runtime.block_on(async {
        let writers = (0..64).map(|writer| {
            let engine = engine.clone();
            tokio::spawn(async move {
                let mut count = 0;
                while start.elapsed() < time {
                    engine
                        .write(
                            patch(1 + writer % 4, 20_000 + writer as usize * 100_000 + count),
                            None,
                        )
                        .await
                        .unwrap();
                    count += 1;
                }
                count
            })
        });
        let writers: Vec<_> = writers.collect();
        let mut count = 0;
        for writer in writers {
            count += writer.await.unwrap();
        }
        count
    });
    count as f64 / start.elapsed().as_secs_f64()
}

fn show(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}
