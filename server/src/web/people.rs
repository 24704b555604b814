//! Accounts: who there is, and inviting somebody. One person's page is `person`.

mod person;

use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use domain::values::{Line, PersonId, Role};
use serde::Deserialize;

use super::action::{ActionPage, refusal};
use super::administration::administrator;
use super::field::{Field, Tag};
use super::form::{Form, Reading};
use super::incidents::key;
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::words;
use crate::node::people::NewInvitation;
use crate::node::people::links::INVITATION_HOURS;
use crate::store::queries::people::{self, Census, PersonState, PersonView};

/// Accounts on a page.
const SHOWN_MAX: usize = 50;
/// An account that nobody has signed in with for so long is looked at again (Cabinet Office notice, 1.5).
const IDLE_SECONDS: i64 = 365 * 86_400;

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/people").get(list))
        .service(resource("/people/invite").get(invitation).post(invite))
        .service(resource("/people/{id}").get(person::show))
        .service(resource("/people/{id}/roles").get(person::roles).post(person::set_roles))
        .service(resource("/people/{id}/details").get(person::details).post(person::set_details))
        .service(resource("/people/{id}/link").post(person::make_link))
        .service(resource("/people/{id}/disable").get(person::disable).post(person::do_disable))
        .service(resource("/people/{id}/enable").post(person::enable))
        .service(resource("/people/{id}/remove").get(person::removal).post(person::remove))
        .service(resource("/people/{id}/sessions/end").post(person::end_session))
        .service(resource("/people/{id}/tokens/end").post(person::end_token));
}

/// Every role, in the order of the product.
const ROLES: [Role; 6] =
    [Role::Reporter, Role::Responder, Role::Dpo, Role::Manager, Role::Administrator, Role::Auditor];

/// A role's name.
const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Reporter => "Reporter",
        Role::Responder => "Responder",
        Role::Dpo => "Data protection officer",
        Role::Manager => "Manager",
        Role::Administrator => "Administrator",
        Role::Auditor => "Auditor",
    }
}

/// A role's name, and what it may do.
pub(super) const fn role_words(role: Role) -> &'static str {
    match role {
        Role::Reporter => "Reporter: says that something is wrong",
        Role::Responder => "Responder: logs incidents, sends, updates and withdraws notices, answers",
        Role::Dpo => "Data protection officer: also decides about reports to the ICO",
        Role::Manager => "Manager: sees every clock, takes duties in hand",
        Role::Administrator => "Administrator: pairs with partners, keeps keys, agreements and accounts",
        Role::Auditor => "Auditor: reads everything, changes nothing",
    }
}

/// The boxes for roles.
fn roles_field(form: &Form) -> Field {
    Field::checks(form, "role", "What may they do?", ROLES.map(|role| (role.word(), role_words(role))))
        .hint("Give as little as they need. Without a role they can sign in and do nothing.")
}

fn roles_of(reading: &mut Reading<'_>) -> Vec<Role> {
    reading.ticked("role", |word| word.parse().ok())
}

/// A secret, shown on the answer to the form that made it and nowhere else.
#[derive(Template)]
#[template(path = "account_secret.html")]
pub(super) struct ShownOnce {
    /// The frame.
    pub chrome: Chrome,
    /// What was made.
    pub heading: String,
    /// What to do with it.
    pub paragraphs: Vec<String>,
    /// What it is.
    pub label: String,
    /// Itself.
    pub secret: String,
    /// Where to go on, in an address and in words.
    pub back: String,
    /// See `back`.
    pub back_words: &'static str,
}

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    chrome: Chrome,
    hint: &'static str,
    count: String,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Row {
    href: String,
    name: String,
    email: String,
    roles: String,
    state: Tag,
    seen: String,
    idle: bool,
}

/// Where the page starts.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    after: String,
}

