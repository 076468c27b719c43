//! Small help with words for messages.

/// The candidate that `word` was probably meant to be: the same but for case, an edit or two away, or its singular or
/// plural.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let bound = if lower.chars().count() <= 3 { 1 } else { 2 };
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= bound && *candidate != word)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `text` as one word of a POSIX shell.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_string();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// `items` as a sentence lists them: `a, b and c`.
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let names = ["users", "lastName", "id"];
        for (word, meant) in [
            ("user", Some("users")),
            ("Users", Some("users")),
            ("last_name", Some("lastName")),
            ("ix", Some("id")),
            ("zebra", None),
        ] {
            assert_eq!(nearest(word, names), meant, "{word}");
        }
    }

    #[test]
    fn quotes_for_a_shell() {
        assert_eq!(shell_word("http://localhost:3000/users"), "http://localhost:3000/users");
        assert_eq!(shell_word("{\"a\": \"it's\"}"), "'{\"a\": \"it'\\''s\"}'");
        assert_eq!(shell_word("/a?b=c&d"), "'/a?b=c&d'");
    }
}
