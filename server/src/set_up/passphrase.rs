//! The words that seal the identity key: drawn by the machine, because people choose what can be guessed, and made to be
//! copied from paper.

use crate::access::sessions::{SECRET_OCTETS, fresh_secret};
use crate::store::StoreError;
use zeroize::Zeroizing;

/// Letters that are not mistaken for each other, or for figures, in any hand.
const LETTERS: [char; 20] =
    ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm', 'n', 'p', 'r', 's', 't', 'w', 'x', 'y', 'z'];
/// Groups, and letters of each: 30 letters of 20 kinds are 129 bits.
const GROUPS: usize = 6;
const GROUP_LETTERS: usize = 5;
/// Octets from here on are drawn again: below it each letter is equally likely.
const FAIR_BELOW: u8 = 240;
/// Between the groups.
const JOINT: char = '-';

const _: () = assert!(SECRET_OCTETS >= GROUPS * GROUP_LETTERS, "one draw nearly always suffices");

/// Draws a passphrase: six groups of five letters, with hyphens between.
///
/// # Errors
/// [`StoreError::Encryption`] when the operating system gives no random numbers.
pub(super) fn draw() -> Result<Zeroizing<String>, StoreError> {
    let mut text = Zeroizing::new(String::with_capacity(GROUPS * (GROUP_LETTERS + 1)));
    let mut letters = 0;
    while letters < GROUPS * GROUP_LETTERS {
        let octets = Zeroizing::new(fresh_secret()?.0);
        for octet in octets.iter().filter(|octet| **octet < FAIR_BELOW) {
            let Some(letter) = LETTERS.get(usize::from(*octet) % LETTERS.len()) else { continue };
            if letters == GROUPS * GROUP_LETTERS {
                break;
            }
            if letters > 0 && letters.is_multiple_of(GROUP_LETTERS) {
                text.push(JOINT);
            }
            text.push(*letter);
            letters += 1;
        }
    }
    Ok(text)
}

/// Its groups, as the sheet shows them.
pub(super) fn groups(passphrase: &str) -> Vec<&str> {
    passphrase.split(JOINT).collect()
}

/// Whether somebody typed the last group, so that they have seen the sheet.
pub(super) fn is_last_group(passphrase: &str, typed: &str) -> bool {
    groups(passphrase).last().is_some_and(|last| last.eq_ignore_ascii_case(typed.trim()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    /// Aim: six groups of five easy letters, never the same twice, and only its own last group is taken.
    #[test]
    fn six_groups_of_five() {
        let passphrase = draw().unwrap();
        let parts = groups(&passphrase);
        assert_eq!(parts.len(), GROUPS);
        assert!(parts.iter().all(|part| part.len() == GROUP_LETTERS && part.chars().all(|c| LETTERS.contains(&c))));
        assert_ne!(*draw().unwrap(), *passphrase);
        assert!(is_last_group(&passphrase, &format!(" {} ", parts[5].to_uppercase())));
        assert!(!is_last_group(&passphrase, parts[0]));
        assert!(!is_last_group(&passphrase, ""));
    }
}
