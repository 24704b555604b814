//! The register as a paper: for a file that is printed, sent or kept as evidence, so many lines as people read.

use chrono_tz::Tz;
use domain::values::Moment;

use super::labels::{ICO, KINDS, STATES, label};
use super::{cause_label, kind_word};
use crate::documents::paper::{Mark, Orientation, Paper, Table};
use crate::store::queries::register::{Entry, Of, UNKNOWN};

/// Lines of one paper; the newest are in it.
pub const LINES_MAX: usize = 500;

/// What is printed beside the lines.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The filter in words; empty is everything.
    pub filter: Vec<String>,
    /// Whether there are more lines than are in it.
    pub more: bool,
    /// The filter asks for drills only.
    pub drills: bool,
    /// When it is printed.
    pub now: Moment,
    /// For people in this zone.
    pub zone: Tz,
}

/// These lines on a wide sheet. With nothing but drills in it every page says so; among others each drill's line does.
#[must_use]
pub fn paper(entries: &[Entry], asked: &Asked, organisation: &str) -> Paper {
    let mut paper =
        Paper::new("Register of incidents", organisation, asked.now, asked.zone).orientation(Orientation::Landscape);
    if asked.drills {
        paper = paper.mark(Mark::Exercise);
    }
    let filter =
        if asked.filter.is_empty() { "None: everything but exercises".to_owned() } else { asked.filter.join("; ") };
    let lines = match (asked.more, entries.len()) {
        (true, shown) => {
            format!("The newest {shown}; there are more, which are left out here. The CSV file has them all")
        }
        (false, shown) => format!("{shown}, which is all"),
    };
    let fact = |name: &str, value: String| (name.to_owned(), value);
    paper.facts(vec![
        fact("Filter", filter),
        fact("Lines", lines),
        fact("Times", format!("In the zone {}", asked.zone)),
    ]);
    if entries.is_empty() {
        paper.text("No entry is like that.");
        return paper;
    }
    let headings = [
        "Reference, exercise",
        "What happened",
        "State",
        "Aware",
        "Entered",
        "Cause",
        "How many people",
        "Report to the ICO",
    ];
    paper.table(Table {
        caption: "Entries, the newest first".to_owned(),
        headings: headings.map(str::to_owned).to_vec(),
        names_rows: true,
        rows: entries.iter().map(|entry| row(entry, asked.zone).to_vec()).collect(),
    });
    paper
}

fn row(entry: &Entry, zone: Tz) -> [String; 8] {
    let at = |at: Moment| at.to_chrono().with_timezone(&zone).format("%-d %b %Y\n%H:%M").to_string();
    let title = match (&entry.of, &entry.partner) {
        (Of::Notice(_), partner) => {
            format!("Notice from {}", partner.as_ref().map_or("a partner", |(_, name)| name.as_str()))
        }
        (Of::Incident(_), _) if entry.title.is_empty() => "Erased".to_owned(),
        (Of::Incident(_), _) => entry.title.clone(),
    };
    let mut state = format!("{}\n{}", label(&STATES, &entry.stage), label(&KINDS, kind_word(entry)));
    if entry.source == "imported" {
        state.push_str("\nFrom an earlier register");
    }
    let ended = entry.ico_ended_at.map(|ended| format!("\n{}", at(ended).replace('\n', " "))).unwrap_or_default();
    [
        if entry.exercise { format!("{}\nEXERCISE", entry.reference) } else { entry.reference.clone() },
        title,
        state,
        entry.aware_at.map(at).unwrap_or_default(),
        at(entry.at),
        match (&entry.ico_type, entry.cause.as_str()) {
            (Some(kind), _) => kind.label().to_owned(),
            (None, UNKNOWN) => String::new(),
            (None, cause) => cause_label(cause).to_owned(),
        },
        entry.people.map(|people| people.to_string()).unwrap_or_default(),
        format!("{}{ended}", label(&ICO, &entry.ico)),
    ]
}

/// What its file is named after.
#[must_use]
pub fn stem(asked: &Asked) -> String {
    let drill = if asked.drills { "EXERCISE-" } else { "" };
    format!("{drill}register-{}", asked.now.to_chrono().with_timezone(&asked.zone).format("%Y-%m-%d"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use chrono_tz::Europe::London;
    use domain::facts::IncidentKind;
    use domain::values::IncidentId;
    use uuid::Uuid;

    use super::*;
    use crate::documents::paper::Block;
    use crate::documents::print::{Format, print};

    fn entry(n: u128, exercise: bool) -> Entry {
        Entry {
            of: Of::Incident(IncidentId::from_uuid(Uuid::from_u128(n))),
            source: "own".to_owned(),
            reference: format!("TC-2026-{n:04}"),
            title: "A mailbox was open to somebody outside".to_owned(),
            kind: IncidentKind::Breach,
            stage: "active".to_owned(),
            exercise,
            at: Moment::parse("2026-03-03T02:10:00Z").unwrap(),
            aware_at: None,
            category: UNKNOWN.to_owned(),
            cause: UNKNOWN.to_owned(),
            natures: Vec::new(),
            data: Vec::new(),
            subjects: Vec::new(),
            people_band: "unknown".to_owned(),
            people: None,
            records: None,
            ico_type: None,
            cost: None,
            cost_estimated: None,
            services: 0,
            owed: 0,
            ico: "running".to_owned(),
            ico_due_at: None,
            ico_ended_at: None,
            report: "none".to_owned(),
            partner: None,
        }
    }

    fn asked(more: bool, drills: bool) -> Asked {
        let now = Moment::parse("2026-03-04T09:00:00Z").unwrap();
        Asked { filter: vec!["Open".to_owned()], more, drills, now, zone: London }
    }

    /// Aim: what is left out is said, drills are marked, and as many lines as there may be become a file.
    #[test]
    fn a_register_is_printed() {
        let organisation = "Example Council";
        let entries: Vec<Entry> = (0..LINES_MAX).map(|n| entry(n.try_into().unwrap(), n % 50 == 0)).collect();
        let made = paper(&entries, &asked(true, false), organisation);
        assert!(made.marks().is_empty(), "most of it has happened");
        let said = format!("{:?}", made.blocks());
        assert!(said.contains("The newest 500; there are more") && said.contains("TC-2026-0050\\nEXERCISE"), "{said}");
        let Some(Block::Table(table)) = made.blocks().last() else { panic!("a table") };
        assert_eq!((table.rows.len(), table.headings.len()), (LINES_MAX, 8));
        let file = print(&made, &stem(&asked(true, false)), Format::Pdf).unwrap();
        assert!(file.octets.starts_with(b"%PDF") && file.name == "register-2026-03-04.pdf");
        let drills = paper(&entries, &asked(false, true), organisation);
        assert_eq!(
            (drills.mark_words().as_str(), stem(&asked(false, true)).as_str()),
            ("EXERCISE", "EXERCISE-register-2026-03-04")
        );
        assert!(
            format!("{:?}", paper(&[], &asked(false, false), organisation).blocks()).contains("No entry is like that")
        );
    }
}
