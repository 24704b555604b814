//! The suggestion agrees with the guidelines' cases, and leans the right way where something is not known.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::facts::{DiscoveryMethod, Facts, IcoCategory};
use crate::precedent::tests::{EIGHTEEN, TEN, of_guideline};
use crate::precedent::{Decided, Precedent};
use crate::values::{Count, LongText, Options, Title};
use crate::vectors::rows;

/// Cases where the suggestion is stricter than the guideline, by design, with the reason.
const STRICTER: [(&str, &str); 1] = [(
    "15",
    "two food intolerances are health data; a list of options can't tell them from a diagnosis, so health data that \
     reached the wrong people are suggested for reporting, and a person who decides otherwise has a reason to give",
)];

/// The case as a person would enter it: through facts, with the questions answered.
fn entered(case: &Precedent) -> Circumstances {
    let of = &case.circumstances;
    let facts = Facts {
        title: Title::parse(&case.title).unwrap(),
        summary: LongText::parse(&case.facts).unwrap(),
        occurred: Known::NotYetKnown,
        detected_at: None,
        aware_basis: LongText::parse("The security lead confirmed it.").unwrap(),
        discovery_method: DiscoveryMethod::OwnDetection,
        nature: of.nature.clone(),
        ongoing: Known::NotYetKnown,
        cause: of.cause,
        ico_category: of.ico_category,
        data_unintelligible: of.unintelligible,
        recipients_of_data: of.recipients,
        data_categories: of.data.clone(),
        subject_categories: of.subjects.clone(),
        data_subjects: of.people,
        records: Known::NotYetKnown,
        likely_consequences: Known::NotYetKnown,
        actual_harm: None,
        risk_view: Known::NotYetKnown,
        containment: Known::NotYetKnown,
        mitigation: Known::NotYetKnown,
        asked_of_recipient: None,
        notified_late_reason: None,
    };
    let entered = Circumstances::of(&facts, of.asked);
    assert_eq!(&entered, of);
    entered
}

fn case(number: &str) -> Circumstances {
    let eighteen = of_guideline("01/2021");
    entered(eighteen.get(number).unwrap())
}

fn advice(of: &Circumstances) -> (ToIco, ToPeople) {
    let suggestion = suggest(of);
    (suggestion.to_ico.advice(), suggestion.to_people.advice())
}

fn ids(grounds: &[Ground]) -> Vec<&'static str> {
    grounds.iter().map(|ground| ground.id).collect()
}

#[test]
fn every_one_of_the_eighteen_cases() {
    let rows = rows(EIGHTEEN);
    assert_eq!(rows.len(), 18);
    let cases = of_guideline("01/2021");
    let (mut reported, mut told) = (0, 0);
    for row in &rows {
        let [number, authority, people] =
            ["case", "notify_authority", "communicate_to_data_subjects"].map(|name| row.get(name).unwrap());
        let to_ico = if authority == "yes" { ToIco::SuggestReporting } else { ToIco::SuggestNotReporting };
        let to_people = if people == "yes" { ToPeople::SuggestTelling } else { ToPeople::SuggestNotTelling };
        (reported, told) = (reported + u32::from(authority == "yes"), told + u32::from(people == "yes"));
        let found = advice(&entered(cases.get(number.as_str()).unwrap()));
        if let Some((_, why)) = STRICTER.iter().find(|(stricter, _)| stricter == number) {
            assert_eq!(to_ico, ToIco::SuggestNotReporting, "{number} would be laxer, which nothing excuses");
            assert_eq!(found, (ToIco::SuggestReporting, to_people), "{number} is stricter: {why}");
        } else {
            assert_eq!(found, (to_ico, to_people), "{number}");
        }
    }
    assert_eq!((reported, told), (12, 9));
}

/// The kinds of data alone don't settle these: somebody has to say what could be done with the data. Until then nothing
/// laxer is suggested.
#[test]
fn cases_that_turn_on_what_could_be_done_with_the_data() {
    let mut turn_on_it = Vec::new();
    for (number, case) in of_guideline("01/2021") {
        let of = entered(case);
        let unasked = Circumstances { asked: Asked { misuse: Known::NotYetKnown, ..of.asked }, ..of.clone() };
        let found = advice(&unasked);
        if found != advice(&of) {
            turn_on_it.push(number);
            assert_eq!(found, (ToIco::SuggestReporting, ToPeople::NotClear), "{number}");
            assert!(suggest(&unasked).open.contains(&Question::Misuse), "{number}");
        }
    }
    assert_eq!(turn_on_it, ["05", "08", "11", "13", "15", "16"]);
}

