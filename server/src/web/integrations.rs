//! Our own integrations: which programs hear of what, what was posted to them, a test, and posting again.

mod log;

use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use domain::values::{Line, Moment};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::action::{ActionPage, News, refusal};
use super::administration::administrator;
use super::field::{Field, Tag};
use super::form::{FieldError, Form, Reading};
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::people::ShownOnce;
use super::words;
use crate::node::DoorError;
use crate::node::endpoints::{EndpointView, Format, Integration, Subscribed, Tested, WebhookAddress};
use crate::problem::Problem;

/// Every address of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/integrations").get(list))
        .service(resource("/integrations/new").get(new).post(add))
        .service(resource("/integrations/{id}").get(log::show))
        .service(resource("/integrations/{id}/edit").get(edit).post(save))
        .service(resource("/integrations/{id}/test").post(log::test))
        .service(resource("/integrations/{id}/secret").get(ask_secret).post(replace_secret))
        .service(resource("/integrations/{id}/pause").post(pause))
        .service(resource("/integrations/{id}/resume").post(resume))
        .service(resource("/integrations/{id}/remove").get(removal).post(remove))
        .service(resource("/integrations/{id}/replay").post(log::replay))
        .service(resource("/integrations/{id}/replay-since").get(log::since).post(log::replay_since))
        .service(resource("/integrations/{id}/posts/{post}").get(log::one));
}

/// An event in plain words.
pub(super) const fn event_words(event: Subscribed) -> &'static str {
    match event {
        Subscribed::IncidentLogged => "An incident was logged",
        Subscribed::ClockStep => "A clock reached a step before it is due",
        Subscribed::ClockOverdue => "A clock is overdue",
        Subscribed::NoticeReceived => "A partner sent us a notice",
        Subscribed::Receipt => "A partner\u{2019}s node signed for our notice",
        Subscribed::Acknowledgement => "A person at a partner has read our notice",
        Subscribed::ReportDue => "The report to the ICO came closer to its due time",
        Subscribed::Test => "A test",
    }
}

const fn format_words(format: Format) -> &'static str {
    match format {
        Format::Standard => "Standard Webhooks: JSON for programs",
        Format::Slack => "Slack: a message in a channel",
        Format::Teams => "Microsoft Teams: a card in a channel",
    }
}

/// What came of a test.
pub(super) fn tested_news(tested: &Tested) -> News {
    let words = tested_words(tested);
    if tested.taken { News::done(words) } else { News::failed("The test failed", words) }
}

fn tested_words(tested: &Tested) -> String {
    let took = format!("after {} ms", words::grouped(i64::from(tested.took_ms)));
    match (tested.taken, tested.status) {
        (true, Some(status)) => format!("The test was taken: the server answered {status} {took}."),
        (true, None) => format!("The test was taken {took}."),
        (false, Some(status)) => format!("The test was not taken: the server answered {status} {took}."),
        (false, None) => format!("The test did not get through. {}", tested.detail.unwrap_or_default()),
    }
}

/// The fields of a webhook's address.
pub(super) fn address_fields(form: &Form) -> Vec<Field> {
    vec![
        Field::line(form, "url", "Address").hint("Where it takes webhooks, such as https://tickets.council.example/hook"),
        Field::checks(form, "port", "Another port", [("1", "The port in the address is right although it is not 443")]),
        Field::area(form, "ranges", "Private addresses to admit")
            .hint("Only for a server on a private network that you share: one range per line, like 10.1.0.0/16. Else leave it empty."),
    ]
}

/// What was typed into them.
pub(super) fn typed_address(form: &Form) -> WebhookAddress {
    let lines = form.first("ranges").lines().map(str::trim).filter(|line| !line.is_empty());
    WebhookAddress {
        url: form.first("url").to_owned(),
        other_port: form.has("port", "1"),
        ranges: lines.map(str::to_owned).collect(),
    }
}

/// Puts a known address into them.
pub(super) fn fill_address(form: &mut Form, endpoint: &EndpointView) {
    form.set("url", endpoint.address.as_str());
    form.set("ranges", endpoint.ranges.join("\n"));
    if endpoint.port.is_some() {
        form.set("port", "1");
    }
}

#[derive(Template)]
#[template(path = "integrations.html")]
struct ListPage {
    chrome: Chrome,
    rows: Vec<Row>,
}

struct Row {
    id: Uuid,
    name: String,
    format: &'static str,
    events: String,
    tag: Tag,
}

