//! What a person types into the forms of pages: a form opened, filled in and sent, and the faults that come back.

use crate::page::Page;
use crate::visitor::{Answer, Visitor};

/// Replaces fields of a form by name, the last word counts; unknown ones are added.
#[must_use]
pub fn fill(mut fields: Vec<(String, String)>, typed: &[(&str, &str)]) -> Vec<(String, String)> {
    for (name, value) in typed {
        fields.retain(|(have, _)| have != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    fields
}

/// The fields of the form behind a button of a page.
///
/// # Panics
/// When there is no such page or button.
pub async fn form(person: &mut Visitor, path: &str, button: &str) -> Vec<(String, String)> {
    let answer = person.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.page().form(button).fields()
}

/// Fills in the form behind a button of a page that was opened, and sends it.
///
/// # Panics
/// When there is no such button, or its form goes nowhere.
pub async fn submit(person: &mut Visitor, page: &Page, button: &str, typed: &[(&str, &str)]) -> Answer {
    let form = page.form(button);
    let action = form.attribute("action").expect("an address").to_owned();
    person.post(&action, &fill(form.fields(), typed)).await
}

/// Opens a page, fills in the form behind a button, and sends it.
///
/// # Panics
/// When there is no such button, or its form goes nowhere.
pub async fn send(person: &mut Visitor, path: &str, button: &str, typed: &[(&str, &str)]) -> Answer {
    let page = person.get(path).await.page();
    submit(person, &page, button, typed).await
}

/// Opens a form, fills it in, sends it, and expects it to be taken.
///
/// # Panics
/// When it is not.
pub async fn done(person: &mut Visitor, path: &str, button: &str, typed: &[(&str, &str)]) {
    let fields = form(person, path, button).await;
    let answer = person.post(path, &fill(fields, typed)).await;
    assert_eq!(answer.status, 303, "{path}: {}", answer.text());
}

/// The faults that an answer names, each with the field that it leads to.
///
/// # Panics
/// When it names none.
#[must_use]
pub fn faults(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 422, "{}", answer.text());
    let page = answer.page();
    let summary = page.role("alert").into_iter().next().expect("a summary of what is wrong");
    let links = summary.all(|element| element.name == "a").into_iter();
    links.map(|link| link.attribute("href").expect("an address").trim_start_matches('#').to_owned()).collect()
}
