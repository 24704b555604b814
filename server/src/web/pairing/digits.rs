//! The digits of a partner's fingerprint: typed by one administrator, confirmed by another.

use actix_web::web;
use askama::Template;
use domain::values::{Line, PartnerId};

use crate::node::pairing::{Confirmation, PartnerState, PartnerView};
use crate::problem::Problem;
use crate::web::action::{ActionPage, refusal};
use crate::web::administration::administrator;
use crate::web::field::{Field, Summary, Tag};
use crate::web::form::{FieldError, Form, Reading};
use crate::web::page::{self, Answer, Chrome, Posted, Visit};
use crate::web::pairing::{self, Card};
use crate::web::{partners, timeline};

/// Ways by which digits may travel (protocol §15): value, words for the form, and words for the record.
const CHANNELS: [(&str, &str, &str); 4] = [
    ("in_person", "In person", "in person"),
    ("telephone", "By telephone, to a number known before", "by telephone, to a number known before"),
    ("video", "By video, seeing them", "by video, seeing them"),
    ("letter", "By letter", "by letter"),
];
/// Groups in a fingerprint.
const GROUPS: u8 = 8;
/// Digits in a group.
const GROUP_DIGITS: usize = 5;
/// The box of somebody who checks alone.
const ALONE: &str = "alone";

#[derive(Template)]
#[template(path = "pairing_digits.html")]
struct DigitsPage {
    chrome: Chrome,
    summary: Summary,
    id: PartnerId,
    name: String,
    tag: Tag,
    again: bool,
    card: Option<Card>,
    digits_error: String,
    groups: Vec<(u8, String)>,
    fields: Vec<Field>,
    rule: &'static str,
}

/// `GET /partners/{id}/digits`
pub(super) async fn show(visit: Visit, id: web::Path<PartnerId>) -> Answer {
    administrator(&visit)?;
    let partner = visit.node.partner_view(*id).await?;
    if !matches!(partner.state, PartnerState::Imported | PartnerState::Active) {
        return Ok(page::see_other(&format!("/partners/{id}")));
    }
    page(&visit, &partner, &Form::default(), Vec::new())
}

fn page(visit: &Visit, partner: &PartnerView, form: &Form, errors: Vec<FieldError>) -> Answer {
    let again = partner.state == PartnerState::Active;
    let title = if again { "Compare the fingerprint again" } else { "Type their fingerprint" };
    let mut fields = vec![
        Field::radios(form, "channel", "How did you get the digits?", CHANNELS.map(|(value, label, _)| (value, label))),
        Field::line(form, "with_whom", "Who read them out?")
            .hint("Name and role, such as R. Example, their administrator."),
    ];
    if !again && partner.one_person {
        fields.push(Field::checks(
            form,
            ALONE,
            "Confirm it at once?",
            [("yes", "I checked this alone, and I confirm it. The record will say so.")],
        ));
    }
    let digits_error = errors.iter().find(|error| error.name == "digits").map(|error| error.message.clone());
    let shown = DigitsPage {
        chrome: visit.chrome(crate::web::log::title(title, &errors), "/partners"),
        id: partner.id,
        name: partner.name.to_string(),
        tag: partners::state_tag(partner.state),
        again,
        card: partner.card.as_ref().map(|card| pairing::card(card, visit.reader)),
        digits_error: digits_error.unwrap_or_default(),
        groups: (1..=GROUPS).map(|number| (number, form.first(&format!("g{number}")).to_owned())).collect(),
        fields: fields.into_iter().map(|field| field.faults(&errors)).collect(),
        rule: if partner.one_person {
            "One person may pair on this node: that was chosen when it was set up. Two people are safer."
        } else {
            "Another administrator confirms it afterwards. After three wrong fingerprints the card is locked."
        },
        summary: Summary { errors },
    };
    page::html_as(page::form_status(&shown.summary.errors), &shown)
}

/// `POST /partners/{id}/digits`
pub(super) async fn check(posted: Posted, id: web::Path<PartnerId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let id = id.into_inner();
    let typed = match read(&form, &visit) {
        Ok(typed) => typed,
        Err(errors) => return page(&visit, &visit.node.partner_view(id).await?, &form, errors),
    };
    if let Err(error) = visit.node.type_fingerprint(&by, id, &typed.digits, typed.channel, typed.with_whom).await {
        let errors = wrong_digits(refusal(error, "digits")?);
        return after_wrong_digits(&visit, id, &form, errors).await;
    }
    let partner = visit.node.partner_view(id).await?;
    let alone = form.has(ALONE, "yes") && partner.state == PartnerState::Imported;
    if alone {
        visit.node.confirm(&by, id, Confirmation::OnePerson).await?;
    }
    Ok(page::see_other(&format!("/partners/{id}?done={}", if alone { "confirmed" } else { "typed" })))
}

/// The group of inputs has no element that takes the focus but the first.
fn wrong_digits(mut errors: Vec<FieldError>) -> Vec<FieldError> {
    for error in &mut errors {
        "g1".clone_into(&mut error.anchor);
    }
    errors
}

