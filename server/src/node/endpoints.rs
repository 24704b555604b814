//! Destinations of webhooks and mail, as an administrator keeps them: over which channel a partner is told, and our own
//! integrations.
//!
//! An address is looked at before it is kept, and whoever typed it is told what is wrong. A secret is shown once, when it
//! is made; the record and the log never hold one, nor a whole address, which may itself be a secret.

mod integrations;

use domain::values::{Actor, Moment, PartnerId};
use serde_json::json;
use uuid::Uuid;
use webhooks::address_guard::Cidr;
use webhooks::standard_webhook::{Secret as Signing, message_id, public_text};
use webhooks::target::Target;
use zeroize::Zeroizing;

use super::administer::note;
use super::keys::{KeyFault, draw_seed};
use super::pairing::{self, PartnerState};
use super::people::is_mail_address;
use super::{DoorError, Node};
use crate::access::Administrator;
use crate::mail;
use crate::store::ack_links;
use crate::store::endpoints::{self, Details, Endpoint, EndpointKind, OVERLAP_SECONDS, Replaced, Secret};
use crate::store::outbox::{self, reroute::reroute};
use crate::store::{StoreError, Turn, partners};

pub use self::integrations::{Integration, PostPage, REPLAYED_MAX, Replayed};
pub use super::post::Tested;
pub use crate::store::endpoints::{Format, INTEGRATIONS_MAX, Told};
pub use crate::store::outbox::Lane;
pub use crate::store::posts::{AttemptLine, PostKey, PostLine, PostState, Subscribed};

/// Address ranges admitted for one destination.
const RANGES_MAX: usize = pairing::EXCEPTIONS_MAX;

/// Where webhooks go, as typed.
#[derive(Debug, Clone, Default)]
pub struct WebhookAddress {
    /// The URL.
    pub url: String,
    /// The port in it is right although it is not 443.
    pub other_port: bool,
    /// Address ranges that are admitted although they are not public (CIDR).
    pub ranges: Vec<String>,
}

/// How a partner is told from now on.
#[derive(Debug, Clone)]
pub enum Way {
    /// Their node.
    Node,
    /// Their ticket system.
    Webhook {
        /// Where it is.
        address: WebhookAddress,
        /// Only id, phase and link are sent.
        reduced: bool,
    },
    /// A link in an e-mail.
    Mail {
        /// The mailbox.
        address: String,
    },
    /// A call or meeting.
    Hand,
}

impl Way {
    const fn told(&self) -> Told {
        match self {
            Self::Node => Told::Node,
            Self::Webhook { .. } => Told::Webhook,
            Self::Mail { .. } => Told::Mail,
            Self::Hand => Told::Hand,
        }
    }
}

/// A destination as pages show it: never a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointView {
    /// Which.
    pub id: Uuid,
    /// What people call it; empty for a partner's.
    pub name: String,
    /// The URL or mail address.
    pub address: String,
    /// What bodies look like.
    pub format: Format,
    /// Only id, phase and link are sent.
    pub reduced: bool,
    /// Address ranges that are admitted.
    pub ranges: Vec<String>,
    /// The port that is admitted although it is not 443.
    pub port: Option<u16>,
    /// What an integration hears of.
    pub events: Vec<Subscribed>,
    /// A person stopped it for now.
    pub paused: bool,
    /// Since when attempts fail (machine time).
    pub failed_since: Option<Moment>,
    /// When the next attempt is due (machine time).
    pub waits_until: Option<Moment>,
    /// Until when the secret that was replaced signs too (machine time).
    pub overlap_until: Option<Moment>,
}

impl EndpointView {
    fn of(endpoint: Endpoint, elapsed: Moment) -> Self {
        let Details { name, address, replaced, format, reduced, exceptions, port, secret: _ } = endpoint.details;
        Self {
            id: endpoint.id,
            name,
            address,
            format,
            reduced,
            ranges: exceptions,
            port,
            events: endpoint.events,
            paused: endpoint.paused,
            failed_since: endpoint.failed_since,
            waits_until: endpoint.waits_until,
            overlap_until: replaced.map(|replaced| replaced.until).filter(|until| elapsed < *until),
        }
    }
}

/// How a partner is told, and how that stands.
#[derive(Debug, Clone)]
pub struct PartnerChannel {
    /// Over which channel.
    pub told: Told,
    /// Their webhook, also while they are told another way.
    pub webhook: Option<EndpointView>,
    /// Their mailbox, also while they are told another way.
    pub mail: Option<EndpointView>,
    /// The lane of the channel; none before anything was queued.
    pub lane: Option<Lane>,
    /// Our public key for webhooks (`whpk_…`); `None` until our keys are next replaced.
    pub public_key: Option<String>,
}

