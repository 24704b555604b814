//! The register says what the streams say, under every filter, page by page.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod costs;

use std::collections::BTreeSet;

use domain::facts::{Cause, Facts, IncidentKind};
use domain::incident::register::{Command as Chapter, Imported, Outcome, Record};
use domain::incident::{Awareness, Command, WithdrawalReason};
use domain::values::{Count, CountBasis, Known, PersonId};

use super::figures::{self, Months};
use super::views::{self, View};
use super::*;
use crate::store::partners::PartnerState;
use crate::store::projections::samples::{
    acknowledgement, add_partner, advance, exchange_id as with, facts, incident_id as own, line, log, notice_id,
    on_exchange, on_incident, partner_id as partner, person, receipt, responder,
};
use crate::store::testing::{TestStore, at, both, id};
use crate::store::{Store, Turn, projections::tables::Tables};

/// What a filter promises of each line.
type Holds = Box<dyn Fn(&Entry) -> bool>;

const DAY: i64 = 86_400;

async fn write<T: Send + 'static>(
    store: &Store,
    seconds: i64,
    f: impl FnOnce(&mut Turn<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.write(at(seconds), f).await.unwrap()
}

/// The references that a filter shows, page by page.
async fn shown(store: &Store, filter: &Filter, limit: usize) -> Vec<String> {
    let (mut before, mut shown) = (None, Vec::new());
    loop {
        let filter = filter.clone();
        let page = store.read(move |rows| page(rows, &filter, before, limit)).await.unwrap();
        assert!(page.items.len() <= limit);
        shown.extend(page.items.into_iter().map(|entry| entry.reference));
        before = page.next;
        if before.is_none() {
            return shown;
        }
    }
}

fn service(n: u128) -> ServiceId {
    ServiceId::from_uuid(id(70 + n))
}

/// An entry of an earlier register: cause, data, people and services follow its number.
fn earlier(n: u128) -> Command {
    let seconds = i64::try_from(n).unwrap() * DAY - 400 * DAY;
    let data = DataCategory::ALL[usize::try_from(n).unwrap() % DataCategory::ALL.len()];
    let people = Count { value: u32::try_from(n * n).unwrap(), basis: CountBasis::Exact, max: None };
    let record = Record {
        id: own(100 + n),
        reference: line(&format!("old-{n:02}")),
        kind: if n.is_multiple_of(4) { IncidentKind::LikelyToGiveRise } else { IncidentKind::Breach },
        facts: Box::new(Facts {
            cause: if n.is_multiple_of(3) { Known::Known(Cause::ExternalMalicious) } else { Known::NotYetKnown },
            data_categories: Known::Known(BTreeSet::from([data, DataCategory::BasicIdentifiers])),
            data_subjects: Known::Known(people),
            ..facts("An earlier one")
        }),
        awareness: Awareness { circumstances: Some(at(seconds)), breach: None },
        services: BTreeSet::from([service(n % 2)]),
        not_a_breach: n.is_multiple_of(5),
        imported: Imported {
            recorded_at: at(seconds + 3_600),
            outcome: match n % 3 {
                0 => Outcome::Reported { at: at(seconds + 80 * 3_600) },
                1 => Outcome::NotReported,
                _ => Outcome::NotStated,
            },
            ico_reference: None,
        },
    };
    Command::Register { command: Chapter::Import(Box::new(record)), by: responder() }
}

/// Three incidents of ours with two partners each, the third a drill, and twelve earlier ones.
async fn filled(store: &Store) {
    write(store, 0, |turn| {
        (1..=2).try_for_each(|n| add_partner(turn, n, PartnerState::Active))?;
        for n in 1..=12 {
            assert!(on_incident(turn, 100 + n, &earlier(n))?);
        }
        Ok(())
    })
    .await;
    for n in 1..=3_u128 {
        write(store, i64::try_from(n).unwrap() * 60, move |turn| {
            let mut command = log(n, IncidentKind::Breach, 2, false);
            if let Command::Log(log) = &mut command {
                log.exercise = n == 3;
                log.services = BTreeSet::from([service(n % 2)]);
            }
            assert!(on_incident(turn, n, &command)?);
            advance(turn, n)
        })
        .await;
    }
}

