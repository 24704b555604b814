//! The pages of a joint decision in a real browser.

use domain::arrangement::Lead;
use server::node::LogRequest;
use server::node::joint::{Considered, NewDecision};
use tests::On;
use tests::browser::Browser;
use tests::facts::first_hour;
use tests::node::{PASSWORD, World, log_request};

use super::{Case, HOUR, REFERENCE, decision, long};

/// High enough for a whole page in one picture.
const HEIGHT: u32 = 2_200;

/// Aim: the pages of a joint decision pass the checks of accessibility and fit at 320 pixels, with something on each.
// The database makes no difference to a page's markup: one is enough here, and the browser is the slow part.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joint_pages_are_accessible_and_fit() {
    let world = World::new(On::Sqlite);
    let mut case = Case::told(&world).await;
    let own = log_request(first_hour("The operator's mailbox was open"), world.now());
    let own = case.council.log(LogRequest { from_exchange: Some(case.theirs), ..own }).await;
    let (officer, id) = (case.operator.dpo(), case.incident);
    let due = Some(world.now().plus_seconds(5 * HOUR));
    case.operator.node.ask_views(&officer, None, id, long("Is a risk likely, and why?"), due).await.expect("asked");
    case.settle(&world).await;
    let request = case.council.exchange(case.theirs).await.said[0].message;
    let by = case.council.responder();
    let view =
        long("We think so. The mailbox held letters about people\u{2019}s health, and it was open for two days.");
    case.council.node.give_view(&by, case.theirs, request, view).await.expect("given");
    case.settle(&world).await;
    let all = Considered::AllBy(world.now());
    let decision_of = |reports| NewDecision { reports, considered: all.clone(), ..decision() };
    case.operator.node.decide_jointly(&officer, None, id, decision_of(None)).await.expect("decided");
    case.operator.node.decide_jointly(&officer, None, id, decision_of(Some(Lead::Us))).await.expect("decided");
    case.file(&world, Some(REFERENCE)).await;
    let filing = case.council.exchange(case.theirs).await.filings[0].message;
    let operator_pages = [
        format!("/incidents/{id}/joint"),
        format!("/incidents/{id}/joint/lead"),
        format!("/incidents/{id}/joint/ask"),
        format!("/incidents/{id}/joint/decide"),
    ];
    let council_pages = [
        "/".to_owned(),
        format!("/incidents/{own}"),
        format!("/incidents/{own}/joint"),
        format!("/incidents/{own}/report"),
        format!("/exchanges/{}/rely/{filing}", case.theirs),
    ];
    let borough_pages = [format!("/received/{}", case.boroughs)];
    let parties = [
        (format!("http://{}", case.operator.serve()), case.operator.email("dpo"), operator_pages.to_vec()),
        (format!("http://{}", case.council.serve()), case.council.email("dpo"), council_pages.to_vec()),
        (format!("http://{}", case.borough.serve()), case.borough.email("dpo"), borough_pages.to_vec()),
    ];
    for width in [1_280, 320] {
        let browser = Browser::open_sized(width, HEIGHT).await;
        for (origin, email, paths) in &parties {
            browser.client.delete_all_cookies().await.expect("nobody signed in");
            browser.sign_in(origin, email, PASSWORD).await;
            for path in paths {
                browser.go(&format!("{origin}{path}")).await;
                let violations = browser.violations().await;
                assert!(violations.is_empty(), "{path} at {width}: {violations:?}");
                assert_eq!(browser.overflow().await, 0, "{path} at {width} scrolls sideways");
                keep(&browser, path, width).await;
            }
        }
        browser.close().await;
    }
}

/// Pictures to look at, when somebody asks for them.
async fn keep(browser: &Browser, path: &str, width: u32) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    if !folder.is_dir() {
        return;
    }
    let name: String = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let picture = browser.client.screenshot().await.expect("a screenshot");
    std::fs::write(folder.join(format!("joint{name}-{width}.png")), picture).expect("kept");
}
