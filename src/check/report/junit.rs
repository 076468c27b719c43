//! Placeholder.

use std::io::{self, Write};

use crate::check::Checked;

/// Prints.
///
/// # Errors
/// The output cannot be written.
pub fn print(_checked: &Checked, _out: &mut dyn Write) -> io::Result<()> {
    Ok(())
}