/// How an integration stands, in a tag.
fn standing(endpoint: &EndpointView, elapsed: Moment) -> Tag {
    match (endpoint.paused, endpoint.failed_since) {
        (true, _) => Tag::grey("Paused"),
        (false, Some(since)) => {
            Tag::red(format!("Nothing got through for {}", words::length(elapsed.seconds_since(since))))
        }
        (false, None) => Tag::green("Works"),
    }
}

/// `GET /integrations`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub(super) async fn list(visit: Visit) -> Answer {
    administrator(&visit)?;
    let elapsed = visit.node.time().elapsed();
    let found = visit.node.integrations().await?;
    page::html(&ListPage {
        chrome: visit.chrome("Integrations", "/administration"),
        rows: found
            .into_iter()
            .map(|endpoint| Row {
                id: endpoint.id,
                tag: standing(&endpoint, elapsed),
                format: format_words(endpoint.format),
                events: words::counted(i64::try_from(endpoint.events.len()).unwrap_or(i64::MAX), "kind of event"),
                name: endpoint.name,
            })
            .collect(),
    })
}

fn form_page(visit: &Visit, form: &Form, known: Option<(Uuid, &str)>) -> ActionPage {
    let (heading, caption, back, action) = match known {
        None => {
            let heading = "Add an integration".to_owned();
            (heading, "integrations".to_owned(), "/integrations".to_owned(), "/integrations/new".to_owned())
        }
        Some((id, name)) => {
            let back = format!("/integrations/{id}");
            (format!("Change {name}"), name.to_owned(), back.clone(), format!("{back}/edit"))
        }
    };
    let chrome = visit.chrome(heading.clone(), "/administration");
    let mut page = ActionPage::new(chrome, &heading, &caption, back, action);
    page.paragraphs.push(
        "It is sent references, names of partners, times and a link: never what an incident is about.".to_owned(),
    );
    page.fields =
        vec![Field::line(form, "name", "What is it called?").hint("Such as \u{201c}On-call channel\u{201d}.")];
    page.fields.extend(address_fields(form));
    page.fields.push(Field::radios(
        form,
        "format",
        "What does it take?",
        Format::ALL.map(|format| (format.word(), format_words(format))),
    ));
    page.fields.push(Field::checks(
        form,
        "event",
        "What does it hear of?",
        Subscribed::ALL.map(|event| (event.word(), event_words(event))),
    ));
    page.buttons.push(("save", if known.is_none() { "Add it" } else { "Keep" }, ""));
    page
}

/// `GET /integrations/new`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub(super) async fn new(visit: Visit) -> Answer {
    administrator(&visit)?;
    let mut form = Form::default();
    form.set("format", Format::Standard.word());
    form_page(&visit, &form, None).answer(Vec::new())
}

fn read(form: &Form, visit: &Visit) -> Result<Integration, Vec<FieldError>> {
    let mut reading = Reading::new(form, visit.reader);
    let name: Option<Line> = reading.text("name", "Say what it is called");
    if form.is_blank("url") {
        reading.fault("url", "Give its address");
    }
    let format = reading.choice("format", Format::from_word, "Choose what it takes");
    let events: Vec<Subscribed> = form.all("event").filter_map(Subscribed::from_word).collect();
    if events.is_empty() {
        reading.fault("event", "Choose at least one thing that it hears of");
    }
    let errors = reading.into_errors();
    match (name, format) {
        (Some(name), Some(format)) if errors.is_empty() => {
            Ok(Integration { name, address: typed_address(form), format, events })
        }
        (Some(_) | None, _) => Err(errors),
    }
}

fn faults(error: DoorError) -> Result<Vec<FieldError>, Problem> {
    let anchor = if matches!(error, DoorError::Target(_)) {
        "url"
    } else if matches!(error, DoorError::Invalid(why) if why.contains("range")) {
        "ranges"
    } else {
        "name"
    };
    refusal(error, anchor)
}

/// `POST /integrations/new`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub(super) async fn add(posted: Posted) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let integration = match read(&form, &visit) {
        Ok(integration) => integration,
        Err(errors) => return form_page(&visit, &form, None).answer(errors),
    };
    match visit.node.add_integration(&by, integration).await {
        Ok((id, secret)) => shown(&visit, id, &secret, "Integration added"),
        Err(error) => form_page(&visit, &form, None).answer(faults(error)?),
    }
}

