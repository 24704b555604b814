//! Words that point to people: addresses, postcodes, National Insurance numbers, dates of birth, names; and quotations.

use std::collections::HashMap;

use super::{Span, char_at, char_before, lowercase, slice, stretches};

const LOCAL_PART_MAX: usize = 64;
const DOMAIN_MAX: usize = 255;
/// Words of a National Insurance number, when it is written with gaps: `QQ 12 34 56 C`.
const NI_WORDS_MAX: usize = 5;
const NI_LEN: usize = 9;
/// A date counts as a date of birth up to this distance from the word that says so, in characters.
const BIRTH_DISTANCE: usize = 40;
const NAME_MIN: usize = 3;
/// A block of more lines than this, or of more quoted lines, looks pasted.
const BLOCK_LINES_MAX: usize = 12;
const QUOTED_LINES_MAX: usize = 3;
/// A passage between quotation marks longer than this looks pasted.
const QUOTATION_MAX: usize = 300;
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const BIRTH_WORDS: [&str; 5] = ["born", "dob", "birth", "birthday", "birthdate"];

/// Stretches of letters and digits.
pub(super) fn words(chars: &[char]) -> Vec<Span> {
    stretches(chars, char::is_alphanumeric)
}

/// `local@domain`, unless it is a configured contact.
pub(super) fn emails(chars: &[char], own_contacts: &[String]) -> Vec<Span> {
    let own: Vec<String> = own_contacts.iter().map(|contact| contact.trim().to_lowercase()).collect();
    let ats = chars.iter().enumerate().filter(|(_, c)| **c == '@').map(|(at, _)| at);
    ats.filter_map(|at| email_around(chars, at))
        .filter(|span| {
            let address = lowercase(slice(chars, *span));
            !own.contains(&address)
        })
        .collect()
}

fn email_around(chars: &[char], at: usize) -> Option<Span> {
    let local = chars.get(..at)?.iter().rev().take(LOCAL_PART_MAX).take_while(|c| is_local(**c)).count();
    let domain = chars.get(at + 1..)?;
    let longest = domain.iter().take(DOMAIN_MAX).take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '-')).count();
    let domain = domain.get(..longest)?;
    let kept = domain.iter().rposition(|c| c.is_alphanumeric())? + 1;
    let domain = domain.get(..kept)?;
    let dot = domain.iter().rposition(|c| *c == '.')?;
    let top = domain.get(dot + 1..)?;
    let plausible = local > 0 && dot > 0 && top.len() >= 2 && top.iter().all(|c| c.is_alphabetic());
    plausible.then_some(Span { start: at - local, end: at + 1 + kept })
}

const fn is_local(c: char) -> bool {
    // Letters beyond ASCII occur too (RFC 6531).
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '\'') || !c.is_ascii() && c != '\u{a0}'
}

/// `A` for a letter, `9` for a digit, `.` for anything else.
fn shape(chars: &[char]) -> String {
    let sign = |c: &char| match c {
        c if c.is_ascii_alphabetic() => 'A',
        c if c.is_ascii_digit() => '9',
        _ => '.',
    };
    chars.iter().map(sign).collect()
}

fn is_outward(chars: &[char]) -> bool {
    matches!(shape(chars).as_str(), "A9" | "A99" | "AA9" | "AA99" | "A9A" | "AA9A")
}

fn is_inward(chars: &[char]) -> bool {
    shape(chars) == "9AA" && !chars.iter().any(|c| matches!(c.to_ascii_uppercase(), 'C' | 'I' | 'K' | 'M' | 'O' | 'V'))
}

/// Outward and inward code, together or with a space between. An outward code alone is allowed.
pub(super) fn postcodes(chars: &[char], words: &[Span]) -> Vec<Span> {
    let together = words.iter().copied().filter(|word| {
        let word = slice(chars, *word);
        matches!(word.len(), 5..=7)
            && word.split_at_checked(word.len() - 3).is_some_and(|(out, inward)| is_outward(out) && is_inward(inward))
    });
    let apart = words.windows(2).filter_map(|pair| match pair {
        [first, second]
            if matches!(slice(chars, Span { start: first.end, end: second.start }), [' ' | '\u{a0}' | '\t']) =>
        {
            (is_outward(slice(chars, *first)) && is_inward(slice(chars, *second)))
                .then_some(Span { start: first.start, end: second.end })
        }
        _ => None,
    });
    together.chain(apart).collect()
}

/// Two letters, six digits, A to D; with or without single gaps.
pub(super) fn national_insurance(chars: &[char], words: &[Span]) -> Vec<Span> {
    (0..words.len()).filter_map(|first| ni_number(chars, words.get(first..)?)).collect()
}

fn ni_number(chars: &[char], words: &[Span]) -> Option<Span> {
    let first = words.first()?;
    let mut joined: Vec<char> = Vec::with_capacity(NI_LEN);
    let mut end = first.start;
    for word in words.iter().take(NI_WORDS_MAX) {
        let gap = slice(chars, Span { start: end, end: word.start });
        if !matches!(gap, [] | [' ' | '\u{a0}' | '-']) || joined.len() + (word.end - word.start) > NI_LEN {
            return None;
        }
        joined.extend(slice(chars, *word));
        end = word.end;
        if joined.len() == NI_LEN {
            let suffix = joined.last().is_some_and(|c| matches!(c.to_ascii_uppercase(), 'A'..='D'));
            return (suffix && shape(&joined) == "AA999999A").then_some(Span { start: first.start, end });
        }
    }
    None
}

