//! A program's request is done once, also when the node dies between doing it and answering.

use uuid::Uuid;

use super::kit::World;
use crate::node::once::{Claim, Named};
use crate::store::queries::incidents;

/// Aim: a node that is killed after it logged and before it kept the answer logs nothing more when the same request comes
/// again, and then answers as it would have.
#[tokio::test]
async fn a_request_to_log_that_was_cut_off_logs_once() {
    let mut world = World::paired().await;
    let named = Named { token: Uuid::from_u128(7), key_sha256: [1; 32], request_sha256: [2; 32] };
    let person = world.alice.signed_in().id();
    let (claim, form) = world.alice.node.claim_log_request(named, person).await.unwrap();
    assert_eq!(claim, Claim::Fresh);
    let mut request = world.alice.request().await;
    request.form = crate::node::SentForm::said_once(form);
    let first = world.alice.node.log_incident(&world.alice.responder(), request.clone()).await.unwrap();
    world.alice = world.alice.restart(&world.time, &world.network).await;
    let (claim, again) = world.alice.node.claim_log_request(named, person).await.unwrap();
    assert_eq!((claim, again), (Claim::Unanswered, form), "the same request has the same form");
    let second = world.alice.node.log_incident(&world.alice.responder(), request).await.unwrap();
    assert_eq!((second.id, second.repeated), (first.id, true));
    world.alice.node.keep_answer(named, 201, Some(b"it".to_vec())).await.unwrap();
    let answered = Claim::Answered { status: 201, answer: Some(b"it".to_vec()) };
    assert_eq!(world.alice.node.claim_request(named).await.unwrap(), answered);
    let listed = world.alice.node.store().read(|rows| incidents::oldest(rows, None, 10)).await.unwrap();
    assert_eq!(listed.items.len(), 1);
}
