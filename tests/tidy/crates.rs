//! Dependency policy over `cargo tree`: the lists of `deny.toml`, without needing cargo-deny.

use std::collections::BTreeSet;
use std::process::Command;

use super::none;
use super::sources::root;

/// Crates that must not be built, beyond those that `deny.toml` names: a second cryptography library.
const NEVER_BUILT: &[&str] = &["ring", "openssl-sys"];

/// What is built on this machine with default features, tests included: (name, version, licence). `cargo tree` rather
/// than `cargo metadata`, because the latter also lists optional crates that no feature switches on.
fn built() -> Vec<(String, String, String)> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--locked", "--edges", "normal,build,dev", "--prefix", "none", "--no-dedupe"])
        .args(["--format", "{p}\t{l}"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let lines: BTreeSet<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    lines
        .iter()
        .filter_map(|line| {
            let (package, licence) = line.split_once('\t')?;
            let (name, version) = package.split_once(" v")?;
            let version = version.split(' ').next().unwrap_or_default();
            Some((name.to_owned(), version.to_owned(), licence.to_owned()))
        })
        .collect()
}

fn policy() -> String {
    std::fs::read_to_string(root().join("deny.toml")).expect("the policy is there")
}

/// The quoted strings of `allow = [ … ]`.
fn allowed_licences() -> BTreeSet<String> {
    let policy = policy();
    let list = policy.split("allow = [").nth(1).and_then(|rest| rest.split(']').next()).expect("an allow list");
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Single crates that `deny.toml` lets keep a licence of their own: (crate, licence).
fn exceptions() -> Vec<(String, String)> {
    let policy = policy();
    let list = policy.split("exceptions = [").nth(1).and_then(|rest| rest.split("\n]").next()).unwrap_or_default();
    let quoted = |line: &str, after: &str| Some(line.split(after).nth(1)?.split('"').next()?.to_owned());
    list.lines().filter_map(|line| Some((quoted(line, "crate = \"")?, quoted(line, "allow = [\"")?))).collect()
}

fn denied_crates() -> BTreeSet<String> {
    let policy = policy();
    let list = policy.split("deny = [").nth(1).and_then(|rest| rest.split("\n]").next()).expect("a deny list");
    list.lines().filter_map(|line| line.split("crate = \"").nth(1)?.split('"').next()).map(str::to_owned).collect()
}

/// Whether an SPDX expression can be met from the allow list: one side of an OR, every side of an AND; AND binds tighter.
/// A slash is the old spelling of OR.
fn licence_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ").replace(" WITH ", "\u{1f}");
    let words: Vec<String> = spaced.split_whitespace().map(|word| word.replace('\u{1f}', " WITH ")).collect();
    let mut at = 0;
    any_side(&words, &mut at, allowed) && at == words.len()
}

fn any_side(words: &[String], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut met = every_side(words, at, allowed);
    while words.get(*at).is_some_and(|word| word == "OR") {
        *at += 1;
        met |= every_side(words, at, allowed);
    }
    met
}

fn every_side(words: &[String], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut met = true;
    loop {
        let word = words.get(*at).map_or("", String::as_str);
        *at += 1;
        if word == "(" {
            met &= any_side(words, at, allowed);
            *at += 1; // the closing parenthesis
        } else {
            met &= allowed.contains(word);
        }
        if words.get(*at).is_none_or(|word| word != "AND") {
            return met;
        }
        *at += 1;
    }
}

#[test]
fn no_forbidden_crate_is_built() {
    let denied = denied_crates();
    assert!(denied.contains("native-tls"), "the deny list was not read");
    let faults: Vec<String> = built()
        .into_iter()
        .filter(|(name, _, _)| denied.contains(name) || NEVER_BUILT.contains(&name.as_str()))
        .map(|(name, version, _)| format!("{name} {version}"))
        .collect();
    none(&faults);
}

#[test]
fn every_licence_is_allowed() {
    let allowed = allowed_licences();
    let exceptions = exceptions();
    let crates = built();
    assert!(crates.len() > 100 && allowed.contains("MIT"), "the lists were not read");
    let faults: Vec<String> = crates
        .into_iter()
        .filter(|(_, _, licence)| !licence_allowed(licence, &allowed))
        .filter(|(name, _, licence)| !exceptions.contains(&(name.clone(), licence.clone())))
        .map(|(name, version, licence)| format!("{name} {version}: {licence}"))
        .collect();
    none(&faults);
}

#[test]
fn licences_are_judged_by_their_expression() {
    let allowed: BTreeSet<String> = ["MIT", "ISC", "OpenSSL"].map(str::to_owned).into();
    assert!(licence_allowed("MIT OR GPL-3.0", &allowed));
    assert!(licence_allowed("Apache-2.0/MIT", &allowed));
    assert!(licence_allowed("ISC AND OpenSSL", &allowed));
    assert!(licence_allowed("ISC AND (GPL-3.0 OR MIT)", &allowed));
    assert!(!licence_allowed("(MIT OR ISC) AND GPL-3.0", &allowed));
    assert!(!licence_allowed("MIT AND GPL-3.0", &allowed));
    assert!(!licence_allowed("GPL-3.0-or-later", &allowed));
}
