//! The read tables say what the streams say, however the events reached them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod ladders;
use std::{collections::BTreeMap, sync::Arc};

use domain::clock::ClockKind;
use domain::exchange::{self, Call, CallChannel, Phase, Receive, ReceiveContent, Stance, StatedClock};
use domain::facts::IncidentKind;
use domain::incident::{AwarenessOf, Command, WithdrawalReason};
use domain::report::{Submission, SubmissionChannel};
use domain::values::{CaseId, Digest32, ExchangeId, MessageId, Moment, Role};

use super::rows::{ClockRow, ExchangeRow, IncidentRow, LadderRow};
use super::samples::{
    acknowledgement, add_partner, advance, decided, exchange_id, facts, incident_id, line, log, long, notice_id,
    on_exchange, on_incident, partner_id, person, receipt, responder, submitted,
};
use super::tables::Tables;
use crate::store::partners::PartnerState;
use crate::store::testing::{TestStore, at, both, id};
use crate::store::{Store, StoreError, Turn, due, outbox};

const HOUR: i64 = 3_600;

impl Tables {
    fn incident(&self, n: u128) -> &IncidentRow {
        &self.incidents[incident_id(n).as_bytes().as_slice()]
    }

    fn exchange(&self, id: ExchangeId) -> &ExchangeRow {
        &self.exchanges[id.as_bytes().as_slice()]
    }

    fn clock(&self, stream: uuid::Uuid, kind: ClockKind) -> Option<&ClockRow> {
        self.clocks.get(&(stream.as_bytes().to_vec(), kind.word().to_owned()))
    }

    fn ladder(&self, stream: uuid::Uuid, kind: ClockKind, due: Moment) -> Option<&LadderRow> {
        self.ladders.get(&(stream.as_bytes().to_vec(), kind.word().to_owned(), due.micros()))
    }
}

async fn write<T: Send + 'static>(
    store: &Store,
    now: Moment,
    f: impl FnOnce(&mut Turn<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.write(now, f).await.unwrap()
}

async fn tables(store: &Store) -> Tables {
    store.read(Tables::read).await.unwrap()
}

/// An incident of this kind with partners, its first notices queued.
async fn logged(store: &Store, kind: IncidentKind, partners: u128, hold: bool) {
    write(store, at(60), move |turn| {
        assert!(on_incident(turn, 1, &log(1, kind, partners, hold))?);
        advance(turn, 1)
    })
    .await;
}

/// The tables made again from the entries are these.
async fn rebuilt_alike(store: &Store) {
    let fresh = TestStore::on_sqlite();
    store.rebuild_into(&fresh, at(10_000_000)).await.unwrap();
    assert_same(&tables(&fresh).await, &tables(store).await);
}

/// Names the first row that differs: whole tables are too long to read.
fn assert_same(one: &Tables, other: &Tables) {
    fn rows<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(one: &BTreeMap<K, V>, other: &BTreeMap<K, V>) {
        for key in one.keys().chain(other.keys()) {
            assert_eq!(one.get(key), other.get(key), "{key:?}");
        }
    }
    rows(&one.incidents, &other.incidents);
    rows(&one.facts, &other.facts);
    rows(&one.exchanges, &other.exchanges);
    rows(&one.clocks, &other.clocks);
    rows(&one.ladders, &other.ladders);
    assert!(one == other);
}

