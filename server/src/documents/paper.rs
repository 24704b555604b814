//! A document as it is printed, whatever file it becomes: title, marks, headings, questions with their answers, tables,
//! lists. Plain text only; nothing that somebody typed is ever read as markup.
//!
//! It is built from top to bottom. Levels of headings never skip one, because a reader with a screen reader walks by them.

#[cfg(test)]
pub(in crate::documents) mod tests;

use chrono_tz::Tz;
use domain::values::Moment;

/// The most octets of all texts together, in UTF-8.
pub const OCTETS_MAX: usize = 2_000_000;
/// The most blocks.
pub const BLOCKS_MAX: usize = 20_000;
/// The most columns of a table.
pub const COLUMNS_MAX: usize = 12;
/// The most rows of all tables together.
pub const ROWS_MAX: usize = 10_000;
/// The most characters of a title, or of the name of an organisation.
pub const TITLE_MAX: usize = 500;
/// What stands for a title without words.
pub(super) const UNTITLED: &str = "Untitled";
/// Rows that are looked at to find how wide columns have to be.
const ROWS_MEASURED: usize = 200;
/// A column counts as at least, and at most, so many characters wide.
const COLUMN_CHARACTERS: (usize, usize) = (6, 40);

/// It is more than a document may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a document may hold at most {max} {what}")]
pub struct TooLarge {
    /// Of what.
    pub what: &'static str,
    /// How many.
    pub max: usize,
}

/// How the sheet lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Orientation {
    /// Upright.
    #[default]
    Portrait,
    /// Wide: for tables of many columns.
    Landscape,
}

/// What every page says about the whole document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// About a drill.
    Exercise,
    /// Nobody has signed it off.
    Draft,
    /// Figures of many together, none of anybody.
    Aggregate,
}

impl Mark {
    /// The word on every page.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Exercise => "EXERCISE",
            Self::Draft => "DRAFT",
            Self::Aggregate => "AGGREGATE",
        }
    }

    /// The sentence below the title.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Exercise => "This is an exercise. Nothing in this document has happened.",
            Self::Draft => "This is a draft. Nobody has signed it off.",
            Self::Aggregate => "Figures of several incidents together. Small ones are left out.",
        }
    }
}

/// How deep a heading is: a section, a part of it, a part of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A section.
    One,
    /// Part of a section.
    Two,
    /// Part of a part.
    Three,
}

impl Level {
    /// As a number from 1.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
        }
    }

    const fn deeper(self) -> Self {
        match self {
            Self::One => Self::Two,
            Self::Two | Self::Three => Self::Three,
        }
    }
}

/// What is said to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// An answer.
    Given(String),
    /// An answer that says that it is not known yet.
    NotYetKnown(String),
    /// None: why, and what to do.
    Missing(String),
    /// The question does not apply: why.
    DoesNotApply(String),
}

impl Said {
    /// Whether somebody still has to find an answer.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self {
            Self::NotYetKnown(_) | Self::Missing(_) => true,
            Self::Given(_) | Self::DoesNotApply(_) => false,
        }
    }

    /// What stands before the text, and the text.
    #[must_use]
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Given(text) if text.trim().is_empty() => ("Left empty.", ""),
            Self::Given(text) => ("", text),
            Self::NotYetKnown(text) => ("Still to be found out.", text),
            Self::Missing(text) => ("Missing.", text),
            Self::DoesNotApply(text) => ("Does not apply.", text),
        }
    }
}

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// As the form asks it.
    pub question: String,
    /// The article that asks for it, in words.
    pub article: Option<String>,
    /// What is said to it.
    pub said: Said,
    /// Where that comes from; may be empty.
    pub from: String,
}

impl Answer {
    /// "From: what happened (Article 33(3)(a))"; empty without either.
    #[must_use]
    pub fn origin(&self) -> String {
        match (&self.article, self.from.is_empty()) {
            (None, true) => String::new(),
            (None, false) => format!("From: {}", self.from),
            (Some(article), true) => article.clone(),
            (Some(article), false) => format!("From: {} ({article})", self.from),
        }
    }
}

