//! The pages of a first run: addresses and handlers.
//!
//! They live without a node, so they have a frame of their own. What changes something is a form behind the link's secret,
//! which no other site knows; requests from other sites are refused besides.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::web::{Data, Path, ServiceConfig, get, resource, scope, to};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use tokio::sync::oneshot;

use super::answers::{self, Answers, Part};
use super::link::Opens;
use super::passphrase;
use super::{Desk, Drawn, Made, Order, Stage};
use crate::problem::{Problem, RETRY_AFTER_SECONDS};
use crate::web::field::{Field, Summary};
use crate::web::form::{FieldError, Form};
use crate::web::page::{self, Answer, Stranger};
use crate::web::{files, problems};

/// Every address. What is not known says that nothing is here yet.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/health/live").route(get().to(live)))
        .service(resource("/health/ready").route(get().to(not_ready)))
        .service(resource("/static/{name}").route(get().to(files::serve)))
        .service(
            scope("")
                .wrap(from_fn(problems::same_site))
                .service(resource("/set-up/{secret}").get(ask).post(answer))
                .service(resource("/set-up/{secret}/sheet").get(show_sheet).post(make))
                .default_service(to(nothing_here)),
        );
}

/// The frame.
struct Frame {
    title: String,
    issuer: String,
}

#[derive(Template)]
#[template(path = "set_up.html")]
struct AskPage {
    frame: Frame,
    summary: Summary,
    parts: [Part; 4],
    action: String,
}

#[derive(Template)]
#[template(path = "set_up_sheet.html")]
struct SheetPage {
    frame: Frame,
    summary: Summary,
    organisation: String,
    drawn_on: String,
    database: String,
    key_file: Option<String>,
    groups: Vec<String>,
    lacks_second: bool,
    field: Field,
    action: String,
    back: String,
}

#[derive(Template)]
#[template(path = "set_up_done.html")]
struct DonePage {
    frame: Frame,
    invitation: Option<String>,
    fields: Vec<Field>,
}

#[derive(Template)]
#[template(path = "set_up_closed.html")]
struct ClosedPage {
    frame: Frame,
    paragraphs: Vec<&'static str>,
    /// Where to go on.
    next: Option<&'static str>,
}

impl Desk {
    fn frame(&self, title: &str, errors: &[FieldError]) -> Frame {
        let error = if errors.is_empty() { "" } else { "Error: " };
        Frame { title: format!("{error}{title}"), issuer: self.about.issuer.clone() }
    }

    fn sheet_path(&self) -> String {
        format!("{}/sheet", self.link.path())
    }

