//! The forms on which a data protection officer decides: one question each, nothing chosen beforehand, reasons always. What
//! is typed is kept as a draft at each step, and with script within two seconds of a pause.

use std::str::FromStr;

use actix_web::{HttpResponse, web};
use domain::incident::decision::{Ask, NotABreach, People};
use domain::incident::{Incident, Seen};
use domain::values::{IncidentId, Line, LongText};

use super::super::action::ActionPage;
use super::super::assessment::{incident, refused};
use super::super::field::Field;
use super::super::form::{FieldError, Form, Reading};
use super::super::log::findings_in;
use super::super::page::{self, Answer, Posted, Visit};
use super::officer;
use crate::node::DoorError;
use crate::problem::Problem;

/// The button that forgets a draft.
const DISCARD: &str = "discard";

/// A question with a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Report,
    People,
    Delay,
    NotABreach,
}

impl FromStr for Asked {
    type Err = Problem;

    fn from_str(word: &str) -> Result<Self, Problem> {
        match word {
            "report" => Ok(Self::Report),
            "people" => Ok(Self::People),
            "delay" => Ok(Self::Delay),
            "not-a-breach" => Ok(Self::NotABreach),
            _ => Err(Problem::NotFound),
        }
    }
}

impl Asked {
    const fn word(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::People => "people",
            Self::Delay => "delay",
            Self::NotABreach => "not-a-breach",
        }
    }

    const fn heading(self) -> &'static str {
        match self {
            Self::Report => "Decide whether to report it to the ICO",
            Self::People => "Decide whether to tell the people affected",
            Self::Delay => "Record why the report is late",
            Self::NotABreach => "Propose that it was not a breach",
        }
    }

    const fn button(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Report | Self::People => ("decide", "Record this decision", ""),
            Self::Delay => ("record", "Record the reasons", ""),
            Self::NotABreach => ("propose", "Propose it", ""),
        }
    }
}

/// `GET /incidents/{id}/decision/{question}`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, path: web::Path<(IncidentId, String)>) -> Answer {
    let (id, word) = path.into_inner();
    let asked = Asked::from_str(&word)?;
    officer(&visit)?;
    let state = incident(&visit, id).await?;
    let draft = visit.node.decision_draft(&visit.person, id, asked.word()).await?;
    let (form, note) = match draft {
        Some(draft) => {
            let note = format!("Draft saved at {}, nothing is decided yet", visit.reader.clock(draft.updated_at));
            (Form::from_json(&draft.content), note)
        }
        None => (Form::default(), String::new()),
    };
    form_page(asked, &visit, &state, &form, note).answer(Vec::new())
}

/// `POST /incidents/{id}/decision/{question}/draft`: what a page with script sends while somebody types.
///
/// # Errors
/// [`Problem`]
pub async fn autosave(posted: Posted, path: web::Path<(IncidentId, String)>) -> Answer {
    let Posted { visit, form } = posted;
    let (id, word) = path.into_inner();
    let asked = Asked::from_str(&word)?;
    officer(&visit)?;
    let note = keep(asked, &visit, id, seen(&form), &form).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(note))
}

/// Keeps what was typed; what it came to, in words. `seen` is what the page shows on which it goes on.
async fn keep(asked: Asked, visit: &Visit, id: IncidentId, seen: Seen, form: &Form) -> Result<String, Problem> {
    let mut kept = form.clone();
    kept.drop_names(&["go", "seen", "checked"]);
    match visit.node.keep_decision_draft(&visit.person, id, asked.word(), seen, kept.to_json()).await {
        Ok(at) => Ok(format!("Draft saved at {}, nothing is decided yet", visit.reader.clock(at))),
        Err(DoorError::Invalid(why)) => Ok(format!("What you typed is on this page only, not in a draft: {why}")),
        Err(error) => Err(error.into()),
    }
}

/// `POST /incidents/{id}/decision/{question}`
///
/// # Errors
/// [`Problem`]
pub async fn decide(posted: Posted, path: web::Path<(IncidentId, String)>) -> Answer {
    let Posted { visit, form } = posted;
    let (id, word) = path.into_inner();
    let asked = Asked::from_str(&word)?;
    let by = officer(&visit)?;
    if form.has("go", DISCARD) {
        visit.node.discard_decision_draft(&visit.person, id, asked.word()).await?;
        return Ok(page::see_other(&format!("/incidents/{id}/decision")));
    }
    let state = incident(&visit, id).await?;
    let ask = match read(asked, &form, &visit) {
        Ok(ask) => ask,
        Err(errors) => {
            let note = keep(asked, &visit, id, Seen::of(&state), &form).await?;
            return form_page(asked, &visit, &state, &form, note).answer(errors);
        }
    };
    let texts = [
        ("reasons", "Your reasons", form.first("reasons")),
        ("public_communication", "The public communication", form.first("public_communication")),
    ];
    let found = findings_in(&visit, &texts).await?;
    if found.iter().any(|found| found.serious) && !form.has("checked", "yes") {
        let note = keep(asked, &visit, id, Seen::of(&state), &form).await?;
        let mut page = form_page(asked, &visit, &state, &form, note);
        page.findings = found;
        page.must_confirm = true;
        return page.answer(vec![FieldError {
            name: "checked".to_owned(),
            anchor: "checked".to_owned(),
            message: "Take the personal data out, or say that you have checked it".to_owned(),
        }]);
    }
    match visit.node.decide_on(&by, id, seen(&form), ask).await {
        Ok(()) => Ok(page::see_other(&format!("/incidents/{id}/decision?done=1"))),
        Err(error) => again(asked, &visit, id, &form, error).await,
    }
}

