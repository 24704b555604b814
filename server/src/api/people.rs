//! People with accounts, for administrators: invited, given roles, disabled, removed; their sessions and tokens.

use domain::values::{Digest32, Line, Moment, PersonId, Role};

use super::call::{Call, Page, Reply, instant_key};
use super::operation::{Group, get, post, put, run};
use super::shape::{answer, request};
use super::tokens::Token;
use crate::access::Scope;
use crate::node::DoorError;
use crate::node::people::NewInvitation;
use crate::problem::Problem;
use crate::store::queries::people::{self, PersonView};

/// What these operations need.
const ADMINISTER: &[Scope] = &[Scope::Administer];

/// Operations on people.
pub const GROUP: Group = Group {
    name: "People",
    about: "Accounts and their roles. A link to set a password is shown once: hand it over yourself.",
    operations: &[
        get("/people", "list_people", "Everybody with an account, the first made first", run!(list))
            .needs(ADMINISTER)
            .lists::<Person>(),
        post("/people", "invite_person", "Invite somebody", run!(invite))
            .needs(ADMINISTER)
            .takes::<Invite>()
            .makes::<Invited>()
            .shown_once(),
        get("/people/{id}", "get_person", "One account", run!(one)).needs(ADMINISTER).gives::<Person>(),
        put("/people/{id}", "put_person", "Give them another name, address or other roles", run!(save))
            .needs(ADMINISTER)
            .takes::<PersonDetails>()
            .gives::<Person>(),
        post("/people/{id}/reset-link", "make_reset_link", "A link with which they set a new password", run!(reset))
            .needs(ADMINISTER)
            .makes::<Link>()
            .shown_once(),
        post(
            "/people/{id}/disable",
            "disable_person",
            "Let them sign in no more; their programs stop too",
            run!(disable),
        )
        .needs(ADMINISTER),
        post("/people/{id}/enable", "enable_person", "Let them sign in again", run!(enable)).needs(ADMINISTER),
        post(
            "/people/{id}/remove",
            "remove_person",
            "Remove the account; the record keeps what they did",
            run!(remove),
        )
        .needs(ADMINISTER),
        get("/people/{id}/sessions", "list_sessions", "Their live sessions, the last used first", run!(sessions))
            .needs(ADMINISTER)
            .lists::<Session>(),
        post("/people/{id}/sessions/end", "end_sessions", "End one of their sessions, or all", run!(end_sessions))
            .needs(ADMINISTER)
            .takes::<EndSessions>(),
        get("/people/{id}/tokens", "list_tokens_of_person", "Their API tokens, the last made first", run!(tokens))
            .needs(ADMINISTER)
            .lists::<Token>(),
    ],
};

answer! {
    /// An account.
    Person {
        /// Which.
        id: PersonId,
        /// Their name.
        name: String,
        /// The address that they sign in with.
        email: String,
        /// What they may do.
        roles: Vec<Role>,
        /// invited, active or disabled.
        state: &'static str,
        /// When the account was made.
        made_at: Moment,
        /// When they last signed in.
        seen_at: Option<Moment>,
    }
}

request! {
    /// Somebody to invite.
    Invite {
        /// Their name.
        name: Line,
        /// Their mail address.
        email: Line,
        /// What they may do.
        roles: Vec<Role>,
    }
}

answer! {
    /// Somebody who was invited.
    Invited {
        /// The account.
        id: PersonId,
        /// The link's path, with its secret: shown once.
        link: String,
    }
}

answer! {
    /// A link.
    Link {
        /// Its path, with its secret: shown once.
        link: String,
    }
}

request! {
    /// What an account says of a person, all of it.
    PersonDetails {
        /// Their name.
        name: Line,
        /// Their mail address.
        email: Line,
        /// What they may do.
        roles: Vec<Role>,
    }
}

answer! {
    /// A live session.
    Session {
        /// Which; it opens nothing.
        id: Digest32,
        /// Seconds since it began.
        began_seconds_ago: u32,
        /// Seconds since it was last used.
        used_seconds_ago: u32,
    }
}

request! {
    /// Which sessions to end.
    EndSessions {
        /// One of them; null for all.
        session: Option<Digest32>,
    }
}

