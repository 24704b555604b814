use domain::facts::IncidentKind;
use domain::incident::{Awareness, Event, Survives};
use domain::values::{CaseId, ExchangeId, IncidentId, Line, MessageId};

use super::*;
use crate::store::inbox::{self, Arrived, unplaced};
use crate::store::projections::samples::partner_id;

fn incident() -> IncidentId {
    IncidentId::from_uuid(id(1))
}

/// What an erased incident leaves behind.
fn anonymised() -> Event {
    Event::Anonymised {
        survives: Box::new(Survives {
            id: incident(),
            reference: Line::parse("TC-2026-0001").unwrap(),
            kind: IncidentKind::Breach,
            exercise: false,
            facts_version: 1,
            awareness: Awareness { circumstances: None, breach: Some(at(0)) },
            services: [].into(),
            owed: 2,
            withdrawn: None,
            told: Vec::new(),
            cause: None,
            costs: Vec::new(),
            ico: None,
            register: domain::incident::register::Register::default(),
            rules: domain::incident::Rules::default(),
            duties: domain::incident::Duties::default(),
        }),
        at: at(9),
    }
}

fn event(turn: &mut Turn<'_>, stream: u128, event: &Event) -> Result<u64, StoreError> {
    turn.append(EntryKind::Incident, some_id(stream), some_id(stream), &serde_json::to_vec(event).unwrap())
}

fn exchange() -> ExchangeId {
    ExchangeId::from_uuid(id(5))
}

/// A message about a case that is not known yet, with its receipt: filed under its sender.
fn overtaking(turn: &mut Turn<'_>, n: u64) -> Result<(), StoreError> {
    let sender = Some(partner_id(1).uuid());
    let set_entry = turn.append(EntryKind::SetReceived, None, sender, b"free text")?;
    let receipt_entry = turn.append(EntryKind::ReceiptSent, None, sender, b"its receipt")?;
    let arrived = Arrived {
        partner: partner_id(1),
        message: MessageId::from_uuid(id(u128::from(n))),
        event: "message",
        seq: Some(n),
        prev: None,
        payload_sha256: Digest32::of(&n.to_be_bytes()),
        set_entry,
        exchange: None,
        case: Some(CaseId::from_uuid(id(99))),
    };
    inbox::keep(turn, arrived, receipt_entry)
}

/// Its notice came.
fn placed(turn: &mut Turn<'_>, n: u128) -> Result<(), StoreError> {
    unplaced::place(turn, partner_id(1), MessageId::from_uuid(id(n)), exchange())
}

type Step = Box<dyn FnOnce(&mut Turn<'_>) -> Result<(), StoreError> + Send>;

/// Runs closures in one batch of the writer, and answers which of them were kept.
async fn in_one_batch(store: &Store, steps: Vec<Step>) -> Vec<bool> {
    let inner = &store.inner.writer;
    let (begun, started) = std::sync::mpsc::channel();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let first = inner
        .send(at(0), move |_| {
            begun.send(()).unwrap();
            held.recv().unwrap();
            Ok::<_, StoreError>(())
        })
        .unwrap();
    started.recv().unwrap();
    let answers: Vec<_> = (1_i64..).zip(steps).map(|(second, step)| inner.send(at(second), step).unwrap()).collect();
    release.send(()).unwrap();
    first.await.unwrap().unwrap();
    futures_util::future::join_all(answers).await.into_iter().map(|answer| answer.unwrap().is_ok()).collect()
}

fn advanced() -> Event {
    Event::FanOutAdvanced { done: 1, finished: true }
}

both!(
    /// Erasure takes the contents of a stream and of the messages filed under it, and nothing else; chain and tree still
    /// verify, and the stream folds from what survives.
    erased_contents_are_gone_and_the_chain_verifies, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            event(turn, 1, &advanced())?;
            turn.append(EntryKind::SetSent, None, some_id(1), b"a message")?;
            turn.append(EntryKind::ReceiptReceived, None, some_id(1), b"its receipt")?;
            event(turn, 2, &advanced())?;
            append(turn, "something else").map(|_| ())
        }).await.unwrap();
        let before = whole(&store).await;
        // Whether the surviving event is recorded before or after makes no difference; here before.
        store.write::<_, StoreError>(at(9), |turn| {
            event(turn, 1, &anonymised())?;
            turn.erase_stream(id(1))
        }).await.unwrap();
        let erased = store.read(book::verify).await.unwrap();
        assert!(erased.is_whole() && erased.erased == 2 && erased.size == before.0 + 1, "{erased:?}");
        let left = contents(&store).await;
        assert_eq!((left[0].as_ref(), left[1].as_ref()), (None, None));
        assert_eq!(left[2..5].iter().flatten().count(), 3);
        let state = store.write::<_, StoreError>(at(9), |turn| turn.incident(incident())).await.unwrap().unwrap();
        assert_eq!(state.stage, domain::incident::Stage::Anonymised);
        let page = store.read(|rows| book::timeline(rows, id(1), None, 9)).await.unwrap();
        assert_eq!(page.last().unwrap().entry, crate::store::LoggedEvent::Erased);
    }
);

