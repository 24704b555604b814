use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use futures_util::future::join_all;

use super::*;

/// Keeps the writer busy until released, so that whatever is handed over meanwhile becomes one batch.
fn hold(store: &Store) -> (mpsc::Sender<()>, tokio::sync::oneshot::Receiver<Result<(), StoreError>>) {
    let (started, begun) = mpsc::channel();
    let (release, held) = mpsc::channel::<()>();
    let done = store
        .inner
        .writer
        .send(at(0), move |_| {
            started.send(()).unwrap();
            // An error means that the sender is gone: released as well.
            let _ = held.recv();
            Ok(())
        })
        .unwrap();
    begun.recv().unwrap();
    (release, done)
}

both!(
    /// Of a batch, a refused closure and a panicking one are undone alone; the others stand, in the order handed over.
    one_refusal_undoes_itself_only, |store| {
        let (release, held) = hold(&store);
        let mut answers = Vec::new();
        for n in 0..20_u32 {
            answers.push(store.inner.writer.send(at(1), move |turn| {
                append(turn, &n.to_string())?;
                turn.next_number("batch")?;
                match n % 5 {
                    1 => Err(StoreError::TooMuch { what: "a test" }),
                    2 => panic!("a test's panic"),
                    _ => Ok(n),
                }
            }).unwrap());
        }
        release.send(()).unwrap();
        held.await.unwrap().unwrap();
        let mut kept = Vec::new();
        for (n, answer) in (0..20_u32).zip(answers) {
            match (n % 5, answer.await.unwrap()) {
                (1, Err(StoreError::TooMuch { .. })) | (2, Err(StoreError::Fault)) => {}
                (_, Ok(answered)) => {
                    assert_eq!(answered, n);
                    kept.push(Some(n.to_string()));
                }
                (_, other) => panic!("{n}: {other:?}"),
            }
        }
        assert_eq!(contents(&store).await, kept);
        assert_eq!(store.write::<_, StoreError>(at(2), |turn| turn.next_number("batch")).await.unwrap(), 13);
        whole(&store).await;
    }
);

both!(
    /// A violated constraint undoes its closure only, on Postgres too, where it ends the statement's transaction.
    a_conflict_is_told_and_contained, |store| {
        use crate::store::schema::counters::dsl;
        use diesel::prelude::*;
        let (release, held) = hold(&store);
        let insert = |name: &'static str| store.inner.writer.send(at(0), move |turn: &mut Turn<'_>| {
            append(turn, name)?;
            diesel::insert_into(dsl::counters)
                .values((dsl::name.eq(name), dsl::value.eq(1_i64)))
                .execute(turn.rows().db)?;
            Ok::<_, StoreError>(())
        }).unwrap();
        let answers = [insert("a"), insert("a"), insert("b")];
        release.send(()).unwrap();
        held.await.unwrap().unwrap();
        let answers = join_all(answers).await;
        assert!(matches!(answers[1], Ok(Err(StoreError::Conflict))), "{answers:?}");
        assert!(matches!((&answers[0], &answers[2]), (Ok(Ok(())), Ok(Ok(())))), "{answers:?}");
        assert_eq!(contents(&store).await, [Some("a".to_owned()), Some("b".to_owned())]);
    }
);

both!(
    /// Whoever hides that a statement failed hears the truth all the same: done is what is there afterwards. On Postgres the
    /// failure ends the whole transaction.
    a_hidden_failure_is_not_called_done, |store| {
        let hidden = store.write::<_, StoreError>(at(0), |turn| {
            use diesel::connection::SimpleConnection as _;
            turn.next_number("hidden")?;
            assert!(turn.rows().db.batch_execute("SELECT * FROM no_such_table").is_err());
            Ok(())
        }).await;
        let next = store.write::<_, StoreError>(at(1), |turn| turn.next_number("hidden")).await.unwrap();
        assert_eq!(next, if hidden.is_ok() { 2 } else { 1 });
        assert_eq!(hidden.is_ok(), store.is_sqlite());
    }
);

