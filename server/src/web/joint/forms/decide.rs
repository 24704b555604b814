//! Deciding for all, as the lead.

use std::str::FromStr as _;

use actix_web::web;
use domain::arrangement::Lead;
use domain::incident::joint::Reasons;
use domain::values::{IncidentId, MessageId, Moment};

use super::super::words::name;
use super::{Case, PARTNER, find, fresh, officer, page, read_who, renewed, unchecked, who_fields};
use crate::node::DoorError;
use crate::node::joint::{Considered, NewDecision};
use crate::problem::Problem;
use crate::store::queries::joint::views;
use crate::web::action::{ActionPage, refusal};
use crate::web::field::Field;
use crate::web::form::{FieldError, Form, Reading};
use crate::web::page::{Answer, Posted, Visit, see_other};
use crate::web::words::grouped;

/// Views offered one by one; more of them are considered together.
const OFFERED_MAX: usize = 50;
/// Views counted.
const VIEWS_MAX: usize = domain::incident::joint::VIEWS_MAX;

/// The views that there are: value and words of each box.
struct Offered(Vec<(String, String)>);

/// The views that had come by an instant: each, or all of them in one box.
async fn offered(visit: &Visit, case: &Case, until: Moment) -> Result<Offered, Problem> {
    let id = case.state.id;
    let found = visit.node.store().read(move |rows| views(rows, id, until, VIEWS_MAX)).await?;
    if found.len() > OFFERED_MAX {
        let many = grouped(i64::try_from(found.len()).unwrap_or(i64::MAX));
        let words = format!("All {many} views that had come by {}", visit.reader.at(until));
        return Ok(Offered(vec![(format!("until-{}", until.micros()), words)]));
    }
    let words = |(message, partner, at): (MessageId, _, Moment)| {
        (message.to_string(), format!("{}, {}", name(&case.parties, partner), visit.reader.near(at)))
    };
    Ok(Offered(found.into_iter().map(words).collect()))
}

fn shown(visit: &Visit, case: &Case, offered: &Offered, form: &Form) -> ActionPage {
    let mut page = page(visit, case, ("Decide for all", "decide"), form);
    page.paragraphs = vec![
        "Each partner who knows of this incident is told, signed, what was decided and why. Of other partners nothing is \
         said."
            .to_owned(),
        "This is not our own decision whether to report (Article 33): that one is recorded on our report to the ICO."
            .to_owned(),
    ];
    let reports = [
        ("us", "Yes: we report it for all"),
        (PARTNER, "Yes: a partner reports it for all"),
        ("each", "Yes: each organisation reports for itself"),
        ("nobody", "No: it is not reported"),
    ];
    let tells = [
        ("us", "Yes: we tell them"),
        (PARTNER, "Yes: a partner tells them"),
        ("each", "Yes: each organisation tells its own"),
        ("nobody", "No: they are not told"),
    ];
    page.fields = who_fields(form, "reports", "Is it reported to the ICO?", &reports, &case.parties);
    page.fields.extend(who_fields(form, "tells", "Are the people affected told?", &tells, &case.parties));
    page.fields.push(
        Field::area(form, "reasons", "Why?")
            .hint("The partners read it. Do not name the people affected, nor another partner."),
    );
    if offered.0.is_empty() {
        page.paragraphs.push("No partner has given a view yet.".to_owned());
    } else {
        let boxes = offered.0.iter().map(|(value, words)| (value.as_str(), words.as_str()));
        page.fields.push(
            Field::checks(form, "views", "Which views did you consider?", boxes)
                .hint("Each partner\u{2019}s newest. The record keeps which signed messages they were."),
        );
    }
    page.hidden.push(("until", form.first("until").to_owned()));
    page.buttons = vec![("decide", "Decide, and tell them all", "")];
    page
}

/// `GET /incidents/{id}/joint/decide`
///
/// # Errors
/// [`Problem`]
pub(in crate::web::joint) async fn show(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    officer(&visit)?;
    let case = find(&visit, *id).await?;
    if case.state.leading().0 != Lead::Us {
        return Err(Problem::Refused("We do not lead on this incident: record first that we lead".to_owned()));
    }
    let now = visit.now();
    let offered = offered(&visit, &case, now).await?;
    let mut form = fresh(&visit).await?;
    form.set("until", now.micros().to_string());
    offered.0.iter().for_each(|(value, _)| form.add("views", value.clone()));
    shown(&visit, &case, &offered, &form).answer(Vec::new())
}

fn read(visit: &Visit, form: &Form) -> Result<NewDecision, Vec<FieldError>> {
    let mut reading = Reading::new(form, visit.reader);
    let reports = read_who(&mut reading, "reports", "Say whether it is reported, and by whom");
    let tells = read_who(&mut reading, "tells", "Say whether the people affected are told, and by whom");
    let reasons: Option<Reasons> = reading.text("reasons", "Say why");
    let all = form.all("views").find_map(|value| value.strip_prefix("until-"));
    let all = all.and_then(|micros| Moment::from_micros(micros.parse().ok()?).ok());
    let these = reading.ticked("views", |value| match value.strip_prefix("until-") {
        Some(_) => Some(None),
        None => MessageId::from_str(value).ok().map(Some),
    });
    let these: Vec<MessageId> = these.into_iter().flatten().collect();
    let errors = reading.into_errors();
    match (reports, tells, reasons) {
        (Some(reports), Some(tells), Some(reasons)) if errors.is_empty() => {
            let considered = all.map_or(Considered::These(these), Considered::AllBy);
            Ok(NewDecision { reports, tells, reasons, considered })
        }
        (_, _, _) => Err(errors),
    }
}

/// `POST /incidents/{id}/joint/decide`
///
/// # Errors
/// [`Problem`]
pub(in crate::web::joint) async fn decide(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, mut form } = posted;
    let by = officer(&visit)?;
    let case = find(&visit, *id).await?;
    let until = form.first("until").parse().ok().and_then(|micros| Moment::from_micros(micros).ok());
    let offered = offered(&visit, &case, until.unwrap_or_else(|| visit.now())).await?;
    let new = match read(&visit, &form) {
        Ok(new) => new,
        Err(errors) => return shown(&visit, &case, &offered, &form).answer(errors),
    };
    let mut page = shown(&visit, &case, &offered, &form);
    if let Some(errors) = unchecked(&visit, &form, &mut page, ("reasons", "Why", new.reasons.as_str())).await? {
        return page.answer(errors);
    }
    match visit.node.decide_jointly(&by, Some(form.sent()), *id, new).await {
        Ok(()) => Ok(see_other(&format!("/incidents/{id}/joint?done=decided"))),
        Err(error @ (DoorError::FormUnknown | DoorError::FormSaidOtherwise)) => {
            let errors = renewed(&visit, &mut form, "reasons", &error).await?;
            shown(&visit, &case, &offered, &form).answer(errors)
        }
        Err(error) => page.answer(refusal(error, "reports")?),
    }
}
