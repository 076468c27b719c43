//! Pages in the styles of public documentation: correct examples pass, wrong ones fail, and none is ignored.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The verdicts of a page's examples in order. `pass+` means that a body was compared.
const PAGES: &[(&str, &str)] = &[
    (
        "addresses.md",
        "pass pass fail pass fail pass+ pass fail pass+ skipped pass pass fail pass pass pass skipped pass pass fail pass fail pass fail",
    ),
    (
        "same-for-other-clients.md",
        "pass+ pass+ pass+ pass+ pass fail pass+ pass+",
    ),
    (
        "client-outcomes.md",
        "fail fail pass pass fail fail pass skipped pass+ pass+",
    ),
    ("described-above-example.md", "fail pass pass pass"),
    ("never-closed.md", "fail pass+ fail fail error error"),
    ("small-words.md", "pass pass pass pass+"),
    ("bodies-without-labels.md", "pass fail pass+ skipped"),
    ("postman-steps.md", "pass+ fail pass+ pass+ fail fail"),
    ("response-above-command.md", "pass+ pass fail pass"),
    ("title-and-url.md", "fail fail pass+"),
    ("lines-of-requests.md", "pass+ fail pass+ pass fail skipped"),
    (
        "labels-in-blocks.md",
        "pass+ pass+ fail pass fail fail pass pass+ fail",
    ),
    ("stripe.md", "pass+ pass+ pass pass+"),
    ("paragraph-requests.md", "pass fail pass fail pass"),
    ("parts-of-same-level.md", "pass+ fail fail"),
    ("blueprint-nested.md", "fail pass+ pass pass+"),
    ("arrows.md", "pass+ fail pass+ pass"),
    ("text-for-json.md", "fail pass pass pass+ skipped"),
    ("github.md", "pass+ pass"),
    ("course.md", "pass+ pass+ pass pass+"),
    ("mkdocs.md", "pass+ pass+ pass pass+"),
    ("docusaurus.mdx", "pass+ pass pass+"),
    ("swagger.md", "pass+ pass+ pass pass+"),
    ("postman.md", "pass+ pass+ pass+"),
    ("readme.md", "pass+ pass pass pass+ skipped"),
    ("requests.http", "pass pass pass"),
    ("fence-http.md", "pass+ pass+ pass"),
    (
        "heredoc.md",
        "pass+ pass+ pass+ pass+ pass+ skipped skipped",
    ),
    ("redoc.md", "pass+ pass+ pass pass pass+"),
    ("github-rest.md", "pass+ pass skipped pass"),
    ("docusaurus-tabs.mdx", "pass+ pass pass"),
    ("mkdocs-annotate.md", "pass+ pass+ fail"),
    ("man.md", "skipped pass+ pass+ pass"),
    ("postman-export.md", "pass+ pass+ pass+"),
    ("httpie.md", "pass+ pass+ pass+ skipped"),
    ("course-reference.md", "pass+ skipped"),
    ("errors.md", "pass+ pass pass+ pass pass"),
    ("readme-compact.md", "pass+ pass+ pass+ fail"),
    ("blockquote-steps.md", "pass+ pass+"),
    ("config-below.md", "pass pass"),
    ("details.md", "pass+ pass+"),
    ("swagger-like.md", "pass+ pass+ pass"),
    ("fix-typos.md", "fail fail fail fail fail"),
    ("http-client.md", "pass+ pass+ pass+"),
    ("numbered-no-colon.md", "pass+ fail pass+"),
    ("german.md", "pass+ pass+ pass"),
    ("verbose.md", "pass+ pass+"),
    ("table-examples.md", "pass pass pass pass"),
    ("windows.md", "pass+ pass+ pass"),
    ("status-words.md", "pass pass pass+ fail fail pass"),
    ("fetch-and-config.md", "pass+ pass+"),
    ("partial.md", "pass+ pass+ fail pass+"),
    ("rst-like-headings.md", "pass+ pass+"),
    ("openapi-doc.md", "pass+ pass"),
    ("variables.md", "pass+ pass+ skipped"),
    ("two-requests-one-block.md", "pass pass+ pass+ pass+"),
    ("prose-response.md", "pass pass pass+ pass"),
    ("singular-response.md", "pass+ pass+"),
    ("comments.md", "pass+ pass+ pass pass+ fail"),
    ("plain-words.md", "pass+ pass+ pass"),
    ("expected-inline.md", "pass+ fail pass+"),
    ("json-in-backticks.md", "fail pass+"),
    ("described-in-block.md", "pass+ fail pass+ fail pass+"),
    (
        "command-in-sentence.md",
        "pass+ pass+ pass pass fail skipped pass fail pass fail pass+",
    ),
    ("tildes.md", "pass+ pass"),
    ("browser.md", "pass+"),
    ("slate.md", "pass+ pass pass"),
    ("apidoc.md", "pass+ pass+"),
    ("gist-template.md", "skipped pass"),
    ("comments-in-json.md", "pass+ pass+ fail"),
    ("postman-status.md", "pass+ pass"),
    ("pipes.md", "pass+ pass+ pass+ skipped"),
    ("intellij-multiline.http", "pass pass pass"),
    ("errors-by-heading.md", "pass+ pass pass+ pass"),
    ("next-section.md", "pass pass fail fail"),
    ("response-headers.md", "pass+ pass+"),
    ("japanese.md", "pass+ pass+"),
    ("two-answers.md", "pass+ pass+"),
    ("headings-per-part.md", "pass+ pass+"),
    ("schema-after.md", "pass+ pass"),
    ("form.md", "pass+ pass+ skipped"),
    ("truncated-styles.md", "pass+ pass+ pass+ pass+"),
    ("hidden.md", "pass+"),
    ("method-path-bullets.md", "pass+ pass+"),
    ("heading-requests.md", "pass+"),
    ("wrong-kinds.md", "fail fail fail fail fail fail"),
    ("readme-endpoints.md", "pass pass+ pass+ pass"),
    ("note-between.md", "pass+ pass+ pass+"),
    ("auth-errors.md", "pass+ pass skipped pass+"),
    ("tutorial-flow.md", "pass+ pass+ pass+ pass+ pass+ pass"),
    ("nested-lists.md", "pass+ pass+"),
    ("setext-emoji.md", "pass+ pass"),
    ("html-table-code.md", "pass+"),
    ("env-base.md", "pass+ pass+ skipped"),
    ("error-table-and-body.md", "pass+ pass+"),
    ("wrong-subtle.md", "fail fail fail fail fail"),
    ("indent-inside-admonition.md", "pass+"),
    ("python-repl.md", "fail pass+"),
    ("data-then-request.md", "pass+ pass+"),
    ("xml-other.md", "pass pass+"),
    ("other-service.md", "skipped"),
    ("request-in-text.md", "pass pass+"),
    (
        "success-and-error-lists.md",
        "pass+ pass pass pass pass pass pass pass",
    ),
    ("languages.md", "pass+ fail pass pass pass pass+ pass+"),
    (
        "shortened.md",
        "pass+ pass+ pass+ pass+ fail pass fail pass+ pass+ fail",
    ),
    ("shell-notes.md", "pass pass pass+ pass pass pass"),
    ("about-other-json.md", "pass pass pass pass pass pass+"),
    ("method-and-url.md", "pass+ pass+ pass+ pass+"),
    ("comment-forms.mdx", "pass skipped pass pass"),
    ("restapidocs.md", "pass+ fail"),
    (
        "request-words.md",
        "pass+ pass+ pass+ fail pass+ pass pass+",
    ),
    (
        "failures-in-words.md",
        "pass pass pass pass pass+ fail fail pass",
    ),
    ("old-answers.md", "pass+ pass pass pass"),
    ("chinese.md", "pass+ fail pass"),
    ("summary-titles.md", "pass+ pass pass fail"),
    ("body-headings.md", "pass+ fail pass+"),
    ("other-ways-to-send.md", "pass+ pass+ fail"),
    ("generated-paths.md", "pass+ fail"),
    ("request-url.md", "pass+ fail"),
    (
        "labels-any-language.md",
        "pass+ pass+ pass+ pass+ pass+ pass+ pass+ pass+ pass+ pass+",
    ),
    ("status-above.md", "pass+ pass pass pass+ pass+ pass+"),
    ("jekyll-hugo.md", "pass+ pass+ pass+"),
    (
        "named-in-sentences.md",
        "pass+ pass+ pass+ pass+ pass+ pass+ pass+ pass+",
    ),
    ("other-sentences.md", "skipped"),
    ("devtools.md", "pass+ pass+ pass+"),
    ("blueprint.md", "pass+ pass+ fail pass+ pass+"),
    ("plain-text.md", "pass pass+ fail pass+ pass fail"),
    ("quoted-commands.md", "pass pass+ pass pass"),
    ("steps-with-urls.md", "pass fail pass pass"),
    ("listed-endpoints.md", "pass pass pass+"),
    ("method-in-heading.md", "pass+ fail pass pass+"),
    ("fences-of-other-languages.md", "pass+ fail"),
    ("fields-above-command.md", "pass+ fail"),
    (
        "reference-of-service.md",
        "pass+ skipped pass skipped skipped",
    ),
    ("copied-as-text.md", "fail pass+ pass+ pass"),
    (
        "endpoints-described.md",
        "pass+ fail pass+ pass+ pass+ fail pass pass skipped fail",
    ),
    ("gitbook.md", "pass+ pass+ pass+ skipped"),
    ("solution.md", "pass+ pass+ pass+"),
    ("fence-titles.mdx", "pass+ pass+ skipped pass+"),
    ("vitepress.md", "pass+ pass+ pass+ pass"),
    ("mintlify.mdx", "pass+ pass+ pass"),
    ("apidoc-errors.md", "pass+ pass"),
    ("myst.md", "pass+ pass+ pass+"),
    ("hugo.md", "pass+ pass+ pass+"),
    ("notebook.md", "pass+ pass+ pass+"),
    ("html.md", "pass+ pass+ skipped pass+"),
    ("fields.md", "pass+ pass+ pass+ pass+"),
    ("bodies-under-request.md", "pass+ pass+ pass+"),
    ("exercise-german.md", "pass+ pass+ pass+ pass+"),
    ("exercise-french.md", "pass+ pass+ pass+"),
    ("exercise-spanish.md", "pass+ pass+ pass"),
    ("exercise-chinese.md", "pass+ pass+ pass+"),
    ("definition-lists.md", "pass+ pass+"),
    ("blog.md", "pass+ pass+ pass+ pass+"),
    ("postman-docs.md", "pass+ pass+ pass+"),
    ("swagger-headings.md", "pass+ pass+"),
    (
        "status-of-others.md",
        "pass+ pass+ pass+ pass+ pass+ pass+ pass pass+",
    ),
    ("titles-of-others.md", "pass+ pass pass+ pass+"),
    (
        "sentences-about-lists.md",
        "pass+ pass+ pass+ skipped pass pass+ skipped",
    ),
    ("html-headings.md", "pass+ pass+"),
    ("fields-and-commands.md", "pass+ skipped pass+ pass+"),
    ("expected-status.md", "pass+ pass+ pass+ pass+"),
    ("example-of.md", "pass pass+ pass+"),
    ("numbered-statuses.md", "pass+ pass+ pass+"),
    ("emoji-labels.md", "pass+ pass+ pass"),
    ("exercise-portuguese.md", "pass+ pass+ pass+"),
    ("labels-turkish.md", "pass+ pass+ pass+"),
    ("status-comments.md", "pass+ pass+ pass"),
    ("problem-details.md", "pass+ pass+"),
    ("components.mdx", "pass+ pass+"),
    ("collapsed-endpoints.md", "pass fail pass fail"),
    (
        "cases-in-comments.md",
        "pass pass skipped pass pass pass pass skipped fail pass",
    ),
    ("messages-with-status.md", "pass+ pass+ fail pass pass"),
    ("unclosed.md", "fail fail fail fail"),
    ("arrays-in-queries.md", "pass+ fail"),
    ("examples-in-tables.md", "pass+ pass+ fail fail pass+ pass+"),
    ("html-endpoints.md", "pass+ fail fail pass+ pass+ skipped"),
    ("endpoint-components.mdx", "pass+ fail"),
    ("bodies-in-sentences.md", "pass fail pass"),
    ("other-forms-after-a-write.md", "skipped fail fail pass+"),
    (
        "powershell.md",
        "pass+ pass+ pass+ fail fail fail pass+ skipped skipped",
    ),
    ("labels-above-values.md", "pass+ fail skipped fail skipped"),
    (
        "programs.md",
        "pass+ fail skipped pass+ fail fail fail pass pass skipped fail skipped skipped pass pass+ pass skipped",
    ),
    (
        "fetch-literal.md",
        "pass+ pass+ fail skipped skipped pass+ pass",
    ),
    (
        "comment-expectations.md",
        "pass pass pass pass fail pass pass pass pass pass pass pass",
    ),
    (
        "described-success.md",
        "pass pass pass+ fail fail pass fail fail pass",
    ),
    ("lost-indentation.md", "pass+ pass+ fail"),
    ("prompts.md", "pass+ fail pass+ pass+ fail pass"),
    ("prompts-in-text.md", "pass+ fail pass"),
    ("httpie-input.md", "pass+ fail pass+ pass+ skipped"),
    ("head-then-body.md", "pass+ fail fail pass"),
    ("verbose-in-text.md", "pass+ fail"),
    ("body-below-labels.md", "pass+ fail"),
    ("clients-of-other-languages.md", "fail pass pass+"),
    ("verbose-elided.md", "pass+ pass fail"),
    ("endpoint-above-command.md", "pass pass pass pass pass pass"),
    ("headers-and-body.md", "pass+ pass+ fail"),
    ("returned-in-lists.md", "pass+ fail pass+ pass"),
    (
        "expected-any-language.md",
        "pass+ pass fail pass+ fail fail pass fail pass+ pass fail pass+ pass pass fail",
    ),
    (
        "labels-in-paragraphs.md",
        "pass fail pass+ pass+ fail pass+ fail",
    ),
    (
        "errors-of-other-forms.md",
        "pass pass fail fail fail pass pass fail pass+ fail fail fail fail",
    ),
    (
        "own-routes.md",
        "skipped skipped skipped skipped pass fail skipped skipped skipped fail fail fail fail skipped fail pass+ skipped fail skipped fail",
    ),
    ("output-without-colon.md", "fail pass+ fail pass pass"),
    (
        "jq.md",
        "pass+ pass+ pass+ pass+ pass+ pass+ pass+ fail pass+ fail pass+ pass pass fail skipped",
    ),
    (
        "write-out.md",
        "pass fail pass+ fail pass+ pass fail pass fail pass",
    ),
    ("around-commands.md", "pass+ fail pass+ pass+ pass+ skipped"),
];

