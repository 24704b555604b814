//! What a person may do to an incident: one page each, one door behind it.

use std::str::FromStr as _;

use actix_web::web;
use domain::facts::IncidentKind;
use domain::incident::{AwarenessOf, Duty, Incident, Stage, WithdrawalReason};
use domain::values::IncidentId;

use super::action::{ActionPage, refusal};
use super::field::Field;
use super::form::{FieldError, Form, Reading};
use super::page::{self, Answer, Posted, Visit};
use super::words::counted;
use super::{decision, timeline};
use crate::access::Responder;
use crate::node::DoorError;
use crate::problem::{Problem, sentence_of};
use crate::store::queries;

/// An action with a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Let held notices go.
    Release,
    /// Send the facts as they stand.
    SendUpdate,
    /// Correct an instant of awareness.
    CorrectAwareness,
    /// The second person's word on a correction.
    ResolveCorrection,
    /// It has become a breach.
    Convert,
    /// The notices no longer stand.
    Withdraw,
    /// Close it.
    Close,
}

impl std::str::FromStr for Action {
    type Err = Problem;

    fn from_str(word: &str) -> Result<Self, Problem> {
        match word {
            "release" => Ok(Self::Release),
            "send-update" => Ok(Self::SendUpdate),
            "correct-awareness" => Ok(Self::CorrectAwareness),
            "resolve-correction" => Ok(Self::ResolveCorrection),
            "convert" => Ok(Self::Convert),
            "withdraw" => Ok(Self::Withdraw),
            "close" => Ok(Self::Close),
            _ => Err(Problem::NotFound),
        }
    }
}

impl Action {
    const fn word(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::SendUpdate => "send-update",
            Self::CorrectAwareness => "correct-awareness",
            Self::ResolveCorrection => "resolve-correction",
            Self::Convert => "convert",
            Self::Withdraw => "withdraw",
            Self::Close => "close",
        }
    }

    /// The element that a refusal is linked to.
    const fn anchor(self) -> &'static str {
        match self {
            Self::CorrectAwareness | Self::Convert => "at-day",
            Self::Withdraw => "reason",
            Self::Release => "release",
            Self::SendUpdate => "send",
            Self::ResolveCorrection => "confirm",
            Self::Close => "close",
        }
    }
}

async fn incident(visit: &Visit, id: IncidentId) -> Result<Incident, Problem> {
    let found = visit.node.store().read(move |rows| queries::incidents::state(rows, id)).await?;
    found.ok_or(Problem::NotFound)
}

/// `GET /incidents/{id}/{action}`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, path: web::Path<(IncidentId, String)>) -> Answer {
    let (id, word) = path.into_inner();
    let action = Action::from_str(&word)?;
    super::log::responder(&visit)?;
    let state = incident(&visit, id).await?;
    let form = preset(action, &visit);
    let open = open_duties(action, &visit, &state).await?;
    shown(action, &visit, &state, &form, &open, Vec::new())
}

fn preset(action: Action, visit: &Visit) -> Form {
    let mut form = Form::default();
    if action == Action::Convert {
        form.set_moment("at", visit.now(), visit.reader);
    }
    form
}

/// `POST /incidents/{id}/{action}`
///
/// # Errors
/// [`Problem`]
pub async fn act(posted: Posted, path: web::Path<(IncidentId, String)>) -> Answer {
    let (id, word) = path.into_inner();
    let action = Action::from_str(&word)?;
    let Posted { visit, form } = posted;
    let by = super::log::responder(&visit)?;
    let errors = match done(action, &visit, &by, id, &form).await {
        Ok(()) => return Ok(page::see_other(&format!("/incidents/{id}?logged=2"))),
        Err(Fault::Fields(errors)) => errors,
        Err(Fault::Door(error)) => refusal(error, action.anchor())?,
    };
    let state = incident(&visit, id).await?;
    let open = open_duties(action, &visit, &state).await?;
    shown(action, &visit, &state, &form, &open, errors)
}

enum Fault {
    Fields(Vec<FieldError>),
    Door(DoorError),
}

impl From<DoorError> for Fault {
    fn from(error: DoorError) -> Self {
        Self::Door(error)
    }
}

