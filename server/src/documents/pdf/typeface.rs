//! The two faces: which characters they have, how wide a text is, where its lines break, and which glyphs draw it.

use std::collections::HashMap;
use std::ops::Range;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use rustybuzz::{Direction, UnicodeBuffer};
use unicode_bidi::BidiInfo;

/// What is shown in the place of a character that the typeface lacks.
const REPLACEMENT: char = '\u{fffd}';

/// How heavy the letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// Both faces.
pub(super) struct Faces {
    regular: Face,
    bold: Face,
    /// Characters that were replaced so far.
    pub(super) replaced: usize,
}

/// One face. Advances are in thousandths of the size of the letters, and kept once they were looked up.
struct Face {
    shaping: rustybuzz::Face<'static>,
    font: Font,
    advances: HashMap<char, Option<f32>>,
}

/// Part of a line in one direction: its glyphs in the order in which they are drawn.
pub(super) struct Run {
    pub(super) text: String,
    pub(super) glyphs: Vec<KrillaGlyph>,
    /// How far it reaches, as a share of the size of the letters.
    pub(super) advance: f32,
}

impl Faces {
    /// The faces that are compiled in.
    pub(super) fn load() -> Option<Self> {
        let (regular, bold) = (Face::load(dejavu::sans::regular())?, Face::load(dejavu::sans::bold())?);
        Some(Self { regular, bold, replaced: 0 })
    }

    const fn face(&self, weight: Weight) -> &Face {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    const fn face_mut(&mut self, weight: Weight) -> &mut Face {
        match weight {
            Weight::Regular => &mut self.regular,
            Weight::Bold => &mut self.bold,
        }
    }

    pub(super) fn font(&self, weight: Weight) -> Font {
        self.face(weight).font.clone()
    }

    /// A text with nothing in it that can't be drawn. Line breaks stay; other white space that the face lacks becomes a space;
    /// what nobody sees is left out.
    pub(super) fn clean(&mut self, text: &str, weight: Weight) -> String {
        let mut clean = String::with_capacity(text.len());
        for c in text.chars() {
            if c == '\n' || c == ' ' {
                clean.push(c);
            } else if unseen(c) {
                // Left out.
            } else if !private(c) && self.face_mut(weight).advance(c).is_some() {
                clean.push(c);
            } else if c.is_whitespace() {
                clean.push(' ');
            } else {
                self.replaced += 1;
                clean.push(REPLACEMENT);
            }
        }
        clean
    }

    /// How wide a clean text is, about: what shaping draws closer together is not taken off.
    pub(super) fn width(&mut self, text: &str, weight: Weight, size: f32) -> f32 {
        let face = self.face_mut(weight);
        text.chars().map(|c| face.advance(c).unwrap_or_default()).sum::<f32>() * size
    }

    /// The lines of a text, clean, no wider than `width`. Words are kept whole unless one is wider than a line. Every line but
    /// the last ends with a space, unless it ends within a word: so words stay apart for those who listen.
    pub(super) fn lines(&mut self, text: &str, weight: Weight, size: f32, width: f32) -> Vec<String> {
        let clean = self.clean(text, weight);
        let face = self.face_mut(weight);
        let mut lines = Vec::new();
        let mut rest = clean.split('\n').peekable();
        while let Some(line) = rest.next() {
            let mut breaker =
                Breaker { face: &mut *face, room: width / size, line: String::new(), reach: 0.0, lines: &mut lines };
            for word in line.split(' ').filter(|word| !word.is_empty()) {
                breaker.word(word);
            }
            let mut last = breaker.line;
            if rest.peek().is_some() && !last.is_empty() {
                last.push(' ');
            }
            lines.push(last);
        }
        lines
    }

    /// The runs of a clean line, from left to right.
    pub(super) fn shape(&self, line: &str, weight: Weight) -> Vec<Run> {
        let face = self.face(weight);
        // No letter before the Hebrew ones is written from right to left.
        if line.chars().all(|c| c < '\u{590}') {
            return vec![face.shape(line, Direction::LeftToRight)];
        }
        let directions = BidiInfo::new(line, None);
        let mut runs = Vec::new();
        for paragraph in &directions.paragraphs {
            let (levels, ranges) = directions.visual_runs(paragraph, paragraph.range.clone());
            for range in ranges {
                let leftward = levels.get(range.start).is_some_and(unicode_bidi::Level::is_rtl);
                let direction = if leftward { Direction::RightToLeft } else { Direction::LeftToRight };
                runs.extend(line.get(range).map(|text| face.shape(text, direction)));
            }
        }
        runs
    }
}

impl Face {
    fn load(octets: &'static [u8]) -> Option<Self> {
        let shaping = rustybuzz::Face::from_slice(octets, 0)?;
        Some(Self { shaping, font: Font::new(octets.into(), 0)?, advances: HashMap::new() })
    }