#[test]
fn every_one_of_the_ten_examples() {
    let rows = rows(TEN);
    assert_eq!(rows.len(), 10);
    for case in of_guideline("9/2022").values() {
        let (to_ico, to_people) = advice(&entered(case));
        match case.authority {
            // Where it depends, it turns on what the example leaves open, and that leans towards reporting.
            Decided::Yes | Decided::Depends => assert_eq!(to_ico, ToIco::SuggestReporting, "{}", case.number),
            Decided::No => assert_eq!(to_ico, ToIco::SuggestNotReporting, "{}", case.number),
        }
        match case.people {
            Decided::Yes => assert_eq!(to_people, ToPeople::SuggestTelling, "{}", case.number),
            Decided::No => assert_eq!(to_people, ToPeople::SuggestNotTelling, "{}", case.number),
            Decided::Depends => assert_eq!(to_people, ToPeople::NotClear, "{}", case.number),
        }
    }
}

#[test]
fn nothing_known_is_reported_in_phases_and_asks_every_question() {
    let suggestion = suggest(&Circumstances::default());
    assert_eq!(suggestion.to_ico.advice(), ToIco::SuggestReporting);
    assert_eq!(suggestion.to_people.advice(), ToPeople::NotClear);
    assert!(ids(suggestion.to_ico.grounds()).ends_with(&["phases", "recorded"]));
    assert_eq!(
        suggestion.open,
        [
            Question::Nature,
            Question::Cause,
            Question::Recipients,
            Question::Unintelligible,
            Question::Restoration,
            Question::Data,
            Question::Subjects,
            Question::People,
            Question::Misuse,
        ]
    );
}

#[test]
fn encryption_excuses_only_in_full_strong_and_with_the_key_safe() {
    let tablets = case("10");
    let excused = suggest(&tablets);
    assert_eq!(advice(&tablets), (ToIco::SuggestNotReporting, ToPeople::SuggestNotTelling));
    let (protected, unreadable) = (Provision::Article33Paragraph1, Provision::Article34Paragraph3A);
    assert!(excused.to_ico.grounds().iter().any(|ground| ground.id == "protected" && ground.provision == protected));
    let to_people = excused.to_people.grounds();
    assert!(to_people.iter().any(|ground| ground.id == "unreadable" && ground.provision == unreadable));

    let asked = |change: fn(&mut Asked)| {
        let mut of = tablets.clone();
        change(&mut of.asked);
        of
    };
    let doubtful = [
        asked(|asked| asked.key_safe = Known::NotYetKnown),
        asked(|asked| asked.key_safe = Known::Known(YesNo::No)),
        asked(|asked| asked.strong = Known::NotYetKnown),
        asked(|asked| asked.strong = Known::Known(YesNo::No)),
        Circumstances { unintelligible: Known::Known(Partly::Partly), ..tablets.clone() },
    ];
    for of in doubtful {
        let suggestion = suggest(&of);
        // The thief is hostile and the data are children's.
        assert_eq!(advice(&of), (ToIco::SuggestReporting, ToPeople::SuggestTelling), "{of:?}");
        assert!(ids(suggestion.to_ico.grounds()).contains(&"protection_not_shown"));
        assert!(!ids(suggestion.to_people.grounds()).contains(&"unreadable"));
    }
    assert!(suggest(&asked(|asked| asked.key_safe = Known::NotYetKnown)).open.contains(&Question::KeySafe));
    assert!(suggest(&asked(|asked| asked.strong = Known::NotYetKnown)).open.contains(&Question::Strong));
}

#[test]
fn encryption_does_not_excuse_being_without_the_data() {
    let mut locked = case("03");
    locked.unintelligible = Known::Known(Partly::Yes);
    (locked.asked.strong, locked.asked.key_safe) = (Known::Known(YesNo::Yes), Known::Known(YesNo::Yes));
    locked.recipients = Known::Known(DataRecipients::Unknown);
    assert_eq!(advice(&locked), (ToIco::SuggestReporting, ToPeople::SuggestTelling));
}

