//! Ten realistic incidents in a real browser, each through everything: logged, told to a partner, assessed, decided on,
//! reported with its proof, told to the people affected, learnt from and closed; then the register, which has them all.
//!
//! The files that leave are kept in `target/tmp/ten-incidents`, to be turned into images and looked at.

use std::path::PathBuf;
use std::time::Duration;

use domain::exchange::Stance;
use domain::incident::Stage;
use domain::values::{IncidentId, LongText};
use fantoccini::Locator;
use serde_json::{Value, json};
use tests::browser::Browser;
use tests::node::{PASSWORD, Party, World};
use tests::ten_incidents::{RealisticIncident, Typed, ten_incidents};
use tests::visitor::Visitor;
use tests::wait::until;
use tests::{On, both};

both!(ten_incidents_go_all_the_way);

/// How long a page may take on a busy machine in a debug build.
const PATIENCE: Duration = Duration::from_secs(60);

/// Fills in the form whose button says this, by field names. Names what the form does not have.
const FILL: &str = "
    const [words, typed] = arguments;
    const button = [...document.querySelectorAll('main button')].find(b => b.textContent.trim() === words);
    if (!button) return 'a button that says ' + words;
    button.dataset.pressed = 'yes';
    for (const more of button.form.querySelectorAll('details')) more.open = true;
    const values = new Map();
    for (const [name, value] of typed) values.set(name, [...(values.get(name) || []), value]);
    const lacking = [];
    for (const [name, wanted] of values) {
        const fields = [...button.form.elements].filter(field => field.name === name);
        if (!fields.length) { lacking.push(name); continue; }
        if (['radio', 'checkbox'].includes(fields[0].type)) {
            for (const field of fields) field.checked = wanted.includes(field.value);
            for (const one of wanted) if (!fields.some(field => field.value === one)) lacking.push(name + '=' + one);
        } else {
            fields[0].value = wanted[0];
            if (fields[0].value.replace(/\\r/g, '') !== wanted[0]) lacking.push(name + '=' + wanted[0]);
        }
        fields[0].dispatchEvent(new Event('input', {bubbles: true}));
        fields[0].dispatchEvent(new Event('change', {bubbles: true}));
    }
    return lacking.join(', ');";

/// Somebody at a browser.
struct Desk {
    browser: Browser,
    origin: String,
}

impl Desk {
    async fn new(origin: &str, email: &str) -> Self {
        let browser = Browser::open_sized(1_280, 1_600).await;
        browser.sign_in(origin, email, PASSWORD).await;
        Self { browser, origin: origin.to_owned() }
    }

    async fn go(&self, path: &str) {
        self.browser.go(&format!("{}{path}", self.origin)).await;
    }

    async fn text(&self) -> String {
        let text = self.browser.script("return (document.querySelector('main') || document.body).innerText").await;
        text.as_str().unwrap_or_default().to_owned()
    }

    async fn path(&self) -> String {
        self.browser.client.current_url().await.expect("an address").path().to_owned()
    }

    async fn says(&self, words: &str) {
        let text = self.text().await;
        assert!(text.contains(words), "“{words}” is not on {}: {text}", self.path().await);
    }

    /// Fills in the form with this button, presses it, and waits for the next page, which must find nothing wrong.
    async fn send(&self, button: &str, typed: &[(String, String)]) {
        let from = self.path().await;
        let lacking = self.browser.client.execute(FILL, vec![json!(button), json!(typed)]).await.expect("a script");
        assert_eq!(lacking, "", "{from} lacks it: {}", self.text().await);
        let pressed = self.browser.client.find(Locator::Css("[data-pressed]")).await.expect("the button");
        pressed.click().await.expect("pressing it");
        let next = "return document.readyState === 'complete' && !document.querySelector('[data-pressed]')";
        until("the next page", PATIENCE, async || {
            // Between two pages there is nothing to ask.
            let there = self.browser.client.execute(next, Vec::new()).await.unwrap_or_default();
            (there == Value::Bool(true)).then_some(())
        })
        .await;
        let wrong = "return [...document.querySelectorAll('.error-summary')].map(found => found.innerText).join(' ')";
        assert_eq!(self.browser.script(wrong).await, "", "{from}, {button}");
    }

