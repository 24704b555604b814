//! Notices received: what partners told us, how that was proven, our clock, our answer, and the way to an incident of ours.

use actix_web::web;
use askama::Template;
use domain::clock::{Clock, ClockKind, ClockState};
use domain::exchange::{Phase, Stance};
use domain::incident::WithdrawalReason;
use domain::values::{ExchangeId, Line as LineText};
use serde::Deserialize;

use super::clock::ClockPart;
use super::field::{Field, Summary, Tag};
use super::form::{FieldError, Form, Reading};
use super::incidents::key;
use super::joint::{self, FiledLine};
use super::messages::{self, Thread};
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::standing::{self, Standing};
use super::timeline::{self, Line};
use super::{action, clocks};
use crate::access::Responder;
use crate::node::received::{FactValue, ReceivedNotice, ReceivedRevision, SignatureResult};
use crate::problem::Problem;
use crate::store::queries;
use crate::store::queries::clocks::{Filter, Group};
use crate::store::queries::exchanges::{self, Listed};
use crate::store::queries::first_hour::is_paired;
use crate::store::queries::joint::{Filed, FiledAbout};

/// Notices on one page.
const SHOWN_MAX: usize = 30;
/// ICO clocks of notices received that are looked through for the one of a page.
const CLOCKS_MAX: usize = 500;

#[derive(Template)]
#[template(path = "received_list.html")]
struct ListPage {
    chrome: Chrome,
    paired: bool,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Row {
    href: String,
    sender: String,
    reference: String,
    kind: &'static str,
    received: String,
    tags: Vec<Tag>,
    due: String,
}

/// Where the list starts, and what was done.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    before: String,
    #[serde(default)]
    done: String,
}

/// `GET /received`
///
/// # Errors
/// [`Problem`]
pub async fn list(visit: Visit, asked: web::Query<Asked>) -> Answer {
    let before = key::<ExchangeId>(&asked.before);
    let (found, paired) = visit
        .node
        .store()
        .read(move |rows| Ok((exchanges::received(rows, before, SHOWN_MAX)?, is_paired(rows)?)))
        .await?;
    let page = ListPage {
        chrome: visit.chrome("Notices received", "/received"),
        paired,
        rows: found.items.iter().map(|notice| row(notice, &visit)).collect(),
        next: found.next.map(|(at, id)| format!("/received?before={}.{id}", at.micros())),
    };
    page::html(&page)
}

fn row(notice: &Listed, visit: &Visit) -> Row {
    let mut tags = Vec::new();
    if notice.exercise {
        tags.push(Tag::amber("EXERCISE"));
    }
    if notice.withdrawn.is_some() {
        tags.push(Tag::grey("Withdrawn"));
    }
    tags.push(notice.stance.map_or_else(|| Tag::amber("Nobody has read it"), standing::stance_tag));
    if notice.incident.is_some() {
        tags.push(Tag::blue("Our own incident"));
    }
    let clock = standing::clock(notice, ClockKind::IcoReport).filter(|clock| clock.open);
    Row {
        href: format!("/received/{}", notice.id),
        sender: notice.partner_name.clone(),
        reference: notice.reference.clone(),
        kind: standing::kind_words(notice.kind),
        received: visit.reader.near(notice.opened_at),
        tags,
        due: clock.map(|clock| visit.reader.near(clock.due)).unwrap_or_default(),
    }
}

#[derive(Template)]
#[template(path = "received.html")]
struct ReceivedPage {
    chrome: Chrome,
    summary: Summary,
    id: ExchangeId,
    sender: String,
    issuer: String,
    reference: String,
    title: String,
    done: String,
    tags: Vec<Tag>,
    may_act: bool,
    may_answer: bool,
    /// They ask us to delete it and to say so.
    deletable: bool,
    incident: String,
    current: Option<Version>,
    earlier: Vec<Version>,
    clock: Vec<ClockPart>,
    their_clock: String,
    answers: Vec<Standing>,
    fields: Vec<Field>,
    lines: Vec<Line>,
    thread: Thread,
    filed: Vec<FiledLine>,
    relied: String,
}

struct Version {
    title: String,
    id: String,
    received: String,
    signature: Tag,
    signature_words: String,
    groups: Vec<(String, Vec<(String, String)>)>,
    missing: String,
}

