//! A party that is not ours: a Python program in `tests/independent`, written from `webhooks/README.md` with other libraries
//! (`cryptography`, `standardwebhooks`). It listens on a port of its own and obeys one line of JSON at a time.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use serde_json::{Value, json};
use tokio::task::block_in_place;

/// The program, running. Dropping it ends it.
pub struct Independent {
    /// Its issuer, on loopback.
    pub issuer: String,
    /// Its card.
    pub card: String,
    /// Its digits.
    pub fingerprint: String,
    child: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Independent {
    /// Starts it.
    ///
    /// # Panics
    /// When its Python is missing: `tests/run` installs it.
    #[must_use]
    pub fn start() -> Self {
        let home = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let python = home.join("../target/independent/bin/python");
        assert!(python.is_file(), "Python's libraries are missing: tests/run installs them");
        let mut child = Command::new(python)
            // No compiled files beside the sources.
            .arg("-B")
            .arg(home.join("independent/main.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let (into, out) = (child.stdin.take().expect("its input"), child.stdout.take().expect("its output"));
        let mut out = BufReader::new(out);
        let hello = answer(&mut out);
        let text = |name: &str| hello[name].as_str().unwrap_or_else(|| panic!("no {name} in {hello}")).to_owned();
        Self {
            issuer: text("issuer"),
            card: text("card"),
            fingerprint: text("fingerprint"),
            child,
            pipes: Mutex::new((into, out)),
        }
    }

    /// Gives a command and waits for what came of it.
    ///
    /// # Panics
    /// When it could not be done.
    #[must_use]
    pub fn obey(&self, command: &Value) -> Value {
        let answer = block_in_place(|| {
            let mut pipes = self.pipes.lock().expect("no panic while held");
            writeln!(pipes.0, "{command}").expect("it listens");
            answer(&mut pipes.1)
        });
        assert!(answer.get("fault").is_none(), "{command}: {answer}");
        answer
    }

    /// Every message that it stored: event, claims, token and receipt.
    ///
    /// # Panics
    /// When a checkpoint in one of them did not verify, or contradicted an earlier one.
    #[must_use]
    pub fn received(&self) -> Vec<Value> {
        let answer = self.obey(&json!({ "do": "received" }));
        let witnesses = answer["witnesses"].as_array().expect("a list");
        assert!(witnesses.iter().all(|witness| witness == "good"), "checkpoints: {witnesses:?}");
        answer["received"].as_array().cloned().expect("a list")
    }
}

impl Drop for Independent {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answer(out: &mut BufReader<ChildStdout>) -> Value {
    let mut line = String::new();
    out.read_line(&mut line).expect("it answers");
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("not an answer: {line:?}"))
}
