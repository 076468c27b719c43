//! Filters on arrays: membership, and the members of an array's items.

use serde_json::Value;

use crate::support::*;

fn ids(fixture: &Fixture, path: &str) -> Vec<i64> {
    // Several times, because an index is used from the second time on.
    let all: Vec<Vec<i64>> = (0..4)
        .map(|_| crate::support::ids(&fixture.get(path).value()))
        .collect();
    assert!(
        all.windows(2).all(|pair| pair[0] == pair[1]),
        "{path}: {all:?}"
    );
    all[0].clone()
}

#[test]
fn contains_on_an_array_is_membership() {
    let fixture = serve_data(
        r#"{"partners":[
            {"id":1,"segmentIds":[1,3],"tags":["red","blue"],"name":"Reddish"},
            {"id":2,"segmentIds":[11],"tags":["redish"],"name":"Blue"},
            {"id":3,"segmentIds":[],"tags":null,"name":["x"]}
        ]}"#,
    );
    for (query, found) in [
        ("segmentIds:contains=1", vec![1]),
        ("segmentIds:has=1", vec![1]),
        ("segmentIds_contains=1", vec![1]),
        ("segmentIds:contains=1.0", vec![1]),
        ("segmentIds:contains=1&segmentIds:contains=11", vec![1, 2]),
        ("tags:contains=red", vec![1]),
        ("tags:has=red", vec![1]),
        ("tags:contains=Red", vec![]),
        ("tags:contains=re", vec![]),
        ("name:contains=red", vec![1]),
        ("name:has=red", vec![1]),
        ("name:contains=x", vec![3]),
        ("_where={\"tags\":{\"contains\":\"red\"}}", vec![1]),
        ("tags_like=red", vec![1, 2]),
    ] {
        assert_eq!(
            ids(
                &fixture,
                &format!("/partners?{}", query.replace('"', "%22"))
            ),
            found,
            "{query}"
        );
    }
    // json-server compares the text of the whole array, however the parameter is spelt.
    for query in ["tags=red", "tags[]=red", "tags:eq=red"] {
        let reply = fixture.get(&format!("/partners?{query}"));
        let hint = reply.header("x-hint").unwrap_or_default();
        assert_eq!(reply.value(), Value::Array(vec![]));
        assert!(hint.contains("tags:contains=red"), "{query}: {hint}");
    }
    assert_eq!(ids(&fixture, "/partners?tags=red,blue"), [1]);
    assert_eq!(
        fixture.get("/partners?tags=red,blue").header("x-hint"),
        None
    );
}

#[test]
fn a_path_leads_into_every_item_of_an_array() {
    let mut rows = vec![
        r#"{"id":1,"categories":[{"id":1,"name":"Tea"},{"id":2,"name":"Cups","tags":[{"n":"x"}]}]}"#.to_string(),
        r#"{"id":2,"categories":[{"id":2,"name":"Tea"},{"id":2,"name":"Pots"}]}"#.to_string(),
        r#"{"id":3,"categories":[{"id":12,"name":"Teapots"}]}"#.to_string(),
        r#"{"id":4,"categories":{"id":2}}"#.to_string(),
    ];
    // With so many records there is an index.
    rows.extend((5..60).map(|id| format!("{{\"id\":{id},\"categories\":[]}}")));
    let fixture = serve_data(&format!("{{\"products\":[{}]}}", rows.join(",")));
    for (query, found) in [
        ("categories.id=2", vec![1, 2, 4]),
        ("categories.id:in=1,12", vec![1, 3]),
        ("categories.id_gte=3", vec![3]),
        ("categories.id:ne=2", vec![3]),
        ("categories.id_ne=1&categories.id_ne=12", vec![2, 4]),
        ("categories.name:contains=tea", vec![1, 2, 3]),
        ("categories.name_like=^pots$", vec![2]),
        ("categories.0.id=2", vec![2]),
        ("categories.tags.n=x", vec![1]),
        ("_where={\"categories\":{\"id\":2}}", vec![1, 2, 4]),
    ] {
        let path = format!("/products?{}", query.replace('"', "%22"));
        assert_eq!(ids(&fixture, &path), found, "{query}");
        assert_eq!(fixture.get(&path).header("x-hint"), None, "{query}");
    }
}