both!(
    /// Nobody hears "done" before the batch is committed: while its last closure runs, the first has no answer.
    answers_come_after_the_commit, |store| {
        let (release, held) = hold(&store);
        let mut first = store.inner.writer.send(at(0), |turn| append(turn, "first")).unwrap();
        let last = store.inner.writer.send(at(0), move |turn| {
            append(turn, "last")?;
            let early = first.try_recv().is_ok();
            Ok::<_, StoreError>((early, first))
        }).unwrap();
        release.send(()).unwrap();
        held.await.unwrap().unwrap();
        let (early, first) = last.await.unwrap().unwrap();
        assert!(!early);
        assert_eq!(first.await.unwrap().unwrap(), 0);
        // And once answered, another process sees it.
        assert_eq!(contents(&store.again().unwrap()).await.len(), 2);
    }
);

both!(
    /// Many at once: all are answered, none is lost, and they share commits.
    many_writers_share_commits, |store| {
        let before = store.statements();
        let runs = Arc::new(AtomicUsize::new(0));
        let answers = join_all((0..300).map(|n: u32| {
            let runs = Arc::clone(&runs);
            store.write::<_, StoreError>(at(0), move |turn| {
                runs.fetch_add(1, Ordering::Relaxed);
                append(turn, &n.to_string())
            })
        })).await;
        let mut numbers: Vec<u64> = answers.into_iter().map(Result::unwrap).collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..300));
        assert_eq!(runs.load(Ordering::Relaxed), 300);
        assert_eq!(whole(&store).await.0, 300);
        // Two for each savepoint, the rows of three tables, and about eight for each of a few batches.
        let most = 2 * 300 + 3 * store.statements_for(300) + 300;
        let used = store.statements() - before;
        assert!(used <= most, "{used} statements");
    }
);

both!(
    /// A turn that records nothing costs no entry, and one entry a small, fixed number of statements.
    a_turn_costs_few_statements, |store| {
        store.write::<_, StoreError>(at(0), |turn| append(turn, "warm")).await.unwrap();
        let before = store.statements();
        store.write::<_, StoreError>(at(0), |turn| append(turn, "one")).await.unwrap();
        let one = store.statements() - before;
        assert!(one <= 9, "{one}");
        let before = store.statements();
        store.write::<_, StoreError>(at(0), |turn| {
            for n in 0..400 {
                append(turn, &n.to_string())?;
            }
            Ok(())
        }).await.unwrap();
        // An entry, its content, and a quarter of a node of the tree.
        let used = store.statements() - before;
        assert!(used <= one + 2 * store.statements_for(400) + store.statements_for(127), "{used}");
    }
);

both!(
    /// While a turn is under way, nobody else sees any of it; when it is undone, nothing was ever there.
    a_turn_is_seen_whole_or_not_at_all, |store| {
        store.write::<_, StoreError>(at(0), |turn| append(turn, "answered")).await.unwrap();
        let (in_the_middle, middle) = tokio::sync::oneshot::channel();
        let (release, held) = mpsc::channel::<()>();
        let answer = store.inner.writer.send(at(0), move |turn| {
            append(turn, "not answered")?;
            turn.next_number("not answered")?;
            in_the_middle.send(()).unwrap();
            held.recv().unwrap();
            Err::<(), _>(StoreError::Stopped)
        }).unwrap();
        middle.await.unwrap();
        assert_eq!(contents(&store).await, [Some("answered".to_owned())]);
        release.send(()).unwrap();
        assert!(answer.await.unwrap().is_err());
        assert_eq!(whole(&store).await.0, 1);
        assert_eq!(store.write::<_, StoreError>(at(0), |turn| turn.next_number("not answered")).await.unwrap(), 1);
    }
);

