//! Tables that show requests: one in its rows, or one a row with what it returns.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::addresses;
use super::blocks::{Block, Cell, Fence, Piece, Prose, Table};
use super::expectations;
use super::http_message::{self, METHODS};
use super::labels::{self, Announces};
use super::lenient_json;
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
    if let Some(Shown {
        method,
        url,
        cell,
        status,
    }) = request(table)
        && (next.is_some_and(is_response) || status.is_some() && needs_no_body(method, url))
    {
        let Some(query) = query(table) else {
            return Vec::new();
        };
        let place = cell.start(text).unwrap_or(cell.range.start)..cell.range.end;
        let message = format!("{method} {url}{query}");
        let mut shown = vec![Block::Fence(Fence::synthetic(text, place, message))];
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
    let (cell, message) = row_request(row)?;
    let start = cell.start(text)?;
    let mut fence = Fence::synthetic(text, start..start + cell.text.len(), message);
    fence.is_mention = true;
    Some(Block::Fence(fence))
}

/// The request in a row: a command, or a method and a URL in one cell or in two; and the cell with its URL.
pub fn row_request(row: &[Cell]) -> Option<(&Cell, String)> {
    const COMMANDS: [&str; 3] = ["curl ", "http ", "wget "];
    let is_whole = |cell: &&Cell| {
        let is_command = COMMANDS.iter().any(|name| cell.text.starts_with(name));
        is_command || http_message::begins_message(&cell.text)
    };
    if let Some(whole) = row.iter().find(is_whole) {
        return Some((whole, whole.text.clone()));
    }
    let is_path = |cell: &&Cell| cell.text.starts_with('/') || url::has_base(&cell.text);
    let path = row.iter().find(is_path)?;
    let message = |cell: &Cell| {
        let end = cell.text.find(|c: char| !c.is_alphabetic());
        let method = &cell.text[..end.unwrap_or(cell.text.len())];
        format!("{} {}", method.to_uppercase(), path.text)
    };
    // "PUT or PATCH"
    let is_method = |cell: &&Cell| {
        let mut words = labels::words(&cell.text).into_iter();
        let is_one = |word: &String| METHODS.contains(&&*word.to_uppercase());
        words.next().as_ref().is_some_and(is_one)
            && words.all(|word| is_one(&word) || is_one_of(&word, "or and oder o ou"))
    };
    // A misspelt method is reported where the message is read.
    let is_misspelt = |cell: &&Cell| http_message::misspelt_method(&message(cell)).is_some();
    let method = row
        .iter()
        .find(is_method)
        .or_else(|| row.iter().find(is_misspelt))?;
    Some((path, message(method)))
}

/// The request that a table shows.
struct Shown<'a> {
    method: &'a str,
    url: &'a str,
    /// Where the URL is.
    cell: &'a Cell,
    status: Option<&'a Cell>,
}

