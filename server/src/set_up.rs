//! The first run in a browser: a page behind a link that only the server's administrator has.
//!
//! Until a node is made, a small web server listens where the node will. It knows two pages: what the organisation answers,
//! and the recovery sheet. The node is made whole by the last button, in one transaction; before it nothing is stored, so
//! whoever turns back, or loses power, begins again with an empty database. Then this server ends and the node's own takes
//! the same socket: connections that come meanwhile wait in its queue.
//!
//! | module | holds |
//! |---|---|
//! | `link` | the link's secret, its file, and for how long it is good |
//! | `answers` | what is asked first, and reading it |
//! | `passphrase` | the words that seal the identity key |
//! | `pages` | addresses and handlers |

mod answers;
mod link;
mod pages;
mod passphrase;

use std::net::{IpAddr, TcpListener};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono_tz::Tz;
use domain::values::{Moment, Role};
use tokio::sync::{mpsc, oneshot, watch};
use zeroize::Zeroizing;

use crate::access::Administrator;
use crate::access::throttle::{Address, Throttle};
use crate::http::{self, Lasting, Listening, StaysSecure};
use crate::node::administer::SetUp;
use crate::node::people::NewInvitation;
use crate::node::{Node, StartError};
use crate::time_source::TimeSource;
use crate::tls::Certificates;
use crate::web::form::Form;
use crate::web::words::Reader;

use answers::Answers;
use link::Link;

/// What the pages of a first run are about.
pub struct FirstRun {
    /// The node's name to be.
    pub issuer: String,
    /// The zone in which instants are shown.
    pub zone: Tz,
    /// What time it is.
    pub time: Arc<dyn TimeSource>,
    /// Where everything will be kept, for the recovery sheet: never with a password in it.
    pub database: String,
    /// Where the data key is, unless it comes in another way.
    pub key_file: Option<PathBuf>,
    /// Where the link is written.
    pub link_file: PathBuf,
    /// The proxy whose word about addresses is believed.
    pub trusted_proxy: Option<IpAddr>,
}

/// What every worker shares.
struct Desk {
    about: FirstRun,
    link: Link,
    wrong_links: Throttle<IpAddr>,
    address: Address,
    stage: Mutex<Stage>,
    orders: mpsc::Sender<Order>,
}

/// How far the one set-up has come. It lives in the memory of this process only, so that nothing half-made is ever stored.
enum Stage {
    /// Nothing is answered.
    Asking,
    /// The sheet is shown.
    Answered(Box<Drawn>),
    /// The node is being made.
    Making(Box<Drawn>),
    /// The node is made.
    Made,
}

/// Answers, and the passphrase drawn for them.
struct Drawn {
    answers: Answers,
    /// As typed, without passwords, for the way back.
    form: Form,
    passphrase: Zeroizing<String>,
    at: Moment,
}

/// A node to be made.
struct Order {
    set_up: SetUp,
    second: Option<NewInvitation>,
    answer: oneshot::Sender<Result<Made, String>>,
}

/// A node was made.
struct Made {
    /// The path of the second administrator's invitation.
    invitation: Option<String>,
}

impl Desk {
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> Reader {
        Reader::new(self.about.zone, self.about.time.now())
    }
}

/// Serves the pages until a node is made, or until `stop`; then there is none.
///
/// # Errors
/// That of the operating system.
pub async fn in_browser(
    about: FirstRun,
    listener: TcpListener,
    certificates: Option<Arc<Certificates>>,
    mut stop: Pin<&mut impl Future<Output = ()>>,
    make: impl AsyncFn(SetUp) -> Result<Arc<Node>, StartError>,
) -> std::io::Result<Option<Arc<Node>>> {
    let link = Link::offer(&about.issuer, &about.link_file, about.time.elapsed())?;
    let (orders, mut ordered) = mpsc::channel(1);
    let listening = Listening { listener, certificates, stays_secure: StaysSecure::of(&about.issuer) };
    let desk = Arc::new(Desk {
        wrong_links: link::wrong_links(Arc::clone(&about.time)),
        address: Address::believing(about.trusted_proxy),
        stage: Mutex::new(Stage::Asking),
        link,
        about,
        orders,
    });
    let shared = actix_web::web::Data::from(Arc::clone(&desk));
    let (stopping, _) = watch::channel(false);
    let routes = move |config: &mut actix_web::web::ServiceConfig| {
        config.app_data(shared.clone());
        pages::routes(config);
    };
    let running = http::start(listening, Lasting::OneRequest, stopping, routes)?;
    tracing::info!(address = %running.addr(), issuer = %desk.about.issuer, set_up = false, "listening");
    let node = loop {
        tokio::select! {
            () = &mut stop => break None,
            order = ordered.recv() => {
                if let Some(order) = order && let Some(node) = desk.fulfil(order, &make).await {
                    break Some(node);
                }
            }
        }
    };
    running.stop().await;
    desk.link.take_back();
    Ok(node)
}

impl Desk {
    /// Makes the node and says so to the page that waits. What becomes of the page makes no difference.
    async fn fulfil(
        &self,
        order: Order,
        make: &impl AsyncFn(SetUp) -> Result<Arc<Node>, StartError>,
    ) -> Option<Arc<Node>> {
        let outcome = make(order.set_up).await;
        let said = match &outcome {
            Ok(node) => {
                *self.stage() = Stage::Made;
                let invitation = match order.second {
                    Some(second) => invite(node, second).await,
                    None => None,
                };
                Ok(Made { invitation })
            }
            Err(error) => {
                tracing::error!(error = error as &dyn std::error::Error, "the node could not be made");
                self.ask_again();
                Err(error.to_string())
            }
        };
        if order.answer.send(said).is_err() {
            tracing::info!("whoever set the node up did not wait for the answer");
        }
        outcome.ok()
    }

    /// Back to the sheet, because nothing was made.
    fn ask_again(&self) {
        let mut stage = self.stage();
        *stage = match std::mem::replace(&mut *stage, Stage::Asking) {
            Stage::Making(drawn) => Stage::Answered(drawn),
            other @ (Stage::Asking | Stage::Answered(_) | Stage::Made) => other,
        };
    }
}

/// The invitation's path; without one the first administrator can make another on the page of people.
async fn invite(node: &Node, second: NewInvitation) -> Option<String> {
    match node.invite(&Administrator::at_the_console(), second).await {
        Ok((_, path)) => Some(path),
        Err(error) => {
            tracing::warn!(%error, "the second administrator could not be invited");
            None
        }
    }
}

/// What the first person may do: everything, because nobody else is there.
const FIRST_ROLES: [Role; 4] = [Role::Administrator, Role::Responder, Role::Dpo, Role::Manager];