/// A table. Every row has as many cells as there are headings: what is more is left out, what is less is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What it shows: its caption, and what a screen reader says first.
    pub caption: String,
    /// The headings of its columns.
    pub headings: Vec<String>,
    /// Whether the first cell of a row names the row.
    pub names_rows: bool,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// How wide each column is beside the others: by the longest line among its first rows, within bounds.
    #[must_use]
    pub fn shares(&self) -> Vec<u16> {
        let (least, most) = COLUMN_CHARACTERS;
        let longest = |text: &str| text.lines().map(|line| line.chars().take(most).count()).max().unwrap_or(0);
        let share = |(column, heading): (usize, &String)| {
            let cells = self.rows.iter().take(ROWS_MEASURED).filter_map(|row| row.get(column));
            let characters = cells.map(|cell| longest(cell)).max().unwrap_or(0).max(longest(heading));
            u16::try_from(characters.clamp(least, most)).unwrap_or(u16::MAX)
        };
        self.headings.iter().enumerate().map(share).collect()
    }

    fn octets(&self) -> usize {
        let cells = self.headings.iter().chain(self.rows.iter().flatten());
        cells.map(String::len).fold(self.caption.len(), usize::saturating_add)
    }
}

/// One block of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A heading.
    Heading {
        /// How deep.
        level: Level,
        /// Its words.
        text: String,
    },
    /// Text: a blank line begins a paragraph, other line breaks stay.
    Text(String),
    /// A question with its answer.
    Answer {
        /// How deep the question is as a heading.
        level: Level,
        /// Both.
        answer: Answer,
    },
    /// A table.
    Table(Table),
    /// A list with bullets.
    List(Vec<String>),
    /// Names with their values.
    Facts(Vec<(String, String)>),
    /// What follows begins on a page of its own.
    PageBreak,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    title: String,
    organisation: String,
    made_at: Moment,
    zone: Tz,
    language: &'static str,
    orientation: Orientation,
    marks: Vec<Mark>,
    blocks: Vec<Block>,
    heading: Option<Level>,
    octets: usize,
    rows: usize,
    columns: usize,
}

impl Paper {
    /// An empty one in English, made at an instant, for people in a zone.
    #[must_use]
    pub fn new(title: &str, organisation: &str, made_at: Moment, zone: Tz) -> Self {
        Self {
            title: titled(title),
            organisation: one_line(organisation),
            made_at,
            zone,
            language: "en-GB",
            orientation: Orientation::Portrait,
            marks: Vec::new(),
            blocks: Vec::new(),
            heading: None,
            octets: 0,
            rows: 0,
            columns: 0,
        }
    }

    /// Marks every page; the same mark only once.
    #[must_use]
    pub fn mark(mut self, mark: Mark) -> Self {
        if !self.marks.contains(&mark) {
            self.marks.push(mark);
        }
        self
    }

    /// Lays the sheet down.
    #[must_use]
    pub fn orientation(self, orientation: Orientation) -> Self {
        Self { orientation, ..self }
    }

    /// A heading, at most one level deeper than the one before.
    pub fn heading(&mut self, level: Level, text: impl Into<String>) {
        let level = self.level(level);
        self.heading = Some(level);
        let text = titled(&text.into());
        self.push(text.len(), Block::Heading { level, text });
    }

    /// Paragraphs.
    pub fn text(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.push(text.len(), Block::Text(text));
    }

    /// A question with its answer, one level deeper than the section that it is in.
    pub fn answer(&mut self, answer: Answer) {
        let level = self.heading.map_or(Level::One, Level::deeper);
        let answer = Answer { question: titled(&answer.question), ..answer };
        let (_, text) = answer.said.parts();
        let size = answer.question.len().saturating_add(text.len()).saturating_add(answer.from.len());
        self.push(size, Block::Answer { level, answer });
    }

