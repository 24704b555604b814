//! Numbers that people are known by: telephone, NHS, payment card, bank account.

use super::{Span, char_at, char_before, slice};

/// Characters between the groups of one number: at most so many.
const GAP_MAX: usize = 3;
/// A sort code and an account number belong together up to this distance, in characters.
const ACCOUNT_DISTANCE: usize = 40;
/// More digits than the longest number looked for.
const DIGITS_MAX: usize = 20;

/// A group of digits that no letter or decimal point touches, and the gap that joins it to the group before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    span: Span,
    /// It continues the group before.
    joined: Gap,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// Something else stands between.
    Apart,
    /// One space.
    Space,
    /// One hyphen.
    Hyphen,
    /// Brackets, or several of these.
    Other,
}

impl Group {
    const fn len(&self) -> usize {
        self.span.end - self.span.start
    }
}

/// The groups of digits in a text.
pub(super) fn groups(chars: &[char]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for span in super::stretches(chars, |c| c.is_ascii_digit()) {
        if touches(chars, span) {
            continue;
        }
        let joined = groups.last().map_or(Gap::Apart, |last| gap(chars, last.span.end, span.start));
        groups.push(Group { span, joined });
    }
    groups
}

/// Part of a word, a decimal or a version: no number on its own.
fn touches(chars: &[char], span: Span) -> bool {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let before = char_before(chars, span.start);
    let after = char_at(chars, span.end);
    let decimal_before = before == Some('.') && span.start >= 2 && digit(char_at(chars, span.start - 2));
    let decimal_after = after == Some('.') && digit(char_at(chars, span.end + 1));
    letter(before) || letter(after) || decimal_before || decimal_after
}

fn gap(chars: &[char], from: usize, to: usize) -> Gap {
    match slice(chars, Span { start: from, end: to }) {
        [' ' | '\u{a0}'] => Gap::Space,
        ['-'] => Gap::Hyphen,
        several
            if several.len() <= GAP_MAX && several.iter().all(|c| matches!(c, ' ' | '\u{a0}' | '-' | '(' | ')')) =>
        {
            Gap::Other
        }
        _ => Gap::Apart,
    }
}

fn digits(chars: &[char], groups: &[Group]) -> Vec<u32> {
    groups.iter().flat_map(|group| slice(chars, group.span)).filter_map(|c| c.to_digit(10)).collect()
}

fn around(groups: &[Group]) -> Option<Span> {
    Some(Span { start: groups.first()?.span.start, end: groups.last()?.span.end })
}

/// Runs of joined groups from each group on, longest first, up to [`DIGITS_MAX`] digits; the first that `is` accepts is
/// found, and the search goes on behind it.
fn find(groups: &[Group], is: impl Fn(&[Group]) -> bool) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut rest = groups;
    while let Some((first, tail)) = rest.split_first() {
        let mut total = first.len();
        let joined = tail
            .iter()
            .take_while(|group| {
                total += group.len();
                group.joined != Gap::Apart && total <= DIGITS_MAX
            })
            .count();
        let longest = rest.get(..=joined).unwrap_or_default();
        let found = (1..=longest.len()).rev().filter_map(|len| longest.get(..len)).find(|run| is(run));
        spans.extend(found.and_then(around));
        rest = rest.get(found.map_or(1, <[Group]>::len)..).unwrap_or_default();
    }
    spans
}

/// +44 or 0044 and 9 to 10 digits, also with `(0)`; or 0 and 9 to 10 digits.
pub(super) fn phones(chars: &[char], groups: &[Group]) -> Vec<Span> {
    let mut spans = find(groups, |run| {
        let Some(first) = run.first() else { return false };
        let before = char_before(chars, first.span.start);
        match digits(chars, run).as_slice() {
            [4, 4, number @ ..] if before == Some('+') => is_national(number),
            [0, 0, 4, 4, number @ ..] => is_national(number),
            [0, 1 | 2 | 3 | 5 | 7 | 8 | 9, rest @ ..] => first.joined != Gap::Hyphen && matches!(rest.len(), 8 | 9),
            _ => false,
        }
    });
    for span in &mut spans {
        if matches!(char_before(chars, span.start), Some('+' | '(')) {
            span.start -= 1;
        }
    }
    spans
}

fn is_national(number: &[u32]) -> bool {
    let number = number.strip_prefix(&[0]).unwrap_or(number);
    matches!(number.len(), 9 | 10)
}

/// Ten digits, together or as 3-3-4, whose last is the modulus-11 check digit.
pub(super) fn nhs_numbers(chars: &[char], groups: &[Group]) -> Vec<Span> {
    find(groups, |run| {
        let lengths: Vec<usize> = run.iter().map(Group::len).collect();
        matches!(lengths.as_slice(), [10] | [3, 3, 4]) && evenly_spaced(run) && is_nhs(&digits(chars, run))
    })
}

fn is_nhs(digits: &[u32]) -> bool {
    let Some((check, number)) = digits.split_last() else { return false };
    let sum: u32 = number.iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
    let all_the_same = number.iter().all(|digit| digit == check);
    !all_the_same && (11 - sum % 11) % 11 == *check
}

/// 13 to 19 digits of a card's issuer that pass the Luhn check, together or grouped as cards are.
pub(super) fn payment_cards(chars: &[char], groups: &[Group]) -> Vec<Span> {
    find(groups, |run| {
        let digits = digits(chars, run);
        (13..=19).contains(&digits.len())
            && matches!(digits.first(), Some(2..=6))
            && grouped_like_a_card(run)
            && evenly_spaced(run)
            && passes_luhn(&digits)
    })
}

fn grouped_like_a_card(run: &[Group]) -> bool {
    let lengths: Vec<usize> = run.iter().map(Group::len).collect();
    match lengths.as_slice() {
        [_] | [4, 6, 4 | 5] => true,
        [fours @ .., last] => *last <= 4 && fours.iter().all(|len| *len == 4),
        [] => false,
    }
}

fn passes_luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (1, doubled) if doubled > 9 => doubled - 9,
            (1, doubled) => doubled,
            _ => *digit,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The gaps within a run are all one space, or all one hyphen.
fn evenly_spaced(run: &[Group]) -> bool {
    let mut gaps = run.iter().skip(1).map(|group| group.joined);
    let Some(first) = gaps.next() else { return true };
    matches!(first, Gap::Space | Gap::Hyphen) && gaps.all(|gap| gap == first)
}

/// Six digits in pairs, near eight digits.
pub(super) fn bank_accounts(groups: &[Group]) -> Vec<Span> {
    let sort_codes = find(groups, |run| run.iter().map(Group::len).eq([2, 2, 2]) && evenly_spaced(run));
    let accounts: Vec<Span> = groups.iter().filter(|group| group.len() == 8).map(|group| group.span).collect();
    sort_codes
        .into_iter()
        .filter_map(|code| {
            let near = accounts.partition_point(|account| account.end + ACCOUNT_DISTANCE < code.start);
            let account = accounts.get(near).filter(|account| account.start <= code.end + ACCOUNT_DISTANCE)?;
            Some(Span { start: code.start.min(account.start), end: code.end.max(account.end) })
        })
        .collect()
}
