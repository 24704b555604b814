//! The archive holds what a word processor looks for, every part is XML, and nothing typed becomes markup.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::io::Read as _;

use roxmltree::{Document, Node};

use super::*;
use crate::documents::paper::{Orientation, Table, tests as papers};

const W: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";

fn parts(octets: &[u8]) -> BTreeMap<String, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(octets)).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    let mut read = |name: String| {
        let mut text = String::new();
        archive.by_name(&name).unwrap().read_to_string(&mut text).unwrap();
        (name, text)
    };
    names.into_iter().map(&mut read).collect()
}

fn written(paper: &Paper) -> BTreeMap<String, String> {
    parts(&write(paper).unwrap())
}

fn is(node: &Node<'_, '_>, name: &str) -> bool {
    node.has_tag_name((W, name))
}

fn value<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attribute((W, name))
}

fn words(node: Node<'_, '_>) -> String {
    node.descendants().filter(|node| is(node, "t")).filter_map(|node| node.text()).collect()
}

/// The style and the words of each paragraph of the document.
fn read(parts: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let document = Document::parse(&parts["word/document.xml"]).unwrap();
    let style = |node: Node<'_, '_>| {
        let style = node.descendants().find(|node| is(node, "pStyle"));
        style.and_then(|style| value(style, "val").map(str::to_owned)).unwrap_or_default()
    };
    document.descendants().filter(|node| is(node, "p")).map(|node| (style(node), words(node))).collect()
}

/// Aim: every part is well-formed XML, has a content type, and every relationship leads to a part that is there.
#[test]
fn the_package_is_whole() {
    for paper in [papers::empty(), papers::everything()] {
        let parts = written(&paper);
        for (name, text) in &parts {
            assert!(Document::parse(text).is_ok(), "{name}: {:?}", Document::parse(text).err());
        }
        let types = &parts["[Content_Types].xml"];
        for name in parts.keys().filter(|name| !name.ends_with(".rels") && !name.starts_with('[')) {
            assert!(types.contains(&format!("PartName=\"/{name}\"")), "{name}");
        }
        for (relations, folder) in [("_rels/.rels", ""), ("word/_rels/document.xml.rels", "word/")] {
            let text = &parts[relations];
            let document = Document::parse(text).unwrap();
            let targets: Vec<&str> = document.descendants().filter_map(|node| node.attribute("Target")).collect();
            assert!(targets.len() >= 2);
            for target in targets {
                assert!(parts.contains_key(&format!("{folder}{target}")), "{target}");
            }
        }
        // Every relationship that the document uses is one that it has.
        for used in parts["word/document.xml"].split("r:id=\"").skip(1) {
            let id = used.split('"').next().unwrap();
            assert!(parts["word/_rels/document.xml.rels"].contains(&format!("Id=\"{id}\"")), "{id}");
        }
    }
}

/// Aim: what people typed stands there as text, in the paper's order; what XML can't hold is left out.
#[test]
fn words_are_words() {
    let parts = written(&papers::everything());
    let read = read(&parts);
    let at = |style: &str, words: &str| {
        let found = read.iter().position(|(has, text)| has == style && text == words);
        found.unwrap_or_else(|| panic!("no {style} “{words}” in {read:#?}"))
    };
    let order = [
        at("Title", "Report to the ICO: TC-2026-0042"),
        at("Subtitle", "Cyngor Tŷ Gŵyr. Made at 02:10 on Sunday 1 March 2026 (GMT)."),
        at("Mark", "EXERCISE. This is an exercise. Nothing in this document has happened."),
        at("Fact", "State: Draft"),
        at("Heading1", "What is missing"),
        at("ListBullet", "Were staff trained? <b>&amp;</b>"),
        at("Heading2", "What happened?"),
        at("Normal", "A mailbox was open.For a day."),
        at("Normal", "<w:p>\"quoted\" & 'kept'</w:p> end"),
        at("Origin", "From: What happened (Article 33(3)(a))"),
        at("Open", "Missing. No fact answers it."),
        at("Open", "Still to be found out. Don't know"),
        at("Aside", "Does not apply. Only on a follow-up report"),
        at("Aside", "Left empty."),
        at("Caption", "Partners told"),
        at("Cell", "Cyngor 60"),
        at("Normal", "Tŷ ŵy Ŷ Ŵ, naïve café, Ελληνικά, Кириллица, → € £ “quoted” … – —"),
    ];
    assert!(order.is_sorted(), "{order:?}");
}