    /// A table; nothing without columns.
    pub fn table(&mut self, table: Table) {
        if !table.headings.is_empty() {
            self.columns = self.columns.max(table.headings.len());
            self.rows = self.rows.saturating_add(table.rows.len());
            self.push(table.octets(), Block::Table(table));
        }
    }

    /// A list; nothing without items.
    pub fn list(&mut self, items: Vec<String>) {
        if !items.is_empty() {
            self.push(items.iter().map(String::len).sum(), Block::List(items));
        }
    }

    /// Names with their values; nothing without any.
    pub fn facts(&mut self, facts: Vec<(String, String)>) {
        if !facts.is_empty() {
            self.push(facts.iter().map(|(name, value)| name.len() + value.len()).sum(), Block::Facts(facts));
        }
    }

    /// What follows begins on a page of its own.
    pub fn page_break(&mut self) {
        self.push(0, Block::PageBreak);
    }

    fn level(&self, wanted: Level) -> Level {
        wanted.min(self.heading.map_or(Level::One, Level::deeper))
    }

    fn push(&mut self, size: usize, block: Block) {
        self.octets = self.octets.saturating_add(size);
        self.blocks.push(block);
    }

    /// Whether it is within the limits of a document. Every writer asks first.
    ///
    /// # Errors
    /// [`TooLarge`] names the limit.
    pub fn fits(&self) -> Result<(), TooLarge> {
        let limits = [
            (self.title.chars().count().max(self.organisation.chars().count()), TITLE_MAX, "characters in its title"),
            (self.blocks.len(), BLOCKS_MAX, "blocks"),
            (self.columns, COLUMNS_MAX, "columns in a table"),
            (self.rows, ROWS_MAX, "rows"),
            (self.octets, OCTETS_MAX, "octets of text"),
        ];
        match limits.into_iter().find(|(have, max, _)| have > max) {
            Some((_, max, what)) => Err(TooLarge { what, max }),
            None => Ok(()),
        }
    }

    /// Its title.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Whose it is.
    #[must_use]
    pub fn organisation(&self) -> &str {
        &self.organisation
    }

    /// When it was made.
    #[must_use]
    pub const fn made_at(&self) -> Moment {
        self.made_at
    }

    /// "Example Council. Made at 02:10 on Sunday 1 March 2026 (GMT)."
    #[must_use]
    pub fn byline(&self) -> String {
        format!("{}. Made at {}.", self.organisation, moment(self.made_at, self.zone))
    }

    /// Its language, by BCP 47.
    #[must_use]
    pub const fn language(&self) -> &'static str {
        self.language
    }

    /// How the sheet lies.
    #[must_use]
    pub const fn lies(&self) -> Orientation {
        self.orientation
    }

    /// Its marks.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// The words of its marks, for every page: "EXERCISE, DRAFT"; empty without any.
    #[must_use]
    pub fn mark_words(&self) -> String {
        self.marks.iter().map(|mark| mark.word()).collect::<Vec<_>>().join(", ")
    }

    /// Its blocks.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }
}

/// An instant in the words of pages and documents: "02:10 on Sunday 1 March 2026 (GMT)".
#[must_use]
pub fn moment(at: Moment, zone: Tz) -> String {
    at.to_chrono().with_timezone(&zone).format("%H:%M on %A %-d %B %Y (%Z)").to_string()
}

/// The paragraphs of a text, which blank lines part; line breaks within them are `\n`. A text without words has none.
pub(super) fn paragraphs(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut open = false;
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}', '\u{85}'], "\n");
    for line in text.split('\n').map(str::trim_end) {
        match (line.is_empty(), found.last_mut()) {
            (true, _) => open = false,
            (false, Some(last)) if open => {
                last.push('\n');
                last.push_str(line);
            }
            (false, _) => {
                found.push(line.to_owned());
                open = true;
            }
        }
    }
    found
}

/// What is read out as a title: one without words would be no way to find anything, and PDF/UA refuses it.
fn titled(text: &str) -> String {
    let title = one_line(text);
    if title.is_empty() { UNTITLED.to_owned() } else { title }
}

/// White space and line breaks become single spaces.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
