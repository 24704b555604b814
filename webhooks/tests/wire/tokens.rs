//! Protocol §22, token and header: one line, one test, one code.

use proptest::prelude::*;
use webhooks::refusal::Refusal;

use crate::kit::{b64, forge, header, key, notice, receive, signed, vector};

fn good() -> String {
    signed(&notice().to_string())
}

fn with_header(header: &str) -> Result<(), Refusal> {
    receive(&forge(header, &notice().to_string(), "A signing")).map(|_| ())
}

/// Our header with one member changed.
fn header_with(from: &str, to: &str) -> String {
    let changed = header().replacen(from, to, 1);
    assert_ne!(changed, header(), "the change must change something");
    changed
}

fn parts() -> [String; 3] {
    let parts: Vec<String> = good().split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

#[test]
fn the_token_all_others_differ_from_is_accepted() {
    assert!(receive(&good()).is_ok());
}

#[test]
fn two_four_or_five_parts_are_malformed() {
    let [h, p, s] = parts();
    for token in [
        String::new(),
        h.clone(),
        format!("{h}.{p}"),
        format!("{h}.{p}.{s}.{s}"),
        format!("{h}.{p}.{s}.{s}.{s}"),
        format!("{h}.{p}.{s}."),
        format!(".{h}.{p}.{s}"),
        format!(".{p}.{s}"),
        format!("{h}..{s}"),
    ] {
        assert_eq!(receive(&token).unwrap_err(), Refusal::MalformedToken);
    }
}

#[test]
fn padding_is_malformed() {
    let [h, p, s] = parts();
    for token in [format!("{h}=.{p}.{s}"), format!("{h}.{p}=.{s}"), format!("{h}.{p}.{s}==")] {
        assert_eq!(receive(&token).unwrap_err(), Refusal::MalformedToken);
    }
}

#[test]
fn the_other_base64_alphabet_is_malformed() {
    let [h, p, s] = parts();
    for foreign in ["+", "/"] {
        for token in [
            format!("{foreign}{}.{p}.{s}", &h[1..]),
            format!("{h}.{foreign}{}.{s}", &p[1..]),
            format!("{h}.{p}.{foreign}{}", &s[1..]),
        ] {
            assert_eq!(receive(&token).unwrap_err(), Refusal::MalformedToken);
        }
    }
}

#[test]
fn trailing_bits_that_are_not_zero_are_malformed() {
    let [h, p, s] = parts();
    // 86 characters hold 64 octets and four bits over; the last character is one of A, Q, g, w.
    let last = s.chars().last().unwrap();
    let next = match last {
        'A' => 'B',
        'Q' => 'R',
        'g' => 'h',
        'w' => 'x',
        other => panic!("{other} is not a last character"),
    };
    let token = format!("{h}.{p}.{}{next}", &s[..85]);
    assert_eq!(receive(&token).unwrap_err(), Refusal::MalformedToken);
}

#[test]
fn white_space_inside_or_around_is_malformed() {
    let [h, p, s] = parts();
    for space in [" ", "\n", "\t", "\r\n", "\u{a0}"] {
        for token in [
            format!("{space}{}", good()),
            format!("{}{space}", good()),
            format!("{h}{space}.{p}.{s}"),
            format!("{h}.{}{space}{}.{s}", &p[..8], &p[8..]),
        ] {
            assert_eq!(receive(&token).unwrap_err(), Refusal::MalformedToken);
        }
    }
}

#[test]
fn an_empty_signature_is_malformed() {
    let [h, p, _] = parts();
    assert_eq!(receive(&format!("{h}.{p}.")).unwrap_err(), Refusal::MalformedToken);
}

#[test]
fn json_serialisation_is_malformed() {
    let [h, p, s] = parts();
    for token in [
        format!(r#"{{"protected":"{h}","payload":"{p}","signature":"{s}"}}"#),
        format!(r#"{{"payload":"{p}","signatures":[{{"protected":"{h}","signature":"{s}"}}]}}"#),
    ] {
        assert_eq!(receive(&token).unwrap_err(), Refusal::MalformedToken);
    }
}

#[test]
fn octets_that_are_not_text_are_malformed() {
    assert_eq!(webhooks::push::open(b"\xff\xfe.a.b").unwrap_err(), Refusal::MalformedToken);
}

#[test]
fn a_token_beyond_64_kib_is_malformed() {
    let payload = format!("{{\"a\":\"{}\"}}", "x".repeat(70_000));
    assert_eq!(receive(&signed(&payload)).unwrap_err(), Refusal::MalformedToken);
}

#[test]
fn a_duplicate_header_member_is_refused() {
    for (from, to) in [
        (r#""alg":"EdDSA""#, r#""alg":"EdDSA","alg":"EdDSA""#),
        (r#""alg":"EdDSA""#, r#""alg":"none","alg":"EdDSA""#),
        (r#""typ":"secevent+jwt""#, r#""typ":"secevent+jwt","typ":"JWT""#),
    ] {
        assert_eq!(with_header(&header_with(from, to)), Err(Refusal::BadHeader));
    }
}

#[test]
fn any_other_header_member_is_refused() {
    for member in [
        r#""jwk":{"kty":"OKP","crv":"Ed25519","x":"XmHhJNZe1UclJGPozfz7kgXjqVQnDCDmrpi50i_9-QI"}"#,
        r#""jku":"https://attacker.example/jwks.json""#,
        r#""x5u":"https://attacker.example/cert.pem""#,
        r#""x5c":["AAAA"]"#,
        r#""x5t":"AAAA""#,
        r#""crit":["exp"]"#,
        r#""crit":"exp""#,
        r#""b64":false"#,
        r#""enc":"A256GCM""#,
        r#""zip":"DEF""#,
        r#""cty":"JWT""#,
        r#""colour":"green""#,
    ] {
        let header = header_with("{", &format!("{{{member},"));
        assert_eq!(with_header(&header), Err(Refusal::BadHeader), "{member}");
    }
}

#[test]
fn header_members_are_strings_in_an_object() {
    let kid = key("A signing").kid().to_owned();
    for header in [
        format!(r#"{{"alg":1,"typ":"secevent+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"EdDSA","typ":null,"kid":"{kid}"}}"#),
        r#"{"alg":"EdDSA","typ":"secevent+jwt","kid":["a"]}"#.to_owned(),
        format!(r#"{{"typ":"secevent+jwt","kid":"{kid}"}}"#),
        r#"["EdDSA"]"#.to_owned(),
        "\"EdDSA\"".to_owned(),
        format!("{}x", header()),
        format!("\u{feff}{}", header()),
    ] {
        assert_eq!(with_header(&header), Err(Refusal::BadHeader), "{header}");
    }
}

#[test]
fn a_kid_that_is_missing_a_path_or_huge_is_refused() {
    let kid = key("A signing").kid().to_owned();
    assert_eq!(with_header(&header_with(&format!(r#","kid":"{kid}""#), "")), Err(Refusal::BadHeader));
    for other in [
        String::new(),
        "../../../etc/passwd".to_owned(),
        "' OR 1=1 --".to_owned(),
        kid[..42].to_owned(),
        format!("{kid}A"),
        // Trailing bits: no thumbprint ends so.
        format!("{}B", &kid[..42]),
        "k".repeat(1_048_576),
    ] {
        assert_eq!(with_header(&header_with(&kid, &other)), Err(Refusal::BadHeader));
    }
}

#[test]
fn a_type_that_is_missing_or_another_is_refused() {
    assert_eq!(with_header(&header_with(r#""typ":"secevent+jwt","#, "")), Err(Refusal::BadType));
    for typ in ["JWT", "dpop+jwt", "jwk-set+jwt", "application/secevent+jwt", "secevent+jwt ", ""] {
        assert_eq!(with_header(&header_with("secevent+jwt", typ)), Err(Refusal::BadType), "{typ}");
    }
}

#[test]
fn a_type_is_compared_without_regard_to_case() {
    assert_eq!(with_header(&header_with("secevent+jwt", "SecEvent+JWT")), Ok(()));
}

#[test]
fn other_algorithms_are_refused() {
    for alg in ["none", "None", "NONE", "", "HS256", "RS256", "ES256", "Ed448", "eddsa", "ed25519"] {
        assert_eq!(with_header(&header_with("EdDSA", alg)), Err(Refusal::BadAlgorithm), "{alg}");
    }
}

#[test]
fn a_code_keyed_with_the_public_key_is_refused() {
    // The classic confusion: HMAC with the octets of the public key as its secret.
    let header = header_with("EdDSA", "HS256");
    let input = format!("{}.{}", b64(header.as_bytes()), b64(notice().to_string().as_bytes()));
    let public = key("A signing").public().octets().to_vec();
    let mac = jsonwebtoken::crypto::sign(
        input.as_bytes(),
        &jsonwebtoken::EncodingKey::from_secret(&public),
        jsonwebtoken::Algorithm::HS256,
    )
    .unwrap();
    assert_eq!(receive(&format!("{input}.{mac}")).unwrap_err(), Refusal::BadAlgorithm);
}

#[test]
fn both_names_of_the_algorithm_are_accepted() {
    assert_eq!(with_header(&header_with("EdDSA", "Ed25519")), Ok(()));
}

#[test]
fn members_in_any_order_are_accepted() {
    let kid = key("A signing").kid().to_owned();
    assert_eq!(with_header(&format!(r#"{{ "kid": "{kid}", "typ": "secevent+jwt", "alg": "EdDSA" }}"#)), Ok(()));
}

/// RFC 8417 figure 6.
#[test]
fn the_unsecured_example_of_the_rfc_is_refused_for_its_algorithm() {
    let header = b64(br#"{"typ":"secevent+jwt","alg":"none"}"#);
    assert_eq!(header, "eyJ0eXAiOiJzZWNldmVudCtqd3QiLCJhbGciOiJub25lIn0");
    let payload = b64(br#"{"jti":"4d3559ec67504aaba65d40b0363faad8"}"#);
    assert_eq!(receive(&format!("{header}.{payload}.")).unwrap_err(), Refusal::BadAlgorithm);
}

/// Tokens of other types are not messages, however well signed.
#[test]
fn other_tokens_of_the_vectors_are_refused_for_their_type() {
    for name in ["key manifest A JWS", "party card JWS", "poll token JWS"] {
        assert_eq!(receive(&vector(name)).unwrap_err(), Refusal::BadType);
    }
}

proptest! {
    /// Whatever comes in, the answer is a refusal and never a crash.
    #[test]
    fn any_octets_are_refused_quietly(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(webhooks::push::open(&octets).is_err());
    }

    /// The same for anything that looks like a token.
    #[test]
    fn any_three_parts_are_refused_quietly(token in "[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{0,60}\\.[A-Za-z0-9_-]{0,90}") {
        prop_assert!(webhooks::push::open(token.as_bytes()).is_err());
    }
}
