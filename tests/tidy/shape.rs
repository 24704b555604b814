//! Length of functions and files, and words that must not occur.

use super::none;
use super::sources::{Source, rust};

/// Lines of a function, from its signature to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// Lines of a file.
const FILE_LINES_MAX: usize = 600;
/// Files that may be longer, each with its reason. Empty, and to stay so.
const LONG_FILES: &[(&str, &str)] = &[];

/// Where each function begins and how many lines it has. rustfmt puts the closing brace under the signature's first
/// letter, so no parser is needed; `tests/run` checks the formatting first.
fn functions(source: &Source) -> Vec<(usize, usize, String)> {
    let code = source.code();
    let mut found = Vec::new();
    for (index, (number, line)) in code.iter().enumerate() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        let words = trimmed.split("fn ").next().unwrap_or_default();
        let is_function = trimmed.contains("fn ")
            && words.split_whitespace().all(|word| {
                ["pub", "pub(crate)", "pub(super)", "const", "async", "extern", "default"].contains(&word)
                    || word.starts_with("pub(in")
            });
        if !is_function {
            continue;
        }
        let close = format!("{}}}", " ".repeat(indent));
        let one_line = line.trim_end().ends_with(';') || line.trim_end().ends_with('}');
        let Some((end, _)) = code[index..].iter().find(|(_, line)| line.trim_end() == close).filter(|_| !one_line)
        else {
            continue;
        };
        let name = trimmed.split("fn ").nth(1).and_then(|rest| rest.split(['(', '<']).next()).unwrap_or_default();
        found.push((*number, end - number + 1, name.to_owned()));
    }
    found
}

#[test]
fn functions_are_short_enough_to_read_at_once() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for source in rust() {
        for (number, lines, name) in functions(&source) {
            seen += 1;
            if lines > FUNCTION_LINES_MAX {
                faults.push(format!("{}:{number}: fn {name} has {lines} lines", source.path));
            }
        }
    }
    assert!(seen > 100, "the functions were not found");
    none(&faults);
}

#[test]
fn files_hold_one_idea() {
    let faults: Vec<String> = rust()
        .iter()
        .filter(|source| source.lines.len() > FILE_LINES_MAX)
        .filter(|source| !LONG_FILES.iter().any(|(path, _)| *path == source.path))
        .map(|source| format!("{}: {} lines", source.path, source.lines.len()))
        .collect();
    none(&faults);
}

/// Every line of code that contains one of the words, in the files that `applies` picks.
fn occurrences(words: &[&str], applies: impl Fn(&Source) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for source in rust().iter().filter(|source| applies(source)) {
        for (number, line) in source.code() {
            for word in words {
                if line.contains(word) {
                    found.push(format!("{}:{number}: {word}", source.path));
                }
            }
        }
    }
    found
}

#[test]
fn only_the_time_source_reads_the_time() {
    let words = ["Utc::now", "Local::now", "SystemTime::now", "Instant::now", "now_v7", "now_v1"];
    none(&occurrences(&words, |source| {
        source.path != "server/src/time_source.rs" && !source.path.starts_with("tests/bench/")
    }));
}

#[test]
fn no_sql_asks_the_database_for_the_time() {
    let mut faults = Vec::new();
    for path in super::sources::files(".sql") {
        let text = std::fs::read_to_string(&path).expect("migrations are UTF-8").to_lowercase();
        for word in ["now()", "current_timestamp", "datetime('now'", "strftime", "unixepoch"] {
            if text.contains(word) {
                faults.push(format!("{}: {word}", super::sources::relative(&path)));
            }
        }
    }
    none(&faults);
}

#[test]
fn no_test_is_ignored() {
    none(&occurrences(&["#[ignore"], |_| true));
}

#[test]
fn no_test_sleeps() {
    // The proxy plays a slow line, which is what it is for.
    let slow_line = "tests/kit/proxy.rs";
    none(&occurrences(&["sleep("], |source| {
        source.path != slow_line
            && (source.path.starts_with("tests/")
                || source.path.contains("/tests/")
                || source.path.ends_with("/tests.rs"))
    }));
}

#[test]
fn nothing_is_left_half_done() {
    none(&occurrences(&["todo!", "unimplemented!", "dbg!("], |_| true));
}

#[test]
fn randomness_has_one_home_each() {
    // Keys, tokens and salts come from the operating system's generator in few places (ARCHITECTURE.md, "Time, ids, network").
    let homes = [
        "server/src/time_source.rs",
        "server/src/access",
        "server/src/node/keys.rs",
        "server/src/store/",
        "server/src/demo",
    ];
    none(&occurrences(&["SystemRandom", "getrandom", "rand::fill", "thread_rng", "OsRng"], |source| {
        (source.path.starts_with("server/src/") || source.path.starts_with("webhooks/src/"))
            && !homes.iter().any(|home| source.path.starts_with(home))
    }));
}

#[test]
fn a_long_function_is_seen() {
    let mut lines = vec!["    pub(crate) async fn long(a: u8) -> u8 {".to_owned()];
    lines.extend((0..70).map(|_| "        a;".to_owned()));
    lines.push("    }".to_owned());
    lines.push("    fn short() {}".to_owned());
    let source = Source { path: "x.rs".to_owned(), lines };
    assert_eq!(functions(&source), vec![(1, 72, "long".to_owned())]);
}
