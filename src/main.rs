//! The program: see `standin --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    standin::cli::run(std::env::args_os())
}

/// The one function of the C library's mathematics that the program has a use for (tokio, to weigh its statistics). With
/// it here that library is not loaded, which would be a tenth of an empty server's memory.
// SAFETY: The name is the C library's, and this means the same and takes the same; nothing else here has it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "C" fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}
