//! The joint decision on an incident: who leads, every partner's view beside the others, what was decided for all, and who
//! reported it. Asking, deciding and choosing have pages of their own (`forms`); so has relying on a partner's report
//! (`rely`) and giving our own view (`view`).

mod forms;
mod rely;
mod view;
pub(super) mod words;

use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use domain::arrangement::Lead;
use domain::incident::Incident;
use domain::incident::joint::{JointDecision, Why};
use domain::reliance::Standing;
use domain::values::{ExchangeId, IncidentId};
use serde::Deserialize;

use self::words::Names;
use super::field::Tag;
use super::page::{self, Answer, Chrome, Visit};
use super::standing;
use super::timeline;
use super::words::{Reader, counted, grouped};
use crate::access::Dpo;
use crate::problem::Problem;
use crate::store::queries::joint::{self, Asked as Said, Filed, FiledAbout, Side, SideKey};
use crate::store::queries::{Page, incidents, partners};

/// Partners on one page.
const SHOWN_MAX: usize = 50;
/// Partners whose reports are shown.
const FILED_MAX: usize = 10;

/// Every address of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/incidents/{id}/joint").get(show))
        .service(resource("/incidents/{id}/joint/lead").get(forms::lead::show).post(forms::lead::choose))
        .service(resource("/incidents/{id}/joint/ask").get(forms::ask::show).post(forms::ask::ask))
        .service(resource("/incidents/{id}/joint/decide").get(forms::decide::show).post(forms::decide::decide))
        .service(resource("/exchanges/{id}/rely/{message}").get(rely::show).post(rely::accept))
        .service(resource("/exchanges/{id}/view/{message}").get(view::show).post(view::give));
}

#[derive(Template)]
#[template(path = "joint.html")]
struct JointPage {
    chrome: Chrome,
    id: IncidentId,
    reference: String,
    done: &'static str,
    lead: String,
    /// Why, and whom the arrangements name.
    why: Vec<String>,
    may_choose: bool,
    may_ask: bool,
    may_decide: bool,
    may_not_decide: &'static str,
    standing: Option<Decided>,
    earlier: Vec<Decided>,
    filed: Vec<FiledLine>,
    filed_more: String,
    conflict: String,
    stays_ours: &'static str,
    relied: String,
    asked: Vec<String>,
    rows: Vec<Row>,
    next: Option<String>,
}

/// A decision of ours as the lead.
struct Decided {
    title: String,
    id: String,
    who: String,
    lines: [String; 2],
    reasons: String,
    views: String,
}

/// A report that a partner told us of.
pub(super) struct FiledLine {
    pub words: String,
    pub note: &'static str,
    /// Where it can be relied on, for those who may.
    pub rely: Option<String>,
}

/// One partner.
struct Row {
    name: String,
    href: String,
    asked: Tag,
    asked_small: String,
    says: Tag,
    view: Option<Shown>,
    decided: Option<Shown>,
    told: Option<Tag>,
}

/// Something that a partner said, signed.
struct Shown {
    text: String,
    who: String,
    href: String,
}

/// What the page is asked for.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    after: String,
    #[serde(default)]
    done: String,
}

fn key(text: &str) -> Option<SideKey> {
    let (partner, exchange) = text.split_once('.')?;
    Some((partner.parse().ok()?, exchange.parse().ok()?))
}

/// All that the page is made of.
struct Found {
    state: Incident,
    sides: Page<Side, SideKey>,
    filed: Vec<Filed>,
    filed_all: u32,
    names: Names,
}

async fn find(visit: &Visit, id: IncidentId, after: Option<SideKey>) -> Result<Found, Problem> {
    let found = visit
        .node
        .store()
        .read(move |rows| {
            let Some(state) = incidents::state(rows, id)? else { return Ok(None) };
            let (filed, filed_all) = joint::filed(rows, FiledAbout::Incident(id), FILED_MAX)?;
            let sides = joint::sides(rows, id, after, SHOWN_MAX)?;
            let named = named_partners(&state);
            let mut names = Names::with_capacity(named.len());
            for id in named {
                names.push((id, partners::name(rows, id)?));
            }
            Ok(Some(Found { state, sides, filed, filed_all, names }))
        })
        .await?;
    found.ok_or(Problem::NotFound)
}

