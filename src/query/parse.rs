//! Parses the parameters of a query string.

use std::collections::BTreeSet;

use super::filter::{Condition, FieldAndOp, Filter, Search, read_name};
use super::parameters::{Window, names_in};
use super::pattern::Patterns;
use super::{Fault, Fields, Notice, QueryError, quoted};
use crate::json::{self, FieldPath, Kind};
use crate::rules::{Op, RESERVED, is_reserved};
use crate::store::SortKey;
use crate::text::{nearest, query_encode};

/// A parsed list request.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pub(super) filters: Vec<Filter>,
    pub(super) conditions: Vec<Condition>,
    pub(super) searches: Vec<Search>,
    /// The paths of the fields that are shown of each record; none: all of them.
    shown: Vec<String>,
    pub(super) sort: Vec<SortKey>,
    pub(super) window: Window,
    /// The names given to `_embed`, in order, each once: children, or a parent in 1.0's form.
    pub embeds: Vec<String>,
    /// The names given to `_expand`, in order, each once.
    pub expands: Vec<String>,
    /// Hints for the client, although the query is valid.
    pub notices: Vec<Notice>,
}

impl Query {
    /// Parses the decoded `pairs` of a query string (see [`super::pairs`]) for a collection with `fields`.
    ///
    /// The error names the parameter and shows one that works.
    pub fn parse(pairs: &[(String, String)], fields: &Fields<'_>) -> Result<Query, QueryError> {
        let mut query = Query {
            shown: names_in(pairs, "_fields"),
            embeds: names_in(pairs, "_embed"),
            expands: names_in(pairs, "_expand"),
            ..Query::default()
        };
        let patterns = Patterns::new(fields.pattern_limit, fields.work);
        let first = |name: &str| {
            let found = pairs.iter().find(|(known, _)| known == name)?;
            Some(found.1.as_str()).filter(|value| !value.is_empty())
        };
        for (name, value) in pairs {
            if let Some((base, _)) = name.split_once('[').filter(|(base, _)| is_reserved(base)) {
                let detail = format!(
                    "{base} takes a string, and {} makes it an object",
                    quoted(name)
                );
                let example = example_of(base);
                return Err(QueryError::new(Fault::Value, name, detail, example));
            }
            if name == "_where" && !value.is_empty() {
                query.conditions.push(Condition::parse(value, &patterns)?);
                let filters = query.condition_filters();
                check_count("_where", filters.map(|filter| &*filter.path.text), fields)?;
            }
        }
        match first("_where") {
            None => query.read_filters(pairs, fields, &patterns)?,
            Some(_) => {
                for (name, _) in pairs.iter().filter(|(name, _)| !is_reserved(name)) {
                    query.note(name, "it has no effect beside _where.", None);
                }
            }
        }
        query
            .searches
            .extend(first("q").map(|text| Search::new(text, Vec::new())));
        for (name, text) in pairs.iter().filter(|(_, text)| !text.is_empty()) {
            if let Some(names) = searched(name, fields) {
                let paths = names.split(',').map(FieldPath::new).collect();
                query.searches.push(Search::new(text, paths));
            }
        }
        query.read_sort(pairs, fields)?;
        query.window = Window::parse(first)?;
        query.note_window(first);
        let notices = query.field_notices(pairs, fields);
        query.notices.extend(notices);
        Ok(query)
    }