/// The verdicts of pages whose statuses were replaced by others.
const OTHER_STATUSES: &[(&str, &str)] = &[
    (
        "labels-any-language.md",
        "fail fail fail fail fail fail fail fail fail fail",
    ),
    ("status-above.md", "fail fail fail fail fail pass+"),
    ("jekyll-hugo.md", "fail pass+ pass+"),
    ("devtools.md", "fail fail fail"),
    ("blueprint.md", "fail fail fail fail fail"),
    ("gitbook.md", "fail pass+ fail skipped"),
    ("fence-titles.mdx", "pass+ fail skipped pass+"),
    ("vitepress.md", "pass+ fail pass+ pass"),
    ("mintlify.mdx", "fail fail fail"),
    ("apidoc-errors.md", "fail fail"),
    ("myst.md", "pass+ fail fail"),
    ("hugo.md", "fail pass+ pass+"),
    ("html.md", "pass+ fail skipped pass+"),
    ("fields.md", "fail fail fail fail"),
    ("bodies-under-request.md", "fail fail pass+"),
    ("exercise-german.md", "fail pass+ fail fail"),
    ("exercise-french.md", "fail fail pass+"),
    ("exercise-spanish.md", "pass+ fail fail"),
    ("exercise-chinese.md", "fail fail pass+"),
    ("definition-lists.md", "fail pass+"),
    ("blog.md", "pass+ fail pass+ pass+"),
    ("postman-docs.md", "fail fail pass+"),
    ("swagger-headings.md", "fail fail"),
    ("expected-status.md", "fail fail fail pass+"),
    ("numbered-statuses.md", "fail fail fail"),
    ("emoji-labels.md", "fail fail fail"),
    ("exercise-portuguese.md", "fail fail fail"),
    ("labels-turkish.md", "fail fail fail"),
    ("status-comments.md", "fail fail fail"),
    ("problem-details.md", "fail pass+"),
    ("components.mdx", "fail pass+"),
];