/// Every partner that the chapter and the arrangements name: few, however many are owed a notice.
fn named_partners(state: &Incident) -> Vec<domain::values::PartnerId> {
    let named = state.named_leads().into_iter().filter_map(|named| named.lead);
    let decided = state.joint.decisions.iter().flat_map(|decision| [decision.reports.clone(), decision.tells.clone()]);
    let chosen = state.joint.chosen.as_ref().map(|chosen| chosen.lead.clone());
    let leads = named.chain(decided.flatten()).chain(chosen).filter_map(|lead| match lead {
        Lead::Partner { partner } => Some(partner),
        Lead::Us | Lead::Each | Lead::Named { .. } => None,
    });
    let relied = state.joint.reliance.as_ref().map(|relied| relied.reliance.partner);
    let mut all: Vec<_> = leads.chain(relied).collect();
    all.sort_unstable();
    all.dedup();
    all.truncate(NAMED_MAX);
    all
}

/// Partners that one page names as leads.
const NAMED_MAX: usize = 50;
/// Leads that arrangements name, listed one by one.
const NAMED_SHOWN: usize = 5;

/// `GET /incidents/{id}/joint`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, id: web::Path<IncidentId>, asked: web::Query<Asked>) -> Answer {
    let found = find(&visit, *id, key(&asked.after)).await?;
    let Found { state, sides, filed, filed_all, names } = &found;
    let reader = visit.reader;
    let officer = Dpo::of(&visit.person).is_some();
    let open = state.stage.is_open();
    let (lead, _) = state.leading();
    let mut decisions: Vec<Decided> =
        state.joint.decisions.iter().rev().map(|decision| decided(decision, names, reader)).collect();
    let standing = if decisions.is_empty() { None } else { Some(decisions.remove(0)) };
    let page = JointPage {
        chrome: visit.chrome(format!("Joint decision - {}", state.reference), "/incidents").exercise(state.exercise),
        id: *id,
        reference: state.reference.to_string(),
        done: match asked.done.as_str() {
            "lead" => "Who leads is on the record.",
            "asked" => "Every partner who knows of it is being asked, signed.",
            "decided" => "The decision is on the record. Every partner who knows of it is being told, signed.",
            "relied" => "On the record: we rely on their report. Our clock has ended.",
            _ => "",
        },
        lead: lead_sentence(&lead, names),
        why: why(state, names, reader),
        may_choose: open && officer,
        may_ask: open && officer && !sides.items.is_empty(),
        may_decide: open && officer && lead == Lead::Us,
        may_not_decide: if open && officer && lead != Lead::Us {
            "We do not lead, so we decide nothing for the others. Record first that we lead, if that is agreed."
        } else {
            ""
        },
        standing,
        earlier: decisions,
        filed: filed.iter().map(|filed| filed_line(filed, &visit, words::is_open(state))).collect(),
        filed_more: more(filed, *filed_all),
        conflict: words::conflict(filed, *filed_all),
        stays_ours: if words::is_open(state) && !filed.is_empty() { words::STAYS_OURS } else { "" },
        relied: state.joint.reliance.as_ref().map(|it| words::relied(it, names, reader)).unwrap_or_default(),
        asked: state.joint.asked.iter().rev().take(NAMED_SHOWN).map(|asked| asked_words(asked, reader)).collect(),
        rows: sides.items.iter().map(|side| row(side, reader)).collect(),
        next: sides.next.map(|(partner, exchange)| format!("/incidents/{id}/joint?after={partner}.{exchange}")),
    };
    page::html(&page)
}

fn more(filed: &[Filed], all: u32) -> String {
    let mut shown: Vec<ExchangeId> = filed.iter().map(|filed| filed.exchange).collect();
    shown.dedup();
    let rest = i64::from(all).saturating_sub(i64::try_from(shown.len()).unwrap_or(i64::MAX));
    if rest > 0 { format!("{} more told us that they reported it.", counted(rest, "partner")) } else { String::new() }
}

fn lead_sentence(lead: &Lead, names: &Names) -> String {
    match lead {
        Lead::Us => "We lead.".to_owned(),
        Lead::Each => "Nobody leads: each organisation reports for itself.".to_owned(),
        Lead::Partner { .. } => format!("{} leads.", words::who(lead, names)),
        Lead::Named { .. } => format!("The lead is {}.", words::who(lead, names)),
    }
}

