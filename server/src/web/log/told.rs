//! Who would be told, and by when, as far as the form says it yet.

use askama::Template;

use super::super::form::{self, Form};
use super::super::page::Visit;
use super::super::words::{self, counted};
use crate::node::endpoints::Told as Channel;
use crate::node::{LaneProof, Preview};
use crate::problem::Problem;

/// Partners named; further ones are counted.
const NAMED_MAX: usize = 20;

/// The side column.
#[derive(Template)]
#[template(path = "parts/told.html")]
pub(super) struct Told {
    /// "3 partners"; empty while the form does not say enough.
    head: String,
    due: String,
    partners: Vec<Line>,
    more: String,
    from: String,
    ico: String,
}

impl askama::filters::HtmlSafe for Told {}

struct Line {
    name: String,
    words: String,
}

/// What the form says so far.
pub(super) async fn of(visit: &Visit, form: &Form) -> Result<Told, Problem> {
    let services = super::services(form);
    let kind = super::kind(form.first("kind"));
    let Some(kind) = kind.filter(|_| !services.is_empty()) else {
        return Ok(Told {
            head: String::new(),
            due: String::new(),
            partners: Vec::new(),
            more: String::new(),
            from: String::new(),
            ico: String::new(),
        });
    };
    let aware = form::typed_moment(form, "aware", visit.reader).ok();
    let circumstances = form::typed_moment(form, "circumstances", visit.reader).ok();
    let awareness = match aware {
        Some(aware) => super::awareness(kind, aware, circumstances),
        None => domain::incident::Awareness { circumstances: None, breach: None },
    };
    let preview = visit.node.preview(kind, services, awareness).await?;
    Ok(told(&preview, visit))
}

fn told(preview: &Preview, visit: &Visit) -> Told {
    let reader = visit.reader;
    let elapsed = visit.node.time().elapsed();
    let number = i64::try_from(preview.partners.len()).unwrap_or(i64::MAX);
    let named = preview.partners.iter().take(NAMED_MAX);
    let partners = named
        .map(|partner| {
            let (by, proved) = match partner.told {
                Channel::Node | Channel::Hand => ("their node", "proven"),
                Channel::Webhook => ("their ticket system", "reached"),
                Channel::Mail => ("a link by e-mail", "last sent"),
            };
            let way = match partner.lane {
                LaneProof::Proven { at } => {
                    format!("{by}, {proved} {} ago", words::length(elapsed.seconds_since(at)))
                }
                LaneProof::Silent { since } => format!(
                    "{by}, silent for {}: a telephone number will be offered",
                    words::length(elapsed.seconds_since(since))
                ),
                LaneProof::Untried => format!("{by}, not tried yet"),
                LaneProof::NotPaired => "not paired: a person has to tell them".to_owned(),
            };
            let due = partner.due.filter(|due| Some(*due) != preview.notice_due);
            let words = due.map_or_else(|| way.clone(), |due| format!("{way}; by {}", reader.near(due)));
            Line { name: partner.name.to_string(), words }
        })
        .collect();
    let mut agreements: Vec<&str> =
        preview.partners.iter().flat_map(|partner| &partner.agreements).map(domain::values::Text::as_str).collect();
    agreements.sort_unstable();
    agreements.dedup();
    let more = number - i64::try_from(NAMED_MAX).unwrap_or(i64::MAX);
    Told {
        head: if number == 0 { "Nobody".to_owned() } else { counted(number, "partner") },
        due: preview.notice_due.map(|due| format!("by {}", reader.at(due))).unwrap_or_default(),
        partners,
        more: if more > 0 { format!("and {more} more") } else { String::new() },
        from: if agreements.is_empty() { String::new() } else { format!("From: {}.", agreements.join("; ")) },
        ico: match (preview.ico_due, preview.ico_legal_limit.filter(|limit| Some(*limit) != preview.ico_due)) {
            (_, _) if preview.processing => {
                "For these services we only process: the controller reports to the ICO, not we (Article 33(2))."
                    .to_owned()
            }
            (Some(due), Some(limit)) => {
                format!(
                    "ICO: report, or decide not to, by {}. The legal limit is {}.",
                    reader.at(due),
                    reader.near(limit)
                )
            }
            (Some(due), None) => format!("ICO: report, or decide not to, by {}.", reader.at(due)),
            (None, _) => String::new(),
        },
    }
}