fn report(pages: &Path, data: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_standin"))
        .args(["check", "--format", "json", "--db"])
        .args([data, pages])
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn verdict(example: &Value) -> &str {
    match example["verdict"].as_str().unwrap() {
        "pass" if !example["documented"]["body"].is_null() => "pass+",
        verdict => verdict,
    }
}

/// The examples of a page.
fn examples<'a>(report: &'a Value, page: &str) -> Vec<&'a Value> {
    let is_of_page = |example: &&Value| {
        let path = Path::new(example["page"].as_str().unwrap());
        path.file_name().is_some_and(|name| name == page)
    };
    let all = report["examples"].as_array().unwrap();
    all.iter().filter(is_of_page).collect()
}

#[test]
fn pages_of_many_styles_are_judged_as_by_hand() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/pages");
    let data = folder.join("db.json");
    let right = report(&folder, &data);
    assert_eq!(right["summary"]["tables"], 0, "{right:#}");
    assert_eq!(
        right["summary"]["pages"],
        PAGES.len(),
        "a page has no verdicts"
    );

    // The same pages with other values are wrong wherever a body was compared.
    let changed = tempfile::tempdir().unwrap();
    for (name, _) in PAGES {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let text = text
            .replace("ada@example.com", "eve@example.com")
            .replace("99.5", "98.5");
        std::fs::write(changed.path().join(name), text).unwrap();
    }
    let wrong = report(changed.path(), &data);

    for (name, verdicts) in PAGES {
        let found = examples(&right, name);
        let seen: Vec<&str> = found.iter().map(|example| verdict(example)).collect();
        let expected: Vec<&str> = verdicts.split(' ').collect();
        assert_eq!(seen, expected, "{name}: {found:#?}");
        for (example, again) in found.iter().zip(examples(&wrong, name)) {
            let body = example["documented"]["body"].to_string();
            let affected = body.contains("ada@example.com") || body.contains("99.5");
            let expected = match verdict(example) {
                "pass+" if affected => "fail",
                verdict => verdict,
            };
            assert_eq!(verdict(again), expected, "{name}, changed: {again:#}");
        }
    }
}

