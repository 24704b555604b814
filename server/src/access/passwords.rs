//! Passwords: hashed with bcrypt, never cut short, and checked in the same time whether or not the account exists.
//!
//! These functions take tenths of a second on purpose: call them on a blocking thread.

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
