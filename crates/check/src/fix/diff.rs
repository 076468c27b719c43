//! What differs between two texts, line by line.

use std::ops::Range;

use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::{DiffOp, DiffTag, group_diff_ops};

/// How many lines are shown around a difference.
const AROUND: usize = 2;

/// What makes `new` of `old`. (`TextDiff` would bring every algorithm of the crate along.)
pub(super) fn steps(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let mut capture = Compact::new(Replace::new(Capture::new()), old, new);
    match myers::diff(&mut capture, old, 0..old.len(), new, 0..new.len()) {
        Ok(()) => capture.into_inner().into_inner().into_ops(),
        Err(never) => match never {},
    }
}

/// The difference between two versions of the file `name` as `diff -u` shows it.
pub(super) fn unified(name: &str, old: &str, new: &str) -> String {
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let new: Vec<&str> = new.split_inclusive('\n').collect();
    let mut out = format!("--- {name}\n+++ {name}\n");
    for group in group_diff_ops(steps(&old, &new), AROUND) {
        let [Some(from), Some(to)] = [DiffOp::old_range, DiffOp::new_range].map(|range| {
            let (first, last) = (group.first()?, group.last()?);
            Some(range(first).start..range(last).end)
        }) else {
            continue;
        };
        out.push_str(&format!("@@ -{} +{} @@\n", shown(from), shown(to)));
        for step in group {
            let is_same = step.tag() == DiffTag::Equal;
            let added = if is_same { 0..0 } else { step.new_range() };
            old[step.old_range()].iter().for_each(|line| add(&mut out, if is_same { ' ' } else { '-' }, line));
            new[added].iter().for_each(|line| add(&mut out, '+', line));
        }
    }
    out
}

/// Lines as a hunk's header names them: the first, counted from 1, and how many there are.
fn shown(lines: Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => (lines.start + 1).to_string(),
        count => format!("{},{count}", lines.start + 1),
    }
}

fn add(out: &mut String, sign: char, line: &str) {
    out.push(sign);
    out.push_str(line);
    if !line.ends_with('\n') {
        out.push_str("\n\\ No newline at end of file\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_as_diff_shows_it() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n";
        let expected = "--- a.md\n+++ a.md\n@@ -3,7 +3,8 @@\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n-9\n\\ No newline at end of file\n+9\n+10\n";
        assert_eq!(unified("a.md", old, new), expected);
        assert_eq!(unified("a.md", "", "1\n"), "--- a.md\n+++ a.md\n@@ -0,0 +1 @@\n+1\n");
    }
}
