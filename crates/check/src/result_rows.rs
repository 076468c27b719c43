//! Rows of tables that show a request and what it returns.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::blocks::{Block, Cell, Fence, Piece, Stated, Table};
use super::http_message::{self, METHODS};
use super::labels;
use super::lenient_json;
use super::parts;
use super::result_text;
use super::status_text;
use super::text::is_one_of;
use super::url;

/// The columns of a table with requests.
pub struct Columns {
    /// What comes back.
    results: Vec<usize>,
    /// What is sent.
    sent: Vec<usize>,
    /// What else to look for in the response.
    checks: Vec<usize>,
    /// How many records come back.
    counts: Vec<usize>,
    /// What the request does.
    descriptions: Vec<usize>,
    /// Whether the header of the results is in another language than English.
    is_foreign: bool,
    /// What comes instead of what is expected, in a report of bugs.
    actual: Option<usize>,
}

impl Columns {
    pub fn of(table: &Table) -> Columns {
        const RESULT: &str = "status code response result results returns output answer expected statuscode antwort ergebnis réponse \
             résultat statut respuesta resultado estado resposta risposta risultato stato ответ статус ожидание 状态码 响应 返回 结果";
        const SENT: &str = "body input entrada payload params parameters data cuerpo corpo corps тело 请求体 ボディ";
        const CHECKS: &str = "verify verification assert assertion assertions check checks validation validations validaciones \
             validação validações verificar comprobar prüfen vérification проверка проверки";
        const DESCRIPTION: &str = "description descriptions notes note remarks details scenario case beschreibung descripción descrição cenário escenario";
        static COUNT: LazyLock<Regex> = regex!(
            r"(?ix)\b(?:number|no\.|count|how\s+many|anzahl|número|cantidad|quantidade|nombre|numero)\b.*\b(?:results?|records?|items?|rows?|entries|objects?|returned|expected|ergebnisse|resultados|résultats|risultati)\b
                | \b(?:results?|records?|items?|rows?|entries)\s+(?:count|returned)\b | \bexpected\s+count\b | ^\s*\#\s*(?:results?|records?)"
        );
        // What is measured, or how much there may be at most.
        static MEASURE: LazyLock<Regex> = regex!(
            r"(?i)\b(?:time|size|avg|average|mean|p\d\d|max|min|limit|per|duration|latency|ms|default)\b"
        );
        let header = |column: &usize| table.header[*column].text.as_str();
        let is_count = |column: &usize| COUNT.is_match(header(column));
        let all = || (0..table.header.len()).filter(|column| !MEASURE.is_match(header(column)));
        let counts: Vec<usize> = all().filter(is_count).collect();
        let columns = |names: &str| {
            let of_names = |column: &usize| {
                labels::has_word(header(column), names)
                    || names == RESULT && labels::says_expected(header(column))
            };
            let named = all().filter(|column| of_names(column) && !counts.contains(column));
            named.collect::<Vec<usize>>()
        };
        let results = columns(RESULT);
        let is_other = |column: &usize| !results.contains(column);
        Columns {
            sent: columns(SENT).into_iter().filter(is_other).collect(),
            checks: columns(CHECKS).into_iter().filter(is_other).collect(),
            descriptions: columns(DESCRIPTION),
            actual: table
                .column("actual got observed obtenido obtenu tatsächlich")
                .filter(|column| results.first() != Some(column)),
            counts,
            is_foreign: !results
                .iter()
                .all(|column| result_text::is_english_label(header(column))),
            results,
        }
    }
}

/// The request in a row: a command, or a method and a URL in one cell or in two; and the cell with its URL.
pub fn request(row: &[Cell]) -> Option<(&Cell, String)> {
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

/// A text of the page and where it is.
type Placed = (Range<usize>, String);

/// A row with a request.
struct Row<'a> {
    cells: &'a [Cell],
    columns: &'a Columns,
    /// The cell with the request or its URL.
    request: &'a Cell,
    /// The request as a message or command.
    message: String,
    /// The body that is sent.
    sent: Option<Placed>,
}

/// What a row shows of the response.
#[derive(Default)]
struct Shown {
    status: Option<Placed>,
    body: Option<Placed>,
    /// The output of the command.
    printed: Option<Placed>,
}

