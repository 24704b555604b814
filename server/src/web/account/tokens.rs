//! API tokens of one's own: made here, shown once, ended here.

use domain::values::Line;

use crate::access::Scope;
use crate::problem::Problem;
use crate::web::action::{ActionPage, refusal};
use crate::web::field::Field;
use crate::web::form::{Form, Reading};
use crate::web::page::{self, Answer, AnyonesForm, Posted, Visit};
use crate::web::people::ShownOnce;

/// How long a token may be good: days, and their words.
const LIVES: [(&str, &str); 4] = [("7", "A week"), ("30", "30 days"), ("90", "90 days"), ("365", "A year")];

/// What a scope lets a program do.
const fn words(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "Read everything that you can read",
        Scope::Respond => "Log incidents, send, update and withdraw notices, answer",
        Scope::Decide => "Decide about reports, take duties in hand",
        Scope::Administer => "Pair, keep keys, accounts and agreements",
    }
}

fn token_page(visit: &Visit, form: &Form) -> ActionPage {
    let mut page = ActionPage::new(
        visit.chrome("Make an API token", "/account"),
        "Make an API token",
        "your account",
        "/account".to_owned(),
        "/account/tokens/new".to_owned(),
    );
    page.paragraphs.push(
        "A program with this token acts for you, and the record says so. Give it no more than it needs, and one program \
         one token."
            .to_owned(),
    );
    let open = Scope::ALL.into_iter().filter(|scope| scope.is_open_to(&visit.person));
    page.fields = vec![
        Field::line(form, "label", "What is the program called?").hint("Such as \u{201c}Ticket system\u{201d}."),
        Field::checks(form, "scope", "What may it do?", open.map(|scope| (scope.word(), words(scope)))),
        Field::radios(form, "days", "How long is the token good?", LIVES),
    ];
    page.buttons.push(("make", "Make token", ""));
    page
}

/// `GET /account/tokens/new`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub(super) async fn new(visit: Visit) -> Answer {
    may_have_one(&visit)?;
    let mut form = Form::default();
    form.set("scope", Scope::Read.word());
    form.set("days", "90");
    token_page(&visit, &form).answer(Vec::new())
}

/// `POST /account/tokens/new`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub(super) async fn make(posted: Posted) -> Answer {
    let Posted { visit, form } = posted;
    may_have_one(&visit)?;
    let mut reading = Reading::new(&form, visit.reader);
    let label: Option<Line> = reading.text("label", "Say what the program is called");
    let scopes: Vec<Scope> = reading.ticked("scope", |word| word.parse().ok());
    if scopes.is_empty() {
        reading.fault("scope", "Choose what the program may do");
    }
    let known =
        |word: &str| LIVES.iter().find(|(days, _)| *days == word).and_then(|(days, _)| days.parse::<i64>().ok());
    let days = reading.choice("days", known, "Choose how long the token is good");
    let errors = reading.into_errors();
    let (Some(label), Some(days), true) = (label, days, errors.is_empty()) else {
        return token_page(&visit, &form).answer(errors);
    };
    let expires_at = visit.node.time().elapsed().plus_seconds(days * 86_400);
    let (_, token) = match visit.node.add_token(&visit.person, label.clone(), scopes, expires_at).await {
        Ok(made) => made,
        Err(error) => return token_page(&visit, &form).answer(refusal(error, "scope")?),
    };
    page::html(&ShownOnce {
        chrome: visit.chrome("Token made", "/account"),
        heading: "Token made".to_owned(),
        paragraphs: vec![format!(
            "{label} sends it in the header Authorization, after the word Bearer. Keep it where passwords are kept, never in \
             a program's source."
        )],
        label: "Token".to_owned(),
        secret: token,
        back: "/account".to_owned(),
        back_words: "I have copied it",
    })
}

/// `POST /account/tokens/end`
///
/// # Errors
/// [`Problem::NotFound`]
pub(super) async fn end(posted: AnyonesForm) -> Answer {
    let AnyonesForm(posted) = posted;
    let id = posted.form.first("token").parse().map_err(|_| Problem::NotFound)?;
    posted.visit.node.end_token(&posted.visit.person, &id).await?;
    Ok(page::see_other("/account?done=token"))
}

fn may_have_one(visit: &Visit) -> Result<(), Problem> {
    let any = Scope::ALL.iter().any(|scope| scope.is_open_to(&visit.person));
    if any { Ok(()) } else { Err(Problem::NotAllowed("people with a role that a token could use")) }
}
