//! What the program asks of the operating system: open files, memory, threads.

use super::{FAILED, write_error};

/// Asks for as many open files as the system allows at all: each connection is one, and shells start programs with room
/// for a thousand. (Programs that `select` need the lower limit; this one does not.)
pub(super) fn allow_many_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        // Where the system refuses, connections beyond the limit wait.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

/// Has the C library return large blocks of memory to the system as soon as they are freed. By itself it raises the size
/// from which it does so to 32 MiB, and a server that has handled some large bodies keeps hundreds of megabytes.
pub(super) fn return_large_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code)]
    // SAFETY: mallopt takes two integers and changes a setting of the allocator under its own lock.
    let _ = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, 1024 * 1024) };
}

/// Ends the program when its main thread panics, as it does where the system refuses a thread: the threads that are there
/// already would keep the port and answer nothing.
pub(super) fn end_with_main_thread() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name() != Some("main") {
            return usual(info);
        }
        let payload = info.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or(payload.downcast_ref::<&str>().copied());
        // The words of std and tokio; notify finds that nobody receives.
        let is_thread = |text: &str| {
            (text.contains("spawn") && text.contains("thread")) || text.contains("SendError")
        };
        if text.is_some_and(is_thread) {
            write_error(
                "error: the system allows no more threads\n  help: raise the limit of processes and threads (ulimit -u), or end others\n",
            );
        } else {
            usual(info);
        }
        std::process::exit(FAILED.into());
    }));
}
