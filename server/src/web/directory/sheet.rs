//! The frame and the parts of every page about records: rows of facts, tables, lists, versions. Something absent is
//! "Not stated", in the same words everywhere.

use std::collections::HashMap;

use askama::Template;
use chrono::NaiveDate;
use domain::arrangement::{OurRole, Trigger};
use domain::directory::{Key, PartyRole, RecordKind};
use domain::values::{Hours, Line, LongText};
use uuid::Uuid;

use super::edit::Edited;
use crate::problem::Problem;
use crate::store::queries::directory::{Stored, parties, services};
use crate::web::field::Tag;
use crate::web::page::{Chrome, Visit};
use crate::web::words;

/// Rows of one table on one page.
pub(super) const SHOWN_MAX: usize = 100;

/// A page about records.
#[derive(Template)]
#[template(path = "directory.html")]
pub(super) struct Sheet {
    /// The frame.
    pub chrome: Chrome,
    /// What was just done; empty when nothing was.
    pub done: &'static str,
    /// Address and words of the page above; empty for a list.
    pub back: (&'static str, &'static str),
    /// What it is: "Agreement".
    pub caption: &'static str,
    /// Its name.
    pub name: String,
    /// Its state.
    pub tags: Vec<Tag>,
    /// Sentences above everything else.
    pub paragraphs: Vec<String>,
    /// Addresses and words of what may be done, the main thing first.
    pub actions: Vec<(String, &'static str)>,
    /// Facts.
    pub rows: Vec<Row>,
    /// Lists with their headings.
    pub lists: Vec<(&'static str, Vec<String>)>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Every version, newest first; empty while nobody wrote one.
    pub versions: Vec<Version>,
    /// Further pages.
    pub links: Vec<(String, &'static str)>,
}

impl Sheet {
    /// An empty page with a name.
    pub(super) fn new(visit: &Visit, name: &str, here: &'static str) -> Self {
        Self {
            chrome: visit.chrome(name, here),
            done: "",
            back: ("", ""),
            caption: "",
            name: name.to_owned(),
            tags: Vec::new(),
            paragraphs: Vec::new(),
            actions: Vec::new(),
            rows: Vec::new(),
            lists: Vec::new(),
            tables: Vec::new(),
            versions: Vec::new(),
            links: Vec::new(),
        }
    }
}

/// One thing said, and where it leads; an empty address leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub words: String,
    pub href: String,
}

impl Said {
    pub(super) fn plain(words: impl Into<String>) -> Self {
        Self { words: words.into(), href: String::new() }
    }

    pub(super) fn link(words: impl Into<String>, href: String) -> Self {
        Self { words: words.into(), href }
    }
}

/// One fact: nothing said is "Not stated".
pub(super) struct Row {
    pub label: &'static str,
    pub values: Vec<Said>,
    /// Where it comes from, or why it is absent.
    pub from: String,
}

impl Row {
    pub(super) fn of(label: &'static str, values: Vec<Said>) -> Self {
        Self { label, values, from: String::new() }
    }

    pub(super) fn line(label: &'static str, value: Option<&Line>) -> Self {
        Self::of(label, value.map(|value| Said::plain(value.as_str())).into_iter().collect())
    }

    pub(super) fn text(label: &'static str, value: Option<&LongText>) -> Self {
        Self::of(label, value.map(|value| Said::plain(value.as_str())).into_iter().collect())
    }

    pub(super) fn lines(label: &'static str, values: &[Line]) -> Self {
        Self::of(label, values.iter().map(|value| Said::plain(value.as_str())).collect())
    }

    pub(super) fn date(label: &'static str, value: Option<NaiveDate>) -> Self {
        Self::of(label, value.map(|value| Said::plain(date_words(value))).into_iter().collect())
    }

    pub(super) fn words(label: &'static str, value: Option<impl Into<String>>) -> Self {
        Self::of(label, value.map(Said::plain).into_iter().collect())
    }

    pub(super) fn from(mut self, from: impl Into<String>) -> Self {
        self.from = from.into();
        self
    }
}

/// Rows of things beneath a heading.
pub(super) struct Table {
    pub heading: &'static str,
    /// Said above it, or in its place while it is empty.
    pub note: String,
    pub heads: Vec<&'static str>,
    pub rows: Vec<Vec<Cell>>,
    /// Where it goes on.
    pub more: Option<String>,
}

/// One cell.
pub(super) struct Cell {
    pub said: Vec<Said>,
    pub tag: Option<Tag>,
}

impl Cell {
    pub(super) fn plain(words: impl Into<String>) -> Self {
        Self { said: vec![Said::plain(words)], tag: None }
    }

    pub(super) fn link(words: impl Into<String>, href: String) -> Self {
        Self { said: vec![Said::link(words, href)], tag: None }
    }

    pub(super) const fn tag(tag: Tag) -> Self {
        Self { said: Vec::new(), tag: Some(tag) }
    }

    pub(super) fn said(said: Said) -> Self {
        Self { said: vec![said], tag: None }
    }

    /// A value, or the mark of a gap.
    pub(super) fn or_gap(said: Option<Said>) -> Self {
        said.map_or_else(|| Self::tag(Tag::amber("Not stated")), Self::said)
    }
}

/// One version of a record.
pub(super) struct Version {
    pub number: u32,
    pub at: String,
    pub digest: String,
    pub href: String,
    pub shown: bool,
}

/// The list of versions of a record at an address.
pub(super) fn versions<T>(all: &[Stored<T>], shown: u32, address: &str, visit: &Visit) -> Vec<Version> {
    all.iter()
        .map(|stored| Version {
            number: stored.version,
            at: visit.reader.at(stored.at),
            digest: stored.digest.to_string(),
            href: format!("{address}?version={}", stored.version),
            shown: stored.version == shown,
        })
        .collect()
}

/// The version asked for, or the newest.
pub(super) fn chosen<T>(all: &[Stored<T>], asked: Option<u32>) -> Result<&Stored<T>, Problem> {
    match asked {
        None => all.first(),
        Some(version) => all.iter().find(|stored| stored.version == version),
    }
    .ok_or(Problem::NotFound)
}

/// "Version 2", and a warning where it is an earlier one.
pub(super) fn version_tags<T>(all: &[Stored<T>], shown: u32) -> Vec<Tag> {
    let mut tags = Vec::new();
    if shown > 0 {
        tags.push(Tag::blue(format!("Version {shown}")));
    }
    if all.first().is_some_and(|newest| newest.version > shown) {
        tags.push(Tag::amber("An earlier version"));
    }
    tags
}

/// The address of the page of a record.
pub(super) fn address<R: Edited>(id: Uuid) -> String {
    format!("{}/{id}", R::PATH)
}

/// What keys stand for.
pub(super) struct Names(HashMap<(RecordKind, Key), (Uuid, Line)>);

impl Names {
    pub(super) async fn of(visit: &Visit) -> Result<Self, Problem> {
        let (parties, services) = visit.node.store().read(|rows| Ok((parties(rows)?, services(rows)?))).await?;
        let parties =
            parties.into_iter().map(|party| ((RecordKind::Party, party.record.key), (party.id, party.record.name)));
        let services = services
            .into_iter()
            .map(|service| ((RecordKind::Service, service.record.key), (service.id, service.record.name)));
        Ok(Self(parties.chain(services).collect()))
    }

    pub(super) fn party(&self, key: &Key) -> Said {
        self.said(RecordKind::Party, "/parties", key)
    }

    pub(super) fn service(&self, key: &Key) -> Said {
        self.said(RecordKind::Service, "/services", key)
    }

    pub(super) fn services(&self, keys: &[Key]) -> Vec<Said> {
        keys.iter().map(|key| self.service(key)).collect()
    }

    /// A party's key, `each` or `client`.
    pub(super) fn who(&self, who: &Line) -> Said {
        match who.as_str() {
            "each" => Said::plain("Each of them"),
            "client" => Said::plain("The client"),
            key => match key.parse() {
                Ok(key) => self.party(&key),
                Err(_) => Said::plain(key),
            },
        }
    }

    fn said(&self, kind: RecordKind, path: &str, key: &Key) -> Said {
        match self.0.get(&(kind, key.clone())) {
            Some((id, name)) => Said::link(name.as_str(), format!("{path}/{id}")),
            None => Said::plain(key.as_str()),
        }
    }
}

/// One page of many: sorted already, after the one with this id.
pub(super) fn page_of<T>(items: Vec<T>, after: Option<Uuid>, id: impl Fn(&T) -> Uuid) -> (Vec<T>, Option<Uuid>) {
    let from = after.and_then(|after| items.iter().position(|item| id(item) == after));
    let rest = items.len().saturating_sub(from.map_or(0, |at| at.saturating_add(1)));
    let shown: Vec<T> = items.into_iter().skip(from.map_or(0, |at| at.saturating_add(1))).take(SHOWN_MAX).collect();
    let next = if rest > SHOWN_MAX { shown.last().map(id) } else { None };
    (shown, next)
}

pub(super) fn date_words(date: NaiveDate) -> String {
    date.format("%-d %B %Y").to_string()
}

pub(super) fn hours_words(hours: Hours) -> String {
    words::counted(i64::from(hours.get()), "hour")
}

/// Hours, or that there are none.
pub(super) fn hours_cell(hours: Option<Hours>) -> Cell {
    hours.map_or_else(|| Cell::tag(Tag::grey("Not stated")), |hours| Cell::plain(hours_words(hours)))
}

pub(super) const fn role_words(role: PartyRole) -> &'static str {
    match role {
        PartyRole::JointController => "Joint controllers",
        PartyRole::SoleController => "Sole controller",
        PartyRole::IndependentController => "Independent controllers",
        PartyRole::Processor => "Controller and processor",
    }
}

/// What we are towards a partner.
pub(super) const fn our_role_words(role: OurRole) -> &'static str {
    match role {
        OurRole::JointController => "We decide together with them (Article 26)",
        OurRole::Controller => "They process for us (Article 28): we report to the ICO",
        OurRole::Processor => "We process for them (Article 28): we tell them, and they report to the ICO",
    }
}

pub(super) const fn trigger_words(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::BreachOrCircumstances => "A breach, or circumstances likely to lead to one",
        Trigger::BreachOnly => "A breach only",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aim: pages of a list follow each other without a gap or a repeat, and the last one has no next.
    #[test]
    fn pages_follow_each_other() {
        let all: Vec<Uuid> = (1..=250_u128).map(Uuid::from_u128).collect();
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let (page, next) = page_of(all.clone(), after, |id| *id);
            seen.extend(page);
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
        assert_eq!(page_of(all.iter().copied().take(SHOWN_MAX).collect(), None, |id| *id).1, None);
    }
}