struct Found {
    notice: ReceivedNotice,
    group: Option<Group>,
    lines: Vec<Line>,
    thread: Thread,
    filed: Vec<Filed>,
}

async fn find(visit: &Visit, id: ExchangeId) -> Result<Found, Problem> {
    let notice = visit.node.received(id).await?;
    let partner = Some(notice.partner);
    let (groups, told, (filed, _)) = visit
        .node
        .store()
        .read(move |rows| {
            let filter = Filter { kind: Some(ClockKind::IcoReport), partner, incident: None };
            let (groups, _) = queries::clocks::pressing(rows, filter, CLOCKS_MAX)?;
            let filed = queries::joint::filed(rows, FiledAbout::Exchange(id), 1)?;
            Ok((groups, queries::incidents::timeline(rows, id.uuid(), None, 40)?, filed))
        })
        .await?;
    let group = groups.into_iter().find(|group| group.exchange == Some(id));
    let thread = messages::thread(visit, id).await?;
    Ok(Found { notice, group, lines: timeline::lines(&told.items, visit.reader), thread, filed })
}

/// `GET /received/{exchange}`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, id: web::Path<ExchangeId>, asked: web::Query<Asked>) -> Answer {
    let found = find(&visit, *id).await?;
    shown(&visit, found, &asked.done, &Form::default(), Vec::new())
}

