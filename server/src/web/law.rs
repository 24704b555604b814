//! The tables of law and guidance that the program counts and asks by: where each is from, when it holds, and what in it is
//! not verified. Everybody who reads may read it: whoever relies on a figure may ask where it is from.

use actix_web::web::{ServiceConfig, resource};
use askama::Template;
use chrono::{Days, NaiveDate};
use domain::clock_terms::{self, Duty, Length, Regime, Term};
use domain::law::Confidence;
use domain::law::tables::{self, Table};
use domain::validity::Validity;
use domain::working_time::{CalendarId, date_in};

use super::field::Tag;
use super::page::{self, Answer, Chrome, Visit};
use super::words::counted;

/// Bank holidays are warned of so long before the known ones end.
const WARN_DAYS: u64 = 366;

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/administration/law").get(show));
}

#[derive(Template)]
#[template(path = "law.html")]
struct LawPage {
    chrome: Chrome,
    warning: String,
    law: &'static str,
    terms: Vec<TermRow>,
    proposals: Vec<TermRow>,
    tables: Vec<TableRow>,
}

struct TermRow {
    duty: String,
    length: String,
    holds: String,
    provision: String,
    source: String,
    note: String,
    rule: Tag,
    dates: Tag,
}

struct TableRow {
    id: String,
    title: String,
    source: String,
    holds: String,
    tags: Vec<Tag>,
    unverified: Vec<String>,
}

/// `GET /administration/law`
///
/// # Errors
/// [`crate::problem::Problem`]
pub async fn show(visit: Visit) -> Answer {
    let today = date_in(visit.now(), &visit.node.zone());
    let law = visit.node.duties().law;
    page::html(&LawPage {
        chrome: visit.chrome("Law and guidance", "/administration"),
        warning: holidays_end(today).unwrap_or_default(),
        law: regime_words(law.regime()),
        terms: clock_terms::terms().iter().map(term_row).collect(),
        proposals: clock_terms::proposals().iter().map(term_row).collect(),
        tables: tables::tables().iter().map(table_row).collect(),
    })
}

/// A sentence within a year of the last day whose bank holidays are known, and after it.
pub(super) fn holidays_end(today: NaiveDate) -> Option<String> {
    let last = CalendarId::EnglandAndWales.calendar().validity().until?;
    let soon = today.checked_add_days(Days::new(WARN_DAYS)).is_none_or(|ahead| ahead > last);
    soon.then(|| {
        format!(
            "Bank holidays are known until {} only. Complaints whose promised answer falls later can’t be logged with a \
             promise: a newer version of this program is needed.",
            last.format("%-d %B %Y")
        )
    })
}

const fn regime_words(regime: Regime) -> &'static str {
    match regime {
        Regime::Agreement => "Agreement",
        Regime::Uk => "United Kingdom",
        Regime::Eu => "European Union",
        Regime::ServiceLevel => "Our promise",
    }
}

const fn duty_words(duty: Duty) -> &'static str {
    match duty {
        Duty::PartnerNotice => "tell a partner",
        Duty::PartnerAcknowledgement => "have a partner acknowledge",
        Duty::RegulatorReport => "report to the regulator",
        Duty::PeopleTold => "tell the people affected",
        Duty::ProcessorNotice => "as a processor, tell the controller",
        Duty::FollowUp => "follow the report up",
        Duty::ComplaintAcknowledgement => "acknowledge a complaint",
        Duty::ComplaintAnswer => "answer a complaint",
    }
}

fn length_words(length: &Length) -> String {
    match length {
        Length::ElapsedHours { hours } => format!("{} hours, one limit", hours.get()),
        Length::FullHours { hours } => {
            format!("{0} hours; by law {0} full hours from the next hour on", hours.get())
        }
        Length::Days { days } => format!("{} by date, weekends and holidays too", counted(i64::from(*days), "day")),
        Length::WorkingDays { days, .. } => counted(i64::from(*days), "working day"),
        Length::AsAgreed { usual } => format!("as agreed; usually {} hours", usual.get()),
        Length::NoStatutoryDeadline { words } => format!("no time: \u{201c}{words}\u{201d}"),
    }
}

fn holds(validity: Validity) -> String {
    let day = |day: NaiveDate| day.format("%-d %B %Y").to_string();
    match (validity.from, validity.until) {
        (Some(from), Some(until)) => format!("{} to {}", day(from), day(until)),
        (Some(from), None) => format!("From {}", day(from)),
        (None, Some(until)) => format!("Until {}", day(until)),
        (None, None) => "No days stated".to_owned(),
    }
}

fn sure(confidence: Confidence, what: &str) -> Tag {
    let words = format!("{what}: {}", confidence.word());
    match confidence {
        Confidence::Verified => Tag::green(words),
        Confidence::Secondary | Confidence::Derived => Tag::blue(words),
        Confidence::Unverified => Tag::red(words),
    }
}

fn term_row(term: &Term) -> TermRow {
    TermRow {
        duty: format!("{}: {}", regime_words(term.regime), duty_words(term.duty)),
        length: length_words(&term.length),
        holds: holds(term.validity),
        provision: term.provision.clone(),
        source: term.source.clone(),
        note: term.note.clone().unwrap_or_default(),
        rule: sure(term.confidence, "Rule"),
        dates: sure(term.confidence_dates, "Days"),
    }
}

fn table_row(table: &Table) -> TableRow {
    let counts = table.counts.iter().filter(|(_, count)| *count > 0);
    let lines = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let compared = if table.as_of.is_empty() { String::new() } else { format!(" Compared {}.", table.as_of) };
    TableRow {
        id: format!("t-{}", table.file),
        title: table.title.clone(),
        source: if table.source.is_empty() { "Each line names its own".to_owned() } else { table.source.clone() },
        holds: format!("{}.{compared}", holds(table.validity)),
        tags: counts.map(|(confidence, count)| sure(*confidence, &counted(lines(*count), "line"))).collect(),
        unverified: table
            .unverified
            .iter()
            .map(|line| match line.of.as_str() {
                "" => line.what.clone(),
                of => format!("{} ({of})", line.what),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Aim: the end of the known holidays is said a year ahead, and not before.
    #[test]
    fn holidays_are_warned_of_a_year_ahead() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(holidays_end(day("2029-12-30")), None);
        assert!(holidays_end(day("2029-12-31")).is_some_and(|said| said.contains("31 December 2030")));
        assert!(holidays_end(day("2031-06-01")).is_some());
    }
}