/// A process that dies in the middle of a batch: its files hold what was answered before, whole, and nothing of the batch.
#[test]
fn a_crash_leaves_what_was_answered() {
    crate::store::testing::run(async {
        let store = TestStore::on_sqlite();
        for n in 0..50 {
            store.write::<_, StoreError>(at(n), move |turn| append(turn, &n.to_string())).await.unwrap();
        }
        let (release, held) = hold(&store);
        let (in_the_middle, middle) = tokio::sync::oneshot::channel();
        let (go_on, wait) = mpsc::channel::<()>();
        let first = store.inner.writer.send(at(60), |turn| append(turn, "lost")).unwrap();
        let second = store
            .inner
            .writer
            .send(at(60), move |turn| {
                for n in 0..5_000 {
                    turn.next_number(&format!("lost {n}"))?;
                }
                in_the_middle.send(()).unwrap();
                wait.recv().unwrap();
                Ok::<_, StoreError>(())
            })
            .unwrap();
        release.send(()).unwrap();
        middle.await.unwrap();
        let crashed = store.copy();
        go_on.send(()).unwrap();
        assert_eq!(whole(&crashed).await.0, 50);
        assert_eq!(crashed.write::<_, StoreError>(at(61), |turn| turn.next_number("lost 0")).await.unwrap(), 1);
        held.await.unwrap().unwrap();
        assert!(first.await.unwrap().is_ok() && second.await.unwrap().is_ok());
    });
}

both!(
    /// Two nodes on one database take turns; neither writes over the other's entries.
    two_nodes_share_one_ledger, |store| {
        let other = store.again().unwrap();
        let both = (0..60).map(|n: u32| {
            let node = if n.is_multiple_of(2) { &*store } else { &other };
            node.write::<_, StoreError>(at(0), move |turn| append(turn, &n.to_string()))
        });
        let mut numbers: Vec<u64> = join_all(both).await.into_iter().map(Result::unwrap).collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..60));
        whole(&store).await;
    }
);

both!(
    /// Stopping finishes what was handed over; afterwards nobody is kept waiting.
    stopping_finishes_what_was_accepted, |store| {
        let (release, held) = hold(&store);
        let accepted = store.inner.writer.send(at(0), |turn| append(turn, "accepted")).unwrap();
        release.send(()).unwrap();
        store.stop();
        held.await.unwrap().unwrap();
        assert_eq!(accepted.await.unwrap().unwrap(), 0);
        let refused = store.write::<_, StoreError>(at(0), |turn| append(turn, "late")).await;
        assert!(matches!(refused, Err(StoreError::Stopped)));
        assert_eq!(contents(&store).await.len(), 1);
    }
);

both!(
    /// A queue that is full answers "busy" at once instead of growing.
    a_full_queue_says_so, |store| {
        let (release, held) = hold(&store);
        let mut accepted = Vec::new();
        let refused = loop {
            match store.inner.writer.send(at(0), |_| Ok::<_, StoreError>(())) {
                Ok(answer) => accepted.push(answer),
                Err(error) => break error,
            }
            assert!(accepted.len() < 10_000);
        };
        assert!(matches!(refused, StoreError::Busy), "{refused}");
        release.send(()).unwrap();
        held.await.unwrap().unwrap();
        for answer in accepted {
            answer.await.unwrap().unwrap();
        }
    }
);

both!(
    /// The last clone of a store may go inside a closure of its own writer.
    a_closure_may_hold_the_last_clone, |store| {
        let other = store.again().unwrap();
        let inside = other.clone();
        let (dropped, wait) = mpsc::channel::<()>();
        let answer = other.inner.writer.send(at(0), move |turn| {
            wait.recv().unwrap();
            drop(inside);
            append(turn, "kept")
        }).unwrap();
        drop(other);
        dropped.send(()).unwrap();
        assert_eq!(answer.await.unwrap().unwrap(), 0);
    }
);

