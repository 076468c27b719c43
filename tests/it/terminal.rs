//! A pseudo terminal with a program in it, as in a terminal window.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};

use pty_process::blocking::{Command, open};
use rustix::fs::{OFlags, fcntl_setfl};

use crate::support::*;

pub struct Terminal {
    /// `None`: the window is closed.
    window: Option<File>,
    pub child: Child,
    raw: Vec<u8>,
}

impl Terminal {
    /// Starts a program as the leader of a new session, in the foreground of the terminal.
    pub fn start(command: Command) -> Terminal {
        let (pty, pts) = open().unwrap();
        let child = command
            .env_remove("PORT")
            .env_remove("STANDIN_HOST")
            .spawn(pts)
            .unwrap();
        let window = OwnedFd::from(pty);
        fcntl_setfl(&window, OFlags::RDWR | OFlags::NONBLOCK).unwrap();
        Terminal {
            window: Some(window.into()),
            child,
            raw: Vec::new(),
        }
    }

    pub fn type_in(&mut self, keys: &str) {
        self.window
            .as_mut()
            .unwrap()
            .write_all(keys.as_bytes())
            .unwrap();
    }

    /// All that was printed so far, colours included.
    pub fn raw(&mut self) -> String {
        let mut buffer = [0; 4096];
        // When the last program in the terminal ends, a read is an error (EIO).
        while let Some(Ok(count @ 1..)) =
            self.window.as_mut().map(|window| window.read(&mut buffer))
        {
            self.raw.extend_from_slice(&buffer[..count]);
        }
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    /// All that was printed so far, as plain text.
    pub fn text(&mut self) -> String {
        anstream::adapter::strip_str(&self.raw())
            .to_string()
            .replace('\r', "")
    }

    /// Waits until what is printed contains `words`; returns all of it.
    pub fn shows(&mut self, words: &str) -> String {
        until(&format!("the terminal shows {words:?}"), || {
            Some(self.text()).filter(|text| text.contains(words))
        })
    }

    /// The port in the banner.
    pub fn port(&mut self) -> u16 {
        self.shows("Ctrl+C");
        let text = self.text();
        let (_, rest) = text.split_once("http://localhost:").unwrap();
        rest.split(|letter: char| !letter.is_ascii_digit())
            .next()
            .unwrap()
            .parse()
            .unwrap()
    }

    pub fn client(&mut self) -> Client {
        let port = self.port();
        Client::connect(([127, 0, 0, 1], port).into())
    }

    /// Closes the window.
    pub fn close(&mut self) {
        self.window = None;
    }

    /// Waits for the end of the program.
    pub fn ended(&mut self) -> ExitStatus {
        until("the program in the terminal ends", || {
            // It may wait for somebody to read what it prints.
            self.raw();
            self.child.try_wait().unwrap()
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Other programs in the terminal get a SIGHUP when the leader ends and the window is closed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