#[test]
fn the_exemptions_of_article_34_change_only_the_telling() {
    let laptop = case("11");
    let removed = Asked { high_risk_removed: Known::Known(YesNo::Yes), ..laptop.asked };
    let public = Asked { telling_disproportionate: Known::Known(YesNo::Yes), ..laptop.asked };
    for (asked, expected, provision) in [
        (removed, ToPeople::SuggestNotTelling, Provision::Article34Paragraph3B),
        (public, ToPeople::SuggestPublicNotice, Provision::Article34Paragraph3C),
    ] {
        let of = Circumstances { asked, ..laptop.clone() };
        assert_eq!(advice(&of), (ToIco::SuggestReporting, expected));
        let suggestion = suggest(&of);
        assert_eq!(suggestion.to_people.grounds().last().map(|ground| ground.provision), Some(provision));
        assert!(ids(suggestion.to_people.grounds()).contains(&"serious_misuse"), "the high risk stays on record");
    }
    let mut letter = case("16");
    letter.asked.telling_disproportionate = Known::Known(YesNo::Yes);
    assert_eq!(advice(&letter), (ToIco::SuggestReporting, ToPeople::SuggestNotTelling));
}

#[test]
fn a_trusted_recipient_excuses_once_deletion_is_confirmed() {
    let mut agent = case("09");
    assert_eq!(advice(&agent).0, ToIco::SuggestNotReporting);
    agent.asked.deletion_confirmed = Known::NotYetKnown;
    assert_eq!(advice(&agent).0, ToIco::SuggestReporting);
    assert!(suggest(&agent).open.contains(&Question::DeletionConfirmed));
}

#[test]
fn disclosed_and_received_by_nobody_is_named_as_a_contradiction() {
    let mut of = case("13");
    of.recipients = Known::Known(DataRecipients::NoOne);
    let suggestion = suggest(&of);
    assert_eq!(suggestion.to_ico.advice(), ToIco::SuggestReporting);
    assert!(ids(suggestion.to_ico.grounds()).contains(&"contradiction"));
}

#[test]
fn few_people_are_a_hundred_at_most() {
    let with = |value, basis, max| {
        let people = Known::Known(Count { value, basis, max });
        advice(&Circumstances { people, ..case("13") }).0
    };
    let (exact, minimum) = (CountBasis::Exact, CountBasis::Minimum);
    assert_eq!(with(100, exact, None), ToIco::SuggestNotReporting);
    assert_eq!(with(101, exact, None), ToIco::SuggestReporting);
    assert_eq!(with(2, exact, Some(101)), ToIco::SuggestReporting);
    assert_eq!(with(2, minimum, None), ToIco::SuggestReporting);
    assert_eq!(with(2, minimum, Some(100)), ToIco::SuggestNotReporting);
}

#[test]
fn grounds_have_names_of_their_own_and_words_are_sentences() {
    let names: BTreeSet<&str> = ground::ALL.iter().map(|ground| ground.id).collect();
    assert_eq!(names.len(), ground::ALL.len());
    assert!(ground::ALL.iter().all(|ground| ground.words.ends_with('.')));
    let cited: BTreeSet<&str> = ground::ALL.iter().map(|ground| ground.provision.citation()).collect();
    assert_eq!(cited.len(), 7);
}

#[test]
fn words_lead_back_to_their_options_and_answers_are_read_back() {
    assert!(Restoration::ALL.into_iter().all(|option| Restoration::from_word(option.word()) == Some(option)));
    assert!(Misuse::ALL.into_iter().all(|option| Misuse::from_word(option.word()) == Some(option)));
    for option in Restoration::ALL {
        assert_eq!(serde_json::to_value(option).unwrap(), option.word());
    }
    for option in Misuse::ALL {
        assert_eq!(serde_json::to_value(option).unwrap(), option.word());
    }
    let asked = case("15").asked;
    assert_eq!(serde_json::from_str::<Asked>(&serde_json::to_string(&asked).unwrap()).unwrap(), asked);
    assert_eq!(serde_json::from_str::<Asked>("{}").unwrap(), Asked::default());
}

fn known<T: Clone + std::fmt::Debug + 'static>(options: &[T]) -> impl Strategy<Value = Known<T>> + use<T> {
    let mut all: Vec<Known<T>> = options.iter().cloned().map(Known::Known).collect();
    all.push(Known::NotYetKnown);
    select(all)
}