/// A wrong status is found wherever a page documents one.
#[test]
fn documented_statuses_are_compared() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/pages");
    let changed = tempfile::tempdir().unwrap();
    const OTHERS: [(&str, &str); 6] = [
        ("200 OK", "2o2 Accepted"),
        ("201 Created", "2o0 OK"),
        ("404 Not Found", "41o Gone"),
        ("201", "2o0"),
        ("404", "41o"),
        // Not in 1200.
        (" 200", " 2o2"),
    ];
    for (name, _) in OTHER_STATUSES {
        let mut text = std::fs::read_to_string(folder.join(name)).unwrap();
        for (status, other) in OTHERS {
            text = text.replace(status, other);
        }
        for before in ["(", "`", "**", "\"", "（", "{"] {
            text = text.replace(&format!("{before}200"), &format!("{before}2o2"));
        }
        let text = text.replace("2o", "20").replace("41o", "410");
        std::fs::write(changed.path().join(name), text).unwrap();
    }
    let report = report(changed.path(), &folder.join("db.json"));
    for (name, verdicts) in OTHER_STATUSES {
        let seen: Vec<&str> = examples(&report, name).into_iter().map(verdict).collect();
        assert_eq!(seen.join(" "), *verdicts, "{name}");
    }
}

/// A page after `--fix`, and what is said about it.
fn fixed_page(text: &str) -> (String, String) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/pages/db.json");
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.md");
    std::fs::write(&page, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_standin"))
        .args(["check", "--fix", "--db"])
        .args([&data, &page])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (std::fs::read_to_string(&page).unwrap(), said)
}