both!(
    /// Erasing reaches what the same batch has only buffered, and undoing the closure brings it back.
    erasing_reaches_the_batch_and_can_be_undone, |store| {
        let answers = in_one_batch(&store, vec![
            Box::new(|turn| {
                event(turn, 1, &advanced())?;
                event(turn, 3, &advanced()).map(|_| ())
            }),
            Box::new(|turn| {
                turn.erase_stream(id(1))?;
                turn.erase_stream(id(3))?;
                Err(StoreError::Busy)
            }),
            Box::new(|turn| {
                turn.erase_stream(id(1))?;
                event(turn, 1, &anonymised())?;
                assert!(turn.incident(incident())?.is_some());
                Ok(())
            }),
        ]).await;
        assert_eq!(answers, [true, false, true]);
        let left: Vec<bool> = contents(&store).await.iter().map(Option::is_some).collect();
        assert_eq!(left, [false, true, true]);
        assert_eq!(store.read(book::verify).await.unwrap().erased, 1);
    }
);

both!(
    /// Aim: a message that came before its notice, and was filed under its sender, is erased with the exchange that it was
    /// placed in; its receipt and what waits for another case stay.
    a_placed_message_is_erased_with_its_exchange, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            overtaking(turn, 1)?;
            overtaking(turn, 2)
        }).await.unwrap();
        store.write::<_, StoreError>(at(1), |turn| placed(turn, 1)).await.unwrap();
        store.write::<_, StoreError>(at(2), |turn| turn.erase_stream(exchange().uuid())).await.unwrap();
        let left: Vec<bool> = contents(&store).await.iter().map(Option::is_some).collect();
        assert_eq!(left, [false, true, true, true]);
        let found = store.read(book::verify).await.unwrap();
        assert!(found.is_whole() && found.erased == 1, "{found:?}");
    }
);

both!(
    /// Aim: the same, of a message that came and was placed in the batch that erases it; what follows in the turn of the
    /// erasure itself stays.
    a_placed_message_is_erased_within_its_batch, |store| {
        let answers = in_one_batch(&store, vec![
            Box::new(|turn| overtaking(turn, 1)),
            Box::new(|turn| placed(turn, 1)),
            Box::new(|turn| {
                turn.erase_stream(exchange().uuid())?;
                Err(StoreError::Busy)
            }),
            Box::new(|turn| {
                assert!(turn.object(0)?.is_some());
                overtaking(turn, 2)?;
                placed(turn, 2)?;
                turn.erase_stream(exchange().uuid())?;
                assert_eq!(turn.object(0)?, None);
                Ok(())
            }),
        ]).await;
        assert_eq!(answers, [true, true, false, true]);
        let left: Vec<bool> = contents(&store).await.iter().map(Option::is_some).collect();
        assert_eq!(left, [false, true, true, true]);
        let found = store.read(book::verify).await.unwrap();
        assert!(found.is_whole() && found.erased == 1, "{found:?}");
    }
);

both!(
    /// Contents that vanish without a recorded erasure are an error, not a shorter history.
    a_vanished_content_is_no_erasure, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            event(turn, 1, &anonymised())?;
            event(turn, 1, &advanced()).map(|_| ())
        }).await.unwrap();
        store.tamper("UPDATE contents SET sealed = NULL WHERE n = 1");
        let state = store.write::<_, StoreError>(at(1), |turn| turn.incident(incident())).await;
        assert!(matches!(state, Err(StoreError::Corrupt { table: "contents", .. })));
    }
);

/// Planted words never reach the file in plain, and the sealed octets of erased content leave it too.
#[test]
fn the_file_holds_no_plain_and_no_erased_content() {
    use diesel::prelude::*;
    const PLANTED: &str = "Llandudno lighthouse keeper";
    fn holds(octets: &[u8], planted: &[u8]) -> bool {
        octets.windows(planted.len()).any(|window| window == planted)
    }
    crate::store::testing::run(async {
        let store = TestStore::on_sqlite();
        store
            .write::<_, StoreError>(at(0), |turn| {
                turn.append(EntryKind::Incident, some_id(1), some_id(1), PLANTED.as_bytes())?;
                // Long enough for pages of its own.
                turn.append(EntryKind::SetSent, None, some_id(1), PLANTED.repeat(2_000).as_bytes())
            })
            .await
            .unwrap();
        let sealed: Vec<Option<Vec<u8>>> = store
            .read(|rows| {
                use crate::store::schema::contents::dsl;
                Ok(dsl::contents.order(dsl::n).select(dsl::sealed).load(rows.db)?)
            })
            .await
            .unwrap();
        let octets = store.octets();
        assert!(!holds(&octets, PLANTED.as_bytes()));
        // The beginning and the end of each: the longer one fills pages of its own.
        let pieces: Vec<Vec<u8>> = sealed
            .into_iter()
            .flatten()
            .flat_map(|sealed| [sealed[..48].to_vec(), sealed[sealed.len() - 48..].to_vec()])
            .collect();
        assert!(pieces.iter().all(|piece| holds(&octets, piece)));
        store.write::<_, StoreError>(at(1), |turn| turn.erase_stream(id(1))).await.unwrap();
        // The write-ahead log held older pages until it was folded into the file, which the erasure asked for.
        store.stop();
        let octets = store.octets();
        assert!(pieces.iter().all(|piece| !holds(&octets, piece)));
    });
}
