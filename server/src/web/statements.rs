//! The privacy notice and the accessibility statement: short, and true of this program as it is.

use actix_web::{HttpRequest, web};
use askama::Template;

use super::page::{self, Answer, Chrome};
use crate::node::Node;

#[derive(Template)]
#[template(path = "statement.html")]
struct Statement {
    chrome: Chrome,
    heading: &'static str,
    sections: Vec<(&'static str, Vec<String>)>,
}

/// `GET /privacy`
///
/// # Errors
/// [`crate::problem::Problem::Internal`]
pub async fn privacy(node: web::Data<Node>, _: HttpRequest) -> Answer {
    let us = node.organisation().name.to_string();
    let sections = vec![
        ("", vec![format!(
            "This service is run by {us}. It records what {us} knows about personal data breaches and whom it has told."
        )]),
        ("What it holds about you", vec![
            "If you have an account: your name, your e-mail address, what you are allowed to do, and what you did here and \
             when. Your password is stored only as a hash."
                .to_owned(),
            "If you are a contact in an agreement between organisations: your role or name and how to reach you.".to_owned(),
            "Nothing about the people affected by a breach belongs here. Every text is checked for such data before it \
             is sent."
                .to_owned(),
        ]),
        ("Why", vec![
            "The law asks every organisation to document personal data breaches (UK GDPR, Article 33(5)) and to be able \
             to show what it did (Article 5(2))."
                .to_owned(),
        ]),
        ("Cookies", vec![
            "One cookie, while you are signed in, keeps your session. It ends when you sign out, or after 12 hours without \
             use. There are no other cookies, and nothing is loaded from other sites."
                .to_owned(),
        ]),
        ("Who receives it", vec![
            "Partners receive the notices that an agreement owes them, with the name and role of the person who \
             acknowledged theirs. Nobody else does."
                .to_owned(),
        ]),
        ("Your rights", vec![format!(
            "Ask {us} for a copy, a correction or erasure. You may also complain to the Information Commissioner's Office."
        )]),
    ];
    page::html(&Statement {
        chrome: Chrome::outside(&node, "Privacy notice", "/privacy"),
        heading: "Privacy notice",
        sections,
    })
}

/// `GET /accessibility`
///
/// # Errors
/// [`crate::problem::Problem::Internal`]
pub async fn accessibility(node: web::Data<Node>, _: HttpRequest) -> Answer {
    let sections = vec![
        ("", vec![
            "We want everybody to be able to use this service, in a hurry and at night. It is built to meet level AA of the \
             Web Content Accessibility Guidelines 2.2."
                .to_owned(),
        ]),
        ("What you can do", vec![
            "Use every page with a keyboard alone, on a screen 320 pixels wide, at 400% zoom, in light or dark, and without \
             JavaScript."
                .to_owned(),
            "Without JavaScript, clocks show the time left when the page was loaded and the instant at which they are due; \
             load the page again for newer figures."
                .to_owned(),
            "With a screen reader, a running clock is silent. Passing 24, 12, 6 and 2 hours, 30 minutes and the due instant \
             is announced."
                .to_owned(),
        ]),
        ("What is not tested", vec![
            "Pages are checked by an automatic tool and by keyboard. They have not been audited by a third party or tried \
             with every screen reader."
                .to_owned(),
            "The wall screen is meant for looking at: the same clocks are on the Clocks page.".to_owned(),
        ]),
        ("Tell us", vec![format!(
            "If something is in your way, tell {}. If you are not happy with the answer, contact the Equality Advisory and \
             Support Service.",
            node.organisation().name
        )]),
    ];
    page::html(&Statement {
        chrome: Chrome::outside(&node, "Accessibility statement", "/accessibility"),
        heading: "Accessibility statement",
        sections,
    })
}
