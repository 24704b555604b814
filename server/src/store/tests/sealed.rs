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