/// The form again, as things stand now, with what was typed.
async fn again(asked: Asked, visit: &Visit, id: IncidentId, form: &Form, error: DoorError) -> Answer {
    let errors = vec![refused(error, visit.reader)?];
    let state = incident(visit, id).await?;
    let note = keep(asked, visit, id, Seen::of(&state), form).await?;
    form_page(asked, visit, &state, form, note).answer(errors)
}

/// What the officer had in front of them; a form without it saw nothing that stands.
pub(super) fn seen(form: &Form) -> Seen {
    form.first("seen").parse().unwrap_or_default()
}

fn read(asked: Asked, form: &Form, visit: &Visit) -> Result<Ask, Vec<FieldError>> {
    let mut reading = Reading::new(form, visit.reader);
    let ask =
        match asked {
            Asked::Report => {
                let choice = reading.choice("decision", report_or_not, "Choose one: nothing is chosen for you");
                let reasons = reading.text("reasons", "Give your reasons");
                choice.zip(reasons).map(|(report, reasons)| {
                    if report { Ask::Report { reasons } } else { Ask::ProposeNotRequired { reasons } }
                })
            }
            Asked::People => {
                let people = read_people(&mut reading);
                let reasons = reading.text("reasons", "Give your reasons");
                people.zip(reasons).map(|(people, reasons)| Ask::People { people, reasons })
            }
            Asked::Delay => reading.text("reasons", "Give the reasons").map(|reasons| Ask::ExplainDelay { reasons }),
            Asked::NotABreach => {
                let ground = reading.choice("ground", NotABreach::from_word, "Say on which ground");
                let reasons = reading.text("reasons", "Give your reasons");
                ground.zip(reasons).map(|(ground, reasons)| Ask::ProposeNotABreach { ground, reasons })
            }
        };
    let errors = reading.into_errors();
    ask.filter(|_| errors.is_empty()).ok_or(errors)
}

fn report_or_not(word: &str) -> Option<bool> {
    match word {
        "report" => Some(true),
        "not_required" => Some(false),
        _ => None,
    }
}

fn read_people(reading: &mut Reading<'_>) -> Option<People> {
    let of_word = |word: &str| People::WORDS.into_iter().find(|known| *known == word);
    match reading.choice("decision", of_word, "Choose one: nothing is chosen for you")? {
        "tell" => Some(People::Tell),
        "risk_not_high" => Some(People::RiskNotHigh),
        "unreadable" => Some(People::Unreadable),
        "high_risk_removed" => Some(People::HighRiskRemoved),
        "out_of_proportion" => {
            let named: Option<LongText> = reading.text(
                "public_communication",
                "Name the public communication, or similar measure, that tells people instead",
            );
            named.map(|public_communication| People::OutOfProportion { public_communication })
        }
        "required_by_regulator" => {
            let reference: Option<Line> = reading.optional_text("reference");
            Some(People::RequiredByRegulator { reference })
        }
        _ => None,
    }
}

fn form_page(asked: Asked, visit: &Visit, state: &Incident, form: &Form, note: String) -> ActionPage {
    let back = format!("/incidents/{}/decision", state.id);
    let heading = asked.heading();
    let chrome = visit.chrome(format!("{heading} - {}", state.reference), "/incidents").exercise(state.exercise);
    let caption = format!("the decisions on {}", state.reference);
    let mut page = ActionPage::new(chrome, heading, &caption, back.clone(), format!("{back}/{}", asked.word()));
    page.paragraphs = paragraphs(asked, visit, state);
    page.fields = fields(asked, form);
    page.hidden = vec![("seen", Seen::of(state).to_string())];
    page.buttons = vec![asked.button()];
    if !note.is_empty() {
        page.buttons.push((DISCARD, "Discard what was typed", "secondary"));
    }
    page.draft = Some((format!("{back}/{}/draft", asked.word()), note));
    page
}

