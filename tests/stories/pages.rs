//! Pages in a real browser: accessible, usable by keyboard, at 320 pixels, and with script switched off.

use std::time::Duration;

use domain::exchange::MessageKind;
use domain::incident::costs::{Cost, Kind, Pence, Seen as SeenCost};
use domain::incident::decision::{Ask, NotABreach};
use domain::incident::lessons::{RootCause, Seen};
use domain::incident::telling::{Channel, Communication, Letter};
use domain::incident_type::TypeCode;
use domain::suggestion::Asked;
use domain::values::{IncidentId, LongText, Title};
use fantoccini::Locator;
use server::access::DutyHolder;
use server::documents::register::earlier::template;
use server::node::accounts::REGISTER_DRAFT;
use server::node::costs::Step as CostStep;
use server::node::lessons::{NewOwner, NewPlan, Step};
use server::node::said::NewMessage;
use server::store::queries::directory;
use tests::browser::Browser;
use tests::facts::first_hour;
use tests::judging;
use tests::node::{PASSWORD, Party, World, line, log_request};
use tests::wait::{SOON, until};
use tests::wire::Line;
use tests::{On, both};

// The database makes no difference to a page's markup: one is enough here, and the browser is the slow part.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_accessible_and_fits() {
    accessible(On::Sqlite).await;
}

both!(an_incident_is_logged_by_keyboard_alone, an_incident_is_logged_without_script);

const TAB: &str = "\u{E004}";
const SPACE: &str = " ";
const ENTER: &str = "\u{E007}";
/// Tab stops before a page counts as a trap.
const STOPS_MAX: usize = 200;

/// An operator whose pages have something to show: an overdue clock, a running one, a draft report, a notice received.
async fn furnished(world: &World) -> (Party, String, Vec<String>) {
    let mut operator = world.listening_party("Operator").await;
    let council = world.listening_party("Council").await;
    world.pair(&operator, &council).await;
    operator.arrange(&council, 48).await;
    council.arrange(&operator, 48).await;
    let _second = world.scripted(&operator, "Borough", 24).await;
    world.wire.set(council.issuer(), Line::Down);
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    let assessed = judging::assess(&operator.incident(id).await, Asked::default());
    operator.node.assess(&operator.responder(), id, assessed).await.expect("assessed");
    let reasons = judging::reason("Somebody outside had the mailbox open.");
    operator.decides(id, Ask::ProposeNotABreach { ground: NotABreach::NearMiss, reasons }).await;
    world.pass(Duration::from_secs(50 * 3_600));
    world.settle(&[&operator]).await;
    world.wire.set(council.issuer(), Line::Up);
    let told = council.log(log_request(first_hour("A laptop is missing"), world.now())).await;
    world.settle(&[&operator, &council]).await;
    let notice = operator.only_received().await.id;
    let exchange = operator.incident(id).await.owed[0].exchange;
    asked(world, &operator, &council, told).await;
    learnt(world, &operator, id).await;
    let origin = format!("http://{}", operator.serve());
    let mut paths = register(&operator).await;
    paths.extend(["", "/new", "/1/correct", "/2/strike"].map(|page| format!("/incidents/{id}/costs{page}")));
    paths.extend([
        "/".to_owned(),
        "/wall".to_owned(),
        "/alerts".to_owned(),
        "/incidents".to_owned(),
        "/incidents/new".to_owned(),
        format!("/incidents/{id}"),
        format!("/incidents/{id}/update-facts"),
        format!("/incidents/{id}/correct-awareness"),
        format!("/incidents/{id}/withdraw"),
        format!("/incidents/{id}/report"),
        format!("/incidents/{id}/people"),
        format!("/incidents/{id}/people/letter"),
        format!("/incidents/{id}/people/message"),
        format!("/incidents/{id}/people/told"),
        format!("/incidents/{id}/people/told/1/strike"),
        format!("/incidents/{id}/lessons"),
        format!("/incidents/{id}/lessons/cause"),
        format!("/incidents/{id}/lessons/actions/new"),
        format!("/incidents/{id}/lessons/actions/1/review"),
        "/actions".to_owned(),
        format!("/incidents/{id}/assessment"),
        format!("/incidents/{id}/assess"),
        format!("/incidents/{id}/decision"),
        format!("/incidents/{id}/decision/report"),
        format!("/incidents/{id}/decision/people"),
        format!("/incidents/{id}/close"),
        format!("/exchanges/{exchange}"),
        format!("/exchanges/{exchange}/messages/new"),
        format!("/exchanges/{notice}/messages"),
        "/received".to_owned(),
        format!("/received/{notice}"),
        "/partners".to_owned(),
        "/rota".to_owned(),
        "/account/calendar".to_owned(),
        "/account/calendar/new".to_owned(),
        "/complaints".to_owned(),
        "/complaints/new".to_owned(),
        "/administration/law".to_owned(),
        "/privacy".to_owned(),
        "/accessibility".to_owned(),
        "/no-such-page".to_owned(),
    ]);
    (operator, origin, paths)
}