both!(
    /// Aim: each filter, alone and with others, shows the lines that it says, newest first, and no page leaves one out.
    every_filter_shows_its_lines, |store| {
        filled(&store).await;
        let all = shown(&store, &Filter::default(), 100).await;
        assert_eq!(all.len(), 15);
        assert_eq!(all[..3], ["TC-2026-0003", "TC-2026-0002", "TC-2026-0001"]);
        assert_eq!(all[3], "old-12");
        for limit in [1, 4, 7] {
            assert_eq!(shown(&store, &Filter::default(), limit).await, all, "{limit} to a page");
        }
        let lines = store.read(|rows| page(rows, &Filter::default(), None, 100)).await.unwrap().items;
        let cases: Vec<(Filter, Holds)> = vec![
            (Filter { kind: Some(IncidentKind::LikelyToGiveRise), ..Filter::default() }, Box::new(|e| e.kind == IncidentKind::LikelyToGiveRise)),
            (Filter { stage: Some("not_a_breach"), ..Filter::default() }, Box::new(|e| e.stage == "not_a_breach")),
            (Filter { source: Some("imported"), ..Filter::default() }, Box::new(|e| e.source == "imported")),
            (Filter { ico: Some("met_late"), ..Filter::default() }, Box::new(|e| e.ico == "met_late")),
            (Filter { cause: Some("external_malicious"), ..Filter::default() }, Box::new(|e| e.cause == "external_malicious")),
            (Filter { category: Some(UNKNOWN), ..Filter::default() }, Box::new(|e| e.category == UNKNOWN)),
            (Filter { data: Some(DataCategory::Health), ..Filter::default() }, Box::new(|e| e.data.contains(&DataCategory::Health))),
            (Filter { exercise: Some(true), ..Filter::default() }, Box::new(|e| e.exercise)),
            (Filter { exercise: Some(false), ..Filter::default() }, Box::new(|e| !e.exercise)),
            (Filter { from: Some(at(-395 * DAY)), before: Some(at(60)), ..Filter::default() }, Box::new(|e| e.at >= at(-395 * DAY) && e.at < at(60))),
            (
                Filter { data: Some(DataCategory::BasicIdentifiers), cause: Some(UNKNOWN), before: Some(at(-392 * DAY)), ..Filter::default() },
                Box::new(|e| e.data.contains(&DataCategory::BasicIdentifiers) && e.cause == UNKNOWN && e.at < at(-392 * DAY)),
            ),
        ];
        for (filter, holds) in cases {
            let expected: Vec<String> = lines.iter().filter(|entry| holds(entry)).map(|entry| entry.reference.clone()).collect();
            assert!(!expected.is_empty() && expected.len() < lines.len() || filter.category.is_some(), "{filter:?} tells lines apart");
            assert_eq!(shown(&store, &filter, 3).await, expected, "{filter:?}");
            let counted = filter.clone();
            assert_eq!(store.read(move |rows| count(rows, &counted)).await.unwrap(), Some(expected.len()), "{filter:?}");
        }
    }
);

both!(
    /// Aim: partners and services are found whatever else is asked, and a text is a reference's beginning or part of a name.
    partners_services_and_texts, |store| {
        filled(&store).await;
        let of = |filter: Filter| { let store = &store; async move { shown(store, &filter, 2).await } };
        let told = Filter { partner: Some(partner(2)), ..Filter::default() };
        assert_eq!(of(told.clone()).await, ["TC-2026-0003", "TC-2026-0002", "TC-2026-0001"]);
        assert_eq!(of(Filter { service: Some(service(1)), exercise: Some(false), ..told.clone() }).await, ["TC-2026-0001"]);
        assert_eq!(of(Filter { partner: Some(partner(9)), ..Filter::default() }).await, [""; 0]);
        let both = Filter { service: Some(service(0)), data: Some(DataCategory::BasicIdentifiers), ..Filter::default() };
        assert_eq!(of(both).await.len(), 6);
        let text = |text: &str| Filter { text: text.to_owned(), ..Filter::default() };
        let of_partner = |text: &str| Filter { text: text.to_owned(), ..told.clone() };
        assert_eq!(of(of_partner("tc-2026-0002")).await, ["TC-2026-0002"], "a text beside a partner counts too");
        assert_eq!(of(of_partner("old-1")).await, [""; 0]);
        assert_eq!(of(of_partner("partner 2")).await.len(), 3);
        let breaches = Filter { kind: Some(IncidentKind::Breach), ..told.clone() };
        assert_eq!(of(breaches.clone()).await.len(), 3);
        assert_eq!(of(Filter { kind: Some(IncidentKind::LikelyToGiveRise), ..breaches }).await, [""; 0]);
        let many = Filter { kind: Some(IncidentKind::LikelyToGiveRise), ..text("old-") };
        assert_eq!(of(many).await, ["old-12", "old-08", "old-04"]);
        assert_eq!(of(text("tc-2026-0002")).await, ["TC-2026-0002"]);
        assert_eq!(of(text(" OLD-1")).await, ["old-12", "old-11", "old-10"]);
        assert_eq!(of(text("artner 1")).await, ["TC-2026-0003", "TC-2026-0002", "TC-2026-0001"]);
        assert_eq!(of(text("nowhere")).await, [""; 0]);
        assert_eq!(of(text("%")).await, [""; 0]);
    }
);

