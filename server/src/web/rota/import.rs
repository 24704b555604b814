//! Taking a rota from a calendar: the file is read, who is in it is looked for among the accounts, and everything is shown
//! before anything is kept. A row at fault is named with its line, and then nothing is taken.

use askama::Template;
use domain::rota::When;
use domain::values::{Moment, PersonId};
use serde::{Deserialize, Serialize};

use super::{fault, keeper};
use crate::documents::calendar::{self, CALENDAR_OCTETS_MAX, Entry, Fault};
use crate::node::ladders::Nameable;
use crate::node::rota::NewShift;
use crate::problem::Problem;
use crate::web::action::refusal;
use crate::web::field::{Field, Summary};
use crate::web::form::{FieldError, Form};
use crate::web::page::{self, Answer, Chrome, Posted, Visit};
use crate::web::upload::Uploaded;

#[derive(Template)]
#[template(path = "rota_import.html")]
struct ImportPage {
    chrome: Chrome,
    summary: Summary,
    rows: Vec<Fault>,
    text: Field,
}

#[derive(Template)]
#[template(path = "rota_preview.html")]
struct PreviewPage {
    chrome: Chrome,
    summary: Summary,
    rows: Vec<PreviewRow>,
    shifts: String,
}

struct PreviewRow {
    who: String,
    from: String,
    until: String,
}

/// A shift between the two pages.
#[derive(Serialize, Deserialize)]
struct Carried {
    person: PersonId,
    from: Moment,
    until: Moment,
}

fn start(visit: &Visit, form: &Form, errors: Vec<FieldError>, rows: Vec<Fault>) -> Answer {
    let text = Field::area(form, "text", "Or paste its text").faults(&errors);
    let page = ImportPage {
        chrome: visit.chrome(crate::web::log::title("Take a rota from a calendar", &errors), "/rota"),
        text,
        rows,
        summary: Summary { errors },
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}

/// `GET /rota/import`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub(super) async fn show(visit: Visit) -> Answer {
    keeper(&visit)?;
    start(&visit, &Form::default(), Vec::new(), Vec::new())
}

/// `POST /rota/import`: reads the file. With faults every row at fault is named; without, what it comes to is shown.
///
/// # Errors
/// [`Problem`]
pub(super) async fn read(uploaded: Uploaded<CALENDAR_OCTETS_MAX>) -> Answer {
    let Uploaded { visit, mut form } = uploaded;
    keeper(&visit)?;
    let chosen = form.first("file").to_owned();
    if !chosen.trim().is_empty() {
        form.set("text", chosen);
    }
    form.drop_names(&["file"]);
    if form.is_blank("text") {
        return start(&visit, &form, vec![fault("text", "Choose a file, or paste its text")], Vec::new());
    }
    let people = visit.node.nameable().await?;
    let (text, zone, now) = (form.first("text").to_owned(), visit.node.zone(), visit.now());
    let parsed = actix_web::web::block(move || calendar::parse(&text, zone, now)).await.map_err(Problem::internal)?;
    let found = parsed.and_then(|entries| known(&entries, &people));
    match found {
        Ok(shifts) if shifts.is_empty() => {
            let words = "No shift in this calendar is still to come in the next year";
            start(&visit, &form, vec![fault("text", words)], Vec::new())
        }
        Ok(shifts) => preview(&visit, &shifts, &people, Vec::new()),
        Err(rows) => {
            let words = match rows.len() {
                1 => "Nothing was taken: mend the line in the list".to_owned(),
                many => format!("Nothing was taken: mend the {many} lines in the list"),
            };
            start(&visit, &form, vec![fault("text", words)], rows)
        }
    }
}

/// Whose each shift is: by the mail addresses of who attends, or by one name in its title.
fn known(entries: &[Entry], people: &[Nameable]) -> Result<Vec<Carried>, Vec<Fault>> {
    let (mut shifts, mut faults) = (Vec::new(), Vec::new());
    for entry in entries {
        let by_mail = |mailbox: &String| people.iter().find(|person| person.email.eq_ignore_ascii_case(mailbox));
        let unknown: Vec<&str> =
            entry.mailboxes.iter().filter(|it| by_mail(it).is_none()).map(String::as_str).collect();
        let mut found: Vec<PersonId> = entry.mailboxes.iter().filter_map(by_mail).map(|person| person.id).collect();
        if entry.mailboxes.is_empty() {
            let title = entry.title.to_lowercase();
            let named = people.iter().filter(|person| title.contains(&person.name.to_lowercase()));
            found.extend(named.map(|person| person.id));
        }
        let message = match (unknown.first(), found.len()) {
            (Some(mailbox), _) => format!("nobody here has the mail address {mailbox}, or they can\u{2019}t sign in"),
            (None, 0) => format!(
                "nobody attends, and the title \u{201c}{}\u{201d} names nobody who has an account here",
                entry.title
            ),
            (None, _) => {
                let (from, until) = (entry.from, entry.until);
                shifts.extend(found.into_iter().map(|person| Carried { person, from, until }));
                continue;
            }
        };
        let row = Fault { line: entry.line, message };
        // An event that repeats is one row of the file.
        if !faults.contains(&row) {
            faults.push(row);
        }
    }
    if faults.is_empty() { Ok(shifts) } else { Err(faults) }
}

fn preview(visit: &Visit, shifts: &[Carried], people: &[Nameable], errors: Vec<FieldError>) -> Answer {
    let name = |id: PersonId| people.iter().find(|person| person.id == id).map_or("", |person| person.name.as_str());
    let page = PreviewPage {
        chrome: visit.chrome(crate::web::log::title("What this calendar would add", &errors), "/rota"),
        rows: shifts
            .iter()
            .map(|shift| PreviewRow {
                who: name(shift.person).to_owned(),
                from: visit.reader.near(shift.from),
                until: visit.reader.near(shift.until),
            })
            .collect(),
        shifts: serde_json::to_string(shifts).map_err(Problem::internal)?,
        summary: Summary { errors },
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}

/// `POST /rota/import/confirm`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub(super) async fn confirm(posted: Posted) -> Answer {
    let Posted { visit, form } = posted;
    let by = keeper(&visit)?;
    let unreadable = |_| Problem::Malformed("The shifts could not be read.");
    let shifts: Vec<Carried> = serde_json::from_str(form.first("shifts")).map_err(unreadable)?;
    let new = shifts
        .iter()
        .map(|shift| NewShift {
            person: shift.person,
            when: When::Once { from: shift.from, until: shift.until },
            swap: false,
        })
        .collect();
    match visit.node.import_shifts(&by, new).await {
        Ok(_) => Ok(page::see_other("/rota")),
        Err(error) => {
            let people = visit.node.nameable().await?;
            preview(&visit, &shifts, &people, refusal(error, "shifts")?)
        }
    }
}