/// What `--fix` does not change: each page, and the reported reason.
#[test]
fn fix_leaves_what_is_in_doubt_and_says_why() {
    let customer = r#"{ "id": 1, "name": "Ada Byron", "email": "ada@example.com", "balance": 0 }"#;
    let get = "```bash\ncurl http://localhost:3000/customers/1\n```\n\n";
    let pages = [
        (
            format!("{get}What the shop makes of it in the end:\n\n```json\n{customer}\n```\n"),
            Some("says that it is the response"),
        ),
        (
            format!("{get}With other data the response is:\n\n```json\n{customer}\n```\n"),
            Some("says that it is the response"),
        ),
        (
            format!("{get}**Webhook**\n\n```json\n{customer}\n```\n"),
            Some("says that it is the response"),
        ),
        (
            format!("{get}The webhook then receives:\n\n```json\n{customer}\n```\n"),
            None,
        ),
        (
            format!("{get}In version 1 the API returned:\n\n```json\n{customer}\n```\n"),
            None,
        ),
        (
            format!("{get}Old format:\n\n```json\n{customer}\n```\n"),
            None,
        ),
        (
            format!("```bash\ncurl -X PUT http://localhost:3000/customers/1 --json '{{\"name\": \"Ada\"}}'\n```\n\n**Data example**\n\n```json\n{customer}\n```\n"),
            None,
        ),
        (
            format!("{get}The new shop will say:\n\n```json\n{customer}\n```\n"),
            Some("says that it is the response"),
        ),
        (
            format!("{get}Part of the response:\n\n```json\n{customer}\n```\n"),
            Some("it shows only a part"),
        ),
        (
            format!("{get}```json\n{}\n```\n", customer.replace("Byron", "By...")),
            Some("is truncated"),
        ),
        (
            "```bash\ncurl 'http://localhost:3000/invoices?_sort=total'\n```\n\n```json\n[\n  { \"id\": 10, \"customerId\": 1, \"total\": 99.5, \"paid\": true }, // big\n  { \"id\": 11, \"customerId\": 2, \"total\": 20, \"paid\": false }\n]\n```\n".to_owned(),
            Some("a comment in the JSON would be lost"),
        ),
        (
            format!("```bash\ncurl -X GET http://localhost:3000/customers/1 -d '{{}}'\n```\n\n```json\n{customer}\n```\n"),
            Some("the request is probably what is wrong"),
        ),
        (
            format!("```bash\ncurl -X DELETE http://localhost:3000/customers/2\n```\n\n## List\n\n```bash\ncurl http://localhost:3000/customers\n```\n\n```json\n[\n{customer},\n{{ \"id\": 2, \"name\": \"Alan Turing\", \"email\": \"alan@example.com\", \"balance\": 1200 }}\n]\n```\n"),
            Some("closer to the data before the writes"),
        ),
        (
            format!("{get}**Content:** `{customer}`\n"),
            Some("within a line of text"),
        ),
        // A write above changes nothing about a wrong query.
        (
            "```bash\ncurl -X DELETE http://localhost:3000/invoices/11\n```\n\n## One\n\n```bash\ncurl 'http://localhost:3000/customers?id=1'\n```\n\n```json\n[{ \"id\": 2, \"name\": \"Alan Turing\", \"email\": \"alan@example.com\", \"balance\": 1200 }]\n```\n".to_owned(),
            Some("the request is probably what is wrong"),
        ),
        (
            "```bash\ncurl http://localhost:3000/offers --json '{\"percent\": 5}'\n```\n\n```json\n{ \"id\": \"a\", \"discount\": 5 }\n```\n".to_owned(),
            Some("by another name"),
        ),
    ];
    for (text, reason) in pages {
        let (now, said) = fixed_page(&text);
        assert_eq!(now, text, "{said}");
        if let Some(reason) = reason {
            assert!(
                said.contains("not repaired: ") && said.contains(reason),
                "{text}\n{said}"
            );
        }
    }
}

