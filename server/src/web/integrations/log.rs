//! One integration: how it stands, what was posted to it, each attempt, and posting it again.

use actix_web::web;
use askama::Template;
use domain::values::Moment;
use serde::Deserialize;
use uuid::Uuid;

use super::{event_words, format_words, standing, tested_news};
use crate::node::endpoints::{AttemptLine, PostKey, PostLine, PostState, REPLAYED_MAX, Replayed};
use crate::problem::Problem;
use crate::web::action::{ActionPage, News, refusal};
use crate::web::administration::administrator;
use crate::web::field::{Field, Tag};
use crate::web::form::{Form, Reading};
use crate::web::incidents::key;
use crate::web::page::{self, Answer, Chrome, Posted, Visit};
use crate::web::words;

/// Posts on one page of the log.
const SHOWN_MAX: usize = 50;

#[derive(Template)]
#[template(path = "integration.html")]
struct IntegrationPage {
    chrome: Chrome,
    id: Uuid,
    name: String,
    news: News,
    tag: Tag,
    paused: bool,
    facts: Vec<(&'static str, String)>,
    events: Vec<&'static str>,
    first: bool,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Row {
    id: Uuid,
    what: &'static str,
    at: String,
    tag: Tag,
    attempts: String,
    ended: bool,
}

/// Where the log starts.
#[derive(Debug, Default, Deserialize)]
pub(super) struct From {
    #[serde(default)]
    after: String,
}

/// `GET /integrations/{id}`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn show(visit: Visit, id: web::Path<Uuid>, from: web::Query<From>) -> Answer {
    administrator(&visit)?;
    overview(&visit, *id, key(&from.after), News::default()).await
}

async fn overview(visit: &Visit, id: Uuid, after: Option<PostKey>, news: News) -> Answer {
    let known = visit.node.integration(id).await?;
    let log = visit.node.posts(id, after, SHOWN_MAX).await?;
    let elapsed = visit.node.time().elapsed();
    let mut facts = vec![("Address", known.address.clone()), ("Takes", format_words(known.format).to_owned())];
    if !known.ranges.is_empty() {
        facts.push(("Private addresses admitted", known.ranges.join(", ")));
    }
    if let Some(until) = known.waits_until.filter(|until| elapsed < *until && !known.paused) {
        facts.push(("Next attempt", format!("in {}", words::length(until.seconds_since(elapsed)))));
    }
    if let Some(until) = known.overlap_until {
        let left = words::length(until.seconds_since(elapsed));
        facts.push(("Secret", format!("Replaced; the one before signs too for another {left}")));
    }
    facts.extend(visit.node.webhook_public_key().map(|key| ("Public key", key)));
    page::html(&IntegrationPage {
        chrome: visit.chrome(known.name.as_str(), "/administration"),
        id,
        news,
        tag: standing(&known, elapsed),
        paused: known.paused,
        facts,
        events: known.events.iter().map(|event| event_words(*event)).collect(),
        name: known.name,
        first: after.is_none(),
        rows: log.items.iter().map(|line| row(line, visit)).collect(),
        next: log.next.map(|(at, post)| format!("/integrations/{id}?after={}.{post}", at.micros())),
    })
}

fn row(line: &PostLine, visit: &Visit) -> Row {
    Row {
        id: line.id,
        what: event_words(line.event),
        at: visit.reader.near(line.queued_at),
        tag: state_tag(line.state),
        attempts: words::counted(i64::from(line.attempts), "attempt"),
        ended: matches!(line.state, PostState::Taken | PostState::Failed),
    }
}

fn state_tag(state: PostState) -> Tag {
    match state {
        PostState::Queued => Tag::blue("Waits to be sent"),
        PostState::Waiting => Tag::amber("Is tried again"),
        PostState::Taken => Tag::green("Taken"),
        PostState::Failed => Tag::red("Not taken"),
    }
}

/// `POST /integrations/{id}/test`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn test(posted: Posted, id: web::Path<Uuid>) -> Answer {
    let visit = posted.visit;
    let by = administrator(&visit)?;
    let tested = visit.node.test_integration(&by, *id).await?;
    overview(&visit, *id, None, tested_news(&tested)).await
}

/// `POST /integrations/{id}/replay`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn replay(posted: Posted, id: web::Path<Uuid>) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let ids: Vec<Uuid> = form.all("post").filter_map(|id| id.parse().ok()).collect();
    if ids.is_empty() {
        let news = News::failed("Nothing was ticked", "Nothing is sent again. Tick what is to be sent.");
        return overview(&visit, *id, None, news).await;
    }
    let replayed = visit.node.replay(&by, *id, ids).await?;
    overview(&visit, *id, None, News::done(replayed_words(replayed))).await
}