/// Why somebody leads, and whom the arrangements name.
fn why(state: &Incident, names: &Names, reader: Reader) -> Vec<String> {
    let mut lines = Vec::new();
    match (state.leading().1, &state.joint.chosen) {
        (Why::Chosen, Some(chosen)) => lines.push(format!(
            "Recorded for this incident by {} at {}: {}",
            timeline::who(&chosen.by),
            reader.at(chosen.at),
            chosen.reason
        )),
        (Why::Named, _) => lines.push("So say the arrangements, as they stood when it was logged.".to_owned()),
        (Why::SeveralNamed, _) => {
            lines.push("The arrangements, as they stood when it was logged, name several.".to_owned());
        }
        (Why::NobodyNamed | Why::Chosen, _) => {
            lines.push("No arrangement, as it stood when it was logged, names anybody.".to_owned());
        }
    }
    let named = state.named_leads();
    if named.len() > 1 || state.joint.chosen.is_some() {
        lines.extend(named.iter().take(NAMED_SHOWN).map(|named| {
            let many = counted(i64::from(named.arrangements), "arrangement");
            match &named.lead {
                Some(lead) => format!("{many}: {}.", words::who(lead, names)),
                None => format!("{many}: nobody is named."),
            }
        }));
        if named.len() > NAMED_SHOWN {
            let rest = i64::try_from(named.len().saturating_sub(NAMED_SHOWN)).unwrap_or(i64::MAX);
            lines.push(format!("{} more are named.", grouped(rest)));
        }
    }
    lines
}

fn decided(decision: &JointDecision, names: &Names, reader: Reader) -> Decided {
    let many = i64::try_from(decision.views.len()).unwrap_or(i64::MAX);
    Decided {
        title: format!("Decision {}", decision.number),
        id: format!("decision-{}", decision.number),
        who: format!("{}, {}", timeline::who(&decision.by), reader.at(decision.at)),
        lines: words::decided(decision, names),
        reasons: decision.reasons.to_string(),
        views: match many {
            0 => "No partner\u{2019}s view was considered.".to_owned(),
            many => format!("Considered: {} of partners.", counted(many, "view")),
        },
    }
}

pub(super) fn filed_line(filed: &Filed, visit: &Visit, open: bool) -> FiledLine {
    let may = open && filed.standing == Standing::Stands && Dpo::of(&visit.person).is_some();
    FiledLine {
        words: words::filed(filed, visit.reader),
        note: words::note(filed.standing),
        rely: may.then(|| format!("/exchanges/{}/rely/{}", filed.exchange, filed.message)),
    }
}

fn asked_words(asked: &domain::incident::joint::ViewsAsked, reader: Reader) -> String {
    let due = asked.due.map(|due| format!(", for {}", reader.at(due))).unwrap_or_default();
    format!("{} asked at {}{due}.", timeline::who(&asked.by), reader.at(asked.at))
}

fn row(side: &Side, reader: Reader) -> Row {
    let thread = format!("/exchanges/{}/messages", side.exchange);
    let shown = |view: &joint::View| Shown {
        text: view.said.text.to_string(),
        who: format!(
            "{}, {}, {}",
            view.said.name,
            standing::role_words(view.said.role.as_str()),
            reader.near(view.said.at)
        ),
        href: format!("{thread}#m-{}", view.said.message),
    };
    let late = side.asked.as_ref().and_then(|asked| asked.due).is_some_and(|due| due < reader.now());
    let asked = match (&side.asked, &side.view) {
        (_, Some(_)) => Tag::green("View given"),
        (None, None) => Tag::grey("Not asked"),
        (Some(_), None) if late => Tag::red("No view yet: overdue"),
        (Some(_), None) => Tag::amber("No view yet"),
    };
    Row {
        name: side.partner_name.clone(),
        href: thread.clone(),
        asked,
        asked_small: side.asked.as_ref().map(|asked| asked_small(asked, reader)).unwrap_or_default(),
        says: side.stance.map_or_else(|| Tag::grey("Nobody has said"), standing::stance_tag),
        view: side.view.as_ref().map(shown),
        decided: side.decided.as_ref().map(shown),
        told: side.told.as_ref().map(carried),
    }
}

fn asked_small(asked: &Said, reader: Reader) -> String {
    let due = asked.due.map(|due| format!(", due {}", reader.near(due))).unwrap_or_default();
    let stands = match asked.carried.as_str() {
        "receipted" => "delivered",
        "accepted" => "accepted, not proven",
        _ => "not delivered",
    };
    format!("Asked {}{due}; {stands}", reader.near(asked.at))
}

fn carried(told: &Said) -> Tag {
    match told.carried.as_str() {
        "receipted" => Tag::green("Decision delivered"),
        "accepted" => Tag::blue("Decision accepted, not proven"),
        _ => Tag::amber("Decision not delivered"),
    }
}
