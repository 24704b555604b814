//! Addresses of machines, links to single records, and secrets.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Span, lowercase, slice, stretches};

/// The longest text of an IP address with a port.
const IP_LEN_MAX: usize = 51;
const BEARER_MIN: usize = 16;
/// A token of letters of both cases and digits, so long, looks random.
const MIXED_MIN: usize = 20;
/// A token of hexadecimal digits, so long, looks random.
const HEX_MIN: usize = 32;
/// So many digits in a row within a web address look like the number of a record.
const ID_DIGITS_MIN: usize = 3;
const UUID_LEN: usize = 36;

/// IPv4, also with a port, and IPv6.
pub(super) fn ip_addresses(chars: &[char]) -> Vec<Span> {
    let tokens = stretches(chars, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | ':'));
    tokens
        .into_iter()
        .filter(|token| token.end - token.start <= IP_LEN_MAX)
        .flat_map(|token| ips(chars, token))
        .collect()
}

fn ips(chars: &[char], token: Span) -> Vec<Span> {
    let trailing = slice(chars, token).iter().rev().take_while(|c| matches!(c, '.' | ':')).count();
    let token = Span { start: token.start, end: token.end - trailing };
    let text: String = slice(chars, token).iter().collect();
    let is_v6 = text.parse::<Ipv6Addr>().is_ok() && text.chars().any(|c| c.is_ascii_digit()) && text.len() > 3;
    if is_v6 {
        return vec![token];
    }
    stretches(slice(chars, token), |c| c != ':')
        .into_iter()
        .map(|part| Span { start: token.start + part.start, end: token.start + part.end })
        .filter(|part| slice(chars, *part).iter().collect::<String>().parse::<Ipv4Addr>().is_ok())
        .collect()
}

/// Web addresses with an id in path or query.
pub(super) fn record_links(chars: &[char]) -> Vec<Span> {
    let ends_address = |c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '\u{201c}' | '\u{201d}');
    stretches(chars, |c| !ends_address(c)).into_iter().filter_map(|token| record_link(chars, token)).collect()
}

fn record_link(chars: &[char], token: Span) -> Option<Span> {
    let text = slice(chars, token);
    let scheme_end = text.windows(3).position(|three| three == [':', '/', '/'])?;
    let scheme = text.get(..scheme_end)?.iter().rev().take(5).take_while(|c| c.is_ascii_alphabetic()).count();
    let name = lowercase(text.get(scheme_end - scheme..scheme_end)?);
    let after = text.get(scheme_end + 3..)?;
    let host = after.iter().position(|c| matches!(c, '/' | '?' | '#'))?;
    let path = after.get(host..)?;
    let has_id = path.split(|c| matches!(c, '/' | '?' | '&' | '=' | '#' | '.')).any(is_id);
    (matches!(name.as_str(), "http" | "https") && has_id)
        .then_some(Span { start: token.start + scheme_end - scheme, end: token.end })
}

fn is_id(segment: &[char]) -> bool {
    let numbers = stretches(segment, |c| c.is_ascii_digit());
    numbers.iter().any(|number| number.end - number.start >= ID_DIGITS_MIN) || is_uuid(segment)
}

fn is_uuid(chars: &[char]) -> bool {
    chars.len() == UUID_LEN
        && chars.iter().enumerate().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => *c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

/// Key blocks, bearer tokens and long random strings.
pub(super) fn secrets(chars: &[char], words: &[Span]) -> Vec<Span> {
    let mut spans = key_blocks(chars);
    spans.extend(bearer_tokens(chars, words));
    let tokens = stretches(chars, |c| c.is_ascii_alphanumeric() || matches!(c, '+' | '=' | '_'));
    spans.extend(tokens.into_iter().filter(|token| looks_random(slice(chars, *token))));
    spans
}

/// From a line that begins a PEM block to the end of the line that ends it, or of the text.
fn key_blocks(chars: &[char]) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut begun: Option<usize> = None;
    for line in stretches(chars, |c| c != '\n') {
        let text = slice(chars, line);
        let begins = position(text, "-----BEGIN ");
        let ends = position(text, "-----END ").is_some();
        begun = begun.or_else(|| begins.map(|at| line.start + at));
        if let Some(start) = begun.filter(|_| ends) {
            spans.push(Span { start, end: line.end });
            begun = None;
        }
    }
    spans.extend(begun.map(|start| Span { start, end: chars.len() }));
    spans
}

fn position(chars: &[char], needle: &str) -> Option<usize> {
    let needle: Vec<char> = needle.chars().collect();
    chars.windows(needle.len()).position(|window| window == needle)
}

fn bearer_tokens(chars: &[char], words: &[Span]) -> Vec<Span> {
    let after_bearer =
        words.iter().filter(|word| word.end - word.start == 6 && lowercase(slice(chars, **word)) == "bearer");
    after_bearer
        .filter_map(|word| {
            let rest = chars.get(word.end..)?;
            let gap = rest.iter().take(2).take_while(|c| matches!(c, ' ' | ':')).count();
            let token = rest.get(gap..)?.iter().take_while(|c| is_token(**c)).count();
            (gap > 0 && token >= BEARER_MIN).then_some(Span { start: word.end + gap, end: word.end + gap + token })
        })
        .collect()
}

const fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '~' | '+' | '/' | '=' | '-')
}

fn looks_random(token: &[char]) -> bool {
    let has = |kind: fn(&char) -> bool| token.iter().any(kind);
    let digits = has(|c| c.is_ascii_digit());
    let (lower, upper) = (has(|c| c.is_ascii_lowercase()), has(|c| c.is_ascii_uppercase()));
    let hex = token.iter().all(|c| c.is_ascii_hexdigit());
    (token.len() >= MIXED_MIN && digits && lower && upper)
        || (token.len() >= HEX_MIN && hex && digits && (lower || upper))
}