/// Where jq prints JSON it is rewritten, value by value; text is left alone.
#[test]
fn fix_rewrites_the_json_that_jq_prints() {
    let pages = [
        (
            "jq '.[].name'",
            "\"Ada Byron\"\n\"Alan Turing\"",
            Some("\"Ada Lovelace\"\n\"Alan Turing\""),
        ),
        (
            "jq -c '.[] | {id, name}'",
            "{\"id\":1,\"name\":\"Ada\"}\n{\"id\":2,\"name\":\"Alan\"}",
            Some("{\"id\":1,\"name\":\"Ada Lovelace\"}\n{\"id\":2,\"name\":\"Alan Turing\"}"),
        ),
        (
            "jq '.[0] | {id, name}'",
            "{\n  \"id\": 7\n}",
            Some("{\n  \"id\": 1,\n  \"name\": \"Ada Lovelace\"\n}"),
        ),
        ("jq '.[].name'", "\"Ada Lovelace\"", None),
        (
            "jq '.[].name'",
            "\"Ada Lovelace\"\n\"Alan Turing\"\n\"Eve\"",
            None,
        ),
        ("jq -r '.[].name'", "Ada Lovelace\nAlan Touring", None),
        ("jq length", "3", None),
    ];
    for (filter, shown, fixed) in pages {
        let text = |output| {
            format!(
                "```console\n$ curl -s http://localhost:3000/customers | {filter}\n{output}\n```\n"
            )
        };
        let (now, said) = fixed_page(&text(shown));
        assert_eq!(now, text(fixed.unwrap_or(shown)), "{said}");
        assert_eq!(said.contains("not repaired: "), fixed.is_none(), "{said}");
    }
}