impl Node {
    /// How a partner is told.
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn partner_channel(&self, id: PartnerId) -> Result<PartnerChannel, DoorError> {
        let elapsed = self.time.elapsed();
        let found = self
            .store
            .read(move |rows| {
                let Some(told) = endpoints::told(rows, id)? else { return Ok(None) };
                let webhook = endpoints::of_partner(rows, id, EndpointKind::Webhook)?;
                let mail = endpoints::of_partner(rows, id, EndpointKind::Mail)?;
                Ok(Some((told, webhook, mail, outbox::lane_of(rows, id, told.lane())?)))
            })
            .await?;
        let (told, webhook, mail, lane) = found.ok_or(DoorError::NotFound)?;
        let view = |endpoint: Endpoint| EndpointView::of(endpoint, elapsed);
        Ok(PartnerChannel {
            told,
            webhook: webhook.map(view),
            mail: mail.map(view),
            lane,
            public_key: self.webhook_public_key(),
        })
    }

    /// Our public key for webhooks (`whpk_…`), that receivers of `v1a` need; `None` on a node that was set up without one,
    /// until its keys are next replaced.
    #[must_use]
    pub fn webhook_public_key(&self) -> Option<String> {
        self.keys().webhook().map(|key| public_text(key.public()))
    }

    /// Sets how a partner is told. What waits and was never sealed is sent the new way; a new webhook's secret is answered,
    /// this once.
    ///
    /// # Errors
    /// [`DoorError::Target`] for a URL that can't be taken, [`DoorError::Invalid`] for address ranges, a mailbox, or a
    /// pairing that has ended; [`DoorError::NotFound`].
    pub async fn set_partner_channel(
        &self,
        by: &Administrator,
        id: PartnerId,
        way: Way,
    ) -> Result<Option<Zeroizing<String>>, DoorError> {
        let told = way.told();
        let destination = match way {
            Way::Node | Way::Hand => None,
            Way::Webhook { address, reduced } => {
                let details = self.webhook_details(&address).await?;
                Some((EndpointKind::Webhook, Details { reduced, ..details }))
            }
            Way::Mail { address } => {
                let address = address.trim().to_owned();
                if !is_mail_address(&address) || mail::Address::parse(&address).is_err() {
                    return Err(DoorError::Invalid(
                        "mail can't be sent to this address: give one like name@example.org, without accented letters",
                    ));
                }
                Some((EndpointKind::Mail, mail_details(address)))
            }
        };
        let (fresh, secret, by) = (self.time.fresh_id(), fresh_secret()?, by.actor().clone());
        let shown = self
            .store
            .write(self.time.now(), move |turn| {
                let partner = partners::by_id(turn.rows(), id)?.ok_or(DoorError::NotFound)?;
                let before = endpoints::told(turn.rows(), id)?.ok_or(DoorError::NotFound)?;
                if partner.state == PartnerState::Ended && told != Told::Hand {
                    return Err(DoorError::Invalid("the pairing has ended: pair again first"));
                }
                let shown = match destination {
                    None => None,
                    Some((kind, details)) => keep(turn, (id, kind), details, fresh, &secret)?,
                };
                endpoints::set_told(turn, id, told)?;
                let moved = reroute(turn, id, told.lane())?;
                let about = json!({ "partner": id, "before": before.word(), "now": told.word(), "moved": moved });
                note(turn, &by, "channel_set", &about)?;
                Ok(shown)
            })
            .await?;
        self.changed();
        Ok(shown)
    }

    /// Gives a partner's webhook another secret, which is answered, this once. The one before signs beside it for a week.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] when they have none.
    pub async fn replace_partner_secret(
        &self,
        by: &Administrator,
        id: PartnerId,
    ) -> Result<Zeroizing<String>, DoorError> {
        let found = self.store.read(move |rows| endpoints::of_partner(rows, id, EndpointKind::Webhook)).await?;
        self.replace_secret(by, found.ok_or(DoorError::NotFound)?.id).await
    }

    /// Sends a partner's webhook a test, at once, and says what came of it.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] when they have none.
    pub async fn test_partner_webhook(&self, by: &Administrator, id: PartnerId) -> Result<Tested, DoorError> {
        let found = self.store.read(move |rows| endpoints::of_partner(rows, id, EndpointKind::Webhook)).await?;
        let endpoint = found.ok_or(DoorError::NotFound)?;
        let body = json!({ "type": "breach.test", "timestamp": self.time.now().to_wire(), "data": {} });
        let message = message_id(self.time.fresh_id());
        let posted = self.send_webhook(&endpoint.details, &message, body.to_string().into_bytes()).await;
        let about = json!({ "partner": id, "status": posted.status, "outcome": posted.heard.word() });
        self.noted(by.actor(), "webhook_tested", about).await?;
        Ok(posted.into())
    }

