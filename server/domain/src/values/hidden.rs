//! Characters that mislead a reader: they are not seen, or turn the text around them so that it reads otherwise than it is
//! (Unicode Technical Report 36, section 2.7). The joiners U+200C and U+200D stay: scripts and emoji need them.

/// What stands in the place of a character that was taken out.
const REPLACEMENT: char = '\u{fffd}';
/// The flags of England, Scotland and Wales: a black flag, tags that nobody sees, and the tag that ends them. All that are
/// recommended for general interchange (Unicode Technical Standard 51, annex C); other tags would hide words.
const FLAGS: [&str; 3] = [
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

/// Whether a character turns the text after it around: embeddings, overrides and isolates (Unicode Annex 9).
#[must_use]
pub const fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character is not seen, or turns the text after it around: nothing that a name or a line needs by itself.
const fn is_hidden(c: char) -> bool {
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
fn is_seen(c: char) -> bool {
    !(c.is_whitespace() || is_hidden(c) || matches!(c, '\u{200c}' | '\u{200d}'))
}

/// Whether a text leaves nothing on the page.
#[must_use]
pub fn shows_nothing(text: &str) -> bool {
    !text.chars().any(is_seen)
}

/// Whether something in a longer text turns it around.
#[must_use]
pub fn text_misleads(text: &str) -> bool {
    text.chars().any(turns)
}

/// Whether anything in a name or a line is not seen, or turns it around.
#[must_use]
pub fn line_misleads(text: &str) -> bool {
    pieces(text).any(|piece| !is_flag(piece) && piece.chars().any(is_hidden))
}

/// A longer text that was signed elsewhere, as it can be shown: U+FFFD stands where something would turn it around.
#[must_use]
pub fn text_shown(text: &str) -> String {
    text.chars().map(|c| if turns(c) { REPLACEMENT } else { c }).collect()
}

/// A name or a line that was signed elsewhere, as it can be shown: U+FFFD stands for whatever is not seen.
#[must_use]
pub fn line_shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for piece in pieces(text) {
        if is_flag(piece) {
            shown.push_str(piece);
        } else {
            shown.extend(piece.chars().map(|c| if is_hidden(c) { REPLACEMENT } else { c }));
        }
    }
    shown
}

fn is_flag(piece: &str) -> bool {
    FLAGS.contains(&piece)
}

/// A text in pieces that are seen as one: a flag with its tags, or else a single character.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?.len_utf8();
        let length = FLAGS.iter().find(|flag| rest.starts_with(**flag)).map_or(first, |flag| flag.len());
        let (piece, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(piece)
    })
}
