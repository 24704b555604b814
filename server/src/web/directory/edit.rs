//! Changing a record, or adding one: a form, kept as a draft while it is typed (ruling 38), saved against the version that
//! it was opened with. Of two people who edit at once, the second is shown what the first changed, and keeps what they
//! typed.

use std::future::Future;

use actix_web::{HttpResponse, web};
use askama::Template;
use domain::directory::{Fault, Key, RecordKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::sheet::address;
use crate::access::Administrator;
use crate::node::DoorError;
use crate::problem::{Problem, capitalised};
use crate::store::queries::directory::{self as known, Known, Stored};
use crate::web::administration::administrator;
use crate::web::field::{Field, Summary, in_order};
use crate::web::form::{FieldError, Form, Reading};
use crate::web::import::{differences, json};
use crate::web::log::title;
use crate::web::page::{self, Answer, Chrome, Posted, Visit};

/// Names in a posted form that are no answers.
const BUTTONS: [&str; 2] = ["go", "draft"];

/// Some fields of a long form.
pub(super) struct Group {
    /// What they are about.
    pub(super) heading: String,
    /// Help, or nothing.
    pub(super) hint: &'static str,
    /// The fields.
    pub(super) fields: Vec<Field>,
}

impl Group {
    pub(super) fn new(heading: impl Into<String>, fields: Vec<Field>) -> Self {
        Self { heading: heading.into(), hint: "", fields }
    }

    pub(super) const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }
}

/// A record that can be edited on a page.
pub(super) trait Edited: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Of which kind.
    const KIND: RecordKind;
    /// What its drafts are for.
    const DRAFT: &'static str;
    /// Where its pages are.
    const PATH: &'static str;
    /// The pages above, in words.
    const LIST: &'static str;
    /// The heading of the page for a new one.
    const NEW: &'static str;

    /// All that are known; of agreements every version.
    fn all(known: &Known) -> &[Stored<Self>];
    /// Its key.
    fn key(&self) -> &Key;
    /// What people call it.
    fn name(&self, known: &Known) -> String;
    /// What it says, as a filled-in form.
    fn fill(&self, form: &mut Form);
    /// The form.
    fn groups(form: &Form, known: &Known, is_new: bool) -> Vec<Group>;
    /// What was typed, under a key; a new one's key is made of it. `None` with at least one fault.
    fn read(reading: &mut Reading<'_>, known: &Known, seen: Option<&Self>) -> Option<Self>;
    /// The key of what was typed: the one that it has, or a new one made of its name.
    fn key_of(seen: Option<&Self>, name: &str, known: &Known) -> Key {
        let taken = |key: &Key| Self::all(known).iter().any(|other| other.record.key() == key);
        seen.map_or_else(|| Key::made_of(name, taken), |seen| seen.key().clone())
    }
    /// Whether another one is about the same, so that nobody adds it twice.
    fn is_twin(&self, other: &Self) -> bool;
    /// The field that a fault of the rules is shown at.
    fn field_of(fault: &Fault) -> &'static str;
    /// Saves it.
    fn keep(
        self,
        visit: &Visit,
        by: &Administrator,
        expected: Option<u32>,
    ) -> impl Future<Output = Result<u32, DoorError>>;
}

/// What was just done, in words.
pub(super) fn done_words(word: &str) -> &'static str {
    match word {
        "saved" => "Saved as a new version. What is logged from now on goes by it.",
        "added" => "Added.",
        "imported" => "Imported. What is logged from now on goes by it.",
        "same" => "Nothing was changed: it says so already.",
        "ended" => "The arrangement has ended.",
        "moved" => "The arrangements are under the newest version now.",
        _ => "",
    }
}

#[derive(Template)]
#[template(path = "directory_edit.html")]
struct EditPage {
    chrome: Chrome,
    summary: Summary,
    back: String,
    caption: String,
    heading: String,
    paragraphs: Vec<String>,
    changes: Vec<(String, String, String)>,
    groups: Vec<Group>,
    hidden: Vec<(&'static str, String)>,
    action: String,
    autosave: String,
    save: &'static str,
    note: String,
}

/// What is edited: a form, its draft, the record behind it.
struct Editing<R> {
    known: Known,
    /// The newest version; `None` for a new record.
    stored: Option<Stored<R>>,
    form: Form,
    draft: Uuid,
}

/// What can be asked for with a form for a new record.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Preset {
    #[serde(default)]
    agreement: String,
    #[serde(default)]
    partner: String,
}