/// The register, with a filter at fault and an earlier one on its way in.
async fn register(operator: &Party) -> Vec<String> {
    let officer = operator.person("dpo");
    let draft = operator.node.make_form(officer, REGISTER_DRAFT).await.expect("a form");
    let file = template().into_bytes();
    operator.node.keep_draft(officer, draft, REGISTER_DRAFT, file).await.expect("kept");
    vec![
        "/register".to_owned(),
        "/register?state=active&from=2026-03-31&to=2026-03-01".to_owned(),
        "/register/statistics".to_owned(),
        "/register/import".to_owned(),
        format!("/register/import/{draft}"),
    ]
}

/// People were told about the incident, and something was learnt from it.
async fn learnt(world: &World, operator: &Party, id: IncidentId) {
    let text = |text: &str| LongText::parse(text).expect("a text");
    let (reporter, holder, today) = (operator.reporter(), operator.duty_holder(), operator.node.today());
    let letter = Letter {
        heading: Title::parse("Your data and a mailbox that was open").expect("a title"),
        what_happened: text("A mailbox was open to somebody outside."),
        consequences: text("You may get unwanted calls."),
        measures: text("We closed it."),
        advice: text("Be careful with calls that you do not expect."),
        contact: text("The data protection officer, dpo@example.org"),
    };
    operator.node.write_letter(&reporter, id, 0, letter).await.expect("written");
    for channel in [Channel::Letter, Channel::Website] {
        let told =
            Communication { at: world.now(), channel, people: Some(1_140), version: 1, complete: false, note: None };
        operator.node.record_told(&reporter, id, None, told).await.expect("recorded");
    }
    let cause =
        RootCause { kind: TypeCode::from_word("phishing").expect("a type"), words: text("A link was followed.") };
    operator.node.find_cause(&holder, id, 0, cause).await.expect("recorded");
    for what in ["Turn the second factor on.", "Train the case team."] {
        let owner = NewOwner::Role(line("Head of IT"));
        let plan = NewPlan { what: text(what), owner, due_on: today };
        operator.node.add_action(&holder, id, None, plan).await.expect("added");
    }
    let seen = Seen { number: 1, revision: 1 };
    operator.node.step_action(&holder, id, seen, Step::Done(today, text("Ticket 17."))).await.expect("done");
    paid(operator, &holder, id).await;
}

/// It cost something: an amount that was corrected, an estimate, and one that does not stand.
async fn paid(operator: &Party, holder: &DutyHolder, id: IncidentId) {
    let today = operator.node.today();
    for (kind, pence, estimate) in
        [(Kind::OutsideHelp, 432_150, false), (Kind::StaffTime, 125_000, true), (Kind::Penalty, 50_000_000, true)]
    {
        let note = Some(line("Invoice 17."));
        let cost = Cost { kind, pence: Pence::new(pence).expect("an amount"), on: Some(today), estimate, note };
        operator.node.record_cost(holder, id, None, cost).await.expect("recorded");
    }
    let text = |text: &str| LongText::parse(text).expect("a text");
    let counted = Cost {
        kind: Kind::StaffTime,
        pence: Pence::new(98_025).expect("an amount"),
        on: None,
        estimate: true,
        note: None,
    };
    let seen = |number| SeenCost { number, revision: 1 };
    let step = CostStep::Correct(counted, text("The hours of March are counted."));
    operator.node.step_cost(holder, id, seen(2), step).await.expect("corrected");
    let step = CostStep::Strike(text("There will be none."));
    operator.node.step_cost(holder, id, seen(3), step).await.expect("struck out");
}

/// The council asks for help about its case: a duty of the operator's, and something to read.
async fn asked(world: &World, operator: &Party, council: &Party, told: IncidentId) {
    let exchange = council.exchange_with(told, operator).await.id;
    let new = NewMessage {
        form: None,
        kind: MessageKind::AssistanceRequest,
        text: LongText::parse("Please send the access logs of the laptop.").expect("a text"),
        re: None,
        due: Some(world.now().plus_seconds(7_200)),
        received_at: None,
    };
    council.node.say(&council.responder(), exchange, new).await.expect("said");
    world.settle(&[operator, council]).await;
}