/// A full disk: those writing hear that the database is unavailable, nothing is half done, and writing goes on as soon as
/// there is room.
#[test]
fn a_full_disk_passes_by() {
    use diesel::connection::SimpleConnection;
    crate::store::testing::run(async {
        let store = TestStore::on_sqlite();
        store.write::<_, StoreError>(at(0), |turn| append(turn, "before")).await.unwrap();
        let pages = |limit: &'static str| {
            store.write::<_, StoreError>(at(0), move |turn| Ok(turn.rows().db.batch_execute(limit)?))
        };
        // Below what there is means: not one page more.
        pages("PRAGMA max_page_count = 1").await.unwrap();
        let text = "x".repeat(100_000);
        let long = text.clone();
        let (release, held) = hold(&store);
        let first = store.inner.writer.send(at(0), move |turn| append(turn, &long)).unwrap();
        let second = store.inner.writer.send(at(0), |turn| append(turn, "in the same batch")).unwrap();
        release.send(()).unwrap();
        for answer in [first.await.unwrap(), second.await.unwrap()] {
            assert!(answer.as_ref().is_err_and(StoreError::is_unavailable), "{answer:?}");
        }
        assert!(held.await.unwrap().is_ok());
        assert_eq!(contents(&store).await, [Some("before".to_owned())]);
        pages("PRAGMA max_page_count = 1073741823").await.unwrap();
        store.write::<_, StoreError>(at(0), move |turn| append(turn, &text)).await.unwrap();
        assert_eq!(whole(&store).await.0, 2);
    });
}

/// A Postgres connection that is cut in the middle of a batch: unavailable, nothing half done, and the next batch
/// connects anew.
#[test]
fn a_lost_connection_is_made_again() {
    use diesel::prelude::*;
    crate::store::testing::run(async {
        let store = TestStore::on_postgres();
        store.write::<_, StoreError>(at(0), |turn| append(turn, "before")).await.unwrap();
        let cut = store
            .write::<_, StoreError>(at(0), |turn| {
                append(turn, "lost")?;
                turn.next_number("lost")?;
                diesel::sql_query("SELECT pg_terminate_backend(pg_backend_pid())").execute(turn.rows().db)?;
                Ok(())
            })
            .await;
        assert!(cut.as_ref().is_err_and(StoreError::is_unavailable), "{cut:?}");
        store.write::<_, StoreError>(at(0), |turn| append(turn, "after")).await.unwrap();
        assert_eq!(contents(&store).await, ["before", "after"].map(|text| Some(text.to_owned())));
        assert_eq!(store.write::<_, StoreError>(at(0), |turn| turn.next_number("lost")).await.unwrap(), 1);
        // A reader that was cut off is replaced too.
        let cut = store
            .read(|rows| {
                diesel::sql_query("SELECT pg_terminate_backend(pg_backend_pid())").execute(rows.db)?;
                Ok(())
            })
            .await;
        assert!(cut.as_ref().is_err_and(StoreError::is_unavailable), "{cut:?}");
        whole(&store).await;
    });
}

/// Nothing is called durable that goes into a deleted file; when the file is put back the work goes on.
#[tokio::test]
async fn a_lost_file_takes_no_writes() {
    let store = TestStore::on_sqlite();
    let url = store.url();
    let path = std::path::Path::new(url.strip_prefix("sqlite:").unwrap());
    let write = |text: &'static str| store.write::<_, StoreError>(at(1), move |turn| append(turn, text));
    write("before").await.unwrap();
    let aside = path.with_extension("aside");
    std::fs::rename(path, &aside).unwrap();
    let lost = write("lost").await;
    assert!(lost.as_ref().is_err_and(StoreError::is_unavailable), "{lost:?}");
    assert!(!path.exists(), "no empty file was made in its place");
    std::fs::rename(&aside, path).unwrap();
    write("after").await.unwrap();
    assert_eq!(contents(&store).await, [Some("before".to_owned()), Some("after".to_owned())]);
}
