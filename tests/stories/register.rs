//! The register: what happens shows in it by itself, an earlier one is taken over, and what it holds is counted and taken away.

use std::time::Duration;

use domain::directory::{Directory, Party as PartyRecord};
use domain::facts::{Cause, Facts};
use domain::incident::decision::{Ask, People};
use domain::incident::lessons::RootCause;
use domain::incident_type::TypeCode;
use domain::values::{Known, LongText, Role, ServiceId};
use serde_json::Value;
use server::node::LogRequest;
use server::node::views::NewPerson;
use tests::facts::first_hour;
use tests::judging;
use tests::node::{PASSWORD, Party, World, line, log_request};
use tests::visitor::{Answer, Visitor};
use tests::{On, both};

use super::printed::poppler;

both!(
    what_happens_is_in_the_register,
    what_is_decided_and_learnt_is_counted,
    an_earlier_register_is_taken_over_whole_or_not_at_all,
    what_is_known_already_is_said,
    filters_are_kept_and_tables_taken_away,
    counts_are_of_years_that_are_over,
    a_service_is_told_alike_everywhere,
    a_text_that_fits_too_many_partners_is_refused,
    roles_read_what_they_may,
    nobody_forgets_what_somebody_else_keeps,
    nonsense_has_clear_answers,
    pages_go_on_where_they_stopped,
);

/// An operator with one council, an incident that was told late, a drill, and a notice of the council's.
async fn furnished(world: &World) -> (Party, Party) {
    let mut operator = world.listening_party("Operator").await;
    let council = world.listening_party("Council").await;
    world.pair(&operator, &council).await;
    operator.arrange(&council, 48).await;
    council.arrange(&operator, 48).await;
    let facts = Facts { cause: Known::Known(Cause::ExternalMalicious), ..first_hour("A mailbox was open") };
    operator.log(log_request(facts, world.now())).await;
    world.pass(Duration::from_secs(20 * 60));
    world.settle(&[&operator, &council]).await;
    let drill = LogRequest { exercise: true, ..log_request(first_hour("Only a drill"), world.now()) };
    operator.log(drill).await;
    council.log(log_request(first_hour("A laptop is missing"), world.now())).await;
    world.settle(&[&operator, &council]).await;
    operator.serve();
    (operator, council)
}

async fn visitor(operator: &Party, mailbox: &str) -> Visitor {
    Visitor::signed_in(
        operator.issuer().trim_start_matches("http://").parse().expect("an address"),
        &operator.email(mailbox),
        PASSWORD,
    )
    .await
}