/// Aim: a reader with a screen reader finds title, language, headings, a repeating heading row, and the table's name.
#[test]
fn it_is_more_than_it_looks_like() {
    let parts = written(&papers::everything());
    let core = &parts["docProps/core.xml"];
    assert!(
        core.contains("<dc:title>Report to the ICO: TC-2026-0042</dc:title>") && core.contains("<dc:language>en-GB<")
    );
    assert!(core.contains(">2026-03-01T02:10:00Z</dcterms:created>"), "{core}");
    let styles = Document::parse(&parts["word/styles.xml"]).unwrap();
    let named = |id: &str| styles.descendants().find(|node| value(*node, "styleId") == Some(id)).expect("a style");
    for (id, outline) in [("Heading1", "0"), ("Heading2", "1"), ("Heading3", "2")] {
        assert!(named(id).descendants().any(|node| is(&node, "outlineLvl") && value(node, "val") == Some(outline)));
    }
    assert_eq!(value(named("Normal"), "default"), Some("1"));
    for (style, _) in read(&parts).iter().filter(|(style, _)| !style.is_empty()) {
        named(style);
    }
    let document = Document::parse(&parts["word/document.xml"]).unwrap();
    let heading_rows: Vec<Node<'_, '_>> = document.descendants().filter(|node| is(node, "tblHeader")).collect();
    assert_eq!(heading_rows.len(), 1);
    let rows = document.descendants().filter(|node| is(node, "tr"));
    assert_eq!(rows.map(|row| row.children().filter(|node| is(node, "tc")).count()).collect::<Vec<_>>(), vec![3; 61]);
    assert!(document.descendants().any(|node| is(&node, "tblCaption") && value(node, "val") == Some("Partners told")));
    assert!(parts["word/footer1.xml"].contains(" PAGE ") && parts["word/footer1.xml"].contains(" NUMPAGES "));
}

/// Aim: marks stand on every page of a marked document; another has no header at all.
#[test]
fn marks_are_on_every_page() {
    let parts = written(&papers::everything());
    assert!(parts["word/header1.xml"].contains("EXERCISE, DRAFT"));
    assert!(parts["word/document.xml"].contains("headerReference"));
    let plain = written(&papers::empty());
    assert!(!plain.contains_key("word/header1.xml") && !plain["word/document.xml"].contains("headerReference"));
}

/// Aim: rows with too few or too many cells don't break a table, and a wide sheet is wide.
#[test]
fn ragged_rows_and_wide_sheets() {
    let mut paper = papers::empty().orientation(Orientation::Landscape);
    paper.table(Table {
        caption: "Ragged".to_owned(),
        headings: vec!["a".to_owned(), "b".to_owned()],
        names_rows: false,
        rows: vec![vec![], vec!["1".to_owned()], ["1", "2", "3"].map(str::to_owned).into()],
    });
    let parts = written(&paper);
    let document = Document::parse(&parts["word/document.xml"]).unwrap();
    let rows = document.descendants().filter(|node| is(node, "tr"));
    assert!(rows.into_iter().all(|row| row.children().filter(|node| is(node, "tc")).count() == 2));
    assert!(parts["word/document.xml"].contains("w:w=\"16838\" w:h=\"11906\" w:orient=\"landscape\""));
}

/// Aim: the same paper gives the same octets; one that is too large gives none.
#[test]
fn written_the_same_way_every_time() {
    assert_eq!(write(&papers::everything()).unwrap(), write(&papers::everything()).unwrap());
    let mut paper = papers::empty();
    paper.text("a".repeat(2_000_001));
    assert!(matches!(write(&paper), Err(DocxError::TooLarge(_))));
}
