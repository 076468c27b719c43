//! Strings that match a regular expression.

use regex_syntax::hir::{Class, Hir, HirKind};

/// No string gets longer than this, whatever the pattern repeats.
const LONGEST: usize = 2000;

/// The characters to choose from, if the pattern allows them.
const ORDINARY: &str = "abcdefghijklmnopqrstuvwxyz123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0-_. ";

/// The pattern; `None` where it needs a backtracking engine.
pub(super) fn parse(pattern: &str) -> Option<Hir> {
    regex_syntax::parse(pattern).ok()
}

/// A string that `pattern` should match, `None` where it would be long. `pick` chooses one of so many alternatives, and
/// what may be repeated is repeated `extra` times more than it must.
///
/// Anchors and word boundaries are taken for granted: whoever asks checks the string.
pub(super) fn matching(
    pattern: &Hir,
    extra: u32,
    pick: &mut dyn FnMut(usize) -> usize,
) -> Option<String> {
    let mut out = String::new();
    write(pattern, extra, pick, &mut out)?;
    Some(out)
}

fn write(
    hir: &Hir,
    extra: u32,
    pick: &mut dyn FnMut(usize) -> usize,
    out: &mut String,
) -> Option<()> {
    if out.len() > LONGEST {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = class.ranges();
            let has = |c| (ranges.iter()).any(|range| (range.start()..=range.end()).contains(&c));
            let first = || ranges.first().map(|range| range.start());
            out.push(one_of(has, pick).or_else(first)?);
        }
        HirKind::Class(Class::Bytes(class)) => {
            let ranges = class.ranges();
            let has = |c| (ranges.iter()).any(|range| (range.start()..=range.end()).contains(&c));
            out.push(one_of(|c| u8::try_from(c).is_ok_and(has), pick)?);
        }
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX);
            let count = repetition.min.saturating_add(extra).min(most);
            (0..count).try_for_each(|_| write(&repetition.sub, extra, pick, out))?;
        }
        HirKind::Capture(capture) => write(&capture.sub, extra, pick, out)?,
        HirKind::Concat(parts) => parts
            .iter()
            .try_for_each(|part| write(part, extra, pick, out))?,
        HirKind::Alternation(parts) => write(parts.get(pick(parts.len()))?, extra, pick, out)?,
    }
    Some(())
}

fn one_of(contains: impl Fn(char) -> bool, pick: &mut dyn FnMut(usize) -> usize) -> Option<char> {
    let fitting: Vec<char> = ORDINARY.chars().filter(|c| contains(*c)).collect();
    let is_any = !fitting.is_empty();
    is_any.then(|| fitting[pick(fitting.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_match_their_pattern() {
        for pattern in [
            "^[A-Z]{3}-\\d{4}$",
            "^(red|green|blue)$",
            "^\\+?[1-9]\\d{1,14}$",
            "^#[0-9a-fA-F]{6}$",
            "^[a-z0-9]+(?:-[a-z0-9]+)*$",
            "^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$",
            "^.{3,10}$",
            "^\\p{Lu}\\p{L}*$",
            "^[äöü]+$",
            "foo|bar",
            "^$",
            "^\\S+$",
        ] {
            let regex = regex::Regex::new(pattern).unwrap();
            for extra in [0, 1, 3] {
                for first in 0..3 {
                    let text =
                        matching(&parse(pattern).unwrap(), extra, &mut |count| first % count)
                            .unwrap();
                    assert!(regex.is_match(&text), "{pattern}: {text}");
                }
            }
        }
        assert_eq!(parse("^(?=.*x).{8}$"), None);
        assert_eq!(
            matching(&parse("(a{1000}){1000}").unwrap(), 0, &mut |_| 0),
            None
        );
    }
}
