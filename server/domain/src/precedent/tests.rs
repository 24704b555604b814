//! The data agree with the tables they were made from, and the arithmetic with what its description says.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::law::Confidence;
use crate::suggestion::Asked;
use crate::vectors::rows;

pub(crate) const EIGHTEEN: &str = include_str!("../../testdata/edpb-01-2021-cases.csv");
pub(crate) const TEN: &str = include_str!("../../testdata/edpb-9-2022-annex-b.csv");

pub(crate) fn of_guideline(id: &str) -> BTreeMap<&'static str, &'static Precedent> {
    precedents().iter().filter(|case| case.guideline == id).map(|case| (case.number.as_str(), case)).collect()
}

fn case(number: &str) -> &'static Precedent {
    precedents().iter().find(|case| case.number == number).unwrap()
}

#[test]
fn the_file_parses_and_every_case_names_its_guideline() {
    cases::parsed().unwrap();
    assert_eq!(precedents().len(), 28);
    let known: Vec<&str> = guidelines().iter().map(|guideline| guideline.id.as_str()).collect();
    assert_eq!(known, ["01/2021", "9/2022"]);
    assert!(guidelines().iter().all(|guideline| guideline.validity.from.is_some()));
    assert!(precedents().iter().all(|case| known.contains(&case.guideline.as_str())));
}

#[test]
fn every_row_of_the_eighteen_cases() {
    let rows = rows(EIGHTEEN);
    assert_eq!(rows.len(), 18);
    let cases = of_guideline("01/2021");
    assert_eq!(cases.len(), 18);
    for row in &rows {
        let [number, title, facts, kinds] =
            ["case", "title", "facts_short", "breach_type(c/i/a)"].map(|name| row.get(name).unwrap());
        let [record, authority, people] = ["document_internally", "notify_authority", "communicate_to_data_subjects"]
            .map(|name| row.get(name).unwrap());
        let [why, sure] = ["why", "confidence"].map(|name| row.get(name).unwrap());
        let case = cases.get(number.as_str()).unwrap();
        assert_eq!(&case.title, title, "{number}");
        assert_eq!(case.record, Some(record == "yes"), "{number}");
        assert_eq!(case.authority.label().to_lowercase(), *authority, "{number}");
        assert_eq!(case.people.label().to_lowercase(), *people, "{number}");
        let expected = if sure == "verified" { Confidence::Verified } else { Confidence::Unverified };
        assert_eq!(case.confidence, expected, "{number}");
        let lost = |nature: &Nature| nature.word().get(..1).unwrap();
        let natures: Vec<&str> = case.circumstances.nature.as_option().unwrap().iter().map(lost).collect();
        assert_eq!(natures.join(","), *kinds, "{number}");
        assert!(case.facts != *facts && case.why != *why, "{number}: the table is not for quotation");
    }
    let verified = cases.values().filter(|case| !case.is_unverified()).map(|case| case.number.as_str());
    assert!(verified.eq(["01", "03", "11"]));
}

#[test]
fn every_row_of_the_ten_examples() {
    let rows = rows(TEN);
    assert_eq!(rows.len(), 10);
    let cases = of_guideline("9/2022");
    assert_eq!(cases.len(), 10);
    let read = |text: &str| match text {
        "yes" | "yes, lead authority if cross-border" => Decided::Yes,
        "no" => Decided::No,
        "depends"
        | "only those affected if high risk"
        | "may be obligatory"
        | "processor to controllers without undue delay; then controllers to authority" => Decided::Depends,
        other => panic!("{other}"),
    };
    for row in &rows {
        let [number, scenario, note, sure] =
            ["example", "scenario", "note", "confidence"].map(|name| row.get(name).unwrap());
        let [authority, people] =
            ["notify_authority", "communicate_to_data_subjects"].map(|name| row.get(name).unwrap());
        let case = cases.get(number.as_str()).unwrap();
        assert_eq!((case.authority, case.people), (read(authority), read(people)), "{number}");
        assert!(sure.starts_with("unverified") && case.is_unverified(), "{number}");
        assert!(case.title != *scenario && case.why != *note, "{number}: the table is not for quotation");
    }
}

