//! The program: see `standin --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    standin::run(std::env::args_os())
}
