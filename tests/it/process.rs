//! The program as a separate process.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::support::*;

pub struct Process {
    pub child: Child,
    pub address: SocketAddr,
    errors: PathBuf,
    log: Arc<Mutex<String>>,
}

impl Process {
    /// Serves `file` on a free port of 127.0.0.1.
    pub fn serve(file: &Path, arguments: &[&str]) -> Process {
        Process::serve_as(file, arguments, |_| {})
    }

    pub fn serve_as(file: &Path, arguments: &[&str], adjust: impl FnOnce(&mut Command)) -> Process {
        let errors = std::env::temp_dir().join(format!(
            "standin-errors-{}-{}",
            std::process::id(),
            unique()
        ));
        let mut command = Command::new(env!("CARGO_BIN_EXE_standin"));
        command
            .arg(file)
            .args(["--host", "127.0.0.1", "--port", "0"])
            .args(arguments);
        command.current_dir(file.parent().unwrap());
        // As Node's `spawn` and `docker run -i` have it: a pipe that stays open.
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&errors).unwrap());
        adjust(&mut command);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.by_ref().find_map(|line| {
            let (_, rest) = line
                .ok()?
                .split_once("Home ")
                .map(|(_, rest)| ((), rest.to_string()))?;
            rest.trim()
                .trim_end_matches('/')
                .rsplit(':')
                .next()?
                .parse()
                .ok()
        });
        let Some(port) = port else {
            panic!(
                "it did not start: {}",
                std::fs::read_to_string(&errors).unwrap_or_default()
            );
        };
        // Keep reading its log, so that it never blocks.
        let log = Arc::new(Mutex::new(String::new()));
        let all = log.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *all.lock().unwrap() += &(line + "\n");
            }
        });
        Process {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            errors,
            log,
        }
    }

    /// What it has logged since it started.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// What it has printed to standard error.
    pub fn errors(&self) -> String {
        std::fs::read_to_string(&self.errors).unwrap_or_default()
    }

    #[cfg(unix)]
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.child.id().to_string())
            .status();
        assert!(status.unwrap().success());
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> (ExitStatus, Instant) {
        let status = until("the process ends", || self.child.try_wait().unwrap());
        (status, Instant::now())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.errors);
    }
}

fn unique() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
