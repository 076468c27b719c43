//! How the rate changes with records and with connections, as pictures.

use std::fmt::Write;
use std::path::Path;

use super::load::{Until, run};
use super::table::{grouped, median};
use super::works::Work;
use super::{Options, Outcome, data};

struct Line {
    name: String,
    points: Vec<(usize, f64)>,
}

/// Measures, and writes `performance-records.svg` and `performance-connections.svg` into `folder`.
pub fn run_all(options: &Options, folder: &Path) -> Outcome<()> {
    let records = [1000, 10_000, 100_000, 1_000_000];
    let lines = lines_of(&records, |count, work| {
        rate(options, count, work, options.connections)
    })?;
    std::fs::write(
        folder.join("performance-records.svg"),
        draw("records", &lines),
    )?;
    let connections = [1, 4, 16, 64, 256, 1024];
    let lines = lines_of(&connections, |count, work| rate(options, 1000, work, count))?;
    std::fs::write(
        folder.join("performance-connections.svg"),
        draw("connections", &lines),
    )?;
    Ok(())
}

/// A line for each kind of request, with a point for each of `counts`.
fn lines_of(counts: &[usize], rate: impl Fn(usize, Work) -> Outcome<f64>) -> Outcome<Vec<Line>> {
    let line = |work: Work| {
        let points = counts.iter().map(|count| Ok((*count, rate(*count, work)?)));
        Ok(Line {
            name: work.title().into(),
            points: points.collect::<Outcome<_>>()?,
        })
    };
    [Work::ById, Work::ByEmail, Work::SortedPage]
        .into_iter()
        .map(line)
        .collect()
}

fn rate(options: &Options, count: usize, work: Work, connections: usize) -> Outcome<f64> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("db.json");
    std::fs::write(&file, data::file(count))?;
    let server = options.programs[0].start(&file)?;
    let exchanges = work.exchanges(count, true);
    let mut rates = Vec::new();
    for _ in 0..options.rounds {
        let round = run(
            server.address,
            connections,
            &exchanges,
            Until::Time(options.round),
        )?;
        if let Some(example) = round.example {
            return Err(example.into());
        }
        rates.push(round.rate());
    }
    let rate = median(rates);
    println!(
        "{} records, {connections} connections, {}: {}",
        grouped(count),
        work.title(),
        grouped(rate as usize)
    );
    Ok(rate)
}

/// A plot with a logarithmic horizontal axis; the vertical one begins at 0.
fn draw(axis: &str, lines: &[Line]) -> String {
    const COLOURS: [&str; 4] = ["#1b6ac9", "#c9501b", "#2b8a3e", "#7a3fb5"];
    let (width, height, left, bottom) = (720.0, 400.0, 80.0, 60.0);
    let all = || lines.iter().flat_map(|line| &line.points);
    let top = all().map(|(_, rate)| *rate).fold(1.0, f64::max) * 1.1;
    let first = all().map(|(at, _)| *at).min().unwrap_or(1).max(1) as f64;
    let last = all().map(|(at, _)| *at).max().unwrap_or(10).max(2) as f64;
    let x =
        |at: usize| left + (at as f64 / first).ln() / (last / first).ln() * (width - left - 30.0);
    let y = |rate: f64| height - bottom - rate / top * (height - bottom - 40.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    let step = [10_000.0, 20_000.0, 25_000.0, 50_000.0, 100_000.0]
        .into_iter()
        .find(|step| top / step < 8.0)
        .unwrap_or(top);
    let mut mark = 0.0;
    while mark < top {
        let at = y(mark);
        let _ = writeln!(
            out,
            "<line x1=\"{left}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            width - 30.0,
            left - 8.0,
            at + 4.0,
            grouped(mark as usize)
        );
        mark += step;
    }
    for (at, _) in lines.first().map_or(&[][..], |line| &line.points) {
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            x(*at),
            height - bottom + 20.0,
            grouped(*at)
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{axis}</text>\n<text x=\"{left}\" y=\"20\">answers a second</text>",
        width / 2.0,
        height - 15.0
    );
    for (number, line) in lines.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let points: Vec<String> = line
            .points
            .iter()
            .map(|(at, rate)| format!("{:.1},{:.1}", x(*at), y(*rate)))
            .collect();
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\"/><text x=\"{}\" y=\"20\" fill=\"{colour}\">{}</text>",
            points.join(" "),
            left + 150.0 + 170.0 * number as f64,
            line.name
        );
    }
    out.push_str("</svg>\n");
    out
}
