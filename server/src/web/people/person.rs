//! One person's account, and what an administrator does with it.

use actix_web::{HttpRequest, web};
use askama::Template;
use domain::values::{Line, PersonId};

use super::{ShownOnce, is_idle, role_words, roles_field, roles_of, seen, state_tag};
use crate::node::people::Purpose;
use crate::node::people::links::{INVITATION_HOURS, RESET_HOURS};
use crate::problem::Problem;
use crate::store::queries::people::{self, PersonState, PersonView};
use crate::web::account::own_session;
use crate::web::account::tables::{Sessions, Tokens};
use crate::web::action::{ActionPage, refusal};
use crate::web::administration::administrator;
use crate::web::field::{Field, Tag};
use crate::web::form::{Form, Reading};
use crate::web::page::{self, Answer, Chrome, Posted, Visit};
use crate::web::words;

#[derive(Template)]
#[template(path = "person.html")]
struct PersonPage {
    chrome: Chrome,
    id: PersonId,
    name: String,
    email: String,
    roles: Vec<&'static str>,
    state: Tag,
    disabled: bool,
    link: String,
    link_words: &'static str,
    made: String,
    seen: String,
    idle: bool,
    themselves: bool,
    sessions: Sessions,
    tokens: Tokens,
}

async fn found(visit: &Visit, id: &str) -> Result<PersonView, Problem> {
    let id: PersonId = id.parse().map_err(|_| Problem::NotFound)?;
    visit.node.store().read(move |rows| people::person(rows, id)).await?.ok_or(Problem::NotFound)
}

/// `GET /people/{id}`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn show(request: HttpRequest, visit: Visit, id: web::Path<String>) -> Answer {
    administrator(&visit)?;
    let person = found(&visit, &id).await?;
    let (id, elapsed) = (person.id, visit.node.time().elapsed());
    let link = visit.node.store().read(move |rows| people::open_link(rows, id, elapsed)).await?;
    let sessions = visit.node.sessions_of(id).await?;
    let tokens = visit.node.tokens_of(id).await?;
    let link = link.map(|(purpose, ends)| {
        let what = match purpose {
            Purpose::Invitation => "An invitation",
            Purpose::Reset => "A link for another password",
        };
        format!("{what} is good for another {}", words::length(ends.seconds_since(elapsed)))
    });
    let this = own_session(&request, &visit).filter(|_| id == visit.person.id());
    page::html(&PersonPage {
        chrome: visit.chrome(person.name.clone(), "/administration"),
        id,
        roles: person.roles.iter().map(|role| role_words(*role)).collect(),
        state: state_tag(person.state),
        disabled: person.state == PersonState::Disabled,
        link: link.unwrap_or_default(),
        link_words: match person.state {
            PersonState::Invited => "Make a new invitation",
            PersonState::Active | PersonState::Disabled => "Make a link for another password",
        },
        made: visit.reader.at(person.made_at),
        seen: seen(&person, &visit),
        idle: is_idle(&person, &visit),
        themselves: id == visit.person.id(),
        sessions: Sessions::new(&visit, format!("/people/{id}/sessions/end"), &sessions, this),
        tokens: Tokens::new(&visit, format!("/people/{id}/tokens/end"), &tokens),
        name: person.name,
        email: person.email,
    })
}

/// The page of one action about a person.
fn action(visit: &Visit, person: &PersonView, heading: &str, word: &str) -> ActionPage {
    ActionPage::new(
        visit.chrome(heading, "/administration"),
        heading,
        &person.name,
        format!("/people/{}", person.id),
        format!("/people/{}/{word}", person.id),
    )
}

fn back(id: PersonId) -> Answer {
    Ok(page::see_other(&format!("/people/{id}")))
}

fn roles_page(visit: &Visit, person: &PersonView, form: &Form) -> ActionPage {
    let mut page = action(visit, person, "Change roles", "roles");
    page.fields.push(roles_field(form));
    page.buttons.push(("save", "Save roles", ""));
    page
}

/// `GET /people/{id}/roles`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn roles(visit: Visit, id: web::Path<String>) -> Answer {
    administrator(&visit)?;
    let person = found(&visit, &id).await?;
    let mut form = Form::default();
    person.roles.iter().for_each(|role| form.add("role", role.word()));
    roles_page(&visit, &person, &form).answer(Vec::new())
}

/// `POST /people/{id}/roles`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn set_roles(posted: Posted, id: web::Path<String>) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let person = found(&visit, &id).await?;
    let mut reading = Reading::new(&form, visit.reader);
    let roles = roles_of(&mut reading);
    let errors = reading.into_errors();
    if !errors.is_empty() {
        return roles_page(&visit, &person, &form).answer(errors);
    }
    match visit.node.set_roles(&by, person.id, roles).await {
        Ok(()) => back(person.id),
        Err(error) => roles_page(&visit, &person, &form).answer(refusal(error, "role")?),
    }
}

fn details_page(visit: &Visit, person: &PersonView, form: &Form) -> ActionPage {
    let mut page = action(visit, person, "Correct name and address", "details");
    page.fields = vec![
        Field::line(form, "name", "Name").hint("What is on the record already keeps the name it was made with."),
        Field { autocomplete: "off", ..Field::email(form, "email", "E-mail address") }.hint("They sign in with it."),
    ];
    page.buttons.push(("save", "Save", ""));
    page
}

/// `GET /people/{id}/details`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn details(visit: Visit, id: web::Path<String>) -> Answer {
    administrator(&visit)?;
    let person = found(&visit, &id).await?;
    let mut form = Form::default();
    form.set("name", person.name.clone());
    form.set("email", person.email.clone());
    details_page(&visit, &person, &form).answer(Vec::new())
}

