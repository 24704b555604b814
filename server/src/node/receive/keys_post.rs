//! `POST /ssf/keys`: a partner hands over its own new key manifest. The manifest's signature is all the proof there is,
//! and all that is needed.

use webhooks::jose::{CompactToken, TokenError, TokenType};
use webhooks::manifest::ManifestError;
use webhooks::refusal::Refusal;

use super::{Incoming, Received};
use crate::node::Node;
use crate::node::pairing::NotTaken;
use crate::store::partners::{self, PartnerState};

impl Node {
    /// Takes a partner's key manifest. [`Received::AcceptedNoReceipt`] is a 204.
    pub async fn receive_keys(&self, incoming: Incoming) -> Received {
        match self.take_keys(&incoming.octets).await {
            Ok(()) => Received::AcceptedNoReceipt,
            Err(answer) => answer,
        }
    }

    async fn take_keys(&self, octets: &[u8]) -> Result<(), Received> {
        let token =
            CompactToken::parse(octets, TokenType::Manifest).map_err(|error| Received::from(Refusal::from(error)))?;
        let payload = token.payload_object().map_err(|_| Refusal::UnknownIssuer)?;
        let issuer = payload.get("iss").and_then(serde_json::Value::as_str).ok_or(Refusal::UnknownIssuer)?.to_owned();
        let partner = self.store.read(move |rows| partners::by_issuer(rows, &issuer)).await?;
        let partner = partner.ok_or(Refusal::UnknownIssuer)?;
        match partner.state {
            PartnerState::Verified | PartnerState::Active => {}
            PartnerState::Listed
            | PartnerState::Imported
            | PartnerState::Suspended
            | PartnerState::Ended
            | PartnerState::Locked => {
                return Err(Refusal::PeerNotActive.into());
            }
        }
        match self.take_manifest(&partner, octets).await {
            Ok(()) => Ok(()),
            Err(NotTaken::Refused(error)) => Err(refusal(&error).into()),
            Err(NotTaken::NotPinned) => Err(Refusal::PeerNotActive.into()),
            Err(NotTaken::Store(error)) => Err(error.into()),
        }
    }
}

fn refusal(error: &ManifestError) -> Refusal {
    match error {
        ManifestError::Token(error) => match error {
            TokenError::Malformed => Refusal::MalformedToken,
            TokenError::BadHeader => Refusal::BadHeader,
            TokenError::BadAlgorithm => Refusal::BadAlgorithm,
            TokenError::BadType => Refusal::BadType,
        },
        ManifestError::WrongIdentity => Refusal::UnknownKey,
        ManifestError::Signature(_) => Refusal::BadSignature,
        ManifestError::WrongIssuer => Refusal::UnknownIssuer,
        ManifestError::FromFuture => Refusal::IssuedInFuture,
        ManifestError::Payload(_)
        | ManifestError::Rollback
        | ManifestError::Shape
        | ManifestError::KeyList
        | ManifestError::Key(_)
        | ManifestError::KeyName
        | ManifestError::PrivateKey
        | ManifestError::Validity
        | ManifestError::KeyVanished
        | ManifestError::KeyChanged
        | ManifestError::KeyExtended
        | ManifestError::RevocationGone => Refusal::BadClaim,
    }
}