fn shown(visit: &Visit, id: Uuid, secret: &Zeroizing<String>, heading: &str) -> Answer {
    page::html(&ShownOnce {
        chrome: visit.chrome(heading, "/administration"),
        heading: heading.to_owned(),
        paragraphs: vec![
            "A program that takes Standard Webhooks checks with this secret that it is you who calls. Slack and Teams do \
             not need it: their address is their secret."
                .to_owned(),
        ],
        label: "Secret".to_owned(),
        secret: secret.as_str().to_owned(),
        back: format!("/integrations/{id}"),
        back_words: "I have copied it",
    })
}

/// `GET /integrations/{id}/edit`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn edit(visit: Visit, id: web::Path<Uuid>) -> Answer {
    administrator(&visit)?;
    let known = visit.node.integration(*id).await?;
    let mut form = Form::default();
    form.set("name", known.name.as_str());
    fill_address(&mut form, &known);
    form.set("format", known.format.word());
    for event in &known.events {
        form.add("event", event.word());
    }
    form_page(&visit, &form, Some((*id, &known.name))).answer(Vec::new())
}

/// `POST /integrations/{id}/edit`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn save(posted: Posted, id: web::Path<Uuid>) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let known = visit.node.integration(*id).await?;
    let page = |errors| form_page(&visit, &form, Some((*id, &known.name))).answer(errors);
    let integration = match read(&form, &visit) {
        Ok(integration) => integration,
        Err(errors) => return page(errors),
    };
    match visit.node.save_integration(&by, *id, integration).await {
        Ok(()) => Ok(page::see_other(&format!("/integrations/{id}"))),
        Err(error) => page(faults(error)?),
    }
}

/// `POST /integrations/{id}/pause`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn pause(posted: Posted, id: web::Path<Uuid>) -> Answer {
    set_paused(&posted, *id, true).await
}

/// `POST /integrations/{id}/resume`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn resume(posted: Posted, id: web::Path<Uuid>) -> Answer {
    set_paused(&posted, *id, false).await
}

async fn set_paused(posted: &Posted, id: Uuid, paused: bool) -> Answer {
    let by = administrator(&posted.visit)?;
    posted.visit.node.pause_integration(&by, id, paused).await?;
    Ok(page::see_other(&format!("/integrations/{id}")))
}

async fn plain_page(
    visit: &Visit,
    id: Uuid,
    (heading, step, words): (&'static str, &'static str, String),
    button: (&'static str, &'static str, &'static str),
) -> Result<ActionPage, Problem> {
    let known = visit.node.integration(id).await?;
    let back = format!("/integrations/{id}");
    let chrome = visit.chrome(heading, "/administration");
    let mut page = ActionPage::new(chrome, heading, &known.name, back.clone(), format!("{back}/{step}"));
    page.paragraphs = vec![words];
    page.buttons = vec![button];
    Ok(page)
}

/// `GET /integrations/{id}/secret`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn ask_secret(visit: Visit, id: web::Path<Uuid>) -> Answer {
    administrator(&visit)?;
    let words = "For seven days it is signed with the old secret too, so that whoever runs it can change over in their own time.";
    let words = ("Replace the secret", "secret", words.to_owned());
    plain_page(&visit, *id, words, ("replace", "Make a new secret", "")).await?.answer(Vec::new())
}

/// `POST /integrations/{id}/secret`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn replace_secret(posted: Posted, id: web::Path<Uuid>) -> Answer {
    let visit = posted.visit;
    let by = administrator(&visit)?;
    let secret = visit.node.replace_integration_secret(&by, *id).await?;
    shown(&visit, *id, &secret, "New secret")
}

/// `GET /integrations/{id}/remove`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn removal(visit: Visit, id: web::Path<Uuid>) -> Answer {
    administrator(&visit)?;
    let words = "It hears of nothing any more, what waits for it is sent to nobody, and its log goes. This can\u{2019}t be undone.";
    let words = ("Remove this integration", "remove", words.to_owned());
    plain_page(&visit, *id, words, ("remove", "Remove it", "danger")).await?.answer(Vec::new())
}

/// `POST /integrations/{id}/remove`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn remove(posted: Posted, id: web::Path<Uuid>) -> Answer {
    let by = administrator(&posted.visit)?;
    posted.visit.node.remove_integration(&by, *id).await?;
    Ok(page::see_other("/integrations"))
}