fn replayed_words(replayed: Replayed) -> String {
    let count = match i64::try_from(replayed.count).unwrap_or(i64::MAX) {
        0 => "Nothing of that has ended, so nothing is sent again.".to_owned(),
        1 => "One is sent again.".to_owned(),
        count => format!("{} are sent again.", words::grouped(count)),
    };
    if replayed.more {
        format!("{count} There are more: when these are sent, ask again from a later time.")
    } else {
        count
    }
}

async fn since_page(visit: &Visit, id: Uuid, form: &Form) -> Result<ActionPage, Problem> {
    let known = visit.node.integration(id).await?;
    let back = format!("/integrations/{id}");
    let heading = "Send again since a time";
    let chrome = visit.chrome(heading, "/administration");
    let mut page = ActionPage::new(chrome, heading, &known.name, back.clone(), format!("{back}/replay-since"));
    let most = words::grouped(i64::try_from(REPLAYED_MAX).unwrap_or(i64::MAX));
    page.paragraphs = vec![format!(
        "All that was posted to it since then is sent again, the oldest first, {most} at most. It keeps its id, so that a \
         program that has it already can tell. Tests, and what still waits, are left out."
    )];
    page.fields = vec![Field::moment(form, "since", "Since when?", visit.reader)];
    page.buttons = vec![("replay", "Send again", "")];
    Ok(page)
}

/// `GET /integrations/{id}/replay-since`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn since(visit: Visit, id: web::Path<Uuid>) -> Answer {
    administrator(&visit)?;
    since_page(&visit, *id, &Form::default()).await?.answer(Vec::new())
}

/// `POST /integrations/{id}/replay-since`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn replay_since(posted: Posted, id: web::Path<Uuid>) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let mut reading = Reading::new(&form, visit.reader);
    let since: Option<Moment> = reading.moment("since", "Give the day and the time");
    if since.is_some_and(|since| since > visit.now()) {
        reading.fault("since", "That time has not come yet");
    }
    let errors = reading.into_errors();
    let (Some(since), true) = (since, errors.is_empty()) else {
        return since_page(&visit, *id, &form).await?.answer(errors);
    };
    match visit.node.replay_since(&by, *id, since).await {
        Ok(replayed) => overview(&visit, *id, None, News::done(replayed_words(replayed))).await,
        Err(error) => since_page(&visit, *id, &form).await?.answer(refusal(error, "since-day")?),
    }
}

#[derive(Template)]
#[template(path = "integration_post.html")]
struct PostPage {
    chrome: Chrome,
    integration: Uuid,
    name: String,
    id: Uuid,
    what: &'static str,
    tag: Tag,
    facts: Vec<(&'static str, String)>,
    ended: bool,
    attempts: Vec<(String, String, String, String)>,
}

/// `GET /integrations/{id}/posts/{post}`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn one(visit: Visit, path: web::Path<(Uuid, Uuid)>) -> Answer {
    administrator(&visit)?;
    let (integration, id) = path.into_inner();
    let known = visit.node.integration(integration).await?;
    let (line, attempts) = visit.node.post(integration, id).await?;
    let mut facts = vec![("Queued", visit.reader.at(line.queued_at))];
    facts.extend(line.occasion.as_ref().map(|occasion| ("Happened", visit.reader.at(occasion.at))));
    facts.extend(line.done_at.map(|at| ("Ended", visit.reader.at(at))));
    facts.push(("Id", format!("msg_{}", line.id)));
    page::html(&PostPage {
        chrome: visit.chrome(event_words(line.event), "/administration"),
        integration,
        name: known.name,
        id,
        what: event_words(line.event),
        tag: state_tag(line.state),
        facts,
        ended: matches!(line.state, PostState::Taken | PostState::Failed),
        attempts: attempts.iter().map(|attempt| attempt_row(attempt, &visit)).collect(),
    })
}

fn attempt_row(attempt: &AttemptLine, visit: &Visit) -> (String, String, String, String) {
    let words = match attempt.outcome.as_str() {
        "accepted" => "Taken",
        "busy" => "Busy: tried again",
        "not_reached" => "Not reached",
        "misdirected" => "Not taken",
        _ => "Not understood",
    };
    let status = attempt.status.map_or_else(|| "None".to_owned(), |status| status.to_string());
    let took = format!("{} ms", words::grouped(i64::from(attempt.took_ms)));
    (visit.reader.at_second(attempt.at), words.to_owned(), status, took)
}
