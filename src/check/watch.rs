//! Watch.
use super::client::Opener;
use super::{CheckError, Options, Outcome};
use std::io::Write;
/// Runs.
///
/// # Errors
/// As for a run.
pub fn run(
    options: &Options,
    open: &Opener<'_>,
    out: &mut dyn Write,
    aside: &mut (dyn Write + Send),
) -> Result<Outcome, CheckError> {
    super::run(options, open, out, aside)
}
