//! Pages with their structure, written as a file that says of itself what it is, and is checked for it.

use chrono::{Datelike as _, Timelike as _};
use domain::values::Moment;
use krilla::color::rgb;
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect, Transform};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, Identifier, SpanTag, TagGroup, TagTree};
use krilla::{Document, SerializeSettings};

use super::PdfError;
use super::layout::{Bookmark, Colour, Element, MARGIN, Pages, Piece, Structure, Style};
use super::typeface::{Faces, Weight};
use crate::documents::paper::{Paper, UNTITLED};

/// What stands on every page.
const RUNNING: Style = Style::new(8.5, Weight::Regular, Colour::Grey);
const RUNNING_MARK: Style = Style::new(10.5, Weight::Bold, Colour::Alarm);
/// The size of the word across the page.
const ACROSS: f32 = 92.0;
/// The longest title in a footer, in letters.
const FOOTER_TITLE_MAX: usize = 60;

impl Colour {
    fn rgb(self) -> rgb::Color {
        match self {
            Self::Ink => rgb::Color::new(11, 12, 12),
            Self::Grey => rgb::Color::new(80, 90, 95),
            Self::Alarm => rgb::Color::new(148, 37, 20),
        }
    }
}

fn fill(colour: rgb::Color) -> Option<Fill> {
    Some(Fill { paint: colour.into(), opacity: NormalizedF32::ONE, rule: krilla::paint::FillRule::default() })
}

/// Writes the pages.
pub(super) fn write(paper: &Paper, pages: Pages) -> Result<Vec<u8>, PdfError> {
    let refused = |what: &dyn std::fmt::Debug| PdfError::Refused(format!("{what:?}").chars().take(500).collect());
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| refused(&error))?;
    let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    let Pages { mut faces, width, height, pages, structure, bookmarks } = pages;
    let every = EveryPage::new(paper, &mut faces, pages.len());
    let mut content: Vec<Vec<Identifier>> = structure.iter().map(|_| Vec::new()).collect();
    for (number, pieces) in pages.into_iter().enumerate() {
        let settings = PageSettings::from_wh(width, height).ok_or_else(|| refused(&"the size of the page"))?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        every.draw(&mut surface, &mut faces, number, (width, height));
        draw(&mut surface, &faces, pieces, &mut content);
        surface.finish();
        page.finish();
    }
    document.set_tag_tree(tree(paper.language(), structure, content));
    document.set_outline(outline(bookmarks));
    document.set_metadata(metadata(paper, &mut faces));
    document.finish().map_err(|error| refused(&error))
}

fn metadata(paper: &Paper, faces: &mut Faces) -> Metadata {
    let title = faces.clean(paper.title(), Weight::Bold);
    // A title of nothing but unseen characters has no words either.
    let title = if title.trim().is_empty() { UNTITLED.to_owned() } else { title };
    Metadata::new()
        .title(title)
        .language(paper.language().to_owned())
        .authors(vec![faces.clean(paper.organisation(), Weight::Bold)])
        .creator("Tocsin".to_owned())
        .producer("Tocsin".to_owned())
        .creation_date(date(paper.made_at()))
}

fn date(at: Moment) -> DateTime {
    let at = at.to_chrono();
    let small = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
    DateTime::new(u16::try_from(at.year()).unwrap_or(u16::MAX))
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(0)
}

/// What every page says: its number and the document's name, and the marks.
struct EveryPage {
    marks: String,
    across: String,
    title: String,
    pages: usize,
}

impl EveryPage {
    fn new(paper: &Paper, faces: &mut Faces, pages: usize) -> Self {
        let mut title: String = paper.title().chars().take(FOOTER_TITLE_MAX).collect();
        if title.len() < paper.title().len() {
            title.push('\u{2026}');
        }
        Self {
            marks: paper.mark_words(),
            across: paper.marks().first().map(|mark| mark.word().to_owned()).unwrap_or_default(),
            title: faces.clean(&title, RUNNING.weight),
            pages,
        }
    }

    fn draw(&self, surface: &mut Surface<'_>, faces: &mut Faces, number: usize, (width, height): (f32, f32)) {
        if !self.across.is_empty() {
            artifact(surface, ArtifactType::Watermark);
            let reach = faces.width(&self.across, Weight::Bold, ACROSS);
            surface.push_transform(&Transform::from_rotate_at(-52.0, width / 2.0, height / 2.0));
            let start = Point::from_xy((width - reach) / 2.0, height / 2.0 + ACROSS / 3.0);
            text(surface, faces, start, &self.across, Weight::Bold, ACROSS, rgb::Color::new(236, 238, 239));
            surface.pop();
            surface.end_tagged();
            artifact(surface, ArtifactType::Header);
            let reach = faces.width(&self.marks, RUNNING_MARK.weight, RUNNING_MARK.size);
            styled(surface, faces, Point::from_xy((width - reach) / 2.0, MARGIN), &self.marks, RUNNING_MARK);
            surface.end_tagged();
        }
        artifact(surface, ArtifactType::Footer);
        let baseline = height - MARGIN + 8.0;
        styled(surface, faces, Point::from_xy(MARGIN, baseline), &self.title, RUNNING);
        let words = format!("Page {} of {}", number.saturating_add(1), self.pages);
        let reach = faces.width(&words, RUNNING.weight, RUNNING.size);
        styled(surface, faces, Point::from_xy(width - MARGIN - reach, baseline), &words, RUNNING);
        surface.end_tagged();
    }
}

