//! Nothing lost, nothing twice: real processes, killed as a power cut would, at every point that a proxy can see and at
//! random.

use std::time::Duration;

use domain::clock::ClockState;
use domain::exchange::NoticeDelivery;
use domain::values::IncidentId;
use futures_util::future::join_all;
use tests::dice::{Dice, fresh_seed};
use tests::facts::first_hour;
use tests::node::log_request;
use tests::pairs::Stage;
use tests::proxy::{POINTS, Point};
use tests::visitor::Visitor;
use tests::wait::until;
use tests::{On, both};

both!(killed_at_every_point, killed_at_random);

/// Waits grow to 30 s while a node is away, and twenty kills come one after the other; much more, for a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);
/// A killed sender's claims are void when it starts again: its message goes out well before its lease (90 s) would lapse.
const AT_ONCE: Duration = Duration::from_secs(60);
/// Kills of the random story.
const KILLS: usize = 20;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Sender,
    Receiver,
}

/// Sender and receiver are killed before the message is forwarded, after it arrived, while the answer is withheld and
/// after the answer. All eight happen side by side.
async fn killed_at_every_point(on: On) {
    let cases = [Victim::Sender, Victim::Receiver].into_iter().flat_map(|victim| POINTS.map(|point| (victim, point)));
    join_all(cases.map(|(victim, point)| killed(on, victim, point))).await;
}

async fn killed(on: On, victim: Victim, point: Point) {
    let mut stage = Stage::set(on, 1).await;
    let id = stage.operator.party().log(log_request(first_hour("A mailbox was open"), Stage::now())).await;
    let token = stage.operator.party().api_token().await;
    stage.councils[0].proxy.hold_at(point);
    stage.start().await;
    stage.councils[0].proxy.held().await;
    match victim {
        Victim::Sender => stage.operator.kill(),
        Victim::Receiver => stage.councils[0].kill(),
    }
    stage.councils[0].proxy.let_go();
    match victim {
        Victim::Sender => stage.operator.start().await,
        Victim::Receiver => stage.councils[0].start().await,
    }
    let patience = match victim {
        Victim::Sender => AT_ONCE,
        Victim::Receiver => PATIENCE,
    };
    delivered(&stage, &token, 1, patience, &format!("{victim:?} killed at {point:?}")).await;
    stage.take_back().await;
    whole(&stage, &[id]).await;
}

/// Ten incidents owed to four partners; processes are killed twenty times at random and started again at once.
async fn killed_at_random(on: On) {
    const COUNCILS: usize = 4;
    let mut stage = Stage::set(on, COUNCILS).await;
    let mut ids = Vec::new();
    for number in 0..10 {
        let request = log_request(first_hour(&format!("Mailbox {number} was open")), Stage::now());
        ids.push(stage.operator.party().log(request).await);
    }
    let token = stage.operator.party().api_token().await;
    let seed = fresh_seed();
    let mut dice = Dice::new(seed);
    stage.start().await;
    for kill in 0..KILLS {
        pause(Duration::from_millis(20 + dice.below(400))).await;
        // The operator twice, the councils in turns.
        let victim = if kill % 10 == 4 {
            &mut stage.operator
        } else {
            let number = usize::try_from(dice.below(COUNCILS as u64)).expect("a small number");
            &mut stage.councils[number]
        };
        victim.kill();
        victim.start().await;
    }
    delivered(&stage, &token, ids.len() * COUNCILS, PATIENCE, &format!("seed {seed:#x}")).await;
    stage.take_back().await;
    whole(&stage, &ids).await;
}

/// Waits until the operator's API shows so many delivered notices.
async fn delivered(stage: &Stage, token: &str, expected: usize, patience: Duration, what: &str) {
    let visitor = Visitor::with_token(stage.operator.address(), token);
    until(&format!("{expected} receipts: {what}"), patience, async || {
        let answer = visitor.try_get("/api/v1/notices?limit=200").await.filter(|answer| answer.status == 200)?;
        let notices = answer.json()["items"].as_array().cloned().unwrap_or_default();
        let done = notices.iter().filter(|notice| !notice["receipted_at"].is_null()).count();
        (done == expected).then_some(())
    })
    .await;
}

/// Both sides' records agree: every notice delivered and met, every council holds each exactly once, ledgers verify.
async fn whole(stage: &Stage, ids: &[IncidentId]) {
    let operator = stage.operator.party();
    operator.verify_ledger().await;
    for council in &stage.councils {
        let theirs = council.party();
        theirs.verify_ledger().await;
        let received = theirs.received().await;
        assert_eq!(received.len(), ids.len(), "{} holds every notice once", council.name);
        for id in ids {
            let sent = operator.exchange_with(*id, theirs).await;
            assert_eq!(sent.notices.len(), 1, "one notice");
            let NoticeDelivery::Receipted { at } = sent.notices[0].delivery else { panic!("no receipt: {sent:?}") };
            assert!(matches!(sent.notice_clock.expect("a clock").state, ClockState::Met { .. }));
            let held: Vec<_> = received.iter().filter(|notice| notice.case == sent.case).collect();
            assert_eq!(held.len(), 1, "{} holds the case once", council.name);
            assert_eq!(held[0].received.len(), 1, "{} holds the version once", council.name);
            let stored = held[0].received[0].at;
            assert!((0..=1).contains(&at.seconds_since(stored)), "the receipt's moment is the store's: {at} {stored}");
        }
    }
}

/// Lets time pass: the point of these stories is the instant of the kill, which no condition names.
async fn pause(by: Duration) {
    let _ = tokio::time::timeout(by, std::future::pending::<()>()).await;
}
