use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::json::Document;
use crate::store::{Settings, Store};
use crate::text::query_encode;
use crate::work::Work;

const POSTS: [&str; 5] = [
    r#"{"id":1,"title":"Tea","author":{"name":"ann"},"views":100,"open":true,"tags":["hot","leaf"]}"#,
    r#"{"id":2,"title":"Coffee beans","author":{"name":"ben"},"views":20,"open":false,"tags":["hot"],"note":null}"#,
    r#"{"id":"x3","title":"Iced tea","author":{"name":"ann"},"views":7,"size":"9","made":"2024-03-01"}"#,
    r#"{"id":4.0,"title":"\u0043offee","views":20.0,"size":"10","logged_in":true,"dc:kind":"drink","made":"2023-12-31"}"#,
    r#"{"id":5,"title":"","views":0,"meta":{"lang":"fr"}}"#,
];

fn posts() -> Store {
    let document = Document::parse(format!("{{\"posts\":[{}]}}", POSTS.join(",")).into()).unwrap();
    Store::open(document, Arc::new(Settings::default())).unwrap()
}

fn parse(raw: &str) -> Result<Query, QueryError> {
    let store = posts();
    let collection = store.resource("posts").and_then(|posts| posts.collection());
    Query::parse(&pairs(raw)?, &Fields::new(collection, &[]))
}

/// The positions (from 1) of the posts that `raw` selects.
fn chosen(raw: &str) -> Vec<usize> {
    let query = parse(raw).unwrap_or_else(|error| panic!("{raw}: {error}"));
    query
        .select(0..POSTS.len(), |at| POSTS[*at], &Work::unlimited())
        .rows
        .iter()
        .map(|at| at + 1)
        .collect()
}

