//! Lines of a calendar: unfolded, with name, parameters and value (RFC 5545, section 3.1).

use super::{Fault, fault};

/// Lines in one calendar.
const LINES_MAX: usize = 20_000;
/// Parameters of one line.
const PARAMETERS_MAX: usize = 16;
/// The longest title that is kept, in characters.
const TITLE_CHARACTERS: usize = 200;

/// One line, as it was before it was folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Where it begins; the first is 1.
    pub(super) number: u32,
    /// In capitals.
    pub(super) name: String,
    /// Names in capitals.
    pub(super) parameters: Vec<(String, String)>,
    pub(super) value: String,
}

impl Line {
    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        self.name == name && self.value.eq_ignore_ascii_case(value)
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The mail address of an attendee.
    pub(super) fn mailbox(&self) -> Option<String> {
        let given = self.parameter("EMAIL").unwrap_or(&self.value).trim();
        let scheme = given.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
        let address = scheme.and_then(|_| given.get(7..)).unwrap_or(given).trim();
        (!address.is_empty()).then(|| address.to_lowercase())
    }

    /// A text, without its escapes.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut characters = self.value.chars();
        while let Some(character) = characters.next() {
            text.push(match character {
                '\\' => match characters.next() {
                    Some('n' | 'N') => ' ',
                    Some(other) => other,
                    None => break,
                },
                other if other.is_control() => ' ',
                other => other,
            });
        }
        text.trim().chars().take(TITLE_CHARACTERS).collect()
    }
}

/// The lines of a text. A line that begins with a blank goes on with the one before.
pub(super) fn unfold(text: &str) -> Result<Vec<Line>, Fault> {
    let mut folded: Vec<(u32, String)> = Vec::new();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if let (Some(rest), Some((_, last))) = (line.strip_prefix([' ', '\t']), folded.last_mut()) {
            last.push_str(rest);
        } else if !line.trim().is_empty() {
            folded.push((number, line.to_owned()));
        }
        if folded.len() > LINES_MAX {
            return Err(fault(number, "the calendar has more than 20,000 lines"));
        }
    }
    folded.into_iter().map(|(number, line)| read(number, &line)).collect()
}

fn read(number: u32, line: &str) -> Result<Line, Fault> {
    let broken = || fault(number, "this is not a line of a calendar");
    let mut quoted = false;
    let colon = line.char_indices().find(|(_, character)| {
        quoted ^= *character == '"';
        *character == ':' && !quoted
    });
    let (head, value) = line.split_at(colon.ok_or_else(broken)?.0);
    let mut parts = split(head);
    let name = parts.next().filter(|name| is_name(name)).ok_or_else(broken)?.to_ascii_uppercase();
    let mut parameters = Vec::new();
    for part in parts {
        let (name, value) = part.split_once('=').ok_or_else(broken)?;
        if parameters.len() >= PARAMETERS_MAX {
            return Err(broken());
        }
        parameters.push((name.to_ascii_uppercase(), value.trim_matches('"').to_owned()));
    }
    Ok(Line { number, name, parameters, value: value.get(1..).unwrap_or_default().to_owned() })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '-')
}

/// Parts between semicolons that are not quoted.
fn split(head: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    head.split(move |character| {
        quoted ^= character == '"';
        character == ';' && !quoted
    })
}