/// `GET /people`
///
/// # Errors
/// [`crate::problem::Problem::NotAllowed`]
pub async fn list(visit: Visit, asked: web::Query<Asked>) -> Answer {
    administrator(&visit)?;
    let after: Option<(_, PersonId)> = key(&asked.after);
    let (census, found) =
        visit.node.store().read(move |rows| Ok((people::census(rows)?, people::list(rows, after, SHOWN_MAX)?))).await?;
    let count = i64::from(census.people);
    page::html(&PeoplePage {
        chrome: visit.chrome("People", "/administration"),
        hint: hint(census),
        count: words::counted(count, "account"),
        rows: found.items.into_iter().map(|person| row(person, &visit)).collect(),
        next: found.next.map(|(at, id)| format!("/people?after={}.{id}", at.micros())),
    })
}

const fn hint(census: Census) -> &'static str {
    if census.needs_second_administrator() {
        "Invite a second administrator: one types a partner\u{2019}s fingerprint, another confirms it. Pairing needs two."
    } else if census.people == 1 {
        "Invite those who will log incidents, decide about reports and watch the clocks."
    } else {
        ""
    }
}

fn row(person: PersonView, visit: &Visit) -> Row {
    let idle = is_idle(&person, visit);
    let roles: Vec<&str> = person.roles.iter().map(|role| role_name(*role)).collect();
    Row {
        href: format!("/people/{}", person.id),
        roles: if roles.is_empty() { "None".to_owned() } else { roles.join(", ") },
        state: state_tag(person.state),
        seen: seen(&person, visit),
        idle,
        name: person.name,
        email: person.email,
    }
}

fn is_idle(person: &PersonView, visit: &Visit) -> bool {
    person.state != PersonState::Disabled && person.idle_seconds(visit.now()) > IDLE_SECONDS
}

fn seen(person: &PersonView, visit: &Visit) -> String {
    person.seen_at.map_or_else(|| "Never".to_owned(), |at| visit.reader.at(at))
}

fn state_tag(state: PersonState) -> Tag {
    match state {
        PersonState::Invited => Tag::amber("Invited, no password yet"),
        PersonState::Active => Tag::green("Active"),
        PersonState::Disabled => Tag::grey("Disabled"),
    }
}

fn invitation_page(visit: &Visit, form: &Form) -> ActionPage {
    let mut page = ActionPage::new(
        visit.chrome("Invite a person", "/administration"),
        "Invite a person",
        "people",
        "/people".to_owned(),
        "/people/invite".to_owned(),
    );
    page.paragraphs.push(format!(
        "You get a link that is good once, for {INVITATION_HOURS} hours. Give it to them yourself: this node sends no mail."
    ));
    page.fields = vec![
        Field::line(form, "name", "Name").hint("The record says who did what by this name."),
        Field { autocomplete: "off", ..Field::email(form, "email", "E-mail address") }
            .hint("They sign in with it. Nothing is sent to it."),
        roles_field(form),
    ];
    page.buttons.push(("invite", "Make invitation", ""));
    page
}

/// `GET /people/invite`
///
/// # Errors
/// [`crate::problem::Problem::NotAllowed`]
pub async fn invitation(visit: Visit) -> Answer {
    administrator(&visit)?;
    invitation_page(&visit, &Form::default()).answer(Vec::new())
}

/// `POST /people/invite`
///
/// # Errors
/// [`crate::problem::Problem::NotAllowed`]
pub async fn invite(posted: Posted) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let mut reading = Reading::new(&form, visit.reader);
    let name: Option<Line> = reading.text("name", "Give their name");
    let email: Option<Line> = reading.text("email", "Give their e-mail address");
    let roles = roles_of(&mut reading);
    let errors = reading.into_errors();
    let (Some(name), Some(email), true) = (name, email, errors.is_empty()) else {
        return invitation_page(&visit, &form).answer(errors);
    };
    let new = NewInvitation { name: name.clone(), email, roles };
    let (id, path) = match visit.node.invite(&by, new).await {
        Ok(made) => made,
        Err(error) => return invitation_page(&visit, &form).answer(refusal(error, "email")?),
    };
    page::html(&ShownOnce {
        chrome: visit.chrome("Invitation made", "/administration"),
        heading: format!("Invitation for {name}"),
        paragraphs: vec![format!(
            "Give {name} this link yourself, in a way that only they can read. It is good once, for {INVITATION_HOURS} hours."
        )],
        label: "Link".to_owned(),
        secret: format!("{}{path}", visit.node.issuer()),
        back: format!("/people/{id}"),
        back_words: "I have copied it",
    })
}