both!(
    /// Aim: a text that fits more partners than are looked for never shows a part of them as if it were all.
    a_text_that_fits_too_many_is_told, |store| {
        filled(&store).await;
        write(&store, 300, |turn| (3..=21).try_for_each(|n| add_partner(turn, n, PartnerState::Listed))).await;
        let text = |text: &str| Filter { text: text.to_owned(), ..Filter::default() };
        for (filter, wide) in [
            (text("partner"), true),
            (text("PARTNER "), true),
            (text("partner 1"), false),
            (text("old-"), false),
            (text(""), false),
            (Filter { partner: Some(partner(2)), ..text("partner") }, false),
        ] {
            let asked = filter.clone();
            assert_eq!(store.read(move |rows| is_too_wide(rows, &asked)).await.unwrap(), wide, "{filter:?}");
            let asked = filter.clone();
            assert_eq!(store.read(move |rows| list(rows, &asked, None, 5)).await.is_err(), wide, "{filter:?}");
        }
        assert_eq!(shown(&store, &text("partner 1"), 2).await, ["TC-2026-0003", "TC-2026-0002", "TC-2026-0001"]);
    }
);

/// The read tables made again from the entries are these.
async fn rebuilt_alike(store: &TestStore) {
    let fresh = TestStore::on_sqlite();
    store.rebuild_into(&fresh, at(1_000)).await.unwrap();
    let (made, live) = (fresh.read(Tables::read).await.unwrap(), store.read(Tables::read).await.unwrap());
    assert!(made == live, "{made:#?}\n{live:#?}");
}

both!(
    /// Aim: figures follow what happens, leave drills out, survive erasure, and are the same when they are made again.
    figures_follow_what_happens, |store| {
        filled(&store).await;
        write(&store, 5_000, |turn| {
            assert!(on_exchange(turn, with(1, 1), &receipt(notice_id(1, 1, 1), at(1_200)))?);
            assert!(on_exchange(turn, with(1, 1), &acknowledgement(at(4_000), domain::exchange::Stance::Affected))?);
            assert!(on_exchange(turn, with(1, 2), &receipt(notice_id(1, 2, 1), at(49 * 3_600)))?);
            assert!(on_exchange(turn, with(3, 1), &receipt(notice_id(3, 1, 1), at(1_200)))?);
            Ok(())
        }).await;
        let now = Months::up_to(at(0), 12);
        assert_eq!(now.last - now.first, 11);
        let found = store.read(move |rows| figures::figures(rows, now)).await.unwrap();
        assert_eq!(found.of("incidents"), 2, "the drill and what is older do not count");
        // 20 minutes: the class that ends with 30. 49 hours: late.
        assert_eq!((found.of("notice.met.2"), found.of("notice.late.11"), found.of("read.met.3")), (1, 1, 1));
        assert_eq!(found.partners.iter().map(|(_, name, met, late)| (name.as_str(), *met, *late)).collect::<Vec<_>>(), [
            ("Partner 1", 1, 0),
            ("Partner 2", 0, 1),
        ]);
        assert_eq!(found.months[&now.last]["notice.met"], 1);
        let all = store.read(|rows| figures::figures(rows, Months::ALL)).await.unwrap();
        assert_eq!((all.of("incidents"), all.of("cause.external_malicious"), all.of("data.basic_identifiers")), (14, 4, 12));
        assert_eq!(all.beginning("ico.met_late.").collect::<Vec<_>>(), [("72_hours_to_1_week", 4)]);
        rebuilt_alike(&store).await;

        write(&store, 6_000, |turn| {
            let update = Command::UpdateFacts {
                base_version: 1,
                facts: Box::new(Facts { cause: Known::Known(Cause::InternalAccidental), ..facts("Known by now") }),
                by: responder(),
            };
            assert!(on_incident(turn, 2, &update)?);
            let withdraw = Command::Withdraw { reason: WithdrawalReason::SentInError, note: None, by: responder() };
            assert!(on_incident(turn, 2, &withdraw)?);
            advance(turn, 2)
        }).await;
        let of_cause = |figures: &figures::Figures| (figures.of("cause.internal_accidental"), figures.of("incidents"));
        let changed = store.read(|rows| figures::figures(rows, Months::ALL)).await.unwrap();
        assert_eq!(of_cause(&changed), (1, 14));
        write(&store, 7_000, |turn| {
            for n in [106, 112] {
                assert!(on_incident(turn, n, &Command::Anonymise { by: person(1, domain::values::Role::Dpo) })?);
                turn.erase_stream(id(n))?;
            }
            Ok(())
        }).await;
        let erased = store.read(|rows| figures::figures(rows, Months::ALL)).await.unwrap();
        assert_eq!(erased, changed, "words go, figures stay");
        rebuilt_alike(&store).await;
        let line = shown(&store, &Filter { stage: Some("anonymised"), service: Some(service(0)), ..Filter::default() }, 9).await;
        assert_eq!(line, ["old-12", "old-06"]);
    }
);

