//! Ledger arithmetic against the published vectors of RFC 6962 and of protocol §21.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::*;

const VECTORS: &str = include_str!("../../testdata/chain-vectors.json");

#[derive(Deserialize)]
struct Vectors {
    leaves: Vec<String>,
    roots: Vec<String>,
    path_5_of_8: Vec<String>,
    entries: Vec<String>,
    salts: Vec<String>,
    objects: Vec<String>,
    checkpoint: String,
    proof_of_entry_1: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(VECTORS).unwrap()
}

fn unhex(hex: &str) -> Vec<u8> {
    hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn digest(hex: &str) -> Digest32 {
    Digest32::from_slice(&unhex(hex)).unwrap()
}

/// A frontier and every complete subtree, over numbered leaves.
fn tree(size: u64) -> (Frontier, BTreeMap<(u8, u64), Digest32>) {
    let mut frontier = Frontier::default();
    let mut nodes = BTreeMap::new();
    for leaf in 0..size {
        for (level, index, hash) in frontier.push(leaf_hash(&leaf.to_be_bytes())) {
            assert_eq!(nodes.insert((level, index), hash), None, "a subtree is made once");
        }
    }
    (frontier, nodes)
}

#[test]
fn roots_of_the_rfc_6962_test_tree() {
    let vectors = vectors();
    let leaves: Vec<Digest32> = vectors.leaves.iter().map(|leaf| leaf_hash(&unhex(leaf))).collect();
    assert_eq!(vectors.roots.len(), 9);
    for (size, root) in vectors.roots.iter().enumerate() {
        assert_eq!(root_of(leaves[..size].iter().copied()), digest(root), "size {size}");
    }
}

#[test]
fn path_of_leaf_5_in_8_of_the_rfc_6962_test_tree() {
    let vectors = vectors();
    let mut frontier = Frontier::default();
    let mut nodes = BTreeMap::new();
    for leaf in &vectors.leaves {
        nodes.extend(
            frontier.push(leaf_hash(&unhex(leaf))).into_iter().map(|(level, index, hash)| ((level, index), hash)),
        );
    }
    let path = inclusion_path(5, 8, |level, index| nodes.get(&(level, index)).copied()).unwrap();
    let expected: Vec<Digest32> = vectors.path_5_of_8.iter().map(|hex| digest(hex)).collect();
    assert_eq!(path, expected);
    assert!(verify_inclusion(leaf_hash(&unhex(&vectors.leaves[5])), 5, 8, &path, digest(&vectors.roots[8])));
}

#[test]
fn the_three_entry_ledger_is_rebuilt_octet_for_octet() {
    let vectors = vectors();
    let made = [
        ("2026-11-18T11:06:40Z", "key_manifest"),
        ("2026-11-21T09:30:00Z", "set_sent"),
        ("2026-11-21T09:30:02.999Z", "receipt_received"),
    ];
    let mut prev = None;
    for (n, (at, kind)) in made.into_iter().enumerate() {
        let salt: [u8; 16] = URL_SAFE_NO_PAD.decode(&vectors.salts[n]).unwrap().try_into().unwrap();
        let content = content_digest(&salt, vectors.objects[n].as_bytes());
        let octets = entry_octets(u64::try_from(n).unwrap(), Moment::parse(at).unwrap(), kind, prev, content);
        assert_eq!(octets, vectors.entries[n]);
        prev = Some(Digest32::of(octets.as_bytes()));
    }
}

#[test]
fn a_kind_is_escaped_in_the_octets() {
    let content = Digest32::of(b"");
    let octets = entry_octets(0, Moment::from_micros(0).unwrap(), "a\"b", None, content);
    assert!(serde_json::from_str::<Entry>(&octets).unwrap().kind == "a\"b");
}

#[test]
fn the_checkpoint_and_the_proof_of_the_three_entry_ledger() {
    let vectors = vectors();
    let verified = verify_chain(&vectors.entries).unwrap();
    assert_eq!((verified.size, verified.head), (3, Some(Digest32::of(vectors.entries[2].as_bytes()))));
    let body = checkpoint_body("node-a.example/log", verified.size, verified.root);
    assert!(vectors.checkpoint.starts_with(&format!("{body}\n— ")), "body, empty line, signature");

    let path: Vec<Digest32> = vectors
        .proof_of_entry_1
        .lines()
        .skip(2)
        .take_while(|line| !line.is_empty())
        .map(|line| Digest32::from_slice(&STANDARD.decode(line).unwrap()).unwrap())
        .collect();
    let mut frontier = Frontier::default();
    let mut nodes = BTreeMap::new();
    for entry in &vectors.entries {
        nodes.extend(
            frontier.push(leaf_hash(entry.as_bytes())).into_iter().map(|(level, index, hash)| ((level, index), hash)),
        );
    }
    assert_eq!(inclusion_path(1, 3, |level, index| nodes.get(&(level, index)).copied()).unwrap(), path);
    assert!(verify_inclusion(leaf_hash(vectors.entries[1].as_bytes()), 1, 3, &path, verified.root));
}

#[test]
fn every_leaf_of_every_small_tree_is_proved_and_nothing_else() {
    for size in 1..=20_u64 {
        let (frontier, nodes) = tree(size);
        let look = |level, index| nodes.get(&(level, index)).copied();
        for index in 0..size {
            let leaf = leaf_hash(&index.to_be_bytes());
            let path = inclusion_path(index, size, look).unwrap();
            assert!(verify_inclusion(leaf, index, size, &path, frontier.root()), "{index} of {size}");
            for wrong in (0..size).filter(|wrong| *wrong != index) {
                assert!(!verify_inclusion(leaf, wrong, size, &path, frontier.root()), "{index} as {wrong} of {size}");
            }
        }
        assert_eq!(inclusion_path(size, size, look), None);
        assert!(!verify_inclusion(leaf_hash(b""), size, size, &[], frontier.root()));
    }
}

#[test]
fn every_beginning_of_every_small_tree_is_consistent() {
    for size in 1..=20_u64 {
        let (frontier, nodes) = tree(size);
        let look = |level, index| nodes.get(&(level, index)).copied();
        for old in 1..=size {
            let old_root = tree(old).0.root();
            let path = consistency_path(old, size, look).unwrap();
            assert!(verify_consistency(old, size, &path, old_root, frontier.root()), "{old} in {size}");
            assert!(!verify_consistency(old, size, &path, leaf_hash(b"other"), frontier.root()));
            assert!(!verify_consistency(old, size, &path, old_root, leaf_hash(b"other")));
        }
        assert_eq!(consistency_path(0, size, look), None);
        assert_eq!(consistency_path(size + 1, size, look), None);
        assert!(!verify_consistency(size + 1, size, &[], frontier.root(), frontier.root()));
    }
}

#[test]
fn a_frontier_is_stored_and_read_back_and_nothing_else_is_read() {
    for size in 0..=70 {
        let (frontier, _) = tree(size);
        let bytes = frontier.to_bytes();
        assert_eq!(Frontier::from_bytes(&bytes), Ok(frontier));
        assert_eq!(Frontier::from_bytes(&bytes[..bytes.len() - 1]), Err(NotAFrontier));
        assert_eq!(Frontier::from_bytes(&[bytes, vec![0; 32]].concat()), Err(NotAFrontier));
    }
}

#[test]
fn a_chain_that_skips_repeats_or_runs_back_in_time_is_broken() {
    let entries = vectors().entries;
    assert_eq!(verify_chain([&entries[0], &entries[2]]), Err(Broken::OutOfPlace { n: 1 }));
    assert_eq!(verify_chain([&entries[1]]), Err(Broken::OutOfPlace { n: 0 }));
    let at = |text| Moment::parse(text).unwrap();
    let content = Digest32::of(b"");
    let first = entry_octets(0, at("2026-11-21T09:30:00Z"), "decision", None, content);
    let earlier =
        entry_octets(1, at("2026-11-21T09:29:59Z"), "decision", Some(Digest32::of(first.as_bytes())), content);
    assert_eq!(verify_chain([&first, &earlier]), Err(Broken::TimeRunsBack { n: 1 }));
    assert_eq!(verify_chain(["{}"]), Err(Broken::NotAnEntry { n: 0 }));
    assert_eq!(verify_chain::<&str>([]).unwrap().size, 0);
}

proptest! {
    /// Any flipped bit anywhere breaks the chain or changes the root that the checkpoint signs.
    #[test]
    fn any_flipped_bit_fails(entry in 0..3_usize, at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut entries: Vec<Vec<u8>> = vectors().entries.into_iter().map(String::into_bytes).collect();
        let good = verify_chain(&entries).unwrap();
        let at = at.index(entries[entry].len());
        entries[entry][at] ^= 1 << bit;
        if let Ok(verified) = verify_chain(&entries) {
            prop_assert!(verified.root != good.root && entry == 2);
        }
    }

    /// Any flipped bit in a proof fails.
    #[test]
    fn any_flipped_bit_in_a_proof_fails(size in 2..40_u64, index in any::<prop::sample::Index>(), step in any::<prop::sample::Index>(), bit in 0..256_usize) {
        let (frontier, nodes) = tree(size);
        let index = u64::try_from(index.index(usize::try_from(size).unwrap())).unwrap();
        let mut path = inclusion_path(index, size, |level, index| nodes.get(&(level, index)).copied()).unwrap();
        let step = step.index(path.len());
        let mut bytes = *path[step].as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        path[step] = Digest32::from_bytes(bytes);
        prop_assert!(!verify_inclusion(leaf_hash(&index.to_be_bytes()), index, size, &path, frontier.root()));
    }
}
