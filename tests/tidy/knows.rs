//! Who may know whom inside `server` (`ARCHITECTURE.md`, "Who may know whom"). Between crates the compiler enforces it.

use super::none;
use super::sources::{Source, rust};

/// A module of `server`, the modules it may name, and the crates it must not name.
struct Rule {
    module: &'static str,
    may_know: &'static [&'static str],
    never: &'static [&'static str],
}

/// Modules that are not listed (`main`, `lib`, `http`, `demo`) put the others together and may know all of them.
const RULES: &[Rule] = &[
    Rule {
        module: "web",
        may_know: &["web", "node", "store::queries", "documents", "access", "problem"],
        never: &["webhooks", "diesel"],
    },
    Rule {
        module: "api",
        may_know: &["api", "node", "store::queries", "documents", "access", "problem"],
        never: &["diesel"],
    },
    Rule {
        module: "node",
        may_know: &["node", "store", "mail", "time_source", "access"],
        never: &["actix_web", "actix_rt", "askama", "diesel"],
    },
    Rule { module: "documents", may_know: &["documents", "store::queries"], never: &["actix_web", "diesel"] },
    Rule {
        module: "store",
        may_know: &["store"],
        never: &["webhooks", "actix_web", "askama", "reqwest", "tokio::time"],
    },
    Rule { module: "time_source", may_know: &[], never: &["webhooks", "actix_web", "diesel"] },
    Rule { module: "config", may_know: &["store::DataKey", "time_source"], never: &["actix_web", "diesel", "tokio"] },
    Rule {
        module: "access",
        may_know: &["access", "node", "problem", "store", "time_source"],
        never: &["webhooks", "diesel"],
    },
    Rule {
        module: "problem",
        may_know: &["problem", "access", "documents", "node", "store"],
        never: &["webhooks", "diesel"],
    },
];

/// The module of `server` that a file belongs to.
fn module(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("server/src/")?;
    Some(rest.split('/').next().unwrap_or(rest).trim_end_matches(".rs"))
}

/// Paths named after `crate::`, with `crate::{a, b::{c, d}}` spelt out as `a`, `b::c`, `b::d`.
fn named(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        spell_out(&code[at + "crate::".len()..], "", &mut found);
    }
    found
}

/// Spells one use tree out; returns how many octets it read.
fn spell_out(text: &str, prefix: &str, found: &mut Vec<String>) -> usize {
    let mut path = prefix.to_owned();
    let mut read = 0;
    for c in text.chars() {
        match c {
            '{' => {
                let mut inner = read + 1;
                loop {
                    inner += spell_out(&text[inner..], &path, found);
                    match text[inner..].chars().next() {
                        Some(',') => inner += 1,
                        Some('}') => return inner + 1,
                        _ => return inner,
                    }
                }
            }
            c if c.is_alphanumeric() || c == '_' || c == ':' => path.push(c),
            c if c.is_whitespace() && path == prefix => {}
            _ => break,
        }
        read += c.len_utf8();
    }
    if path != prefix {
        found.push(path);
    }
    read
}

/// Whether a named path lies within an allowed one.
fn within(path: &str, allowed: &str) -> bool {
    path == allowed || path.strip_prefix(allowed).is_some_and(|rest| rest.starts_with("::"))
}

/// Whether code names a crate: the word, followed by `::`.
fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let free = !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
        free && code[at + name.len()..].starts_with("::")
    })
}

fn faults(source: &Source, rule: &Rule) -> Vec<String> {
    let code: String = source.product_code().into_iter().map(|(_, line)| line + "\n").collect();
    let strangers = named(&code)
        .into_iter()
        .filter(|path| !rule.may_know.iter().any(|allowed| within(path, allowed)))
        .map(|path| format!("{}: {} must not know crate::{path}", source.path, rule.module));
    let forbidden = rule
        .never
        .iter()
        .filter(|name| names_crate(&code, name))
        .map(|name| format!("{}: {} must not know {name}", source.path, rule.module));
    strangers.chain(forbidden).collect()
}

#[test]
fn modules_know_only_whom_they_may() {
    let mut seen = 0;
    let mut all = Vec::new();
    for source in rust() {
        let Some(rule) = module(&source.path).and_then(|name| RULES.iter().find(|rule| rule.module == name)) else {
            continue;
        };
        seen += 1;
        all.extend(faults(&source, rule));
    }
    assert!(seen > 10, "the server's modules were not found");
    none(&all);
}

#[test]
fn the_rules_and_the_wire_know_nothing_of_the_node() {
    let mut all = Vec::new();
    for source in rust() {
        let never: &[&str] = if source.path.starts_with("server/domain/src/") {
            &["server", "webhooks", "tokio", "diesel", "actix_web", "reqwest", "std::fs", "std::process"]
        } else if source.path.starts_with("webhooks/src/") {
            &["server", "domain", "diesel", "actix_web"]
        } else {
            continue;
        };
        let code: String = source.product_code().into_iter().map(|(_, line)| line + "\n").collect();
        all.extend(never.iter().filter(|name| names_crate(&code, name)).map(|name| format!("{}: {name}", source.path)));
    }
    none(&all);
}

#[test]
fn use_trees_are_spelt_out() {
    let code =
        "use crate::{node, store::{queries, outbox::Claimed}};\nlet a = crate::web::page();\nuse other_crate::x;";
    assert_eq!(named(code), ["node", "store::queries", "store::outbox::Claimed", "web::page"]);
    assert!(within("store::queries::Clock", "store::queries"));
    assert!(!within("store::queries_more", "store::queries"));
    assert!(names_crate("use diesel::prelude::*;", "diesel"));
    assert!(!names_crate("let my_diesel::x;", "diesel"));
}
