//! What the floor promises, on both databases.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod backend;
mod erasure;
mod ledger;
mod presence;
mod sealed;
mod streams;
mod upgrade;
mod writer;

use domain::values::Digest32;
use uuid::Uuid;

use super::testing::{TestStore, at, both, id};
use super::{EntryKind, Store, StoreError, Turn, ledger as book};

/// Appends one entry with this text as its content.
fn append(turn: &mut Turn<'_>, text: &str) -> Result<u64, StoreError> {
    turn.append(EntryKind::OperatorAction, None, None, text.as_bytes())
}

/// The contents of all entries, as text.
async fn contents(store: &Store) -> Vec<Option<String>> {
    store
        .read(|rows| {
            let size = book::verify(rows)?.size;
            (0..size).map(|n| Ok(book::object(rows, n)?.map(|object| String::from_utf8(object).unwrap()))).collect()
        })
        .await
        .unwrap()
}

/// The ledger is whole; answers its size and root.
async fn whole(store: &Store) -> (u64, Digest32) {
    let found = store.read(book::verify).await.unwrap();
    assert!(found.is_whole(), "{:?}", found.faults);
    (found.size, found.root)
}

fn some_id(number: u128) -> Option<Uuid> {
    Some(id(number))
}
