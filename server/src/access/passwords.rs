//! Passwords: hashed with bcrypt, never cut short, and checked in the same time whether or not the account exists.
//!
//! Hashing and checking take tenths of a second on purpose: call them on a blocking thread. [`judge`] is quick: it refuses
//! what guessers try first.

mod common;

use common::is_common;

/// bcrypt uses no more octets and silently cuts the rest, so a longer password is refused before it gets there.
pub const OCTETS_MAX: usize = 72;
/// The shortest password that is taken.
pub const OCTETS_MIN: usize = 12;

/// Why a password was not hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than [`OCTETS_MIN`] octets.
    #[error("use at least 12 characters")]
    TooShort,
    /// More than [`OCTETS_MAX`] octets.
    #[error("use at most 72 characters")]
    TooLong,
    /// bcrypt failed, for example for want of random numbers.
    #[error("the password could not be hashed")]
    Failed,
}

/// Why a new password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Fewer than [`OCTETS_MIN`] characters.
    #[error("use at least 12 characters")]
    TooShort,
    /// More than [`OCTETS_MAX`] octets.
    #[error("use a shorter password: at most 72 characters, and fewer when it has accents or symbols beyond English")]
    TooLong,
    /// Made of what guessers try first: well-known passwords, rows of keys, repetitions.
    #[error(
        "use something less common: several words that do not belong together are easy to remember and hard to guess"
    )]
    Common,
    /// It holds a name that anybody can look up.
    #[error("leave out your name, your e-mail address and the organisation's name")]
    AboutYou,
}

impl Unfit {
    /// The sentence for doors, which take fixed ones only.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::TooShort => "use at least 12 characters in the password",
            Self::TooLong => {
                "use a shorter password: at most 72 characters, and fewer when it has accents or symbols beyond English"
            }
            Self::Common => {
                "use a less common password: several words that do not belong together are easy to remember and hard to \
                 guess"
            }
            Self::AboutYou => "leave your name, your e-mail address and the organisation's name out of the password",
        }
    }
}

/// Whether a new password may be taken (clause 7 of the `SocietyWorks` agreement: a minimum of complexity). `about` holds
/// what it must not contain: the person's name, the first part of their mail address, the organisation's name.
///
/// # Errors
/// [`Unfit`], the first fault found.
pub fn judge(password: &str, about: &[&str]) -> Result<(), Unfit> {
    if password.chars().count() < OCTETS_MIN {
        return Err(Unfit::TooShort);
    }
    if password.len() > OCTETS_MAX {
        return Err(Unfit::TooLong);
    }
    let plain = letters(password);
    let named = |text: &&str| {
        let whole = letters(text);
        let words = text.split(|c: char| !c.is_alphanumeric()).map(letters);
        let parts = words.filter(|word| word.chars().count() >= NAME_MIN && !EVERYDAY.contains(&word.as_str()));
        let whole = Some(whole).filter(|whole| whole.chars().count() >= NAME_MIN);
        parts.chain(whole).any(|part| plain.contains(&part))
    };
    if about.iter().any(named) {
        return Err(Unfit::AboutYou);
    }
    if is_common(password) {
        return Err(Unfit::Common);
    }
    Ok(())
}

/// Names shorter than this are parts of many words.
const NAME_MIN: usize = 4;
/// Words of many organisations' names that say nothing about any.
const EVERYDAY: [&str; 14] = [
    "council",
    "borough",
    "city",
    "county",
    "district",
    "limited",
    "group",
    "data",
    "service",
    "services",
    "office",
    "department",
    "example",
    "test",
];

/// Letters and figures only, lower case.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Hashes a new password.
///
/// # Errors
/// [`PasswordError`].
pub fn hash(password: &str, cost: u32) -> Result<String, PasswordError> {
    if password.len() > OCTETS_MAX {
        return Err(PasswordError::TooLong);
    }
    if password.len() < OCTETS_MIN {
        return Err(PasswordError::TooShort);
    }
    bcrypt::hash(password, cost).map_err(|_| PasswordError::Failed)
}

/// Whether a password belongs to a stored hash.
#[must_use]
pub fn matches(password: &str, stored: &str) -> bool {
    password.len() <= OCTETS_MAX && bcrypt::verify(password, stored).unwrap_or(false)
}

/// Spends the time that checking would take, for an account that does not exist. Always says no.
#[must_use]
pub fn matches_nobody(password: &str, cost: u32) -> bool {
    // A password that is too long is not checked for anybody, so it must cost nothing here either. Otherwise the octets do
    // not matter: hashing costs what checking does.
    let spent = (password.len() <= OCTETS_MAX).then(|| bcrypt::hash_with_salt(password.as_bytes(), cost, [7; 16]));
    spent.is_some_and(|_| false)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Aim: a password of many words is taken, one about the person or their organisation is not, in any spelling.
    #[test]
    fn judges_what_it_is_about() {
        let about = ["Ann Baxter", "a.baxter", "Northfield Council"];
        assert_eq!(judge("lantern gravel otter sky", &about), Ok(()));
        assert_eq!(judge("the council of seven owls", &about), Ok(()));
        assert_eq!(judge("Baxter likes lanterns", &about), Err(Unfit::AboutYou));
        assert_eq!(judge("north-field lanterns", &about), Err(Unfit::AboutYou));
        assert_eq!(judge("short", &about), Err(Unfit::TooShort));
        assert_eq!(
            judge("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", &about),
            Err(Unfit::TooShort),
            "characters, not octets"
        );
        assert_eq!(judge(&"lantern gravel ".repeat(5), &about), Err(Unfit::TooLong));
    }

    /// Aim: a right password matches, a wrong one does not, and one beyond bcrypt's limit is refused, not cut.
    #[test]
    fn hashes_and_checks() {
        let stored = hash("correct horse battery", 4).unwrap();
        assert!(matches("correct horse battery", &stored));
        assert!(!matches("correct horse batterz", &stored));
        assert_eq!(hash(&"x".repeat(73), 4), Err(PasswordError::TooLong));
        assert_eq!(hash("short", 4), Err(PasswordError::TooShort));
        let longest = hash(&"x".repeat(72), 4).unwrap();
        assert!(matches(&"x".repeat(72), &longest));
        assert!(!matches(&"x".repeat(73), &longest));
        assert!(!matches_nobody("anything at all", 4));
    }
}
