//! Likely causes, in words.
//!
//! Each cause is a function from the case to a sentence, or to nothing when it
//! does not apply. They know the data, the request and the page, and guess only
//! where the guess can be shown.

use serde_json::Value;

use super::client::{Answer, Call};
use super::compare::{Difference, Step, What, same, short, show_path};
use super::data::Source;
use super::page::Page;
use super::run::{Judged, Verdict, writes};
use super::url;

/// What is known about a failed example.
pub struct Case<'a> {
    /// The page.
    pub page: &'a Page,
    /// The example with its findings.
    pub judged: &'a Judged,
    /// What was sent.
    pub call: &'a Call,
    /// What came back.
    pub answer: &'a Answer,
    /// The data.
    pub source: &'a Source,
    /// The examples above it on the page.
    pub earlier: &'a [Judged],
    /// What came back after the writes above it, if that was asked.
    pub later: Option<&'a Answer>,
}

/// Every cause that applies, the most telling first.
#[must_use]
pub fn causes(case: &Case<'_>) -> Vec<String> {
    let body = case.answer.json();
    let mut out = Vec::new();
    out.extend(sent_as_form(case));
    out.extend(broken_body(case));
    out.extend(unknown_resource(case));
    out.extend(unknown_fields(case));
    out.extend(shape(case, body.as_ref()));
    out.extend(created_elsewhere(case));
    out.extend(next_id(case));
    out.extend(renamed(case));
    out.extend(another_record(case));
    out.extend(stale_items(case));
    out.extend(numbers_as_text(case));
    out.extend(missing_id(case));
    out.extend(long_list(case, body.as_ref()));
    out.extend(after_writes(case));
    out.extend(server_says(case, body.as_ref()));
    out.dedup();
    out
}

impl Case<'_> {
    fn resource(&self) -> Option<String> {
        url::segments(&self.call.target).into_iter().next()
    }

    fn differences(&self) -> &[Difference] {
        &self.judged.diff.differences
    }
}

fn shape(case: &Case<'_>, body: Option<&Value>) -> Option<String> {
    let whole = case.differences().iter().find(|found| found.path.is_empty() && found.what == What::Type)?;
    match (whole.documented.as_ref()?, body?) {
        (Value::Object(_), Value::Array(items)) => {
            let count = match items.len() {
                0 => "an empty array: no record matches the query".to_owned(),
                1 => "an array of one".to_owned(),
                many => format!("an array of {many}"),
            };
            Some(format!("documents an object, the server returns {count}"))
        }
        (Value::Array(_), Value::Object(_)) if case.answer.status < 300 => {
            Some("documents an array, the server returns one object".to_owned())
        }
        _ => None,
    }
}

fn sent_as_form(case: &Case<'_>) -> Option<String> {
    let typed = case.call.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"))?;
    let body = std::str::from_utf8(&case.call.body).ok()?.trim_start();
    (typed.1.contains("form-urlencoded") && body.starts_with(['{', '[']))
        .then(|| "the JSON is sent as a form: `-H \"Content-Type: application/json\"` is missing".to_owned())
}

fn broken_body(case: &Case<'_>) -> Option<String> {
    let typed = case.call.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"))?;
    let body = std::str::from_utf8(&case.call.body).ok()?;
    if !typed.1.contains("json") || body.is_empty() {
        return None;
    }
    let why = serde_json::from_str::<Value>(body).err()?;
    if body.contains(['\u{201c}', '\u{201d}']) {
        return Some("the body has typographic quotes (“ ”), and JSON knows only straight ones".to_owned());
    }
    Some(format!("the body that is sent is no JSON: {why}"))
}

fn unknown_resource(case: &Case<'_>) -> Option<String> {
    if case.answer.status != 404 {
        return None;
    }
    let segments = url::segments(&case.call.target);
    let first = segments.first()?;
    let resources = case.source.resources();
    if resources.contains(&first.as_str()) || first == "db" {
        return None;
    }
    if let Some(at) = segments.iter().position(|part| resources.contains(&part.as_str())) {
        let prefix = segments[..at].join("/");
        return Some(format!(
            "the server has no `/{prefix}`; `--prefix /{prefix}` or `prefix: /{prefix}` in the front matter maps it away"
        ));
    }
    let near = nearest(first, resources.iter().copied());
    Some(match near {
        Some(near) => format!("`/{first}` is no resource of the database, did you mean `/{near}`?"),
        None => format!("`/{first}` is no resource of the database, which has {}", list(&resources)),
    })
}

/// Query parameters that are operators or options of the server.
const PARAMETERS: &[&str] = &["q", "callback", "_"];
const SUFFIXES: &[&str] =
    &["_gte", "_lte", "_gt", "_lt", "_ne", "_like", "_in", "_contains", "_startsWith", "_endsWith"];