/// A locked card has a page of its own; before that, the form again.
async fn after_wrong_digits(visit: &Visit, id: PartnerId, form: &Form, errors: Vec<FieldError>) -> Answer {
    let partner = visit.node.partner_view(id).await?;
    match partner.state {
        PartnerState::Imported | PartnerState::Active => page(visit, &partner, form, errors),
        PartnerState::Listed
        | PartnerState::Verified
        | PartnerState::Suspended
        | PartnerState::Ended
        | PartnerState::Locked => Ok(page::see_other(&format!("/partners/{id}"))),
    }
}

struct Typed {
    digits: String,
    channel: Line,
    with_whom: Line,
}

/// A way as the record says it.
fn channel(word: &str) -> Option<Line> {
    let (_, _, words) = CHANNELS.into_iter().find(|(value, _, _)| *value == word)?;
    Line::parse(words).ok()
}

/// What is no fingerprint at all does not count as a try.
fn read(form: &Form, visit: &Visit) -> Result<Typed, Vec<FieldError>> {
    let mut reading = Reading::new(form, visit.reader);
    let group = |number: u8| -> String { form.first(&format!("g{number}")).split_whitespace().collect() };
    let whole = |group: &String| group.len() == GROUP_DIGITS && group.bytes().all(|digit| digit.is_ascii_digit());
    let groups: Vec<String> = (1..=GROUPS).map(group).collect();
    let mut errors = Vec::new();
    if let Some(number) = (1..=GROUPS).find(|number| !whole(&group(*number))) {
        errors.push(FieldError {
            name: "digits".to_owned(),
            anchor: format!("g{number}"),
            message: format!("Give five digits in group {number}"),
        });
    }
    let channel = reading.choice("channel", channel, "Say how you got the digits");
    let with_whom = reading.text("with_whom", "Say who read them out");
    errors.extend(reading.into_errors());
    match (channel, with_whom) {
        (Some(channel), Some(with_whom)) if errors.is_empty() => {
            Ok(Typed { digits: groups.join(" "), channel, with_whom })
        }
        (_, _) => Err(errors),
    }
}

/// `GET /partners/{id}/confirm`
pub(super) async fn confirm(visit: Visit, id: web::Path<PartnerId>) -> Answer {
    administrator(&visit)?;
    let partner = visit.node.partner_view(*id).await?;
    if partner.state != PartnerState::Imported || partner.checked.is_none() {
        return Ok(page::see_other(&format!("/partners/{id}")));
    }
    confirm_page(&visit, &partner, &Form::default()).answer(Vec::new())
}

fn confirm_page(visit: &Visit, partner: &PartnerView, form: &Form) -> ActionPage {
    let back = format!("/partners/{}", partner.id);
    let heading = format!("Confirm the fingerprint of {}", partner.name);
    let chrome = visit.chrome(heading.clone(), "/partners");
    let action = format!("{back}/confirm");
    let mut page = ActionPage::new(chrome, &heading, partner.name.as_str(), back, action);
    let Some(checked) = &partner.checked else { return page };
    page.paragraphs = vec![format!(
        "{}: {} typed the digits that {} gave, {}. They are right.",
        visit.reader.at(checked.at),
        timeline::who(&checked.typed_by),
        checked.with_whom,
        checked.channel
    )];
    let own_word = checked.typed_by.person() == Some(visit.person.id());
    if own_word && !partner.one_person {
        page.paragraphs.push("You typed them yourself, so another administrator has to confirm this.".to_owned());
        return page;
    }
    page.paragraphs.push(
        "Confirm it only if you know that it happened like this. Then your nodes begin to exchange signs of life."
            .to_owned(),
    );
    if own_word {
        page.fields =
            vec![Field::checks(form, ALONE, "Alone?", [("yes", "I checked this alone. The record will say so.")])];
    }
    page.buttons = vec![("confirm", "Confirm", "")];
    page
}

/// `POST /partners/{id}/confirm`
pub(super) async fn do_confirm(posted: Posted, id: web::Path<PartnerId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let id = id.into_inner();
    let confirmation = if form.has(ALONE, "yes") { Confirmation::OnePerson } else { Confirmation::SecondPerson };
    match visit.node.confirm(&by, id, confirmation).await {
        Ok(()) => Ok(page::see_other(&format!("/partners/{id}?done=confirmed"))),
        Err(error) => {
            let errors = refusal(error, ALONE)?;
            let partner: Result<_, Problem> = visit.node.partner_view(id).await.map_err(Problem::from);
            confirm_page(&visit, &partner?, &form).answer(errors)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aim: every way that can be chosen has an id fit for a page, and is on the record in words.
    #[test]
    fn ways_are_ids_on_the_page_and_words_on_the_record() {
        for (value, _, words) in CHANNELS {
            assert!(value.bytes().all(|letter| letter.is_ascii_lowercase() || letter == b'_'), "{value}");
            assert_eq!(channel(value).as_ref().map(Line::as_str), Some(words));
        }
        assert_eq!(channel("in person"), None);
    }
}
