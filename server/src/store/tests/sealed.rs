use crate::store::sealed::{DataKey, Seal};
use crate::store::testing::data_key;

/// Sealed octets open at their place and row only, under their key only, and unchanged only.
#[test]
fn sealed_octets_are_bound_to_place_row_and_key() {
    let seal = Seal::new(&data_key()).unwrap();
    let sealed = seal.seal("facts.sealed", b"row 1", b"plain").unwrap();
    assert_eq!(seal.open("facts.sealed", b"row 1", &sealed).unwrap(), b"plain");
    assert!(seal.open("facts.sealed", b"row 2", &sealed).is_err());
    assert!(seal.open("people.details", b"row 1", &sealed).is_err());
    let other = Seal::new(&DataKey::from_bytes([8; 32])).unwrap();
    assert!(other.open("facts.sealed", b"row 1", &sealed).is_err());
    for at in 0..sealed.len() {
        let mut flipped = sealed.clone();
        flipped[at] ^= 1;
        assert!(seal.open("facts.sealed", b"row 1", &flipped).is_err(), "octet {at}");
        assert!(seal.open("facts.sealed", b"row 1", &sealed[..at]).is_err(), "cut at {at}");
    }
}

/// Text in a column of text is sealed as octets are; a signed token, which earlier versions kept plain, is taken as it is.
#[test]
fn sealed_text_is_text() {
    let seal = Seal::new(&data_key()).unwrap();
    let sealed = seal.seal_text("own_documents.token", b"row 1", "eyJ.plain.x").unwrap();
    assert!(sealed.starts_with("s1.") && sealed.is_ascii());
    let open = |place, row: &[u8], text: &str| seal.open_text(place, row, text.to_owned());
    assert_eq!(open("own_documents.token", b"row 1", &sealed).unwrap(), "eyJ.plain.x");
    assert_eq!(open("own_documents.token", b"row 1", "eyJ.plain.x").unwrap(), "eyJ.plain.x");
    assert!(open("own_documents.token", b"row 2", &sealed).is_err());
    assert!(open("partners.card", b"row 1", &sealed).is_err());
    for damaged in [&sealed[..sealed.len() - 4], "s1.", "s1.?", "s1.YQ"] {
        assert!(open("own_documents.token", b"row 1", damaged).is_err(), "{damaged}");
    }
}

/// The same text sealed twice looks different; looked up twice it looks the same, per purpose and key.
#[test]
fn sealing_is_random_and_looking_up_is_not() {
    let seal = Seal::new(&data_key()).unwrap();
    assert_ne!(seal.seal("a", b"", b"x").unwrap(), seal.seal("a", b"", b"x").unwrap());
    assert_eq!(seal.lookup("email", "a@b.example"), seal.lookup("email", "a@b.example"));
    assert_ne!(seal.lookup("email", "a@b.example"), seal.lookup("email", "a@c.example"));
    assert_ne!(seal.lookup("email", "a@b.example"), seal.lookup("name", "a@b.example"));
    let other = Seal::new(&DataKey::from_bytes([8; 32])).unwrap();
    assert_ne!(seal.lookup("email", "a@b.example"), other.lookup("email", "a@b.example"));
}

/// A key file's text gives the same key back, and nothing else is taken for one.
#[test]
fn a_data_key_survives_its_file() {
    let key = DataKey::generate().unwrap();
    let text = key.to_hex();
    assert_eq!(text.len(), 64);
    assert_eq!(*DataKey::from_hex(&format!(" {}\n", *text)).unwrap().to_hex(), *text);
    assert_ne!(*DataKey::generate().unwrap().to_hex(), *text);
    for wrong in ["", "00", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"é".repeat(32)] {
        assert!(DataKey::from_hex(wrong).is_err(), "{wrong}");
    }
}

/// A data key never shows in logs.
#[test]
fn a_data_key_prints_as_dots() {
    assert_eq!(format!("{:?}", DataKey::from_bytes([0x41; 32])), "DataKey(…)");
}