#[test]
fn a_query_chooses() {
    let cases: &[(&str, &[usize])] = &[
        ("", &[1, 2, 3, 4, 5]),
        // Equality, by text form.
        ("id=1", &[1]),
        ("id=4", &[4]),
        ("id=x3&id=1", &[1, 3]),
        ("id[]=1&id[]=2", &[1, 2]),
        ("id[0]=1&id[1]=2", &[1, 2]),
        ("views=20", &[2, 4]),
        ("views=20.0", &[4]),
        ("views=2e1", &[]),
        ("title=Coffee", &[4]),
        ("title=coffee", &[]),
        ("title=", &[5]),
        ("title", &[5]),
        ("open=true", &[1]),
        ("note=null", &[]),
        ("author.name=ann&views=7", &[3]),
        ("author[name]=ann", &[1, 3]),
        ("tags[0]=hot", &[1, 2]),
        ("tags.1=leaf", &[1]),
        ("tags=hot", &[2]),
        ("tags=hot,leaf", &[1]),
        ("author=[object+Object]", &[1, 2, 3]),
        ("nope=1", &[]),
        // A field's own name takes precedence over an operator in it.
        ("logged_in=true", &[4]),
        ("dc:kind=drink", &[4]),
        // 0.17's operators.
        ("views_gte=20", &[1, 2, 4]),
        ("views_gte=20&views_lte=50", &[2, 4]),
        ("views_gte=100&views_gte=50", &[1]),
        ("size_gte=9", &[3]),
        ("open_gte=1", &[1]),
        ("views_gte=abc", &[]),
        ("made_gte=2024-01-01", &[3]),
        ("id_ne=1&id_ne=2", &[3, 4, 5]),
        ("note_ne=x", &[]),
        ("title_like=TEA$", &[1, 3]),
        ("title_like=^Coffee", &[2, 4]),
        ("tags_like=leaf", &[1]),
        ("tags_like=", &[1, 2]),
        // 1.0's.
        ("views:gte=20", &[1, 2, 4]),
        ("views_gt=20", &[1]),
        ("views:lt=7", &[5]),
        ("size:gt=9", &[4]),
        ("views:eq=2e1", &[2, 4]),
        ("note:eq=null", &[2]),
        ("note:ne=5", &[2]),
        ("id:ne=1", &[2, 3, 4, 5]),
        ("id:in=1,+x3", &[1, 3]),
        ("id_in=1,2", &[1, 2]),
        ("title:contains=TEA", &[1, 3]),
        ("title:startsWith=coffee", &[2, 4]),
        ("title_startsWith=coffee", &[2, 4]),
        ("title:endsWith=BEANS", &[2]),
        ("title:like=^t", &[1]),
        ("tags:contains=hot", &[1, 2]),
        (
            r#"_where={"or":[{"views":{"lt":5}},{"author":{"name":"ben"}}]}"#,
            &[2, 5],
        ),
        (r#"_where={"views":{"gte":20}}&title=nope"#, &[1, 2, 4]),
        // Search.
        ("q=tea", &[1, 3]),
        ("q=fr", &[5]),
        ("q=", &[1, 2, 3, 4, 5]),
        ("q=coffee&views=20", &[2, 4]),
        // Sort.
        ("_sort=views", &[5, 3, 2, 4, 1]),
        ("_sort=-views", &[1, 2, 4, 3, 5]),
        ("_sort=views&_order=DESC", &[1, 2, 4, 3, 5]),
        ("_sort=views,id&_order=asc,desc", &[5, 3, 4, 2, 1]),
        ("_sort=views,+-id", &[5, 3, 4, 2, 1]),
        ("_sort=views&_sort=-id", &[5, 3, 4, 2, 1]),
        ("_sort=author.name", &[1, 3, 2, 4, 5]),
        ("_sort=-author.name", &[4, 5, 2, 1, 3]),
        ("_sort=size", &[4, 3, 1, 2, 5]),
        ("_sort=views&_order=sideways", &[5, 3, 2, 4, 1]),
        ("_order=desc", &[1, 2, 3, 4, 5]),
        // Windows.
        ("_start=1&_end=3", &[2, 3]),
        ("_limit=2", &[1, 2]),
        ("_limit=0", &[]),
        ("_start=3", &[1, 2, 3, 4, 5]),
        ("_start=-2&_limit=1", &[4]),
        ("_page=2&_limit=2", &[3, 4]),
        ("_page=2&_per_page=2&_sort=-views", &[4, 3]),
        ("_page=9&_per_page=2", &[5]),
        ("_page=9", &[]),
        ("_page=&_limit=", &[1, 2, 3, 4, 5]),
        (
            "_=123&callback=cb&_delay=5&_dependent=x&_embed=y",
            &[1, 2, 3, 4, 5],
        ),
    ];
    for (raw, expected) in cases {
        assert_eq!(&chosen(raw), expected, "{raw}");
    }
}

#[test]
fn totals_are_due_with_a_window() {
    let cases = [
        ("", None),
        ("_start=1", None),
        ("_limit=1", Some(5)),
        ("views=20&_page=1", Some(2)),
        ("_end=0", Some(5)),
    ];
    for (raw, total) in cases {
        let page = parse(raw)
            .unwrap()
            .select(POSTS.into_iter(), |text| *text, &Work::unlimited());
        assert_eq!(page.total, total, "{raw}");
    }
    let page = parse("_page=1&_per_page=2")
        .unwrap()
        .select(POSTS.into_iter(), |text| *text, &Work::unlimited())
        .info
        .unwrap();
    assert_eq!(
        (page.current, page.last, page.style),
        (1, 3, PageStyle::Envelope)
    );
    assert_eq!(page.envelope()[2], ("next", Some(2)));
}

#[test]
fn a_mistake_names_its_parameter_and_shows_a_working_one() {
    let cases = [
        ("views:foo=1", Fault::Value, "views:foo"),
        ("title:startswith=1", Fault::Value, "title:startswith"),
        ("_where={", Fault::Value, "_where"),
        ("_where=5", Fault::Value, "_where"),
        ("_page=0", Fault::Value, "_page"),
        ("_page=-3", Fault::Value, "_page"),
        ("_page=2x", Fault::Value, "_page"),
        ("_page=1&_limit=0", Fault::Value, "_limit"),
        ("_page=1&_per_page=0", Fault::Value, "_per_page"),
        ("_limit=abc", Fault::Value, "_limit"),
        ("_limit=-1", Fault::Value, "_limit"),
        ("_start=1&_end=abc", Fault::Value, "_end"),
        ("title_like=(", Fault::Pattern, "title_like"),
        ("title_like=c%2B%2B", Fault::Pattern, "title_like"),
        ("q[a]=1", Fault::Value, "q[a]"),
        ("title=%", Fault::Encoding, "title"),
    ];
    for (raw, fault, parameter) in cases {
        let error = parse(raw).unwrap_err();
        assert_eq!(
            (error.fault, error.parameter.as_str()),
            (fault, parameter),
            "{raw}"
        );
        assert!(parse(&error.example).is_ok(), "{raw}: {}", error.example);
    }
    assert_eq!(
        parse("title:startswith=1").unwrap_err().example,
        "title:startsWith=the"
    );
}

#[test]
fn a_slip_is_reported() {
    let cases = [
        ("titel=x", Some(("titel", Some("title")))),
        ("views_gtt=1", Some(("views_gtt", None))),
        (
            "auther.name_like=x",
            Some(("auther.name_like", Some("author.name"))),
        ),
        ("_sort=view", Some(("_sort", Some("views")))),
        ("_limt=5", Some(("_limt", Some("_limit")))),
        ("_start=3", Some(("_start", Some("_start=0&_end=10")))),
        (
            "_per_page=3",
            Some(("_per_page", Some("_page=1&_per_page=3"))),
        ),
        ("note=null", Some(("note", Some("note:eq=null")))),
        ("__proto__=1", Some(("__proto__", None))),
        ("views=3", None),
        ("_expand=user&user.name=x&_sort=user.name", None),
        ("_where={\"titel\":1}", Some(("_where", Some("title")))),
    ];
    for (raw, expected) in cases {
        let query = parse(raw).unwrap();
        let found = query
            .notices
            .first()
            .map(|notice| (notice.parameter.as_str(), notice.instead.as_deref()));
        assert_eq!(found, expected, "{raw}");
    }
    assert_eq!(
        parse("_where={}&title=x").unwrap().notices[0].parameter,
        "title"
    );
    let nothing = Query::parse(&pairs("a=1&dc:title=x").unwrap(), &Fields::new(None, &[])).unwrap();
    assert_eq!(nothing.notices, []);
}

#[test]
fn a_caller_sees_what_an_index_can_serve() {
    assert_eq!(
        parse("author.name=ann&_limit=1").unwrap().equality(),
        Some(("author.name", "ann"))
    );
    for raw in ["id=1&views=2", "views_ne=2&id=1&q=x", "id=1&_where={}"] {
        assert_eq!(
            parse(raw).unwrap().equality(),
            (raw != "id=1&_where={}").then_some(("id", "1")),
            "{raw}"
        );
    }
    for raw in ["id=1&id=2", "id_ne=1", "_embed=post&post.title=x", ""] {
        assert_eq!(parse(raw).unwrap().equality(), None, "{raw}");
    }
    for (raw, expected) in [
        ("_page=2", true),
        ("", true),
        ("_sort=id", false),
        ("q=a", false),
        ("id=1", false),
    ] {
        assert_eq!(parse(raw).unwrap().is_window_only(), expected, "{raw}");
    }
    assert!(parse("_embed=post&post.title=x").unwrap().needs_relations());
    assert!(!parse("_embed=post&posts=x").unwrap().needs_relations());
    assert_eq!(
        parse("_embed=a,b&_embed=a&_embed=c").unwrap().embeds,
        ["a", "b", "c"]
    );
}

proptest! {
    #[test]
    fn no_query_makes_it_panic(raw in "([a-z_:\\[\\].%0-9{}\",-]{0,12}=[a-z_:\\[\\].%0-9{}\"(,*-]{0,12}&?){0,4}") {
        if let Ok(query) = parse(&raw) {
            query.select(POSTS.into_iter(), |text| *text, &Work::unlimited());
        }
    }

    #[test]
    fn no_value_of_a_known_parameter_makes_it_panic(
        name in prop::sample::select(vec!["_page", "_limit", "_start", "_end", "_per_page", "_sort", "_where", "q", "title_like", "views:gt"]),
        value in "\\PC{0,16}",
    ) {
        let _ = parse(&format!("{name}={}&_page=1", query_encode(&value))).map(|query| query.select(POSTS.into_iter(), |text| *text, &Work::unlimited()));
    }
}

#[test]
fn fields_are_those_of_any_record_or_rule() {
    let store = posts();
    let fields = Fields::new(
        store.resource("posts").and_then(|posts| posts.collection()),
        &["email"],
    );
    for (path, expected) in [
        ("id", true),
        ("author.name", true),
        ("tags[0]", true),
        ("tags[5]", false),
        ("note", true),
        ("dc:kind", true),
        ("email", true),
        ("name", false),
    ] {
        assert_eq!(fields.has(path), expected, "{path}");
    }
    assert!(!fields.is_blank());
    assert!(Fields::new(None, &[]).is_blank());
}