async fn done(action: Action, visit: &Visit, by: &Responder, id: IncidentId, form: &Form) -> Result<(), Fault> {
    let node = &visit.node;
    let mut reading = Reading::new(form, visit.reader);
    match action {
        Action::Release => Ok(node.release(by, id).await?),
        Action::SendUpdate => Ok(node.send_update(by, id).await?),
        Action::Close => Ok(node.close(by, id).await?),
        Action::ResolveCorrection => Ok(node.resolve_correction(by, id, form.has("go", "confirm")).await?),
        Action::Convert => {
            let Some(at) = reading.moment("at", "Say when we became aware of the breach") else {
                return Err(Fault::Fields(reading.into_errors()));
            };
            Ok(node.convert_to_breach(by, id, at).await?)
        }
        Action::CorrectAwareness => {
            let of = reading.choice("of", aware_of, "Say which awareness is wrong");
            let at = reading.moment("at", "Say when it really was");
            let reason = reading.text("reason", "Say why it is corrected");
            let (Some(of), Some(at), Some(reason)) = (of, at, reason) else {
                return Err(Fault::Fields(reading.into_errors()));
            };
            Ok(node.correct_awareness(by, id, of, at, reason).await?)
        }
        Action::Withdraw => {
            let reason = reading.choice("reason", withdrawal, "Say why the notices no longer stand");
            let note = reading.optional_text("note");
            let errors = reading.into_errors();
            match reason.filter(|_| errors.is_empty()) {
                Some(reason) => Ok(node.withdraw(by, id, reason, note).await?),
                None => Err(Fault::Fields(errors)),
            }
        }
    }
}

fn aware_of(word: &str) -> Option<AwarenessOf> {
    match word {
        "breach" => Some(AwarenessOf::Breach),
        "circumstances" => Some(AwarenessOf::Circumstances),
        _ => None,
    }
}

const WITHDRAWALS: [(&str, &str, WithdrawalReason); 4] = [
    ("not_a_breach", "It turned out not to be a breach", WithdrawalReason::NotABreach),
    ("sent_in_error", "It was sent in error", WithdrawalReason::SentInError),
    ("wrong_recipient", "It reached the wrong partner", WithdrawalReason::WrongRecipient),
    ("duplicate_of", "Another case covers it", WithdrawalReason::DuplicateOf),
];

fn withdrawal(word: &str) -> Option<WithdrawalReason> {
    WITHDRAWALS.into_iter().find(|(name, _, _)| *name == word).map(|(_, _, reason)| reason)
}

/// What keeps an incident open, for the page that closes it.
async fn open_duties(action: Action, visit: &Visit, state: &Incident) -> Result<Vec<Duty>, Problem> {
    match action {
        Action::Close if state.stage.is_open() => Ok(visit.node.open_duties(state).await?),
        Action::Close
        | Action::Release
        | Action::SendUpdate
        | Action::CorrectAwareness
        | Action::ResolveCorrection
        | Action::Convert
        | Action::Withdraw => Ok(Vec::new()),
    }
}

fn shown(
    action: Action,
    visit: &Visit,
    state: &Incident,
    form: &Form,
    open: &[Duty],
    errors: Vec<FieldError>,
) -> Answer {
    let partners = counted(i64::try_from(state.owed.len()).unwrap_or(i64::MAX), "partner");
    let (heading, paragraphs) = words(action, visit, state, &partners);
    let back = format!("/incidents/{}", state.id);
    let chrome = visit.chrome(format!("{heading} - {}", state.reference), "/incidents").exercise(state.exercise);
    let mut page =
        ActionPage::new(chrome, &heading, state.reference.as_str(), back.clone(), format!("{back}/{}", action.word()));
    page.paragraphs = paragraphs;
    page.fields = fields(action, visit, state, form);
    page.buttons = match action {
        Action::Release => vec![("release", "Let the notices go", "")],
        Action::SendUpdate => vec![("send", "Send the update", "")],
        Action::CorrectAwareness => vec![("correct", "Correct it", "")],
        Action::ResolveCorrection => vec![("confirm", "Confirm it", ""), ("refuse", "Turn it down", "secondary")],
        Action::Convert => vec![("convert", "It is a breach", "")],
        Action::Withdraw => vec![("withdraw", "Withdraw the notices", "danger")],
        Action::Close => vec![("close", "Close the incident", "")],
    };
    if action == Action::ResolveCorrection && state.correction.is_none() {
        page.buttons.clear();
    }
    if !open.is_empty() {
        page.buttons.clear();
        page.paragraphs.push("It cannot be closed yet. This is still open:".to_owned());
        let named = |duty: &Duty| (sentence_of(&duty.words()), decision::settled_at(*duty, state.id));
        page.links = open.iter().map(named).collect();
    }
    page.answer(errors)
}