    /// The same on a page to go to first.
    async fn send_at(&self, path: &str, button: &str, typed: &[(&str, &str)]) {
        self.go(path).await;
        let typed: Typed = typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.send(button, &typed).await;
    }

    /// Nothing is wrong with the page for the accessibility checker.
    async fn is_accessible(&self) {
        let violations = self.browser.violations().await;
        assert!(violations.is_empty(), "{}: {violations:?}", self.path().await);
    }
}

/// The two officers, and what they work on.
struct Case {
    world: World,
    operator: Party,
    council: Party,
    officer: Desk,
    second: Desk,
    files: Visitor,
    folder: PathBuf,
}

impl Case {
    async fn open(on: On) -> Self {
        let world = World::new(on);
        let mut operator = world.listening_party("Operator").await;
        let council = world.listening_party("Council").await;
        world.pair(&operator, &council).await;
        operator.arrange_led(&[&council], Some(&operator)).await;
        let address = operator.serve();
        let origin = format!("http://{address}");
        let officer = Desk::new(&origin, &operator.email("dpo")).await;
        let second = Desk::new(&origin, &operator.email("second-dpo")).await;
        let files = Visitor::signed_in(address, &operator.email("dpo"), PASSWORD).await;
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ten-incidents").join(format!("{on:?}"));
        std::fs::create_dir_all(&folder).expect("a folder for what leaves");
        Self { world, operator, council, officer, second, files, folder }
    }

    /// The partner reads what it was sent.
    async fn acknowledged(&self, id: IncidentId) {
        self.settle().await;
        let sent = self.operator.exchange_with(id, &self.council).await.case;
        let notice = self.council.received().await.into_iter().find(|notice| notice.case == sent).expect("a notice").id;
        let by = self.council.responder();
        self.council.node.acknowledge(&by, notice, Stance::NotAffected, None).await.expect("acknowledged");
        self.settle().await;
        self.officer.go(&format!("/incidents/{id}")).await;
        self.officer.says("Not affected").await;
    }

    async fn settle(&self) {
        self.world.settle(&[&self.operator, &self.council]).await;
    }

    async fn logged(&self, incident: &RealisticIncident) -> IncidentId {
        let desk = &self.officer;
        desk.go("/incidents/new").await;
        let service = desk.browser.script("return document.querySelector('[name=services]').value").await;
        let mut typed = incident.logged(self.world.now().to_chrono());
        typed.push(("services".to_owned(), service.as_str().expect("a service").to_owned()));
        desk.send("Continue", &typed).await;
        desk.says("Check your answers").await;
        let checked = desk.browser.client.find(Locator::Css("main [name=checked]")).await;
        assert!(checked.is_err(), "{}: nothing in it looks like personal data: {}", incident.key, desk.text().await);
        desk.send("Log and notify", &[]).await;
        let path = desk.path().await;
        let id = path.strip_prefix("/incidents/").expect("the incident's page");
        id.parse().expect("its id")
    }

    async fn assessed_and_decided(&self, id: IncidentId, incident: &RealisticIncident) {
        let desk = &self.officer;
        desk.go(&format!("/incidents/{id}/assess")).await;
        desk.send("Keep this assessment", &incident.assessed()).await;
        desk.go(&format!("/incidents/{id}/assessment")).await;
        desk.says(incident.suggestion()).await;
        let record = format!("/incidents/{id}/decision");
        let report = if incident.report { "report" } else { "not_required" };
        let why = [("decision", report), ("reasons", incident.why_report.as_str())];
        desk.send_at(&format!("{record}/report"), "Record this decision", &why).await;
        let public = incident.public_communication.as_deref().unwrap_or_default();
        let people = [
            ("decision", incident.people.as_str()),
            ("reasons", incident.why_people.as_str()),
            ("public_communication", public),
        ];
        desk.send_at(&format!("{record}/people"), "Record this decision", &people).await;
        if !incident.report {
            self.second.send_at(&record, "Approve it", &[]).await;
        }
        desk.go(&record).await;
        desk.says(&incident.why_people).await;
    }
}