fn some<T: Copy + Ord + std::fmt::Debug + 'static>(options: &'static [T]) -> impl Strategy<Value = Known<Options<T>>> {
    prop_oneof![
        1 => Just(Known::NotYetKnown),
        4 => prop::collection::btree_set(select(options), 0..3).prop_map(Known::Known),
    ]
}

prop_compose! {
    fn any_circumstances()(
        (nature, cause, unintelligible, recipients) in (
            some(Nature::ALL), known(Cause::ALL), known(Partly::ALL), known(DataRecipients::ALL)),
        (data, subjects, value) in (some(DataCategory::ALL), some(SubjectCategory::ALL), known(&[1, 100, 101])),
        (strong, key_safe, deletion_confirmed) in (known(YesNo::ALL), known(YesNo::ALL), known(YesNo::ALL)),
        (restoration, misuse) in (known(&Restoration::ALL), known(&Misuse::ALL)),
    ) -> Circumstances {
        let people = match value {
            Known::Known(value) => Known::Known(Count { value, basis: CountBasis::Exact, max: None }),
            Known::NotYetKnown => Known::NotYetKnown,
        };
        let asked = Asked { strong, key_safe, restoration, deletion_confirmed, misuse, ..Asked::default() };
        let ico_category = Known::Known(IcoCategory::NonCyber);
        Circumstances { nature, ico_category, cause, unintelligible, recipients, data, subjects, people, asked }
    }
}

fn forget(of: &mut Circumstances, field: usize) {
    match field {
        0 => of.nature = Known::NotYetKnown,
        1 => of.cause = Known::NotYetKnown,
        2 => of.unintelligible = Known::NotYetKnown,
        3 => of.recipients = Known::NotYetKnown,
        4 => of.data = Known::NotYetKnown,
        5 => of.subjects = Known::NotYetKnown,
        6 => of.people = Known::NotYetKnown,
        7 => of.asked.strong = Known::NotYetKnown,
        8 => of.asked.key_safe = Known::NotYetKnown,
        9 => of.asked.restoration = Known::NotYetKnown,
        10 => of.asked.deletion_confirmed = Known::NotYetKnown,
        _ => of.asked.misuse = Known::NotYetKnown,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Knowing less never makes the suggestion laxer.
    #[test]
    fn what_is_not_known_never_excuses(of in any_circumstances(), field in 0..12_usize) {
        let mut less = of.clone();
        forget(&mut less, field);
        let (before, after) = (advice(&of), advice(&less));
        prop_assert!(before.0 != ToIco::SuggestReporting || after.0 == ToIco::SuggestReporting, "{:?}", less);
        let laxer = before.1 != ToPeople::SuggestNotTelling && after.1 == ToPeople::SuggestNotTelling;
        prop_assert!(!laxer, "{:?}", less);
    }

    /// Nobody is told of what need not be reported, and every advice has a ground that leans its way.
    #[test]
    fn advice_has_grounds_that_lean_its_way(of in any_circumstances()) {
        let suggestion = suggest(&of);
        let leans = |grounds: &[Ground], leans| grounds.iter().any(|ground| ground.leans == leans);
        let (to_ico, to_people) = (&suggestion.to_ico, &suggestion.to_people);
        match to_ico.advice() {
            ToIco::SuggestReporting => prop_assert!(leans(to_ico.grounds(), Leans::Towards)),
            ToIco::SuggestNotReporting => {
                prop_assert!(leans(to_ico.grounds(), Leans::Against) && !leans(to_ico.grounds(), Leans::Towards));
                prop_assert_eq!(to_people.advice(), ToPeople::SuggestNotTelling);
            }
        }
        match to_people.advice() {
            ToPeople::SuggestTelling | ToPeople::SuggestPublicNotice => {
                prop_assert!(leans(to_people.grounds(), Leans::Towards));
            }
            ToPeople::SuggestNotTelling => prop_assert!(leans(to_people.grounds(), Leans::Against)),
            ToPeople::NotClear => prop_assert!(leans(to_people.grounds(), Leans::Neither)),
        }
        prop_assert!(ids(to_ico.grounds()).ends_with(&["recorded"]));
    }
}
