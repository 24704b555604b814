use super::*;
use crate::store::Checkpoint;
use domain::chain;

both!(
    /// What is appended comes back, chained, dated and hashed into the tree.
    entries_come_back, |store| {
        let sizes = store.write::<_, StoreError>(at(5), |turn| {
            assert_eq!(turn.ledger_size(), 0);
            append(turn, "first")?;
            append(turn, "second")?;
            Ok((turn.ledger_size(), turn.ledger_root()))
        }).await.unwrap();
        // A clock that ran back does not date an entry before the one in front of it.
        store.write::<_, StoreError>(at(1), |turn| append(turn, "third")).await.unwrap();
        assert_eq!(contents(&store).await, ["first", "second", "third"].map(|text| Some(text.to_owned())));
        let (size, root) = whole(&store).await;
        assert_eq!(size, 3);
        assert_eq!(sizes.0, 2);
        assert_ne!(sizes.1, root);
        let again = store.again().unwrap();
        assert_eq!(whole(&again).await, (3, root));
        assert_eq!(again.read(|rows| book::object(rows, 3)).await.unwrap(), None);
    }
);

both!(
    /// A ledger of more than a page verifies, and its root at any size is that of its first entries.
    roots_at_every_size, |store| {
        let mut roots = vec![chain::root_of([])];
        for batch in 0..12_u32 {
            roots.extend(store.write::<_, StoreError>(at(i64::from(batch)), move |turn| {
                let mut roots = Vec::new();
                for entry in 0..(batch * 11 + 1) {
                    append(turn, &format!("{batch} {entry}"))?;
                    roots.push(turn.ledger_root());
                }
                Ok(roots)
            }).await.unwrap());
        }
        let (size, root) = whole(&store).await;
        assert!(size > 500, "{size}");
        assert_eq!(roots.last(), Some(&root));
        store.write::<_, StoreError>(at(99), move |turn| {
            append(turn, "one more, still buffered")?;
            for (size, root) in (0_u64..).zip(&roots) {
                let note = format!("note {size}");
                turn.keep_checkpoint(Checkpoint { size, root: *root, note, at: at(99) })?;
            }
            Ok(())
        }).await.unwrap();
        whole(&store).await;
    }
);

both!(
    /// Checkpoints: kept once, never with a root that is not the tree's; "newest" is what earlier batches committed.
    checkpoints_extend_each_other, |store| {
        let first = store.write::<_, StoreError>(at(0), |turn| {
            append(turn, "one")?;
            let checkpoint =
                Checkpoint { size: 1, root: turn.ledger_root(), note: "note 1".to_owned(), at: at(0) };
            turn.keep_checkpoint(checkpoint.clone())?;
            assert_eq!(turn.checkpoint(1)?, Some(checkpoint.clone()));
            assert_eq!(turn.newest_checkpoint()?, None);
            Ok(checkpoint)
        }).await.unwrap();
        let kept = first.clone();
        store.write::<_, StoreError>(at(1), move |turn| {
            assert_eq!(turn.newest_checkpoint()?, Some(kept.clone()));
            // The same size again changes nothing, also under another note.
            turn.keep_checkpoint(Checkpoint { note: "again".to_owned(), ..kept.clone() })?;
            assert_eq!(turn.checkpoint(1)?, Some(kept));
            assert_eq!(turn.checkpoint(2)?, None);
            append(turn, "two").map(|_| ())
        }).await.unwrap();
        for (size, root) in [(1, Digest32::of(b"fork")), (2, first.root), (3, first.root)] {
            let refused = store.write::<_, StoreError>(at(2), move |turn| {
                turn.keep_checkpoint(Checkpoint { size, root, note: String::new(), at: at(2) })
            }).await;
            assert!(matches!(refused, Err(StoreError::Corrupt { table: "checkpoints", .. })), "{size}");
        }
        assert_eq!(store.read(book::newest_checkpoint).await.unwrap(), Some(first));
    }
);

