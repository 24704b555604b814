//! What the stories are told with: databases, nodes, partners that misbehave on command, a proxy, pages and a browser.
//!
//! | module | holds |
//! |---|---|
//! | [`database`] | a fresh SQLite file or Postgres schema per test, swept afterwards |
//! | [`dice`] | numbers from a seed |
//! | [`node`] | real nodes with hand-driven or real time; pairing |
//! | [`party`] | what a party does and knows: its people, its partners, its record |
//! | [`facts`] | incidents to log |
//! | [`ten_incidents`] | ten realistic incidents, as people type them into pages |
//! | [`partner`] | scripted partners: accept, refuse, hang, forge, repeat |
//! | [`proxy`] | cuts the line on command, and holds a message at any point that a proxy can see |
//! | [`independent`] | a party in another language, written from the published protocol |
//! | [`pairs`] | parties whose nodes are processes, each behind a proxy |
//! | [`process`] | the built program as a process of its own, to be killed |
//! | [`program`] | the built program with any command, and a client that speaks TLS with it |
//! | [`simulation`] | several nodes from one seed: what goes wrong between them, and what must hold all the same |
//! | [`smtp`] | a mail server that takes, refuses or delays, and is down on command |
//! | [`storm`] | a fan-out among processes that are killed at random |
//! | [`page`] | HTML by role, label and heading |
//! | [`typing`] | forms opened, filled in and sent, and the faults that come back |
//! | [`visitor`] | a person's visit over HTTP: cookies, forms, redirects |
//! | [`browser`] | a headless Chromium with the accessibility checker |
//! | [`wire`] | carries parcels between nodes in one process, or loses them |
//! | [`wait`] | waiting for a condition, with a bound |

pub mod browser;
pub mod database;
pub mod dice;
pub mod facts;
pub mod independent;
pub mod judging;
pub mod node;
pub mod page;
pub mod pairs;
pub mod partner;
pub mod party;
mod peek;
pub mod process;
pub mod program;
pub mod proxy;
pub mod relay;
pub mod simulation;
pub mod smtp;
pub mod storm;
pub mod ten_incidents;
pub mod tickets;
pub mod typing;
pub mod visitor;
pub mod wait;
pub mod wire;

pub use database::{Database, On};

/// Tells each story on SQLite and on Postgres. A story is an `async fn(on: On)` beside it; its first comment is its aim.
#[macro_export]
macro_rules! both {
    ($($story:ident),+ $(,)?) => {$(
        mod $story {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$story($crate::On::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$story($crate::On::Postgres).await;
            }
        }
    )+};
}
