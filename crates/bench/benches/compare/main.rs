//! Compares standin with a bare warp route that sends the same bytes, and with json-server and mocks if they are
//! installed: `cargo bench -p standin-bench --bench compare -- --help`.
//!
//! Every server is a separate process, the load comes from one thread of this one, rounds are interleaved, every
//! response is checked, and the median is shown. Only the loopback interface is used.
#![allow(clippy::print_stdout)] // It prints a report.

mod bare;
mod data;
mod load;
mod peers;
mod plot;
mod rates;
mod table;
mod times;
mod works;

use std::path::PathBuf;
use std::time::Duration;

use peers::Program;
use table::Table;
use works::Work;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const HELP: &str = "\
cargo bench -p standin-bench --bench compare -- [OPTIONS]

  --records N,N,...     sizes of the data [default: 1000,100000,1000000]
  --only NAME,NAME,...  of id, email, page, list, q, like, post, single, start, memory, reload [default: all]
  --rounds N            interleaved rounds [default: 7]
  --seconds S           length of a round [default: 1]
  --connections N       keep-alive connections [default: 32]
  --quick               1,000 records, 3 rounds of a fifth of a second
  --standin PATH        a build of standin instead of this one; may come again to compare several
  --json-server PATH    a json-server of either line; may come again [default: as found on the search path]
  --mocks PATH          mocks [default: as found on the search path]
  --plot FOLDER         measure how the cost grows instead, and draw it into FOLDER";

/// The options of the command line.
pub struct Options {
    records: Vec<usize>,
    only: Option<Vec<String>>,
    rounds: usize,
    round: Duration,
    connections: usize,
    plot: Option<PathBuf>,
    programs: Vec<Program>,
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| only.iter().any(|one| one == name))
    }
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|one| one != "--bench")
        .collect();
    if let [flag, address, file, saved @ ..] = arguments.as_slice()
        && flag == "--serve-bare"
    {
        return bare::serve(address.parse()?, file, saved.first().map(String::as_str));
    }
    let Some((options, missing)) = read(arguments)? else {
        println!("{HELP}");
        return Ok(());
    };
    if let Some(folder) = &options.plot {
        return plot::run_all(&options, folder);
    }
    let mut table = Table::default();
    let all = ["id", "email", "page", "list", "q", "like", "post"];
    for count in &options.records {
        for work in all
            .iter()
            .filter(|name| options.wants(name))
            .filter_map(|name| Work::named(name))
        {
            // A list of 14 MB measures the memory bus; a search of a thousand records measures nothing.
            let fits = match work {
                Work::WholeList => *count <= 10_000,
                Work::FullText | Work::Like => *count >= 10_000,
                Work::Post => *count <= 100_000,
                _ => true,
            };
            if fits {
                table.rows.push(rates::requests(&options, *count, work)?);
            }
        }
    }
    if !table.rows.is_empty() {
        println!("\n{table}");
    }
    times::single_writes(&options)?;
    times::starts(&options)?;
    times::reload(&options)?;
    for name in missing {
        println!("not measured, because it is not installed: {name}");
    }
    Ok(())
}

fn read(arguments: Vec<String>) -> Outcome<Option<(Options, Vec<String>)>> {
    let mut options = Options {
        records: vec![1000, 100_000, 1_000_000],
        only: None,
        rounds: 7,
        round: Duration::from_secs(1),
        connections: 32,
        plot: None,
        programs: Vec::new(),
    };
    let mut paths = Vec::new();
    let mut arguments = arguments.into_iter();
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
        match name.as_str() {
            "--records" => {
                options.records = value()?
                    .split(',')
                    .map(str::parse)
                    .collect::<Result<_, _>>()?
            }
            "--only" => options.only = Some(value()?.split(',').map(str::to_string).collect()),
            "--rounds" => options.rounds = value()?.parse::<usize>()?.max(1),
            "--seconds" => options.round = Duration::try_from_secs_f64(value()?.parse()?)?,
            "--connections" => options.connections = value()?.parse()?,
            "--quick" => {
                options.records = vec![1000];
                (options.rounds, options.round) = (3, Duration::from_millis(200));
            }
            "--standin" => {
                let path = PathBuf::from(value()?);
                let name = path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                paths.push((name, path));
            }
            "--json-server" | "--mocks" => {
                let path = PathBuf::from(value()?);
                paths.push((name.trim_start_matches('-').to_string(), path));
            }
            "--plot" => options.plot = Some(PathBuf::from(value()?)),
            _ => return Ok(None),
        }
    }
    if !paths
        .iter()
        .any(|(name, _)| name != "json-server" && name != "mocks")
    {
        paths.push(("standin".to_string(), build()?));
    }
    // The bare route sends the responses of the first one.
    paths.sort_by_key(|(name, _)| name == "json-server" || name == "mocks");
    let (programs, missing) = Program::found(paths);
    options.programs = programs;
    Ok(Some((options, missing)))
}

/// Builds the program and returns its path, which is beside the folder of this benchmark.
fn build() -> Result<PathBuf, Box<dyn std::error::Error>> {
    let built = std::process::Command::new(env!("CARGO"))
        .args(["build", "--release", "--package", "standin"])
        .status()?;
    if !built.success() {
        return Err("cargo build failed".into());
    }
    let folder = std::env::current_exe()?;
    let target = folder
        .ancestors()
        .nth(3)
        .ok_or("this program is not in cargo's target folder")?;
    Ok(target
        .join("release/standin")
        .with_extension(std::env::consts::EXE_EXTENSION))
}