/// What only administrators see, and the pages of records.
async fn administration(operator: &Party) -> Vec<String> {
    let known = operator.node.store().read(directory::known).await.expect("the directory");
    let agreement = format!("/agreements/{}", known.agreements[0].id);
    let arrangement = format!("/arrangements/{}", known.arrangements[0].id);
    let service = format!("/services/{}", known.services[0].id);
    let party = format!("/parties/{}", known.parties[0].id);
    let mut paths: Vec<String> = ["/", "/administration", "/agreements", "/services", "/parties", "/import", "/export"]
        .map(str::to_owned)
        .into();
    paths.extend(
        ["/ladders", "/ladders/ico_report", "/ladders/ico_report/repeats", "/ladders/ico_report/built-in"]
            .map(str::to_owned),
    );
    paths.extend(
        ["/ladders/ico_report/steps/0", "/rota", "/rota/weekly", "/rota/once", "/rota/import"].map(str::to_owned),
    );
    paths.extend(["agreements", "arrangements", "services", "parties"].map(|kind| format!("/{kind}/new")));
    paths.extend(
        [&agreement, &arrangement, &service, &party].into_iter().flat_map(|one| [one.clone(), format!("{one}/edit")]),
    );
    paths.extend([format!("{agreement}/move"), format!("{arrangement}/end")]);
    paths
}

/// At 320 and 1280 pixels: no violation, no sideways scrolling, one main heading, a title.
async fn accessible(on: On) {
    let world = World::new(on);
    let (operator, origin, paths) = furnished(&world).await;
    let administration = administration(&operator).await;
    let mut faults = Vec::new();
    for width in [320, 1280] {
        for (mailbox, paths) in [("dpo", &paths), ("administrator", &administration)] {
            let browser = Browser::open(width).await;
            browser.go(&format!("{origin}/sign-in")).await;
            check(&browser, width, "/sign-in", &mut faults).await;
            browser.sign_in(&origin, &operator.email(mailbox), PASSWORD).await;
            arrived(&browser, &origin).await;
            for path in paths {
                browser.go(&format!("{origin}{path}")).await;
                check(&browser, width, path, &mut faults).await;
            }
            browser.close().await;
        }
    }
    assert!(faults.is_empty(), "{} fault(s):\n{}", faults.len(), faults.join("\n"));
}

async fn check(browser: &Browser, width: u32, path: &str, faults: &mut Vec<String>) {
    let violations = browser.violations().await;
    faults.extend(violations.into_iter().map(|violation| format!("{path} at {width}: {violation}")));
    let overflow = browser.overflow().await;
    if overflow > 0 {
        faults.push(format!("{path} at {width}: {overflow} pixels too wide"));
    }
    let headings = browser.script("return [...document.querySelectorAll('h1')].map(h => h.textContent)").await;
    match headings.as_array().map(Vec::as_slice) {
        Some([heading]) if (heading == "Page not found") == (path == "/no-such-page") => {}
        _ => faults.push(format!("{path} at {width}: the main heading is {headings}")),
    }
    if browser.client.title().await.expect("a title").trim().is_empty() {
        faults.push(format!("{path} at {width}: no title"));
    }
}

/// Waits until the browser has left the sign-in page.
async fn arrived(browser: &Browser, origin: &str) {
    until("the home page", SOON, async || {
        let url = browser.client.current_url().await.ok()?;
        (url.as_str() == format!("{origin}/")).then_some(())
    })
    .await;
}

/// Moves the focus with the tab key to the element with this selector.
async fn tab_to(browser: &Browser, selector: &str) {
    for _ in 0..STOPS_MAX {
        browser.press(TAB).await;
        let there = browser.script(&format!("return document.activeElement.matches({selector:?})")).await;
        if there == true {
            let visible = browser.script(
                "const e = document.activeElement, s = getComputedStyle(e);
                 const label = e.labels && e.labels[0] ? getComputedStyle(e.labels[0], '::before') : null;
                 return s.outlineStyle !== 'none' || s.boxShadow !== 'none' || (label && (label.outlineStyle !== 'none' || label.boxShadow !== 'none'))",
            );
            assert_eq!(visible.await, true, "the focus on {selector} can be seen");
            return;
        }
    }
    panic!("{selector} can't be reached by keyboard");
}

