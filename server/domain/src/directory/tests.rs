#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;

use uuid::Uuid;

use super::*;
use crate::values::{AgreementId, ArrangementId, PartnerId, ServiceId};

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

fn line(text: &str) -> Line {
    Line::parse(text).unwrap()
}

/// Two parties, two services, an agreement of 48 hours and an arrangement under it.
fn directory() -> Directory {
    let agreement = Agreement {
        services: vec![key("reports"), key("waste")],
        notice_hours: Some(Hours::CONTRACT),
        trigger: Some(Trigger::BreachOrCircumstances),
        contact_point: Some(line("client")),
        ..Agreement::titled(key("sharing"), line("Sharing"), PartyRole::JointController)
    };
    Directory {
        us: Some(key("us")),
        parties: vec![Party::named(key("us"), line("Us")), Party::named(key("council"), line("A council"))],
        services: vec![
            ServiceRecord::named(key("reports"), line("Reports")),
            ServiceRecord::named(key("waste"), line("Waste")),
        ],
        arrangements: vec![ArrangementRecord::under(key("with-council"), &agreement, key("council"))],
        agreements: vec![agreement],
    }
}

fn messages(directory: &Directory, known: &Directory) -> Vec<String> {
    check(directory, known).iter().map(ToString::to_string).collect()
}

/// Aim: a key is made of any name, is a key, and is nobody else's.
#[test]
fn a_key_is_made_of_a_name() {
    assert_eq!(
        Key::made_of("Borough of  Thames-bridge (Highways)", |_| false).as_str(),
        "borough-of-thames-bridge-highways"
    );
    assert_eq!(Key::made_of("££", |_| false).as_str(), "unnamed");
    let taken = [key("council"), key("council-2")];
    assert_eq!(Key::made_of("Council", |key| taken.contains(key)).as_str(), "council-3");
    let long = Key::made_of(&"a".repeat(500), |key| key.as_str().len() < 60);
    assert_eq!(long.as_str().parse::<Key>().unwrap(), long);
}

/// Aim: a directory whose references lead somewhere is taken; what is known already may be referred to.
#[test]
fn references_lead_into_the_file_or_to_what_is_known() {
    let whole = directory();
    assert_eq!(messages(&whole, &Directory::default()), Vec::<String>::new());
    let arrangement = Directory { arrangements: whole.arrangements.clone(), ..Directory::default() };
    assert_eq!(messages(&arrangement, &whole), Vec::<String>::new());
    let lost = messages(&arrangement, &Directory::default());
    assert_eq!(
        lost,
        [
            "arrangement 1 \"with-council\": there is no party \"council\"",
            "arrangement 1 \"with-council\": there is no agreement \"sharing\" of version 1",
        ]
    );
}

/// Aim: every fault of a file is named at once, with its row.
#[test]
fn all_faults_are_named() {
    let mut broken = directory();
    broken.us = Some(key("nobody"));
    broken.parties.push(Party::named(key("council"), line("Again")));
    broken.services[0].controller = Some(key("strangers"));
    broken.agreements[0].ico_lead = Some(line("the client"));
    broken.agreements[0].version = 0;
    broken.arrangements[0].services = vec![key("parking")];
    let found = messages(&broken, &Directory::default());
    assert_eq!(
        found,
        [
            "us: there is no party \"nobody\"",
            "party 3 \"council\": the key \"council\" stands twice",
            "service 1 \"reports\": there is no party \"strangers\"",
            "agreement 1 \"sharing\": a version is between 1 and 1000000",
            "agreement 1 \"sharing\": \"the client\" is no party; write a party's key, each or client",
            "arrangement 1 \"with-council\": there is no service \"parking\"",
            "arrangement 1 \"with-council\": there is no agreement \"sharing\" of version 1",
        ]
    );
    let many = Directory { parties: vec![Party::named(key("each"), line("Each")); 500], ..Directory::default() };
    assert_eq!(check(&many, &Directory::default()).len(), FAULTS_MAX);
}

/// Aim: a known version of an agreement is never another text, and a clock always has what starts it.
#[test]
fn texts_are_immutable_and_clocks_can_start() {
    let known = directory();
    let mut changed = directory();
    changed.agreements[0].notice_hours = Some(Hours::ICO);
    let found = messages(&changed, &known);
    assert_eq!(found, ["agreement 1 \"sharing\": version 1 is known with other terms; a changed text is version 2"]);
    changed.agreements[0].version = 2;
    assert_eq!(messages(&changed, &known), Vec::<String>::new());

    let mut silent = directory();
    silent.agreements[0].trigger = None;
    assert!(messages(&silent, &Directory::default())[0].contains("say the trigger"));
    let mut independent = directory();
    independent.agreements[0].role = PartyRole::IndependentController;
    assert!(messages(&independent, &Directory::default())[0].contains("no contract clock"));
    let mut ourselves = directory();
    ourselves.arrangements[0].partner = key("us");
    assert!(messages(&ourselves, &Directory::default())[0].contains("somebody else than us"));
}

/// Aim: terms are what the arrangement says, and the agreement's where it is silent.
#[test]
fn an_arrangement_says_what_differs() {
    let directory = directory();
    let (agreement, plain) = (&directory.agreements[0], &directory.arrangements[0]);
    let service = |n| ServiceId::from_uuid(Uuid::from_u128(n));
    let services = BTreeMap::from([(key("reports"), service(1)), (key("waste"), service(2))]);
    let ids = Ids {
        arrangement: ArrangementId::from_uuid(Uuid::from_u128(3)),
        version: 4,
        agreement: AgreementId::from_uuid(Uuid::from_u128(5)),
        partner: PartnerId::from_uuid(Uuid::from_u128(6)),
        services: &services,
    };
    let terms = resolve(plain, agreement, &ids).unwrap();
    assert_eq!((terms.notice_hours, terms.acknowledgement_hours), (Some(Hours::CONTRACT), Hours::ACKNOWLEDGEMENT));
    assert_eq!(terms.services, [service(1), service(2)].into());
    assert_eq!(terms.contact_point, Some(line("client")));
    let own = ArrangementRecord {
        services: vec![key("waste")],
        notice_hours: Some(Hours::new(24).unwrap()),
        trigger: Some(Trigger::BreachOnly),
        ..plain.clone()
    };
    let terms = resolve(&own, agreement, &ids).unwrap();
    assert_eq!((terms.notice_hours.map(Hours::get), terms.trigger), (Some(24), Trigger::BreachOnly));
    assert_eq!(terms.services, [service(2)].into());
    let lost = resolve(&own, agreement, &Ids { services: &BTreeMap::new(), ..ids });
    assert_eq!(lost, Err(NotResolved(key("waste"))));
}