    fn closed(
        &self,
        status: StatusCode,
        title: &str,
        paragraphs: Vec<&'static str>,
        next: Option<&'static str>,
    ) -> Answer {
        let mut answer = page::html_as(status, &ClosedPage { frame: self.frame(title, &[]), paragraphs, next })?;
        if status == StatusCode::SERVICE_UNAVAILABLE {
            answer.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        Ok(answer)
    }

    fn asked(&self, form: &Form, errors: Vec<FieldError>) -> Answer {
        let status = page::form_status(&errors);
        let shown = AskPage {
            frame: self.frame("Set up this node", &errors),
            parts: answers::parts(form, &errors),
            summary: Summary { errors },
            action: self.link.path(),
        };
        page::html_as(status, &shown)
    }

    fn sheet(&self, drawn: &Drawn, errors: Vec<FieldError>) -> Answer {
        let status = page::form_status(&errors);
        let groups = passphrase::groups(&drawn.passphrase);
        let shown = SheetPage {
            frame: self.frame("Print the recovery sheet", &errors),
            organisation: drawn.answers.organisation().to_string(),
            drawn_on: self.reader().at(drawn.at),
            database: self.about.database.clone(),
            key_file: self.about.key_file.as_ref().map(|file| file.display().to_string()),
            groups: groups.into_iter().map(str::to_owned).collect(),
            lacks_second: drawn.answers.lacks_second(),
            field: Field::line(&Form::default(), "last-group", "Type the last group of the passphrase")
                .hint("So that we know that you have it on paper.")
                .faults(&errors),
            summary: Summary { errors },
            action: self.sheet_path(),
            back: self.link.path(),
        };
        page::html_as(status, &shown)
    }

    /// What to answer when the link does not open the pages now. A wrong one counts against its address.
    fn shut(&self, request: &HttpRequest, secret: &str) -> Option<Answer> {
        match self.link.judge(secret, self.about.time.elapsed()) {
            Opens::Yes => None,
            Opens::Lapsed => Some(self.closed(
                StatusCode::GONE,
                "This link has lapsed",
                vec![
                    "A link for setting a node up is good for 30 minutes. Nothing was stored.",
                    "Start the program again on the server: it makes a new link.",
                ],
                None,
            )),
            Opens::Wrong => {
                let from = self.address.of(request);
                tracing::warn!(address = ?from, "a wrong link for setting this node up was refused");
                if let Some(Err(seconds)) = from.map(|from| self.wrong_links.check(&from)) {
                    return Some(Err(Problem::TooMany(seconds)));
                }
                Some(self.nothing())
            }
        }
    }

    fn nothing(&self) -> Answer {
        if matches!(*self.stage(), Stage::Making(_) | Stage::Made) {
            return self.starting();
        }
        self.closed(
            StatusCode::SERVICE_UNAVAILABLE,
            "This node is not set up yet",
            vec![
                "There is nothing here for visitors yet.",
                "If you run this server: the link for setting it up was shown where the program was started, and is in a \
                 file beside its database whose name ends in .set-up-link.",
            ],
            None,
        )
    }

    fn starting(&self) -> Answer {
        self.closed(
            StatusCode::SERVICE_UNAVAILABLE,
            "This node is set up",
            vec!["It starts now. Sign in in a few seconds."],
            Some("/sign-in"),
        )
    }
}

async fn live() -> HttpResponse {
    state(HttpResponse::Ok(), "live")
}

async fn not_ready() -> HttpResponse {
    state(HttpResponse::ServiceUnavailable(), "not set up")
}

fn state(mut response: actix_web::HttpResponseBuilder, state: &str) -> HttpResponse {
    response
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(serde_json::json!({ "status": state }).to_string())
}

async fn nothing_here(desk: Data<Desk>) -> Answer {
    desk.nothing()
}

/// `GET /set-up/{secret}`
async fn ask(desk: Data<Desk>, request: HttpRequest, secret: Path<String>) -> Answer {
    if let Some(answer) = desk.shut(&request, &secret) {
        return answer;
    }
    let form = match &*desk.stage() {
        Stage::Asking => answers::blank(),
        Stage::Answered(drawn) => drawn.form.clone(),
        Stage::Making(_) | Stage::Made => return desk.starting(),
    };
    desk.asked(&form, Vec::new())
}

/// `POST /set-up/{secret}`
async fn answer(desk: Data<Desk>, request: HttpRequest, secret: Path<String>, stranger: Stranger) -> Answer {
    if let Some(answer) = desk.shut(&request, &secret) {
        return answer;
    }
    let form = stranger.form;
    let answers = match Answers::read(&form, desk.reader()) {
        Ok(answers) => answers,
        Err(errors) => return desk.asked(&form, errors),
    };
    let passphrase = passphrase::draw()?;
    let form = answers::without_passwords(form);
    let drawn = Drawn { answers, form, passphrase, at: desk.about.time.now() };
    let mut stage = desk.stage();
    match &*stage {
        Stage::Asking | Stage::Answered(_) => *stage = Stage::Answered(Box::new(drawn)),
        Stage::Making(_) | Stage::Made => return desk.starting(),
    }
    Ok(page::see_other(&desk.sheet_path()))
}

/// `GET /set-up/{secret}/sheet`
async fn show_sheet(desk: Data<Desk>, request: HttpRequest, secret: Path<String>) -> Answer {
    if let Some(answer) = desk.shut(&request, &secret) {
        return answer;
    }
    match &*desk.stage() {
        Stage::Answered(drawn) => desk.sheet(drawn, Vec::new()),
        Stage::Asking => Ok(page::see_other(&desk.link.path())),
        Stage::Making(_) | Stage::Made => desk.starting(),
    }
}

/// `POST /set-up/{secret}/sheet`: the node is made.
async fn make(desk: Data<Desk>, request: HttpRequest, secret: Path<String>, stranger: Stranger) -> Answer {
    if let Some(answer) = desk.shut(&request, &secret) {
        return answer;
    }
    let Begun { order, made, email } = match begin(&desk, stranger.form.first("last-group")) {
        Ok(begun) => begun,
        Err(answer) => return *answer,
    };
    let sent = desk.orders.send(order).await;
    match if sent.is_ok() { made.await.ok() } else { None } {
        Some(Ok(made)) => desk.done(made, &email),
        Some(Err(sentence)) => desk.not_made(format!("The node could not be made: {sentence}. Try again")),
        // The program is being stopped.
        None => desk.not_made("The program was told to stop. Start it again".to_owned()),
    }
}

/// The one order, and what its page needs afterwards.
struct Begun {
    order: Order,
    made: oneshot::Receiver<Result<Made, String>>,
    email: String,
}

/// Begins, when the sheet was seen; otherwise says what to answer. A second press of the button finds the first at work.
fn begin(desk: &Desk, typed: &str) -> Result<Begun, Box<Answer>> {
    let mut stage = desk.stage();
    let drawn = match std::mem::replace(&mut *stage, Stage::Asking) {
        Stage::Answered(drawn) => drawn,
        Stage::Asking => return Err(Box::new(Ok(page::see_other(&desk.link.path())))),
        busy @ (Stage::Making(_) | Stage::Made) => {
            *stage = busy;
            return Err(Box::new(desk.starting()));
        }
    };
    if !passphrase::is_last_group(&drawn.passphrase, typed) {
        let message = "Type the five letters of the last group, as the sheet shows them".to_owned();
        let error = FieldError { name: "last-group".to_owned(), anchor: "last-group".to_owned(), message };
        let shown = desk.sheet(&drawn, vec![error]);
        *stage = Stage::Answered(drawn);
        return Err(Box::new(shown));
    }
    let (answer, made) = oneshot::channel();
    let set_up = drawn.answers.set_up(drawn.passphrase.clone());
    let order = Order { set_up, second: drawn.answers.second(), answer };
    let email = drawn.answers.email().to_string();
    *stage = Stage::Making(drawn);
    Ok(Begun { order, made, email })
}

impl Desk {
    fn done(&self, made: Made, email: &str) -> Answer {
        let mut form = Form::default();
        form.set("email", email);
        let shown = DonePage {
            frame: self.frame("This node is set up", &[]),
            invitation: made.invitation.map(|path| format!("{}{path}", self.about.issuer)),
            fields: vec![Field::email(&form, "email", "E-mail address"), Field::password("password", "Password")],
        };
        page::html(&shown)
    }

    fn not_made(&self, message: String) -> Answer {
        let error = FieldError { name: "last-group".to_owned(), anchor: "last-group".to_owned(), message };
        match &*self.stage() {
            Stage::Answered(drawn) => self.sheet(drawn, vec![error]),
            Stage::Asking | Stage::Making(_) | Stage::Made => self.starting(),
        }
    }
}
