//! What the tests are made of: the vector file, two parties with known keys, and a forger who can sign any header and any
//! payload.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use serde_json::{Value, json};
use uuid::Uuid;
use webhooks::jose::Verified;
use webhooks::keys::{KeyUse, PublicKey, SigningKey};
use webhooks::manifest::{Manifest, parse_pinned};
use webhooks::push::{PeerKeys, VerifiedSet, open, verify};
use webhooks::refusal::Refusal;

pub(crate) const A: &str = "https://node-a.example";
pub(crate) const B: &str = "https://node-b.example";
/// When the published notice was made.
pub(crate) const NOW: i64 = 1_795_253_400;
pub(crate) const CASE: &str = "0199f6c2-5c1e-7a50-9d3e-3a6f0c1b7e21";
pub(crate) const JTI: &str = "0199f6c2-6a00-7c11-8f00-000000000001";

pub(crate) fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/protocol.json")).unwrap()
}

/// A text of the vector file.
pub(crate) fn vector(name: &str) -> String {
    vectors()[name].as_str().expect(name).to_owned()
}

/// The seed of a key of the vector file, `A signing` for example.
pub(crate) fn seed(name: &str) -> [u8; 32] {
    let hex = vectors()[format!("key {name}")]["seed_hex"].as_str().expect(name).to_owned();
    let octets: Vec<u8> = (0..64).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
    octets.try_into().unwrap()
}

pub(crate) fn key(name: &str) -> SigningKey {
    let purpose = match name.split_once(' ').unwrap().1 {
        "identity" => KeyUse::Identity,
        "log" => KeyUse::Log,
        _ => KeyUse::Set,
    };
    SigningKey::from_seed(&seed(name), purpose).unwrap()
}

pub(crate) fn uuid(text: &str) -> Uuid {
    Uuid::parse_str(text).unwrap()
}

pub(crate) fn b64(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

pub(crate) fn unb64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Signs whatever it is given.
pub(crate) fn forge(header: &str, payload: &str, signer: &str) -> String {
    forge_with(header, payload, &seed(signer))
}

pub(crate) fn forge_with(header: &str, payload: &str, seed: &[u8; 32]) -> String {
    let input = format!("{}.{}", b64(header.as_bytes()), b64(payload.as_bytes()));
    let signature = ed25519_dalek::SigningKey::from_bytes(seed).sign(input.as_bytes());
    format!("{input}.{}", b64(&signature.to_bytes()))
}

/// The header A's node writes.
pub(crate) fn header() -> String {
    header_for("A signing")
}

pub(crate) fn header_for(signer: &str) -> String {
    format!(r#"{{"alg":"EdDSA","typ":"secevent+jwt","kid":"{}"}}"#, key(signer).kid())
}

/// A payload from A, correctly signed by A.
pub(crate) fn signed(payload: &str) -> String {
    forge(&header(), payload, "A signing")
}

/// The full example of a notice's body.
pub(crate) fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/notified.json")).unwrap()
}

/// Claims and body of an acceptable notice from A to B.
pub(crate) fn notice() -> Value {
    json!({
        "iss": A, "aud": B, "iat": NOW, "jti": JTI, "txn": CASE,
        "sub_id": { "format": "opaque", "id": CASE }, "toe": NOW,
        "events": { "urn:tocsin:breach:1:notified": golden() },
    })
}

pub(crate) fn manifest_of(party: &str) -> Verified<Manifest> {
    let issuer = if party == "A" { A } else { B };
    let identity = key(&format!("{party} identity"));
    parse_pinned(vector(&format!("key manifest {party} JWS")).as_bytes(), issuer, identity.public()).unwrap()
}

/// What B does with a token at `now`.
pub(crate) fn receive_at(token: &str, now: i64) -> Result<VerifiedSet, Refusal> {
    let manifest = manifest_of("A");
    receive_with(token, manifest.get(), now)
}

pub(crate) fn receive_with(token: &str, manifest: &Manifest, now: i64) -> Result<VerifiedSet, Refusal> {
    let opened = open(token.as_bytes())?;
    let peer = PeerKeys { issuer: A, manifest };
    verify(&opened, &peer, B, now).map_err(|rejected| rejected.refusal)
}

pub(crate) fn receive(token: &str) -> Result<VerifiedSet, Refusal> {
    receive_at(token, NOW)
}

/// B's answer to a payload correctly signed by A.
pub(crate) fn answer(payload: &Value) -> Result<VerifiedSet, Refusal> {
    receive(&signed(&payload.to_string()))
}

/// The notice with one member set.
pub(crate) fn with(name: &str, value: Value) -> Value {
    let mut notice = notice();
    notice[name] = value;
    notice
}

/// The notice with one member gone.
pub(crate) fn without(name: &str) -> Value {
    let mut notice = notice();
    notice.as_object_mut().unwrap().remove(name);
    notice
}

pub(crate) fn public(name: &str) -> PublicKey {
    key(name).public().clone()
}
