//! Sessions and API tokens in tables, the same on one's own page and on an administrator's.
//!
//! Both count in machine time, so the pages say lengths of it and never instants.

use askama::Template;
use domain::values::{Digest32, Moment};

use crate::node::people::sessions::SessionView;
use crate::node::people::tokens::TokenView;
use crate::web::field::Tag;
use crate::web::page::Visit;
use crate::web::words;

/// "3 hours 12 minutes ago".
fn ago(elapsed: Moment, at: Moment) -> String {
    match elapsed.seconds_since(at) {
        ..60 => "just now".to_owned(),
        seconds => format!("{} ago", words::length(seconds)),
    }
}

/// Sessions with a button to end each.
#[derive(Template)]
#[template(path = "account_sessions.html")]
pub(in crate::web) struct Sessions {
    csrf: String,
    action: String,
    all_words: &'static str,
    others: bool,
    rows: Vec<SessionRow>,
}

impl askama::filters::HtmlSafe for Sessions {}

struct SessionRow {
    id: String,
    began: String,
    seen: String,
    this: bool,
}

impl Sessions {
    /// The table; `this` is the session that looks at it, if it is one of them.
    pub(in crate::web) fn new(visit: &Visit, action: String, found: &[SessionView], this: Option<Digest32>) -> Self {
        let elapsed = visit.node.time().elapsed();
        let rows: Vec<SessionRow> = found
            .iter()
            .map(|session| SessionRow {
                id: session.id.to_string(),
                began: ago(elapsed, session.began_at),
                seen: ago(elapsed, session.seen_at),
                this: Some(session.id) == this,
            })
            .collect();
        let others = rows.iter().any(|row| !row.this);
        let all_words = if this.is_some() { "End all other sessions" } else { "End all sessions" };
        Self { csrf: visit.csrf.clone(), action, all_words, others, rows }
    }
}

/// API tokens with a button to end each.
#[derive(Template)]
#[template(path = "account_tokens.html")]
pub(in crate::web) struct Tokens {
    csrf: String,
    action: String,
    rows: Vec<TokenRow>,
}

impl askama::filters::HtmlSafe for Tokens {}

struct TokenRow {
    id: String,
    label: String,
    scopes: String,
    made: String,
    state: Tag,
    ends: String,
    used: String,
    good: bool,
}

impl Tokens {
    /// The table.
    pub(in crate::web) fn new(visit: &Visit, action: String, found: &[TokenView]) -> Self {
        let elapsed = visit.node.time().elapsed();
        let rows = found.iter().map(|held| row(held, elapsed)).collect();
        Self { csrf: visit.csrf.clone(), action, rows }
    }
}

fn row(held: &TokenView, elapsed: Moment) -> TokenRow {
    let good = held.is_good(elapsed);
    let (state, ends) = match (held.ended_at, held.expires_at) {
        (Some(ended), _) => (Tag::grey("Ended"), ago(elapsed, ended)),
        (None, Some(expires)) if !good => (Tag::grey("Expired"), ago(elapsed, expires)),
        (None, Some(expires)) => (Tag::green("Good"), format!("for {}", words::length(expires.seconds_since(elapsed)))),
        (None, None) => (Tag::green("Good"), String::new()),
    };
    TokenRow {
        id: held.token.id.to_string(),
        label: held.token.label.to_string(),
        scopes: held.token.scopes.join(", "),
        made: ago(elapsed, held.made_at),
        state,
        ends,
        used: held.token.used_at.map_or_else(|| "never".to_owned(), |used| ago(elapsed, used)),
        good,
    }
}
