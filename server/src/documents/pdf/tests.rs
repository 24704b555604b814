//! Whatever is typed becomes a file that passes its checks; nothing is lost on the way but what can't be drawn, and that
//! is said.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use krilla::tagging::TagKind;
use proptest::prelude::*;

use super::layout::{Element, Pages, Piece};
use super::typeface::Weight;
use super::*;
use crate::documents::paper::{Answer, Level, Orientation, Said, Table, tests as papers};

/// What stands on the pages: page, words, size of the letters and the element that the line is part of.
struct Stands {
    page: usize,
    x: f32,
    baseline: f32,
    words: String,
    element: Option<Element>,
}

fn laid_out(paper: &Paper) -> (Vec<Stands>, Pages) {
    let mut layout = Layout::new(Faces::load().unwrap(), paper.lies());
    flow::lay_out(&mut layout, paper);
    let pages = layout.finish().unwrap();
    let mut found = Vec::new();
    for (page, pieces) in pages.pages.iter().enumerate() {
        for piece in pieces {
            if let Piece::Line { x, baseline, text, element, .. } = piece {
                found.push(Stands { page, x: *x, baseline: *baseline, words: text.clone(), element: *element });
            }
        }
    }
    (found, pages)
}

fn words(paper: &Paper) -> String {
    laid_out(paper).0.iter().map(|line| line.words.as_str()).collect::<Vec<_>>().join("\n")
}

fn of_text(text: &str) -> Paper {
    let mut paper = papers::empty();
    paper.text(text);
    paper
}

/// Aim: every kind of block passes the checks of PDF/UA-1 and PDF/A-2a, and says that it does.
#[test]
fn everything_passes() {
    for paper in [papers::empty(), papers::everything(), papers::everything().orientation(Orientation::Landscape)] {
        let octets = write(&paper).unwrap();
        assert!(octets.starts_with(b"%PDF-1.7") && octets.ends_with(b"%%EOF"));
        let text = String::from_utf8_lossy(&octets);
        assert!(text.contains("pdfuaid:part") && text.contains("pdfaid:part") && text.contains("/Lang"));
    }
}

/// Aim: whatever somebody pastes becomes a file; what the typeface has stays, what it lacks is replaced and counted.
#[test]
fn awkward_texts() {
    for (text, shown) in [
        ("Tŷ Gŵyr, ŵ Ŵ ŷ Ŷ, naïve", Some("Tŷ Gŵyr, ŵ Ŵ ŷ Ŷ, naïve")),
        ("Ελληνικά Кириллица עברית العربية", Some("Ελληνικά Кириллица עברית العربية")),
        ("mixed עברית and العربية 123, (in brackets)", None),
        (
            "e\u{301}\u{327} w\u{302} y\u{302} q\u{302}\u{323}",
            Some("e\u{301}\u{327} w\u{302} y\u{302} q\u{302}\u{323}"),
        ),
        ("\u{301}at the beginning", None),
        ("個人情報 개인정보", Some("\u{fffd}\u{fffd}\u{fffd}\u{fffd} \u{fffd}\u{fffd}\u{fffd}\u{fffd}")),
        ("flag \u{1f1ec}\u{1f1e7} family \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} skin \u{1f44d}\u{1f3fd}", None),
        ("private \u{e000}\u{f8ff}\u{10ffff}.", Some("private \u{fffd}\u{fffd}\u{fffd}.")),
        ("a\u{0}b\u{1}c\u{7f}d\u{feff}e\u{fffe}f\u{202e}g\u{ad}h\u{200b}i\te", Some("abcde\u{fffd}fghi e")),
        ("fi ffi ffl office difficult", Some("fi ffi ffl office difficult")),
        ("\u{a0}\u{2003}\u{3000}wide", None),
        ("Devanagari हिन्दी Thai ไทย Lao ລາວ Tifinagh ⵜⵉⴼ N'Ko ߒߞߏ", None),
        ("", None),
        (" \n\n\t\n", None),
    ] {
        let paper = of_text(text);
        assert!(write(&paper).is_ok(), "{text:?}: {:?}", write(&paper).err());
        let stands = words(&paper);
        if let Some(shown) = shown {
            assert!(stands.contains(shown), "{shown:?} in {stands}");
        }
        let replaced = stands.lines().filter(|line| !line.contains("this typeface")).collect::<String>();
        let lacks = replaced.matches('\u{fffd}').count();
        let told = match lacks {
            0 => !stands.contains("this typeface"),
            1 => stands.contains("1 character that this typeface lacks is shown"),
            many => stands.contains(&format!("{many} characters that this typeface lacks are shown")),
        };
        assert!(told, "{lacks}: {stands}");
    }
}

