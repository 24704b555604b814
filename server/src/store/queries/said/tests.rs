//! What was said, and what is owed for it, as the tables show it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use domain::clock::ClockKind;
use domain::exchange::{self, Hear, MessageKind, Phase, Receive, ReceiveContent, Say};
use domain::facts::IncidentKind;
use domain::values::{CaseId, Digest32};

use super::*;
use crate::store::alerts::{self, AlertKind};
use crate::store::partners::PartnerState;
use crate::store::projections::samples::{
    add_partner, advance, exchange_id, incident_id, line, log, long, notice_id, on_exchange, on_incident, partner_id,
    responder,
};
use crate::store::queries::clocks::{Filter, pressing, strip};
use crate::store::testing::{TestStore, at, both, id};
use crate::store::{Store, Turn, due};

const HOUR: i64 = 3_600;

async fn write<T: Send + 'static>(
    store: &Store,
    now: Moment,
    f: impl FnOnce(&mut Turn<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.write(now, f).await.unwrap()
}

async fn rebuilt_alike(store: &Store) {
    let fresh = TestStore::on_sqlite();
    store.rebuild_into(&fresh, at(10_000_000)).await.unwrap();
    let read = projections::tables::Tables::read;
    assert!(fresh.read(read).await.unwrap() == store.read(read).await.unwrap(), "the tables made again are these");
}

fn hear(n: u128, kind: MessageKind, re: Option<MessageId>, due: Option<Moment>) -> exchange::Command {
    exchange::Command::Hear(Box::new(Hear {
        said: Said {
            message: MessageId::from_uuid(id(7_000 + n)),
            kind,
            text: long("Which mailbox was it?"),
            re,
            due,
            received_at: None,
            name: line("R. Example"),
            role: line("analyst"),
            at: at(HOUR),
        },
        exercise: false,
    }))
}

fn say(kind: MessageKind, re: Option<MessageId>, due: Option<Moment>) -> exchange::Command {
    exchange::Command::Say(Box::new(Say {
        kind,
        text: long("Please send the access logs."),
        re,
        due,
        received_at: None,
        by: responder(),
        role: line("responder"),
    }))
}

fn of(rows: &mut Rows<'_>, exchange: ExchangeId, limit: usize) -> Result<Vec<Message>, StoreError> {
    let state = crate::store::queries::incidents::exchange_state(rows, exchange)?.unwrap();
    thread(rows, &state, limit)
}

/// A notice from partner 5 that no incident of ours took over.
async fn received(store: &Store) -> ExchangeId {
    let exchange = ExchangeId::from_uuid(id(55));
    write(store, at(0), move |turn| {
        add_partner(turn, 5, PartnerState::Active)?;
        let notice = Receive {
            id: exchange,
            partner: partner_id(5),
            case: CaseId::from_uuid(id(56)),
            message: MessageId::from_uuid(id(57)),
            set_sha256: Digest32::of(b"octets"),
            law: domain::clock_terms::Law::Uk,
            exercise: false,
            content: ReceiveContent::Notice {
                revision: 1,
                phase: Phase::Initial,
                kind: IncidentKind::LikelyToGiveRise,
                reference: line("THEIRS-1"),
                clock: None,
            },
        };
        assert!(on_exchange(turn, exchange, &exchange::Command::Receive(Box::new(notice)))?);
        Ok(())
    })
    .await;
    exchange
}