#[test]
fn a_distance_checked_by_hand() {
    // Stolen tablets, encrypted and backed up, against a stolen computer that was neither: only the people (customers
    // or children), the encryption and the backup (not known there) differ.
    let distance = distance(&case("10").circumstances, &case("11").circumstances);
    let differ: Vec<_> = distance.parts().iter().filter(|(_, apart)| *apart > 0).copied().collect();
    assert_eq!(differ, [(Feature::Subjects, 1_000), (Feature::Encryption, 1_000), (Feature::Backup, 500)]);
    assert_eq!((distance.weighted(), distance.mean()), (2 * 1_000 + 3 * 1_000 + 2 * 500, 6_000 / 17));
}

#[test]
fn every_case_is_nearest_to_itself() {
    for case in precedents() {
        let near = nearest_cases(&case.circumstances, 28);
        assert_eq!(near.len(), 28);
        let itself = distance(&case.circumstances, &case.circumstances);
        let first = near.first().unwrap();
        assert_eq!(first.distance.weighted(), itself.weighted(), "{}", case.number);
        assert!(near.is_sorted_by_key(|near| near.distance.weighted()), "{}", case.number);
    }
}

#[test]
fn equally_near_ones_keep_the_order_given_and_the_list_its_limit() {
    let (near, far) = (&case("03").circumstances, &case("13").circumstances);
    let given = [(far, 'a'), (near, 'b'), (far, 'c'), (near, 'd'), (near, 'e')];
    let found = |most| nearest(near, given, most).into_iter().map(|near| near.what).collect::<String>();
    assert_eq!([found(0), found(2), found(4), found(9)], ["", "bd", "bdea", "bdeac"]);
}

#[test]
fn what_is_told_of_an_incident_finds_its_like() {
    // A surgery's computers locked by ransomware and back after a day.
    let surgery = Circumstances {
        asked: Asked { restoration: Known::Known(Restoration::Late), ..Asked::default() },
        ..case("viii").circumstances.clone()
    };
    let numbers =
        |of: &Circumstances| nearest_cases(of, 3).iter().map(|near| near.what.number.as_str()).collect::<Vec<_>>();
    assert_eq!(numbers(&surgery).first(), Some(&"viii"));
    assert!(numbers(&surgery).contains(&"03"));
    // A lost council laptop, encrypted, with all files on a server.
    let laptop = Circumstances {
        cause: Known::Known(Cause::InternalAccidental),
        subjects: Known::Known([crate::facts::SubjectCategory::Customers].into()),
        ..case("10").circumstances.clone()
    };
    assert_eq!(numbers(&laptop).first(), Some(&"10"));
}

#[test]
fn encryption_counts_only_with_the_key_safe() {
    let safe = &case("10").circumstances;
    let with = |key_safe| Circumstances { asked: Asked { key_safe, ..safe.asked }, ..safe.clone() };
    let apart = |other: &Circumstances| Feature::Encryption.between(safe, other);
    assert_eq!(apart(&with(Known::Known(YesNo::No))), 500);
    assert_eq!(apart(&with(Known::NotYetKnown)), NOT_KNOWN);
    let partly = Circumstances { unintelligible: Known::Known(Partly::Partly), ..safe.clone() };
    let readable = Circumstances { unintelligible: Known::Known(Partly::No), ..safe.clone() };
    assert_eq!([apart(safe), apart(&partly), apart(&readable)], [0, 500, 1_000]);
}

proptest! {
    /// There and back is equally far, and no mean is beyond the farthest.
    #[test]
    fn a_distance_is_symmetric_and_bounded(one in 0..28_usize, two in 0..28_usize) {
        let (one, two) = (precedents().get(one).unwrap(), precedents().get(two).unwrap());
        let there = distance(&one.circumstances, &two.circumstances);
        prop_assert_eq!(&there, &distance(&two.circumstances, &one.circumstances));
        prop_assert!(there.mean() <= FARTHEST);
        prop_assert!(there.parts().iter().all(|(_, apart)| *apart <= FARTHEST));
    }
}
