//! Signing in and out. A wrong password and an unknown address get the same answer in the same time.

use std::net::IpAddr;
use std::num::NonZeroU32;

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::field::{Field, Summary};
use super::form::{FieldError, Form};
use super::page::{self, Answer, AnyonesForm, Chrome, Stranger};
use crate::access::passwords;
use crate::access::sessions::{self, SessionCookie};
use crate::access::throttle::{Address, Throttle};
use crate::node::{Account, Node};
use crate::problem::Problem;

/// The longest address that is looked up.
const EMAIL_CHARACTERS_MAX: usize = 200;

/// How often somebody may try, by address and by account.
pub struct Tries {
    /// By network address.
    pub by_address: Throttle<IpAddr>,
    /// By account, so that many addresses do not help.
    pub by_account: Throttle<[u8; 32]>,
}

/// Tries a minute, lastingly, and at once.
const TRIES_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
const TRIES_AT_ONCE: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);

impl Tries {
    /// Counts from nothing.
    #[must_use]
    pub fn new(node: &Node) -> Self {
        Self {
            by_address: Throttle::new(node.shared_time(), TRIES_PER_MINUTE, TRIES_AT_ONCE),
            by_account: Throttle::new(node.shared_time(), TRIES_PER_MINUTE, TRIES_AT_ONCE),
        }
    }

    /// Counts a try from the address that a request came from.
    ///
    /// # Errors
    /// `Problem::TooMany`
    pub fn count(&self, from: &Address, request: &HttpRequest) -> Result<(), Problem> {
        from.of(request).map_or(Ok(()), |from| self.by_address.check(&from).map_err(Problem::TooMany))
    }
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    chrome: Chrome,
    summary: Summary,
    done: &'static str,
    next: String,
    fields: Vec<Field>,
}

/// Where to go afterwards, and what was done just before.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    next: String,
    #[serde(default)]
    done: String,
}

/// What was done just before, in words; other values say nothing.
fn done_words(done: &str) -> &'static str {
    match done {
        "password" => "Your password is set. Sign in with it.",
        "set-up" => "This node is set up. Sign in to go on.",
        _ => "",
    }
}

/// `GET /sign-in`
///
/// # Errors
/// [`Problem::Internal`]
pub async fn show(node: web::Data<Node>, asked: web::Query<Asked>) -> Answer {
    let mut form = Form::default();
    form.set("next", page::own_path(&asked.next));
    shown(&node, &form, done_words(&asked.done), Vec::new(), StatusCode::OK)
}

fn shown(node: &Node, form: &Form, done: &'static str, errors: Vec<FieldError>, status: StatusCode) -> Answer {
    let title = if errors.is_empty() { "Sign in" } else { "Error: Sign in" };
    let page = SignInPage {
        chrome: Chrome::outside(node, title, "/sign-in"),
        done,
        next: page::own_path(form.first("next")).to_owned(),
        fields: vec![
            Field::email(form, "email", "E-mail address").faults(&errors),
            Field::password("password", "Password").faults(&errors),
        ],
        summary: Summary { errors },
    };
    page::html_as(status, &page)
}

/// `POST /sign-in`
///
/// # Errors
/// `Problem::TooMany` for too many tries, [`Problem::Unavailable`].
pub async fn enter(
    request: HttpRequest,
    node: web::Data<Node>,
    tries: web::Data<Tries>,
    address: web::Data<Address>,
    stranger: Stranger,
) -> Answer {
    let form = stranger.form;
    let email: String = form.first("email").trim().chars().take(EMAIL_CHARACTERS_MAX).collect();
    let password = form.first("password").to_owned();
    tries.count(&address, &request)?;
    tries.by_account.check(&sessions::text_digest(&email.to_lowercase())).map_err(Problem::TooMany)?;
    if email.is_empty() || password.is_empty() {
        return refused(&node, &form, "Enter your e-mail address and your password");
    }
    let account = node.account(&email).await?;
    match checked(&node, account, password).await? {
        Some(account) => Ok(opened(&node, &account, page::own_path(form.first("next"))).await?),
        None => {
            refused(&node, &form, "That e-mail address and password do not belong together, or the account is locked")
        }
    }
}

fn refused(node: &Node, form: &Form, message: &str) -> Answer {
    let error = FieldError { name: "email".to_owned(), anchor: "email".to_owned(), message: message.to_owned() };
    shown(node, form, "", vec![error], StatusCode::UNPROCESSABLE_ENTITY)
}

/// The account, when the password is right and the account may be used. Hashing runs on a blocking thread and takes as
/// long for an account that does not exist.
async fn checked(node: &Node, account: Option<Account>, password: String) -> Result<Option<Account>, Problem> {
    let cost = node.bcrypt_cost();
    // Somebody invited has no password yet: the answer and its time are those for a wrong one.
    let stored = account.as_ref().map(|account| account.password_hash.clone()).filter(|stored| !stored.is_empty());
    let is_right = web::block(move || match stored {
        Some(stored) => passwords::matches(&password, &stored),
        None => passwords::matches_nobody(&password, cost),
    })
    .await
    .map_err(Problem::internal)?;
    let Some(account) = account else {
        node.sign_in_refused(None, "no such account").await;
        return Ok(None);
    };
    let is_locked = account.locked_until.is_some_and(|until| until > node.time().elapsed());
    if account.disabled || is_locked {
        let why = if account.disabled { "disabled" } else { "too many wrong passwords" };
        node.sign_in_refused(Some(account.id), why).await;
        return Ok(None);
    }
    if !is_right {
        node.sign_in_failed(account.id).await?;
        return Ok(None);
    }
    Ok(Some(account))
}

/// A fresh session and its cookie.
async fn opened(node: &Node, account: &Account, next: &str) -> Result<HttpResponse, Problem> {
    let (_, token) = sessions::fresh_secret()?;
    let (csrf, _) = sessions::fresh_secret()?;
    let digest = sessions::token_digest(&token).ok_or(Problem::FormExpired)?;
    node.open_session(account.id, digest, csrf).await?;
    let mut answer = page::see_other(next);
    answer.add_cookie(&cookie(node, token)).map_err(Problem::internal)?;
    Ok(answer)
}

fn cookie(node: &Node, token: String) -> Cookie<'static> {
    let named = SessionCookie::of(node.issuer());
    Cookie::build(named.name().to_owned(), token)
        .path("/")
        .http_only(true)
        .secure(named.secure())
        .same_site(SameSite::Lax)
        .finish()
}

/// `POST /sign-out`
///
/// # Errors
/// [`Problem::Unavailable`]
pub async fn leave(request: HttpRequest, posted: AnyonesForm) -> Answer {
    let AnyonesForm(posted) = posted;
    let node = &posted.visit.node;
    let named = SessionCookie::of(node.issuer());
    if let Some(digest) = request.cookie(named.name()).and_then(|cookie| sessions::token_digest(cookie.value())) {
        node.close_session(digest).await?;
    }
    let mut answer = page::see_other("/sign-in");
    let mut gone = cookie(node, String::new());
    gone.make_removal();
    answer.add_cookie(&gone).map_err(Problem::internal)?;
    Ok(answer)
}
