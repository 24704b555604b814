//! The live word: one stream of events per open page, which says that something changed and what duty time it is. Pages
//! tick by themselves in between, so a stream costs one short line now and then.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{self, ContentEncoding};
use actix_web::{HttpRequest, HttpResponse, web};
use domain::values::Moment;
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::page::{Answer, Visit};
use crate::access::Reader;
use crate::access::sessions::{SessionCookie, token_digest};
use crate::node::Node;
use crate::problem::Problem;

/// Open streams at once; one more is told to come back later.
const STREAMS_MAX: usize = 500;
/// A quiet stream says the time so often, which also finds out that nobody listens any more.
const QUIET: Duration = Duration::from_secs(15);
/// Seconds (machine time) after which a stream looks whether its session still stands: one that was ended, or whose person
/// may read no more, hears nothing a minute later.
const SESSION_SECONDS: i64 = 30;
/// Words after which a stream ends; the browser comes back by itself, and that keeps the session of an open page alive.
const WORDS_MAX: u32 = 2_000;

/// What every stream shares.
pub struct Live {
    places: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

impl Live {
    /// Streams end when `stop` turns true.
    #[must_use]
    pub fn new(stop: watch::Receiver<bool>) -> Self {
        Self { places: Arc::new(Semaphore::new(STREAMS_MAX)), stop }
    }
}

struct Listener {
    node: web::Data<Node>,
    changes: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    session: [u8; 32],
    looked_at: Moment,
    said: u32,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    /// Waits until there is something to say, and says it. `None` ends the stream.
    async fn word(mut self) -> Option<(Result<web::Bytes, Infallible>, Self)> {
        if self.said >= WORDS_MAX || *self.stop.borrow() {
            return None;
        }
        let mut event = "time";
        if self.said > 0 {
            tokio::select! {
                changed = self.changes.changed() => {
                    changed.ok()?;
                    event = "change";
                }
                _ = self.stop.wait_for(|stop| *stop) => return None,
                () = tokio::time::sleep(QUIET) => {}
            }
        }
        let elapsed = self.node.time().elapsed();
        if elapsed.seconds_since(self.looked_at) >= SESSION_SECONDS {
            // What can't be known is not told either: the browser asks again.
            let person = self.node.session_person(self.session).await.ok()??;
            Reader::of(&person)?;
            self.looked_at = elapsed;
        }
        self.said += 1;
        let version = *self.changes.borrow_and_update();
        let time = self.node.time();
        let now = time.now().micros() / 1_000;
        let line = format!(
            "event: {event}\nid: {version}\ndata: {{\"version\":{version},\"now\":{now},\"speed\":{}}}\n\n",
            time.speed()
        );
        Some((Ok(web::Bytes::from(line)), self))
    }
}

/// `GET /live`
///
/// # Errors
/// [`Problem::Unavailable`] when too many pages are open.
pub async fn listen(visit: Visit, live: web::Data<Live>, request: HttpRequest) -> Answer {
    let place = Arc::clone(&live.places).try_acquire_owned().map_err(|_| Problem::Unavailable(None))?;
    let cookie = request.cookie(SessionCookie::of(visit.node.issuer()).name()).ok_or(Problem::SignInNeeded)?;
    let listener = Listener {
        changes: visit.node.live(),
        session: token_digest(cookie.value()).ok_or(Problem::SignInNeeded)?,
        looked_at: visit.node.time().elapsed(),
        node: visit.node,
        stop: live.stop.clone(),
        said: 0,
        _place: place,
    };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("X-Accel-Buffering", "no"))
        .insert_header(ContentEncoding::Identity)
        .streaming(stream::unfold(listener, Listener::word)))
}