fn newest<R: Edited>(known: &Known, id: Uuid) -> Option<Stored<R>> {
    R::all(known).iter().filter(|stored| stored.id == id).max_by_key(|stored| stored.version).cloned()
}

/// The draft of a record that its author left, if there is one.
async fn left<R: Edited>(visit: &Visit, of: &str) -> Result<Option<(Uuid, Form, String)>, Problem> {
    let drafts = visit.node.drafts(&visit.person, R::DRAFT).await?;
    Ok(drafts.into_iter().find_map(|draft| {
        let form = Form::from_json(&draft.content);
        (form.first("of") == of)
            .then(|| (draft.id, form, format!("This is your draft, saved at {}", visit.reader.near(draft.updated_at))))
    }))
}

/// `GET {path}/{id}/edit`
///
/// # Errors
/// [`Problem`]
pub(super) async fn open<R: Edited>(visit: Visit, id: web::Path<Uuid>) -> Answer {
    administrator(&visit)?;
    let known = visit.node.store().read(known::known).await?;
    let stored: Stored<R> = newest(&known, *id).ok_or(Problem::NotFound)?;
    let (draft, form, note) = match left::<R>(&visit, &id.to_string()).await? {
        Some(left) => left,
        None => {
            let mut form = Form::default();
            stored.record.fill(&mut form);
            form.set("of", id.to_string());
            form.set("base", stored.version.to_string());
            (visit.node.make_form(&visit.person, R::DRAFT).await?, form, String::new())
        }
    };
    let editing = Editing { known, stored: Some(stored), form, draft };
    editing.show(&visit, Vec::new(), Vec::new(), note)
}

/// `GET {path}/new`
///
/// # Errors
/// [`Problem`]
pub(super) async fn begin<R: Edited>(visit: Visit, preset: web::Query<Preset>) -> Answer {
    administrator(&visit)?;
    let known = visit.node.store().read(known::known).await?;
    let (draft, mut form, note) = match left::<R>(&visit, "new").await? {
        Some(left) => left,
        None => (visit.node.make_form(&visit.person, R::DRAFT).await?, Form::default(), String::new()),
    };
    form.set("of", "new");
    for (name, value) in [("agreement", &preset.agreement), ("partner", &preset.partner)] {
        if !value.is_empty() {
            form.set(name, value.as_str());
        }
    }
    Editing::<R> { known, stored: None, form, draft }.show(&visit, Vec::new(), Vec::new(), note)
}

/// `POST /drafts/{kind}/{draft}`: what a page with script sends while somebody types.
///
/// # Errors
/// [`Problem`]
pub(super) async fn autosave<R: Edited>(posted: Posted, draft: web::Path<Uuid>) -> Answer {
    let Posted { visit, mut form } = posted;
    administrator(&visit)?;
    form.drop_names(&BUTTONS);
    visit.node.keep_draft(&visit.person, *draft, R::DRAFT, form.to_json()).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(format!("Draft saved at {}", visit.reader.clock(visit.now()))))
}

/// `POST {path}/{id}/edit`
///
/// # Errors
/// [`Problem`]
pub(super) async fn save<R: Edited>(posted: Posted, id: web::Path<Uuid>) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let known = visit.node.store().read(known::known).await?;
    let stored: Stored<R> = newest(&known, *id).ok_or(Problem::NotFound)?;
    let mut editing = Editing { known, stored: Some(stored.clone()), draft: draft_of(&form)?, form };
    let home = address::<R>(*id);
    if editing.form.has("go", "discard") {
        return editing.discard(&visit, &home).await;
    }
    let base: u32 =
        editing.form.first("base").parse().map_err(|_| Problem::Malformed("The form could not be read."))?;
    let mut reading = Reading::new(&editing.form, visit.reader);
    let read = R::read(&mut reading, &editing.known, Some(&stored.record));
    let errors = reading.into_errors();
    let Some(record) = read.filter(|_| errors.is_empty()) else {
        return editing.again(&visit, errors).await;
    };
    // Also when the same form is sent twice.
    if record == stored.record && stored.version > 0 {
        editing.forget(&visit).await?;
        let word = if base == stored.version { "same" } else { "saved" };
        return Ok(page::see_other(&format!("{home}?done={word}")));
    }
    match record.keep(&visit, &by, Some(base)).await {
        Ok(_) => {
            editing.forget(&visit).await?;
            Ok(page::see_other(&format!("{home}?done=saved")))
        }
        Err(DoorError::Stale) => {
            let changes = changed::<R>(&visit, &stored, base).await?;
            editing.form.set("base", stored.version.to_string());
            editing.conflict(&visit, changes).await
        }
        Err(error) => {
            let errors = faults::<R>(error)?;
            editing.again(&visit, errors).await
        }
    }
}