both!(
    /// Logging shows the incident, its facts, every exchange and clock, one ladder per due instant, and queues a first
    /// word for each partner in the order in which they are owed.
    logging, |store| {
        logged(&store, IncidentKind::Breach, 4, false).await;
        let tables = tables(&store).await;
        let incident = tables.incident(1);
        assert_eq!((incident.stage.as_str(), incident.owed, incident.fan_out_open), ("active", 4, false));
        assert_eq!((incident.title.as_slice(), incident.sent_version), (b"A mailbox was opened".as_slice(), 1));
        assert_eq!((incident.logged_at, incident.closed_at), (at(60).micros(), None));
        assert_eq!(tables.facts.len(), 1);
        let exchange = tables.exchange(exchange_id(1, 1));
        assert_eq!((exchange.standing.as_str(), exchange.revision, exchange.delivered_revision), ("queued", 1, 0));
        assert_eq!(exchange.message.as_deref(), Some(notice_id(1, 1, 1).as_bytes().as_slice()));
        assert_eq!(tables.clocks.len(), 5);
        let clock = tables.clock(exchange_id(1, 3).uuid(), ClockKind::PartnerNotice).unwrap();
        assert_eq!((clock.due_at, clock.open, clock.state.as_str()), (at(24 * HOUR).micros(), true, "running"));
        assert_eq!(clock.incident_id.as_deref(), Some(incident_id(1).as_bytes().as_slice()));
        let ico = tables.clock(id(1), ClockKind::IcoReport).unwrap();
        assert_eq!((ico.due_at, ico.exchange_id.as_ref()), (at(72 * HOUR).micros(), None));
        assert!(ico.legal_limit_at > Some(ico.due_at));
        // 24 hours: the step 24 hours before the due instant lies at the anchor and never fires.
        let steps: Vec<_> = tables.ladders.values().map(|row| (row.due_at, row.next_step_at)).collect();
        assert_eq!(steps, [
            (at(72 * HOUR).micros(), Some(at(48 * HOUR).micros())),
            (at(24 * HOUR).micros(), Some(at(12 * HOUR).micros())),
            (at(48 * HOUR).micros(), Some(at(24 * HOUR).micros())),
        ]);
        rebuilt_alike(&store).await;
    }
);

both!(
    /// A held incident's clocks run while nothing is queued; letting it go queues.
    held, |store| {
        logged(&store, IncidentKind::LikelyToGiveRise, 2, true).await;
        let before = tables(&store).await;
        assert_eq!((before.incident(1).stage.as_str(), before.incident(1).sent_version), ("held", 0));
        assert_eq!(before.exchange(exchange_id(1, 1)).standing, "held");
        assert!(before.clock(exchange_id(1, 1).uuid(), ClockKind::PartnerNotice).unwrap().open);
        assert_eq!(before.clock(id(1), ClockKind::IcoReport), None);
        write(&store, at(120), |turn| {
            assert!(on_incident(turn, 1, &Command::Release { by: responder() })?);
            advance(turn, 1)
        }).await;
        assert_eq!(tables(&store).await.exchange(exchange_id(1, 1)).standing, "queued");
        rebuilt_alike(&store).await;
    }
);

both!(
    /// A receipt meets the notice clock and starts the acknowledgement clock; an acknowledgement ends that. The ladder of
    /// a group falls silent with its last open clock.
    receipt_and_acknowledgement, |store| {
        logged(&store, IncidentKind::Breach, 2, false).await;
        for partner in 1..=2 {
            let now = at(120 + i64::try_from(partner).unwrap());
            write(&store, now, move |turn| {
                let message = notice_id(1, partner, 1);
                assert!(on_exchange(turn, exchange_id(1, partner), &receipt(message, at(100)))?);
                Ok(())
            }).await;
            let notices = at(48 * HOUR);
            let next = tables(&store).await.ladder(id(1), ClockKind::PartnerNotice, notices).unwrap().next_step_at;
            assert_eq!(next.is_none(), partner == 2, "the second receipt was the last");
        }
        let told = tables(&store).await;
        let exchange = told.exchange(exchange_id(1, 1));
        assert_eq!((exchange.standing.as_str(), exchange.delivered_revision), ("delivered", 1));
        let met = told.clock(exchange_id(1, 1).uuid(), ClockKind::PartnerNotice).unwrap();
        assert_eq!((met.state.as_str(), met.ended_at, met.open), ("met", Some(at(100).micros()), false));
        assert_eq!(met.evidence.as_deref(), Some("signed_receipt"));
        let asked = told.clock(exchange_id(1, 1).uuid(), ClockKind::PartnerAcknowledgement).unwrap();
        let group = at(100 + 8 * HOUR).floor_minute();
        assert_eq!((asked.due_at, asked.group_due_at), (at(100 + 8 * HOUR).micros(), group.micros()));
        assert!(told.ladder(id(1), ClockKind::PartnerAcknowledgement, group).unwrap().next_step_at.is_some());

        write(&store, at(200), |turn| {
            assert!(on_exchange(turn, exchange_id(1, 1), &acknowledgement(at(190), Stance::Affected))?);
            Ok(())
        }).await;
        let read = tables(&store).await;
        let exchange = read.exchange(exchange_id(1, 1));
        assert_eq!((exchange.stance.as_deref(), exchange.acknowledged_revision), (Some("affected"), Some(1)));
        assert_eq!(exchange.acknowledged_at, Some(at(190).micros()));
        assert!(String::from_utf8_lossy(exchange.acknowledged_by.as_ref().unwrap()).contains("R. Example"));
        assert!(!read.clock(exchange_id(1, 1).uuid(), ClockKind::PartnerAcknowledgement).unwrap().open);
        rebuilt_alike(&store).await;
    }
);