fn unknown_fields(case: &Case<'_>) -> Vec<String> {
    let mut out = unknown_in_query(&case.call.target, case.source);
    let Some(resource) = case.resource() else { return out };
    let fields = case.source.fields(&resource);
    // A body may well bring new fields; only one that nearly exists is suspicious.
    let sent = serde_json::from_slice::<Value>(&case.call.body).ok();
    for key in sent.as_ref().and_then(Value::as_object).into_iter().flat_map(serde_json::Map::keys) {
        if !fields.contains(&key.as_str()) && nearest(key, fields.iter().copied()).is_some() {
            out.push(no_field(key, &resource, &fields));
        }
    }
    out
}

/// Filters and sort keys of a target that no record of its collection has.
#[must_use]
pub fn unknown_in_query(target: &str, source: &Source) -> Vec<String> {
    let Some(resource) = url::segments(target).into_iter().next() else { return Vec::new() };
    let fields = source.fields(&resource);
    if fields.is_empty() {
        return Vec::new();
    }
    let mut out = Vec::new();
    let named = url::query(target);
    let sorted = named.iter().filter(|(name, _)| name == "_sort").flat_map(|(_, value)| value.split(','));
    let sorted: Vec<&str> = sorted.map(|field| field.trim_start_matches('-')).collect();
    let filters =
        named.iter().map(|(name, _)| name.as_str()).filter(|name| !name.starts_with('_') && !PARAMETERS.contains(name));
    for name in filters.chain(sorted) {
        let bare = name.split_once(':').map_or(name, |(field, _)| field);
        let bare = SUFFIXES.iter().find_map(|suffix| bare.strip_suffix(suffix)).unwrap_or(bare);
        let top = bare.split(['.', '[']).next().unwrap_or(bare);
        if !top.is_empty() && !fields.contains(&top) && !fields.contains(&bare) {
            out.push(no_field(top, &resource, &fields));
        }
    }
    out
}

fn no_field(name: &str, resource: &str, fields: &[&str]) -> String {
    match nearest(name, fields.iter().copied()) {
        Some(near) => format!("`{name}` is no field of {resource}, did you mean `{near}`?"),
        None => format!("`{name}` is no field of {resource}, which has {}", list(fields)),
    }
}

/// A record that an earlier request of the page makes or takes away.
fn created_elsewhere(case: &Case<'_>) -> Option<String> {
    let segments = url::segments(&case.call.target);
    let (resource, id) = (segments.first()?, segments.get(1)?);
    if case.answer.status != 404 {
        return None;
    }
    let touching = |method: &str, count: usize| {
        case.earlier.iter().rev().find(|one| {
            let target = url::segments(&one.target);
            one.method == method
                && target.len() == count
                && target.first() == Some(resource)
                && (count == 1 || target.get(1) == Some(id))
        })
    };
    if let Some(delete) = touching("DELETE", 2) {
        let line = delete.example.request_line(case.page);
        return Some(format!("the DELETE on line {line} takes this record away; reset before this example"));
    }
    if let Some(post) = touching("POST", 1) {
        let line = post.example.request_line(case.page);
        return Some(format!("this example needs the record that POST on line {line} creates; or reset"));
    }
    let ids = ids(case.source, resource);
    Some(match (ids.first(), ids.last()) {
        (Some(first), Some(last)) if ids.len() > 1 => {
            format!("{resource} has no record with the id {id}; its ids go from {first} to {last}")
        }
        _ => format!("{resource} has no record with the id {id}"),
    })
}

fn ids(source: &Source, resource: &str) -> Vec<i64> {
    let mut ids: Vec<i64> =
        source.records(resource).into_iter().flatten().filter_map(|record| record.get("id")?.as_i64()).collect();
    ids.sort_unstable();
    ids
}

fn only_ids(differences: &[Difference]) -> bool {
    !differences.is_empty()
        && differences
            .iter()
            .all(|found| matches!(found.path.last(), Some(Step::Key(key)) if key == "id") && found.what == What::Value)
}

