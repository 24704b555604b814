//! Alerts in words: what happened between two nodes that a person has to look at.

use super::words::Reader;
use crate::store::queries::alerts::Open;

/// Alerts shown on the home page.
pub const SHOWN_MAX: i64 = 10;

/// One alert as shown.
pub struct AlertLine {
    /// What happened.
    pub words: String,
    /// A link, or nothing.
    pub link: &'static str,
    /// Where it leads.
    pub href: String,
    /// When.
    pub at: String,
}

/// In words.
#[must_use]
pub fn lines(open: Vec<Open>, reader: Reader) -> Vec<AlertLine> {
    open.into_iter().map(|alert| line(alert, reader)).collect()
}

fn line(alert: Open, reader: Reader) -> AlertLine {
    let who = alert.partner.as_ref().map(|(_, name)| format!("{name}: ")).unwrap_or_default();
    let (link, href) = match (alert.exchange, alert.incident) {
        (Some(exchange), _) if alert.message_unread => ("Read it", format!("/exchanges/{exchange}/messages")),
        (Some(exchange), _) => ("Look at it", format!("/exchanges/{exchange}")),
        (None, Some(incident)) => ("Look at it", format!("/incidents/{incident}")),
        (None, None) if alert.exercise_due => ("Exercises", "/exercises".to_owned()),
        (None, None) if alert.own_keys => ("Keys of this node", "/keys".to_owned()),
        (None, None) => match alert.partner {
            Some((partner, _)) => ("Look at it", format!("/partners/{partner}")),
            None => ("Partners", "/partners".to_owned()),
        },
    };
    AlertLine { words: format!("{who}{}.", alert.words), link, href, at: reader.near(alert.at) }
}
