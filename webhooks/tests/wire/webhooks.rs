//! Standard Webhooks: the published vectors, both signatures, the overlap of secrets, and what is not believed.

use std::sync::Arc;

use webhooks::address_guard::{Looking, Lookup};
use webhooks::carrier::Carrier as _;
use webhooks::http::{Limits, Options, ReqwestCarrier};
use webhooks::keys::{KeyUse, SigningKey};
use webhooks::standard_webhook::{
    BadSecret, ID, Received, SECRET_OCTETS, SIGNATURE, Secret, TIMESTAMP, Unbelieved, headers, message_id, public_text,
    verify,
};
use webhooks::target::Target;

use crate::kit::{JTI, key, uuid, vector};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const MESSAGE: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
const AT: i64 = 1_649_367_553;
const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;

fn signature(secrets: &[Secret], key: Option<&SigningKey>) -> String {
    let [(id, message), (timestamp, at), (name, signature)] = headers(MESSAGE, AT, BODY, secrets, key).unwrap();
    assert_eq!((id, timestamp, name), (ID, TIMESTAMP, SIGNATURE));
    assert_eq!((message.as_str(), at.as_str()), (MESSAGE, "1649367553"));
    signature
}

fn received(signature: &str) -> Received<'_> {
    Received { id: MESSAGE, timestamp: "1649367553", signature, body: BODY }
}

#[test]
fn the_published_vectors_are_made_again() {
    let secret = Secret::parse(SECRET).unwrap();
    assert_eq!(signature(&[secret], None), format!("v1,{}", vector("webhook v1")));
    assert_eq!(signature(&[], Some(&key("A signing"))), format!("v1a,{}", vector("webhook v1a with key A signing")));
}

#[test]
fn both_signatures_travel_together_and_each_alone_is_believed() {
    let (secret, key) = (Secret::parse(SECRET).unwrap(), key("A signing"));
    let both = signature(std::slice::from_ref(&secret), Some(&key));
    let (first, second) = both.split_once(' ').unwrap();
    assert!(first.starts_with("v1,") && second.starts_with("v1a,"), "{both}");
    for one in [both.as_str(), first, &format!("v2,x {first}"), &format!("garbage {second}")] {
        assert_eq!(verify(&received(one), std::slice::from_ref(&secret), Some(key.public()), AT), Ok(()), "{one}");
    }
    assert_eq!(verify(&received(first), &[], Some(key.public()), AT), Err(Unbelieved::Signature));
    assert_eq!(verify(&received(second), &[secret], None, AT), Err(Unbelieved::Signature));
    assert_eq!(public_text(key.public()).len(), "whpk_".len() + 44);
}

/// Aim: during a change of secrets receivers that know either one believe it, and one that knows neither does not.
#[test]
fn two_secrets_overlap() {
    let (old, new) = (Secret::parse(SECRET).unwrap(), Secret::from_octets(&[7; SECRET_OCTETS]));
    let both = signature(&[new.clone(), old.clone()], None);
    assert_eq!(both.split(' ').count(), 2);
    for known in [old, new.clone()] {
        assert_eq!(verify(&received(&both), &[known], None, AT), Ok(()));
    }
    let other = Secret::from_octets(&[8; SECRET_OCTETS]);
    assert_eq!(verify(&received(&both), &[other], None, AT), Err(Unbelieved::Signature));
    assert_eq!(Secret::parse(&new.text()), Ok(new));
}

#[test]
fn whatever_was_changed_is_not_believed() {
    let secret = [Secret::parse(SECRET).unwrap()];
    let good = signature(&secret, None);
    let check = |received: Received<'_>, now: i64| verify(&received, &secret, None, now);
    assert_eq!(check(received(&good), AT + 300), Ok(()));
    assert_eq!(check(received(&good), AT + 301), Err(Unbelieved::Time));
    assert_eq!(check(received(&good), AT - 301), Err(Unbelieved::Time));
    let with_body = |body| Received { body, ..received(&good) };
    assert_eq!(check(with_body(b"{}"), AT), Err(Unbelieved::Signature));
    assert_eq!(check(Received { id: "msg_other", ..received(&good) }, AT), Err(Unbelieved::Signature));
    assert_eq!(check(Received { timestamp: "1649367554", ..received(&good) }, AT), Err(Unbelieved::Signature));
    for (id, timestamp) in
        [("", "1649367553"), ("a.b", "1649367553"), (MESSAGE, ""), (MESSAGE, "+1649367553"), (MESSAGE, "1649367553.0")]
    {
        assert_eq!(check(Received { id, timestamp, ..received(&good) }, AT), Err(Unbelieved::Form), "{id} {timestamp}");
    }
    for signature in ["", "v1", "v1,", "v1,AAAA", "v1a,AAAA", &good.replace("v1,", "v1a,"), &good.replace("v1,", "v2,")]
    {
        assert_eq!(check(received(signature), AT), Err(Unbelieved::Signature), "{signature}");
    }
}

#[test]
fn secrets_have_one_form_and_are_not_printed() {
    for bad in
        ["", "whsec_", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_C2FV", "whsec_C2FVsBQIhrscChlQIMV-b5sSYspob7oD"]
    {
        assert_eq!(Secret::parse(bad), Err(BadSecret), "{bad}");
    }
    assert_eq!(format!("{:?}", Secret::parse(SECRET).unwrap()), "Secret(..)");
    assert!(headers(MESSAGE, AT, BODY, &[], None).is_err(), "an unsigned webhook is none");
    let id = message_id(uuid(JTI));
    assert!(id.starts_with("msg_") && !id.contains('.'), "{id}");
    assert!(SigningKey::from_seed(&[1; 32], KeyUse::Webhook).is_ok());
}

/// Answers every name with these addresses.
#[derive(Debug)]
struct Names(&'static [&'static str]);

impl Lookup for Names {
    fn look_up<'a>(&'a self, _: &'a str) -> Looking<'a> {
        Box::pin(async { Ok(self.0.iter().map(|address| address.parse().unwrap()).collect()) })
    }
}

/// Aim: somebody who types an address is told before it is kept that its name leads nowhere, or to where nothing may be
/// sent.
#[tokio::test]
async fn a_typed_name_is_looked_up() {
    for (names, said) in [
        (&["8.8.8.8"] as &'static [&'static str], Ok(())),
        (
            &["8.8.8.8", "10.0.0.7"],
            Err("the server\u{2019}s name leads to an address in 10.0.0.0/8, which is not public"),
        ),
        (&[], Err("the server\u{2019}s name leads to no address: check how it is spelt")),
    ] {
        let carrier = ReqwestCarrier::with(&Options::default(), Arc::new(Names(names)), Limits::default()).unwrap();
        let target = Target { url: "https://hooks.example/in".to_owned(), exceptions: Vec::new(), allowed_port: None };
        let examined = carrier.examine(&target).await.map_err(|fault| fault.to_string());
        assert_eq!(examined, said.map_err(str::to_owned));
    }
}