both!(
    /// A recorded call ends the clock, not the carrying; abandoning ends the carrying.
    call_and_abandon, |store| {
        logged(&store, IncidentKind::Breach, 1, false).await;
        let exchange = exchange_id(1, 1);
        write(&store, at(600), move |turn| {
            let call = Call {
                to_whom: line("Duty officer"),
                how: CallChannel::Telephone,
                at: at(540),
                note: None,
                backdate_reason: None,
            };
            assert!(on_exchange(turn, exchange, &exchange::Command::RecordCall { call, by: responder() })?);
            assert!(outbox::sent(turn.rows(), partner_id(1), notice_id(1, 1, 1))?.unwrap().open);
            Ok(())
        }).await;
        let told = tables(&store).await;
        let row = told.exchange(exchange);
        assert_eq!((row.standing.as_str(), row.told_at, row.told_how.as_deref()), ("told", Some(at(540).micros()), Some("telephone")));
        write(&store, at(700), move |turn| {
            let message = notice_id(1, 1, 1);
            let abandon = exchange::Command::Abandon { message, reason: long("Told by telephone."), by: responder() };
            assert!(on_exchange(turn, exchange, &abandon)?);
            assert!(!outbox::sent(turn.rows(), partner_id(1), message)?.unwrap().open);
            Ok(())
        }).await;
        rebuilt_alike(&store).await;
    }
);

both!(
    /// Ladder steps, a person who takes it in hand, lateness, and a late receipt that proves a notice in time.
    time_passes, |store| {
        logged(&store, IncidentKind::Breach, 1, false).await;
        let ladder = |tables: &Tables| tables.ladder(id(1), ClockKind::PartnerNotice, at(48 * HOUR)).unwrap().clone();
        write(&store, at(25 * HOUR), |turn| {
            assert_eq!(due::incidents(turn.rows(), at(25 * HOUR), 10)?, [incident_id(1)]);
            let outstanding = due::outstanding(turn.rows(), incident_id(1))?;
            assert_eq!((outstanding.len(), outstanding[0].partners, outstanding[0].first.as_slice()), (1, 1, [partner_id(1)].as_slice()));
            assert!(on_incident(turn, 1, &Command::Tick { outstanding, orders: Arc::default() })?);
            assert_eq!(due::incidents(turn.rows(), at(25 * HOUR), 10)?, []);
            Ok(())
        }).await;
        let climbed = ladder(&tables(&store).await);
        assert_eq!((climbed.last_offset, climbed.next_step_at), (Some(-1440), Some(at(36 * HOUR).micros())));

        write(&store, at(26 * HOUR), |turn| {
            let kind = ClockKind::PartnerNotice;
            let take = Command::TakeInHand { kind, due: at(48 * HOUR), by: person(2, Role::Manager) };
            assert!(on_incident(turn, 1, &take)?);
            Ok(())
        }).await;
        let in_hand = ladder(&tables(&store).await);
        assert_eq!((in_hand.next_step_at, in_hand.in_hand_at), (Some(at(30 * HOUR).micros()), Some(at(26 * HOUR).micros())));
        assert!(String::from_utf8_lossy(in_hand.in_hand_by.as_ref().unwrap()).contains("Person 2"));

        write(&store, at(49 * HOUR), |turn| {
            let exchange = exchange_id(1, 1);
            assert_eq!(due::exchanges(turn.rows(), at(48 * HOUR), 10)?, [], "at the due instant it is in time");
            assert_eq!(due::exchanges(turn.rows(), at(49 * HOUR), 10)?, [exchange]);
            assert!(on_exchange(turn, exchange, &exchange::Command::Tick { orders: Arc::default() })?);
            assert_eq!(due::exchanges(turn.rows(), at(49 * HOUR), 10)?, []);
            Ok(())
        }).await;
        let late = tables(&store).await;
        assert_eq!(late.clock(exchange_id(1, 1).uuid(), ClockKind::PartnerNotice).unwrap().state, "overdue");
        assert_eq!(ladder(&late).next_step_at, in_hand.next_step_at, "what is in hand climbs no step");

        write(&store, at(50 * HOUR), |turn| {
            assert!(on_exchange(turn, exchange_id(1, 1), &receipt(notice_id(1, 1, 1), at(47 * HOUR)))?);
            Ok(())
        }).await;
        let proved = tables(&store).await;
        let clock = proved.clock(exchange_id(1, 1).uuid(), ClockKind::PartnerNotice).unwrap();
        assert_eq!((clock.state.as_str(), clock.proved_late), ("met", true));
        rebuilt_alike(&store).await;
    }
);

