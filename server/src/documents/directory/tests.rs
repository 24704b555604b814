#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use domain::arrangement::{FallbackContact, Trigger};
use domain::directory::{Agreement, ArrangementRecord, Directory, Duty, Key, Party, PartyRole, ServiceRecord};
use domain::values::{Digest32, Hours, Line, LongText};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::*;

/// Letters that a writer of TOML can stumble over.
const TEXT: &str = "[a-zA-Z0-9é\"'\\\\#=\\[\\]\\n\\t{},.£ -]{0,30}[a-z]";

fn line() -> impl Strategy<Value = Line> {
    TEXT.prop_map(|text| Line::parse(&text).unwrap())
}

fn long() -> impl Strategy<Value = LongText> {
    TEXT.prop_map(|text| LongText::parse(&text).unwrap())
}

fn key() -> impl Strategy<Value = Key> {
    "[a-z0-9][a-z0-9-]{0,12}".prop_map(|text| text.parse().unwrap())
}

fn hours() -> impl Strategy<Value = Hours> {
    (1..=8_784_u16).prop_map(|hours| Hours::new(hours).unwrap())
}

fn contact() -> impl Strategy<Value = FallbackContact> {
    (line(), of(line()), of(line()), of(line())).prop_map(|(who, phone, out_of_hours, email)| FallbackContact {
        who,
        phone,
        out_of_hours,
        email,
    })
}

fn party() -> impl Strategy<Value = Party> {
    (key(), line(), vec(of(line()), 7), vec(of(contact()), 3), vec(line(), 0..3)).prop_map(
        |(key, name, mut texts, mut contacts, advisors)| Party {
            company_number: texts.remove(0),
            charity_number: texts.remove(0),
            parent: texts.remove(0),
            ico_registration: texts.remove(0),
            address: texts.remove(0),
            country: texts.remove(0),
            sector: texts.remove(0),
            dpo: contacts.remove(0),
            breach_contact: contacts.remove(0),
            service_contact: contacts.remove(0),
            advisors,
            ..Party::named(key, name)
        },
    )
}

fn service() -> impl Strategy<Value = ServiceRecord> {
    (key(), line(), of(key()), of(long()), vec(vec(line(), 0..3), 9)).prop_map(
        |(key, name, controller, operation, mut lists)| ServiceRecord {
            controller,
            operation,
            purposes: lists.remove(0),
            data_categories: lists.remove(0),
            subject_categories: lists.remove(0),
            lawful_basis: lists.remove(0),
            recipients: lists.remove(0),
            third_parties: lists.remove(0),
            hosting: lists.remove(0),
            retention: lists.remove(0),
            security: lists.remove(0),
            ..ServiceRecord::named(key, name)
        },
    )
}

fn role() -> impl Strategy<Value = PartyRole> {
    prop_oneof![
        Just(PartyRole::JointController),
        Just(PartyRole::SoleController),
        Just(PartyRole::IndependentController),
        Just(PartyRole::Processor)
    ]
}

fn trigger() -> impl Strategy<Value = Trigger> {
    prop_oneof![Just(Trigger::BreachOnly), Just(Trigger::BreachOrCircumstances)]
}

fn duty() -> impl Strategy<Value = Duty> {
    (line(), of(line()), of(line())).prop_map(|(duty, who, clause)| Duty { duty, who, clause })
}

fn agreement() -> impl Strategy<Value = Agreement> {
    let head = (key(), 1..9_u32, line(), role(), of(key()), of(0..9_000_u64), of(line()), any::<bool>());
    let terms = (of(hours()), of(hours()), of(trigger()), of(line()), of(line()));
    (head, terms, vec(key(), 0..3), vec(duty(), 0..3), vec(line(), 0..3), of(long())).prop_map(
        |((key, version, title, role, author, day, text_url, kept), terms, services, duties, not_stated, notes)| {
            let day = day.map(|day| chrono::NaiveDate::default() + chrono::Days::new(day));
            let (notice_hours, acknowledgement_hours, trigger, ico_lead, contact_point) = terms;
            Agreement {
                version,
                author,
                dated: day,
                effective_from: day,
                effective_to: None,
                text_url,
                text_sha256: kept.then(|| Digest32::of(b"text")),
                services,
                notice_hours,
                acknowledgement_hours,
                trigger,
                ico_lead,
                contact_point,
                duties,
                not_stated,
                notes,
                ..Agreement::titled(key, title, role)
            }
        },
    )
}

fn arrangement() -> impl Strategy<Value = ArrangementRecord> {
    let terms = (of(hours()), of(hours()), of(trigger()), of(line()), of(line()));
    let role = of(proptest::sample::select(&domain::arrangement::OurRole::ALL));
    let last = (role, vec(contact(), 0..3));
    (key(), key(), 1..9_u32, key(), vec(key(), 0..3), terms, last).prop_map(
        |(key, agreement, agreement_version, partner, services, terms, (our_role, contacts))| {
            let (notice_hours, acknowledgement_hours, trigger, ico_lead, contact_point) = terms;
            ArrangementRecord {
                key,
                agreement,
                agreement_version,
                partner,
                services,
                notice_hours,
                acknowledgement_hours,
                trigger,
                ico_lead,
                contact_point,
                our_role,
                contacts,
            }
        },
    )
}

fn directory() -> impl Strategy<Value = Directory> {
    (of(key()), vec(party(), 0..3), vec(service(), 0..3), vec(agreement(), 0..3), vec(arrangement(), 0..3)).prop_map(
        |(us, parties, services, agreements, arrangements)| Directory {
            us,
            parties,
            services,
            agreements,
            arrangements,
        },
    )
}