/// `POST {path}/new`
///
/// # Errors
/// [`Problem`]
pub(super) async fn add<R: Edited>(posted: Posted) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let known = visit.node.store().read(known::known).await?;
    let editing = Editing::<R> { known, stored: None, draft: draft_of(&form)?, form };
    if editing.form.has("go", "discard") {
        return editing.discard(&visit, R::PATH).await;
    }
    let mut reading = Reading::new(&editing.form, visit.reader);
    let read = R::read(&mut reading, &editing.known, None);
    let errors = reading.into_errors();
    let Some(record) = read.filter(|_| errors.is_empty()) else {
        return editing.again(&visit, errors).await;
    };
    if let Some(twin) = R::all(&editing.known).iter().find(|other| record.is_twin(&other.record)) {
        let words =
            format!("There is one already: \u{201c}{}\u{201d}. Change that one", twin.record.name(&editing.known));
        let errors = vec![first_field::<R>(words)];
        return editing.again(&visit, errors).await;
    }
    let key = record.key().clone();
    match record.keep(&visit, &by, None).await {
        Ok(_) => {
            editing.forget(&visit).await?;
            let known = visit.node.store().read(known::known).await?;
            let id = R::all(&known).iter().find(|stored| *stored.record.key() == key).map(|stored| stored.id);
            let home = id.map_or_else(|| R::PATH.to_owned(), address::<R>);
            Ok(page::see_other(&format!("{home}?done=added")))
        }
        Err(error) => {
            let errors = faults::<R>(error)?;
            editing.again(&visit, errors).await
        }
    }
}

fn draft_of(form: &Form) -> Result<Uuid, Problem> {
    form.first("draft").parse().map_err(|_| Problem::Malformed("The form could not be read."))
}

/// The rules' word as faults of the form.
fn faults<R: Edited>(error: DoorError) -> Result<Vec<FieldError>, Problem> {
    match error {
        DoorError::Records(faults) => Ok(faults
            .iter()
            .map(|fault| {
                let name = R::field_of(fault);
                FieldError { name: name.to_owned(), anchor: name.to_owned(), message: capitalised(&fault.message) }
            })
            .collect()),
        DoorError::Taken => Ok(vec![first_field::<R>("There is one of this name already".to_owned())]),
        error @ (DoorError::Refused(_)
        | DoorError::ExchangeRefused(_)
        | DoorError::Complaint(_)
        | DoorError::NotFound
        | DoorError::FormUnknown
        | DoorError::FormSaidOtherwise
        | DoorError::Invalid(_)
        | DoorError::Stale
        | DoorError::Target(_)
        | DoorError::Pairing(_)
        | DoorError::Store(_)) => Err(error.into()),
    }
}

fn first_field<R: Edited>(message: String) -> FieldError {
    let name = match R::KIND {
        RecordKind::Party | RecordKind::Service => "name",
        RecordKind::Agreement => "title",
        RecordKind::Arrangement => "partner",
    };
    FieldError { name: name.to_owned(), anchor: name.to_owned(), message }
}

