//! From when until when a certificate is good, read from its DER octets (RFC 5280 §4.1).
//!
//! rustls judges certificates of others, never our own; so that an administrator hears in time that ours ends, these two
//! instants are read here, and nothing else.

use chrono::{NaiveDate, TimeZone as _, Utc};
use domain::values::Moment;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The first and the last instant at which a certificate is good; `None` when it is no certificate.
pub(super) fn of(der: &[u8]) -> Option<(Moment, Moment)> {
    let (_, certificate, _) = element(der).filter(|(tag, _, _)| *tag == SEQUENCE)?;
    let (_, fields, _) = element(certificate).filter(|(tag, _, _)| *tag == SEQUENCE)?;
    let mut rest = match element(fields)? {
        (VERSION, _, after) => after,
        _ => fields,
    };
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        (_, _, rest) = element(rest)?;
    }
    let (_, validity, _) = element(rest).filter(|(tag, _, _)| *tag == SEQUENCE)?;
    let (tag, from, after) = element(validity)?;
    let from = instant(tag, from)?;
    let (tag, until, _) = element(after)?;
    Some((from, instant(tag, until)?))
}

/// The first DER element: its tag, its content, and what follows it.
fn element(octets: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, octets) = octets.split_first()?;
    let (first, mut octets) = octets.split_first()?;
    let mut length = usize::from(*first);
    if length >= 0x80 {
        let count = length - 0x80;
        if count == 0 || count > 4 {
            return None;
        }
        let (digits, after) = octets.split_at_checked(count)?;
        length = digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit));
        octets = after;
    }
    let (content, after) = octets.split_at_checked(length)?;
    Some((*tag, content, after))
}

/// `YYMMDDhhmmssZ` or `YYYYMMDDhhmmssZ`; two digits from 50 are of the last century (RFC 5280 §4.1.2.5.1).
fn instant(tag: u8, text: &[u8]) -> Option<Moment> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z').filter(|text| text.is_ascii())?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i32 = year.parse().ok()?;
            (if year >= 50 { 1_900 + year } else { 2_000 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let part = |from: usize| rest.get(from..from + 2)?.parse::<u32>().ok();
    let day = NaiveDate::from_ymd_opt(year, part(0)?, part(2)?)?;
    let at = day.and_hms_opt(part(4)?, part(6)?, part(8)?)?;
    Moment::from_micros(Utc.from_utc_datetime(&at).timestamp_micros()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aim: both forms of time are read, and octets that are no certificate give nothing instead of a wrong date.
    #[test]
    fn reads_times_and_refuses_rubbish() {
        assert_eq!(instant(UTC_TIME, b"260301021000Z"), Moment::parse("2026-03-01T02:10:00Z").ok());
        assert_eq!(instant(GENERALIZED_TIME, b"20510301021000Z"), Moment::parse("2051-03-01T02:10:00Z").ok());
        assert_eq!(instant(UTC_TIME, b"26030102100Z"), None);
        for rubbish in [&b""[..], b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x30\x80\x00\x00", b"hello, this is no DER"] {
            assert_eq!(of(rubbish), None);
        }
    }
}
