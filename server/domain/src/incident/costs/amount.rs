//! An amount of money: whole pence, as people type it and as they read it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most that one cost can be, in pence: a thousand million pounds. Of as many costs as an incident may have, in as many
/// incidents as anybody could have, the sum still fits into 64 bits.
pub const PENCE_MAX: i64 = 100_000_000_000;

/// Pounds sterling in whole pence, 1 to [`PENCE_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Pence(i64);

/// Why something is no amount. Public: each is what to do, in words for the person who typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Something other than figures, or none.
    #[error("give the amount in pounds as figures, such as 1,250 or 1,250.50")]
    NotAnAmount,
    /// Commas elsewhere than between thousands.
    #[error("put a comma between thousands only, and a point before the pence, such as 1,250.50")]
    Thousands,
    /// Other than two figures after the point.
    #[error("give the pence as two figures after the point, such as 1,250.50")]
    Pence,
    /// Less than a penny.
    #[error("give an amount of a penny or more; of what was paid back, strike the cost out or correct it")]
    TooLittle,
    /// More than there can be.
    #[error("give an amount of \u{a3}{} or less", decimal_grouped(PENCE_MAX))]
    TooMuch,
}

impl Pence {
    /// From a number of pence.
    ///
    /// # Errors
    /// [`Fault::TooLittle`] or [`Fault::TooMuch`] outside 1 to [`PENCE_MAX`].
    pub const fn new(pence: i64) -> Result<Self, Fault> {
        match pence {
            ..1 => Err(Fault::TooLittle),
            1..=PENCE_MAX => Ok(Self(pence)),
            _ => Err(Fault::TooMuch),
        }
    }

    /// From what a person typed: "1250", "1,250", "£1,250.50". Anything that could be read in two ways is refused: "1.250" is
    /// a thousand and more in one country and one pound and a bit in another.
    ///
    /// # Errors
    /// The [`Fault`], which says how to write it.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        let text = text.strip_prefix('\u{a3}').unwrap_or(text).trim_start();
        if text.starts_with(['-', '\u{2212}']) {
            return Err(Fault::TooLittle);
        }
        if text.is_empty() || !text.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.')) {
            return Err(Fault::NotAnAmount);
        }
        let (whole, pence) = match text.split_once('.') {
            None => (text, "00"),
            Some((whole, pence)) if pence.len() == 2 && !pence.contains([',', '.']) => (whole, pence),
            Some(_) => return Err(Fault::Pence),
        };
        let mut groups = whole.split(',');
        let first = groups.next().unwrap_or_default();
        let mut digits = first.to_owned();
        for group in groups {
            if group.len() != 3 || !(1..=3).contains(&first.len()) {
                return Err(Fault::Thousands);
            }
            digits.push_str(group);
        }
        if digits.is_empty() {
            return Err(Fault::NotAnAmount);
        }
        digits.push_str(pence);
        // Only figures are left: what does not fit is too long.
        Self::new(digits.parse().map_err(|_| Fault::TooMuch)?)
    }

    /// The number of pence.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Pence {
    type Error = Fault;

    fn try_from(pence: i64) -> Result<Self, Fault> {
        Self::new(pence)
    }
}

impl From<Pence> for i64 {
    fn from(pence: Pence) -> Self {
        pence.0
    }
}

impl fmt::Display for Pence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&pounds(self.0))
    }
}

/// A number of pence as people read it: "£1,250.50".
#[must_use]
pub fn pounds(pence: i64) -> String {
    format!("\u{a3}{}", decimal_grouped(pence))
}

/// A number of pence as spreadsheets read it: "1250.50". Sums of costs are never below nought.
#[must_use]
pub fn decimal(pence: i64) -> String {
    let pence = pence.max(0);
    format!("{}.{:02}", pence / 100, pence % 100)
}

fn decimal_grouped(pence: i64) -> String {
    let plain = decimal(pence);
    let (whole, rest) = plain.split_once('.').unwrap_or((&plain, "00"));
    let mut text = String::with_capacity(plain.len() + plain.len() / 3);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text}.{rest}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Aim: what people type for an amount is read; what could mean two things, or nothing, is refused with how to write it.
    #[test]
    fn amounts_are_read_as_people_type_them() {
        for (typed, pence) in [
            ("1250", 125_000),
            ("1,250", 125_000),
            ("\u{a3}1,250.50", 125_050),
            (" \u{a3} 1250.50\u{a0}", 125_050),
            ("0.01", 1),
            ("0050", 5_000),
            ("1,000,000,000", PENCE_MAX),
        ] {
            assert_eq!(Pence::parse(typed).map(Pence::get), Ok(pence), "{typed}");
        }
        for (typed, fault) in [
            ("", Fault::NotAnAmount),
            ("\u{a3}", Fault::NotAnAmount),
            ("about 50", Fault::NotAnAmount),
            ("1.2k", Fault::NotAnAmount),
            ("$50", Fault::NotAnAmount),
            ("1 250", Fault::NotAnAmount),
            ("\u{a3}\u{a3}5", Fault::NotAnAmount),
            ("\u{661}\u{662}", Fault::NotAnAmount),
            (".50", Fault::NotAnAmount),
            ("1,25", Fault::Thousands),
            ("1250,50", Fault::Thousands),
            ("1234,567", Fault::Thousands),
            (",250", Fault::Thousands),
            ("1,,250", Fault::Thousands),
            ("1,250.5", Fault::Pence),
            ("1.250", Fault::Pence),
            ("1.250,00", Fault::Pence),
            ("1.2.3", Fault::Pence),
            ("12.", Fault::Pence),
            ("0", Fault::TooLittle),
            ("0.00", Fault::TooLittle),
            ("-5", Fault::TooLittle),
            ("1,000,000,000.01", Fault::TooMuch),
            ("99999999999999999999999", Fault::TooMuch),
        ] {
            assert_eq!(Pence::parse(typed), Err(fault), "{typed}");
        }
        assert_eq!((pounds(125_050), decimal(5)), ("\u{a3}1,250.50".to_owned(), "0.05".to_owned()));
        assert!(Fault::TooMuch.to_string().contains("\u{a3}1,000,000,000.00"));
        assert!(serde_json::from_str::<Pence>("0").is_err() && serde_json::from_str::<Pence>("1.5").is_err());
    }

    proptest! {
        /// Aim: whatever is shown can be typed again and is the same amount.
        #[test]
        fn what_is_shown_is_read_back(pence in 1..=PENCE_MAX) {
            prop_assert_eq!(Pence::parse(&pounds(pence)).map(Pence::get), Ok(pence));
            prop_assert_eq!(Pence::parse(&decimal(pence)).map(Pence::get), Ok(pence));
        }
    }
}