/// What cannot be compared is reported, and what hides examples is an error.
#[test]
fn nothing_is_passed_over_in_silence() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/pages");
    let data = folder.join("db.json");
    let named = |page: &str| {
        report(&folder.join(page), &data)["notCompared"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(named("about-other-json.md"), 6);
    assert_eq!(named("shortened.md"), 1);
    assert_eq!(named("old-answers.md"), 4);
    assert_eq!(named("request-words.md"), 1);
    assert_eq!(named("other-ways-to-send.md"), 1);
    assert_eq!(named("other-sentences.md"), 2);
    assert_eq!(named("apidoc-errors.md"), 2);
    assert_eq!(named("sentences-about-lists.md"), 3);

    let hidden = tempfile::tempdir().unwrap();
    let page = hidden.path().join("page.md");
    let get = "```bash\ncurl http://localhost:3000/customers/1\n```\n";
    std::fs::write(&page, format!("{get}\n<!-- TODO\n\n{get}")).unwrap();
    let report = report(&page, &data);
    let verdicts: Vec<&Value> = report["examples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|example| &example["verdict"])
        .collect();
    assert!(verdicts.contains(&&Value::from("error")), "{report:#}");
}

/// The sample pages of docs/checking.md have their verdicts in the opening line; the first JSON is their data.
#[test]
fn the_samples_of_the_documentation_are_judged_as_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checking.md");
    let text = std::fs::read_to_string(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (_, data) = text.split_once("```json\n").unwrap();
    let data = data.split("```").next().unwrap();
    std::fs::write(folder.path().join("db.json"), data).unwrap();
    let samples: Vec<_> = text.split("\n````markdown ").skip(1).collect();
    assert!(samples.len() >= 8, "{}", samples.len());
    for sample in samples {
        let (verdicts, rest) = sample.split_once('\n').unwrap();
        let page = folder.path().join("page.md");
        std::fs::write(&page, rest.split("\n````").next().unwrap()).unwrap();
        let report = report(&page, &folder.path().join("db.json"));
        let seen: Vec<&str> = examples(&report, "page.md")
            .into_iter()
            .map(verdict)
            .collect();
        assert_eq!(seen.join(" "), verdicts, "{rest}\n{report:#}");
        assert_eq!(
            report["notCompared"].as_array().unwrap().len(),
            0,
            "{report:#}"
        );
    }
}
