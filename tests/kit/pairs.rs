//! Parties whose nodes are processes of their own, each behind a proxy: to be killed, and to be compared afterwards.
//!
//! They are founded and paired in this process, then stopped; [`Stage::start`] starts the built program on the same
//! databases. A party's issuer is its proxy's origin, so everything that partners send it passes there, whichever port its
//! process has got this time.

use std::net::SocketAddr;
use std::sync::Arc;

use server::node::Node;
use server::time_source::{SystemTime, TimeSource as _};
use tempfile::TempDir;

use crate::database::On;
use crate::node::{Ground, Party, data_key, found};
use crate::process::{Process, Serving, keep_key};
use crate::proxy::Proxy;
use crate::wire::Wire;

/// One party with its process.
pub struct Actor {
    /// Its name.
    pub name: String,
    /// What everybody else reaches it through.
    pub proxy: Proxy,
    party: Option<Party>,
    serving: Serving,
    process: Option<Process>,
    _key: TempDir,
}

impl Actor {
    async fn new(on: On, name: &str, wire: &Arc<Wire>) -> Self {
        let proxy = Proxy::start().await;
        let ground =
            Ground { time: Arc::new(SystemTime), carrier: Arc::clone(wire) as _, wire: Some(Arc::clone(wire)) };
        let party = found(name, proxy.origin(), on.fresh(), ground, None).await;
        let key = tempfile::tempdir().expect("a temporary folder");
        let key_file = key.path().join("data.key");
        keep_key(&key_file, &data_key());
        let serving = Serving { database: party.database.url.clone(), key_file, issuer: proxy.origin() };
        Self { name: name.to_owned(), proxy, party: Some(party), serving, process: None, _key: key }
    }

    /// The party, while its node is in this process.
    ///
    /// # Panics
    /// While it is a process of its own.
    #[must_use]
    pub fn party(&self) -> &Party {
        assert!(self.process.is_none(), "{} is a process of its own now", self.name);
        self.party.as_ref().expect("a party")
    }

    /// Hands the party over to a process of its own.
    ///
    /// # Panics
    /// When it is one already.
    pub async fn start(&mut self) {
        assert!(self.process.is_none(), "{} runs already", self.name);
        let node: &Arc<Node> = &self.party.as_ref().expect("a party").node;
        node.stop().await;
        let process = Process::serve(&self.serving).await;
        self.proxy.lead_to(process.address);
        self.process = Some(process);
    }

    /// Ends the process as a power cut would.
    ///
    /// # Panics
    /// When there is none.
    pub fn kill(&mut self) {
        // First: its port may be somebody else's a moment later.
        self.proxy.lead_nowhere();
        self.process.take().expect("a process").kill();
    }

    /// Ends the process and takes the party back into this one.
    pub async fn take_back(&mut self) {
        if self.process.is_some() {
            self.kill();
        }
        let party = self.party.take().expect("a party");
        self.party = Some(party.restart().await);
    }

    /// Its process.
    ///
    /// # Panics
    /// While there is none.
    #[must_use]
    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("a process of its own")
    }

    /// Where its pages and API are, until its process ends.
    ///
    /// # Panics
    /// While there is no process.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.process().address
    }
}

/// An operator and its councils.
pub struct Stage {
    /// The operator.
    pub operator: Actor,
    /// The councils.
    pub councils: Vec<Actor>,
}

impl Stage {
    /// Founds and pairs them.
    ///
    /// # Panics
    /// When pairing fails.
    pub async fn set(on: On, councils: usize) -> Self {
        let wire = Wire::new(Arc::new(SystemTime));
        let operator = Actor::new(on, "Operator", &wire).await;
        let mut all = Vec::with_capacity(councils);
        for number in 1..=councils {
            let council = Actor::new(on, &format!("Council {number}"), &wire).await;
            let (ours, theirs) = (operator.party(), council.party());
            ours.trust(&theirs.node.export_card(), &theirs.node.fingerprint()).await;
            theirs.trust(&ours.node.export_card(), &ours.node.fingerprint()).await;
            for _ in 0..4 {
                ours.node.deliver_step(128).await.expect("a step");
                theirs.node.deliver_step(128).await.expect("a step");
            }
            assert!(ours.is_active(theirs).await && theirs.is_active(ours).await, "{} is paired", council.name);
            ours.arrange(theirs, 48).await;
            all.push(council);
        }
        Self { operator, councils: all }
    }

    /// What time it is for all of them.
    #[must_use]
    pub fn now() -> domain::values::Moment {
        SystemTime.now()
    }

    /// Starts every process. The operator is last: it has something to send at once, and a council that isn't there yet
    /// would cost it a back-off.
    pub async fn start(&mut self) {
        for council in &mut self.councils {
            council.start().await;
        }
        self.operator.start().await;
    }

    /// Ends every process and takes all parties back.
    pub async fn take_back(&mut self) {
        self.operator.take_back().await;
        for council in &mut self.councils {
            council.take_back().await;
        }
    }
}
