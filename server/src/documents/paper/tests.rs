//! The rules of the model, and one document with everything in it for both writers.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn made() -> Moment {
    Moment::parse("2026-03-01T02:10:00Z").unwrap()
}

/// An empty document.
pub(in crate::documents) fn empty() -> Paper {
    Paper::new("Report to the ICO: TC-2026-0042", "Cyngor Tŷ Gŵyr", made(), chrono_tz::Europe::London)
}

fn answer(question: &str, said: Said) -> Answer {
    Answer {
        question: question.to_owned(),
        article: Some("Article 33(3)(a)".to_owned()),
        said,
        from: "What happened".to_owned(),
    }
}

/// One with every kind of block, and texts that a careless writer would trip over.
pub(in crate::documents) fn everything() -> Paper {
    let mut paper = empty().mark(Mark::Exercise).mark(Mark::Draft);
    paper.facts(vec![
        ("State".to_owned(), "Draft".to_owned()),
        ("Due".to_owned(), "02:10 on Wednesday 4 March 2026 (GMT)".to_owned()),
    ]);
    paper.heading(Level::One, "What is missing");
    paper.list(vec!["How many records?".to_owned(), "Were staff trained? <b>&amp;</b>".to_owned()]);
    paper.heading(Level::One, "About the breach");
    paper.answer(answer(
        "What happened?",
        Said::Given("A mailbox was open.\nFor a day.\n\n<w:p>\"quoted\" & 'kept'</w:p> \u{1}\u{fffe}end".to_owned()),
    ));
    paper.answer(answer("How many records?", Said::Missing("No fact answers it.".to_owned())));
    paper.answer(answer("Was it a cyber incident?", Said::NotYetKnown("Don't know".to_owned())));
    paper.answer(answer("Anything else?", Said::DoesNotApply("Only on a follow-up report".to_owned())));
    paper.answer(answer("Nothing typed?", Said::Given(String::new())));
    paper.heading(Level::Two, "Partners");
    paper.text("Who was told.\n\nAnd when.");
    let row = |number: usize| vec![format!("Cyngor {number}"), "Told".to_owned(), format!("{number} hours")];
    paper.table(Table {
        caption: "Partners told".to_owned(),
        headings: ["Partner", "State", "After"].map(str::to_owned).into(),
        names_rows: true,
        rows: (1..=60).map(row).collect(),
    });
    paper.page_break();
    paper.heading(Level::One, "Other letters");
    paper.text("Tŷ ŵy Ŷ Ŵ, naïve café, Ελληνικά, Кириллица, → € £ “quoted” … – —");
    paper
}

/// Aim: a heading is never more than one level below the one before, and a question is a part of its section.
#[test]
fn levels_never_skip() {
    let mut paper = empty();
    paper.answer(answer("First?", Said::Given(String::new())));
    paper.heading(Level::Three, "a");
    paper.heading(Level::Three, "b");
    paper.answer(answer("Second?", Said::Given(String::new())));
    paper.heading(Level::One, "c");
    paper.heading(Level::Three, "d");
    let levels: Vec<u16> = paper
        .blocks()
        .iter()
        .filter_map(|block| match block {
            Block::Heading { level, .. } | Block::Answer { level, .. } => Some(level.number()),
            Block::Text(_) | Block::Table(_) | Block::List(_) | Block::Facts(_) | Block::PageBreak => None,
        })
        .collect();
    assert_eq!(levels, [1, 1, 2, 3, 1, 2]);
}

/// Aim: each limit of a document is kept, and named.
#[test]
fn what_is_too_large_is_said() {
    assert_eq!(everything().fits(), Ok(()));
    let refused = |fill: &dyn Fn(&mut Paper)| {
        let mut paper = empty();
        fill(&mut paper);
        paper.fits().unwrap_err().to_string()
    };
    let table = |columns: usize, rows: usize| Table {
        caption: String::new(),
        headings: vec!["a".to_owned(); columns],
        names_rows: false,
        rows: vec![Vec::new(); rows],
    };
    assert_eq!(
        refused(&|paper| paper.text("a".repeat(2_000_001))),
        "a document may hold at most 2000000 octets of text"
    );
    assert_eq!(refused(&|paper| paper.table(table(13, 0))), "a document may hold at most 12 columns in a table");
    assert_eq!(refused(&|paper| paper.table(table(1, 10_001))), "a document may hold at most 10000 rows");
    assert_eq!(
        refused(&|paper| (0..20_001).for_each(|_| paper.page_break())),
        "a document may hold at most 20000 blocks"
    );
    let long = Paper::new(&"a".repeat(501), "", made(), chrono_tz::Europe::London);
    assert_eq!(long.fits().unwrap_err().what, "characters in its title");
}

/// Aim: blank lines part paragraphs, other breaks stay, whatever system they come from.
#[test]
fn paragraphs_are_parted_by_blank_lines() {
    assert_eq!(paragraphs("a\r\nb\r\n\r\n\r\nc"), ["a\nb", "c"]);
    assert_eq!(paragraphs("\n\n a \n \n"), [" a"]);
    assert!(paragraphs(" \r\n\t").is_empty());
}

/// Aim: wide columns get more room, within bounds, and a table without columns is none.
#[test]
fn columns_share_the_width() {
    let table = |rows: Vec<Vec<String>>| Table {
        caption: String::new(),
        headings: vec!["a".to_owned(), "b".to_owned()],
        names_rows: false,
        rows,
    };
    assert_eq!(table(vec![]).shares(), [6, 6]);
    assert_eq!(table(vec![vec!["x".repeat(20), "x".repeat(300)], vec![]]).shares(), [20, 40]);
    let mut paper = empty();
    paper.table(Table { headings: vec![], ..table(vec![]) });
    paper.list(vec![]);
    paper.facts(vec![]);
    assert!(paper.blocks().is_empty());
}

/// Aim: what is said of an answer's origin holds what there is.
#[test]
fn origins() {
    let from = |article: Option<&str>, from: &str| {
        let answer = Answer {
            article: article.map(str::to_owned),
            from: from.to_owned(),
            ..answer("?", Said::Given(String::new()))
        };
        answer.origin()
    };
    assert_eq!(from(None, ""), "");
    assert_eq!(from(None, "a"), "From: a");
    assert_eq!(from(Some("Article 33"), ""), "Article 33");
    assert_eq!(from(Some("Article 33"), "a"), "From: a (Article 33)");
}