both!(
    /// Aim: a database of an earlier version gets the register that it would have had.
    an_earlier_database_is_entered_at_start, |store| {
        filled(&store).await;
        write(&store, 5_000, |turn| {
            assert!(on_exchange(turn, with(1, 1), &receipt(notice_id(1, 1, 1), at(1_200)))?);
            Ok(())
        }).await;
        let before = store.read(Tables::read).await.unwrap();
        store.tamper("DELETE FROM register; DELETE FROM register_facets; DELETE FROM register_tallies");
        let again = store.again().unwrap();
        let after = again.read(Tables::read).await.unwrap();
        assert!(after == before, "{after:#?}\n{before:#?}");
    }
);

both!(
    /// Aim: a kept filter is its owner's unless it is shared, has a limit, and lies sealed.
    views_are_kept, |store| {
        let (one, two) = (PersonId::from_uuid(id(1)), PersonId::from_uuid(id(2)));
        let view = move |n: u128, person, shared, name: &str| View {
            id: id(n), person, shared, name: name.to_owned(), query: "stage=closed".to_owned(),
        };
        write(&store, 0, move |turn| {
            views::keep(turn, &view(10, one, false, "Planted mine"))?;
            views::keep(turn, &view(11, one, true, "Planted ours"))?;
            views::keep(turn, &view(12, two, false, "Theirs"))?;
            // The same name again takes the place of the first.
            views::keep(turn, &view(13, one, true, "Planted ours"))
        }).await;
        let names = |person| { let store = &store; async move {
            let views = store.read(move |rows| views::views(rows, person)).await.unwrap();
            views.into_iter().map(|view| view.name).collect::<Vec<_>>()
        } };
        assert_eq!(names(one).await, ["Planted mine", "Planted ours"]);
        assert_eq!(names(two).await, ["Planted ours", "Theirs"]);
        assert!(!store.shows("Planted"));
        write(&store, 1, move |turn| views::forget(turn, id(13), two, false)).await;
        assert_eq!(names(two).await.len(), 2, "only its owner forgets it");
        write(&store, 1, move |turn| views::forget(turn, id(10), two, true)).await;
        assert_eq!(names(one).await.len(), 2, "an administrator forgets only what all see");
        write(&store, 1, move |turn| views::forget(turn, id(13), two, true)).await;
        assert_eq!(names(two).await, ["Theirs"]);
        let full = store.write(at(2), move |turn| {
            for n in 0..40 {
                views::keep(turn, &view(100 + n, one, false, &format!("View {n}")))?;
            }
            Ok::<_, StoreError>(())
        }).await;
        assert!(matches!(full, Err(StoreError::TooMuch { .. })), "{full:?}");
    }
);