both!(
    /// A corrected awareness moves clocks to another ladder; the one they left falls silent.
    corrected_awareness, |store| {
        logged(&store, IncidentKind::Breach, 2, false).await;
        write(&store, at(HOUR), |turn| {
            let correct = Command::CorrectAwareness {
                of: AwarenessOf::Breach,
                at: at(-HOUR),
                reason: long("The log shows it."),
                by: responder(),
            };
            assert!(on_incident(turn, 1, &correct)?);
            advance(turn, 1)
        }).await;
        let moved = tables(&store).await;
        let kind = ClockKind::PartnerNotice;
        assert_eq!(moved.clock(exchange_id(1, 1).uuid(), kind).unwrap().due_at, at(47 * HOUR).micros());
        assert_eq!(moved.ladder(id(1), kind, at(48 * HOUR)).unwrap().next_step_at, None);
        assert_eq!(moved.ladder(id(1), kind, at(47 * HOUR)).unwrap().next_step_at, Some(at(23 * HOUR).micros()));
        assert_eq!(moved.ladder(id(1), ClockKind::IcoReport, at(72 * HOUR)).unwrap().next_step_at, None);
        assert_eq!(moved.exchange(exchange_id(1, 1)).revision, 2);
        rebuilt_alike(&store).await;
    }
);

both!(
    /// Newer facts, a withdrawal, and erasure of every copy; what survives can still be made again.
    update_withdraw_erase, |store| {
        logged(&store, IncidentKind::Breach, 2, false).await;
        write(&store, at(200), |turn| {
            let update =
                Command::UpdateFacts { base_version: 1, facts: Box::new(facts("Two mailboxes")), by: responder() };
            assert!(on_incident(turn, 1, &update)?);
            assert!(on_incident(turn, 1, &Command::SendUpdate { by: responder() })?);
            advance(turn, 1)
        }).await;
        let updated = tables(&store).await;
        assert_eq!((updated.facts.len(), updated.incident(1).facts_version), (2, 2));
        assert_eq!(updated.incident(1).title, b"Two mailboxes");
        assert_eq!(updated.exchange(exchange_id(1, 1)).revision, 2);

        write(&store, at(300), |turn| {
            let reason = WithdrawalReason::SentInError;
            assert!(on_incident(turn, 1, &Command::Withdraw { reason, note: None, by: responder() })?);
            advance(turn, 1)
        }).await;
        let withdrawn = tables(&store).await;
        assert_eq!(withdrawn.incident(1).stage, "withdrawn");
        let row = withdrawn.exchange(exchange_id(1, 1));
        assert_eq!((row.standing.as_str(), row.withdrawn.as_deref()), ("withdrawn", Some("sent_in_error")));
        assert!(withdrawn.clocks.values().all(|clock| !clock.open && clock.state == "not_required"));
        assert!(withdrawn.ladders.values().all(|ladder| ladder.next_step_at.is_none()));
        rebuilt_alike(&store).await;

        write(&store, at(400), |turn| {
            for partner in 1..=2 {
                let exchange = exchange_id(1, partner);
                for message in [notice_id(1, partner, 1), notice_id(1, partner, 2), notice_id(1, partner, 3)] {
                    on_exchange(turn, exchange, &receipt(message, at(310)))?;
                }
                assert!(on_exchange(turn, exchange, &exchange::Command::Anonymise)?);
                turn.erase_stream(exchange.uuid())?;
            }
            assert!(on_incident(turn, 1, &Command::Anonymise { by: responder() })?);
            turn.erase_stream(id(1))
        }).await;
        let erased = tables(&store).await;
        assert_eq!((erased.facts.len(), erased.incident(1).title.as_slice()), (0, b"".as_slice()));
        assert_eq!((erased.incident(1).stage.as_str(), erased.incident(1).owed), ("anonymised", 2));
        assert_eq!(erased.exchange(exchange_id(1, 1)).standing, "anonymised");
        assert!(erased.ladders.is_empty());
        rebuilt_alike(&store).await;
        assert!(!store.shows("mailbox"), "nothing lies there unsealed");
    }
);

