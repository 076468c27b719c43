//! The prompts of shells, which pages show before commands.

use std::sync::LazyLock;

use regex::Regex;

/// A prompt at the beginning of a line: `$`, `ada@host dir %`, `➜  dir git:(main) ✗`, `~/dir ❯`, `PS C:\>`.
static PROMPT: LazyLock<Regex> = regex!(
    r#"(?x)^[\ \t]*(?:\([\w.-]+\)[\ \t]+)?
        (?: ➜[\ \t]+(?:~\S*|[\w.-]+[\ \t]+git:\(\S*\))(?:[\ \t]+✗)?
          | [$%>❯»λ➜](?:[\ \t]+[$%>])*
          | \[?[\w.-]+@[\w.-]+(?::\S*)?(?:[\ \t]+[\w./~-]+)?\]?[\ \t]*[$%\#❯➜]
          | [A-Za-z][\w.-]*:[~/][^\s"'`{<]*[$\#]
          | [~/][^\s"'`{<]*(?:[\ \t]+\S+)?[\ \t]+[❯»λ➜]
          | (?:PS[\ ])?[A-Z]:\\[^<>"\n]*> | PS> )
        (?:[\ \t]+|$)"#
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
    let is_of_curl = [">", "% Total"]
        .iter()
        .any(|mark| line.trim_start().starts_with(mark));
    !is_of_curl && end(line).is_some()
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