impl<'a> Row<'a> {
    fn new(cells: &'a [Cell], columns: &'a Columns) -> Option<Row<'a>> {
        let (request, message) = self::request(cells)?;
        let mut row = Row {
            cells,
            columns,
            request,
            message,
            sent: None,
        };
        // "POST /users with {...}"
        static WITH: LazyLock<Regex> = regex!(
            r"^(?P<message>.*?)\s(?i:with|con|com|mit|avec|body|с)(?:\s+\w+){0,2}:?\s+(?P<body>\{.*)$"
        );
        let with = WITH.captures(&row.message).map(|found| {
            let body = (request.range.clone(), found["body"].to_owned());
            (found["message"].to_owned(), body)
        });
        match with {
            Some((message, body)) => {
                row.sent = Some(body);
                row.message = message;
            }
            None => row.sent = row.of(&columns.sent).find_map(json),
        }
        if let Some(message) = without_remark(&row.message) {
            row.message = message;
        }
        Some(row)
    }

    fn of(&self, columns: &'a [usize]) -> impl Iterator<Item = &'a Cell> + use<'a> {
        let cells = self.cells;
        columns.iter().filter_map(|column| cells.get(*column))
    }

    fn results(&self) -> impl Iterator<Item = &'a Cell> + use<'a> {
        self.of(&self.columns.results)
    }

    /// The cells that are neither the request nor its result.
    fn others(&self) -> impl Iterator<Item = &'a Cell> {
        let is_other = |cell: &&Cell| {
            let mut known = self.results().chain([self.request]);
            !known.any(|known| known.range == cell.range)
        };
        self.cells.iter().filter(is_other)
    }

    fn is_command(&self) -> bool {
        !http_message::begins_message(&self.message)
    }

    fn method(&self) -> &str {
        self.message.split(' ').next().unwrap_or_default()
    }

    fn url(&self) -> &str {
        let url = self.message.split_once(' ').map(|(_, url)| url);
        url.unwrap_or_default()
    }

    /// Whether it is a write whose body is described by its types.
    fn is_described(&self) -> bool {
        !matches!(self.method(), "GET" | "DELETE")
            && self.sent.is_none()
            && self.others().any(|cell| {
                cell.text.contains('<') || cell.text.contains('{') && json(cell).is_none()
            })
    }

    /// Whether the column of what came instead has another status or number than that of what is expected.
    fn is_of_bug(&self) -> bool {
        static NUMBER: LazyLock<Regex> = regex!(r"\d+");
        let actual = self
            .columns
            .actual
            .and_then(|column| self.cells.get(column));
        let number = |cell: &'a Cell| Some(NUMBER.find(&cell.text)?.as_str());
        let pair = actual.and_then(number).zip(self.results().find_map(number));
        pair.is_some_and(|(actual, expected)| actual != expected)
    }

    fn shown(&self) -> Shown {
        let body = self.results().find_map(json);
        let prints = self.message.contains("| jq") || self.message.contains("%{http_code}");
        if self.is_command() && prints && body.is_none() {
            // Several values may be in one line.
            let is_several = self.message.contains("[]");
            let is_value = |text: &str| {
                if is_several {
                    return text.starts_with(['[', '{']);
                }
                serde_json::from_str::<Value>(text).is_ok() || parts::is_printed_text(text, &[])
            };
            let mut output = self.results().map(|cell| (cell, cell.text.trim()));
            let printed = output.find(|(_, text)| !text.is_empty() && is_value(text));
            return Shown {
                printed: printed.map(|(cell, text)| (cell.range.clone(), text.to_owned())),
                ..Shown::default()
            };
        }
        let placed = |cell: &Cell, status: u16| (cell.range.clone(), status.to_string());
        let own = |cell: &Cell| Some(placed(cell, status(cell)?));
        // "Creates a user and returns 201"
        let in_words = |cell: &Cell| {
            let is_only = status_text::codes(&cell.text).len() == 1;
            let status = status_text::in_paragraph(&cell.text).filter(|_| is_only)?;
            Some(placed(cell, status))
        };
        let said = || self.others().find_map(in_words).filter(|_| body.is_none());
        // "404, message: ..." in another column.
        let checked = || {
            self.of(&self.columns.checks)
                .chain(self.of(&self.columns.descriptions))
        };
        let checked = || checked().find_map(own).filter(|_| body.is_none());
        Shown {
            status: self.results().find_map(own).or_else(checked).or_else(said),
            body,
            printed: None,
        }
    }

    /// What the cells say of the response in words, and where.
    fn expected(&self) -> Vec<Stated> {
        let resource = url::resource(self.url());
        // "Returns 5 users" in any column.
        let returns = |cell: &&Cell| result_text::returns(&cell.text);
        let begins_with_count = |cell: &&Cell| {
            cell.text.starts_with(|c: char| c.is_ascii_digit())
                && result_text::says_something(&cell.text, resource)
        };
        let descriptions = self.of(&self.columns.descriptions);
        let said = self.results().chain(self.of(&self.columns.checks));
        let said = said.chain(self.others().filter(returns));
        let said = said.chain(descriptions.filter(begins_with_count));
        let stated = |text: String, cell: &Cell| Stated {
            text,
            is_foreign: self.columns.is_foreign,
            range: cell.range.clone(),
        };
        let said = said.map(|cell| stated(cell.text.clone(), cell));
        let counts = self.of(&self.columns.counts).filter_map(|cell| {
            let number: u32 = cell.text.trim().parse().ok()?;
            Some(stated(format!("{number} items"), cell))
        });
        said.chain(counts).collect()
    }
}

