//! Processes of this benchmark's own, spoken to in lines.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub(crate) type Lines<T> = BufReader<T>;

/// Starts this program again with other arguments.
pub(crate) fn start(arguments: &[&str]) -> (Child, ChildStdin, Lines<ChildStdout>) {
    let own = std::env::current_exe().expect("a path of our own");
    let mut child = Command::new(own)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process starts");
    let input = child.stdin.take().expect("its input");
    let output = BufReader::new(child.stdout.take().expect("its output"));
    (child, input, output)
}

/// Its next line.
pub(crate) fn hear(output: &mut Lines<ChildStdout>) -> String {
    let mut line = String::new();
    output.read_line(&mut line).expect("it answers");
    line.trim_end().to_owned()
}

/// A line to it, and the line that it answers with.
pub(crate) fn ask(input: &mut ChildStdin, output: &mut Lines<ChildStdout>, line: &str) -> String {
    writeln!(input, "{line}").expect("it listens");
    input.flush().expect("it listens");
    hear(output)
}
