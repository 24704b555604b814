//! Administration: one page that leads to all that an administrator does.

use actix_web::web::{ServiceConfig, resource};
use askama::Template;

use super::page::{self, Answer, Chrome, Visit};
use crate::access::Administrator;
use crate::problem::Problem;

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/administration").get(index));
}

#[derive(Template)]
#[template(path = "administration.html")]
struct Index {
    chrome: Chrome,
    links: [(&'static str, &'static str, &'static str); 13],
}

/// `GET /administration`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub async fn index(visit: Visit) -> Answer {
    administrator(&visit)?;
    page::html(&Index {
        chrome: visit.chrome("Administration", "/administration"),
        links: [
            ("/partners", "Partners and pairing", "Who they are, how each pairing stands, and pairing with one more"),
            ("/agreements", "Agreements and arrangements", "Which terms bind you to whom"),
            ("/services", "Services and parties", "What is processed, and the organisations that take part"),
            (
                "/about-this-organisation",
                "About this organisation",
                "Answers that stand in every report to a regulator",
            ),
            ("/import", "Import and export", "Take agreements in from a file, or write them to one"),
            ("/people", "People", "Accounts, roles, invitations, sessions and API tokens"),
            ("/ladders", "Ladders", "When people are told that time runs short, whom and how"),
            ("/rota", "Rota", "Who is on call, and where nobody is"),
            ("/keys", "Keys of this node", "Your fingerprint, how long keys are good for, and replacing them"),
            ("/mail", "Mail", "Whether mail leaves, and a test"),
            ("/integrations", "Integrations", "Programs of your own that hear of what happens here"),
            (
                "/administration/law",
                "Law and guidance",
                "What the node counts and asks by, where it is from, and how sure it is",
            ),
            ("/api", "API", "What programs can do here"),
        ],
    })
}

/// The proof that pages of administration need.
///
/// # Errors
/// [`Problem::NotAllowed`]
pub fn administrator(visit: &Visit) -> Result<Administrator, Problem> {
    Administrator::of(&visit.person).ok_or(Problem::NotAllowed("administrators"))
}