/// The block for a row that shows a request and what it returns: `GET /users/9` or a command, the body that is sent, and
/// below a header such as "Status" or "Result" `404 Not Found`, JSON, the output of the command or "5 users".
pub fn read(text: &str, cells: &[Cell], columns: &Columns) -> Option<Block> {
    static DESCRIBED: LazyLock<Regex> = regex!(r"^\W*[2-5]\d\d\W*:\s*\p{L}");
    let row = Row::new(cells, columns)?;
    let shown = row.shown();
    let expected = row.expected();
    let resource = url::resource(row.url());
    let mut said = expected.iter();
    let is_said = said.any(|stated| result_text::says_something(&stated.text, resource));
    let is_shown = shown.status.is_some() || shown.body.is_some() || shown.printed.is_some();
    let is_template = url::placeholder(url::path_of(row.url())).is_some();
    if !is_shown && !is_said
        || row.is_of_bug()
        || !row.is_command() && is_template
        || shown.body.is_some() && row.is_described()
    {
        return None;
    }
    // Without a status line, JSON below a message would be its body; below a command it is the output.
    let needs_command = shown.status.is_none() && shown.body.is_some() && !row.is_command();
    let command = match (needs_command, &row.sent) {
        (true, None) => "curl -X ",
        (true, Some(_)) => return None,
        (false, _) => "",
    };
    let place = row.request.range.clone();
    let source = &text[place.clone()];
    let mut fence = Fence::unfenced(text, place.clone());
    // "200: the user who is logged in" may depend on more.
    fence.is_mention =
        row.method() == "GET" && row.results().any(|cell| DESCRIBED.is_match(&cell.text));
    fence.content = format!("{command}{}", row.message);
    fence.expected = expected;
    let (before, at, written) = match (source.find(&row.message), source.find(row.url())) {
        (Some(at), _) => (0, at, row.message.as_str()),
        (None, Some(at)) => (row.method().len() + 1, at, row.url()),
        // A `|` is escaped in a table.
        (None, None) => (0, 0, ""),
    };
    fence.pieces = vec![Piece {
        content: command.len() + before,
        source: place.start + at,
        length: written.len(),
    }];
    let parts = [
        ("\n\n", &row.sent),
        ("\n\nHTTP/1.1 ", &shown.status),
        ("\n\n", &shown.body),
        ("\n", &shown.printed),
    ];
    for (between, part) in parts {
        let Some((range, part)) = part else { continue };
        fence.content.push_str(between);
        fence.pieces.push(Piece {
            content: fence.content.len(),
            source: range.start + text[range.clone()].find(part)?,
            length: part.len(),
        });
        fence.content.push_str(part);
    }
    Some(Block::Fence(fence))
}

/// The status that a cell documents: "404 Not Found", "`201` · the new user", "200: [...]"; of several the first, if it
/// is a success.
fn status(cell: &Cell) -> Option<u16> {
    static BEGINS: LazyLock<Regex> = regex!(r"^\W*(?:HTTP\s+)?(?P<code>[2-5]\d\d)(?:\W|$)");
    static CODE: LazyLock<Regex> = regex!(r"\b[1-5]\d\d\b");
    let first = cell.text.split([',', ';']).next()?;
    status_text::in_line(first).or_else(|| {
        let code = BEGINS.captures(&cell.text)?["code"].parse().ok()?;
        let is_only = CODE.find_iter(&cell.text).count() == 1;
        // "400 if the name is missing"
        let is_sure = code < 400 || status_text::is_unconditional(&cell.text);
        (is_sure && is_only || code < 300).then_some(code)
    })
}

/// The request of a cell without the remark behind it: `DELETE /users/1 (again)`.
fn without_remark(message: &str) -> Option<String> {
    let mut words = message.split_whitespace();
    let (method, url) = (words.next()?, words.next()?);
    let remark = words.next()?;
    let is_remark = remark.starts_with(|c: char| c.is_alphabetic() || c == '(')
        && !remark.starts_with("HTTP/")
        && !message.contains('{');
    (METHODS.contains(&method) && is_remark).then(|| format!("{method} {url}"))
}

fn json(cell: &Cell) -> Option<Placed> {
    Some((cell.range.clone(), json_in(&cell.text)?.to_owned()))
}

/// The JSON in brackets that a cell is or ends with: `{"name": "Ada"}`, `200: [{"id": 1}]`.
pub fn json_in(cell: &str) -> Option<&str> {
    let start = cell.find(['{', '['])?;
    if cell[..start].ends_with(|c: char| c.is_alphanumeric() || c == ':') {
        return None;
    }
    // "200, tags: [...]" is about a member.
    static MEMBER: LazyLock<Regex> = regex!(r"(?:^|[,;`]\s*)[a-z_]\w*:\s*$");
    const WHOLE: &str = "body response returns json data";
    let is_member = MEMBER.find(&cell[..start]).is_some_and(|found| {
        let name = found.as_str().trim_matches(|c: char| !c.is_alphanumeric());
        !is_one_of(name, WHOLE)
    });
    if is_member {
        return None;
    }
    let json = cell[start..].trim_end();
    let read = lenient_json::parse_literals(json, true);
    read.ok()?.body.map(|_| json)
}
