//! The blocks of a paper, one below the other, with the element of the structure that each one is.

use std::num::NonZeroU16;

use krilla::tagging::{ListNumbering, Tag, TagKind};

use super::layout::{Colour, Element, Layout, MARGIN, Style};
use super::table;
use super::typeface::Weight;
use crate::documents::paper::{Answer, Block, Level, Paper, paragraphs};

const TITLE: Style = Style::new(19.0, Weight::Bold, Colour::Ink);
const BYLINE: Style = Style::new(9.5, Weight::Regular, Colour::Grey);
const MARK: Style = Style::new(10.0, Weight::Bold, Colour::Alarm);
pub(super) const BODY: Style = Style::new(10.0, Weight::Regular, Colour::Ink);
/// What stands above an answer that is none, and need not be.
const ASIDE: Style = Style::new(10.0, Weight::Bold, Colour::Grey);
const NAME: Style = Style::new(10.0, Weight::Bold, Colour::Ink);
const ORIGIN: Style = Style::new(8.5, Weight::Regular, Colour::Grey);
/// A heading stays with so many lines of what follows.
const LINES_KEPT: f32 = 3.0;
/// How far the text of a list stands in.
const INDENT: f32 = 16.0;
/// The most letters of a heading in bookmarks and tags.
const LETTERS_MAX: usize = 200;

const fn heading_style(level: Level) -> Style {
    match level {
        Level::One => Style::new(14.5, Weight::Bold, Colour::Ink),
        Level::Two => Style::new(11.5, Weight::Bold, Colour::Ink),
        Level::Three => Style::new(10.5, Weight::Bold, Colour::Ink),
    }
}

/// Lays out the whole paper.
pub(super) fn lay_out(layout: &mut Layout, paper: &Paper) {
    layout.bookmark(1, paper.title());
    let title = layout.element(heading_tag(1, paper.title()), None);
    wrapped(layout, paper.title(), TITLE, 0.0, title);
    layout.space(2.0);
    paragraph(layout, &paper.byline(), BYLINE, 0.0, 8.0);
    for mark in paper.marks() {
        paragraph(layout, &format!("{}. {}", mark.word(), mark.sentence()), MARK, 0.0, 4.0);
    }
    layout.space(6.0);
    for block in paper.blocks() {
        match block {
            Block::Heading { level, text } => heading(layout, *level, text),
            Block::Text(text) => paragraphs(text).iter().for_each(|text| paragraph(layout, text, BODY, 0.0, 6.0)),
            Block::Answer { level, answer } => question(layout, *level, answer),
            Block::Table(found) => table::lay_out(layout, found),
            Block::List(items) => list(layout, items),
            Block::Facts(facts) => names(layout, facts),
            Block::PageBreak if layout.is_fresh() => {}
            Block::PageBreak => layout.turn(),
        }
    }
    let replaced = layout.faces().replaced;
    if replaced > 0 {
        layout.space(10.0);
        let words = match replaced {
            1 => "1 character that this typeface lacks is shown as \u{fffd}.".to_owned(),
            many => format!("{many} characters that this typeface lacks are shown as \u{fffd}."),
        };
        paragraph(layout, &words, ORIGIN, 0.0, 0.0);
    }
}

/// The title is the first level, so that sections are the second.
fn heading_tag(level: u16, text: &str) -> TagKind {
    let title = text.chars().take(LETTERS_MAX).collect();
    Tag::Hn(NonZeroU16::new(level).unwrap_or(NonZeroU16::MIN), Some(title)).into()
}

fn wrapped(layout: &mut Layout, text: &str, style: Style, indent: f32, element: Element) {
    let width = layout.width() - indent;
    let lines = layout.faces().lines(text, style.weight, style.size, width);
    layout.lines(MARGIN + indent, lines, style, element);
}

/// One paragraph, with some space after it.
pub(super) fn paragraph(layout: &mut Layout, text: &str, style: Style, indent: f32, after: f32) {
    if text.trim().is_empty() {
        return;
    }
    let element = layout.element(Tag::P, None);
    wrapped(layout, text, style, indent, element);
    layout.space(after);
}

fn heading(layout: &mut Layout, level: Level, text: &str) {
    let style = heading_style(level);
    layout.space(if level == Level::One { 16.0 } else { 10.0 });
    let width = layout.width();
    let lines = layout.faces().lines(text, style.weight, style.size, width);
    let high: f32 = lines.iter().map(|_| style.height()).sum();
    layout.room(high + LINES_KEPT * BODY.height());
    let short: String = text.chars().take(LETTERS_MAX).collect();
    layout.bookmark(level.number() + 1, &short);
    let element = layout.element(heading_tag(level.number() + 1, &short), None);
    layout.lines(MARGIN, lines, style, element);
    layout.space(if level == Level::One { 4.0 } else { 2.0 });
}

fn question(layout: &mut Layout, level: Level, answer: &Answer) {
    heading(layout, level, &answer.question);
    let (state, text) = answer.said.parts();
    if !state.is_empty() {
        let style = if answer.said.is_open() { MARK } else { ASIDE };
        paragraph(layout, state, style, 0.0, 1.0);
    }
    for text in paragraphs(text) {
        paragraph(layout, &text, BODY, 0.0, 4.0);
    }
    paragraph(layout, &answer.origin(), ORIGIN, 0.0, 4.0);
}

fn list(layout: &mut Layout, items: &[String]) {
    let list = layout.element(Tag::L(ListNumbering::Disc), None);
    for item in items {
        let entry = layout.element(Tag::LI, Some(list));
        let (label, body) = (layout.element(Tag::Lbl, Some(entry)), layout.element(Tag::LBody, Some(entry)));
        layout.room(BODY.height());
        layout.set(MARGIN + 4.0, "\u{2022}".to_owned(), BODY, Some(label));
        wrapped(layout, item.trim(), BODY, INDENT, body);
        layout.space(2.0);
    }
    layout.space(4.0);
}

/// Names with their values, as a list without bullets: a name is the label of its value. Values stand in a column when
/// there is room for the names beside it.
fn names(layout: &mut Layout, facts: &[(String, String)]) {
    let list = layout.element(Tag::L(ListNumbering::None), None);
    let named: Vec<String> = facts.iter().map(|(name, _)| format!("{}:", name.trim())).collect();
    let widest = named.iter().map(|name| layout.faces().width(name, NAME.weight, NAME.size)).fold(0.0, f32::max);
    let column = (widest + 12.0).min(layout.width() / 3.0);
    for (name, (_, value)) in named.iter().zip(facts) {
        let entry = layout.element(Tag::LI, Some(list));
        let (label, body) = (layout.element(Tag::Lbl, Some(entry)), layout.element(Tag::LBody, Some(entry)));
        let labels = layout.faces().lines(name, NAME.weight, NAME.size, column - 8.0);
        let high: f32 = labels.iter().map(|_| NAME.height()).sum();
        layout.room(high);
        let (page, top) = (layout.number(), layout.y);
        layout.lines(MARGIN, labels, NAME, label);
        let below = layout.y;
        layout.y = top;
        wrapped(layout, value.trim(), BODY, column, body);
        // Unless the value went on to another page, the next entry begins below both.
        if layout.number() == page {
            layout.y = layout.y.max(below);
        }
        layout.space(2.0);
    }
    layout.space(4.0);
}
