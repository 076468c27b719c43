//! Causes that lie in the records: ids that are taken or gone, values of
//! another record, lists that are longer.

use serde_json::Value;

use super::Case;
use crate::compare::{Difference, Step, What, same, short};
use crate::data::Source;
use crate::url;

/// A record that an earlier request of the page makes or takes away.
pub(super) fn created_elsewhere(case: &Case<'_>) -> Option<String> {
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

pub(super) fn only_ids(differences: &[Difference]) -> bool {
    !differences.is_empty()
        && differences
            .iter()
            .all(|found| matches!(found.path.last(), Some(Step::Key(key)) if key == "id") && found.what == What::Value)
}

pub(super) fn next_id(case: &Case<'_>) -> Option<String> {
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

/// The documented values are those of another record, or of an earlier state.
pub(super) fn another_record(case: &Case<'_>) -> Option<String> {
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
pub(super) fn stale_items(case: &Case<'_>) -> Vec<String> {
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

pub(super) fn missing_id(case: &Case<'_>) -> Option<String> {
    let extra: Vec<_> = case.differences().iter().filter(|found| found.what == What::Extra).collect();
    let only_id = extra.len() == case.differences().len()
        && !extra.is_empty()
        && extra.iter().all(|found| matches!(found.path.last(), Some(Step::Key(key)) if key == "id"));
    only_id.then(|| "the server adds an `id` to every record; the page leaves it out".to_owned())
}

pub(super) fn long_list(case: &Case<'_>, body: Option<&Value>) -> Option<String> {
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
