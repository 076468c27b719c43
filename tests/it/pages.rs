//! Pages in the styles of public documentation, each example of which has a verdict: correct ones pass, wrong ones
//! fail, and none is ignored.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The verdicts of a page's examples in order. `pass+` means that a body was compared.
const PAGES: &[(&str, &str)] = &[
    ("stripe.md", "pass+ pass+ pass pass+"),
    ("github.md", "pass+ skipped pass"),
    ("course.md", "pass+ pass+ pass pass+"),
    ("mkdocs.md", "pass+ pass+ skipped pass+"),
    ("docusaurus.mdx", "pass+ skipped pass+"),
    ("swagger.md", "pass+ pass+ skipped pass+"),
    ("postman.md", "pass+ pass+ pass+"),
    ("readme.md", "pass+ pass skipped skipped"),
    ("requests.http", "pass pass pass"),
    ("fence-http.md", "pass+ pass+ pass"),
    (
        "heredoc.md",
        "pass+ pass+ pass+ pass+ pass+ skipped skipped",
    ),
    ("redoc.md", "pass+ pass+ skipped pass+"),
    ("github-rest.md", "pass+ pass skipped pass"),
    ("docusaurus-tabs.mdx", "pass+ skipped skipped"),
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
    ("table-examples.md", "pass pass"),
    ("windows.md", "pass+ pass+ skipped"),
    ("status-words.md", "pass pass pass+ fail fail pass"),
    ("fetch-and-config.md", "skipped pass+"),
    ("partial.md", "pass+ pass+ fail pass+"),
    ("rst-like-headings.md", "pass+ pass+"),
    ("openapi-doc.md", "pass+ pass"),
    ("variables.md", "pass+ pass+ skipped"),
    ("two-requests-one-block.md", "pass pass+ pass+ pass+"),
    ("prose-response.md", "pass skipped skipped pass"),
    ("singular-response.md", "pass+ pass+"),
    ("comments.md", "pass+ pass+ pass pass+ fail"),
    ("plain-words.md", "pass+ pass+ pass"),
    ("expected-inline.md", "pass+ fail pass+"),
    ("tildes.md", "pass+ pass"),
    ("browser.md", "pass+"),
    ("slate.md", "pass+ skipped skipped"),
    ("apidoc.md", "pass+ pass+"),
    ("gist-template.md", "pass"),
    ("comments-in-json.md", "pass+ pass+ fail"),
    ("postman-status.md", "pass+ pass"),
    ("pipes.md", "pass+ skipped pass+ skipped"),
    ("intellij-multiline.http", "pass pass pass"),
    ("errors-by-heading.md", "pass+ pass pass+ pass"),
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
    ("readme-endpoints.md", "pass+ pass+ pass"),
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
    ("python-repl.md", "skipped pass+"),
    ("data-then-request.md", "pass+ pass+"),
    ("xml-other.md", "pass pass+"),
    ("other-service.md", "skipped"),
    ("request-in-text.md", "skipped pass+"),
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
