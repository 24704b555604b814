//! Starting an exercise: what is supposed to have happened, and with whom.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use domain::values::{LongText, PartnerId};

use super::exerciser;
use crate::node::DoorError;
use crate::node::exercises::{Chosen, EXERCISE_FORM, ExerciseRequest, Scenario};
use crate::problem::Problem;
use crate::store::queries::exercises::{self, Reachable};
use crate::web::action::{ActionPage, refusal, worn_out};
use crate::web::board::channel;
use crate::web::field::Field;
use crate::web::form::{Form, Reading};
use crate::web::page::{self, Answer, Posted, Visit};
use crate::web::words::counted;

/// Partners that can be ticked one by one; with more, all take part.
const TICKED_MAX: usize = 900;

async fn form_page(visit: &Visit, form: &Form) -> Result<ActionPage, Problem> {
    let reachable = visit.node.store().read(exercises::reachable).await?;
    let heading = "Run an exercise with partners";
    let chrome = visit.chrome(heading, "/partners").exercise(true);
    let back = "/exercises".to_owned();
    let mut page = ActionPage::new(chrome, heading, "exercises", back.clone(), format!("{back}/new"));
    page.paragraphs = vec![
        "The partners that you choose are told of something that has not happened, over the same channels and with the same \
         clocks as a real notice. It is marked as an exercise everywhere, also at theirs, and is in no statistics."
            .to_owned(),
    ];
    if reachable.is_empty() {
        page.paragraphs
            .push("No partner can be reached yet: pair with one first, or give one a webhook or mailbox.".to_owned());
        return Ok(page);
    }
    page.fields = fields(form, &reachable);
    page.hidden = vec![("form", form.first("form").to_owned())];
    page.buttons = vec![("start", "Start the exercise", "")];
    Ok(page)
}

fn fields(form: &Form, reachable: &[Reachable]) -> Vec<Field> {
    let all =
        format!("All {} that can be reached", counted(i64::try_from(reachable.len()).unwrap_or(i64::MAX), "partner"));
    let mut fields = vec![
        Field::radios(
            form,
            "scenario",
            "What is supposed to have happened?",
            Scenario::ALL.map(|scenario| (scenario.word(), scenario.label())),
        ),
        Field::area(form, "note", "In your own words, for the partners")
            .hint("May stay empty. For example: who answers questions about the exercise."),
    ];
    if reachable.len() > TICKED_MAX {
        fields.push(Field::radios(form, "whom", "With whom?", [("all", all.as_str())]));
        return fields;
    }
    fields.push(Field::radios(form, "whom", "With whom?", [("all", all.as_str()), ("some", "Those that I tick")]));
    let named: Vec<(String, String)> = reachable
        .iter()
        .map(|it| (it.partner.to_string(), format!("{} ({})", it.name, channel(&it.channel))))
        .collect();
    let named = named.iter().map(|(id, name)| (id.as_str(), name.as_str()));
    fields.push(Field::checks(form, "partners", "Which partners?", named).hint("Only when not all take part."));
    fields
}

/// `GET /exercises/new`
///
/// # Errors
/// [`Problem`]
pub(super) async fn ask(visit: Visit) -> Answer {
    exerciser(&visit)?;
    let mut form = Form::default();
    form.set("form", visit.node.make_form(&visit.person, EXERCISE_FORM).await?.to_string());
    form.set("scenario", Scenario::WrongRecipient.word());
    form.set("whom", "all");
    form_page(&visit, &form).await?.answer(Vec::new())
}

/// `POST /exercises/new`
///
/// # Errors
/// [`Problem`]
pub(super) async fn act(posted: Posted) -> Answer {
    let Posted { visit, mut form } = posted;
    let by = exerciser(&visit)?;
    let mut reading = Reading::new(&form, visit.reader);
    let scenario = reading.choice("scenario", Scenario::from_word, "Choose what is supposed to have happened");
    let note: Option<LongText> = reading.optional_text("note");
    let partners = match form.first("whom") {
        "all" => Some(Chosen::All),
        "some" => {
            let ticked = reading.ticked("partners", |id| PartnerId::from_str(id).ok());
            let ticked: BTreeSet<PartnerId> = ticked.into_iter().collect();
            if ticked.is_empty() {
                reading.fault("partners", "Tick at least one partner");
            }
            Some(Chosen::These(ticked))
        }
        _ => {
            reading.fault("whom", "Choose with whom");
            None
        }
    };
    let errors = reading.into_errors();
    let errors = match (scenario, partners) {
        (Some(scenario), Some(partners)) if errors.is_empty() => {
            let request = ExerciseRequest { form: Some(form.sent()), scenario, note, partners };
            match visit.node.start_exercise(&by, request).await {
                Ok(answer) => return Ok(page::see_other(&format!("/exercises/{}", answer.id))),
                Err(error @ (DoorError::FormUnknown | DoorError::FormSaidOtherwise)) => {
                    form.set("form", visit.node.make_form(&visit.person, EXERCISE_FORM).await?.to_string());
                    let mut again = Reading::new(&form, visit.reader);
                    again.fault("scenario", worn_out(&error, "started", "start it"));
                    again.into_errors()
                }
                Err(error) => refusal(error, "whom")?,
            }
        }
        (_, _) => errors,
    };
    form_page(&visit, &form).await?.answer(errors)
}
