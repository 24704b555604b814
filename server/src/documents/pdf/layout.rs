//! Pages being filled from top to bottom: lines of text at their places, each with the element of the structure that it
//! belongs to. Nothing of PDF yet, but for the kinds of elements.

use krilla::tagging::TagKind;

use super::PdfError;
use super::typeface::{Faces, Weight};
use crate::documents::paper::{Orientation, TooLarge};

/// The most pages.
pub(super) const PAGES_MAX: usize = 2_000;
/// A4, in points.
const SHORT: f32 = 595.28;
const LONG: f32 = 841.89;
/// Margins, in points.
pub(super) const MARGIN: f32 = 56.0;
/// Room for what stands on every page, within the margins: marks above, number below.
const RUNNING: f32 = 18.0;
/// The height of a line beside the size of its letters.
pub(super) const LINE: f32 = 1.38;

/// Colours, dark enough on white for everybody (WCAG 2.2, 1.4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    Ink,
    Grey,
    Alarm,
}

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    pub(super) size: f32,
    pub(super) weight: Weight,
    pub(super) colour: Colour,
}

impl Style {
    pub(super) const fn new(size: f32, weight: Weight, colour: Colour) -> Self {
        Self { size, weight, colour }
    }

    pub(super) fn height(self) -> f32 {
        self.size * LINE
    }
}

/// An element of the structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element(pub(super) usize);

/// What an element is, and what it is in. Elements of the page's own order have no parent.
pub(super) struct Structure {
    pub(super) tag: TagKind,
    pub(super) parent: Option<Element>,
}

/// One thing on a page.
pub(super) enum Piece {
    /// A line of text; part of no element when it only repeats what was said before.
    Line { x: f32, baseline: f32, text: String, style: Style, element: Option<Element> },
    /// A rule.
    Rule { x: f32, y: f32, width: f32 },
}

/// A bookmark: how deep, its words, its page and its height there.
pub(super) struct Bookmark {
    pub(super) depth: u16,
    pub(super) text: String,
    pub(super) page: usize,
    pub(super) y: f32,
}

/// Pages that are full.
pub(super) struct Pages {
    pub(super) faces: Faces,
    pub(super) width: f32,
    pub(super) height: f32,
    pub(super) pages: Vec<Vec<Piece>>,
    pub(super) structure: Vec<Structure>,
    pub(super) bookmarks: Vec<Bookmark>,
}

/// Pages being filled.
pub(super) struct Layout {
    done: Pages,
    page: Vec<Piece>,
    /// How far down the page is full.
    pub(super) y: f32,
    too_long: bool,
}

impl Layout {
    pub(super) const fn new(faces: Faces, lies: Orientation) -> Self {
        let (width, height) = match lies {
            Orientation::Portrait => (SHORT, LONG),
            Orientation::Landscape => (LONG, SHORT),
        };
        let done = Pages { faces, width, height, pages: Vec::new(), structure: Vec::new(), bookmarks: Vec::new() };
        Self { done, page: Vec::new(), y: MARGIN + RUNNING, too_long: false }
    }

    pub(super) const fn faces(&mut self) -> &mut Faces {
        &mut self.done.faces
    }

    /// The width between the margins.
    pub(super) const fn width(&self) -> f32 {
        self.done.width - 2.0 * MARGIN
    }

    const fn top() -> f32 {
        MARGIN + RUNNING
    }

    /// Which page it is, the first one 0.
    pub(super) const fn number(&self) -> usize {
        self.done.pages.len()
    }

    /// Does what shows again what was shown: characters that the typeface lacks count once.
    pub(super) fn again<T>(&mut self, show: impl FnOnce(&mut Self) -> T) -> T {
        let replaced = self.done.faces.replaced;
        let shown = show(self);
        self.done.faces.replaced = replaced;
        shown
    }

    /// How much is left of the page.
    pub(super) const fn left(&self) -> f32 {
        self.done.height - MARGIN - RUNNING - self.y
    }

    /// How much a whole page holds.
    pub(super) const fn whole(&self) -> f32 {
        self.done.height - MARGIN - RUNNING - Self::top()
    }

    /// Whether nothing stands on the page yet.
    pub(super) const fn is_fresh(&self) -> bool {
        self.page.is_empty()
    }

    /// Goes on to the next page.
    pub(super) fn turn(&mut self) {
        if self.done.pages.len() + 1 >= PAGES_MAX {
            // What follows is laid over the last page, which is never written.
            self.too_long = true;
            self.page.clear();
        } else {
            self.done.pages.push(std::mem::take(&mut self.page));
        }
        self.y = Self::top();
    }

    /// Goes on to the next page unless so much is left of this one.
    pub(super) fn room(&mut self, height: f32) {
        if height > self.left() && !self.is_fresh() {
            self.turn();
        }
    }

    /// Leaves so much free, but not at the top of a page.
    pub(super) const fn space(&mut self, height: f32) {
        if !self.is_fresh() {
            self.y += height;
        }
    }

    /// A new element of the structure.
    pub(super) fn element(&mut self, tag: impl Into<TagKind>, parent: Option<Element>) -> Element {
        self.done.structure.push(Structure { tag: tag.into(), parent });
        Element(self.done.structure.len() - 1)
    }

    /// A bookmark to here.
    pub(super) fn bookmark(&mut self, depth: u16, text: &str) {
        let (page, y) = (self.number(), self.y);
        let text = self.again(|layout| layout.done.faces.clean(text, Weight::Bold));
        self.done.bookmarks.push(Bookmark { depth, text, page, y });
    }

    /// One line at `x`, whose top is where the page is full; that is not moved.
    pub(super) fn set(&mut self, x: f32, text: String, style: Style, element: Option<Element>) {
        let baseline = self.y + style.size * 1.05;
        if !text.is_empty() {
            self.page.push(Piece::Line { x, baseline, text, style, element });
        }
    }

    /// Lines below each other, over as many pages as they need.
    pub(super) fn lines(&mut self, x: f32, lines: Vec<String>, style: Style, element: Element) {
        for line in lines {
            self.room(style.height());
            self.set(x, line, style, Some(element));
            self.y += style.height();
        }
    }

    /// A rule here.
    pub(super) fn rule(&mut self, x: f32, width: f32) {
        self.page.push(Piece::Rule { x, y: self.y, width });
    }

    /// The pages.
    pub(super) fn finish(mut self) -> Result<Pages, PdfError> {
        if self.too_long {
            return Err(TooLarge { what: "pages", max: PAGES_MAX }.into());
        }
        self.done.pages.push(self.page);
        Ok(self.done)
    }
}