/// The request that a table shows: in one row below "Method" and "URL", or in rows that begin with these words. The method
/// may be in the cell of the URL.
fn request(table: &Table) -> Option<Shown<'_>> {
    let beside = |names: &str| {
        // Further columns explain the value.
        let is_named = |row: &[Cell]| match row {
            [name, _] => labels::has_word(&name.text, names),
            [name, _, ..] => is_one_of(&name.text.to_lowercase(), names),
            _ => false,
        };
        table.all_rows().find(|row| is_named(row))?.get(1)
    };
    let find = |names: &str| {
        let in_column = match table.rows.as_slice() {
            [row] => table.column(names).and_then(|column| row.get(column)),
            _ => None,
        };
        let in_column = in_column.filter(|cell| !cell.text.is_empty());
        in_column.or_else(|| beside(names))
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
    (is_method && url.contains('/') && !url.contains([' ', '`'])).then_some(Shown {
        method,
        url,
        cell,
        status,
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
    let body = cells.find(|cell| json_in(&cell.text) == Some(&cell.text))?;
    let head = format!("HTTP/1.1 {code}\n\n");
    let mut fence = Fence::unfenced(text, body.range.clone());
    fence.content = format!("{head}{}", body.text);
    fence.pieces = vec![Piece {
        content: head.len(),
        source: body.start(text)?,
        length: body.text.len(),
    }];
    Some(Block::Fence(fence))
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

/// The columns of a table with requests.
struct Columns {
    /// What comes back.
    results: Vec<usize>,
    /// What is sent.
    sent: Vec<usize>,
    /// What else to look for in the response.
    checks: Vec<usize>,
    /// How many records come back.
    counts: Vec<usize>,
}

impl Columns {
    fn of(table: &Table) -> Columns {
        const RESULT: &str = "status code response result results records items count returns output answer expected statuscode antwort ergebnis réponse \
             résultat statut respuesta resultado estado resposta risposta risultato stato ответ статус 状态码 响应 返回 结果";
        const SENT: &str =
            "body payload params parameters data cuerpo corpo corps тело 请求体 ボディ";
        const CHECKS: &str = "verify verification assert assertion assertions check checks validation validations validaciones \
             validação validações verificar comprobar prüfen vérification";
        static COUNT: LazyLock<Regex> = regex!(
            r"(?i)\b(?:number|count|how\s+many|amount|anzahl|número|cantidad|quantidade|nombre|numero)\b"
        );
        let columns = |names: &str| -> Vec<usize> {
            let named = |column: &usize| {
                let header = &table.header[*column].text;
                labels::has_word(header, names) || names == RESULT && labels::says_expected(header)
            };
            (0..table.header.len()).filter(named).collect()
        };
        let is_count = |column: &usize| COUNT.is_match(&table.header[*column].text);
        let (counts, results): (Vec<usize>, Vec<usize>) =
            columns(RESULT).into_iter().partition(is_count);
        let is_other = |column: &usize| !results.contains(column);
        Columns {
            sent: columns(SENT).into_iter().filter(is_other).collect(),
            checks: columns(CHECKS).into_iter().filter(is_other).collect(),
            counts,
            results,
        }
    }
}

/// The rows of a table that show a request and what it returns, and those beside them that only mention one; empty if
/// there is no result.
fn rows_with_result(text: &str, table: &Table) -> Vec<Block> {
    let columns = Columns::of(table);
    let with_result: Vec<_> = table
        .rows
        .iter()
        .map(|row| row_with_result(text, row, &columns))
        .collect();
    if with_result.iter().all(Option::is_none) {
        return Vec::new();
    }
    let rows = table.rows.iter().zip(with_result);
    rows.filter_map(|(row, with_result)| with_result.or_else(|| mentioned(text, row)))
        .collect()
}

/// A row that shows a request and what it returns: `GET /users/9` or a command, the body that is sent, and below a header
/// such as "Status" or "Result" `404 Not Found`, JSON, the output of the command or "5 users".
fn row_with_result(text: &str, row: &[Cell], columns: &Columns) -> Option<Block> {
    static DESCRIBED: LazyLock<Regex> = regex!(r"^\W*[2-5]\d\d\W*:\s*\p{L}");
    let (request, message) = row_request(row)?;
    let cells = |columns: &[usize]| -> Vec<&Cell> {
        let cells = columns.iter().filter_map(|column| row.get(*column));
        cells.collect()
    };
    let shown = cells(&columns.results);
    let status = shown
        .iter()
        .find_map(|cell| Some((cell.range.clone(), row_status(cell)?.to_string())));
    let json = |cell: &&Cell| Some((cell.range.clone(), json_in(&cell.text)?.to_owned()));
    let body = shown.iter().find_map(json);
    let (message, sent) = match message.split_once(" with {") {
        Some((message, rest)) => (message, Some((request.range.clone(), format!("{{{rest}")))),
        None => (message.as_str(), cells(&columns.sent).iter().find_map(json)),
    };
    let is_command = !http_message::begins_message(message);
    let prints_other = is_command && (message.contains("| jq") || message.contains("%{http_code}"));
    let printed = shown.iter().find(|cell| !cell.text.trim().is_empty());
    let printed = printed.filter(|_| prints_other && body.is_none());
    let (status, body, printed) = match printed {
        Some(cell) => (
            None,
            None,
            Some((cell.range.clone(), cell.text.trim().to_owned())),
        ),
        None => (status, body, None),
    };
    let (method, url) = message.split_once(' ')?;
    let counts = columns.counts.iter().filter_map(|column| {
        let cell = row.get(*column)?;
        let number: u32 = cell.text.trim().parse().ok()?;
        Some((format!("{number} items"), cell.range.clone()))
    });
    // "Returns 5 users" in any column.
    let is_other = |cell: &&Cell| {
        expectations::returns(&cell.text) && !shown.iter().any(|shown| shown.range == cell.range)
    };
    let mut checks = cells(&columns.checks);
    checks.extend(row.iter().filter(is_other));
    let said = shown.iter().chain(&checks);
    let expected: Vec<(String, Range<usize>)> = said
        .map(|cell| (cell.text.clone(), cell.range.clone()))
        .chain(counts)
        .collect();
    let is_said = expected
        .iter()
        .any(|(text, _)| expectations::says_something(text, url::resource(url)));
    let is_shown = status.is_some() || body.is_some() || printed.is_some();
    let is_template = url::placeholder(url::path_of(url)).is_some();
    if !is_shown && !is_said || !is_command && is_template {
        return None;
    }
    // Without a status line, JSON below a message would be its body; below a command it is the output.
    let command = match (&status, &body, is_command) {
        (None, Some(_), false) if sent.is_none() => "curl -X ",
        (None, Some(_), false) => return None,
        _ => "",
    };
    let source = &text[request.range.clone()];
    let mut fence = Fence::unfenced(text, request.range.clone());
    // "200: the user who is logged in" may depend on more.
    fence.is_mention = method == "GET" && shown.iter().any(|cell| DESCRIBED.is_match(&cell.text));
    fence.content = format!("{command}{message}");
    fence.expected = expected;
    let (before, at, shown) = match (source.find(message), source.find(url)) {
        (Some(at), _) => (0, at, message),
        (None, Some(at)) => (method.len() + 1, at, url),
        // A `|` is escaped in a table.
        (None, None) => (0, 0, ""),
    };
    fence.pieces = vec![Piece {
        content: command.len() + before,
        source: request.range.start + at,
        length: shown.len(),
    }];
    let parts = [
        ("\n\n", sent),
        ("\n\nHTTP/1.1 ", status),
        ("\n\n", body),
        ("\n", printed),
    ];
    for (between, part) in parts {
        let Some((range, part)) = part else { continue };
        fence.content.push_str(between);
        fence.pieces.push(Piece {
            content: fence.content.len(),
            source: range.start + text[range].find(&part)?,
            length: part.len(),
        });
        fence.content.push_str(&part);
    }
    Some(Block::Fence(fence))
}

/// The status that a cell documents: "404 Not Found", "`201` · the new user", "200: [...]"; of several the first, if it
/// is a success.
fn row_status(cell: &Cell) -> Option<u16> {
    static BEGINS: LazyLock<Regex> = regex!(r"^\W*(?:HTTP\s+)?(?P<code>[2-5]\d\d)(?:\W|$)");
    static CODE: LazyLock<Regex> = regex!(r"\b[1-5]\d\d\b");
    let first = cell.text.split([',', ';']).next()?;
    status_text::in_line(first).or_else(|| {
        let code = BEGINS.captures(&cell.text)?["code"].parse().ok()?;
        let is_only = CODE.find_iter(&cell.text).count() == 1;
        (is_only || code < 300).then_some(code)
    })
}

/// The JSON in brackets that a cell is or ends with: `{"name": "Ada"}`, `200: [{"id": 1}]`.
fn json_in(cell: &str) -> Option<&str> {
    let start = cell.find(['{', '['])?;
    if cell[..start].ends_with(|c: char| c.is_alphanumeric() || c == ':') {
        return None;
    }
    let json = cell[start..].trim_end();
    lenient_json::parse(json).ok()?.body.map(|_| json)
}
