//! Leases of the dead are void when somebody starts alone, and those of the living are not, on both databases.

use super::*;
use crate::store::presence::Arrival;

/// Plants a lane and a post under leases, as a process leaves them that is killed.
fn leave_claims(store: &TestStore) {
    let (lease, until) = (store.literal(id(5).as_bytes()), at(90).micros());
    let of = store.literal(id(1).as_bytes());
    store.tamper(&format!(
        "DELETE FROM lanes; DELETE FROM posts; \
         INSERT INTO lanes (partner_id, channel, next_seq, fail_count, due_at, lease, lease_until) \
         VALUES ({of}, 'node', 1, 0, 0, {lease}, {until}); \
         INSERT INTO posts (id, channel, event, body, state, open, queued_at, attempts, same_outcome, lease, lease_until) \
         VALUES ({of}, 'mail', 'test', {of}, 'queued', TRUE, 0, 0, 0, {lease}, {until})"
    ));
}

async fn claims(store: &Store) -> i64 {
    use diesel::prelude::*;
    let count = |rows: &mut crate::store::Rows<'_>| {
        use crate::store::schema::{lanes, posts};
        let of_lanes: i64 = lanes::table.filter(lanes::lease.is_not_null()).count().get_result(rows.db)?;
        let of_posts: i64 = posts::table.filter(posts::lease.is_not_null()).count().get_result(rows.db)?;
        Ok(of_lanes + of_posts)
    };
    store.read(count).await.unwrap()
}

both!(
    /// Aim: who starts alone frees what the dead had claimed; who starts beside another process leaves its claims alone.
    leases_of_the_dead, |store| {
        leave_claims(&store);
        assert_eq!(store.arrive(at(1)).await.unwrap(), Arrival::Alone(2));
        assert_eq!(claims(&store).await, 0);
        leave_claims(&store);
        let second = store.again().unwrap();
        assert_eq!(second.arrive(at(2)).await.unwrap(), Arrival::Beside);
        assert_eq!(claims(&second).await, 2, "the first lives, and they may be its own");
        store.close();
        let third = store.again().unwrap();
        assert_eq!(third.arrive(at(3)).await.unwrap(), Arrival::Beside, "the second lives");
        second.close();
        third.close();
        let fourth = store.again().unwrap();
        assert_eq!(fourth.arrive(at(4)).await.unwrap(), Arrival::Alone(2));
        assert_eq!(claims(&fourth).await, 0);
        fourth.close();
    }
);

both!(
    /// Aim: a process whose lock went without it is known to the others again; one that never arrived, or has gone, is not.
    staying_known, |store| {
        let others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks \
                      WHERE locktype = 'advisory' AND objid = 'lanes'::regclass::oid";
        store.stay().await.unwrap();
        let second = store.again().unwrap();
        assert_eq!(second.arrive(at(1)).await.unwrap(), Arrival::Alone(0), "the first has not arrived");
        second.close();
        assert_eq!(store.arrive(at(2)).await.unwrap(), Arrival::Alone(0));
        if !store.is_sqlite() {
            store.tamper(others);
        }
        store.stay().await.unwrap();
        let third = store.again().unwrap();
        assert_eq!(third.arrive(at(3)).await.unwrap(), Arrival::Beside);
        third.close();
        store.close();
        store.stay().await.unwrap();
        let fourth = store.again().unwrap();
        assert_eq!(fourth.arrive(at(4)).await.unwrap(), Arrival::Alone(0));
        fourth.close();
    }
);

/// Aim: where there can be no lock the store works all the same, and no lease is touched.
#[test]
fn without_a_lock() {
    crate::store::testing::run(async {
        let store = TestStore::on_sqlite();
        leave_claims(&store);
        store.stay().await.unwrap();
        let lock = format!("{}.lock", store.url().trim_start_matches("sqlite:"));
        // A folder in its place: nobody, not even root, can open it for writing.
        std::fs::create_dir(lock).unwrap();
        assert!(matches!(store.arrive(at(1)).await, Err(StoreError::Unavailable { .. })));
        assert_eq!(claims(&store).await, 2);
    });
}
