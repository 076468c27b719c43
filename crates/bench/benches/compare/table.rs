//! The report: the rates for each kind of request, as a Markdown table.

use std::fmt;

use super::works::Work;

/// The rates of one kind of request.
pub struct Row {
    pub count: usize,
    pub work: Work,
    pub bare: f64,
    /// The bare route with standin's headers.
    pub dressed: f64,
    /// Name, rate, and its ratios to the two.
    pub servers: Vec<(String, f64, f64, f64)>,
    /// Processor time per response in microseconds, in user and in kernel mode: the bare routes, then the servers.
    pub processor: Vec<[f64; 2]>,
}

/// All rows.
#[derive(Default)]
pub struct Table {
    pub rows: Vec<Row>,
}

/// The median.
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
                // It cannot do this work, or was not measured.
                write!(formatter, " |")?;
                continue;
            }
            write!(
                formatter,
                " {} ({bare:.2}, {dressed:.2}) |",
                grouped(*rate as usize)
            )?;
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
        let header = format!(
            "| records | work | bare route | with the same headers | {} |\n| --- | --- | --- | --- |{}",
            names.join(" | "),
            " --- |".repeat(names.len())
        );
        writeln!(
            formatter,
            "Answers a second; in brackets the ratio to the bare route, without and with the same headers.\n"
        )?;
        writeln!(formatter, "{header}")?;
        for row in &self.rows {
            let found = |name: &&str| {
                row.servers
                    .iter()
                    .find(|(known, ..)| known == *name)
                    .cloned()
            };
            let servers = names
                .iter()
                .map(|name| found(name).unwrap_or((String::new(), 0.0, 0.0, 0.0)))
                .collect();
            writeln!(
                formatter,
                "{}",
                Row {
                    servers,
                    processor: Vec::new(),
                    ..*row
                }
            )?;
        }
        writeln!(
            formatter,
            "\nMicroseconds of the processor for an answer, in user + kernel mode.\n"
        )?;
        writeln!(formatter, "{header}")?;
        for row in self.rows.iter().filter(|row| row.work != Work::Post) {
            let times = row
                .processor
                .iter()
                .map(|[user, kernel]| format!(" {user:.1} + {kernel:.1} |"));
            writeln!(
                formatter,
                "| {} | {} |{}",
                grouped(row.count),
                row.work.title(),
                times.collect::<String>()
            )?;
        }
        Ok(())
    }
}
