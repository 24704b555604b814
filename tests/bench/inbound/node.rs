//! The receiving node, in a process of its own: the product's web server in front of it, its loops running.

use std::io::BufRead as _;
use std::net::TcpListener;
use std::sync::Arc;

use chrono_tz::Europe::London;
use server::http::{HttpOptions, serve};
use server::node::{Node, NodeOptions, Rates};
use server::store::{READERS, StoreSettings};
use server::time_source::SystemTime;
use tests::node::data_key;
use tests::wire::Wire;

use super::ISSUER;
use crate::fan_out::receivers::say;

/// Rates are not what is measured.
const ENDLESS: u32 = 100_000_000;

/// The child's part: learns its database, says where it listens, and serves until its input ends.
pub(crate) async fn play() {
    let url = std::io::stdin().lock().lines().next().expect("a database").expect("a line");
    let time = Arc::new(SystemTime);
    let node = Node::open(NodeOptions {
        store: StoreSettings { url, data_key: data_key(), readers: READERS },
        issuer: ISSUER.to_owned(),
        loopback_http: true,
        zone: London,
        duties: server::node::DutySettings::default(),
        carrier: Wire::new(Arc::clone(&time) as _),
        time,
        bcrypt_cost: 4,
        rates: Rates { partner_per_minute: ENDLESS, partner_burst: ENDLESS, address_per_minute: ENDLESS },
        mail: None,
        reachable: true,
        set_up: None,
    })
    .await
    .expect("the node opens");
    node.run().expect("its loops start");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let web = serve(Arc::clone(&node), listener, HttpOptions::default()).expect("it serves");
    say(&web.addr().to_string());
    // Until the parent goes, and its end of the pipe with it.
    let _ = tokio::task::spawn_blocking(|| std::io::stdin().lock().lines().count()).await;
}