/// Sends a form with its hidden fields and these.
async fn send(visitor: &mut Visitor, answer: &Answer, button: &str, more: &[(&str, &str)]) -> Answer {
    let page = answer.page();
    let form = page.form(button);
    let action = form.attribute("action").expect("where it goes").to_owned();
    let mut fields = form.fields();
    for (name, value) in more {
        fields.retain(|(known, _)| known != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    visitor.post(&action, &fields).await
}

/// Sends a file, as the form of the import page does.
async fn send_file(visitor: &mut Visitor, text: &str) -> Answer {
    let page = visitor.get("/register/import").await.page();
    let csrf = page
        .form("Look at what it would add")
        .fields()
        .into_iter()
        .find(|(name, _)| name == "csrf")
        .expect("a secret")
        .1;
    let part =
        |name: &str, value: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let body = part("csrf", &csrf) + &part("file", text) + "--x--\r\n";
    let headers = [("Content-Type", "multipart/form-data; boundary=x"), ("Sec-Fetch-Site", "same-origin")];
    visitor.send("POST", "/register/import", &headers, body.as_bytes()).await.expect("an answer")
}

/// A logged incident, a drill and a notice are lines at once; drills are shown when they are asked for and count for nothing.
async fn what_happens_is_in_the_register(on: On) {
    let world = World::new(on);
    let (operator, council) = furnished(&world).await;
    let mut auditor = visitor(&operator, "auditor").await;
    let page = auditor.get("/register").await.page();
    let text = page.text();
    assert!(text.contains("A mailbox was open") && text.contains("Notice from Council"), "{text}");
    assert!(!text.contains("Only a drill") && text.contains("2 entries"), "{text}");
    let drills = auditor.get("/register?exercise=only").await.page().text();
    assert!(drills.contains("Only a drill") && drills.contains("EXERCISE") && drills.contains("1 entry"), "{drills}");
    let none = auditor.get("/register?cause=internal_malicious").await.page().text();
    assert!(none.contains("No entry is like that"), "{none}");
    let wrong = auditor.get("/register?from-day=31&from-month=2&from-year=2026").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text().contains("Give the first day as a real date"));

    let statistics = auditor.get("/register/statistics").await.page();
    let text = statistics.text();
    assert!(text.contains("1 of 1 in time") && text.contains("up to 30 minutes"), "{text}");
    assert!(text.contains("Done on purpose by somebody outside") && text.contains("62 %, Q1 2024"), "{text}");
    assert!(statistics.all("svg").iter().filter(|svg| svg.role() == "img").count() >= 4);
    let import = auditor.get("/register/import").await;
    assert_eq!(import.status, 403, "an auditor changes nothing");

    // The notice that an incident takes over is no line of its own any more.
    let mut responder = visitor(&operator, "responder").await;
    let received = operator.only_received().await;
    let told = LogRequest { from_exchange: Some(received.id), ..log_request(first_hour("Ours too"), world.now()) };
    operator.log(told).await;
    let text = responder.get("/register").await.page().text();
    assert!(text.contains("Ours too") && !text.contains("Notice from Council"), "{text}");
    drop(council);
    let (kept, rebuilt) = operator.rebuilt(on).await;
    assert!(kept == rebuilt, "the register is made again from the entries");
}

/// A decision and a root cause show in the line and in the figures; drills in neither figure.
async fn what_is_decided_and_learnt_is_counted(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    operator.serve();
    let phishing = TypeCode::from_word("phishing").expect("a type");
    for (exercise, ask) in [
        (false, Ask::Report { reasons: judging::reason("Somebody read it.") }),
        (true, Ask::Report { reasons: judging::reason("Only a drill.") }),
        (false, Ask::People { people: People::RiskNotHigh, reasons: judging::reason("Nothing of weight.") }),
    ] {
        let logged = LogRequest { exercise, ..log_request(first_hour("A link was followed"), world.now()) };
        let id = operator.log(logged).await;
        operator.decides(id, ask).await;
        let words = LongText::parse("A link was followed.").expect("a text");
        let cause = RootCause { kind: phishing.clone(), words };
        operator.node.find_cause(&operator.duty_holder(), id, 0, cause).await.expect("recorded");
    }
    let mut auditor = visitor(&operator, "auditor").await;
    let listed = auditor.get("/register?type=phishing&exercise=all").await.page().text();
    assert!(listed.contains("3 entries") && listed.contains(phishing.label()), "{listed}");
    assert!(auditor.get("/register?type=human_error").await.page().text().contains("Choose a type from the list"));
    let text = auditor.get("/register/statistics").await.page().text();
    for said in [
        "To report to the ICO 1 100 %",
        "They need not be told: the risk to them is not high 1 100 %",
        &format!("{} 2 100 %", phishing.label()),
        "In no incident were the people affected told.",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let program = operator.api_token().await;
    let address = operator.issuer().trim_start_matches("http://").parse().expect("an address");
    let told = Visitor::with_token(address, &program).get("/api/v1/register/statistics").await.json();
    assert_eq!(told["decided"][0]["count"].as_u64(), Some(1), "{told}");
    let (kept, rebuilt) = operator.rebuilt(on).await;
    assert!(kept == rebuilt, "the register is made again from the entries");
}

const EARLIER: &str = "reference,title,aware_at,kind,state,cause,data_categories,people,services,reported_to_ico,reported_at\r\n\
    DB-1,Letter astray,2025-05-14 09:30,breach,closed,internal_accidental,basic_identifiers,3,,no,\r\n\
    DB-2,\"Stick, lost\",2025-06-03 18:05,breach,closed,internal_accidental,health; basic_identifiers,40,,yes,2025-06-07 11:00\r\n\
    DB-3,Nearly,2025-07-01,likely_to_give_rise,not_a_breach,,,,,,\r\n";

/// One broken row stops a whole file and is named; a good one is shown, taken over once, starts no clock and tells nobody.
async fn an_earlier_register_is_taken_over_whole_or_not_at_all(on: On) {
    let world = World::new(on);
    let (operator, council) = furnished(&world).await;
    let mut officer = visitor(&operator, "dpo").await;
    let template = officer.get("/register/import/template").await;
    assert!(template.header("content-type").is_some_and(|kind| kind.starts_with("text/csv")));
    assert_eq!(send_file(&mut officer, &template.text()).await.status, 303, "the template is itself good");

    let broken = EARLIER.replace("Stick, lost\",2025-06-03", "Stick, lost\",2025-06-33").replace(",40,", ",forty,");
    let refused = send_file(&mut officer, &broken).await;
    assert_eq!(refused.status, 422);
    let text = refused.page().text();
    assert!(text.contains("mend the 2 rows") && text.contains("aware_at") && text.contains("people"), "{text}");
    let ours = EARLIER.replace("DB-3", "TC-2026-0001");
    let text = send_file(&mut officer, &ours).await.page().text();
    assert!(text.contains("This node gives such references itself"), "{text}");
    let future = EARLIER.replace("2025-07-01", "2031-07-01");
    assert!(send_file(&mut officer, &future).await.page().text().contains("dated in the future"));
    assert!(officer.get("/register?source=imported").await.page().text().contains("No entry is like that"));

    let before = (officer.get("/clocks/list").await.page().text(), council.received().await.len());
    let shown = send_file(&mut officer, EARLIER).await;
    assert_eq!(shown.status, 303);
    let preview = officer.get(shown.header("location").expect("the preview")).await;
    assert!(preview.page().text().contains("3 to take over, 0 taken over before"));
    let forged = send(&mut officer, &preview, "Take them over", &[("plan", "AAAA"), ("go", "import")]).await;
    assert_eq!(forged.status, 422, "only what was shown is taken over");
    let done = send(&mut officer, &preview, "Take them over", &[("go", "import")]).await;
    assert_eq!(done.status, 303, "{}", done.text());
    let text = officer.get("/register?source=imported").await.page().text();
    assert!(text.contains("3 entries") && text.contains("Reported later") && text.contains("Not a breach"), "{text}");
    world.settle(&[&operator, &council]).await;
    let after = (officer.get("/clocks/list").await.page().text(), council.received().await.len());
    assert_eq!(after, before, "no clock started, nobody was told");

    // The same file again has nothing to add.
    let again = send_file(&mut officer, EARLIER).await;
    let preview = officer.get(again.header("location").expect("the preview")).await.page().text();
    assert!(
        preview.contains("0 to take over, 3 taken over before") && !preview.contains("Take them over"),
        "{preview}"
    );
    // One more row in it: what is known stays, the new one comes in.
    let longer = format!("{EARLIER}DB-4,Another,2025-08-01,breach,closed,,,,,,\r\n");
    let shown = send_file(&mut officer, &longer).await;
    let preview = officer.get(shown.header("location").expect("the preview")).await;
    assert!(preview.page().text().contains("1 to take over, 3 taken over before"), "{}", preview.page().text());
    assert_eq!(send(&mut officer, &preview, "Take them over", &[("go", "import")]).await.status, 303);
    let twice = send(&mut officer, &preview, "Take them over", &[("go", "import")]).await;
    assert_eq!(twice.status, 303, "sent twice it adds nothing more");
    let text = officer.get("/register?source=imported").await.page().text();
    assert!(text.contains("4 entries") && text.contains("Another"), "{text}");
    let statistics = officer.get("/register/statistics?period=2025").await.page().text();
    assert!(statistics.contains("0 of 1 within 72 hours") && statistics.contains("Health data"), "{statistics}");
    operator.verify_ledger().await;
    let (kept, rebuilt) = operator.rebuilt(on).await;
    assert!(kept == rebuilt);
}

/// Takes a file over that is good.
async fn take_over(officer: &mut Visitor, file: &str) {
    let shown = send_file(officer, file).await;
    let preview = officer.get(shown.header("location").expect("the preview")).await;
    assert_eq!(send(officer, &preview, "Take them over", &[("go", "import")]).await.status, 303);
}

/// Lines that are in the register already are listed; one that says something else than the register is at fault, because it
/// would change nothing.
async fn what_is_known_already_is_said(on: On) {
    let world = World::new(on);
    let (operator, _council) = furnished(&world).await;
    let mut officer = visitor(&operator, "dpo").await;
    take_over(&mut officer, EARLIER).await;
    let again = send_file(&mut officer, &EARLIER.replace("DB-1", "db-1")).await;
    let preview = officer.get(again.header("location").expect("the preview")).await.page().text();
    assert!(preview.contains("Line 2: db-1") && preview.contains("Line 4: DB-3"), "{preview}");
    for (from, to, column) in [
        ("Letter astray", "Letter gone", "title"),
        ("2025-05-14 09:30", "2025-05-14 09:31", "aware_at"),
        ("likely_to_give_rise", "breach", "kind"),
    ] {
        let refused = send_file(&mut officer, &EARLIER.replace(from, to)).await;
        let text = refused.page().text();
        let says = format!("This reference was taken over before with another {column}, and stays as it is");
        assert!(refused.status == 422 && text.contains(&says) && text.contains("mend the row"), "{text}");
    }
    let text = officer.get("/register?source=imported").await.page().text();
    assert!(text.contains("3 entries") && !text.contains("Letter gone"), "{text}");
}

/// Counts leave for years that are over and no others, because two files of a running year tell by subtraction what each
/// leaves out; and those under five stay here.
async fn counts_are_of_years_that_are_over(on: On) {
    let world = World::new(on);
    let (operator, _council) = furnished(&world).await;
    let mut officer = visitor(&operator, "dpo").await;
    take_over(&mut officer, EARLIER).await;
    let statistics = officer.get("/register/statistics").await;
    let html = statistics.text();
    let years = html.split("name=\"year\"").nth(1).and_then(|rest| rest.split("</select>").next()).expect("years");
    assert!(years.contains("2025") && !years.contains("2026"), "{years}");
    let button = "Download the counts (CSV)";
    for year in ["2026", "2027", "all", ""] {
        let refused = send(&mut officer, &statistics, button, &[("year", year)]).await;
        let text = refused.page().text();
        assert!(refused.status == 422 && text.contains("Choose a year that is over"), "{year}: {text}");
    }
    assert!(!operator.everything_readable().await.contains("register_counts_exported"), "nothing was taken");
    let counts = send(&mut officer, &statistics, button, &[("year", "2025")]).await.text();
    assert!(counts.starts_with("cause \\ people affected,") && counts.contains(",c"), "{counts}");
    let told = |line: &str| line.chars().any(|letter| ('1'..='4').contains(&letter));
    assert!(!counts.lines().skip(1).any(told), "nobody can be found: {counts}");

    let token = operator.api_token().await;
    let address = operator.issuer().trim_start_matches("http://").parse().expect("an address");
    let mut program = Visitor::with_token(address, &token);
    for query in ["", "?year=2026", "?year=all"] {
        let refused = program.get(&format!("/api/v1/register/counts{query}")).await;
        assert_eq!((refused.status, refused.json()["errors"][0]["field"].as_str()), (422, Some("year")), "{query}");
    }
    assert_eq!(program.get("/api/v1/register/counts?year=2025").await.text(), counts);
}

/// The incidents of a service are the same in a person's file and in a program's.
async fn a_service_is_told_alike_everywhere(on: On) {
    let world = World::new(on);
    let (operator, _council) = furnished(&world).await;
    let logged =
        LogRequest { services: operator.services(), ..log_request(first_hour("A link was followed"), world.now()) };
    let incident = operator.log(logged).await;
    let service: ServiceId = *operator.services().iter().next().expect("a service");
    let mut auditor = visitor(&operator, "auditor").await;
    let page = auditor.get(&format!("/register?service={service}")).await;
    let taken: Value = send(&mut auditor, &page, "Assessment (JSON)", &[("format", "json")]).await.json();
    assert_eq!(
        (taken["whole"].as_bool(), taken["lines"][0]["title"].as_str()),
        (Some(true), Some("A link was followed"))
    );
    let token = operator.api_token().await;
    let address = operator.issuer().trim_start_matches("http://").parse().expect("an address");
    let mut program = Visitor::with_token(address, &token);
    assert_eq!(program.get(&format!("/api/v1/services/{service}/incidents")).await.json(), taken);
    assert_eq!(
        program.get(&format!("/api/v1/services/{incident}/incidents")).await.status,
        404,
        "no service has this id"
    );
}

/// A text that fits the names of more partners than are looked for is refused at its field, on the page, in files and for
/// programs: a part of the lines never passes for all of them.
async fn a_text_that_fits_too_many_partners_is_refused(on: On) {
    let world = World::new(on);
    let (operator, _council) = furnished(&world).await;
    let school =
        |n: u32| PartyRecord::named(format!("school-{n}").parse().expect("a key"), line(&format!("School {n}")));
    let schools = Directory { parties: (1..=21).map(school).collect(), ..Directory::default() };
    operator.node.import_directory(&operator.administrator(), schools).await.expect("taken");
    let says = "This fits the names of more than 20 partners: type more of the name";
    let mut auditor = visitor(&operator, "auditor").await;
    let refused = auditor.get("/register?text=school").await;
    let text = refused.page().text();
    assert!(refused.status == 422 && text.contains(says) && !text.contains("No entry is like that"), "{text}");
    let narrower = auditor.get("/register?text=school%201").await;
    assert!(narrower.status == 200 && narrower.page().text().contains("No entry is like that"));
    let all = auditor.get("/register").await;
    for format in ["csv", "json", "xlsx", "pdf"] {
        let refused = send(&mut auditor, &all, "CSV", &[("format", format), ("query", "text=school")]).await;
        assert!(refused.status == 400 && refused.text().contains("more than 20 partners"), "{format}");
    }
    let token = operator.api_token().await;
    let address = operator.issuer().trim_start_matches("http://").parse().expect("an address");
    let mut program = Visitor::with_token(address, &token);
    for path in ["/register", "/register/export", "/register.pdf"] {
        let refused = program.get(&format!("/api/v1{path}?text=school")).await;
        assert_eq!((refused.status, refused.json()["errors"][0]["field"].as_str()), (422, Some("text")), "{path}");
    }
}

/// A filter gets a name; everything it shows leaves as CSV, JSON and XLSX, with who took it on the record; programs get the
/// same.
async fn filters_are_kept_and_tables_taken_away(on: On) {
    let world = World::new(on);
    let (operator, _council) = furnished(&world).await;
    let planted =
        LogRequest { services: operator.services(), ..log_request(first_hour("=HYPERLINK(\"x\")"), world.now()) };
    operator.log(planted).await;
    let mut officer = visitor(&operator, "dpo").await;
    let filtered = officer.get("/register?kind=breach&exercise=all").await;
    let kept = send(&mut officer, &filtered, "Keep it", &[("name", "All breaches"), ("shared", "yes")]).await;
    assert_eq!(kept.status, 303, "{}", kept.text());
    let mut auditor = visitor(&operator, "auditor").await;
    let page = auditor.get("/register").await;
    assert_eq!(page.page().link("All breaches").attribute("href"), Some("/register?kind=breach&exercise=all"));
    let nameless = send(&mut officer, &filtered, "Keep it", &[("name", " ")]).await;
    assert_eq!(nameless.status, 422);

    let all = auditor.get("/register?exercise=all").await;
    let csv = send(&mut auditor, &all, "CSV", &[("format", "csv")]).await.text();
    assert!(csv.starts_with("reference,exercise,source,title,") && csv.contains("\"'=HYPERLINK(\"\"x\"\")\""), "{csv}");
    assert_eq!((csv.lines().count(), csv.matches(",EXERCISE,").count()), (5, 1), "{csv}");
    let json: Value = send(&mut auditor, &all, "CSV", &[("format", "json")]).await.json();
    assert_eq!(json["entries"].as_array().map(Vec::len), Some(4));
    let entries = json["entries"].as_array().expect("entries");
    assert!(entries.iter().any(|entry| entry["data_categories"][0] == "basic_identifiers"), "{json}");
    let sheet = send(&mut auditor, &all, "CSV", &[("format", "xlsx")]).await;
    assert!(
        sheet.body.starts_with(b"PK") && sheet.header("content-disposition").is_some_and(|name| name.contains(".xlsx"))
    );
    printed(&mut auditor, &all).await;
    let statistics = auditor.get("/register/statistics").await;
    let counts = send(&mut auditor, &statistics, "Download the counts (CSV)", &[("year", "2025")]).await.text();
    assert!(counts.starts_with("cause \\ people affected,"), "{counts}");

    let service: ServiceId = *operator.services().iter().next().expect("a service");
    let of_service = auditor.get(&format!("/register?service={service}")).await;
    let assessment: Value = send(&mut auditor, &of_service, "Assessment (JSON)", &[("format", "json")]).await.json();
    assert!(
        assessment["lines"][0]["measures"][0].as_str().is_some_and(|told| told.contains("password")),
        "{assessment}"
    );
    let record = operator.everything_readable().await;
    for noted in ["register_exported", "register_counts_exported", "service_incidents_exported"] {
        assert!(record.contains(noted), "{noted} is on the record");
    }

    let token = operator.api_token().await;
    let mut program =
        Visitor::with_token(operator.issuer().trim_start_matches("http://").parse().expect("an address"), &token);
    let listed = program.get("/api/v1/register?limit=2&exercise=all").await.json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
    let next = listed["next"].as_str().expect("a next page");
    let rest = program.get(&format!("/api/v1/register?limit=50&exercise=all&after={next}")).await.json();
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(2));
    let wrong = program.get("/api/v1/register?state=gone").await;
    assert_eq!(
        (wrong.status, wrong.json()["errors"][0]["field"].as_str().map(str::to_owned)),
        (422, Some("state".to_owned()))
    );
    let told = program.get("/api/v1/register/statistics").await.json();
    assert_eq!((told["notices"]["in_time"].as_u64(), told["benchmarks"][0]["theirs"].as_str()), (Some(1), Some("62")));
}

/// The same on paper: a drill among others is marked in its line, nothing but drills on every page.
async fn printed(auditor: &mut Visitor, all: &Answer) {
    let pdf = send(auditor, all, "CSV", &[("format", "pdf")]).await;
    assert_eq!((pdf.status, pdf.header("content-type")), (200, Some("application/pdf")));
    let words = poppler("pdftotext", &["-layout"], &pdf.body);
    assert!(
        words.contains("TC-2026-0002") && words.contains("EXERCISE") && words.contains("4, which is all"),
        "{words}"
    );
    assert!(!words.contains("This is an exercise."), "{words}");
    let drills = auditor.get("/register?exercise=only").await;
    let pdf = send(auditor, &drills, "CSV", &[("format", "pdf")]).await;
    assert!(poppler("pdftotext", &["-layout"], &pdf.body).contains("This is an exercise."));
}

/// Whoever may only report something reads nothing of it; a manager reads it all and takes nothing over.
async fn roles_read_what_they_may(on: On) {
    let world = World::new(on);
    let (operator, _council) = furnished(&world).await;
    let employee = NewPerson {
        name: line("N. Newcomer"),
        email: line(&operator.email("employee")),
        password: PASSWORD.to_owned(),
        roles: vec![Role::Reporter],
    };
    operator.node.add_person(&operator.administrator(), employee).await.expect("an account");
    let mut employee = visitor(&operator, "employee").await;
    let own = employee.get("/").await.page().form("Sign out").fields();
    for path in ["/register", "/register/statistics", "/register/import", "/register/import/template"] {
        assert_eq!(employee.get(path).await.status, 403, "{path}");
    }
    let service = operator.services().iter().next().copied().expect("a service");
    let of_service = format!("/services/{service}/incidents");
    for path in ["/register/export", "/register/statistics/counts", "/register/views", of_service.as_str()] {
        assert_eq!(employee.post(path, &own).await.status, 403, "{path}");
    }

    let mut manager = visitor(&operator, "manager").await;
    let page = manager.get("/register?exercise=all").await;
    assert!(page.page().text().contains("3 entries") && !page.text().contains("/register/import"));
    assert_eq!(send(&mut manager, &page, "CSV", &[("format", "csv")]).await.status, 200);
    for path in ["/register/import", "/register/import/template"] {
        assert_eq!(manager.get(path).await.status, 403, "{path}");
    }
}

/// A kept filter of somebody else is neither seen nor forgotten, unless it is for everybody and one administers.
async fn nobody_forgets_what_somebody_else_keeps(on: On) {
    let world = World::new(on);
    let (operator, _council) = furnished(&world).await;
    let mut manager = visitor(&operator, "manager").await;
    let mut officer = visitor(&operator, "dpo").await;
    for (name, shared) in [("Of my own", "no"), ("For all", "yes")] {
        let filtered = officer.get("/register?kind=breach").await;
        let kept = send(&mut officer, &filtered, "Keep it", &[("name", name), ("shared", shared)]).await;
        assert_eq!(kept.status, 303, "{}", kept.text());
    }
    let forget = |page: &Answer| -> Vec<String> {
        let forms = page.page();
        let actions = forms.all("form").into_iter().filter_map(|form| form.attribute("action").map(str::to_owned));
        actions.filter(|action| action.ends_with("/forget")).collect()
    };
    let officers = forget(&officer.get("/register").await);
    assert_eq!(officers.len(), 2);
    let seen = manager.get("/register").await;
    assert!(seen.text().contains("For all") && !seen.text().contains("Of my own") && forget(&seen).is_empty());
    let own = seen.page().form("Sign out").fields();
    for action in &officers {
        assert_eq!(manager.post(action, &own).await.status, 404);
    }
    assert_eq!(forget(&officer.get("/register").await), officers, "nobody else forgets them");
    let mut administrator = visitor(&operator, "administrator").await;
    let seen = administrator.get("/register").await;
    assert_eq!(forget(&seen).len(), 1, "the one for all");
    let own = seen.page().form("Sign out").fields();
    for action in &officers {
        administrator.post(action, &own).await;
    }
    let left = officer.get("/register").await.text();
    assert!(left.contains("Of my own") && !left.contains("For all"), "{left}");
}

/// What is no filter, no file and no entry is named, and nothing of it gets in.
async fn nonsense_has_clear_answers(on: On) {
    let world = World::new(on);
    let (operator, _council) = furnished(&world).await;
    let mut officer = visitor(&operator, "dpo").await;
    let long = format!("/register?text={}", "x".repeat(101));
    for (path, says) in [
        ("/register?state=gone", "Choose a state from the list"),
        ("/register?kind=%3Cscript%3Ealert(1)%3C/script%3E", "Choose a kind from the list"),
        ("/register?category=%27;DROP%20TABLE%20register;--", "Choose a category from the list"),
        ("/register?partner=1&service=%00", "Choose a service from the list"),
        ("/register?from=99999-99-99", "Give the first day as a real date"),
        ("/register?to-day=x&to-month=&to-year=2026", "Give the last day as a real date"),
        ("/register?from=2026-03-02&to=2026-03-01", "Give a last day that is not before the first"),
        ("/register?exercise=perhaps", "Choose no, only or all"),
        (long.as_str(), "Shorten the text to 100 characters"),
    ] {
        let answer = officer.get(path).await;
        assert!(answer.status == 422 && answer.page().text().contains(says), "{path}: {}", answer.page().text());
        assert!(!answer.text().contains("<script>alert"), "{path}");
    }
    for path in ["/register?text=%00", "/register?text=%25_%27", "/register?text=%FF%FE"] {
        let answer = officer.get(path).await;
        assert!(answer.status == 200 && answer.page().text().contains("No entry is like that"), "{path}");
    }
    for path in ["/register?before=zzz", "/register?before=9223372036854775807.x", "/register?period=1"] {
        assert_eq!(officer.get(path).await.status, 200, "{path}");
    }
    assert_eq!(officer.get("/register/statistics?period=yesterday").await.status, 400);
    let statistics = officer.get("/register/statistics").await;
    let overlapping = send(&mut officer, &statistics, "Download the counts (CSV)", &[("year", "all")]).await;
    assert_eq!(overlapping.status, 422, "files that overlap tell by subtraction what each leaves out");

    let bad = |title: &str, reference: &str| EARLIER.replace("Letter astray", title).replace("DB-3", reference);
    for (file, says) in [
        (bad(&"x".repeat(200_000), "DB-3"), "title"),
        (bad("Fine", "db-1"), "line 2 has this one too"),
        (bad("Fine\u{202e}enif", "DB-3"), "title"),
        (bad("Not\u{fffd}read", "DB-3"), "Save it as CSV in UTF-8"),
        (EARLIER.replace(',', ";"), "Save it as CSV with commas"),
        ("\u{0}\u{1}".repeat(1_000), "There is no column"),
    ] {
        let refused = send_file(&mut officer, &file).await;
        assert!(refused.status == 422 && refused.page().text().contains(says), "{}", refused.page().text());
        assert!(refused.body.len() < 100_000, "the file is not sent back");
    }
    assert!(officer.get("/register?source=imported").await.page().text().contains("No entry is like that"));
}

/// Page follows page by the place of the last line, whatever happens in between: no line twice, none left out.
async fn pages_go_on_where_they_stopped(on: On) {
    let world = World::new(on);
    let (operator, _council) = furnished(&world).await;
    let mut officer = visitor(&operator, "dpo").await;
    let mut file = "reference,title,aware_at\r\n".to_owned();
    // Many on the same instant: the id tells them apart.
    for n in 0..70 {
        file.push_str(&format!("R-{n:02},Entry {n},2025-05-{:02}\r\n", 1 + n / 20));
    }
    let shown = send_file(&mut officer, &file).await;
    let preview = officer.get(shown.header("location").expect("the preview")).await;
    assert_eq!(send(&mut officer, &preview, "Take them over", &[("go", "import")]).await.status, 303);
    let mine = |page: &Answer| -> Vec<String> {
        let words = page.page().text();
        words.split_whitespace().filter(|word| word.starts_with("R-")).map(str::to_owned).collect()
    };
    let (mut path, mut found) = ("/register".to_owned(), Vec::new());
    for pages in 1.. {
        let page = officer.get(&path).await;
        found.extend(mine(&page));
        // Lines above, and lines already shown, change.
        operator.log(log_request(first_hour("Logged in between"), world.now())).await;
        world.pass(Duration::from_secs(60));
        let words = page.page();
        let more = words.all("a").into_iter().find(|link| link.text().contains("Earlier entries"));
        match more.and_then(|link| link.attribute("href")) {
            Some(next) => path = next.to_owned(),
            None => {
                assert_eq!(pages, 3);
                break;
            }
        }
    }
    let once: std::collections::BTreeSet<&String> = found.iter().collect();
    assert_eq!((found.len(), once.len()), (70, 70), "{found:?}");
}
