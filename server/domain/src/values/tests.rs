//! Small values: what parses, what is refused, and that their text forms are stable.

#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

/// Lengths that tests of every module count with; the product takes them from the data.
impl Hours {
    pub(crate) const CONTRACT: Self = Self(48);
    pub(crate) const ICO: Self = Self(72);
    pub(crate) const ACKNOWLEDGEMENT: Self = Self(8);
}

#[test]
fn a_moment_is_read_with_any_offset_and_shown_in_utc() {
    let rows = [
        ("2026-03-03T02:10:00Z", "2026-03-03T02:10:00Z"),
        ("2026-03-29T02:30:00+01:00", "2026-03-29T01:30:00Z"),
        ("2026-03-03T02:10:00.25Z", "2026-03-03T02:10:00.250Z"),
        ("2026-03-03T02:10:00.123456789Z", "2026-03-03T02:10:00.123456Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
    ];
    for (text, shown) in rows {
        assert_eq!(Moment::parse(text).unwrap().to_string(), shown);
    }
    for text in ["", "2026-03-03", "2026-03-03T02:10:00", "2026-02-30T00:00:00Z", "1969-12-31T23:59:59Z"] {
        assert_eq!(Moment::parse(text), Err(ValueError::NotAnInstant), "{text}");
    }
    assert!(Moment::from_micros(-1).is_err());
    assert!(Moment::from_unix_seconds(i64::MAX).is_err());
}

#[test]
fn seconds_on_the_wire_never_claim_an_earlier_receipt() {
    let moment = Moment::parse("2026-03-03T02:10:00.000001Z").unwrap();
    assert_eq!(moment.unix_seconds_up(), moment.unix_seconds() + 1);
    assert_eq!(moment.floor_second().unix_seconds_up(), moment.unix_seconds());
    assert_eq!(moment.to_wire(), "2026-03-03T02:10:00Z");
    assert_eq!(moment.plus_seconds(59).floor_minute().to_wire(), "2026-03-03T02:10:00Z");
}

#[test]
fn adding_stays_inside_the_range() {
    let first = Moment::from_micros(0).unwrap();
    assert_eq!(first.plus_seconds(-1), first);
    assert_eq!(first.plus_seconds(i64::MAX).to_string(), "9999-12-31T23:59:59.999999Z");
    assert_eq!(first.plus_hours(Hours::CONTRACT).seconds_since(first), 172_800);
    assert_eq!(first.seconds_since(first.plus_seconds(7)), -7);
}

#[test]
fn the_next_full_hour_is_never_the_present_one() {
    let on_the_hour = Moment::parse("2026-11-23T09:00:00Z").unwrap();
    assert_eq!(on_the_hour.next_full_hour().to_wire(), "2026-11-23T10:00:00Z");
    assert_eq!(on_the_hour.plus_seconds(3_599).next_full_hour().to_wire(), "2026-11-23T10:00:00Z");
}

#[test]
fn hours_have_a_range_also_in_json() {
    assert!(Hours::new(0).is_err() && Hours::new(8_785).is_err());
    assert_eq!(Hours::new(8_784).unwrap().get(), 8_784);
    assert!(serde_json::from_str::<Hours>("0").is_err());
    assert_eq!(serde_json::from_str::<Hours>("48").unwrap(), Hours::CONTRACT);
}

#[test]
fn texts_are_trimmed_limited_and_free_of_control_characters() {
    assert_eq!(Line::parse("  a\r\nb\t ").unwrap().as_str(), "a\nb");
    assert_eq!(Line::parse(" \n "), Err(ValueError::Empty));
    assert_eq!(Line::parse(&"ä".repeat(200)).unwrap().as_str().chars().count(), 200);
    assert_eq!(Line::parse(&"ä".repeat(201)), Err(ValueError::TooLong { max: 200 }));
    assert_eq!(Line::parse("a\u{0}b"), Err(ValueError::ControlCharacter));
    assert!(serde_json::from_str::<Line>("\"\"").is_err());
}

/// Aim: nobody types what a reader is misled by; a partner's text is taken and shown without it; what scripts need stays.
#[test]
fn texts_show_what_they_are() {
    let turning = ['\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}'];
    let unseen = ['\u{200b}', '\u{200e}', '\u{200f}', '\u{feff}', '\u{2060}', '\u{e0041}', '\u{ad}', '\u{2028}'];
    for c in turning.into_iter().chain(unseen) {
        let text = format!("a{c}b");
        assert_eq!(Line::parse(&text), Err(ValueError::HiddenCharacter), "{}", c.escape_unicode());
        assert_eq!(Line::received(&text).unwrap().as_str(), "a\u{fffd}b");
        assert_eq!(
            serde_json::from_str::<Line>(&format!("\"{text}\"")).unwrap().as_str(),
            text,
            "what is stored is read"
        );
        assert_eq!(LongText::parse(&text).is_err(), turning.contains(&c), "{}", c.escape_unicode());
        assert_eq!(LongText::received(&text).unwrap().as_str() == text, !turning.contains(&c));
    }
    for good in ["\u{646}\u{645}\u{6cc}\u{200c}\u{62e}", "\u{1f469}\u{200d}\u{1f680}", "Siân", "葛\u{e0100}"] {
        assert_eq!(Line::parse(good).unwrap().as_str(), good);
    }
    for nothing in ["\u{200d}", " \u{200c}\u{200d} ", "\u{200b}"] {
        assert_eq!(Line::parse(nothing), Err(ValueError::Empty), "{}", nothing.escape_unicode());
    }
    for nothing in ["\u{200d}", " \u{200c}\u{200d} ", "\u{200b}"] {
        assert_eq!(Line::received(nothing), Err(ValueError::Empty), "{}", nothing.escape_unicode());
        assert_eq!(LongText::parse(nothing), Err(ValueError::Empty), "{}", nothing.escape_unicode());
        let stored: Line = serde_json::from_str(&format!("\"{nothing}\"")).unwrap();
        assert_eq!(stored.as_str(), nothing.trim(), "what was stored before is still read");
    }
    assert_eq!(hidden::text_shown("pay \u{202e}won\u{202c}"), "pay \u{fffd}won\u{fffd}");
    assert_eq!(hidden::line_shown("a\u{200b}b\u{200d}"), "a\u{fffd}b\u{200d}");
}

/// Aim: three flags are written with tags and taken whole; tags anywhere else could hide words.
#[test]
fn flags_keep_their_tags() {
    let tag = |octet: u8| char::from_u32(u32::from('\u{e0000}') + u32::from(octet)).unwrap();
    let tags = |text: &str| -> String { text.bytes().map(tag).collect() };
    for nation in ["gbeng", "gbsct", "gbwls"] {
        let tags = tags(nation);
        let flag = format!("\u{1f3f4}{tags}\u{e007f}");
        for good in [flag.clone(), format!("Team {flag}{flag}!")] {
            assert_eq!(Line::parse(&good).unwrap().as_str(), good);
            assert_eq!(Line::received(&good).unwrap().as_str(), good);
            assert_eq!(hidden::line_shown(&good), good);
        }
        let nested = format!("\u{1f3f4}{flag}{tags}\u{e007f}");
        for bad in [format!("\u{1f3f4}{tags}"), format!("a{tags}\u{e007f}"), format!("{flag}{tags}"), nested] {
            assert_eq!(Line::parse(&bad), Err(ValueError::HiddenCharacter), "{}", bad.escape_unicode());
            assert!(hidden::line_shown(&bad).contains("\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}"));
        }
    }
    assert_eq!(Line::parse(&format!("\u{1f3f4}{}\u{e007f}", tags("paid"))), Err(ValueError::HiddenCharacter));
}

#[test]
fn errors_do_not_repeat_the_text() {
    let error = serde_json::from_str::<Line>("\"secret\\u0007\"").unwrap_err().to_string();
    assert!(!error.contains("secret"));
}

#[test]
fn ids_are_lower_case_uuid_text_and_sixteen_octets() {
    let id: IncidentId = "0199F6C2-6A00-7C11-8F00-000000000001".parse().unwrap();
    assert_eq!(id.to_string(), "0199f6c2-6a00-7c11-8f00-000000000001");
    assert_eq!(IncidentId::from_slice(id.as_bytes()), Ok(id));
    assert_eq!(serde_json::to_string(&id).unwrap(), "\"0199f6c2-6a00-7c11-8f00-000000000001\"");
    assert_eq!("x".parse::<IncidentId>(), Err(ValueError::NotAnId));
}

#[test]
fn a_derived_message_id_is_stable_and_depends_on_every_part() {
    let exchange: ExchangeId = "0199f6c2-5c1e-4a50-9d3e-3a6f0c1b7e21".parse().unwrap();
    let other: ExchangeId = "0199f6c2-5c1e-4a50-9d3e-3a6f0c1b7e22".parse().unwrap();
    let id = MessageId::derive(exchange, "notice", 1);
    assert_eq!(id, MessageId::derive(exchange, "notice", 1));
    assert_eq!(id.uuid().get_version_num(), 8);
    let others = [
        MessageId::derive(other, "notice", 1),
        MessageId::derive(exchange, "withdrawal", 1),
        MessageId::derive(exchange, "notice", 2),
    ];
    assert!(!others.contains(&id));
}

#[test]
fn a_digest_is_unpadded_base64url() {
    let digest = Digest32::of(b"");
    assert_eq!(digest.to_string(), "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
    assert_eq!(digest.to_string().parse(), Ok(digest));
    assert!("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=".parse::<Digest32>().is_err());
    assert!(Digest32::from_slice(&[0; 31]).is_err());
}

#[test]
fn roles_and_unknown_facts_keep_their_words() {
    assert_eq!("dpo".parse(), Ok(Role::Dpo));
    assert_eq!("king".parse::<Role>(), Err(ValueError::NotAnOption));
    assert_eq!(serde_json::to_string(&Known::<u8>::NotYetKnown).unwrap(), "\"not_yet_known\"");
    assert_eq!(serde_json::to_string(&Known::Known(3_u8)).unwrap(), "{\"known\":3}");
    let person = Actor::Person {
        id: PersonId::from_uuid(Uuid::nil()),
        name: Line::parse("A. Responder").unwrap(),
        role: Role::Responder,
        through: None,
    };
    let json = serde_json::to_string(&person).unwrap();
    assert_eq!(serde_json::from_str::<Actor>(&json).unwrap(), person);
    assert_eq!(person.person(), Some(PersonId::from_uuid(Uuid::nil())));
    assert!(!json.contains("through"), "records made before programs could act read and write the same");
    assert_eq!(Actor::Node.person(), None);
}

proptest! {
    /// What is shown is read back as the same instant, and is RFC 3339 in UTC.
    #[test]
    fn shown_and_read_back_agree(micros in 0..=Moment::MAX_MICROS) {
        let moment = Moment::from_micros(micros).unwrap();
        let text = moment.to_string();
        prop_assert!(text.ends_with('Z') && DateTime::parse_from_rfc3339(&text).is_ok());
        prop_assert_eq!(Moment::parse(&text), Ok(moment));
        prop_assert_eq!(Moment::parse(&moment.to_wire()), Ok(moment.floor_second()));
        let json = serde_json::to_string(&moment).unwrap();
        prop_assert_eq!(serde_json::from_str::<Moment>(&json).unwrap(), moment);
    }

    /// No text makes a parser panic.
    #[test]
    fn any_text_is_parsed_or_refused(text in "\\PC{0,60}") {
        let _ = (Moment::parse(&text), Line::parse(&text), text.parse::<Digest32>(), text.parse::<IncidentId>());
    }
}
