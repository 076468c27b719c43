//! The prompts of shells, which pages show before commands.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// A prompt at the beginning of a line: `$`, `ada@host dir %`, `➜  dir git:(main) ✗`, `~/dir ❯`, `PS C:\>`.
static PROMPT: LazyLock<Regex> = regex!(
    r#"(?x)^[\ \t]*(?:\([\w.-]+\)[\ \t]+)?
        (?: (?: ➜[\ \t]+(?:~\S*|[\w.-]+[\ \t]+git:\(\S*\))(?:[\ \t]+✗)?
          | [$%>❯»λ➜](?:[\ \t]+[$%>])*
          | \[?[\w.-]+@[\w.-]+(?::\S*)?(?:[\ \t]+[\w./~-]+)?\]?[\ \t]*[$%\#❯➜]
          | [A-Za-z][\w.-]*:[~/][^\s"'`{<]*[$\#]
          | [~/][^\s"'`{<]*(?:[\ \t]+\S+)?[\ \t]+[❯»λ➜]
          | PS> )
        (?:[\ \t]+|$)
        | (?:PS[\ ])?[A-Z]:\\[^<>"\n]*>[\ \t]*)"#
);

/// The offset after the prompt of a line, if it has one.
fn end(line: &str) -> Option<usize> {
    Some(PROMPT.find(line.trim_end_matches(['\n', '\r']))?.end())
}

/// Where what a reader types begins in a line: after the prompt, if there is one. The space after it may be missing.
pub fn typed(line: &str) -> usize {
    let rest = || line.trim_start_matches(['$', '%', '>', ' ', '\t']);
    end(line).unwrap_or_else(|| line.len() - rest().len())
}

/// Whether a line below a command is the next prompt, with a command or without one. `curl` prints lines that begin with
/// `>` and `%`.
pub fn begins(line: &str) -> bool {
    let start = line.trim_start();
    let is_of_curl = start.starts_with('>') || start.starts_with("% Total");
    !is_of_curl && end(line).is_some()
}

/// The prompt of a session: what is before its first command, if it ends like a prompt and is longer than a mark.
fn of_session(text: &str) -> Option<&str> {
    static FIRST: LazyLock<Regex> = regex!(
        r#"(?m)^[ \t]*(?P<prompt>(?:[^\s"'`{}|=;&<]|[ \t]){1,80}?)[ \t]*(?:\bcurl(?:\.exe)?|\b(?:http|xh|wget))[ \t]"#
    );
    let found = FIRST.captures(text)?.name("prompt")?.as_str();
    let ends = ['$', '%', '>', '❯', 'λ', '»', '➜', '✗'];
    let is_of_root = || found.ends_with('#') && found.contains(['@', '/', '~']);
    let is_prompt = found.starts_with('➜') || found.ends_with(ends) || is_of_root();
    (found.len() > 1 && is_prompt && !found.starts_with(['>', '#', '*'])).then_some(found)
}

/// A session with `$` in place of its prompts, each at the beginning of a line: `curl` leaves them behind a body without a
/// newline at its end. Offsets stay valid.
pub fn plain(text: &str) -> Cow<'_, str> {
    static GLUED: LazyLock<Regex> =
        regex!(r"[}\]](?P<prompt>[\w~$%#>][\w.~@:/-]*[$%#>]?)[ \t]+(?:curl|http|xh|wget)[ \t]");
    static COMMAND: LazyLock<Regex> = regex!(r"^[ \t]*(?:curl(?:\.exe)?|http|xh|wget)[ \t]");
    let before = |at: usize| text[..at].trim_end_matches([' ', '\t']);
    let begins = |at: usize| before(at).is_empty() || before(at).ends_with('\n');
    let prompt = of_session(text).into_iter();
    let prompts = prompt.flat_map(|prompt| text.match_indices(prompt));
    let prompts = prompts.map(|(at, prompt)| at..at + prompt.len());
    let is_prompt = |place: &Range<usize>| {
        begins(place.start)
            || before(place.start).ends_with(['}', ']'])
            || COMMAND.is_match(&text[place.end..])
    };
    let mut places: Vec<Range<usize>> = prompts.filter(is_prompt).collect();
    if places.is_empty() {
        let prompts = GLUED.captures_iter(text);
        let prompts = prompts.filter_map(|found| found.name("prompt"));
        places = prompts.map(|prompt| prompt.range()).collect();
    }
    let mut plain = Cow::Borrowed(text);
    for place in places {
        let line_end = if begins(place.start) { "" } else { "\n" };
        let width = place.len() - line_end.len();
        let prompt = if width > 0 { "$" } else { "" };
        plain
            .to_mut()
            .replace_range(place, &format!("{line_end}{prompt:>width$}"));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_begin_after_prompts() {
        let prompts = [
            "",
            "  ",
            "$ ",
            "$ > ",
            "$",
            "% ",
            "> ",
            "❯ ",
            "➜ ",
            "➜  ~ ",
            "➜  api git:(main) ",
            "➜  api git:(feature/x) ✗ ",
            "λ ",
            "» ",
            "~/code/api ❯ ",
            "~/code main ❯ ",
            "(venv) $ ",
            "ada@host:~/api$ ",
            "host:~$ ",
            "ada@MacBook-Air api % ",
            "[root@host ~]# ",
            "PS C:\\Users\\ada> ",
            "C:\\api>",
        ];
        for prompt in prompts {
            let line = format!("{prompt}http :3000/users\n");
            if !prompt.ends_with('>') {
                assert_eq!(typed(&line), prompt.len(), "{line}");
            }
            let is_prompt = !prompt.trim().is_empty() && prompt.trim() != ">";
            assert_eq!(begins(&format!("{prompt}\n")), is_prompt, "{prompt}");
        }
        for line in [
            "{\"a\": \"$ 1\"}",
            "[1]",
            "  \"price\": 3",
            "> GET / HTTP/1.1",
            "  % Total    % Received",
            "100  50  100  50",
            "$id",
            "HTTP/1.1 200 OK",
            "ada@example.com",
        ] {
            assert!(!begins(line), "{line}");
        }
    }
}
