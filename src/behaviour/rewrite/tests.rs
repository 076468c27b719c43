use super::super::RoutesFile;
use super::*;
use proptest::prelude::*;

const README: &str = r#"{
    "/api/*": "/$1",
    "/:resource/:id/show": "/:resource/:id",
    "/posts/:category": "/posts?category=:category",
    "/articles?id=:id": "/posts/:id"
}"#;

fn is_record(path: &str) -> bool {
    matches!(path, "/posts/1" | "/posts/2")
}

#[test]
fn rules_rewrite() {
    let cases = [
        (README, "/api/posts", "/posts"),
        (README, "/api/posts/1", "/posts/1"),
        (
            README,
            "/API/posts/1?_embed=comments",
            "/posts/1?_embed=comments",
        ),
        (
            README,
            "/api/posts/javascript",
            "/posts?category=javascript",
        ),
        (README, "/posts/1/show", "/posts/1"),
        (README, "/posts/bob", "/posts?category=bob"),
        (
            README,
            "/posts/bob?_sort=id",
            "/posts?category=bob&_sort=id",
        ),
        (README, "/posts/a+b&c", "/posts?category=a%2Bb%26c"),
        (README, "/articles?id=1", "/posts/1"),
        (README, "/article?id=1", "/article?id=1"),
        (README, "/articles?id=1&x=2", "/posts/1&x=2"),
        (README, "/api", "/api"),
        (README, "/", "/"),
        (
            r#"{"/v1/*": "/a/$1", "/a/*": "/$1"}"#,
            "/v1/posts/1",
            "/posts/1",
        ),
        (r#"{"/me": "/profile"}"#, "/ME/?x=1", "/profile?x=1"),
        (
            r#"{"/top/": "/posts?_sort=views"}"#,
            "/top?author=bob",
            "/posts?_sort=views&author=bob",
        ),
        (r#"{"/p/:id(\\d+)": "/posts/:id"}"#, "/p/12", "/posts/12"),
        (r#"{"/p/:id(\\d+)": "/posts/:id"}"#, "/p/abc", "/p/abc"),
        (r#"{"/x/:r/:id?": "/:r/:id"}"#, "/x/posts", "/posts/"),
        (r#"{"/x/:r/:id?": "/:r/:id"}"#, "/x/posts/2", "/posts/2"),
        (
            r#"{"/by/:t": "/posts?title=:t"}"#,
            "/by/Rust%20mock",
            "/posts?title=Rust%20mock",
        ),
        (
            r#"{"/f/:path+": "/files?path=:path"}"#,
            "/f/a/b",
            "/files?path=a/b",
        ),
        (
            r#"{"/f/:path*": "/files?path=:path"}"#,
            "/f",
            "/files?path=",
        ),
        (
            r#"{"/n/(\\d+)/(\\w+)": "/$2/$1"}"#,
            "/n/3/posts",
            "/posts/3",
        ),
        (r#"{"/a.b": "/c"}"#, "/axb", "/axb"),
        (
            r#"{"/articles\\?id=:id": "/posts/:id"}"#,
            "/articles?id=2",
            "/posts/2",
        ),
        (
            r#"{"/articles\\?id=:id": "/posts/:id"}"#,
            "/articles",
            "/articles",
        ),
        (
            r#"{"/a/:id\\?x=:x": "/posts/:id?x=:x"}"#,
            "/a/5?x=7",
            "/posts/5?x=7",
        ),
        (
            r#"{"/web/getByTitle\\('F'\\)/Items": "/posts"}"#,
            "/web/getByTitle('F')/Items",
            "/posts",
        ),
        (r#"{"/f\\(:id\\)": "/posts/:id"}"#, "/f(3)", "/posts/3"),
        (
            r#"{"/posts\\:publish": "/drafts"}"#,
            "/posts:publish",
            "/drafts",
        ),
        (r#"{"/a\\*": "/b"}"#, "/a*", "/b"),
        (r#"{"/a\\*": "/b"}"#, "/ab", "/ab"),
        (r#"{"/a\\+b": "/c"}"#, "/a+b", "/c"),
        (r#"{"/caf\u00e9/*": "/$1"}"#, "/café/posts", "/posts"),
    ];
    for (rules, url, expected) in cases {
        assert_eq!(
            RoutesFile::parse(rules)
                .unwrap()
                .rewriter
                .apply(url, is_record),
            expected,
            "{rules} {url}"
        );
    }
}

#[test]
fn a_broken_file_names_the_place() {
    let cases = [
        ("{\n  \"/a\": \"/b\",\n}", (3, 1), ""),
        ("[]", (1, 1), "not an array"),
        ("{\"/a\":\n 5}", (2, 2), "got a number"),
        ("{\n \"a\": \"/b\"}", (2, 2), "does not begin with a slash"),
        ("{\"/a/:id(\": \"/b\"}", (1, 2), "not closed"),
        ("{\"/a/:id([)\": \"/b\"}", (1, 2), "cannot be run"),
        ("{\"/a/:id\":\n\"/b/:x\"}", (2, 1), "uses :x"),
        ("{\"/a/:id\": \"/b/$2\"}", (1, 12), "uses $2"),
    ];
    for (text, (line, column), part) in cases {
        let error = RoutesFile::parse(text).unwrap_err();
        assert!(error.message.contains(part), "{text}: {error}");
        assert_eq!(
            error.place.map(|place| (place.line, place.column)),
            Some((line, column)),
            "{text}: {error}"
        );
    }
}

proptest! {
    #[test]
    fn no_rule_makes_it_panic(source in "/[a-z:*()?+$\\\\/é]{0,12}", target in "/[a-z:$0-3?/]{0,12}", url in "/[a-zé/?&+%]{0,12}") {
        let rules = format!("{{{}:{}}}", json::quote(&source), json::quote(&target));
        if let Ok(file) = RoutesFile::parse(&rules) {
            file.rewriter.apply(&url, is_record);
        }
    }
}
