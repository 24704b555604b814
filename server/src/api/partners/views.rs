//! Partners as programs see them. What counts in machine time is given as a length, never as an instant.

use domain::values::{Actor, Line, Moment, PartnerId};
use uuid::Uuid;

use super::super::shape::answer;
use crate::node::pairing::{CardView, OpenAlert, PartnerView};
use crate::store::queries::partners;

answer! {
    /// A partner in a list.
    ListedPartner {
        /// Which.
        id: PartnerId,
        /// Their name.
        name: String,
        /// How far pairing has come: listed, imported, verified, active, suspended, ended or locked.
        state: String,
        /// Their name on the wire.
        issuer: Option<String>,
        /// Current arrangements with them.
        arrangements: u32,
        /// Whether a card of theirs waits for an administrator.
        card_waits: bool,
        /// When their digits were last confirmed.
        verified_at: Option<Moment>,
        /// Seconds since an authenticated message last came from them.
        heard_seconds_ago: Option<u32>,
        /// Seconds since a receipt last proved the way to them.
        proven_seconds_ago: Option<u32>,
        /// For how many seconds attempts have failed.
        failing_seconds: Option<u32>,
    }
}

answer! {
    /// A partner.
    PartnerDetails {
        /// Which.
        id: PartnerId,
        /// Their name.
        name: Line,
        /// How far pairing has come: listed, imported, verified, active, suspended, ended or locked.
        state: String,
        /// Their name on the wire.
        issuer: Option<String>,
        /// Their card; nothing in it was checked but that its maker holds the key.
        card: Option<Card>,
        /// A card with other addresses that waits for an administrator.
        later_card: Option<Card>,
        /// Who checked the digits.
        checked: Option<Checked>,
        /// When the digits were last confirmed.
        verified_at: Option<Moment>,
        /// Wrong digits typed since the card came; three lock it.
        wrong_digits: u32,
        /// Address ranges admitted for them.
        addresses: Vec<String>,
        /// Whether their list of keys is here.
        keys_known: bool,
        /// Whether one administrator may confirm what they typed.
        one_person: bool,
        /// What is open about them, the newest first.
        alerts: Vec<Alert>,
    }
}

answer! {
    /// What a card says.
    Card {
        /// The party's name, as it writes it.
        name: String,
        /// Its name on the wire.
        issuer: String,
        /// Its version.
        version: u32,
        /// When it was made, as it says.
        made_at: Option<Moment>,
        /// Where messages go.
        push: Option<String>,
        /// Where its keys are.
        keys: String,
        /// Country code, if it gives one.
        country: Option<String>,
        /// Who runs the machine, in its words.
        hosting: Option<String>,
    }
}

answer! {
    /// Who checked the digits, and how.
    Checked {
        /// Who typed them.
        typed_by: Option<Line>,
        /// How they were given.
        channel: Line,
        /// By whom.
        with_whom: Line,
        /// When they were typed.
        at: Moment,
        /// Whether they are confirmed.
        confirmed: bool,
    }
}

answer! {
    /// Something open about a partner.
    Alert {
        /// Which.
        id: Uuid,
        /// Whether it ends when a person says that it is seen to; all others end by themselves, or by what is done about them.
        may_be_seen_to: bool,
        /// What is wrong.
        words: &'static str,
        /// Since when.
        at: Moment,
    }
}

fn alert(open: OpenAlert) -> Alert {
    Alert { id: open.id, may_be_seen_to: open.may_be_seen_to, words: open.words, at: open.at }
}

/// A length of machine time.
fn ago(elapsed: Moment, at: Moment) -> u32 {
    u32::try_from(elapsed.seconds_since(at)).unwrap_or(0)
}

impl ListedPartner {
    /// As a list shows it.
    pub(super) fn of(partner: partners::Listed, elapsed: Moment) -> Self {
        Self {
            heard_seconds_ago: partner.heard_at.map(|at| ago(elapsed, at)),
            proven_seconds_ago: partner.proven_at.map(|at| ago(elapsed, at)),
            failing_seconds: partner.failed_since.map(|at| ago(elapsed, at)),
            id: partner.id,
            name: partner.name,
            state: partner.state,
            issuer: partner.issuer,
            arrangements: partner.arrangements,
            card_waits: partner.card_waits,
            verified_at: partner.verified_at,
        }
    }
}

impl PartnerDetails {
    /// With everything.
    pub(super) fn of(view: PartnerView) -> Self {
        let checked = view.checked.map(|checked| Checked {
            typed_by: match checked.typed_by {
                Actor::Person { name, .. } => Some(name),
                Actor::Console | Actor::Node | Actor::Partner { .. } => None,
            },
            channel: checked.channel,
            with_whom: checked.with_whom,
            at: checked.at,
            confirmed: checked.confirmed.is_some(),
        });
        Self {
            id: view.id,
            name: view.name,
            state: view.state.word().to_owned(),
            issuer: view.issuer,
            card: view.card.map(Card::of),
            later_card: view.later.map(|later| Card::of(later.later)),
            checked,
            verified_at: view.verified_at,
            wrong_digits: view.wrong_digits,
            addresses: view.exceptions,
            keys_known: view.keys_known,
            one_person: view.one_person,
            alerts: view.alerts.into_iter().map(alert).collect(),
        }
    }
}

impl Card {
    fn of(card: CardView) -> Self {
        Self {
            name: card.name,
            issuer: card.issuer,
            version: u32::try_from(card.version).unwrap_or(u32::MAX),
            made_at: card.made_at,
            push: card.push,
            keys: card.keys,
            country: card.country,
            hosting: card.hosting,
        }
    }
}