/// `POST /people/{id}/details`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn set_details(posted: Posted, id: web::Path<String>) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let person = found(&visit, &id).await?;
    let mut reading = Reading::new(&form, visit.reader);
    let name: Option<Line> = reading.text("name", "Give their name");
    let email: Option<Line> = reading.text("email", "Give their e-mail address");
    let errors = reading.into_errors();
    let (Some(name), Some(email), true) = (name, email, errors.is_empty()) else {
        return details_page(&visit, &person, &form).answer(errors);
    };
    match visit.node.set_details(&by, person.id, name, email).await {
        Ok(()) => back(person.id),
        Err(error) => details_page(&visit, &person, &form).answer(refusal(error, "email")?),
    }
}

/// `POST /people/{id}/link`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`], [`Problem::Refused`] while the account is disabled
pub(super) async fn make_link(posted: Posted, id: web::Path<String>) -> Answer {
    let visit = posted.visit;
    let by = administrator(&visit)?;
    let person = found(&visit, &id).await?;
    let path = visit.node.reset_link(&by, person.id).await?;
    let (heading, hours) = match person.state {
        PersonState::Invited => (format!("Invitation for {}", person.name), INVITATION_HOURS),
        PersonState::Active | PersonState::Disabled => (format!("Another password for {}", person.name), RESET_HOURS),
    };
    page::html(&ShownOnce {
        chrome: visit.chrome("Link made", "/administration"),
        heading,
        paragraphs: vec![format!(
            "Make sure that it is {} who asks, and give them this link yourself, in a way that only they can read. It is good \
             once, for {hours} hours; earlier links no longer work.",
            person.name
        )],
        label: "Link".to_owned(),
        secret: format!("{}{path}", visit.node.issuer()),
        back: format!("/people/{}", person.id),
        back_words: "I have copied it",
    })
}

fn disable_page(visit: &Visit, person: &PersonView) -> ActionPage {
    let mut page = action(visit, person, "Disable this account", "disable");
    page.paragraphs.push(format!(
        "{} is signed out everywhere at once and can\u{2019}t sign in; their API tokens and links end for good. You can \
         enable the account again.",
        person.name
    ));
    page.buttons.push(("disable", "Disable account", "danger"));
    page
}

/// `GET /people/{id}/disable`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn disable(visit: Visit, id: web::Path<String>) -> Answer {
    administrator(&visit)?;
    let person = found(&visit, &id).await?;
    disable_page(&visit, &person).answer(Vec::new())
}

/// `POST /people/{id}/disable`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn do_disable(posted: Posted, id: web::Path<String>) -> Answer {
    let visit = posted.visit;
    let by = administrator(&visit)?;
    let person = found(&visit, &id).await?;
    match visit.node.set_disabled(&by, person.id, true).await {
        Ok(()) => back(person.id),
        Err(error) => disable_page(&visit, &person).answer(refusal(error, "disable")?),
    }
}

/// `POST /people/{id}/enable`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn enable(posted: Posted, id: web::Path<String>) -> Answer {
    let visit = posted.visit;
    let by = administrator(&visit)?;
    let person = found(&visit, &id).await?;
    visit.node.set_disabled(&by, person.id, false).await?;
    back(person.id)
}

fn removal_page(visit: &Visit, person: &PersonView) -> ActionPage {
    let mut page = action(visit, person, "Remove this person", "remove");
    page.paragraphs.push(format!(
        "The account of {} is deleted with their name, address, password, sessions, tokens and drafts. What they did stays on \
         the record, which is evidence. This can\u{2019}t be undone.",
        person.name
    ));
    page.buttons.push(("remove", "Remove person", "danger"));
    page
}

/// `GET /people/{id}/remove`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn removal(visit: Visit, id: web::Path<String>) -> Answer {
    administrator(&visit)?;
    let person = found(&visit, &id).await?;
    removal_page(&visit, &person).answer(Vec::new())
}

/// `POST /people/{id}/remove`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn remove(posted: Posted, id: web::Path<String>) -> Answer {
    let visit = posted.visit;
    let by = administrator(&visit)?;
    let person = found(&visit, &id).await?;
    match visit.node.remove_person(&by, person.id).await {
        Ok(()) => Ok(page::see_other("/people")),
        Err(error) => removal_page(&visit, &person).answer(refusal(error, "remove")?),
    }
}

/// `POST /people/{id}/sessions/end`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn end_session(request: HttpRequest, posted: Posted, id: web::Path<String>) -> Answer {
    let Posted { visit, form } = posted;
    administrator(&visit)?;
    let person = found(&visit, &id).await?;
    match form.first("session") {
        "all" => {
            let this = own_session(&request, &visit).filter(|_| person.id == visit.person.id());
            visit.node.end_sessions(&visit.person, person.id, this).await?;
        }
        session => {
            let session = session.parse().map_err(|_| Problem::NotFound)?;
            visit.node.end_session(&visit.person, session).await?;
        }
    }
    back(person.id)
}

/// `POST /people/{id}/tokens/end`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub(super) async fn end_token(posted: Posted, id: web::Path<String>) -> Answer {
    let Posted { visit, form } = posted;
    administrator(&visit)?;
    let person = found(&visit, &id).await?;
    let token = form.first("token").parse().map_err(|_| Problem::NotFound)?;
    visit.node.end_token(&visit.person, &token).await?;
    back(person.id)
}