both!(
    /// A notice received starts our ICO clock with a ladder of its own; an incident of ours takes both over.
    received_and_linked, |store| {
        let exchange = ExchangeId::from_uuid(id(55));
        write(&store, at(0), move |turn| {
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
                    kind: IncidentKind::Breach,
                    reference: line("THEIRS-1"),
                    clock: Some(StatedClock {
                        anchor: domain::clock::Anchor::AwareOfBreach,
                        at: at(-HOUR),
                        hours: domain::clock_terms::usual(domain::clock_terms::Duty::PartnerNotice),
                    }),
                },
            };
            assert!(on_exchange(turn, exchange, &exchange::Command::Receive(Box::new(notice)))?);
            Ok(())
        }).await;
        let received = tables(&store).await;
        let row = received.exchange(exchange);
        assert_eq!((row.direction.as_str(), row.standing.as_str(), row.revision), ("incoming", "received", 1));
        let theirs = received.clock(exchange.uuid(), ClockKind::PartnerNotice).unwrap();
        assert_eq!((theirs.open, theirs.incident_id.as_ref()), (false, None));
        assert!(received.clock(exchange.uuid(), ClockKind::IcoReport).unwrap().open);
        assert!(received.ladder(exchange.uuid(), ClockKind::IcoReport, at(72 * HOUR)).unwrap().next_step_at.is_some());

        write(&store, at(49 * HOUR), move |turn| {
            assert_eq!(due::exchanges(turn.rows(), at(49 * HOUR), 10)?, [exchange]);
            assert!(on_exchange(turn, exchange, &exchange::Command::Tick { orders: Arc::default() })?);
            assert_eq!(due::exchanges(turn.rows(), at(49 * HOUR), 10)?, []);
            let read = exchange::Command::Acknowledge {
                stance: Stance::Assessing,
                reference: None,
                by: responder(),
                role: line("responder"),
                deleted: false,
            };
            assert!(on_exchange(turn, exchange, &read)?);
            assert!(on_exchange(turn, exchange, &exchange::Command::Link { incident: incident_id(1), by: responder() })?);
            Ok(())
        }).await;
        let linked = tables(&store).await;
        assert_eq!(linked.exchange(exchange).standing, "linked");
        assert_eq!(linked.exchange(exchange).stance.as_deref(), Some("assessing"));
        assert_eq!(linked.clock(exchange.uuid(), ClockKind::IcoReport), None);
        assert_eq!(linked.ladder(exchange.uuid(), ClockKind::IcoReport, at(72 * HOUR)).unwrap().next_step_at, None);
        rebuilt_alike(&store).await;
    }
);

both!(
    /// Many changes at once leave the same rows as one at a time.
    many_at_once_as_one_by_one, |store| {
        let single = TestStore::on_sqlite();
        let steps = [
            log(1, IncidentKind::LikelyToGiveRise, 30, true),
            Command::Advance,
            Command::Release { by: responder() },
            Command::Advance,
            Command::ConvertToBreach { aware_at: at(30), owed: Vec::new(), by: responder() },
            Command::Advance,
            Command::Withdraw { reason: WithdrawalReason::SentInError, note: None, by: responder() },
            Command::Advance,
        ];
        for (step, command) in steps.into_iter().enumerate() {
            let now = at(60 * (1 + i64::try_from(step).unwrap()));
            let again = command.clone();
            write(&store, now, move |turn| {
                let changes = decided(turn, 1, &command)?.unwrap();
                turn.record(changes)
            }).await;
            write(&single, now, move |turn| {
                for change in decided(turn, 1, &again)?.unwrap() {
                    turn.record(vec![change])?;
                }
                Ok(())
            }).await;
            assert_same(&tables(&store).await, &tables(&single).await);
        }
        rebuilt_alike(&store).await;
    }
);