fn next_id(case: &Case<'_>) -> Option<String> {
    if case.call.method != "POST" {
        return None;
    }
    let difference = case
        .differences()
        .iter()
        .find(|found| found.path == [Step::Key("id".to_owned())] && matches!(found.what, What::Value | What::Type))?;
    let resource = case.resource()?;
    let documented = difference.documented.as_ref()?;
    let actual = difference.actual.as_ref()?;
    let only = if only_ids(case.differences()) { "differs only in id: " } else { "" };
    let ids = ids(case.source, &resource);
    let taken = documented.as_i64().is_some_and(|id| ids.contains(&id));
    let have = match (ids.first(), ids.last()) {
        (Some(first), Some(last)) => {
            format!("{resource} has the ids {first} to {last}, so the next is {}", short(actual))
        }
        _ => format!("the server gives {}", short(actual)),
    };
    let earlier = case
        .earlier
        .iter()
        .rev()
        .find(|one| one.method == "POST" && url::segments(&one.target).first() == Some(&resource));
    match earlier {
        Some(post) if !taken => Some(format!(
            "{only}this example needs the record that POST on line {} creates; or reset ({have})",
            post.example.request_line(case.page)
        )),
        _ if taken => Some(format!("{only}the documented id {} is taken; {have}", short(documented))),
        _ => Some(format!("{only}{have}")),
    }
}

/// A documented member and an undocumented one that are nearly the same word.
fn renamed(case: &Case<'_>) -> Vec<String> {
    let key = |found: &Difference| match found.path.last() {
        Some(Step::Key(key)) => Some(key.clone()),
        _ => None,
    };
    let parent = |found: &Difference| found.path[..found.path.len().saturating_sub(1)].to_vec();
    let mut out: Vec<String> = Vec::new();
    for missing in case.differences().iter().filter(|found| found.what == What::Missing) {
        let Some(name) = key(missing) else { continue };
        let others: Vec<String> = case
            .differences()
            .iter()
            .filter(|found| found.what == What::Extra && parent(found) == parent(missing))
            .filter_map(key)
            .collect();
        if let Some(near) = nearest(&name, others.iter().map(String::as_str)) {
            let sentence = format!("the page writes `{name}`, the server `{near}`");
            if !out.contains(&sentence) {
                out.push(sentence);
            }
        }
    }
    out
}

/// The documented values are those of another record, or of an earlier state.
fn another_record(case: &Case<'_>) -> Option<String> {
    let resource = case.resource()?;
    let segments = url::segments(&case.call.target);
    let records = case.source.records(&resource)?;
    let flat: Vec<(&str, &Value)> = case
        .differences()
        .iter()
        .filter_map(|found| match (found.path.as_slice(), found.what) {
            ([Step::Key(key)], What::Value) => Some((key.as_str(), found.documented.as_ref()?)),
            _ => None,
        })
        .collect();
    let (_, id) = (segments.first()?, segments.get(1)?);
    if flat.is_empty() || case.answer.status >= 300 || only_ids(case.differences()) {
        return None;
    }
    let is_own = |record: &&Value| record.get("id").is_some_and(|own| own.to_string().trim_matches('"') == id);
    let met = |record: &&Value| {
        flat.iter().filter(|(key, value)| record.get(*key).is_some_and(|own| same(own, value))).count()
    };
    let best = records.iter().filter(|record| !is_own(record)).max_by_key(|record| met(record))?;
    let shared = met(&best);
    if shared >= 2 && shared * 2 >= flat.len() {
        let other = best.get("id").map(short).unwrap_or_default();
        return Some(format!(
            "the documented values are those of the record with the id {other}, the request is for {id}"
        ));
    }
    let own = records.iter().find(is_own)?;
    let (key, documented) = flat.first()?;
    let stored = own.get(*key)?;
    let differs =
        case.differences().iter().any(|found| found.actual.as_ref().is_some_and(|actual| same(actual, stored)));
    differs.then(|| {
        format!(
            "the database has `{key}`: {} for this record, the page {}: one of them was changed later",
            short(stored),
            short(documented)
        )
    })
}

/// Documented items that a list does not have: what the database says of them.
fn stale_items(case: &Case<'_>) -> Vec<String> {
    const SAID: usize = 3;
    let Some(resource) = case.resource() else { return Vec::new() };
    let Some(records) = case.source.records(&resource) else { return Vec::new() };
    let mut out = Vec::new();
    for found in case.differences().iter().filter(|found| found.what == What::Missing) {
        let ([Step::Id(id)], Some(Value::Object(documented))) = (found.path.as_slice(), &found.documented) else {
            continue;
        };
        let Some(record) = records.iter().find(|record| record.get("id").is_some_and(|own| same(own, id))) else {
            out.push(format!("{resource} has no record with the id {}", short(id)));
            continue;
        };
        let changed = documented.iter().find(|(key, value)| record.get(*key).is_some_and(|own| !same(own, value)));
        out.push(match changed {
            Some((key, value)) => format!(
                "in the database the record {} has `{key}`: {}, the page {}, so it does not match the query",
                short(id),
                record.get(key).map(short).unwrap_or_default(),
                short(value)
            ),
            None => format!("the record {} is in the database as documented; the query does not find it", short(id)),
        });
        if out.len() == SAID {
            break;
        }
    }
    out
}

