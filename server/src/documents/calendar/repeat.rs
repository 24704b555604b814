//! When an event begins and ends, and how it repeats: daily or weekly, by the clock on the wall of its zone (RFC 5545,
//! sections 3.3.4 to 3.3.10).

use chrono::{Datelike as _, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Weekday};
use chrono_tz::Tz;
use domain::values::Moment;

use super::lines::Line;
use super::{DAYS_AHEAD, Fault, SHIFTS_MAX, fault};

/// Days looked at for one event, from its first on.
const DAYS_MAX: usize = 20_000;
/// The longest event, in seconds: a week, as for any shift.
const LENGTH_MAX: i64 = 7 * 86_400;

/// An instant as a calendar gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    local: NaiveDateTime,
    zone: Tz,
}

/// The end of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// At an instant.
    At(Start),
    /// So much later, in seconds.
    After(i64),
}

impl Start {
    pub(super) fn instant(&self) -> Moment {
        instant(self.zone, self.local)
    }

    /// Begin and end of an event that begins here.
    pub(super) fn times(&self, until: &End) -> (Moment, Moment) {
        let from = self.instant();
        match until {
            End::At(end) => (from, end.instant()),
            End::After(seconds) => (from, from.plus_seconds(*seconds)),
        }
    }
}

/// The first of two instants, and an hour later for one that was skipped.
fn instant(zone: Tz, local: NaiveDateTime) -> Moment {
    let found = zone.from_local_datetime(&local).earliest().or_else(|| {
        let later = local.checked_add_signed(TimeDelta::hours(1))?;
        zone.from_local_datetime(&later).earliest()
    });
    found.and_then(|found| Moment::from_micros(found.timestamp_micros()).ok()).unwrap_or(Moment::EPOCH)
}

/// `20260301T090000Z`, `TZID=Europe/London:20260301T090000`, `20260301T090000`, or a whole day.
pub(super) fn start(line: &Line, zone: Tz) -> Result<Start, Fault> {
    let unread = || fault(line.number, format!("{} is not a date and time: {}", line.name, shown(&line.value)));
    let zone = match line.parameter("TZID") {
        Some(name) => name.trim_start_matches('/').parse().map_err(|_| {
            fault(line.number, format!("the time zone {} is not known: use a name such as Europe/London", shown(name)))
        })?,
        None => zone,
    };
    let value = line.value.trim();
    let (text, zone) = value.strip_suffix('Z').map_or((value, zone), |text| (text, Tz::UTC));
    let local = match text.split_once('T') {
        Some((date, time)) if time.len() == 6 => {
            NaiveTime::parse_from_str(time, "%H%M%S").ok().and_then(|time| Some(day(date)?.and_time(time)))
        }
        Some(_) => None,
        None => day(text).map(|day| day.and_time(NaiveTime::MIN)),
    };
    let start = Start { local: local.ok_or_else(unread)?, zone };
    if start.instant() == Moment::EPOCH { Err(unread()) } else { Ok(start) }
}

fn day(text: &str) -> Option<NaiveDate> {
    if text.len() != 8 {
        return None;
    }
    NaiveDate::parse_from_str(text, "%Y%m%d").ok().filter(|day| (2000..2200).contains(&day.year()))
}

/// `PT8H`, `P1DT12H`, `P1W`, in seconds.
pub(super) fn duration(line: &Line) -> Result<i64, Fault> {
    let unread = || fault(line.number, format!("DURATION is not a length of time: {}", shown(&line.value)));
    let rest = line.value.trim().strip_prefix('P').ok_or_else(unread)?;
    let (mut seconds, mut digits, mut in_time) = (0_i64, String::new(), false);
    for character in rest.chars() {
        let unit = match (character, in_time) {
            ('0'..='9', _) if digits.len() < 6 => {
                digits.push(character);
                continue;
            }
            ('T', false) if digits.is_empty() => {
                in_time = true;
                continue;
            }
            ('W', false) => 7 * 86_400,
            ('D', false) => 86_400,
            ('H', true) => 3_600,
            ('M', true) => 60,
            ('S', true) => 1,
            _ => return Err(unread()),
        };
        let number: i64 = std::mem::take(&mut digits).parse().map_err(|_| unread())?;
        seconds = seconds.saturating_add(number.saturating_mul(unit));
    }
    if digits.is_empty() && (1..=LENGTH_MAX).contains(&seconds) { Ok(seconds) } else { Err(unread()) }
}