proptest! {
    /// Aim: writing loses no value, whatever letters are in the texts.
    #[test]
    fn what_is_written_is_read_back(directory in directory()) {
        let text = write(&directory);
        prop_assert_eq!(read::records(&text), Ok(directory), "{}", text);
    }

    /// Aim: no file whatever makes the reader do anything but answer.
    #[test]
    fn any_text_is_answered(text in "(format = \"tocsin-directory-1\"\n)?[a-z\\[\\]=\"\n .1-]{0,200}") {
        let _ = parse(&text, &Directory::default());
    }
}

fn errors(text: &str) -> Vec<String> {
    parse(text, &Directory::default()).unwrap_err().iter().map(ToString::to_string).collect()
}

/// Aim: every row that can't be read is named, with its line.
#[test]
fn rows_are_named_with_their_lines() {
    let text = r#"format = "tocsin-directory-1"
colour = "red"

[[party]]
key = "Council"
name = "A council"

[[party]]
key = "harbour"
name = "Harbour"
fax = "020 7946 0000"

[[agreement]]
key = "sharing"
version = 1
title = "Sharing"
role = "joint_controller"
notice_hours = 0
"#;
    let found = errors(text);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert_eq!(found[0], "line 2, the file: \"colour\" is no part of this format");
    assert!(found[1].starts_with("line 5, party 1 \"Council\": "), "{}", found[1]);
    assert!(found[2].starts_with("line 11, party 2 \"harbour\": unknown field `fax`"), "{}", found[2]);
    assert!(found[3].starts_with("line 18, agreement 1 \"sharing\": it is not between 1 and 8784"), "{}", found[3]);
}

/// Aim: what does not fit together is named by the line of its row, after everything could be read.
#[test]
fn references_are_named_by_the_line_of_the_row() {
    let text = r#"format = "tocsin-directory-1"
us = "harbour"

[[party]]
key = "harbour"
name = "Harbour"

[[arrangement]]
key = "lost"
agreement = "sharing"
agreement_version = 1
partner = "nobody"
"#;
    assert_eq!(
        errors(text),
        [
            "line 8, arrangement 1 \"lost\": there is no party \"nobody\"",
            "line 8, arrangement 1 \"lost\": there is no agreement \"sharing\" of version 1",
        ]
    );
}

/// Aim: a file says what it is, is no larger than allowed, and is TOML.
#[test]
fn other_files_are_refused() {
    assert_eq!(errors(""), ["line 1, the file: it must begin with format = \"tocsin-directory-1\""]);
    assert!(errors("format = \"tocsin-directory-9\"\n")[0].contains("its format must be"));
    assert!(errors("format = \"tocsin-directory-1\"\n[[party]\n")[0].starts_with("line 2, the file: "));
    assert!(errors("format = \"tocsin-directory-1\"\nparty = 3\n")[0].contains("write each one as [[party]]"));
    assert_eq!(errors(&"#".repeat(FILE_OCTETS_MAX + 1)), ["line 1, the file: it is larger than 2 MiB"]);
}

/// Aim: a file brings in no text that misleads its reader, written out or as an escape; its longer texts may hold more.
#[test]
fn texts_show_what_they_are() {
    let party = |name: &str| format!("format = \"tocsin-directory-1\"\n[[party]]\nkey = \"a\"\nname = \"{name}\"\n");
    for name in ["Har\u{202e}bour", r"Har\u202ebour", "Har\u{200b}bour", "\u{200c}"] {
        let found = errors(&party(name));
        assert!(
            found.len() == 1 && found[0].starts_with("line 4, party 1 \"a\": it holds a character that"),
            "{found:?}"
        );
    }
    assert!(parse(&party("Siân\u{200d}"), &Directory::default()).is_ok());
    let service = |text: &str| {
        let start = "format = \"tocsin-directory-1\"\n[[service]]\nkey = \"a\"\nname = \"A\"\noperation = ";
        parse(&format!("{start}\"{text}\"\n"), &Directory::default())
    };
    assert!(service("one\u{200b}two").is_ok() && service("one\u{2066}two").is_err());
    assert!(service("\u{200b}").is_err(), "nothing can be seen of it");
}

/// Aim: dates may be written with or without quotation marks.
#[test]
fn dates_of_toml_are_dates() {
    let text = r#"format = "tocsin-directory-1"
[[agreement]]
key = "sharing"
version = 1
title = "Sharing"
role = "joint_controller"
dated = 2023-10-05
effective_from = "2023-10-05"
"#;
    let agreement = parse(text, &Directory::default()).unwrap().agreements.remove(0);
    assert_eq!((agreement.dated, agreement.dated.is_some()), (agreement.effective_from, true));
}

/// Aim: the examples are files that the node takes, and writing them loses nothing.
#[test]
fn the_examples_are_taken() {
    let examples = [
        include_str!("../../../examples/societyworks.toml"),
        include_str!("../../../examples/societyworks-client.toml"),
        include_str!("../../../examples/cabinet-office-secure-it.toml"),
        include_str!("../../../examples/government-paas.toml"),
    ];
    for example in examples {
        let directory = parse(example, &Directory::default()).unwrap_or_else(|errors| panic!("{errors:#?}"));
        assert_eq!(parse(&write(&directory), &Directory::default()), Ok(directory));
    }
}
