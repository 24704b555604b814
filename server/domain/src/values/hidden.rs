//! Characters that mislead a reader: they are not seen, or turn the text around them so that it reads otherwise than it is
//! (Unicode Technical Report 36, section 2.7). The joiners U+200C and U+200D stay: scripts and emoji need them.

/// What stands in the place of a character that was taken out.
const REPLACEMENT: char = '\u{fffd}';

/// Whether a character turns the text after it around: embeddings, overrides and isolates (Unicode Annex 9).
#[must_use]
pub const fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character is not seen, or turns the text after it around: nothing that a name or a line needs.
#[must_use]
pub const fn is_hidden(c: char) -> bool {
    turns(c)
        || matches!(
            c,
            // Soft hyphen, grapheme joiner, Arabic letter mark, fillers, Mongolian vowel separator.
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}' | '\u{ffa0}'
            // Zero-width space, left-to-right and right-to-left mark, line and paragraph separator.
            | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
            // Word joiner, invisible operators, deprecated format characters.
            | '\u{2060}'..='\u{206f}'
            // Byte order mark, interlinear annotations, tags.
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// Whether a character leaves something on the page by itself.
pub(super) fn is_seen(c: char) -> bool {
    !(c.is_whitespace() || is_hidden(c) || matches!(c, '\u{200c}' | '\u{200d}'))
}

/// A longer text that was signed elsewhere, as it can be shown: U+FFFD stands where something would turn it around.
#[must_use]
pub fn text_shown(text: &str) -> String {
    replaced(text, turns)
}

/// A name or a line that was signed elsewhere, as it can be shown: U+FFFD stands for whatever is not seen.
#[must_use]
pub fn line_shown(text: &str) -> String {
    replaced(text, is_hidden)
}

pub(super) fn replaced(text: &str, refused: impl Fn(char) -> bool) -> String {
    text.chars().map(|c| if refused(c) { REPLACEMENT } else { c }).collect()
}