    fn units(&self) -> f32 {
        f32::from(u16::try_from(self.shaping.units_per_em()).unwrap_or(u16::MAX))
    }

    /// How far a character reaches, as a share of the size of the letters; none when the face lacks it.
    fn advance(&mut self, c: char) -> Option<f32> {
        if let Some(known) = self.advances.get(&c) {
            return *known;
        }
        let advance = self.shaping.glyph_index(c).filter(|glyph| glyph.0 != 0);
        let advance = advance.and_then(|glyph| self.shaping.glyph_hor_advance(glyph));
        let advance = advance.map(|units| f32::from(units) / self.units());
        self.advances.insert(c, advance);
        advance
    }

    fn shape(&self, text: &str, direction: Direction) -> Run {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        buffer.set_direction(direction);
        let shaped = rustybuzz::shape(&self.shaping, &[], buffer);
        let starts: Vec<usize> = shaped.glyph_infos().iter().map(|info| at(info.cluster)).collect();
        let mut ends: Vec<usize> = starts.clone();
        ends.push(text.len());
        ends.sort_unstable();
        let share = |units: i32| units as f32 / self.units();
        let glyphs: Vec<KrillaGlyph> = shaped
            .glyph_infos()
            .iter()
            .zip(shaped.glyph_positions())
            .zip(starts)
            .map(|((info, position), start)| {
                let range = cluster(start, &ends);
                KrillaGlyph::new(
                    GlyphId::new(info.glyph_id),
                    share(position.x_advance),
                    share(position.x_offset),
                    share(position.y_offset),
                    share(position.y_advance),
                    range,
                    None,
                )
            })
            .collect();
        let advance = shaped.glyph_positions().iter().map(|position| share(position.x_advance)).sum();
        Run { text: text.to_owned(), glyphs, advance }
    }
}

fn at(cluster: u32) -> usize {
    usize::try_from(cluster).unwrap_or(usize::MAX)
}

/// The letters that a glyph stands for: from where its cluster begins to where the next one does.
fn cluster(start: usize, ends: &[usize]) -> Range<usize> {
    let next = ends.partition_point(|end| *end <= start);
    start..ends.get(next).copied().unwrap_or(start)
}

/// One line being filled.
struct Breaker<'a> {
    face: &'a mut Face,
    /// As a share of the size of the letters.
    room: f32,
    line: String,
    reach: f32,
    lines: &'a mut Vec<String>,
}

impl Breaker<'_> {
    fn word(&mut self, word: &str) {
        let wide: f32 = word.chars().map(|c| self.face.advance(c).unwrap_or_default()).sum();
        let space = self.face.advance(' ').unwrap_or_default();
        if !self.line.is_empty() {
            if self.reach + space + wide <= self.room {
                self.line.push(' ');
                self.line.push_str(word);
                self.reach += space + wide;
                return;
            }
            self.line.push(' ');
            self.next();
        }
        if wide <= self.room {
            self.line.push_str(word);
            self.reach = wide;
        } else {
            self.break_up(word);
        }
    }

    /// A word that is wider than a line. Marks stay with the letter that they belong to.
    fn break_up(&mut self, word: &str) {
        for c in word.chars() {
            let wide = self.face.advance(c).unwrap_or_default();
            if self.reach + wide > self.room && wide > 0.0 && !self.line.is_empty() {
                self.next();
            }
            self.line.push(c);
            self.reach += wide;
        }
    }

    fn next(&mut self) {
        self.lines.push(std::mem::take(&mut self.line));
        self.reach = 0.0;
    }
}

/// Whether nobody sees a character, or it turns the text around it: not drawn. Joiners only choose between shapes.
const fn unseen(c: char) -> bool {
    matches!(c,
        '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether what a character means is agreed privately, or it is none: an archive could not tell its meaning.
const fn private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..)
        || (c as u32) & 0xfffe == 0xfffe
        || matches!(c, '\u{fdd0}'..='\u{fdef}')
}