impl Case {
    /// What is missing in the report, by question.
    async fn missing(&self, id: IncidentId) -> Vec<String> {
        self.officer.go(&format!("/incidents/{id}/report")).await;
        let found = self
            .officer
            .browser
            .script("return [...document.querySelectorAll('main a[href^=\"#q-\"]')].map(link => link.getAttribute('href').slice(3))")
            .await;
        found.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The report, from what the facts say to the proof that it was submitted.
    async fn reported(&self, id: IncidentId, incident: &RealisticIncident) {
        let desk = &self.officer;
        let report = format!("/incidents/{id}/report");
        let missing = self.missing(id).await;
        for question in &missing {
            assert!(
                ANSWERS.iter().any(|(known, _)| known == question),
                "{}: only people can know {question}",
                incident.key
            );
        }
        let parts = desk.browser.script(PARTS).await;
        for part in parts.as_array().into_iter().flatten().filter_map(Value::as_str) {
            desk.go(part).await;
            let asked = desk.browser.script(ASKED).await;
            let asked: Vec<&str> = asked.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let typed: Typed = ANSWERS
                .into_iter()
                .filter(|(question, _)| asked.contains(question) && missing.iter().any(|open| open == question))
                .map(|(question, answer)| (question.to_owned(), answer.replace("{action}", &incident.action)))
                .collect();
            if !typed.is_empty() {
                desk.send("Save", &typed).await;
            }
        }
        assert_eq!(self.missing(id).await, Vec::<String>::new(), "{}", incident.key);
        self.files_leave(id, incident).await;
        desk.go(&format!("{report}/paste")).await;
        desk.says("Nothing is missing").await;
        desk.send_at(&format!("{report}/sign-off"), "Sign off", &[("password", PASSWORD)]).await;
        desk.go(&format!("{report}/submission")).await;
        let proof = self.folder.join("proof.txt");
        std::fs::write(&proof, "We have your report.\n").expect("a proof");
        let field = desk.browser.client.find(Locator::Css("[name=file]")).await.expect("a place for the proof");
        field.send_keys(&proof.display().to_string()).await.expect("chosen");
        desk.send("Record it", &[("ico_reference".to_owned(), "IC-000000-X0X0".to_owned())]).await;
        desk.go(&report).await;
        desk.says("IC-000000-X0X0").await;
        desk.says("proof.txt").await;
    }

    /// The report as files, kept to be looked at.
    async fn files_leave(&self, id: IncidentId, incident: &RealisticIncident) {
        let mut files = self.files.clone();
        let report = format!("/incidents/{id}/report");
        let form = files.get(&report).await.page().form("Download as PDF").fields();
        for (ending, begins) in [("docx", b"PK\x03\x04".as_slice()), ("pdf", b"%PDF-".as_slice())] {
            let file = files.post(&format!("{report}.{ending}"), &form).await;
            assert!(file.status == 200 && file.body.starts_with(begins), "{}: {}", incident.key, file.status);
            std::fs::write(self.folder.join(format!("{}.{ending}", incident.key)), &file.body).expect("kept");
        }
    }

    /// We lead: the partner is asked, answers, and reads what was decided for both; then it learns that it was reported.
    async fn decided_jointly(&self, id: IncidentId, incident: &RealisticIncident) {
        let desk = &self.officer;
        let joint = format!("/incidents/{id}/joint");
        desk.send_at(&format!("{joint}/ask"), "Ask them all", &[("text", "Is a risk to people likely?")]).await;
        self.settle().await;
        let exchange = self.operator.exchange_with(id, &self.council).await.case;
        let received =
            self.council.received().await.into_iter().find(|notice| notice.case == exchange).expect("a notice");
        let request = received.said.last().expect("what was asked").message;
        let view = LongText::parse("We think so: bank details are among the data.").expect("a text");
        self.council.node.give_view(&self.council.responder(), received.id, request, view).await.expect("given");
        self.settle().await;
        let decision = [("reports", "us"), ("tells", "each"), ("reasons", incident.why_report.as_str())];
        desk.send_at(&format!("{joint}/decide"), "Decide, and tell them all", &decision).await;
        self.settle().await;
        desk.go(&joint).await;
        desk.says("Considered: 1 view").await;
    }

    /// The people affected are told, where that was decided.
    async fn told(&self, id: IncidentId, incident: &RealisticIncident) {
        let count = incident.people_affected().to_string();
        let wave: &[(&str, &str)] = match incident.people.as_str() {
            "tell" => &[("channel", "letter"), ("people", &count), ("complete", "yes")],
            // A notice to the public is told to nobody in particular.
            "out_of_proportion" => &[("channel", "website"), ("complete", "yes")],
            _ => return,
        };
        let desk = &self.officer;
        let people = format!("/incidents/{id}/people");
        desk.go(&format!("{people}/message")).await;
        desk.send("Save this version", &[]).await;
        desk.send_at(&format!("{people}/told"), "Record it", wave).await;
        desk.go(&people).await;
        desk.says("Everybody told").await;
    }

    /// Why it happened, what is done about it, and whether that worked.
    async fn learnt(&self, id: IncidentId, incident: &RealisticIncident) {
        let desk = &self.officer;
        let lessons = format!("/incidents/{id}/lessons");
        let cause = [("kind", incident.cause_type.as_str()), ("words", incident.root_cause.as_str())];
        desk.send_at(&format!("{lessons}/cause"), "Record it", &cause).await;
        let action = [
            ("what", incident.action.as_str()),
            ("role", "Head of service"),
            ("due-day", "30"),
            ("due-month", "4"),
            ("due-year", "2026"),
        ];
        desk.send_at(&format!("{lessons}/actions/new"), "Add it", &action).await;
        let step = |step: &str| format!("{lessons}/actions/1/{step}");
        desk.send_at(&step("done"), "It is done", &[("evidence", "Seen by the officer.")]).await;
        let review = [("effect", "worked"), ("reviewer", "Head of service"), ("words", "It holds.")];
        desk.send_at(&step("review"), "Record the review", &review).await;
    }
}

/// The parts of the report's form.
const PARTS: &str = "return [...document.querySelectorAll('main a[href*=\"/report/sections/\"]')] \
    .map(link => link.getAttribute('href').split('#')[0]).filter((href, at, all) => all.indexOf(href) === at)";
/// The questions that a part of the report asks.
const ASKED: &str = "return [...document.querySelectorAll('main input[name^=\"base-\"]')].map(it => it.name.slice(5))";

/// What only people know about an incident.
const ANSWERS: [(&str, &str); 5] = [
    ("staff_trained", "Yes"),
    ("prevent_recurrence", "{action}"),
    ("organisation_impact", "Medium - you have lost the ability to provide a critical service to some users"),
    ("recovery_time", "Complete - recovery is complete"),
    // For a public notice in place of telling each the form has no option: an officer has to choose what comes nearest.
    (
        "told_subjects_2021",
        "No, but we are planning to because we have determined it is likely there is a high risk to data subjects",
    ),
];

/// Aim: ten realistic incidents can be taken by two officers, in real browsers, from the first entry to their place in the
/// register; nothing but what people alone can know is ever typed into a report.
async fn ten_incidents_go_all_the_way(on: On) {
    let case = Case::open(on).await;
    let about = [
        ("size", "from_250"),
        ("reported_before", "yes"),
        ("prevention", "Access by role, two factors, logs kept for a year."),
        ("training", "Every year, with a test."),
        ("code_of_conduct", "no"),
    ];
    case.officer.send_at("/about-this-organisation", "Save", &about).await;
    for incident in ten_incidents() {
        let id = case.logged(&incident).await;
        case.acknowledged(id).await;
        case.assessed_and_decided(id, &incident).await;
        if incident.report {
            case.decided_jointly(id, &incident).await;
            case.reported(id, &incident).await;
            case.officer.send_at(&format!("/incidents/{id}/tell-filed"), "Tell them", &[]).await;
            case.settle().await;
        }
        case.told(id, &incident).await;
        case.learnt(id, &incident).await;
        case.officer.send_at(&format!("/incidents/{id}/close"), "Close the incident", &[]).await;
        assert_eq!(case.operator.incident(id).await.stage, Stage::Closed, "{}", incident.key);
    }
    case.registered(on).await;
    case.officer.browser.close().await;
    case.second.browser.close().await;
}

impl Case {
    /// All ten stand in the register, and its figures count them.
    async fn registered(&self, on: On) {
        let desk = &self.officer;
        desk.go("/register").await;
        for incident in ten_incidents() {
            desk.says(&incident.title).await;
        }
        desk.go("/register?ico=not_required").await;
        desk.says("Two letters in one envelope").await;
        desk.go("/register/statistics").await;
        desk.says("10").await;
        desk.is_accessible().await;
        let (kept, rebuilt) = self.operator.rebuilt(on).await;
        assert!(kept == rebuilt, "the tables are what the record says");
    }
}
