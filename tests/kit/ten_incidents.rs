//! Ten incidents as they happen to councils and those who work for them: facts, what people know beside them, and what was
//! decided and why. No real people, places or organisations.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Europe::London;
use serde::Deserialize;
use serde_json::{Map, Value};

/// One of them, as a person types it into pages.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealisticIncident {
    /// A short name of its own.
    pub key: String,
    /// In a few words.
    pub title: String,
    /// `breach`.
    pub kind: String,
    began_hours_ago: i64,
    ended_hours_ago: Option<i64>,
    aware_hours_ago: i64,
    /// Whether it is reported to the regulator.
    pub report: bool,
    /// What is decided about telling people, as the form's option.
    pub people: String,
    /// The public communication in place of telling each, where there is one.
    pub public_communication: Option<String>,
    /// Why it is reported, or not.
    pub why_report: String,
    /// Why people are told, or not.
    pub why_people: String,
    /// Why it happened.
    pub root_cause: String,
    /// The ICO's type of incident.
    pub cause_type: String,
    /// What is to be done so that it does not happen again.
    pub action: String,
    asked: BTreeMap<String, String>,
    risk: String,
    high: Option<String>,
    recognised: BTreeMap<String, String>,
    circumstances: BTreeMap<String, String>,
    facts: Map<String, Value>,
}

/// Field names and values of a form.
pub type Typed = Vec<(String, String)>;

/// All ten.
///
/// # Panics
/// When the file is not what it should be.
#[must_use]
pub fn ten_incidents() -> Vec<RealisticIncident> {
    let found: Vec<RealisticIncident> =
        serde_json::from_str(include_str!("ten_incidents.json")).expect("ten incidents");
    assert_eq!(found.len(), 10);
    found
}

/// An instant as people type it, in UK time.
fn moment(typed: &mut Typed, name: &str, at: DateTime<Utc>) {
    let local = at.with_timezone(&London);
    for (part, format) in [("day", "%-d"), ("month", "%-m"), ("year", "%Y"), ("time", "%H:%M")] {
        typed.push((format!("{name}-{part}"), local.format(format).to_string()));
    }
}

impl RealisticIncident {
    /// What is typed to log it.
    #[must_use]
    pub fn logged(&self, now: DateTime<Utc>) -> Typed {
        let ago = |hours: i64| now - Duration::hours(hours);
        let mut typed = vec![("title".to_owned(), self.title.clone()), ("kind".to_owned(), self.kind.clone())];
        typed.push(("occurred".to_owned(), "exact".to_owned()));
        moment(&mut typed, "occurred-from", ago(self.began_hours_ago));
        if let Some(hours) = self.ended_hours_ago {
            moment(&mut typed, "occurred-to", ago(hours));
        }
        moment(&mut typed, "aware", ago(self.aware_hours_ago));
        for (name, value) in &self.facts {
            match value.get("known").unwrap_or(value) {
                Value::String(text) => typed.push((name.clone(), text.clone())),
                Value::Array(options) => {
                    typed.extend(
                        options.iter().filter_map(Value::as_str).map(|option| (name.clone(), option.to_owned())),
                    );
                }
                Value::Object(count) => {
                    for (member, field) in [("value", ""), ("max", "-max"), ("basis", "-basis")] {
                        let text = count.get(member).map(|value| value.to_string().trim_matches('"').to_owned());
                        typed.extend(text.map(|text| (format!("{name}{field}"), text)));
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) => panic!("{name}: {value}"),
            }
        }
        typed
    }

    /// What is typed to assess it.
    #[must_use]
    pub fn assessed(&self) -> Typed {
        let mut typed: Typed = self.asked.clone().into_iter().collect();
        for (identifier, ease) in &self.recognised {
            typed.push((format!("ease-{identifier}"), ease.clone()));
            typed.push((format!("why-{identifier}"), "The data name it, or let it be looked up.".to_owned()));
        }
        for (part, chosen) in &self.circumstances {
            typed.push((part.clone(), chosen.clone()));
            typed.push((format!("why-{part}"), self.root_cause.clone()));
        }
        let mut answer = |question: &str, answer: &str, why: &str| {
            typed.push((format!("q-{question}"), answer.to_owned()));
            typed.push((format!("why-q-{question}"), why.to_owned()));
        };
        answer("personal_data", "yes", "The data are about living people.");
        answer("breach", "yes", "It is not in doubt that it happened.");
        answer("risk", &self.risk, &self.why_report);
        if let Some(high) = &self.high {
            answer("high_risk", high, &self.why_people);
        }
        typed
    }

    /// How many people are affected, as far as it is known.
    ///
    /// # Panics
    /// When its facts do not say.
    #[must_use]
    pub fn people_affected(&self) -> u64 {
        self.facts["data_subjects"]["known"]["value"].as_u64().expect("a count of people")
    }

    /// What the assessment has to suggest about the report.
    #[must_use]
    pub const fn suggestion(&self) -> &'static str {
        if self.report { "We suggest reporting it to the ICO" } else { "We suggest that it need not be reported" }
    }
}
