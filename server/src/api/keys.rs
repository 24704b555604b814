//! Our own card and keys: what partners are given, and replacing the keys (protocol §14).

use domain::values::Moment;

use super::call::{Call, Reply, fault};
use super::operation::{Group, get, post, run};
use super::shape::{answer, request};
use crate::access::Scope;
use crate::node::rotation::{KeyPurpose, OwnKeyView, Rotation};
use crate::problem::Problem;

/// Operations on our own node.
pub const GROUP: Group = Group {
    name: "Keys",
    about: "What partners know us by: the card, the fingerprint that is read to them, and the keys that sign.",
    operations: &[
        get("/node", "get_node", "Who this node is, and the fingerprint to read to a partner", run!(node))
            .gives::<Identity>(),
        get("/keys", "list_keys", "Every key of ours, the newest first", run!(list)).lists::<OwnKey>(),
        get("/keys/manifest", "get_manifest", "Our key manifest as partners get it", run!(manifest))
            .writes("application/jwk-set+jwt"),
        get("/keys/card", "get_card", "Our party card, for a partner to take in", run!(card))
            .writes("application/party-card+jwt"),
        post(
            "/keys/card",
            "issue_card",
            "Issue our card again, when our record says something else of us",
            run!(issue),
        )
        .needs(&[Scope::Administer])
        .takes::<Issue>()
        .gives::<Issued>(),
        post("/keys/rotate", "rotate_keys", "Replace the online keys, as planned or in an emergency", run!(rotate))
            .needs(&[Scope::Administer])
            .takes::<Rotate>()
            .gives::<Rotated>(),
    ],
};

answer! {
    /// Our node.
    Identity {
        /// Our organisation's name.
        name: String,
        /// Our name on the wire.
        issuer: String,
        /// Eight groups of digits.
        fingerprint: String,
    }
}

answer! {
    /// A key of ours; never its private half.
    OwnKey {
        /// Its RFC 7638 thumbprint.
        id: String,
        /// What it signs: identity, messages or log.
        purpose: &'static str,
        /// next, current, retired or revoked.
        stage: &'static str,
        /// From when it is listed as good.
        valid_from: Moment,
        /// Until when.
        valid_until: Moment,
    }
}

request! {
    /// A card to issue.
    Issue {
        /// The passphrase of the identity key. It is kept nowhere.
        passphrase: String,
    }
}

answer! {
    /// What was issued.
    Issued {
        /// The version of the card.
        card_version: u32,
    }
}

request! {
    /// Keys to replace.
    Rotate {
        /// The passphrase of the identity key. It is kept nowhere.
        passphrase: String,
        /// Somebody else may have the old keys: since when. They are revoked at once. Null for a planned replacement.
        known_to_others_since: Option<Moment>,
    }
}

answer! {
    /// What was published.
    Rotated {
        /// The version of the manifest.
        manifest_version: u32,
    }
}

async fn node(call: Call) -> Result<Reply, Problem> {
    Ok(Reply::one(&Identity {
        name: call.node.organisation().name.to_string(),
        issuer: call.node.issuer().to_owned(),
        fingerprint: call.node.fingerprint(),
    }))
}

async fn list(call: Call) -> Result<Reply, Problem> {
    let items = call.node.key_list().await?;
    Ok(call.page_of(items, |key| key.kid.clone())?.reply(OwnKey::of))
}

impl OwnKey {
    fn of(key: OwnKeyView) -> Self {
        Self {
            id: key.kid,
            purpose: match key.purpose {
                KeyPurpose::Identity => "identity",
                KeyPurpose::Set => "messages",
                KeyPurpose::Log => "log",
                KeyPurpose::Webhook => "webhook",
            },
            stage: key.stage.word(),
            valid_from: key.valid_from,
            valid_until: key.valid_until,
        }
    }
}

async fn manifest(call: Call) -> Result<Reply, Problem> {
    Ok(Reply::document("application/jwk-set+jwt", call.node.manifest()))
}

async fn card(call: Call) -> Result<Reply, Problem> {
    Ok(Reply::document("application/party-card+jwt", call.node.export_card()))
}

async fn issue(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let Issue { passphrase } = call.body()?;
    if passphrase.is_empty() {
        return Err(fault("/passphrase", "it is empty"));
    }
    let version = call.node.issue_card(&by, &passphrase).await?;
    Ok(Reply::plain(&Issued { card_version: u32::try_from(version).unwrap_or(u32::MAX) }))
}

async fn rotate(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let Rotate { passphrase, known_to_others_since } = call.body()?;
    if passphrase.is_empty() {
        return Err(fault("/passphrase", "it is empty"));
    }
    let rotation = known_to_others_since.map_or(Rotation::Planned, |since| Rotation::Emergency { since });
    let version = call.node.rotate(&by, &passphrase, rotation).await?;
    Ok(Reply::plain(&Rotated { manifest_version: u32::try_from(version).unwrap_or(u32::MAX) }))
}
