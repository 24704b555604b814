//! Telling people, in sentences for the timeline.

use domain::incident::telling::{Change, Channel, Communication};
use domain::values::Actor;

use crate::web::timeline::who;
use crate::web::words::{Reader, grouped};

/// What changed, as a sentence.
#[must_use]
pub fn sentence(change: &Change, by: &Actor, reader: Reader) -> String {
    match change {
        Change::Written { version, .. } => format!("Message to the people affected, version {version}, by {}", who(by)),
        Change::Told { communication, .. } => {
            let Communication { at, channel, people, version, .. } = communication.as_ref();
            format!(
                "{} told {} at {} with version {version} of the message, recorded by {}",
                whom(*people),
                how(*channel),
                reader.at(*at),
                who(by)
            )
        }
        Change::Struck { wave, reason } => {
            format!("{} struck out record {wave} of people told: {reason}", who(by))
        }
    }
}

/// "140 people", "People".
fn whom(people: Option<u32>) -> String {
    match people {
        Some(1) => "1 person".to_owned(),
        Some(many) => format!("{} people", grouped(i64::from(many))),
        None => "People".to_owned(),
    }
}

const fn how(channel: Channel) -> &'static str {
    match channel {
        Channel::Letter => "by letter",
        Channel::Email => "by e-mail",
        Channel::Telephone => "by telephone",
        Channel::InPerson => "in person",
        Channel::PublicNotice => "by a public notice",
        Channel::Website => "on a website",
    }
}