/// A rule that is understood.
struct Rule {
    weekly: bool,
    interval: u32,
    count: Option<u32>,
    until: Option<Moment>,
    days: Vec<Weekday>,
}

/// The times of an event that repeats, as far as they end after `now` and begin in the year to come.
pub(super) fn expand(
    line: u32,
    rule: &str,
    from: &Start,
    until: &End,
    now: Moment,
) -> Result<Vec<(Moment, Moment)>, Fault> {
    let rule = read(line, rule, from)?;
    let last = now.plus_seconds(DAYS_AHEAD * 86_400);
    let length = match until {
        End::At(end) => end.local - from.local,
        End::After(seconds) => TimeDelta::seconds(*seconds),
    };
    let (first, time) = (from.local.date(), from.local.time());
    let monday = |day: NaiveDate| day.week(Weekday::Mon).first_day();
    let mut times = Vec::new();
    let (mut on, mut fell) = (first, 0_u32);
    for _ in 0..DAYS_MAX {
        let apart = if rule.weekly { (monday(on) - monday(first)).num_weeks() } else { (on - first).num_days() };
        let in_turn = apart % i64::from(rule.interval) == 0;
        let on_day = if rule.days.is_empty() {
            !rule.weekly || on.weekday() == first.weekday()
        } else {
            rule.days.contains(&on.weekday())
        };
        if in_turn && on_day {
            let local = on.and_time(time);
            let begins = instant(from.zone, local);
            fell = fell.saturating_add(1);
            if begins >= last
                || rule.count.is_some_and(|count| fell > count)
                || rule.until.is_some_and(|until| begins > until)
            {
                return Ok(times);
            }
            let ends = match until {
                End::After(seconds) => begins.plus_seconds(*seconds),
                End::At(_) => instant(from.zone, local.checked_add_signed(length).unwrap_or(local)),
            };
            if ends > now {
                times.push((begins, ends));
            }
            if times.len() > SHIFTS_MAX {
                return Ok(times);
            }
        }
        let Some(next) = on.checked_add_days(Days::new(1)) else { break };
        on = next;
    }
    Ok(times)
}

fn read(line: u32, text: &str, from: &Start) -> Result<Rule, Fault> {
    let refused = |what: &str| fault(line, format!("this repetition is not taken: {}", shown(what)));
    let mut rule = Rule { weekly: false, interval: 1, count: None, until: None, days: Vec::new() };
    let mut known = false;
    for part in text.trim().split(';').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or_else(|| refused(part))?;
        match (name.to_ascii_uppercase().as_str(), value.to_ascii_uppercase().as_str()) {
            ("FREQ", "DAILY") => known = true,
            ("FREQ", "WEEKLY") => (known, rule.weekly) = (true, true),
            ("INTERVAL", number) => {
                let interval = number.parse().ok().filter(|number| (1..=52).contains(number));
                rule.interval = interval.ok_or_else(|| refused(part))?;
            }
            ("COUNT", number) => rule.count = Some(number.parse().map_err(|_| refused(part))?),
            ("UNTIL", until) => {
                let line =
                    Line { number: line, name: "UNTIL".to_owned(), parameters: Vec::new(), value: until.to_owned() };
                let whole_day = !until.contains('T');
                let until = start(&line, from.zone)?.instant();
                rule.until = Some(if whole_day { until.plus_seconds(86_399) } else { until });
            }
            ("BYDAY", days) => {
                for day in days.split(',') {
                    rule.days.push(weekday(day).ok_or_else(|| refused(part))?);
                }
            }
            // Weeks begin on Monday, as in the standard.
            ("WKST", "MO") => {}
            _ => return Err(refused(part)),
        }
    }
    if known { Ok(rule) } else { Err(refused(text)) }
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "MO" => Weekday::Mon,
        "TU" => Weekday::Tue,
        "WE" => Weekday::Wed,
        "TH" => Weekday::Thu,
        "FR" => Weekday::Fri,
        "SA" => Weekday::Sat,
        "SU" => Weekday::Sun,
        _ => return None,
    })
}

/// What was found, short enough to show.
fn shown(text: &str) -> String {
    let short: String = text.chars().filter(|character| !character.is_control()).take(60).collect();
    format!("\u{201c}{short}\u{201d}")
}