both!(
    /// A receipt costs a small number of statements, the same for one partner as for sixty.
    statements_of_a_receipt, |store| {
        let mut costs = Vec::new();
        for (incident, partners) in [(3_u128, 1_u128), (1, 1), (2, 60)] {
            write(&store, at(60), move |turn| {
                assert!(on_incident(turn, incident, &log(incident, IncidentKind::Breach, partners, false))?);
                advance(turn, incident)
            }).await;
            let before = store.statements();
            write(&store, at(120), move |turn| {
                let exchange = exchange_id(incident, 1);
                assert!(on_exchange(turn, exchange, &receipt(notice_id(incident, 1, 1), at(100)))?);
                outbox::receipted(turn, partner_id(1), notice_id(incident, 1, 1), 0, at(100))
            }).await;
            costs.push(store.statements() - before);
        }
        // The same but for the nodes that the ledger's tree gets, none or a few; the first begins the month's figures.
        assert!(costs[1].abs_diff(costs[2]) <= store.statements_for(8), "{costs:?}");
        // The entries of the receipt and of its event go in together.
        assert!(costs[1] <= 22 + store.statements_for(8), "{} statements, the writer's own included", costs[1]);
    }
);

/// A small generator of numbers: the history is random but every run has the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn submission(at: Moment) -> Submission {
    let delay_reasons = Some(long("Late."));
    Submission { at, channel: SubmissionChannel::OnlineForm, ico_reference: None, delay_reasons, proof: None }
}

/// One random step; many are refused, which is part of the test.
fn step(turn: &mut Turn<'_>, dice: &mut Dice) -> Result<bool, StoreError> {
    let incident = 1 + u128::from(dice.below(3));
    let partner = 1 + u128::from(dice.below(4));
    let exchange = exchange_id(incident, partner);
    let now = turn.now();
    match dice.below(16) {
        0 => {
            let kind = if dice.below(2) == 0 { IncidentKind::Breach } else { IncidentKind::LikelyToGiveRise };
            on_incident(turn, incident, &log(incident, kind, 4, dice.below(3) == 0))
        }
        1 | 2 => on_incident(turn, incident, &Command::Advance),
        3 => on_incident(turn, incident, &Command::Release { by: responder() }),
        4 => {
            let base_version = turn.incident(incident_id(incident))?.map_or(1, |state| state.facts_version);
            let facts = Box::new(facts(&format!("Version {}", dice.below(100))));
            on_incident(turn, incident, &Command::UpdateFacts { base_version, facts, by: responder() })
        }
        5 => on_incident(turn, incident, &Command::SendUpdate { by: responder() }),
        6 => {
            let of = if dice.below(2) == 0 { AwarenessOf::Breach } else { AwarenessOf::Circumstances };
            let corrected = at(-i64::try_from(dice.below(7_200)).unwrap());
            on_incident(
                turn,
                incident,
                &Command::CorrectAwareness { of, at: corrected, reason: long("Found."), by: responder() },
            )
        }
        7 => {
            on_incident(turn, incident, &Command::ConvertToBreach { aware_at: now, owed: Vec::new(), by: responder() })
        }
        8 => {
            let outstanding = due::outstanding(turn.rows(), incident_id(incident))?;
            on_incident(turn, incident, &Command::Tick { outstanding, orders: Arc::default() })
        }
        9 => on_exchange(turn, exchange, &exchange::Command::Tick { orders: Arc::default() }),
        10 => {
            let revision = 1 + u32::try_from(dice.below(3)).unwrap();
            on_exchange(turn, exchange, &receipt(notice_id(incident, partner, revision), now.floor_second()))
        }
        11 => on_exchange(
            turn,
            exchange,
            &acknowledgement(now.floor_second(), Stance::ALL[usize::try_from(dice.below(3)).unwrap()]),
        ),
        12 => {
            let call =
                Call { to_whom: line("X"), how: CallChannel::InPerson, at: now, note: None, backdate_reason: None };
            on_exchange(turn, exchange, &exchange::Command::RecordCall { call, by: responder() })
        }
        13 => on_incident(turn, incident, &submitted(submission(now), person(3, Role::Dpo))),
        14 => {
            let open = due::outstanding(turn.rows(), incident_id(incident))?;
            let Some(group) = open.first() else { return Ok(false) };
            let take = Command::TakeInHand { kind: group.kind, due: group.due, by: person(4, Role::Manager) };
            on_incident(turn, incident, &take)
        }
        _ if dice.below(8) == 0 => {
            let reason = WithdrawalReason::SentInError;
            on_incident(turn, incident, &Command::Withdraw { reason, note: None, by: responder() })
        }
        _ => Ok(false),
    }
}

