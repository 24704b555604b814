//! One's own account: password, sessions, API tokens. Everybody with a session has these pages, whatever their roles.

pub(super) mod tables;
mod tokens;

use actix_web::HttpRequest;
use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use domain::values::Digest32;
use serde::Deserialize;

use self::tables::{Sessions, Tokens};
use super::action::{ActionPage, refusal};
use super::field::Field;
use super::form::FieldError;
use super::invitation::{new_password_faults, new_password_fields};
use super::page::{self, Answer, Anyone, AnyonesForm, Chrome, Posted, Visit};
use super::people::role_words;
use crate::access::Scope;
use crate::access::sessions::{SessionCookie, token_digest};
use crate::problem::Problem;
use crate::store::queries::people::{self, PersonView};

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/account").get(show))
        .service(resource("/account/password").get(password).post(change_password))
        .service(resource("/account/sessions/end").post(end_session))
        .service(resource("/account/tokens/new").get(tokens::new).post(tokens::make))
        .service(resource("/account/tokens/end").post(tokens::end));
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    chrome: Chrome,
    done: &'static str,
    name: String,
    email: String,
    roles: Vec<&'static str>,
    sessions: Sessions,
    may_have_token: bool,
    tokens: Tokens,
}

/// What was done just before.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    done: String,
}

fn done_words(done: &str) -> &'static str {
    match done {
        "password" => "Your password is changed. Other sessions of yours have ended.",
        "sessions" => "The sessions have ended.",
        "token" => "The token has ended.",
        _ => "",
    }
}

/// The session that a request came in, as lists name it.
pub(super) fn own_session(request: &HttpRequest, visit: &Visit) -> Option<Digest32> {
    let cookie = request.cookie(SessionCookie::of(visit.node.issuer()).name())?;
    token_digest(cookie.value()).map(Digest32::from_bytes)
}

async fn own(visit: &Visit) -> Result<PersonView, Problem> {
    let id = visit.person.id();
    visit.node.store().read(move |rows| people::person(rows, id)).await?.ok_or(Problem::SignInNeeded)
}

/// `GET /account`
///
/// # Errors
/// [`Problem::Unavailable`]
pub async fn show(request: HttpRequest, visit: Anyone, asked: web::Query<Asked>) -> Answer {
    let Anyone(visit) = visit;
    let own = own(&visit).await?;
    let sessions = visit.node.sessions_of(own.id).await?;
    let tokens = visit.node.tokens_of(own.id).await?;
    let this = own_session(&request, &visit);
    page::html(&AccountPage {
        chrome: visit.chrome("Your account", "/account"),
        done: done_words(&asked.done),
        name: own.name,
        email: own.email,
        roles: own.roles.iter().map(|role| role_words(*role)).collect(),
        sessions: Sessions::new(&visit, "/account/sessions/end".to_owned(), &sessions, this),
        may_have_token: Scope::ALL.iter().any(|scope| scope.is_open_to(&visit.person)),
        tokens: Tokens::new(&visit, "/account/tokens/end".to_owned(), &tokens),
    })
}

fn password_page(visit: &Visit) -> ActionPage {
    let mut page = ActionPage::new(
        visit.chrome("Change your password", "/account"),
        "Change your password",
        "your account",
        "/account".to_owned(),
        "/account/password".to_owned(),
    );
    page.paragraphs.push("You stay signed in here, and are signed out everywhere else.".to_owned());
    page.fields.push(Field::password("present", "Your present password"));
    page.fields.extend(new_password_fields());
    page.buttons.push(("change", "Change password", ""));
    page
}

/// `GET /account/password`
///
/// # Errors
/// [`Problem::Internal`]
pub async fn password(visit: Anyone) -> Answer {
    password_page(&visit.0).answer(Vec::new())
}

/// `POST /account/password`
///
/// # Errors
/// [`Problem::Unavailable`]
pub async fn change_password(request: HttpRequest, posted: AnyonesForm) -> Answer {
    let AnyonesForm(Posted { visit, form }) = posted;
    let own = own(&visit).await?;
    let mut errors = new_password_faults(&visit.node, &form, &own.name, &own.email);
    if form.first("present").is_empty() {
        errors.push(FieldError {
            name: "present".to_owned(),
            anchor: "present".to_owned(),
            message: "Give your present password".to_owned(),
        });
    }
    if !errors.is_empty() {
        return password_page(&visit).answer(errors);
    }
    let (present, new) = (form.first("present").to_owned(), form.first("password").to_owned());
    match visit.node.change_password(&visit.person, own_session(&request, &visit), present, new).await {
        Ok(()) => Ok(page::see_other("/account?done=password")),
        Err(error) => password_page(&visit).answer(refusal(error, "present")?),
    }
}

/// `POST /account/sessions/end`
///
/// # Errors
/// [`Problem::NotFound`]
pub async fn end_session(request: HttpRequest, posted: AnyonesForm) -> Answer {
    let AnyonesForm(Posted { visit, form }) = posted;
    match form.first("session") {
        "all" => {
            let this = own_session(&request, &visit);
            visit.node.end_sessions(&visit.person, visit.person.id(), this).await?;
        }
        session => {
            let session = session.parse().map_err(|_| Problem::NotFound)?;
            visit.node.end_session(&visit.person, session).await?;
        }
    }
    Ok(page::see_other("/account?done=sessions"))
}