/// Aim: what would have no title to be found by is called untitled, also where its only characters are never seen.
#[test]
fn a_title_without_words() {
    for nothing in ["", " \n", "\u{200b}\u{ad}"] {
        let mut paper = Paper::new(nothing, nothing, papers::empty().made_at(), chrono_tz::UTC);
        paper.heading(Level::One, nothing);
        paper.answer(Answer {
            question: nothing.to_owned(),
            article: None,
            said: Said::Missing(nothing.to_owned()),
            from: nothing.to_owned(),
        });
        assert!(write(&paper).is_ok(), "{nothing:?}: {:?}", write(&paper).err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Aim: no text at all makes a file that fails its checks, wherever it stands.
    #[test]
    fn any_text_passes(text in any::<Vec<char>>().prop_map(|letters| letters.into_iter().collect::<String>()), latin in ".{0,80}") {
        let mut paper = Paper::new(&text, &latin, papers::empty().made_at(), chrono_tz::UTC);
        paper.heading(Level::One, text.clone());
        paper.facts(vec![(latin.clone(), text.clone())]);
        paper.list(vec![text.clone(), latin.clone()]);
        paper.answer(Answer {
            question: text.clone(),
            article: None,
            said: Said::Missing(text.clone()),
            from: latin.clone(),
        });
        paper.table(Table { caption: text.clone(), headings: vec![latin, text.clone()], names_rows: true, rows: vec![vec![text]] });
        prop_assert!(write(&paper).is_ok(), "{:?}", write(&paper).err());
    }
}

/// Aim: 200 KB pasted into one answer are all there, over many pages, none of it beyond the margins.
#[test]
fn a_very_long_text_is_kept_whole() {
    let text = "Cafodd y blwch post ei agor o'r tu allan. ".repeat(4_900);
    let paper = of_text(&text);
    let (lines, pages) = laid_out(&paper);
    assert!(pages.pages.len() > 30, "{}", pages.pages.len());
    let body: String = lines.iter().filter(|line| line.page > 0).map(|line| line.words.as_str()).collect();
    assert!(text.contains(&body[..1_000]) && body.len() > 190_000);
    assert!(lines.iter().all(|line| line.baseline < pages.height - layout::MARGIN && line.baseline > layout::MARGIN));
    assert!(write(&paper).is_ok());
}

/// Aim: lines break between words, a word wider than a line is broken without loss, and none is wider than the column.
#[test]
fn lines_fit() {
    let mut faces = Faces::load().unwrap();
    let long = format!("See {} and then go on.", "https://example.org/".repeat(30));
    for width in [40.0, 120.0, 400.0] {
        let lines = faces.lines(&long, Weight::Regular, 10.0, width);
        assert_eq!(lines.concat(), long);
        for line in &lines {
            assert!(faces.width(line.trim_end(), Weight::Regular, 10.0) <= width + 0.01, "{line}");
        }
    }
    assert_eq!(faces.lines("one two", Weight::Bold, 10.0, 30.0), ["one ", "two"]);
    assert_eq!(faces.lines("a\n\nb", Weight::Bold, 10.0, 30.0), ["a ", "", "b"]);
    // A mark is never parted from its letter.
    let marked = faces.lines(&"e\u{301}".repeat(50), Weight::Regular, 10.0, 33.0);
    assert!(marked.len() > 5 && marked.iter().all(|line| line.starts_with('e')));
}

fn table(rows: Vec<Vec<String>>) -> Paper {
    let mut paper = papers::empty();
    let headings = vec!["Partner".to_owned(), "What was said".to_owned()];
    paper.table(Table { caption: "Partners".to_owned(), headings, names_rows: true, rows });
    paper
}

/// Aim: a row that fits on a page moves whole; the headings stand on every page, but are heard once.
#[test]
fn rows_move_whole_under_repeated_headings() {
    let said = "They had the notice, and read it on the same day. ".repeat(12);
    let (lines, pages) = laid_out(&table((0..30).map(|row| vec![format!("Row {row}"), said.clone()]).collect()));
    assert!(pages.pages.len() > 3);
    for page in 0..pages.pages.len() {
        let here: Vec<&Stands> = lines.iter().filter(|line| line.page == page).collect();
        let headings: Vec<&&Stands> = here.iter().filter(|line| line.words == "Partner").collect();
        assert_eq!(headings.len(), 1, "page {page}");
        assert_eq!(headings.iter().all(|heading| heading.element.is_some()), page == 0);
        let names = here.iter().filter(|line| line.words.starts_with("Row ")).count();
        let ends = here.iter().filter(|line| line.words.ends_with("day.")).count();
        assert_eq!(names, ends, "a row was divided on page {page}");
    }
    let tags = |fits: fn(&TagKind) -> bool| pages.structure.iter().filter(|element| fits(&element.tag)).count();
    assert_eq!(tags(|tag| matches!(tag, TagKind::TR(_))), 31);
    assert_eq!(tags(|tag| matches!(tag, TagKind::TH(_))), 32, "two columns and thirty rows are named");
    assert_eq!(tags(|tag| matches!(tag, TagKind::TD(_))), 30);
}

/// Aim: a row higher than a page is divided, keeps every word and its place in its column, and ends.
#[test]
fn a_row_higher_than_a_page_is_divided() {
    let said = "They had the notice, and read it on the same day. ".repeat(400);
    let paper = table(vec![vec!["First".to_owned(), "Short".to_owned()], vec!["Second".to_owned(), said.clone()]]);
    let (lines, pages) = laid_out(&paper);
    assert!(pages.pages.len() > 2);
    let column = lines.iter().find(|line| line.words == "Short").unwrap().x;
    let kept: String = lines
        .iter()
        .filter(|line| line.x == column && line.element.is_some())
        .map(|line| line.words.as_str())
        .collect();
    assert!(kept.ends_with(said.trim()), "every word of the cell, in order");
    assert!(write(&paper).is_ok());
    // Headings alone higher than a page.
    let mut paper = papers::empty();
    let headings = vec![said; 3];
    paper.table(Table { caption: String::new(), headings, names_rows: false, rows: vec![vec!["x".to_owned()]] });
    assert!(write(&paper).is_ok());
}

/// Aim: a heading never stands alone at the foot of a page, and a page break breaks once.
#[test]
fn headings_stay_with_what_follows() {
    let mut paper = papers::empty();
    for number in 0..60 {
        paper.heading(Level::One, format!("Heading {number}"));
        paper.text("Text.\n".repeat(1 + number % 7));
    }
    let (lines, pages) = laid_out(&paper);
    for page in 0..pages.pages.len() {
        let last = lines.iter().rev().find(|line| line.page == page).unwrap();
        assert!(!last.words.starts_with("Heading"), "page {page}");
    }
    let mut paper = papers::empty();
    paper.page_break();
    paper.page_break();
    paper.text("Text.");
    assert_eq!(laid_out(&paper).1.pages.len(), 2);
}

/// Aim: bookmarks lead to every heading and question, as deep as they are.
#[test]
fn bookmarks_follow_headings() {
    let (_, pages) = laid_out(&papers::everything());
    let found: Vec<(u16, &str)> = pages.bookmarks.iter().map(|mark| (mark.depth, mark.text.as_str())).collect();
    for expected in [
        (1, "Report to the ICO: TC-2026-0042"),
        (2, "What is missing"),
        (2, "About the breach"),
        (3, "What happened?"),
        (3, "Partners"),
        (2, "Other letters"),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    assert!(pages.bookmarks.iter().all(|mark| mark.page < pages.pages.len()));
    let mut paper = papers::empty();
    paper.heading(Level::One, "\u{500b}");
    assert!(words(&paper).contains("1 character that this typeface lacks"), "a bookmark only repeats it");
}

/// Aim: the same paper gives the same octets; what is too large, or too long, is said, and gives none.
#[test]
fn written_the_same_way_every_time() {
    assert_eq!(write(&papers::everything()).unwrap(), write(&papers::everything()).unwrap());
    assert!(matches!(write(&of_text(&"a".repeat(2_000_001))), Err(PdfError::TooLarge(_))));
    match write(&of_text(&"a\n".repeat(999_000))) {
        Err(PdfError::TooLarge(TooLarge { what: "pages", max: 2_000 })) => {}
        other => panic!("{:?}", other.map(|octets| octets.len())),
    }
}