    /// Adds a notice for each parameter of the window that has no effect.
    fn note_window<'a>(&mut self, first: impl Fn(&str) -> Option<&'a str>) {
        if first("_start").is_some() && self.window == Window::All {
            let example = "_start=0&_end=10".to_string();
            self.note(
                "_start",
                "it has no effect without _end or _limit.",
                Some(example),
            );
        }
        match (first("_per_page"), first("_page"), first("_limit")) {
            (Some(value), None, _) => {
                let example = example_with("_per_page", value);
                self.note(
                    "_per_page",
                    "it has no effect without _page.",
                    Some(example),
                );
            }
            (Some(_), Some(_), Some(_)) => {
                self.note("_limit", "it has no effect beside _per_page.", None);
            }
            _ => {}
        }
    }

    fn read_filters(
        &mut self,
        pairs: &[(String, String)],
        fields: &Fields<'_>,
        patterns: &Patterns<'_>,
    ) -> Result<(), QueryError> {
        // Field and operator, the first parameter with them, and the values of all parameters with them.
        let mut read: Vec<(FieldAndOp<'_>, &str, Vec<String>)> = Vec::new();
        let is_filter = |name: &str| !is_reserved(name) && searched(name, fields).is_none();
        for (parameter, value) in pairs.iter().filter(|(name, _)| is_filter(name)) {
            let asked = read_name(parameter, fields)?;
            match read.iter_mut().find(|(known, ..)| *known == asked) {
                Some((.., values)) => values.push(value.clone()),
                None => {
                    read.push((asked, parameter, vec![value.clone()]));
                    check_count(parameter, read.iter().map(|((path, _), ..)| *path), fields)?;
                }
            }
        }
        for ((path, operator), parameter, values) in read {
            if operator.is_none() && values.iter().any(|value| value == "null") {
                let detail =
                    "the text null is compared; to find fields that are null use the operator eq.";
                self.note(parameter, detail, Some(format!("{path}:eq=null")));
            }
            let filter = Filter::new(parameter, path, operator, values, patterns)?;
            self.filters.push(filter);
        }
        Ok(())
    }

    /// `_sort=a,b` with `_order=desc,asc`, or `_sort=-a,b`.
    fn read_sort(
        &mut self,
        pairs: &[(String, String)],
        fields: &Fields<'_>,
    ) -> Result<(), QueryError> {
        let values = |wanted: &'static str| {
            let values = pairs.iter().filter(move |(name, _)| name == wanted);
            values.flat_map(|(_, value)| value.split(','))
        };
        let mut orders = values("_order");
        for name in values("_sort") {
            let order = orders.next().map(str::trim);
            let down = order.is_some_and(|order| order.eq_ignore_ascii_case("desc"));
            // The space or minus may be a part of the field's name.
            let trimmed = name.trim();
            let (path, minus) = match trimmed.strip_prefix('-') {
                Some(rest) if !fields.has(trimmed) => (rest.trim(), true),
                _ => (trimmed, false),
            };
            if !path.is_empty() {
                self.sort.push(SortKey {
                    path: FieldPath::new(path),
                    descending: down || minus,
                });
                let paths = self.sort.iter().map(|key| key.path.text.as_str());
                check_count("_sort", paths, fields)?;
            }
        }
        let mut orders = values("_order")
            .map(str::trim)
            .filter(|order| !order.is_empty());
        if let Some(order) = orders.clone().next()
            && self.sort.is_empty()
        {
            let instead = format!("_sort=id&_order={order}");
            self.note("_order", "it has no effect without _sort.", Some(instead));
        }
        let lower = |order: &str| order.to_lowercase();
        if let Some(order) = orders.find(|order| !["asc", "desc"].contains(&&*lower(order))) {
            let is_down = lower(order).starts_with('d') || order == "-1";
            let meant = if is_down { "desc" } else { "asc" };
            let order = quoted(order);
            let detail = format!("an order is asc or desc, and {order} counts as asc.");
            self.note("_order", detail, Some(format!("_order={meant}")));
        }
        Ok(())
    }

    /// The filters within `_where`.
    fn condition_filters(&self) -> impl Iterator<Item = &Filter> {
        self.conditions.iter().flat_map(Condition::filters)
    }

    fn note(&mut self, parameter: &str, detail: impl Into<String>, instead: Option<String>) {
        self.notices.push(Notice::new(parameter, detail, instead));
    }

    /// Notices for fields that no record and no rule has: most often a typo, and the result is empty.
    fn field_notices(&self, pairs: &[(String, String)], fields: &Fields<'_>) -> Vec<Notice> {
        let mut notices = Vec::new();
        let is_equality =
            |filter: &&Filter| matches!(filter.operator, None | Some((Op::Eq | Op::In, _)));
        for filter in self.filters.iter().filter(is_equality) {
            let (path, wanted) = (&filter.path.text, &filter.values);
            if !self.is_related(path)
                && !wanted.iter().any(|wanted| wanted.contains(','))
                && fields.is_array(path)
            {
                let detail = "the field is an array, which is compared as a whole, with commas between its items.";
                let value = wanted.first().map_or("", String::as_str);
                let instead = format!("{path}:contains={}", query_encode(value));
                notices.push(Notice::new(&filter.parameter, detail, Some(instead)));
            }
        }
        if fields.is_blank() {
            return notices;
        }
        let searched = pairs.iter().flat_map(|(parameter, _)| {
            let names = searched(parameter, fields).into_iter();
            let paths = names.flat_map(|names| names.split(','));
            paths.map(move |path| (parameter.as_str(), path, "so nothing is found in it"))
        });
        let filtered = self.filters.iter().map(|filter| {
            let parameter = filter.parameter.as_str();
            (parameter, &*filter.path.text, "so the response is empty")
        });
        let conditions = self.condition_filters().map(|filter| {
            let path = &*filter.path.text;
            ("_where", path, "so no record matches the condition")
        });
        let sorted = (self.sort.iter())
            .map(|key| ("_sort", &*key.path.text, "so the order does not change"));
        let shown = (self.shown.iter()).map(|path| ("_fields", &**path, "so it is not shown"));
        let asked = filtered.chain(conditions).chain(sorted).chain(searched);
        for (parameter, path, effect) in asked.chain(shown) {
            if self.is_related(path) || fields.has(path) {
                continue;
            }
            let sent = pairs.iter().find(|(name, _)| name == parameter);
            let value = sent.map_or("", |(_, value)| value);
            let instead = reserved_for(parameter)
                .filter(|_| !is_reserved(parameter))
                .map(|reserved| example_with(reserved, value))
                .or_else(|| fields.nearest(path))
                .or_else(|| {
                    let near = nearest(path, RESERVED).filter(|_| path.starts_with('_'))?;
                    Some(near.to_string())
                });
            let detail = format!("no record has a field {}, {effect}.", quoted(path));
            notices.push(Notice::new(parameter, detail, instead));
        }
        notices
    }

    /// Whether `path` begins with the name of a requested relation.
    fn is_related(&self, path: &str) -> bool {
        self.embeds.iter().chain(&self.expands).any(|name| {
            let first = name.split(['.', '/']).next().unwrap_or(name);
            path.strip_prefix(first)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }

    /// Whether only some fields of each record are shown.
    pub fn shows_some(&self) -> bool {
        !self.shown.is_empty()
    }

    /// `record` with the fields that `_fields` names, in its own order.
    pub fn shown(&self, record: &str) -> String {
        let paths: Vec<&str> = self.shown.iter().map(String::as_str).collect();
        picked(record, &paths)
    }

    /// A field and a value that it must have in every result (`author=bob`), for an index lookup. [`Query::select`]
    /// must still check the candidates.
    pub fn equality(&self) -> Option<(&str, &str)> {
        self.filters.iter().find_map(|filter| {
            let path = filter.path.text.as_str();
            match (filter.operator, filter.values.as_slice()) {
                (None, [value]) if !self.is_related(path) => Some((path, value.as_str())),
                _ => None,
            }
        })
    }

    /// Whether the results depend on the window alone: there is no filter, search or sort.
    pub fn is_window_only(&self) -> bool {
        self.takes_all() && self.sort.is_empty()
    }

    /// The sort keys, if there is no filter and no key of a related record: then a sort index applies.
    pub(super) fn sorts_all(&self) -> Option<&[SortKey]> {
        (self.takes_all() && !self.sort.is_empty() && !self.needs_relations()).then_some(&self.sort)
    }

    /// Whether every record passes: there is no filter and no search.
    pub fn takes_all(&self) -> bool {
        self.filters.is_empty() && self.conditions.is_empty() && self.searches.is_empty()
    }

    /// Whether a filter or a sort key is a field of a related record (`_embed=post&post.title=x`): then relations must
    /// be attached before [`Query::select`], otherwise only to its results.
    pub fn needs_relations(&self) -> bool {
        let filters = self.filters.iter().chain(self.condition_filters());
        let paths = filters.map(|filter| &filter.path);
        paths
            .chain(self.sort.iter().map(|key| &key.path))
            .any(|path| self.is_related(&path.text))
    }
}

/// Refuses conditions on too many fields: each is looked up in every record.
fn check_count<'p>(
    parameter: &str,
    paths: impl Iterator<Item = &'p str>,
    fields: &Fields<'_>,
) -> Result<(), QueryError> {
    let limit = fields.limit;
    if paths.collect::<BTreeSet<_>>().len() <= limit {
        return Ok(());
    }
    let detail = format!("the query filters or sorts by more than {limit} fields");
    let example = "id=1&id=2";
    Err(QueryError::new(
        Fault::TooManyFields,
        parameter,
        detail,
        example,
    ))
}