fn artifact(surface: &mut Surface<'_>, kind: ArtifactType) {
    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(kind)));
}

fn styled(surface: &mut Surface<'_>, faces: &Faces, start: Point, line: &str, style: Style) {
    text(surface, faces, start, line, style.weight, style.size, style.colour.rgb());
}

fn text(
    surface: &mut Surface<'_>,
    faces: &Faces,
    start: Point,
    line: &str,
    weight: Weight,
    size: f32,
    colour: rgb::Color,
) {
    surface.set_fill(fill(colour));
    let mut x = start.x;
    for run in faces.shape(line, weight) {
        surface.draw_glyphs(Point::from_xy(x, start.y), &run.glyphs, faces.font(weight), &run.text, size, false);
        x += run.advance * size;
    }
}

/// Draws what a page holds, each line as a piece of content of its own (ISO 32000-1, 14.8.4.4: a span is a line at most).
fn draw(surface: &mut Surface<'_>, faces: &Faces, pieces: Vec<Piece>, content: &mut [Vec<Identifier>]) {
    for piece in pieces {
        match piece {
            Piece::Line { x, baseline, text, style, element } => {
                let tag = match element {
                    Some(_) => ContentTag::Span(SpanTag::empty()),
                    None => ContentTag::Artifact(Artifact::with_kind(ArtifactType::PaginationOther)),
                };
                let identifier = surface.start_tagged(tag);
                styled(surface, faces, Point::from_xy(x, baseline), &text, style);
                surface.end_tagged();
                if let Some(spoken) = element.and_then(|Element(number)| content.get_mut(number)) {
                    spoken.push(identifier);
                }
            }
            Piece::Rule { x, y, width } => rule(surface, x, y, width),
        }
    }
}

fn rule(surface: &mut Surface<'_>, x: f32, y: f32, width: f32) {
    artifact(surface, ArtifactType::Layout);
    let mut builder = PathBuilder::new();
    if let Some(rect) = Rect::from_xywh(x, y, width, 0.5) {
        builder.push_rect(rect);
    }
    if let Some(path) = builder.finish() {
        surface.set_fill(fill(rgb::Color::new(177, 180, 182)));
        surface.draw_path(&path);
    }
    surface.end_tagged();
}

/// The structure as a tree. An element comes after the one that it is in, so the last ones are complete first.
fn tree(language: &str, structure: Vec<Structure>, content: Vec<Vec<Identifier>>) -> TagTree {
    let mut within: Vec<Vec<TagGroup>> = structure.iter().map(|_| Vec::new()).collect();
    let mut top = Vec::new();
    for (number, (element, pieces)) in structure.into_iter().zip(content).enumerate().rev() {
        let mut group = TagGroup::new(element.tag);
        pieces.into_iter().for_each(|piece| group.push(piece));
        // They were put there last first.
        let children = within.get_mut(number).map(std::mem::take).unwrap_or_default();
        children.into_iter().rev().for_each(|child| group.push(child));
        match element.parent.and_then(|Element(parent)| within.get_mut(parent)) {
            Some(siblings) => siblings.push(group),
            None => top.push(group),
        }
    }
    let mut tree = TagTree::new().with_lang(Some(language.to_owned()));
    top.into_iter().rev().for_each(|group| tree.push(group));
    tree
}

fn outline(bookmarks: Vec<Bookmark>) -> Outline {
    let mut outline = Outline::new();
    let mut bookmarks = bookmarks.into_iter().peekable();
    // The title is a bookmark beside those of the sections, not above them.
    if let Some(title) = bookmarks.next() {
        outline.push_child(node(&title));
    }
    while let Some(bookmark) = bookmarks.next() {
        outline.push_child(with_parts(&bookmark, &mut bookmarks));
    }
    outline
}

/// A bookmark with those below it that are deeper.
fn with_parts(bookmark: &Bookmark, rest: &mut std::iter::Peekable<std::vec::IntoIter<Bookmark>>) -> OutlineNode {
    let mut node = node(bookmark);
    while let Some(part) = rest.next_if(|next| next.depth > bookmark.depth) {
        node.push_child(with_parts(&part, rest));
    }
    node
}

fn node(bookmark: &Bookmark) -> OutlineNode {
    let place = XyzDestination::new(bookmark.page, Point::from_xy(MARGIN, bookmark.y));
    OutlineNode::new(bookmark.text.clone(), place)
}
