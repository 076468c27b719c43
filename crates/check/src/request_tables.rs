//! Tables that show requests: one in its rows, or one a row with what it returns.

use std::sync::LazyLock;

use regex::Regex;

use super::addresses;
use super::blocks::{Block, Cell, Fence, Piece, Prose, Table};

use super::labels::{self, Announces};
use super::result_rows::{self, Columns};
use super::status_text;
use super::text::is_one_of;
use super::transcript::is_response;
use super::url;

/// The blocks that a table stands for, which go below it: the request that it shows, or the requests of its rows, or the
/// response in a row of success.
pub fn read(text: &str, blocks: &[Block], index: usize, table: &Table) -> Vec<Block> {
    let below = &blocks[index + 1..];
    let next = below
        .iter()
        .find(|block| matches!(block, Block::Fence(_) | Block::Heading(_)));
    // A table with the status, and maybe the body, of the response.
    let response = below
        .iter()
        .take_while(|block| !matches!(block, Block::Fence(_) | Block::Heading(_)))
        .find_map(|block| match block {
            Block::Table(table) => Some(table),
            _ => None,
        });
    let response = response.filter(|table| request(table).is_none());
    let response_status = response.and_then(|table| beside(table, "status code"));
    if let Some(Shown {
        method,
        url,
        cell,
        status,
        body,
    }) = request(table)
        && let status = status.or(response_status)
        && (next.is_some_and(is_response)
            || status.is_some() && (needs_no_body(method, url) || body.is_some()))
    {
        let Some(query) = query(table) else {
            return Vec::new();
        };
        let place = cell.start(text).unwrap_or(cell.range.start)..cell.range.end;
        let body = body.map_or_else(String::new, |body| format!("\n\n{body}"));
        let message = format!("{method} {url}{query}{body}");
        let mut shown = vec![Block::Fence(Fence::synthetic(text, place, message))];
        if let Some(shown_response) = response.and_then(|table| response_in(text, table)) {
            shown.push(Block::Fence(shown_response));
            return shown;
        }
        shown.extend(status.map(|cell| {
            Block::Prose(Prose {
                text: format!("Status: {}", cell.text),
                bold: None,
                range: cell.range.clone(),
            })
        }));
        return shown;
    }
    let mut rows = rows_with_result(text, table);
    if rows.is_empty() && !has_response_beside(blocks, index) {
        rows.extend(example_of_statuses(text, table));
    }
    if rows.is_empty() {
        rows.extend(addresses(text, table));
    }
    if rows.is_empty() {
        rows.extend(endpoints(text, table));
    }
    rows
}

/// The requests that the rows of a table only mention: a method and a path with values, or a command.
fn endpoints<'a>(text: &'a str, table: &'a Table) -> impl Iterator<Item = Block> + 'a {
    // Words for routes that were renamed or removed.
    const OLD: &str = "old before removed deprecated deprecation renamed former previous alt ancien antes vecchio";
    let is_old = table.column(OLD).is_some();
    let rows = table.all_rows().filter(move |_| !is_old);
    rows.filter_map(move |row| mentioned(text, row))
}

fn mentioned(text: &str, row: &[Cell]) -> Option<Block> {
    let (cell, message) = result_rows::request(row)?;
    let start = cell.start(text)?;
    let mut fence = Fence::synthetic(text, start..start + cell.text.len(), message);
    fence.is_mention = true;
    Some(Block::Fence(fence))
}

/// The request that a table shows.
struct Shown<'a> {
    method: &'a str,
    url: &'a str,
    /// Where the URL is.
    cell: &'a Cell,
    status: Option<&'a Cell>,
    /// The JSON that is sent.
    body: Option<&'a str>,
}

/// The value in a row of a table that begins with one of these words. Further columns explain it.
fn beside<'a>(table: &'a Table, names: &str) -> Option<&'a Cell> {
    let is_named = |row: &[Cell]| match row {
        [name, _] => labels::has_word(&name.text, names),
        [name, _, ..] => is_one_of(&name.text.to_lowercase(), names),
        _ => false,
    };
    table.all_rows().find(|row| is_named(row))?.get(1)
}

/// The response in the rows of a table: its status and its body.
fn response_in(text: &str, table: &Table) -> Option<Fence> {
    let status = status_text::code(beside(table, "status code")?)?;
    let body = beside(table, "body response json")?;
    let is_json = result_rows::json_in(&body.text) == Some(&body.text);
    is_json.then(|| message(text, status, body))?
}

/// A response whose body is in a cell.
fn message(text: &str, status: u16, body: &Cell) -> Option<Fence> {
    let head = format!("HTTP/1.1 {status}\n\n");
    let mut fence = Fence::unfenced(text, body.range.clone());
    fence.content = format!("{head}{}", body.text);
    fence.pieces = vec![Piece {
        content: head.len(),
        source: body.start(text)?,
        length: body.text.len(),
    }];
    Some(fence)
}