fn shown(visit: &Visit, found: Found, done: &str, form: &Form, errors: Vec<FieldError>) -> Answer {
    let Found { notice, group, lines, thread, filed } = found;
    let open = notice.ico_clock.as_ref().is_some_and(Clock::is_open);
    let names = [(notice.partner, notice.sender.to_string())];
    let mut versions: Vec<Version> = notice.versions.iter().map(|version| shown_version(version, visit)).collect();
    let current = if versions.is_empty() { None } else { Some(versions.remove(0)) };
    let title = notice.versions.iter().find(|version| !version.title.is_empty()).map(|version| version.title.clone());
    let title = title.unwrap_or_else(|| "Notice received".to_owned());
    let groups: Vec<Group> = group.into_iter().collect();
    // A notice that was meant for another is answered once more: that it was deleted.
    let deletable = notice.withdrawn == Some(WithdrawalReason::WrongRecipient);
    let page_title = super::log::title(&format!("{title} - {}", notice.sender), &errors);
    let page = ReceivedPage {
        chrome: visit.chrome(page_title, "/received").exercise(notice.exercise),
        id: notice.exchange,
        sender: notice.sender.to_string(),
        issuer: notice.issuer.clone(),
        reference: notice.reference.to_string(),
        title,
        done: done_words(done, &notice),
        filed: filed.iter().map(|filed| joint::filed_line(filed, visit, open)).collect(),
        relied: notice.relied.as_ref().map(|it| joint::words::relied(it, &names, visit.reader)).unwrap_or_default(),
        tags: tags(&notice),
        may_act: Responder::of(&visit.person).is_some(),
        may_answer: notice.withdrawn.is_none() || deletable,
        deletable,
        incident: notice.incident.map(|incident| format!("/incidents/{incident}")).unwrap_or_default(),
        current,
        earlier: versions,
        clock: clocks::parts(&groups, visit, &format!("/received/{}", notice.exchange)),
        their_clock: notice.notice_clock.as_ref().map(|clock| their_clock(clock, visit)).unwrap_or_default(),
        answers: notice.acknowledgements.iter().rev().map(|said| standing::we_said(said, visit.reader)).collect(),
        fields: vec![
            Field::radios(
                form,
                "stance",
                "Where do we stand?",
                [
                    ("assessing", "Looking: we do not know yet"),
                    ("affected", "Affected: people of ours are concerned"),
                    ("not_affected", "Not affected"),
                ],
            )
            .faults(&errors),
            Field::line(form, "reference", "Our own reference").hint("May stay empty.").faults(&errors),
        ]
        .into_iter()
        .chain(deletable.then(|| deletion(form)))
        .collect(),
        lines,
        thread,
        summary: Summary { errors },
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}

fn done_words(word: &str, notice: &ReceivedNotice) -> String {
    match word {
        "1" => format!("Acknowledged. {} will be told, signed.", notice.sender),
        "relied" => "On the record: we rely on their report. Our clock has ended.".to_owned(),
        _ => String::new(),
    }
}

/// Asked when the notice was meant for another (protocol §6).
fn deletion(form: &Form) -> Field {
    Field::checks(
        form,
        "deleted",
        "They ask us to delete it",
        [("yes", "We have deleted every copy outside this node")],
    )
    .hint("It was meant for another. The record here is erased by an administrator.")
}

fn tags(notice: &ReceivedNotice) -> Vec<Tag> {
    let mut tags = Vec::new();
    if notice.exercise {
        tags.push(Tag::amber("EXERCISE"));
    }
    if let Some(reason) = notice.withdrawn {
        tags.push(Tag::grey(format!("Withdrawn: {}", timeline::withdrawal(reason))));
    }
    tags.push(match notice.acknowledgements.last() {
        Some(said) => standing::stance_tag(said.stance),
        None => Tag::amber("Nobody has read it"),
    });
    tags
}

fn shown_version(version: &ReceivedRevision, visit: &Visit) -> Version {
    let phase = match version.phase {
        Phase::Initial => "first notice",
        Phase::Update => "update",
        Phase::Final => "last update",
        Phase::Withdrawal => "withdrawal",
    };
    let (signature, words) = match version.signature {
        SignatureResult::Verified => (Tag::green("Signature verified"), format!("with their key {}", version.kid)),
        SignatureResult::KeyRevokedSince => (
            Tag::amber("Key revoked since"),
            format!("It verified when it came; their key {} has been revoked since", version.kid),
        ),
        SignatureResult::Erased => {
            (Tag::grey("Erased"), "The contents were erased; the record that it came remains".to_owned())
        }
        SignatureResult::Broken => {
            (Tag::red("Signature does not verify"), "Do not rely on it. Tell your administrator".to_owned())
        }
    };
    let shown = |value: &FactValue| match value {
        FactValue::Text(text) => text.clone(),
        FactValue::Instant(at) => visit.reader.at(*at),
        FactValue::NotYetKnown => String::new(),
    };
    Version {
        title: format!("Version {}, {phase}", version.revision),
        id: format!("v-{}", version.message.uuid().simple()),
        received: visit.reader.at_second(version.received_at),
        signature,
        signature_words: words,
        groups: version
            .groups
            .iter()
            .map(|group| {
                let facts = group.facts.iter().map(|(label, value)| ((*label).to_owned(), shown(value))).collect();
                (group.title.to_owned(), facts)
            })
            .collect(),
        missing: version.missing.join(", "),
    }
}

/// "Their own clock to tell us: met, in time."
fn their_clock(clock: &Clock, visit: &Visit) -> String {
    let due = visit.reader.at(clock.due());
    match &clock.state {
        ClockState::Met { at, .. } => format!("They told us in time: at {}, due {due}.", visit.reader.at(*at)),
        ClockState::MetLate { at, .. } => format!("They told us late: at {}, due {due}.", visit.reader.at(*at)),
        ClockState::Running | ClockState::Overdue | ClockState::NotRequired { .. } => {
            format!("They had to tell us by {due}.")
        }
    }
}

/// `POST /received/{exchange}/acknowledge`
///
/// # Errors
/// [`Problem`]
pub async fn acknowledge(posted: Posted, id: web::Path<ExchangeId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = super::log::responder(&visit)?;
    let mut reading = Reading::new(&form, visit.reader);
    let stance = reading.choice("stance", Stance::from_word, "Say where we stand");
    let reference: Option<LineText> = reading.optional_text("reference");
    let mut errors = reading.into_errors();
    if let Some(stance) = stance.filter(|_| errors.is_empty()) {
        let said = if form.has("deleted", "yes") {
            visit.node.acknowledge_deleted(&by, *id, stance, reference).await
        } else {
            visit.node.acknowledge(&by, *id, stance, reference).await
        };
        match said {
            Ok(()) => return Ok(page::see_other(&format!("/received/{id}?done=1"))),
            Err(error) => errors = action::refusal(error, "stance")?,
        }
    }
    let found = find(&visit, *id).await?;
    shown(&visit, found, "", &form, errors)
}
