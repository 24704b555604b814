//! What the check of free text finds, what it leaves alone, and that it stays linear.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn found(text: &str) -> Vec<(FindingKind, String)> {
    found_with(text, &Known::default())
}

fn found_with(text: &str, known: &Known<'_>) -> Vec<(FindingKind, String)> {
    let chars: Vec<char> = text.chars().collect();
    check("summary", text, known)
        .into_iter()
        .map(|finding| {
            assert_eq!((finding.field, finding.severity), ("summary", finding.kind.severity()));
            (finding.kind, chars[finding.start..finding.start + finding.len].iter().collect())
        })
        .collect()
}

/// Each row: a text, and what alone is found in it.
#[test]
fn finds_every_kind() {
    use FindingKind::{
        BankAccount, DateOfBirth, Email, IpAddress, NationalInsurance, NhsNumber, PaymentCard, Phone, Postcode,
        RecordLink, Secret,
    };
    let rows: &[(&str, FindingKind, &str)] = &[
        ("Write to jo.bloggs+x@mail.example.org.", Email, "jo.bloggs+x@mail.example.org"),
        ("Ümit: <ümit@exämple.de>", Email, "ümit@exämple.de"),
        ("ring 020 7946 0000 now", Phone, "020 7946 0000"),
        ("ring (020) 7946 0000 now", Phone, "(020) 7946 0000"),
        ("ring 07700900123.", Phone, "07700900123"),
        ("ring +44 (0)20 7946 0000", Phone, "+44 (0)20 7946 0000"),
        ("ring +447700900123", Phone, "+447700900123"),
        ("ring 0044 7700 900123", Phone, "0044 7700 900123"),
        ("ring 01632 960 001, please", Phone, "01632 960 001"),
        ("lives at SW1A 1AA there", Postcode, "SW1A 1AA"),
        ("lives at m11ae", Postcode, "m11ae"),
        ("number QQ 12 34 56 C", NationalInsurance, "QQ 12 34 56 C"),
        ("number QQ123456C", NationalInsurance, "QQ123456C"),
        ("number 943 476 5919", NhsNumber, "943 476 5919"),
        ("number 9434765919,", NhsNumber, "9434765919"),
        ("card 4111 1111 1111 1111", PaymentCard, "4111 1111 1111 1111"),
        ("card 378282246310005", PaymentCard, "378282246310005"),
        ("card 3782-822463-10005", PaymentCard, "3782-822463-10005"),
        ("account 12-34-56 12345678", BankAccount, "12-34-56 12345678"),
        ("account 12345678, sort code 12-34-56", BankAccount, "12345678, sort code 12-34-56"),
        ("born on 3 March 1999", DateOfBirth, "3 March 1999"),
        ("DOB: 03/03/1999", DateOfBirth, "03/03/1999"),
        ("d.o.b. 1999-03-03", DateOfBirth, "1999-03-03"),
        ("March 3rd, 1999 is the date of birth", DateOfBirth, "March 3rd, 1999"),
        ("from 192.0.2.17:8443", IpAddress, "192.0.2.17"),
        ("from 2001:db8::17.", IpAddress, "2001:db8::17"),
        ("see https://reports.example/report/123456", RecordLink, "https://reports.example/report/123456"),
        (
            "see https://reports.example/?id=0199f6c2-6a00-7c11-8f00-abcdefabcdef",
            RecordLink,
            "https://reports.example/?id=0199f6c2-6a00-7c11-8f00-abcdefabcdef",
        ),
        ("Authorization: Bearer abcdefghijklmnop", Secret, "abcdefghijklmnop"),
        ("it was C2FVsBQIhrscChlQIMV+b5sSYspob7oD", Secret, "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
        ("it was 0123456789abcdef0123456789abcdef", Secret, "0123456789abcdef0123456789abcdef"),
        (
            "key:\n-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE\n-----END PRIVATE KEY-----\nthere",
            Secret,
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE\n-----END PRIVATE KEY-----",
        ),
        ("-----BEGIN RSA PRIVATE KEY-----\nMC4C", Secret, "-----BEGIN RSA PRIVATE KEY-----\nMC4C"),
    ];
    for (text, kind, piece) in rows {
        assert_eq!(found(text), [(*kind, (*piece).to_owned())], "{text}");
    }
}

#[test]
fn leaves_ordinary_text_alone() {
    let texts = [
        "Mailbox of a case worker accessed by a third party at 02:10 on 3 March 2026; about 1200 reports.",
        "Reference TC-2026-0042, case 0199f6c2-5c1e-7a50-9d3e-3a6f0c1b7e21, seen 2026-11-21T09:30:00Z.",
        "People in SW1A and in M1 were affected.",
        "Between 2026-11-21 09:30 and 2026-11-22 10:00 (about 25 hours) 12-15 people looked at 4 of 1,200 files.",
        "Version 1.2.3 was replaced by 1.2.4, 99.99 % of 1234567890123 rows; pi is 3.14159265358979.",
        "Number 943 476 5918 has a wrong check digit, and card 4111 1111 1111 1112 too; 0000000000.",
        "The user@ sign, a@b, @example and me@localhost are no addresses.",
        "See https://www.example.org/privacy and https://example.org.",
        "The stubborn case of 3 March 1999, and of 04/05/1998.",
        "std::collections and a::b are no addresses; at 09:30:00 neither.",
        "The bearer of news; CamelCaseWordsAreNotRandomAtAll; well-known-thing-number-2024-in-the-report.",
        "AB 12 34 56 Z and QQ 12 34 5 C are not numbers of people.",
        "He said \"no\" and she said \u{201c}yes\u{201d}.",
        "",
    ];
    for text in texts {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn configured_contacts_are_no_finding() {
    let own = ["DPO@node-a.example".to_owned()];
    let known = Known { own_contacts: &own, names: &[] };
    assert_eq!(found_with("Write to dpo@node-a.example.", &known), []);
    assert_eq!(found_with("Write to xdpo@node-a.example.", &known).len(), 1);
}

#[test]
fn known_names_are_found_as_whole_words() {
    let names = ["Róisín O'Brien".to_owned(), "Róisín".to_owned(), "Al".to_owned(), "Li Wei".to_owned()];
    let known = Known { own_contacts: &[], names: &names };
    let name = |text: &str| (FindingKind::KnownName, text.to_owned());
    assert_eq!(found_with("Told RÓISÍN O\u{2019}Brien.", &known), [name("RÓISÍN O\u{2019}Brien")]);
    assert_eq!(found_with("Told Róisín.", &known), [name("Róisín")]);
    assert_eq!(found_with("Li, Wei; al; Liwei; O'Brien; Róisínn", &known), [name("Li, Wei")]);
}

#[test]
fn long_passages_are_pointed_out() {
    let lines = "a line\n".repeat(13);
    assert_eq!(found(lines.trim())[0].0, FindingKind::LongQuotation);
    assert_eq!(found("a line\n".repeat(12).trim()), []);
    assert_eq!(found(&"a paragraph\n\n".repeat(30)), []);
    assert_eq!(found(&"> quoted\n".repeat(4))[0].0, FindingKind::LongQuotation);
    assert_eq!(found(&"> quoted\n".repeat(3)), []);
    assert_eq!(found(&format!("\u{201c}{}\u{201d}", "word ".repeat(70)))[0].0, FindingKind::LongQuotation);
}

#[test]
fn a_finding_inside_another_is_left_out_but_not_inside_a_quotation() {
    let names = ["Jo Bloggs".to_owned()];
    let known = Known { own_contacts: &[], names: &names };
    assert_eq!(found_with("jo.bloggs@example.org", &known).len(), 1);
    let quoted = format!("> Jo Bloggs\n{}", "> more\n".repeat(4));
    let kinds: Vec<FindingKind> = found_with(&quoted, &known).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [FindingKind::LongQuotation, FindingKind::KnownName]);
}

#[test]
fn findings_are_counted_in_characters_and_limited() {
    let finding = check("title", "äöü a@b.cd", &Known::default());
    assert_eq!((finding[0].start, finding[0].len), (4, 6));
    assert_eq!(check("title", &"a@b.cd ".repeat(1000), &Known::default()).len(), FINDINGS_MAX);
}

#[test]
fn every_kind_has_its_own_word() {
    let words: std::collections::BTreeSet<&str> = FindingKind::ALL.iter().map(|kind| kind.word()).collect();
    assert_eq!(words.len(), FindingKind::ALL.len());
}

/// Hostile texts at the largest allowed size: work must not grow with the square. A quadratic scanner would need some
/// 64 million steps for each; the bound on findings keeps the answer small.
#[test]
fn hostile_texts_of_the_largest_size_are_looked_through() {
    let names: Vec<String> = (0..2000).map(|n| format!("Name {n}")).collect();
    let known = Known { own_contacts: &[], names: &names };
    for piece in
        ["a@", "@", "0", "0 ", "0-", "1 2 3 ", "a.", "born 1/1/", "-----BEGIN ", "name ", ">\n", "\"", "::", "http://"]
    {
        let text: String = piece.chars().cycle().take(8000).collect();
        assert!(check("summary", &text, &known).len() <= FINDINGS_MAX);
    }
}

proptest! {
    /// Whatever the text, findings lie inside it, in order, and hold at least one character.
    #[test]
    fn findings_lie_inside_the_text(text in "[0-9a-zA-Z@.:/ \\-+()\n\"€ü]{0,200}") {
        let len = text.chars().count();
        let findings = check("summary", &text, &Known::default());
        for finding in &findings {
            prop_assert!(finding.len > 0 && finding.start + finding.len <= len);
        }
        prop_assert!(findings.is_sorted_by_key(|finding| finding.start));
    }

    /// A number with a check digit is found exactly when the digit is right.
    #[test]
    fn nhs_numbers_need_their_check_digit(number in 100_000_000_u64..999_999_999, check in 0..10_u64) {
        let digits: Vec<u64> = number.to_string().chars().map(|c| u64::from(c.to_digit(10).unwrap())).collect();
        let sum: u64 = digits.iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
        let right = match 11 - sum % 11 { 11 => Some(0), 10 => None, digit => Some(digit) };
        let same = digits.iter().all(|digit| *digit == check);
        let kinds: Vec<FindingKind> = found(&format!("number {number}{check}")).into_iter().map(|(kind, _)| kind).collect();
        prop_assert_eq!(kinds.contains(&FindingKind::NhsNumber), right == Some(check) && !same);
    }
}