fn words(action: Action, visit: &Visit, state: &Incident, partners: &str) -> (String, Vec<String>) {
    match action {
        Action::Release => (
            "Let the notices go".to_owned(),
            vec![format!("{partners} will be told what we know, at once. Their clocks have been running since we became aware.")],
        ),
        Action::SendUpdate => (
            format!("Send an update to {partners}"),
            vec![
                format!("Everything we know, version {}, goes to {partners} as a new signed notice.", state.facts_version),
                "A version that was sent stays on record on both sides.".to_owned(),
            ],
        ),
        Action::CorrectAwareness => (
            "Correct when we became aware".to_owned(),
            vec![
                "An earlier instant takes effect at once and moves every clock that counts from it.".to_owned(),
                "A later one waits until another person confirms it, and never removes lateness that is on record."
                    .to_owned(),
            ],
        ),
        Action::ResolveCorrection => (
            "Confirm the correction".to_owned(),
            match &state.correction {
                Some(proposal) => vec![
                    format!("{} proposes that we became aware at {}.", timeline::who(&proposal.by), visit.reader.at(proposal.at)),
                    format!("The reason given: {}", proposal.reason),
                    "Clocks that still run will count from then. Lateness on record stays.".to_owned(),
                ],
                None => vec!["No correction is waiting.".to_owned()],
            },
        ),
        Action::Convert => (
            "It has become a breach".to_owned(),
            vec![
                "The 72 hours to the ICO start when we became aware of the breach (Article 33). The hours to partners go on \
                 counting from the earlier awareness."
                    .to_owned(),
                format!("{partners} will be sent an update. Partners owed a notice only about breaches are told now."),
            ],
        ),
        Action::Withdraw => (
            "Withdraw the notices".to_owned(),
            vec![format!(
                "{partners} will be told that the notice no longer stands, and why. Clocks that still run end as not \
                 required. What was sent stays on record on both sides."
            )],
        ),
        Action::Close => ("Close the incident".to_owned(), close_words(state)),
    }
}

fn close_words(state: &Incident) -> Vec<String> {
    let mut words =
        vec!["Closing says that every duty is decided: every partner told, the ICO question settled.".to_owned()];
    if matches!(state.stage, Stage::Held) {
        words.push("Its notices are still held back.".to_owned());
    }
    words
}

fn fields(action: Action, visit: &Visit, state: &Incident, form: &Form) -> Vec<Field> {
    let reader = visit.reader;
    match action {
        Action::Release | Action::SendUpdate | Action::ResolveCorrection | Action::Close => Vec::new(),
        Action::Convert => vec![
            Field::moment(form, "at", "When did we become aware of the breach?", reader)
                .hint("When somebody here was reasonably sure. UK time."),
        ],
        Action::CorrectAwareness => {
            let mut options = Vec::new();
            if state.kind == IncidentKind::Breach {
                options.push(("breach", "Of the breach"));
            }
            options.push(("circumstances", "That a breach was likely"));
            vec![
                Field::radios(form, "of", "Which awareness?", options),
                Field::moment(form, "at", "When was it really?", reader).hint("UK time."),
                Field::area(form, "reason", "Why is it corrected?").hint("It stays on record."),
            ]
        }
        Action::Withdraw => vec![
            Field::radios(
                form,
                "reason",
                "Why do the notices no longer stand?",
                WITHDRAWALS.map(|(word, label, _)| (word, label)),
            ),
            Field::area(form, "note", "In words, for the partners")
                .hint("May stay empty. Do not name the people affected."),
        ],
    }
}