fn paragraphs(asked: Asked, visit: &Visit, state: &Incident) -> Vec<String> {
    let mut paragraphs = vec![match asked {
        Asked::Report => {
            "A breach is reported unless a risk to people is unlikely (Article 33(1)). Reporting needs nobody else. That no \
             report is required takes another data protection officer\u{2019}s approval; until then the 72 hours run."
        }
        Asked::People => {
            "People are told without undue delay when the risk to them is likely to be high (Article 34(1)), unless one of \
             the exemptions applies (Article 34(3))."
        }
        Asked::Delay => {
            "A report later than the legal limit has to give the reasons (Article 33(1)). Recorded now, they go into the \
             submission when it is recorded."
        }
        Asked::NotABreach => {
            "Another data protection officer has to approve it. Then the clock to the ICO ends, and the notices to partners \
             can be withdrawn. It stays in the register."
        }
    }
    .to_owned()];
    if let (Asked::Delay, Some(clock)) = (asked, &state.ico) {
        let limit = clock.legal_limit().map(|limit| visit.reader.at(limit)).unwrap_or_default();
        paragraphs.push(format!("The legal limit is {limit}."));
    }
    let basis = match state.assessments.last() {
        None => "Nobody has assessed it yet: the record will say so.".to_owned(),
        Some(last) => {
            let older = if last.is_older_than_the_facts(state) { " It is older than the facts." } else { "" };
            let suggested = last.assessment.results.advice.as_ref().map(|advice| match asked {
                Asked::Report | Asked::NotABreach => format!(" It says: {}.", advice.to_ico.label()),
                Asked::People => format!(" It says: {}.", advice.to_people.label()),
                Asked::Delay => String::new(),
            });
            format!(
                "You decide on version {} of the facts and assessment {}.{older}{} The decision is yours.",
                state.facts_version,
                last.assessment.number,
                suggested.unwrap_or_default()
            )
        }
    };
    paragraphs.push(basis);
    paragraphs
}

fn fields(asked: Asked, form: &Form) -> Vec<Field> {
    let reasons =
        |label: &str| Field::area(form, "reasons", label).hint("They stay on record. Do not name the people affected.");
    match asked {
        Asked::Report => vec![
            Field::radios(
                form,
                "decision",
                "What do you decide?",
                [
                    ("report", "Report it to the ICO"),
                    ("not_required", "No report is required: a risk to people is unlikely"),
                ],
            )
            .choice_hint("not_required", "Another data protection officer has to approve it."),
            reasons("Why?"),
        ],
        Asked::People => vec![
            Field::radios(
                form,
                "decision",
                "What do you decide?",
                [
                    ("tell", "Tell the people affected (Article 34(1))"),
                    ("risk_not_high", "Do not tell them: the risk is not high (Article 34(1))"),
                    ("unreadable", "Do not tell them: nobody can read the data (Article 34(3)(a))"),
                    (
                        "high_risk_removed",
                        "Do not tell them: what was done since removed the high risk (Article 34(3)(b))",
                    ),
                    (
                        "out_of_proportion",
                        "Tell the public instead: telling each is out of proportion (Article 34(3)(c))",
                    ),
                    ("required_by_regulator", "Tell them: the ICO requires it (Article 34(4))"),
                ],
            )
            .choice_hint("unreadable", "By strong encryption, for example, with the key safe."),
            Field::area(form, "public_communication", "Which public communication?")
                .hint("Only for Article 34(3)(c): what tells people as effectively."),
            Field::line(form, "reference", "Where does the ICO require it?")
                .hint("Only for Article 34(4): its reference. May stay empty until you have it."),
            reasons("Why?"),
        ],
        Asked::Delay => vec![reasons("Why is the report late?")],
        Asked::NotABreach => vec![
            Field::radios(
                form,
                "ground",
                "On which ground?",
                NotABreach::ALL.map(|ground| (ground.word(), ground.label())),
            ),
            reasons("Why?"),
        ],
    }
}

/// `POST /incidents/{id}/decision/resolve`: the other officer's word on what waits.
///
/// # Errors
/// [`Problem`]
pub async fn resolve(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = officer(&visit)?;
    let approve = match form.first("go") {
        "approve" => true,
        "refuse" => false,
        _ => return Err(Problem::Malformed("Approve it or turn it down.")),
    };
    let ask = match form.first("what") {
        "not_required" => Ask::ResolveNotRequired { approve },
        "not_a_breach" => Ask::ResolveNotABreach { approve },
        _ => return Err(Problem::Malformed("Say what you answer.")),
    };
    match visit.node.decide_on(&by, *id, seen(&form), ask).await {
        Ok(()) => Ok(page::see_other(&format!("/incidents/{id}/decision?done=1"))),
        Err(error) => {
            let error = refused(error, visit.reader)?;
            super::shown(&visit, *id, false, vec![error]).await
        }
    }
}