/// What somebody else changed since a version was opened.
async fn changed<R: Edited>(
    visit: &Visit,
    now: &Stored<R>,
    base: u32,
) -> Result<Vec<(String, String, String)>, Problem> {
    let id = now.id;
    let before: Option<Stored<R>> =
        visit.node.store().read(move |rows| known::version_of(rows, R::KIND, id, base)).await?;
    let before = before.map(|before| json(&before.record)).unwrap_or_default();
    let empty = serde_json::Map::new();
    let (before, after) = (before.as_object().unwrap_or(&empty).clone(), json(&now.record));
    let mut changes = differences(&before, after.as_object().unwrap_or(&empty));
    changes.retain(|(member, _, _)| member != "key" && member != "version");
    Ok(changes)
}

impl<R: Edited> Editing<R> {
    async fn forget(&self, visit: &Visit) -> Result<(), Problem> {
        Ok(visit.node.discard_draft(&visit.person, self.draft).await?)
    }

    async fn discard(&self, visit: &Visit, home: &str) -> Answer {
        self.forget(visit).await?;
        Ok(page::see_other(home))
    }

    async fn keep_draft(&mut self, visit: &Visit) -> Result<String, Problem> {
        self.form.drop_names(&BUTTONS);
        visit.node.keep_draft(&visit.person, self.draft, R::DRAFT, self.form.to_json()).await?;
        Ok(format!("Draft saved at {}", visit.reader.clock(visit.now())))
    }

    /// The form again, with its faults.
    async fn again(mut self, visit: &Visit, errors: Vec<FieldError>) -> Answer {
        let note = self.keep_draft(visit).await?;
        self.show(visit, errors, Vec::new(), note)
    }

    /// The form again, with what somebody else did.
    async fn conflict(mut self, visit: &Visit, changes: Vec<(String, String, String)>) -> Answer {
        let note = self.keep_draft(visit).await?;
        let message = "Somebody else saved this while you were editing. Look at what they changed, then save again";
        let error = first_field::<R>(message.to_owned());
        self.show(visit, vec![error], changes, note)
    }

    fn show(
        self,
        visit: &Visit,
        errors: Vec<FieldError>,
        changes: Vec<(String, String, String)>,
        note: String,
    ) -> Answer {
        let id = self.stored.as_ref().map(|stored| stored.id);
        let name = self.stored.as_ref().map(|stored| stored.record.name(&self.known));
        let home = id.map_or_else(|| R::PATH.to_owned(), address::<R>);
        let heading = match &name {
            Some(name) if R::KIND == RecordKind::Agreement => format!("The next version of {name}"),
            Some(name) => format!("Change {name}"),
            None => R::NEW.to_owned(),
        };
        let mut groups = R::groups(&self.form, &self.known, self.stored.is_none());
        for group in &mut groups {
            group.fields = std::mem::take(&mut group.fields).into_iter().map(|field| field.faults(&errors)).collect();
        }
        let fields: Vec<&[Field]> = groups.iter().map(|group| group.fields.as_slice()).collect();
        let errors = in_order(errors, &fields);
        let conflict = !changes.is_empty();
        let page = EditPage {
            chrome: visit.chrome(title(&heading, &errors), "/agreements"),
            back: home.clone(),
            caption: name.unwrap_or_else(|| R::LIST.to_owned()),
            heading,
            paragraphs: paragraphs(self.stored.is_some(), conflict),
            changes,
            groups,
            hidden: vec![
                ("draft", self.draft.to_string()),
                ("of", self.form.first("of").to_owned()),
                ("base", self.form.first("base").to_owned()),
            ],
            action: if id.is_some() { format!("{home}/edit") } else { format!("{}/new", R::PATH) },
            autosave: format!("/drafts/{}/{}", R::KIND.word(), self.draft),
            save: if id.is_some() { "Save as a new version" } else { "Add it" },
            note,
            summary: Summary { errors },
        };
        page::html_as(page::form_status(&page.summary.errors), &page)
    }
}

fn paragraphs(exists: bool, conflict: bool) -> Vec<String> {
    if conflict {
        return vec!["What you typed is below, as you typed it. Saving now takes the place of what is beside \u{201c}Now\u{201d}.".to_owned()];
    }
    let mut words = vec!["Leave empty what the documents do not say: it is then shown as not stated.".to_owned()];
    if exists {
        words.push("Incidents that were logged already keep the terms that they were logged under.".to_owned());
    }
    words
}
