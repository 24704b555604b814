//! The page of one action: what it does, what it asks, one button (or two). Every action that changes something has such
//! a page, so that it works without script and says what will happen before it does.

use askama::Template;

use super::field::{Field, Summary, in_order};
use super::form::FieldError;
use super::page::{self, Answer, Chrome};
use crate::node::DoorError;
use crate::problem::{Problem, capitalised};

/// The page.
#[derive(Template)]
#[template(path = "action.html")]
pub(super) struct ActionPage {
    /// The frame.
    pub chrome: Chrome,
    /// The faults.
    pub summary: Summary,
    /// What it is about, and its page.
    pub caption: String,
    /// See `caption`.
    pub back: String,
    /// What it does.
    pub heading: String,
    /// What will happen.
    pub paragraphs: Vec<String>,
    /// What is named one by one, each with where it is settled.
    pub links: Vec<(String, String)>,
    /// What somebody else changed meanwhile: label, before, after.
    pub changes: Vec<(&'static str, String, String)>,
    /// What it asks.
    pub fields: Vec<Field>,
    /// Fields shown on request.
    pub further: Vec<Field>,
    /// Posted with it.
    pub hidden: Vec<(&'static str, String)>,
    /// Text that looks like personal data.
    pub(super) findings: Vec<super::log::FoundText>,
    /// Whether that has to be confirmed.
    pub must_confirm: bool,
    /// Value of `go`, words, and class of each button, the main one first.
    pub buttons: Vec<(&'static str, &'static str, &'static str)>,
    /// Where it is posted.
    pub action: String,
    /// Where what is typed is kept while it is typed, and when it was last kept; for long forms.
    pub draft: Option<(String, String)>,
}

impl ActionPage {
    /// A page without fields.
    #[must_use]
    pub(super) fn new(chrome: Chrome, heading: &str, caption: &str, back: String, action: String) -> Self {
        Self {
            chrome,
            summary: Summary { errors: Vec::new() },
            caption: caption.to_owned(),
            back,
            heading: heading.to_owned(),
            paragraphs: Vec::new(),
            links: Vec::new(),
            changes: Vec::new(),
            fields: Vec::new(),
            further: Vec::new(),
            hidden: Vec::new(),
            findings: Vec::new(),
            must_confirm: false,
            buttons: Vec::new(),
            action,
            draft: None,
        }
    }

    /// The page again, with what looks like personal data: a person has to look at it.
    ///
    /// # Errors
    /// [`Problem::Internal`] when it can't be written.
    pub(super) fn unconfirmed(mut self, found: Vec<super::log::FoundText>) -> Answer {
        self.must_confirm = true;
        self.findings = found;
        self.answer(vec![FieldError {
            name: "checked".to_owned(),
            anchor: "checked".to_owned(),
            message: "Take the personal data out, or say that you have checked it".to_owned(),
        }])
    }

    /// The page, with 422 and "Error" in its title when there are faults.
    ///
    /// # Errors
    /// [`Problem::Internal`] when it can't be written.
    pub(super) fn answer(mut self, errors: Vec<FieldError>) -> Answer {
        self.chrome.title = super::log::title(&self.chrome.title, &errors);
        self.fields = self.fields.into_iter().map(|field| field.faults(&errors)).collect();
        self.further = self.further.into_iter().map(|field| field.faults(&errors)).collect();
        let errors = in_order(errors, &[&self.fields, &self.further]);
        self.summary = Summary { errors };
        page::html_as(page::form_status(&self.summary.errors), &self)
    }
}

/// What came of what a person asked for, above the page that they asked it on. What failed looks as a fault does.
#[derive(Debug, Clone, Default, Template)]
#[template(
    source = r#"{% if !failed.is_empty() %}<div class="error-summary" role="alert"><h2>{{ failed }}</h2><p>{{ words }}</p></div>{% else if !words.is_empty() %}<p class="done" role="status">{{ words }}</p>{% endif %}"#,
    ext = "html"
)]
pub(super) struct News {
    failed: &'static str,
    words: String,
}

impl askama::filters::HtmlSafe for News {}

impl News {
    /// It was done.
    pub(super) fn done(words: impl Into<String>) -> Self {
        Self { failed: "", words: words.into() }
    }

    /// It was not; `heading` says what.
    pub(super) fn failed(heading: &'static str, words: impl Into<String>) -> Self {
        Self { failed: heading, words: words.into() }
    }
}

/// What a person is told whose one-use form can't be used: it lay about for too long, or was sent before with other words.
/// `done` and `act` say what it does, for example `recorded` and `record it`.
#[must_use]
pub fn worn_out(error: &DoorError, done: &str, act: &str) -> String {
    if matches!(error, DoorError::FormSaidOtherwise) {
        return format!(
            "This form was sent before with other words, and those were {done}. If this is something more, look at it again, then {act}"
        );
    }
    format!("This form had been open for too long. Nothing was {done}. Look at it again, then {act}")
}

/// A rule's refusal as a fault of the form; anything else is a problem.
///
/// # Errors
/// The problem.
pub fn refusal(error: DoorError, anchor: &str) -> Result<Vec<FieldError>, Problem> {
    match error {
        DoorError::Refused(_)
        | DoorError::ExchangeRefused(_)
        | DoorError::Complaint(_)
        | DoorError::Invalid(_)
        | DoorError::Taken
        | DoorError::Target(_)
        | DoorError::Stale
        | DoorError::Records(_)
        | DoorError::Pairing(_) => Ok(vec![FieldError {
            name: anchor.trim_end_matches("-day").to_owned(),
            anchor: anchor.to_owned(),
            message: capitalised(&error.to_string()),
        }]),
        DoorError::NotFound | DoorError::FormUnknown | DoorError::FormSaidOtherwise | DoorError::Store(_) => {
            Err(error.into())
        }
    }
}