/// The request that a table shows: in one row below "Method" and "URL", or in rows that begin with these words. The method
/// may be in the cell of the URL.
fn request(table: &Table) -> Option<Shown<'_>> {
    let find = |names: &str| {
        let in_column = match table.rows.as_slice() {
            [row] => table.column(names).and_then(|column| row.get(column)),
            _ => None,
        };
        let in_column = in_column.filter(|cell| !cell.text.is_empty());
        in_column.or_else(|| beside(table, names))
    };
    let cell = find("url uri endpoint path route")?;
    let (method, url) = match cell.text.split_once(' ') {
        Some((method, url)) => (method, url.trim()),
        None => {
            let method = find("method verb méthode método metodo methode")?;
            (&*method.text, &*cell.text)
        }
    };
    let is_method = ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method);
    let status = find("status code");
    let body = beside(table, "body payload").and_then(|cell| result_rows::json_in(&cell.text));
    (is_method && url.contains('/') && !url.contains([' ', '`'])).then_some(Shown {
        method,
        url,
        cell,
        status,
        body,
    })
}

/// The query in the row of parameters of a table that shows a request, with its `?`; `None` if the row leaves it open.
/// What is optional is left out, unless the text says to enter it.
fn query(table: &Table) -> Option<String> {
    static PAIR: LazyLock<Regex> = regex!(r"\b(?P<name>[A-Za-z_]\w*)[/=](?P<value>[\w.{}<>:-]+)");
    const NAMES: &str = "params parameters query";
    let is_query = |row: &&Vec<Cell>| {
        let name = row.first().filter(|_| row.len() > 1);
        name.is_some_and(|name| labels::has_word(&name.text, NAMES))
    };
    let Some(row) = table.rows.iter().find(is_query) else {
        return Some(String::new());
    };
    let text: Vec<&str> = row[1..].iter().map(|cell| &*cell.text).collect();
    let text = text.join(" ");
    let is_general = |name: &str| is_one_of(&name.to_lowercase(), "key name and");
    let pairs: Vec<String> = PAIR
        .captures_iter(&text)
        .filter(|found| !is_general(&found["name"]))
        .map(|found| {
            let value = found["value"].trim_end_matches(['.', ':']);
            format!("{}={value}", &found["name"])
        })
        .collect();
    let is_optional = labels::has_word(&text, "optional") && !labels::has_word(&text, "enter add");
    if is_optional || pairs.is_empty() && labels::has_word(&text, "none no") {
        return Some(String::new());
    }
    let is_open = pairs.is_empty() || pairs.iter().any(|pair| pair.contains(['{', '<']));
    (!is_open).then(|| format!("?{}", pairs.join("&")))
}

/// The URLs of this machine in a table without methods, which are opened one after the other.
fn addresses<'a>(text: &'a str, table: &'a Table) -> impl Iterator<Item = Block> + 'a {
    let names_method = |cell: &Cell| {
        let words = labels::words(&cell.text);
        let mut words = words.iter();
        words.any(|word| is_one_of(word, "post put patch delete"))
    };
    let is_of_reads = !table.all_rows().flatten().any(names_method);
    let is_write = |cell: &Cell| labels::says_write(&cell.text);
    let rows = table.rows.iter();
    let rows = rows.filter(move |row| is_of_reads && !row.iter().any(is_write));
    rows.filter_map(move |row| {
        row.iter().find_map(|cell| {
            let url = addresses::whole(&cell.text)?;
            let start = cell.start(text)?;
            let range = start..start + cell.text.len();
            Some(Block::Fence(Fence::synthetic(text, range, url)))
        })
    })
}

/// Whether a read or deletion of a URL with its values can be sent as it is.
fn needs_no_body(method: &str, url: &str) -> bool {
    matches!(method, "GET" | "DELETE") && url::placeholder(url::path_of(url)).is_none()
}

/// The example of the first success in a table of statuses, as a response.
fn example_of_statuses(text: &str, table: &Table) -> Option<Block> {
    let column = status_text::status_column(table)?;
    let success = table.rows.iter().find_map(|row| {
        let code = status_text::code(row.get(column)?)?;
        (200..300).contains(&code).then_some((row, code))
    });
    let (row, code) = success?;
    let mut cells = row.iter();
    let body = cells.find(|cell| result_rows::json_in(&cell.text) == Some(&cell.text))?;
    message(text, code, body).map(Block::Fence)
}

/// Whether a code block beside a table, up to the next headings, may be the response to what is above it.
fn has_response_beside(blocks: &[Block], index: usize) -> bool {
    let is_heading = |block: &&Block| matches!(block, Block::Heading(_));
    let is_body = |at: usize| {
        let said = blocks[..at].iter().rev().find_map(Block::text);
        matches!(
            said.map(labels::label),
            Some(Announces::RequestBody | Announces::Body)
        )
    };
    let start = blocks[..index].iter().rposition(|block| is_heading(&block));
    let above = start.unwrap_or(0)..index;
    let below = blocks[index + 1..].iter();
    let mut below = below.take_while(|block| !is_heading(block));
    below.any(is_response)
        || above
            .into_iter()
            .any(|at| is_response(&blocks[at]) && !is_body(at))
}

/// The rows of a table that show a request and what it returns, and those beside them that only mention one; empty if
/// no row has a result.
fn rows_with_result(text: &str, table: &Table) -> Vec<Block> {
    let columns = Columns::of(table);
    let with_result: Vec<_> = table
        .rows
        .iter()
        .map(|row| result_rows::read(text, row, &columns))
        .collect();
    if with_result.iter().all(Option::is_none) {
        return Vec::new();
    }
    let rows = table.rows.iter().zip(with_result);
    rows.filter_map(|(row, with_result)| with_result.or_else(|| mentioned(text, row)))
        .collect()
}