/// Tab, space, enter and typing are enough to sign in, fill in the form, check it and log it.
async fn an_incident_is_logged_by_keyboard_alone(on: On) {
    let world = World::new(on);
    let (operator, origin, _) = furnished(&world).await;
    let browser = Browser::open(1280).await;
    browser.go(&format!("{origin}/sign-in")).await;
    tab_to(&browser, "input[type=email]").await;
    browser.press(&operator.email("responder")).await;
    tab_to(&browser, "input[type=password]").await;
    browser.press(PASSWORD).await;
    browser.press(ENTER).await;
    arrived(&browser, &origin).await;
    browser.go(&format!("{origin}/incidents/new")).await;
    tab_to(&browser, "[name=title]").await;
    browser.press("A mailbox was open").await;
    tab_to(&browser, "[name=summary]").await;
    browser.press("A mailbox of the case team was open.").await;
    fill_the_rest(&browser).await;
    tab_to(&browser, "button[name=go][value=continue]").await;
    browser.press(ENTER).await;
    logged(&browser).await;
}

/// The choices of the form, in the order of the page, by keyboard.
async fn fill_the_rest(browser: &Browser) {
    let order = browser
        .script(
            "return [...document.querySelectorAll('[name=kind],[name=services],[name=discovery_method],[name=aware_basis]')]
             .map(e => e.name).filter((n, i, all) => all.indexOf(n) === i)",
        )
        .await;
    for name in order.as_array().expect("names") {
        let name = name.as_str().expect("a name");
        tab_to(browser, &format!("[name={name}]")).await;
        browser.press(if name == "aware_basis" { "The duty engineer saw the log." } else { SPACE }).await;
    }
}

/// From the check page on: log and notify, and see the incident.
async fn logged(browser: &Browser) {
    until("the check page", SOON, async || {
        let heading = browser.client.find(Locator::Css("h1")).await.ok()?.text().await.ok()?;
        (heading == "Check your answers").then_some(())
    })
    .await;
    tab_to(browser, "button[name=go][value=notify]").await;
    browser.press(ENTER).await;
    until("the incident's page", SOON, async || {
        let url = browser.client.current_url().await.ok()?;
        (url.path().starts_with("/incidents/") && !url.path().contains("/new")).then_some(())
    })
    .await;
    let heading = browser.client.find(Locator::Css("h1")).await.expect("a heading").text().await.expect("its text");
    assert!(heading.contains("A mailbox was open"), "{heading}");
}

/// With script switched off the same form works, and clocks are readable.
async fn an_incident_is_logged_without_script(on: On) {
    let world = World::new(on);
    let (operator, origin, _) = furnished(&world).await;
    let browser = Browser::without_script(1280).await;
    browser.sign_in(&origin, &operator.email("responder"), PASSWORD).await;
    arrived(&browser, &origin).await;
    let clock =
        browser.client.find(Locator::Css("[role=timer]")).await.expect("a clock").text().await.expect("its text");
    assert!(clock.chars().any(|c| c.is_ascii_digit()), "a countdown is readable without script: {clock}");
    browser.go(&format!("{origin}/incidents/new")).await;
    for (selector, text) in [
        ("[name=title]", "A mailbox was open"),
        ("[name=summary]", "A mailbox of the case team was open."),
        ("[name=aware_basis]", "The duty engineer saw the log."),
    ] {
        let field = browser.client.find(Locator::Css(selector)).await.expect("a field");
        field.send_keys(text).await.expect("typing");
    }
    for selector in ["[name=kind]", "[name=services]", "[name=discovery_method]"] {
        browser.client.find(Locator::Css(selector)).await.expect("a choice").send_keys(SPACE).await.expect("choosing");
    }
    let button = browser.client.find(Locator::Css("button[name=go][value=continue]")).await.expect("a button");
    button.click().await.expect("pressing");
    until("the check page", SOON, async || {
        let heading = browser.client.find(Locator::Css("h1")).await.ok()?.text().await.ok()?;
        (heading == "Check your answers").then_some(())
    })
    .await;
    let button = browser.client.find(Locator::Css("button[name=go][value=notify]")).await.expect("a button");
    button.click().await.expect("pressing");
    until("the incident's page", SOON, async || {
        let url = browser.client.current_url().await.ok()?;
        (url.path().starts_with("/incidents/") && !url.path().contains("/new")).then_some(())
    })
    .await;
}