/// The field that `q.title` searches, unless a record has a field `q.title` itself.
fn searched<'n>(name: &'n str, fields: &Fields<'_>) -> Option<&'n str> {
    name.strip_prefix("q.")
        .filter(|rest| !rest.is_empty() && !fields.has(name))
}

/// The parts of `value` at `paths`: members of objects, and of the objects in arrays.
fn picked(value: &str, paths: &[&str]) -> String {
    match Kind::of(value) {
        Kind::Array => {
            let items: Vec<String> = json::items(value).map(|item| picked(item, paths)).collect();
            format!("[{}]", items.join(","))
        }
        Kind::Object => {
            let members = json::members(value).filter_map(|member| {
                let key = &*member.key;
                if paths.contains(&key) {
                    return Some(format!("{}:{}", member.raw_key, member.value));
                }
                // A path may be a single name with dots in it.
                let below = paths
                    .iter()
                    .filter_map(|path| path.strip_prefix(key)?.strip_prefix('.'));
                let below: Vec<&str> = below.collect();
                let value = (!below.is_empty()).then(|| picked(member.value, &below))?;
                Some(format!("{}:{value}", member.raw_key))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        _ => value.to_string(),
    }
}

/// The reserved parameter that other APIs call `name`.
fn reserved_for(name: &str) -> Option<&'static str> {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    Some(match plain.as_str() {
        "limit" | "take" | "top" | "count" | "max" | "maxresults" => "_limit",
        "page" | "pagenumber" | "pageno" | "currentpage" => "_page",
        "perpage" | "pagesize" | "size" | "itemsperpage" => "_per_page",
        "sort" | "sortby" | "orderby" | "sortfield" => "_sort",
        "order" | "dir" | "direction" | "sortorder" | "sortdir" | "sortdirection" => "_order",
        "offset" | "skip" | "start" | "from" => "_start",
        "end" => "_end",
        "search" | "query" | "q" | "keyword" | "keywords" | "term" | "searchterm" => "q",
        "embed" | "include" => "_embed",
        "expand" => "_expand",
        "where" => "_where",
        "delay" => "_delay",
        _ => return None,
    })
}

/// `reserved` with `value`, and the other parameter that it needs to have an effect.
fn example_with(reserved: &str, value: &str) -> String {
    let value = query_encode(value);
    match reserved {
        "_start" => format!("_start={value}&_limit=10"),
        "_per_page" => format!("_page=1&_per_page={value}"),
        "_order" => format!("_sort=id&_order={value}"),
        _ => format!("{reserved}={value}"),
    }
}

fn example_of(reserved: &str) -> String {
    match reserved {
        "_start" | "_end" => "_start=0&_end=10".into(),
        "_page" | "_limit" => "_page=1&_limit=10".into(),
        "_per_page" => "_page=1&_per_page=10".into(),
        "_sort" | "_order" => "_sort=id&_order=desc".into(),
        "_where" => "_where={\"id\":{\"gt\":1}}".into(),
        "_delay" => "_delay=200".into(),
        "_status" => "_status=503".into(),
        other => format!("{other}=text"),
    }
}