both!(
    /// Whoever changes the ledger with a database client is found out.
    tampering_is_found, |store| {
        let changes = [
            "UPDATE ledger SET octets = replace(octets, 'operator_action', 'operator_actiom') WHERE n = 3",
            "UPDATE ledger SET at = at + 1000000 WHERE n = 3",
            "UPDATE ledger SET kind = 'card' WHERE n = 3",
            "UPDATE ledger SET stream = NULL WHERE n = 2",
            "UPDATE contents SET sealed = (SELECT sealed FROM contents WHERE n = 4) WHERE n = 3",
            "DELETE FROM contents WHERE n = 3",
            "DELETE FROM ledger WHERE n = 3",
            "DELETE FROM ledger WHERE n = 16",
            "UPDATE tree_nodes SET hash = (SELECT hash FROM tree_nodes WHERE level = 3 AND position = 0) \
             WHERE level = 3 AND position = 1",
            "DELETE FROM tree_nodes WHERE level = 3 AND position = 0",
            "DELETE FROM tree_nodes WHERE level = 4 AND position = 0",
            "UPDATE ledger_head SET size = 6",
            "UPDATE ledger_head SET last_hash = NULL",
            "UPDATE checkpoints SET root = (SELECT hash FROM tree_nodes WHERE level = 3 AND position = 0)",
            "UPDATE checkpoints SET size = 99",
        ];
        store.write::<_, StoreError>(at(0), |turn| {
            append(turn, "0")?;
            append(turn, "1")?;
            turn.append(EntryKind::Incident, some_id(1), some_id(1), b"{}")?;
            for n in 3..=16 {
                append(turn, &n.to_string())?;
            }
            let (size, root) = (turn.ledger_size(), turn.ledger_root());
            turn.keep_checkpoint(Checkpoint { size, root, note: String::new(), at: at(0) })
        }).await.unwrap();
        whole(&store).await;
        let tables = ["ledger", "contents", "tree_nodes", "ledger_head", "checkpoints"];
        for table in tables {
            store.tamper(&format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}"));
        }
        for change in changes {
            store.tamper(change);
            let found = store.read(book::verify).await.unwrap();
            assert!(!found.is_whole(), "{change}");
            for table in tables {
                store.tamper(&format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}"));
            }
            whole(&store).await;
        }
    }
);

both!(
    /// A timeline holds event entries of its subject only, newest first, in pages.
    timelines_are_paged, |store| {
        let closed = |n: i64| serde_json::json!({
            "event": "fan_out_advanced", "done": n, "finished": false
        }).to_string();
        store.write::<_, StoreError>(at(0), move |turn| {
            for n in 0..5 {
                turn.append(EntryKind::Incident, some_id(1), some_id(1), closed(n).as_bytes())?;
                turn.append(EntryKind::SetSent, None, some_id(1), b"message")?;
                turn.append(EntryKind::Incident, some_id(2), some_id(2), closed(n).as_bytes())?;
            }
            Ok(())
        }).await.unwrap();
        let page = store.read(|rows| book::timeline(rows, id(1), None, 3)).await.unwrap();
        assert_eq!(page.iter().map(|entry| entry.n).collect::<Vec<_>>(), [12, 9, 6]);
        let rest = store.read(|rows| book::timeline(rows, id(1), Some(6), 3)).await.unwrap();
        assert_eq!(rest.iter().map(|entry| entry.n).collect::<Vec<_>>(), [3, 0]);
        let advanced = domain::incident::Event::FanOutAdvanced { done: 0, finished: false };
        assert_eq!(rest[1].entry, crate::store::LoggedEvent::Incident(advanced));
    }
);

both!(
    /// Counts go up by one, each name on its own, and a refused turn gives its number back.
    numbers_are_counted, |store| {
        for expected in 1..=3 {
            assert_eq!(store.write::<_, StoreError>(at(0), |turn| turn.next_number("a")).await.unwrap(), expected);
        }
        let refused: Result<(), StoreError> =
            store.write(at(0), |turn| turn.next_number("a").and(Err(StoreError::Busy))).await;
        assert!(refused.is_err());
        assert_eq!(store.write::<_, StoreError>(at(0), |turn| turn.next_number("b")).await.unwrap(), 1);
        assert_eq!(store.write::<_, StoreError>(at(0), |turn| turn.next_number("a")).await.unwrap(), 4);
    }
);
