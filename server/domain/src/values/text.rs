//! Texts: trimmed, limited, and free of what misleads a reader.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{ValueError, hidden};

/// Texts that may be longer are no lines.
const LINE_CHARACTERS_MAX: usize = 200;

/// A trimmed text of 1 to `MAX` characters without control characters (line breaks and tabs are kept). What people type
/// and partners send has no characters that mislead its reader either; reading JSON takes what was stored before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

/// A title: at most 200 characters (protocol §20).
pub type Title = Text<200>;
/// A name, a reference or a line: at most 200 characters.
pub type Line = Text<200>;
/// A longer text: at most 8000 characters (protocol §20).
pub type LongText = Text<8000>;

impl<const MAX: usize> Text<MAX> {
    const IS_LINE: bool = MAX <= LINE_CHARACTERS_MAX;

    /// What a person or a program of ours gives.
    ///
    /// # Errors
    /// [`ValueError::Empty`], [`ValueError::TooLong`], [`ValueError::ControlCharacter`] or
    /// [`ValueError::HiddenCharacter`].
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let text = Self::seen(text)?;
        if Self::misleads(&text.0) { Err(ValueError::HiddenCharacter) } else { Ok(text) }
    }

    /// What a partner sends: it is no reason to refuse a message, so that U+FFFD stands in the place of each character that
    /// would mislead its reader. The octets that the partner signed stay as they are.
    ///
    /// # Errors
    /// [`ValueError::Empty`], [`ValueError::TooLong`] or [`ValueError::ControlCharacter`].
    pub fn received(text: &str) -> Result<Self, ValueError> {
        let mut read = Self::seen(text)?;
        if Self::misleads(&read.0) {
            read.0 = if Self::IS_LINE { hidden::line_shown(&read.0) } else { hidden::text_shown(&read.0) };
        }
        Ok(read)
    }

    /// What was taken before, by whatever rule stood then.
    ///
    /// # Errors
    /// [`ValueError::Empty`], [`ValueError::TooLong`] or [`ValueError::ControlCharacter`].
    pub fn stored(text: &str) -> Result<Self, ValueError> {
        let text = text.replace("\r\n", "\n");
        let text = text.trim();
        if text.is_empty() {
            return Err(ValueError::Empty);
        }
        if text.chars().count() > MAX {
            return Err(ValueError::TooLong { max: MAX });
        }
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return Err(ValueError::ControlCharacter);
        }
        Ok(Self(text.to_owned()))
    }

    /// What comes now leaves something on the page.
    fn seen(text: &str) -> Result<Self, ValueError> {
        let text = Self::stored(text)?;
        if hidden::shows_nothing(&text.0) { Err(ValueError::Empty) } else { Ok(text) }
    }

    /// In a name or a line, whatever is not seen does; in a longer text, what turns text around.
    fn misleads(text: &str) -> bool {
        if Self::IS_LINE { hidden::line_misleads(text) } else { hidden::text_misleads(text) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::stored(&text).map_err(de::Error::custom)
    }
}
