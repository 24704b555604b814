//! Protocol §22, signature: only the exact octets under the exact key verify.

use proptest::prelude::*;
use webhooks::jose::{self, CompactToken, TokenType};
use webhooks::keys::{KeyUse, SigningKey};
use webhooks::refusal::Refusal;

use crate::kit::{b64, key, notice, public, receive, signed, unb64, vector};

fn split(token: &str) -> (String, Vec<u8>) {
    let (input, signature) = token.rsplit_once('.').unwrap();
    (input.to_owned(), unb64(signature))
}

#[test]
fn a_flipped_bit_in_any_part_is_refused() {
    let token = signed(&notice().to_string());
    let [h, p, s]: [Vec<u8>; 3] = token.split('.').map(unb64).collect::<Vec<_>>().try_into().unwrap();
    let flipped = |part: &[u8], at: usize| {
        let mut part = part.to_vec();
        part[at] ^= 1;
        b64(&part)
    };
    // A digit of the payload's iat keeps it readable, so that only the signature can object.
    let digit = String::from_utf8(p.clone()).unwrap().find("1795253400").unwrap() + 9;
    let payload = format!("{}.{}.{}", b64(&h), flipped(&p, digit), b64(&s));
    assert_eq!(receive(&payload).unwrap_err(), Refusal::BadSignature);
    for at in [0, 31, 32, 62, 63] {
        let signature = format!("{}.{}.{}", b64(&h), b64(&p), flipped(&s, at));
        assert_eq!(receive(&signature).unwrap_err(), Refusal::BadSignature);
    }
    // Case of the type: still acceptable, but not what was signed.
    let at = String::from_utf8(h.clone()).unwrap().find("secevent").unwrap();
    let mut header = h.clone();
    header[at] ^= 0x20;
    let header = format!("{}.{}.{}", b64(&header), b64(&p), b64(&s));
    assert_eq!(receive(&header).unwrap_err(), Refusal::BadSignature);
}

/// Every single bit of a published token, one after the other.
#[test]
fn no_bit_of_a_token_can_be_flipped() {
    let token = vector("notified JWS").into_bytes();
    let key = public("A signing");
    for at in 0..token.len() {
        for bit in 0..8 {
            let mut changed = token.clone();
            changed[at] ^= 1 << bit;
            let verified =
                CompactToken::parse(&changed, TokenType::Set).is_ok_and(|token| jose::verify(&token, &key).is_ok());
            assert!(!verified, "octet {at}, bit {bit}");
        }
    }
}

#[test]
fn s_plus_the_group_order_is_refused() {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let (input, mut signature) = split(&signed(&notice().to_string()));
    let mut carry = 0_u16;
    for (s, l) in signature[32..].iter_mut().zip(L) {
        carry += u16::from(*s) + u16::from(l);
        *s = u8::try_from(carry & 0xff).unwrap();
        carry >>= 8;
    }
    assert_eq!(carry, 0);
    let token = format!("{input}.{}", b64(&signature));
    assert_eq!(receive(&token).unwrap_err(), Refusal::BadSignature);
}

#[test]
fn sixty_three_and_sixty_five_octets_are_refused() {
    let (input, signature) = split(&signed(&notice().to_string()));
    let mut longer = signature.clone();
    longer.push(0);
    for other in [&signature[..63], &longer] {
        let token = format!("{input}.{}", b64(other));
        assert_eq!(receive(&token).unwrap_err(), Refusal::BadSignature);
    }
}

#[test]
fn the_signature_of_another_message_is_refused() {
    let (input, _) = split(&signed(&notice().to_string()));
    let (_, signature) = split(&vector("notified JWS"));
    let token = format!("{input}.{}", b64(&signature));
    assert_eq!(receive(&token).unwrap_err(), Refusal::BadSignature);
}

#[test]
fn a_signature_by_another_key_under_our_name_is_refused() {
    let token = crate::kit::forge(&crate::kit::header(), &notice().to_string(), "B signing");
    assert_eq!(receive(&token).unwrap_err(), Refusal::BadSignature);
}

/// The universal signature of a small-order key verifies under no key, and small-order R under none either.
#[test]
fn universal_signatures_verify_under_no_key() {
    let universal = vector("weak key universal signature");
    let (input, mut signature) = split(&vector("notified JWS"));
    for signature in [unb64(&universal), {
        signature[..32].fill(0);
        signature[0] = 1;
        signature
    }] {
        let token = format!("{input}.{}", b64(&signature));
        let token = CompactToken::parse(token.as_bytes(), TokenType::Set).unwrap();
        for name in ["A signing", "B signing", "A identity", "A log"] {
            assert!(jose::verify(&token, &public(name)).is_err());
        }
    }
}

proptest! {
    /// What is signed verifies, under its own key alone, and no longer after any one change.
    #[test]
    fn signing_binds_payload_and_key(
        seed in any::<[u8; 32]>(),
        payload in "\\{\"a\":\"[a-z]{0,50}\"\\}",
        at in any::<proptest::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let signer = SigningKey::from_seed(&seed, KeyUse::Set).unwrap();
        let token = jose::sign(TokenType::Set, &signer, payload.as_bytes());
        let read = CompactToken::parse(token.as_bytes(), TokenType::Set).unwrap();
        prop_assert_eq!(read.payload(), payload.as_bytes());
        prop_assert!(jose::verify(&read, signer.public()).is_ok());
        prop_assert!(jose::verify(&read, key("B signing").public()).is_err());

        let mut changed = token.into_bytes();
        let at = at.index(changed.len());
        changed[at] ^= 1 << bit;
        let verified = CompactToken::parse(&changed, TokenType::Set)
            .is_ok_and(|token| jose::verify(&token, signer.public()).is_ok());
        prop_assert!(!verified);
    }
}
