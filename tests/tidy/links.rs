//! Relative links and images in every Markdown file lead somewhere.

use std::fs;
use std::path::Path;

use super::none;
use super::sources::{files, relative, root};

/// Targets of `[text](target)` outside code blocks.
fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find("](") {
            rest = &rest[at + 2..];
            let end = rest.find([')', ' ']).unwrap_or(rest.len());
            found.push(rest[..end].to_owned());
        }
    }
    found
}

/// The anchors of a Markdown file's headings, as code hosts make them.
fn anchors(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix('#').map(|rest| rest.trim_start_matches('#').trim()))
        .map(|heading| {
            heading
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

fn leads_nowhere(file: &Path, target: &str) -> bool {
    if target.contains("://") || target.starts_with("mailto:") {
        return false;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let to = match (path, path.strip_prefix('/')) {
        ("", _) => file.to_path_buf(),
        (_, Some(from_root)) => root().join(from_root),
        (_, None) => file.parent().unwrap_or(file).join(path),
    };
    if !to.exists() {
        return true;
    }
    let is_text = to.extension().is_some_and(|ending| ending == "md");
    is_text && !anchor.is_empty() && !anchors(&fs::read_to_string(&to).unwrap_or_default()).iter().any(|a| a == anchor)
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut faults = Vec::new();
    for file in files(".md") {
        let text = fs::read_to_string(&file).expect("documents are UTF-8");
        for target in targets(&text).into_iter().filter(|target| leads_nowhere(&file, target)) {
            faults.push(format!("{}: {target}", relative(&file)));
        }
    }
    none(&faults);
}

#[test]
fn a_dead_link_is_seen() {
    let here = root().join("CONTRIBUTING.md");
    assert_eq!(targets("see [a](b.md#c) and ![d](e.png)\n```\n[no](no)\n```"), ["b.md#c", "e.png"]);
    assert!(leads_nowhere(&here, "no-such-file.md"));
    assert!(leads_nowhere(&here, "SECURITY.md#no-such-heading"));
    assert!(!leads_nowhere(&here, "SECURITY.md#reporting-a-weakness"));
}