impl Person {
    fn of(person: PersonView) -> Self {
        Self {
            id: person.id,
            name: person.name,
            email: person.email,
            roles: person.roles,
            state: person.state.word(),
            made_at: person.made_at,
            seen_at: person.seen_at,
        }
    }
}

async fn list(call: Call) -> Result<Reply, Problem> {
    call.administrator()?;
    let (after, limit) = (call.after(instant_key::<PersonId>)?, call.limit()?);
    let page = call.node.store().read(move |rows| people::list(rows, after, limit)).await?;
    let next = page.next.map(|(at, id)| format!("{}.{id}", at.micros()));
    Ok(Page { items: page.items, next }.reply(Person::of))
}

/// An account, with a version that signing in does not change.
async fn found(call: &Call, id: PersonId) -> Result<(PersonView, Reply), Problem> {
    let person = call.node.store().read(move |rows| people::person(rows, id)).await?.ok_or(Problem::NotFound)?;
    let words: Vec<&str> = person.roles.iter().map(|role| role.word()).collect();
    let version = format!("{}\n{}\n{}\n{}", person.name, person.email, words.join(" "), person.state.word());
    let digest = Digest32::of(version.as_bytes()).to_string();
    let reply = Reply::version(&Person::of(person.clone()), &digest);
    Ok((person, reply))
}

async fn one(call: Call) -> Result<Reply, Problem> {
    call.administrator()?;
    Ok(found(&call, call.id()?).await?.1)
}

async fn invite(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let Invite { name, email, roles } = call.body()?;
    let (id, link) = call.node.invite(&by, NewInvitation { name, email, roles }).await?;
    Ok(Reply::made(&Invited { id, link }, &format!("/people/{id}")))
}

async fn save(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let id = call.id()?;
    let (person, reply) = found(&call, id).await?;
    call.must_match(&reply)?;
    let PersonDetails { name, email, roles } = call.body()?;
    match call.node.save_person(&by, person, name, email, roles).await {
        Ok(()) => Ok(found(&call, id).await?.1),
        Err(DoorError::Stale) => Err(found(&call, id).await?.1.changed()),
        Err(error) => Err(error.into()),
    }
}

async fn reset(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let id: PersonId = call.id()?;
    let link = call.node.reset_link(&by, id).await?;
    Ok(Reply::made(&Link { link }, &format!("/people/{id}")))
}

async fn disable(call: Call) -> Result<Reply, Problem> {
    call.node.set_disabled(&call.administrator()?, call.id()?, true).await?;
    Ok(Reply::done())
}

async fn enable(call: Call) -> Result<Reply, Problem> {
    call.node.set_disabled(&call.administrator()?, call.id()?, false).await?;
    Ok(Reply::done())
}

async fn remove(call: Call) -> Result<Reply, Problem> {
    call.node.remove_person(&call.administrator()?, call.id()?).await?;
    Ok(Reply::done())
}

async fn sessions(call: Call) -> Result<Reply, Problem> {
    call.administrator()?;
    let elapsed = call.node.time().elapsed();
    let ago = |at: Moment| u32::try_from(elapsed.seconds_since(at)).unwrap_or(0);
    let items = call.node.sessions_of(call.id()?).await?;
    Ok(call.page_of(items, |session| session.id.to_string())?.reply(|session| Session {
        id: session.id,
        began_seconds_ago: ago(session.began_at),
        used_seconds_ago: ago(session.seen_at),
    }))
}

async fn end_sessions(call: Call) -> Result<Reply, Problem> {
    call.administrator()?;
    let EndSessions { session } = call.body()?;
    let id: PersonId = call.id()?;
    match session {
        Some(session) => {
            let theirs = call.node.sessions_of(id).await?;
            if !theirs.iter().any(|known| known.id == session) {
                return Err(Problem::NotFound);
            }
            call.node.end_session(call.person(), session).await?;
        }
        None => {
            call.node.end_sessions(call.person(), id, None).await?;
        }
    }
    Ok(Reply::done())
}

async fn tokens(call: Call) -> Result<Reply, Problem> {
    call.administrator()?;
    let elapsed = call.node.time().elapsed();
    let items = call.node.tokens_of(call.id()?).await?;
    Ok(call.page_of(items, |held| held.token.id.to_string())?.reply(|held| Token::of(&held, elapsed)))
}
