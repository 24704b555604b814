//! Calendars (iCalendar, RFC 5545): a rota that enters, and deadlines that leave ([`mod@write`]).
//!
//! The reader is our own and strict, because a rota that is half understood calls nobody: what it does not know is named
//! with its line and refused, nothing is guessed. Events may repeat daily or weekly; they are expanded inside a bound and
//! never read without one. It takes no more of the format than a rota needs, in a few hundred lines that can't fail, which
//! is less to trust than a library for all of it.

pub mod write;

mod lines;
mod repeat;
#[cfg(test)]
mod tests;

use chrono_tz::Tz;
use domain::values::Moment;

use self::lines::Line;

/// The longest calendar that is read, in octets.
pub const CALENDAR_OCTETS_MAX: usize = 262_144;
/// Events in one calendar.
const EVENTS_MAX: usize = 1_000;
/// Shifts that one calendar comes to.
pub const SHIFTS_MAX: usize = 500;
/// Repetitions are expanded for so many days from now on.
pub const DAYS_AHEAD: i64 = 366;

/// One shift of a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The line at which its event begins; the first is 1.
    pub line: u32,
    /// Mail addresses of those who attend, or of the organiser.
    pub mailboxes: Vec<String>,
    /// Its title, in which somebody may be named.
    pub title: String,
    /// From this instant on.
    pub from: Moment,
    /// Until just before this one.
    pub until: Moment,
}

/// What can't be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line; the first is 1.
    pub line: u32,
    /// What is wrong with it, in a sentence without a full stop.
    pub message: String,
}

fn fault(line: u32, message: impl Into<String>) -> Fault {
    Fault { line, message: message.into() }
}

/// Reads a calendar: the shifts that end after `now` and begin within [`DAYS_AHEAD`] days, in order. Times without a zone
/// are read in `zone`.
///
/// # Errors
/// Every line that can't be taken.
pub fn parse(text: &str, zone: Tz, now: Moment) -> Result<Vec<Entry>, Vec<Fault>> {
    if text.len() > CALENDAR_OCTETS_MAX {
        return Err(vec![fault(1, "the calendar is longer than 256 KB")]);
    }
    let lines = lines::unfold(text).map_err(|fault| vec![fault])?;
    let mut lines = lines.into_iter();
    if !lines.next().is_some_and(|first| first.is("BEGIN", "VCALENDAR")) {
        return Err(vec![fault(1, "this is not a calendar: it does not begin with BEGIN:VCALENDAR")]);
    }
    let (mut entries, mut faults, mut events) = (Vec::new(), Vec::new(), 0_usize);
    let mut reading: Option<Event> = None;
    let mut inside: Vec<String> = Vec::new();
    for line in lines {
        let at = line.number;
        match line.name.as_str() {
            "BEGIN" if line.value.eq_ignore_ascii_case("VEVENT") && reading.is_none() && inside.is_empty() => {
                events += 1;
                if events > EVENTS_MAX {
                    faults.push(fault(at, "a calendar holds at most 1,000 events"));
                    break;
                }
                reading = Some(Event::new(at));
            }
            // Time zones are known by their names, alarms are ours: what is inside them is passed over.
            "BEGIN" => inside.push(line.value.to_ascii_uppercase()),
            "END" if inside.last().is_some_and(|last| *last == line.value.to_ascii_uppercase()) => {
                inside.pop();
            }
            "END" if line.value.eq_ignore_ascii_case("VEVENT") && inside.is_empty() => match reading.take() {
                Some(event) => match event.shifts(now) {
                    Ok(shifts) => entries.extend(shifts),
                    Err(found) => faults.push(found),
                },
                None => faults.push(fault(at, "an event ends that did not begin")),
            },
            "END" if line.value.eq_ignore_ascii_case("VCALENDAR") && inside.is_empty() && reading.is_none() => break,
            "END" => faults.push(fault(at, format!("{} ends that did not begin", line.value))),
            _ => {
                if let Some(event) = reading.as_mut().filter(|_| inside.is_empty())
                    && let Err(found) = event.take(&line, zone)
                {
                    faults.push(found);
                }
            }
        }
        if entries.len() > SHIFTS_MAX {
            faults.push(fault(at, "a calendar comes to at most 500 shifts in the year to come"));
            break;
        }
    }
    if faults.is_empty() && (reading.is_some() || !inside.is_empty()) {
        faults.push(fault(1, "the calendar is cut off: something in it begins and does not end"));
    }
    if faults.is_empty() && events == 0 {
        faults.push(fault(1, "there is no event in this calendar"));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    entries.sort_by_key(|entry: &Entry| (entry.from, entry.until, entry.line));
    Ok(entries)
}

/// An event as it is read.
struct Event {
    line: u32,
    from: Option<repeat::Start>,
    until: Option<repeat::End>,
    rule: Option<(u32, String)>,
    without: Vec<Moment>,
    attendees: Vec<String>,
    organiser: Option<String>,
    title: String,
    cancelled: bool,
}

impl Event {
    const fn new(line: u32) -> Self {
        Self {
            line,
            from: None,
            until: None,
            rule: None,
            without: Vec::new(),
            attendees: Vec::new(),
            organiser: None,
            title: String::new(),
            cancelled: false,
        }
    }

    fn take(&mut self, line: &Line, zone: Tz) -> Result<(), Fault> {
        match line.name.as_str() {
            "DTSTART" => self.from = Some(repeat::start(line, zone)?),
            "DTEND" => self.until = Some(repeat::End::At(repeat::start(line, zone)?)),
            "DURATION" => self.until = Some(repeat::End::After(repeat::duration(line)?)),
            "RRULE" => self.rule = Some((line.number, line.value.clone())),
            "EXDATE" => {
                for value in line.value.split(',') {
                    let one = Line { value: value.to_owned(), ..line.clone() };
                    self.without.push(repeat::start(&one, zone)?.instant());
                }
            }
            "RDATE" | "RECURRENCE-ID" => {
                return Err(fault(
                    line.number,
                    format!("{} is not taken: give that shift an event of its own", line.name),
                ));
            }
            "ATTENDEE" => self.attendees.extend(line.mailbox()),
            "ORGANIZER" => self.organiser = line.mailbox(),
            "SUMMARY" => self.title = line.text(),
            "STATUS" => self.cancelled = line.value.eq_ignore_ascii_case("CANCELLED"),
            // Everything else says nothing of who is on call when.
            _ => {}
        }
        Ok(())
    }

    fn shifts(self, now: Moment) -> Result<Vec<Entry>, Fault> {
        if self.cancelled {
            return Ok(Vec::new());
        }
        let from = self.from.ok_or_else(|| fault(self.line, "the event does not say when it begins (DTSTART)"))?;
        let until = self.until.ok_or_else(|| fault(self.line, "the event does not say when it ends (DTEND)"))?;
        let times = match &self.rule {
            Some((line, rule)) => repeat::expand(*line, rule, &from, &until, now)?,
            None => vec![from.times(&until)],
        };
        let mailboxes = if self.attendees.is_empty() { self.organiser.into_iter().collect() } else { self.attendees };
        let last = now.plus_seconds(DAYS_AHEAD * 86_400);
        let mut entries = Vec::new();
        for (from, until) in times {
            if until <= from {
                return Err(fault(self.line, "the event ends before it begins"));
            }
            if until > now && from < last && !self.without.contains(&from) {
                let (mailboxes, title) = (mailboxes.clone(), self.title.clone());
                entries.push(Entry { line: self.line, mailboxes, title, from, until });
            }
        }
        Ok(entries)
    }
}
