//! A name that outlives a process: listens on a free port for as long as a test lasts and passes every octet on to wherever
//! the node listens now. TLS passes through it unopened.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The relay. Dropping it closes every connection.
pub struct Relay {
    /// Where it listens.
    pub address: SocketAddr,
    target: Arc<Mutex<Option<SocketAddr>>>,
    _tasks: JoinSet<()>,
}

impl Relay {
    /// Starts on a free port and leads nowhere yet.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let target = Arc::new(Mutex::new(None));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&target)));
        Self { address, target, _tasks: tasks }
    }

    /// Leads to this address from now on.
    ///
    /// # Panics
    /// Never, unless a task panicked.
    pub fn lead_to(&self, target: SocketAddr) {
        *self.target.lock().expect("no panic while held") = Some(target);
    }
}

async fn accept(listener: TcpListener, target: Arc<Mutex<Option<SocketAddr>>>) {
    let mut connections = JoinSet::new();
    while let Ok((mut from, _)) = listener.accept().await {
        let target = *target.lock().expect("no panic while held");
        connections.spawn(async move {
            let Some(target) = target else { return };
            if let Ok(mut to) = TcpStream::connect(target).await {
                // Either side may hang up when it likes.
                drop(copy_bidirectional(&mut from, &mut to).await);
            }
        });
        while connections.try_join_next().is_some() {}
    }
}
