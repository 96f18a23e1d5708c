//! The NumPy that answers.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};

/// A Python process that answers chains line by line.
pub struct Oracle {
    process: Child,
    questions: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Oracle {
    /// `None`, said aloud, if no interpreter is named.
    pub fn start() -> Option<Self> {
        let Some(python) = std::env::var_os("VIEWBRIDGE_PYTHON") else {
            // Not `eprintln!`, which the test runner keeps to itself.
            let _ = writeln!(
                std::io::stderr(),
                "\nSKIPPED: nothing was held against a live NumPy; VIEWBRIDGE_PYTHON names no interpreter that has one"
            );
            return None;
        };
        let mut process = Command::new(&python)
            .args(["-u", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/numpy/oracle.py")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{python:?}: {error}"));
        let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let (sender, answers) = sync_channel(1024);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut oracle = Self {
            questions: process.stdin.take(),
            process,
            answers,
        };
        let version = oracle.answer();
        println!("NumPy {version}");
        Some(oracle)
    }

    pub fn ask(&mut self, chain: &str) {
        let questions = self.questions.as_mut().expect("open until dropped");
        writeln!(questions, "{chain}").expect("the oracle listens");
    }

    /// The answers to the oldest question that has none yet.
    pub fn answer(&mut self) -> String {
        self.answers
            .recv()
            .expect("the oracle is gone; what it said last is above")
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.questions.take());
        let _ = self.process.wait();
    }
}
