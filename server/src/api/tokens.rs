//! API tokens of the person for whom the program acts.

use domain::values::{Line, Moment};
use uuid::Uuid;

use super::call::{Call, Reply, fault};
use super::operation::{Group, get, post, run};
use super::shape::{answer, request};
use crate::access::Scope;
use crate::node::people::tokens::{TOKEN_DAYS_MAX, TokenView};
use crate::problem::Problem;

/// What changing needs: a token that only reads changes nothing, not even itself.
const CHANGE: &[Scope] = &[Scope::Respond, Scope::Decide, Scope::Administer];

/// Operations on tokens.
pub const GROUP: Group = Group {
    name: "Tokens",
    about: "The API tokens of the person for whom the program acts. A token can't make one that does more than itself, or lasts longer; one that ends ends those it made.",
    operations: &[
        get("/tokens", "list_tokens", "Their tokens, the last made first", run!(list)).lists::<Token>(),
        post("/tokens", "make_token", "Make a token with no more scopes than this one has", run!(make))
            .needs(CHANGE)
            .takes::<MakeToken>()
            .makes::<MadeToken>()
            .shown_once(),
        post("/tokens/{id}/end", "end_token", "End a token", run!(end)).needs(CHANGE),
    ],
};

answer! {
    /// A token. What it is, is kept nowhere.
    Token {
        /// Which.
        id: Uuid,
        /// What people call it.
        label: Line,
        /// What it may do: read, respond, decide, administer.
        scopes: Vec<String>,
        /// Whether it is good.
        good: bool,
        /// In how many seconds it ends by itself.
        ends_in_seconds: Option<u32>,
        /// Seconds since it was last used, to the minute.
        used_seconds_ago: Option<u32>,
    }
}

request! {
    /// A token to make.
    MakeToken {
        /// What people will call it.
        label: Line,
        /// What it may do.
        scopes: Vec<Scope>,
        /// After how many days it ends: 1 to 396.
        days: u16,
    }
}

answer! {
    /// A token that was made.
    MadeToken {
        /// Which.
        id: Uuid,
        /// The token: shown once.
        token: String,
    }
}

impl Token {
    /// As programs see it.
    pub(super) fn of(held: &TokenView, elapsed: Moment) -> Self {
        let seconds = |from: Moment, to: Moment| u32::try_from(to.seconds_since(from)).unwrap_or(0);
        Self {
            id: held.token.id,
            label: held.token.label.clone(),
            scopes: held.token.scopes.clone(),
            good: held.is_good(elapsed),
            ends_in_seconds: held.expires_at.map(|end| seconds(elapsed, end)),
            used_seconds_ago: held.token.used_at.map(|used| seconds(used, elapsed)),
        }
    }
}

async fn list(call: Call) -> Result<Reply, Problem> {
    let elapsed = call.node.time().elapsed();
    let items = call.node.tokens_of(call.person().id()).await?;
    Ok(call.page_of(items, |held| held.token.id.to_string())?.reply(|held| Token::of(&held, elapsed)))
}

async fn make(call: Call) -> Result<Reply, Problem> {
    let MakeToken { label, scopes, days } = call.body()?;
    if !(1..=TOKEN_DAYS_MAX).contains(&i64::from(days)) {
        return Err(fault("/days", "it is not from 1 to 396"));
    }
    // A program must not grow beyond what it was given: the person's roles are more than the token's.
    if scopes.iter().any(|scope| !call.client.scopes.contains(scope)) {
        return Err(Problem::NotAllowed("programs whose token has these scopes itself"));
    }
    let expires_at = call.node.time().elapsed().plus_seconds(i64::from(days) * 86_400);
    let theirs = call.node.tokens_of(call.person().id()).await?;
    let own_end = theirs.iter().find(|held| held.token.id == call.client.id).and_then(|held| held.expires_at);
    if own_end.is_some_and(|end| expires_at > end) {
        return Err(fault("/days", "a token can't make one that outlasts it"));
    }
    let (id, token) = call.node.add_token_with(call.person(), call.client.id, label, scopes, expires_at).await?;
    Ok(Reply::made(&MadeToken { id, token }, "/tokens"))
}

async fn end(call: Call) -> Result<Reply, Problem> {
    call.node.end_token(call.person(), &call.id()?).await?;
    Ok(Reply::done())
}
