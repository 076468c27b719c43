//! Fix.

use std::io::{self, Write};

use super::client::Opener;
use super::{Checked, Options};

/// Applies.
///
/// # Errors
/// The output cannot be written.
pub fn apply(_checked: &Checked, _options: &Options, _open: &Opener<'_>, _out: &mut dyn Write) -> io::Result<usize> {
    Ok(0)
}
