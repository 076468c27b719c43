//! Responses of which a page shows a part, in whatever language it says so.

use super::judged::assert_all_judged;

/// A read of `path`, a label, and what the page shows below it.
fn shown(path: &str, label: &str, response: &str) -> String {
    format!(
        "```bash\ncurl http://localhost:3000{path}\n```\n\n{label}\n\n```json\n{response}\n```\n"
    )
}

/// Checks one verdict for the same response below each label.
fn assert_labels(path: &str, response: &str, labels: &[&str], verdict: &str) {
    let expected = [verdict];
    let rows: Vec<(String, &[&str])> = labels
        .iter()
        .map(|label| (shown(path, label, response), &expected[..]))
        .collect();
    assert_all_judged(&rows);
}

const PARTS: &[&str] = &[
    "The most important members:",
    "What comes back includes:",
    "At least this is in it:",
    "Output, simplified:",
    "Result (snippet):",
    "Some members are omitted:",
    "Die wichtigsten Felder der Antwort:",
    "Resultado (parcial):",
    "Résultat (simplifié) :",
    "Les champs principaux :",
    "响应（节选）：",
    "レスポンス（抜粋）:",
    "응답 (일부):",
    "Часть полей опущена:",
    "Sonuç (kısaltılmış):",
    "Hasil (sebagian):",
    "Wynik (fragment):",
    "Risultato (parziale):",
    "It has a `title` and a `bandId`:",
];

#[test]
fn members_may_be_left_out_where_the_label_says_so() {
    let right = r#"{ "title": "Blue", "bandId": 1 }"#;
    assert_labels("/songs/1", right, PARTS, "pass");
    // The members that are shown are compared.
    let wrong = r#"{ "title": "Blue", "bandId": 2 }"#;
    assert_labels("/songs/1", wrong, PARTS, "fail");
    let complete = &["Result:", "The record:"];
    assert_labels("/songs/1", right, complete, "fail");
}

const STARTS: &[&str] = &[
    "The first band:",
    "Result (first record):",
    "The list begins with:",
    "Here is one of 2:",
    "Result (one band shown):",
    "I only show one:",
    "Only the oldest is shown:",
    "Antwort (nur der erste Eintrag):",
    "Resultado (solo el primero):",
    "Réponse (premier élément seulement) :",
    "返回结果（只列出第一条）：",
    "結果（最初の1件のみ）:",
    "Результат (только первый):",
    "Wynik (tylko pierwszy):",
];

#[test]
fn items_may_follow_where_the_label_says_so() {
    let first = r#"[{ "id": 1, "name": "Owls" }]"#;
    assert_labels("/bands", first, STARTS, "pass");
    let wrong = r#"[{ "id": 1, "name": "Bats" }]"#;
    assert_labels("/bands", wrong, STARTS, "fail");
    // These are not about the items.
    let others = &[
        "The first page:",
        "Response of the first request:",
        "This is shown:",
        "We start with a look at the response:",
    ];
    assert_labels("/bands", first, others, "fail");
}

#[test]
fn one_item_of_a_list_may_be_shown() {
    let first = r#"{ "id": 1, "name": "Owls" }"#;
    let labels = &[
        "Each band has this form:",
        "A list of bands. A band:",
        "The first one:",
        "Jeder Eintrag sieht so aus:",
        "Cada elemento tiene esta forma:",
        "每一项的格式如下：",
    ];
    assert_labels("/bands", first, labels, "pass");
    // The position that the label names counts.
    assert_labels("/bands", first, &["The last band is:"], "fail");
    let last = r#"{ "id": 2, "name": "Foxes" }"#;
    assert_labels("/bands", last, &["The last band is:"], "pass");
    assert_labels("/bands", last, &["The first entry:"], "fail");
}

/// What a label says about members or parameters does not hide the response.
#[test]
fn a_label_may_name_fields() {
    let labels = &[
        "The server returns an object with these fields:",
        "The response has two fields:",
        "Response fields:",
    ];
    let right = r#"{ "id": 1, "name": "Owls" }"#;
    assert_labels("/bands/1", right, labels, "pass");
    let wrong = r#"{ "id": 1, "name": "Bats" }"#;
    assert_labels("/bands/1", wrong, labels, "fail");
    // A description is not compared.
    let described = r#"{ "id": "the number of the band", "name": "how it calls itself" }"#;
    assert_labels("/bands/1", described, &["Response fields:"], "pass");
}

/// What leads to the request, or its heading in brackets, may say so, too.
#[test]
fn the_text_above_the_request_may_say_so() {
    let page = |lead: &str, path: &str, response: &str| {
        format!(
            "{lead}\n\n```bash\ncurl http://localhost:3000{path}\n```\n\n```json\n{response}\n```\n"
        )
    };
    let song = r#"{ "id": 1, "title": "Blue" }"#;
    let band = r#"[{ "id": 1, "name": "Owls" }]"#;
    let mut rows: Vec<(String, &[&str])> = Vec::new();
    for lead in [
        "Below, only the most important fields are shown:",
        "The response below contains only `id` and `title`.",
        "Gezeigt werden nur `id` und `title`:",
    ] {
        rows.push((page(lead, "/songs/1", song), &["pass"]));
        rows.push((page(lead, "/songs/2", song), &["fail"]));
    }
    for lead in [
        "### List (excerpt)",
        "### Ergebnisliste (gekürzt)",
        "The list is long, so here is just its beginning.",
        "La respuesta, abreviada, es:",
    ] {
        rows.push((page(lead, "/bands", band), &["pass"]));
    }
    rows.push((
        page("Update a part of the band:", "/bands", band),
        &["fail"],
    ));
    assert_all_judged(&rows);
}
