//! The ICO's form as data: its questions, options and order. The form changes without notice, so that its wording stays
//! in `law/ico-report-form.json` and only the ids of questions are known to the code.

use std::sync::LazyLock;

use serde::Deserialize;

const FORM_JSON: &str = include_str!("../../law/ico-report-form.json");
/// Where the two known forms differ, the newer one's questions are asked.
const CURRENT: &str = "word_2021_onwards";

#[derive(Deserialize)]
struct Form {
    questions: Vec<Question>,
}

/// One question of the form.
#[derive(Debug, Deserialize)]
pub(super) struct Question {
    pub(super) id: String,
    pub(super) section: String,
    pub(super) label: String,
    pub(super) article: Option<String>,
    forms: Vec<String>,
    #[serde(default)]
    pub(super) options: Vec<String>,
}

impl Question {
    /// The form's option that starts with `start`, in full; an exact one is preferred.
    pub(super) fn option(&self, start: &str) -> Option<&str> {
        let exact = self.options.iter().find(|option| option.as_str() == start);
        exact.or_else(|| self.options.iter().find(|option| option.starts_with(start))).map(String::as_str)
    }
}

/// The questions of the current form, in its order. Tests hold that the file compiled in parses.
pub(super) static QUESTIONS: LazyLock<Vec<Question>> = LazyLock::new(|| {
    let questions = serde_json::from_str::<Form>(FORM_JSON).map(|form| form.questions).unwrap_or_default();
    questions.into_iter().filter(|question| question.forms.iter().any(|form| form == CURRENT)).collect()
});