both!(
    /// Two requests due at one instant are one line on the clocks page and one ladder; the ladder falls silent with the
    /// second answer. What was answered is read, and its alert is cleared.
    requests_due_together, |store| {
        let exchange = received(&store).await;
        write(&store, at(HOUR), move |turn| {
            for n in [1, 2] {
                let asked = hear(n, MessageKind::AssistanceRequest, None, Some(at(30 * HOUR)));
                assert!(on_exchange(turn, exchange, &asked)?);
                let message = MessageId::from_uuid(id(7_000 + n));
                let kind = AlertKind::MessageUnread;
                alerts::raise(turn, kind, Some(partner_id(5)), Some(exchange), None, Some(message))?;
            }
            Ok(())
        }).await;
        let (groups, _) = store.read(|rows| pressing(rows, Filter::default(), 10)).await.unwrap();
        let faces: Vec<_> = groups.iter().map(|group| (group.kind, group.exchange, group.due)).collect();
        assert_eq!(faces, [(ClockKind::Assistance, Some(exchange), at(30 * HOUR))]);
        assert_eq!(groups[0].next_step, Some(at(6 * HOUR)));
        assert_eq!(store.read(move |rows| unread(rows, None, 10)).await.unwrap()[0].unread, 2);

        for (now, n, silent) in [(2, 1, false), (3, 2, true)] {
            write(&store, at(now * HOUR), move |turn| {
                let answer = say(MessageKind::Answer, Some(MessageId::from_uuid(id(7_000 + n))), None);
                assert!(on_exchange(turn, exchange, &answer)?);
                assert_eq!(due::next_duty(turn.rows())?.is_none(), silent);
                Ok(())
            }).await;
        }
        assert_eq!(store.read(move |rows| unread(rows, None, 10)).await.unwrap(), []);
        assert_eq!(store.read(|rows| alerts::open(rows, 10)).await.unwrap(), []);
        let told = store.read(move |rows| of(rows, exchange, 10)).await.unwrap();
        assert_eq!(told.len(), 4);
        assert_eq!(told[0].clock.as_ref().unwrap().evidence.as_deref(), Some("answer"));
        assert_eq!((told[2].sent, told[2].carried.as_deref()), (true, Some("queued")));
        assert_eq!(store.read(move |rows| of(rows, exchange, 1)).await.unwrap()[0], told[3], "the newest");
        rebuilt_alike(&store).await;
    }
);

both!(
    /// What we ask is no duty of ours: it is on no ladder and in no count, is looked at when it falls due, and listed as
    /// owed to us.
    what_we_ask_is_owed_to_us, |store| {
        let exchange = exchange_id(1, 1);
        let before = write(&store, at(60), move |turn| {
            add_partner(turn, 1, PartnerState::Active)?;
            assert!(on_incident(turn, 1, &log(1, IncidentKind::LikelyToGiveRise, 1, false))?);
            advance(turn, 1)?;
            strip(turn.rows(), at(60))
        }).await;
        write(&store, at(120), move |turn| {
            assert!(on_exchange(turn, exchange, &say(MessageKind::AssistanceRequest, None, Some(at(5 * HOUR))))?);
            assert_eq!(strip(turn.rows(), at(120))?, before);
            assert_eq!(due::open_duties(turn.rows(), incident_id(1))?, [(ClockKind::PartnerNotice, 1)], "the notice, and nothing that they owe us");
            Ok(())
        }).await;
        let owed = store.read(|rows| owed_to_us(rows, incident_id(1), 10)).await.unwrap();
        assert_eq!((owed[0].exchange, owed[0].owes_us), (exchange, Some(at(5 * HOUR))));
        assert_eq!(owed[0].partner_name, "Partner 1");
        write(&store, at(6 * HOUR), move |turn| {
            assert_eq!(due::exchanges(turn.rows(), at(6 * HOUR), 10)?, [exchange]);
            assert!(on_exchange(turn, exchange, &exchange::Command::Tick { orders: Arc::default() })?);
            assert_eq!(due::exchanges(turn.rows(), at(6 * HOUR), 10)?, []);
            Ok(())
        }).await;
        rebuilt_alike(&store).await;
    }
);

both!(
    /// A webhook's acceptance shows as such, starts the acknowledgement clock and leaves the duty to tell open.
    accepted_is_not_delivered, |store| {
        write(&store, at(60), |turn| {
            add_partner(turn, 1, PartnerState::Active)?;
            assert!(on_incident(turn, 1, &log(1, IncidentKind::LikelyToGiveRise, 1, false))?);
            advance(turn, 1)?;
            let accepted = exchange::Command::RecordAcceptance { message: notice_id(1, 1, 1), at: at(60) };
            assert!(on_exchange(turn, exchange_id(1, 1), &accepted)?);
            let open: u32 = due::open_duties(turn.rows(), incident_id(1))?.iter().map(|(_, open)| open).sum();
            assert_eq!(open, 2);
            Ok(())
        }).await;
        let listed = store.read(|rows| crate::store::queries::exchanges::one(rows, exchange_id(1, 1))).await.unwrap();
        let listed = listed.unwrap();
        assert_eq!((listed.standing.as_str(), listed.delivered_revision), ("accepted", 0));
        rebuilt_alike(&store).await;
    }
);