both!(
    /// After a random history the tables made again from the entries alone are the live ones, and nothing that passing
    /// time has done is still due.
    random_history_rebuilt, |store| {
        write(&store, at(0), |turn| (1..=4).try_for_each(|n| add_partner(turn, n, PartnerState::Active))).await;
        let allowed = write(&store, at(60), |turn| {
            let mut dice = Dice(42);
            let mut allowed = 0;
            for _ in 0..200 {
                allowed += u32::from(step(turn, &mut dice)?);
            }
            Ok(allowed)
        }).await;
        let mut later = 0;
        for round in 1..40_u64 {
            let now = at(60 + i64::try_from(round).unwrap() * 2 * HOUR);
            later += write(&store, now, move |turn| {
                let mut dice = Dice(round);
                let mut allowed = 0;
                for _ in 0..12 {
                    allowed += u32::from(step(turn, &mut dice)?);
                }
                Ok(allowed)
            }).await;
        }
        assert!(allowed > 20 && later > 60, "the history is worth the test: {allowed} + {later}");
        rebuilt_alike(&store).await;
        // The watch comes to rest: one look at everything due leaves nothing due.
        let now = at(100 * HOUR);
        write(&store, now, move |turn| {
            for _ in 0..20 {
                let (exchanges, incidents) = (due::exchanges(turn.rows(), now, 250)?, due::incidents(turn.rows(), now, 250)?);
                for exchange in exchanges {
                    on_exchange(turn, exchange, &exchange::Command::Tick { orders: Arc::default() })?;
                }
                for n in (1..=3).filter(|n| incidents.contains(&incident_id(*n))) {
                    let outstanding = due::outstanding(turn.rows(), incident_id(n))?;
                    on_incident(turn, n, &Command::Tick { outstanding, orders: Arc::default() })?;
                }
            }
            assert_eq!(due::exchanges(turn.rows(), now, 250)?, []);
            assert_eq!(due::incidents(turn.rows(), now, 250)?, []);
            assert!(due::next_duty(turn.rows())?.is_none_or(|next| next > now));
            Ok(())
        }).await;
        rebuilt_alike(&store).await;
    }
);

both!(
    /// Duties of an incident are counted while they are open, and unfinished fan-outs are found.
    open_work, |store| {
        write(&store, at(60), |turn| {
            assert!(on_incident(turn, 1, &log(1, IncidentKind::Breach, 3, false))?);
            assert_eq!(due::open_fan_outs(turn.rows(), 5)?, [incident_id(1)]);
            advance(turn, 1)?;
            assert_eq!(due::open_fan_outs(turn.rows(), 5)?, []);
            assert_eq!(due::open_duties(turn.rows(), incident_id(1))?, [(ClockKind::PartnerNotice, 3)]);
            assert!(on_exchange(turn, exchange_id(1, 2), &receipt(notice_id(1, 2, 1), at(60)))?);
            assert_eq!(due::open_duties(turn.rows(), incident_id(1))?.len(), 2, "one is told, and asked to acknowledge");
            assert_eq!(due::next_duty(turn.rows())?, Some(at(2 * HOUR + 60).floor_minute()));
            Ok(())
        }).await;
    }
);