/// A date near a word such as "born".
pub(super) fn dates_of_birth(chars: &[char], words: &[Span]) -> Vec<Span> {
    let births = birth_words(chars, words);
    if births.is_empty() {
        return Vec::new();
    }
    let near = |date: &Span| {
        let from = births.partition_point(|birth| birth.end + BIRTH_DISTANCE < date.start);
        births.get(from).is_some_and(|birth| birth.start <= date.end + BIRTH_DISTANCE)
    };
    words.windows(3).filter_map(|three| date(chars, three)).filter(near).collect()
}

fn birth_words(chars: &[char], words: &[Span]) -> Vec<Span> {
    let single = words
        .iter()
        .copied()
        .filter(|word| word.end - word.start <= 9 && BIRTH_WORDS.contains(&lowercase(slice(chars, *word)).as_str()));
    let dotted = words.windows(3).filter_map(|three| match three {
        [d, _, b] if lowercase(slice(chars, Span { start: d.start, end: b.end })) == "d.o.b" => {
            Some(Span { start: d.start, end: b.end })
        }
        _ => None,
    });
    let mut births: Vec<Span> = single.chain(dotted).collect();
    births.sort_by_key(|birth| birth.start);
    births
}

/// Day, month and year in any usual order, close together.
fn date(chars: &[char], three: &[Span]) -> Option<Span> {
    let [first, second, third] = three else { return None };
    if second.start - first.end > 2 || third.start - second.end > 2 {
        return None;
    }
    let [a, b, c] = [first, second, third].map(|span| slice(chars, *span));
    let is_date = (is_day(a) && is_month(b) && is_year(c))
        || (is_month(a) && is_day(b) && is_year(c))
        || (a.len() == 4 && is_year(a) && is_month(b) && is_day(c));
    is_date.then_some(Span { start: first.start, end: third.end })
}

fn number(chars: &[char]) -> Option<u32> {
    if chars.is_empty() || chars.len() > 4 {
        return None;
    }
    chars.iter().try_fold(0, |number, c| Some(number * 10 + c.to_digit(10)?))
}

fn is_day(chars: &[char]) -> bool {
    let digits = chars.iter().take_while(|c| c.is_ascii_digit()).count();
    let (Some(day), Some(ending)) = (chars.get(..digits), chars.get(digits..)) else { return false };
    let ending = lowercase(ending);
    matches!(ending.as_str(), "" | "st" | "nd" | "rd" | "th") && number(day).is_some_and(|day| (1..=31).contains(&day))
}

fn is_month(chars: &[char]) -> bool {
    if let Some(month) = number(chars) {
        return chars.len() <= 2 && (1..=12).contains(&month);
    }
    chars.len() <= 9 && chars.len() >= 3 && {
        let name = lowercase(chars);
        MONTHS.iter().any(|month| name.starts_with(month))
    }
}

fn is_year(chars: &[char]) -> bool {
    match chars.len() {
        2 => number(chars).is_some(),
        4 => number(chars).is_some_and(|year| (1880..=2100).contains(&year)),
        _ => false,
    }
}

/// Names known to the node, word by word, whatever stands between the words.
pub(super) fn names(chars: &[char], text: &[Span], names: &[String]) -> Vec<Span> {
    let mut known: HashMap<String, Vec<Vec<String>>> = HashMap::new();
    for name in names {
        let name: Vec<char> = name.chars().collect();
        let mut parts = words(&name).into_iter().map(|word| lowercase(slice(&name, word)));
        let Some(first) = parts.next() else { continue };
        let rest: Vec<String> = parts.collect();
        if !rest.is_empty() || first.chars().count() >= NAME_MIN {
            known.entry(first).or_default().push(rest);
        }
    }
    if known.is_empty() {
        return Vec::new();
    }
    let lower: Vec<String> = text.iter().map(|word| lowercase(slice(chars, *word))).collect();
    let mut spans = Vec::new();
    for (at, (word, span)) in lower.iter().zip(text).enumerate() {
        let following = lower.get(at + 1..).unwrap_or_default();
        let longest =
            known.get(word).into_iter().flatten().filter(|rest| following.starts_with(rest)).map(Vec::len).max();
        let last = longest.and_then(|more| text.get(at + more));
        spans.extend(last.map(|last| Span { start: span.start, end: last.end }));
    }
    spans
}

/// Many lines in one block, several lines marked as quoted, or a long passage between quotation marks.
pub(super) fn quotations(chars: &[char]) -> Vec<Span> {
    let lines = stretches(chars, |c| c != '\n');
    let mut spans = blocks(&lines, BLOCK_LINES_MAX, |line| slice(chars, line).iter().any(|c| !c.is_whitespace()));
    spans.extend(blocks(&lines, QUOTED_LINES_MAX, |line| char_at(chars, line.start) == Some('>')));
    let mut opened = None;
    for (at, c) in chars.iter().enumerate() {
        match (*c, opened) {
            ('\u{201c}', None) => opened = Some(at),
            ('"', None) if !char_before(chars, at).is_some_and(char::is_alphanumeric) => opened = Some(at),
            ('\u{201d}' | '"', Some(start)) => {
                if at - start > QUOTATION_MAX {
                    spans.push(Span { start, end: at + 1 });
                }
                opened = None;
            }
            _ => {}
        }
    }
    spans
}

/// Runs of more than `max` adjacent lines of a kind.
fn blocks(lines: &[Span], max: usize, is: impl Fn(Span) -> bool) -> Vec<Span> {
    lines
        .chunk_by(|a, b| b.start == a.end + 1 && is(*a) == is(*b))
        .filter(|run| run.len() > max && run.first().is_some_and(|line| is(*line)))
        .filter_map(|run| Some(Span { start: run.first()?.start, end: run.last()?.end }))
        .collect()
}