    async fn replace_secret(&self, by: &Administrator, id: Uuid) -> Result<Zeroizing<String>, DoorError> {
        let (elapsed, secret, by) = (self.time.elapsed(), fresh_secret()?, by.actor().clone());
        let shown = secret.text();
        self.store
            .write(self.time.now(), move |turn| {
                let mut endpoint = endpoints::by_id(turn.rows(), id)?.ok_or(DoorError::NotFound)?;
                let until = elapsed.plus_seconds(OVERLAP_SECONDS);
                let before = endpoint.details.secret.replace(Secret::new(secret.text()));
                endpoint.details.replaced = before.map(|secret| Replaced { secret, until });
                endpoints::save(turn, &endpoint)?;
                note(turn, &by, "webhook_secret_replaced", &json!({ "endpoint": id, "partner": endpoint.partner }))?;
                Ok::<_, DoorError>(())
            })
            .await?;
        Ok(shown)
    }

    /// Looks at an address that somebody typed; what is kept of it, without a secret.
    async fn webhook_details(&self, typed: &WebhookAddress) -> Result<Details, DoorError> {
        let url = typed.url.trim().to_owned();
        if typed.ranges.len() > RANGES_MAX {
            return Err(DoorError::Invalid("give at most 20 address ranges"));
        }
        let ranges: Vec<Cidr> =
            typed.ranges.iter().map(|range| pairing::admissible(range)).collect::<Result<_, _>>()?;
        let port = if typed.other_port { port_of(&url) } else { None };
        let target = Target { url: url.clone(), exceptions: ranges.clone(), allowed_port: port };
        self.carrier.examine(&target).await?;
        Ok(Details {
            name: String::new(),
            address: url,
            secret: None,
            replaced: None,
            format: Format::Standard,
            reduced: false,
            exceptions: ranges.iter().map(Cidr::to_string).collect(),
            port,
        })
    }

    async fn noted(&self, by: &Actor, action: &'static str, about: serde_json::Value) -> Result<(), StoreError> {
        let by = by.clone();
        self.store.write(self.time.now(), move |turn| note(turn, &by, action, &about)).await
    }
}

/// Keeps a partner's destination, in the place of one of the same kind. A webhook that has no secret yet gets one.
fn keep(
    turn: &mut Turn<'_>,
    (partner, kind): (PartnerId, EndpointKind),
    details: Details,
    fresh: Uuid,
    secret: &Signing,
) -> Result<Option<Zeroizing<String>>, DoorError> {
    let new = || (kind == EndpointKind::Webhook).then(|| Secret::new(secret.text()));
    let Some(mut known) = endpoints::of_partner(turn.rows(), partner, kind)? else {
        let details = Details { secret: new(), ..details };
        let made_at = turn.now();
        endpoints::insert(turn, &endpoint(fresh, Some(partner), kind, details, made_at))?;
        return Ok((kind == EndpointKind::Webhook).then(|| secret.text()));
    };
    let shown = (kind == EndpointKind::Webhook && known.details.secret.is_none()).then(|| secret.text());
    if known.details.address != details.address {
        // Whoever got mail at the old address is not the partner any more.
        ack_links::end_of(turn, partner)?;
    }
    let Details { secret: kept, replaced, .. } = known.details;
    known.details = Details { secret: kept.or_else(new), replaced, ..details };
    endpoints::save(turn, &known)?;
    Ok(shown)
}

const fn endpoint(
    id: Uuid,
    partner: Option<PartnerId>,
    kind: EndpointKind,
    details: Details,
    made_at: Moment,
) -> Endpoint {
    Endpoint {
        id,
        partner,
        kind,
        details,
        events: Vec::new(),
        paused: false,
        fail_count: 0,
        waits_until: None,
        failed_since: None,
        made_at,
    }
}

const fn mail_details(address: String) -> Details {
    Details {
        name: String::new(),
        address,
        secret: None,
        replaced: None,
        format: Format::Standard,
        reduced: false,
        exceptions: Vec::new(),
        port: None,
    }
}

fn fresh_secret() -> Result<Signing, KeyFault> {
    Ok(Signing::from_octets(draw_seed()?.octets()))
}

/// The port that a URL names.
fn port_of(url: &str) -> Option<u16> {
    let authority = url.split_once("://")?.1.split(['/', '?', '#']).next()?;
    let (before, port) = authority.rsplit_once(':')?;
    // A colon inside an IPv6 literal is no port's.
    if before.starts_with('[') && !before.ends_with(']') { None } else { port.parse().ok() }
}