fn numbers_as_text(case: &Case<'_>) -> Option<String> {
    let found = case.differences().iter().find(|found| found.what == What::Type && !found.path.is_empty())?;
    let (documented, actual) = (found.documented.as_ref()?, found.actual.as_ref()?);
    let path = show_path(&found.path);
    let quoted = |text: &Value, other: &Value| {
        let plain = other.to_string();
        text.as_str().is_some_and(|text| text == plain)
    };
    if quoted(documented, actual) {
        return Some(format!("`{path}` is a number in the answer; the page puts it in quotes"));
    }
    quoted(actual, documented).then(|| format!("`{path}` is text in the answer; the page writes it without quotes"))
}

fn missing_id(case: &Case<'_>) -> Option<String> {
    let extra: Vec<_> = case.differences().iter().filter(|found| found.what == What::Extra).collect();
    let only_id = extra.len() == case.differences().len()
        && !extra.is_empty()
        && extra.iter().all(|found| matches!(found.path.last(), Some(Step::Key(key)) if key == "id"));
    only_id.then(|| "the server adds an `id` to every record; the page leaves it out".to_owned())
}

fn long_list(case: &Case<'_>, body: Option<&Value>) -> Option<String> {
    let items = body?.as_array()?;
    let extra = case
        .differences()
        .iter()
        .filter(|found| found.what == What::Extra && matches!(found.path.as_slice(), [Step::Id(_) | Step::Index(_)]));
    let extra = extra.count();
    let missing = case.differences().iter().any(|found| found.what == What::Missing && found.path.len() == 1);
    (extra > 0 && !missing).then(|| {
        format!(
            "the server returns {} records, the page shows {}; `...` as the last item stands for the rest",
            items.len(),
            items.len() - extra
        )
    })
}

/// The other answer, for a reader who has run what stands above.
fn after_writes(case: &Case<'_>) -> Option<String> {
    let later = case.later?;
    if later.status == case.answer.status {
        return None;
    }
    let empty = case.judged.documented.as_ref().is_some_and(|node| node.to_value() == serde_json::json!({}));
    let habit =
        if empty && later.status == 404 { " with a problem that says why, where json-server answers `{}`" } else { "" };
    Some(format!("after the writes above it the server answers {}{habit}", later.status))
}

/// What the server itself says about its refusal.
fn server_says(case: &Case<'_>, body: Option<&Value>) -> Option<String> {
    if case.answer.status < 400 {
        return None;
    }
    let body = body?;
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let detail = text("detail").or_else(|| text("error")).or_else(|| text("message")).or_else(|| text("title"))?;
    let hint = text("hint").map(|hint| format!(" ({hint})")).unwrap_or_default();
    Some(format!("the server says: {detail}{hint}"))
}

/// Whether an earlier failing write can have changed what an example sees.
#[must_use]
pub fn depends_on_writes(earlier: &[Judged]) -> bool {
    earlier.iter().any(|one| writes(&one.method) && one.verdict != Verdict::Skipped)
}

fn list(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let mut out = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        out.push_str(", …");
    }
    out
}

/// The candidate nearest to a word, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<Vec<char>>();
    let wanted = plain(word);
    candidates
        .filter(|candidate| *candidate != word)
        .map(|candidate| (distance(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= (wanted.len() / 4).max(1))
        .filter(|(distance, candidate)| *distance < candidate.len().min(wanted.len()).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits between two words; two neighbouring letters swapped count as one.
fn distance(one: &[char], other: &[char]) -> usize {
    let width = other.len() + 1;
    let mut rows = vec![0; (one.len() + 1) * width];
    for at in 0..=one.len() {
        rows[at * width] = at;
    }
    for (at, cell) in rows[..width].iter_mut().enumerate() {
        *cell = at;
    }
    for i in 1..=one.len() {
        for j in 1..=other.len() {
            let cost = usize::from(one[i - 1] != other[j - 1]);
            let mut best = (rows[(i - 1) * width + j] + 1)
                .min(rows[i * width + j - 1] + 1)
                .min(rows[(i - 1) * width + j - 1] + cost);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                best = best.min(rows[(i - 2) * width + j - 2] + 1);
            }
            rows[i * width + j] = best;
        }
    }
    rows[one.len() * width + other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words() {
        let fields = ["id", "lastName", "firstName", "email", "release-date"];
        let rows = [
            ("last_name", Some("lastName")),
            ("firstname", Some("firstName")),
            ("emial", Some("email")),
            ("release_date", Some("release-date")),
            ("zip", None),
            ("i", None),
        ];
        for (word, expected) in rows {
            assert_eq!(nearest(word, fields.iter().copied()), expected, "{word}");
        }
    }
}
