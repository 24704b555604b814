//! One-time links: accepting an invitation, setting a new password. A link that can't be used gets one answer, whether it
//! was used, has expired or never was.

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig, resource};
use actix_web::{HttpRequest, web::Data};
use askama::Template;

use super::field::{Field, Summary};
use super::form::{FieldError, Form};
use super::page::{self, Answer, Chrome, Stranger};
use super::sign_in::Tries;
use crate::access::throttle::Address;
use crate::node::people::{OpenLink, Purpose};
use crate::node::{DoorError, Node};
use crate::problem::capitalised;

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/link/{secret}").get(show).post(accept));
}

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    chrome: Chrome,
    summary: Summary,
    words: String,
    email: String,
    action: String,
    fields: Vec<Field>,
}

#[derive(Template)]
#[template(path = "link_gone.html")]
struct GonePage {
    chrome: Chrome,
}

/// `GET /link/{secret}`
///
/// # Errors
/// `Problem::TooMany`
pub async fn show(
    request: HttpRequest,
    node: Data<Node>,
    tries: Data<Tries>,
    address: Data<Address>,
    secret: web::Path<String>,
) -> Answer {
    tries.count(&address, &request)?;
    match node.link(&secret).await? {
        Some(open) => shown(&node, &secret, &open, Vec::new()),
        None => gone(&node),
    }
}

/// `POST /link/{secret}`
///
/// # Errors
/// `Problem::TooMany`
pub async fn accept(
    request: HttpRequest,
    node: Data<Node>,
    tries: Data<Tries>,
    address: Data<Address>,
    secret: web::Path<String>,
    stranger: Stranger,
) -> Answer {
    tries.count(&address, &request)?;
    let Some(open) = node.link(&secret).await? else { return gone(&node) };
    let errors = new_password_faults(&node, &stranger.form, &open.person_name, &open.email);
    if !errors.is_empty() {
        return shown(&node, &secret, &open, errors);
    }
    match node.use_link(&secret, stranger.form.first("password").to_owned()).await {
        Ok(_) => Ok(page::see_other("/sign-in?done=password")),
        Err(DoorError::NotFound) => gone(&node),
        Err(error) => Err(error.into()),
    }
}

fn shown(node: &Node, secret: &str, open: &OpenLink, errors: Vec<FieldError>) -> Answer {
    let title = if errors.is_empty() { "Choose your password" } else { "Error: Choose your password" };
    let words = match open.purpose {
        Purpose::Invitation => format!(
            "{}, you have been invited to this node of {}. Choose the password that you will sign in with.",
            open.person_name,
            node.organisation().name
        ),
        Purpose::Reset => format!(
            "{}, choose another password. You will be signed out wherever you are signed in now.",
            open.person_name
        ),
    };
    let status = page::form_status(&errors);
    let shown = LinkPage {
        chrome: Chrome::outside(node, title, "/link"),
        words,
        email: open.email.clone(),
        action: format!("/link/{secret}"),
        fields: new_password_fields().into_iter().map(|field| field.faults(&errors)).collect(),
        summary: Summary { errors },
    };
    page::html_as(status, &shown)
}

fn gone(node: &Node) -> Answer {
    let chrome = Chrome::outside(node, "This link cannot be used", "/link");
    page::html_as(StatusCode::NOT_FOUND, &GonePage { chrome })
}

/// The two inputs of a new password.
pub(super) fn new_password_fields() -> [Field; 2] {
    let new = |name: &str, label: &str| Field { autocomplete: "new-password", ..Field::password(name, label) };
    [
        new("password", "New password").hint(
            "12 to 72 characters. Several words that do not belong together are easy to remember and hard to guess.",
        ),
        new("again", "The same password again"),
    ]
}

/// What is wrong with a new password as typed.
pub(super) fn new_password_faults(node: &Node, form: &Form, name: &str, email: &str) -> Vec<FieldError> {
    let fault = |field: &str, message: String| FieldError { name: field.to_owned(), anchor: field.to_owned(), message };
    let password = form.first("password");
    if let Some(unfit) = node.unfit_password(password, name, email) {
        return vec![fault("password", capitalised(&unfit.to_string()))];
    }
    if form.first("again") != password {
        return vec![fault("again", "Type the same password twice".to_owned())];
    }
    Vec::new()
}
