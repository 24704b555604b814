//! What a page refuses for security goes on the record: a role too low, a form that is not the session's own, a request
//! made by another site. Who asks is known by their session; of the request only the kind of address is kept.

use actix_web::{FromRequest as _, HttpRequest};
use serde_json::json;

use super::page::{self, Anyone};
use crate::problem::Problem;

/// Puts a problem on the record, if it is a refusal for security.
pub(super) async fn record(request: &HttpRequest, problem: &Problem) {
    let (what, needs) = if let Problem::NotAllowed(who) = problem {
        ("role_too_low", *who)
    } else if matches!(problem, Problem::FormExpired) {
        ("form_not_own", "")
    } else if matches!(problem, Problem::CrossSite) {
        ("other_site", "")
    } else {
        return;
    };
    let Ok(node) = page::node_of(request) else { return };
    // Whoever's browser another site used did not ask for it.
    let visit = if matches!(problem, Problem::CrossSite) { None } else { Anyone::extract(request).await.ok() };
    let by = visit.map(|Anyone(visit)| visit.person.themselves());
    // The pattern, never the address itself: an address may hold a secret.
    let page = request.match_pattern().unwrap_or_default();
    let about = json!({ "method": request.method().as_str(), "page": page, "needs": needs });
    node.record_refusal(by, what, about).await;
}
