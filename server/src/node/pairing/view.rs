//! A partner as its page shows it: the card in words, who checked the digits, how the way to them stands.

use domain::values::{Line, Moment, PartnerId, hidden};
use uuid::Uuid;
use webhooks::card::{Card, parse_self_signed};

use super::PartnerState;
use crate::node::catch_up::Standing;
use crate::node::{DoorError, Node};
use crate::store::alerts::{self, Alert, AlertKind};
use crate::store::outbox::{self, Lane};
use crate::store::partners::{self, Checked, Partner};

/// Alerts shown of one partner.
const ALERTS_MAX: u32 = 100;
/// The United Kingdom and the European Economic Area, ISO 3166-1 alpha-2.
const NEAR: [&str; 31] = [
    "GB", "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT", "LV", "LT", "LU",
    "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE", "IS", "LI", "NO",
];

/// What a card says. Nothing in it was checked, but that its maker holds the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardView {
    /// The party's name, as it writes it.
    pub name: String,
    /// Its name on the wire.
    pub issuer: String,
    /// 1 for the first card.
    pub version: u64,
    /// When it was made, as it says (duty time).
    pub made_at: Option<Moment>,
    /// Where messages go.
    pub push: Option<String>,
    /// Where its keys are.
    pub keys: String,
    /// Country code, if it gives one.
    pub country: Option<String>,
    /// Whether that country lies outside the United Kingdom and the European Economic Area.
    pub far: bool,
    /// Who runs the machine, in its words.
    pub hosting: Option<String>,
    /// Whom to reach.
    pub contacts: Vec<CardContact>,
}

/// A contact in a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardContact {
    /// Its role, in words.
    pub role: String,
    /// Name.
    pub name: Option<String>,
    /// Mailbox.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
}

/// A later card beside the one it would replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaterCardView {
    /// The card that counts now.
    pub now: CardView,
    /// The one that waits.
    pub later: CardView,
}

/// A partner.
#[derive(Debug, Clone)]
pub struct PartnerView {
    /// Which.
    pub id: PartnerId,
    /// Their name here.
    pub name: Line,
    /// How far pairing has come.
    pub state: PartnerState,
    /// Their name on the wire.
    pub issuer: Option<String>,
    /// Their card.
    pub card: Option<CardView>,
    /// A card that waits for an administrator.
    pub later: Option<LaterCardView>,
    /// Who checked the digits.
    pub checked: Option<Checked>,
    /// When the digits were last confirmed (duty time).
    pub verified_at: Option<Moment>,
    /// Wrong digits typed since the card came.
    pub wrong_digits: u32,
    /// Address ranges admitted for them.
    pub exceptions: Vec<String>,
    /// How the way to them stands (machine time).
    pub lane: Option<Lane>,
    /// What is missing of theirs, and their clock.
    pub standing: Standing,
    /// Whether their list of keys is here.
    pub keys_known: bool,
    /// What is open about them, the newest first.
    pub alerts: Vec<OpenAlert>,
    /// Whether one administrator may confirm what they typed.
    pub one_person: bool,
}

/// Something open about a partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAlert {
    /// Which.
    pub id: Uuid,
    /// What is wrong, in words.
    pub words: &'static str,
    /// Since when (duty time).
    pub at: Moment,
    /// Whether it only says that a card changed, which an administrator notes.
    pub card_changed: bool,
    /// Whether a person's look ends it.
    pub may_be_seen_to: bool,
}

impl Node {
    /// A partner as its page shows it.
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn partner_view(&self, id: PartnerId) -> Result<PartnerView, DoorError> {
        let found = self
            .store
            .read(move |rows| {
                let Some(partner) = partners::by_id(rows, id)? else { return Ok(None) };
                let checked = partners::checked(rows, id)?;
                let lane = outbox::lane(rows, id)?;
                let standing = Standing::read(rows, id)?;
                let one_person = partners::one_person_pairing(rows)?;
                let open = alerts::open_about(rows, id, ALERTS_MAX)?;
                Ok(Some((partner, checked, (lane, standing), one_person, open)))
            })
            .await?;
        let (partner, checked, (lane, standing), one_person, open) = found.ok_or(DoorError::NotFound)?;
        let card = self.read_view(partner.card.as_deref());
        let later = self.later_view(&partner, card.as_ref());
        Ok(PartnerView {
            id,
            state: partner.state,
            card,
            later,
            checked,
            lane,
            standing,
            one_person,
            alerts: open.into_iter().map(open_alert).collect(),
            keys_known: partner.manifest.is_some(),
            name: partner.name,
            issuer: partner.issuer,
            verified_at: partner.verified_at,
            wrong_digits: partner.wrong_digits,
            exceptions: partner.exceptions,
        })
    }

    fn later_view(&self, partner: &Partner, now: Option<&CardView>) -> Option<LaterCardView> {
        let later = self.read_view(partner.later_card.as_deref())?;
        Some(LaterCardView { now: now?.clone(), later })
    }

    fn read_view(&self, token: Option<&str>) -> Option<CardView> {
        let card = parse_self_signed(token?.as_bytes(), self.schemes).ok()?;
        Some(view(card.get()))
    }
}

fn open_alert(alert: Alert) -> OpenAlert {
    OpenAlert {
        id: alert.id,
        words: alert.kind.label(),
        at: alert.at,
        card_changed: alert.kind == AlertKind::CardChanged,
        may_be_seen_to: alert.kind.is_seen_to(),
    }
}

/// What a card says, as a page can show it.
fn view(card: &Card) -> CardView {
    let line = |text: &Option<String>| text.as_deref().map(hidden::line_shown);
    CardView {
        name: hidden::line_shown(card.name.trim()),
        issuer: card.iss.clone(),
        version: card.version,
        made_at: Moment::from_unix_seconds(card.iat).ok(),
        push: card.receive.push.clone(),
        keys: card.serve.keys.clone(),
        far: card.country.as_deref().is_some_and(|country| !NEAR.contains(&country)),
        country: line(&card.country),
        hosting: line(&card.hosting),
        contacts: card
            .contacts
            .iter()
            .map(|contact| CardContact {
                role: hidden::line_shown(&contact.role.replace('_', " ")),
                name: line(&contact.name),
                email: line(&contact.email),
                phone: line(&contact.phone),
            })
            .collect(),
    }
}
