//! Documents leave as files that people without Tocsin open: they hold what the report holds, in the form's order, and are
//! what they say they are.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use std::process::{Command, Stdio};

use domain::facts::Facts;
use domain::incident::telling::Letter;
use domain::values::{IncidentId, LongText, Role, Title};
use serde_json::Value;
use server::node::NewPerson;
use tests::facts::first_hour;
use tests::node::{PASSWORD, Party, World, line, log_request};
use tests::visitor::{Answer, Visitor};
use tests::{On, both};

both!(
    the_report_leaves_as_files,
    a_drill_is_marked_on_every_page,
    who_may_not_read_takes_nothing_away,
    what_was_erased_is_in_no_file,
    the_message_to_people_leaves_as_files,
);

const SUMMARY: &str = "Roedd blwch post yn Nh\u{177} G\u{175}yr ar agor: <w:p>\"D\u{175}r\" & </w:p> mwy.";
const DOCX: &str = "Download for Word (DOCX)";
const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const PDF: &str = "Download as PDF";

fn facts() -> Facts {
    Facts { summary: LongText::parse(SUMMARY).expect("a text"), ..first_hour("A mailbox was open") }
}

/// Presses a button of the report's page.
async fn download(visitor: &mut Visitor, id: IncidentId, button: &str) -> Answer {
    download_at(visitor, &format!("/incidents/{id}/report"), button).await
}

/// Presses a button of a page.
async fn download_at(visitor: &mut Visitor, path: &str, button: &str) -> Answer {
    let page = visitor.get(path).await.page();
    let form = page.form(button);
    let action = form.attribute("action").expect("an address").to_owned();
    visitor.post(&action, &form.fields()).await
}

fn is_file(answer: &Answer, name: &str, media_type: &str) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some(media_type));
    assert_eq!(answer.header("content-disposition"), Some(format!("attachment; filename=\"{name}\"").as_str()));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

/// The parts of an archive, each well-formed XML.
fn parts(octets: &[u8]) -> BTreeMap<String, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(octets)).expect("an archive");
    let mut parts = BTreeMap::new();
    for number in 0..archive.len() {
        let mut part = archive.by_index(number).expect("a part");
        let mut text = String::new();
        part.read_to_string(&mut text).expect("text");
        roxmltree::Document::parse(&text).expect("XML");
        parts.insert(part.name().expect("a name").into_owned(), text);
    }
    parts
}

/// The words of a document, paragraph by paragraph.
fn paragraphs(document: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(document).expect("XML");
    let named = |name: &'static str| move |node: &roxmltree::Node<'_, '_>| node.tag_name().name() == name;
    let words =
        |node: roxmltree::Node<'_, '_>| node.descendants().filter(named("t")).filter_map(|t| t.text()).collect();
    document.descendants().filter(named("p")).map(words).collect()
}

/// What a program of poppler-utils says about a PDF.
pub(super) fn poppler(program: &str, arguments: &[&str], pdf: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.pdf");
    std::fs::write(&file, pdf).expect("written");
    let mut command = Command::new(program);
    command.args(arguments).arg(&file);
    if program == "pdftotext" {
        command.arg("-");
    }
    // Version 22 complains on its error output about a member that ISO 32000-1 wants as it is.
    let output = command.stderr(Stdio::null()).output().expect("poppler-utils are installed: tests/run sees to that");
    assert!(output.status.success(), "{program}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The form as the API gives it: every question with the text of its answer, if it is one.
fn questions(report: &Value) -> Vec<(String, Option<String>)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let sections = report["sections"].as_array().expect("sections").iter();
    sections
        .flat_map(|section| section["answers"].as_array().expect("answers"))
        .map(|answer| {
            // Instants are in the reader's zone on paper, and in UTC here.
            let text_of = text(&answer["text"]);
            let given = answer["state"] == "given" && !text_of.contains('Z');
            (text(&answer["question"]), given.then_some(text_of))
        })
        .collect()
}

/// An auditor takes both files. They hold every question in the form's order, what was typed as it was typed, and what is
/// missing first; a program gets the same. The PDF is tagged. Who took them is on the record.
async fn the_report_leaves_as_files(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let id = operator.log(log_request(facts(), world.now())).await;
    let reference = operator.incident(id).await.reference;
    let program = Visitor::with_token(address, &operator.api_token().await);
    let api = async |path: &str| {
        let answer = program.send("GET", &format!("/api/v1/incidents/{id}/{path}"), &[], b"").await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    };
    let questions = questions(&api("report").await.json());
    assert!(questions.len() > 30, "{questions:?}");

    let mut auditor = Visitor::signed_in(address, &operator.email("auditor"), PASSWORD).await;
    let docx = download(&mut auditor, id, DOCX).await;
    let name = format!("{reference}-ICO-report");
    is_file(&docx, &format!("{name}.docx"), WORD);
    let parts = parts(&docx.body);
    let paragraphs = paragraphs(&parts["word/document.xml"]);
    let at = |words: &str| paragraphs.iter().position(|have| *have == words);
    assert!(at("What is missing") < at(&questions[0].0), "what is missing comes first");
    let mut last = 0;
    for (question, given) in &questions {
        let found = paragraphs[last..].iter().position(|have| have == question);
        last += found.unwrap_or_else(|| panic!("“{question}” is not where the form has it: {paragraphs:#?}"));
        if let Some(first) = given.as_ref().and_then(|given| given.lines().next()) {
            assert!(paragraphs[last + 1].starts_with(first), "{first:?}: {}", paragraphs[last + 1]);
        }
    }
    assert!(at(SUMMARY).is_some(), "typed text is text");
    assert!(parts["docProps/core.xml"].contains(&format!("<dc:title>Report to the ICO: {reference}</dc:title>")));
    assert!(parts["word/header1.xml"].contains("DRAFT"));

    let pdf = download(&mut auditor, id, PDF).await;
    is_file(&pdf, &format!("{name}.pdf"), "application/pdf");
    let words = one_line(&poppler("pdftotext", &["-raw"], &pdf.body));
    for (question, _) in &questions {
        assert!(words.contains(&one_line(question)), "{question}");
    }
    assert!(words.contains(SUMMARY), "{words}");
    let structure = poppler("pdfinfo", &["-struct-text"], &pdf.body);
    for tag in ["H1 \"Report to the ICO", "H2 \"What is missing\"", "H3 \"", "LBody"] {
        assert!(structure.contains(tag), "{tag}: {structure}");
    }
    let about = poppler("pdfinfo", &[], &pdf.body);
    assert!(
        about.contains("Tagged:          yes") && about.contains(&format!("Report to the ICO: {reference}")),
        "{about}"
    );

    assert_eq!(api("report.pdf").await.body.get(..5), Some(b"%PDF-".as_slice()));
    is_file(&api("report.docx").await, &format!("{name}.docx"), WORD);
    let record = operator.everything_readable().await;
    let taken: Vec<&str> = record.lines().filter(|line| line.contains("report_exported")).collect();
    assert_eq!(taken.iter().filter(|line| line.contains("H. Auditor")).count(), 2, "{taken:?}");
    assert_eq!(taken.len(), 4, "{taken:?}");
}

/// Nobody takes the papers of a drill for those of a breach: not by their name, nor by any page.
async fn a_drill_is_marked_on_every_page(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let mut request = log_request(facts(), world.now());
    request.exercise = true;
    let id = operator.log(request).await;
    let mut manager = Visitor::signed_in(address, &operator.email("manager"), PASSWORD).await;
    let docx = download(&mut manager, id, DOCX).await;
    assert!(docx.header("content-disposition").is_some_and(|name| name.contains("\"EXERCISE-")));
    assert!(parts(&docx.body)["word/header1.xml"].contains("EXERCISE, DRAFT"));
    let pdf = download(&mut manager, id, PDF).await;
    let pages: Vec<String> = poppler("pdftotext", &["-raw"], &pdf.body).split('\u{c}').map(str::to_owned).collect();
    let written = pages.iter().filter(|page| !page.trim().is_empty());
    assert!(written.clone().count() > 1);
    assert!(written.clone().all(|page| page.contains("EXERCISE, DRAFT")), "{pages:?}");
}

/// Somebody with an account and the right to say that something is wrong, and no other.
async fn employee(party: &Party) -> String {
    let email = party.email("employee");
    let roles = vec![Role::Reporter];
    let person = NewPerson { name: line("N. Newcomer"), email: line(&email), password: PASSWORD.to_owned(), roles };
    party.node.add_person(&party.administrator(), person).await.expect("an account");
    email
}

/// Without a session, a form of ours or a role that reads there is no file, and the record says nothing of one.
async fn who_may_not_read_takes_nothing_away(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let id = operator.log(log_request(facts(), world.now())).await;
    let mut employee = Visitor::signed_in(address, &employee(&operator).await, PASSWORD).await;
    let own = employee.get("/").await.page().form("Sign out").fields();
    let mut responder = Visitor::signed_in(address, &operator.email("responder"), PASSWORD).await;
    for ending in ["docx", "pdf"] {
        let path = format!("/incidents/{id}/report.{ending}");
        assert_eq!(employee.post(&path, &own).await.status, 403);
        assert_eq!(responder.post(&path, &[]).await.status, 403, "without the secret of the session");
        assert_eq!(Visitor::new(address).post(&path, &own).await.status, 401);
        let nobody = Visitor::new(address).get(&format!("/api/v1{path}")).await;
        assert_eq!(nobody.status, 401);
        let unknown = format!("/incidents/{}/report.{ending}", uuid::Uuid::nil());
        let own = responder.get("/").await.page().form("Sign out").fields();
        assert_eq!(responder.post(&unknown, &own).await.status, 404);
    }
    assert!(!operator.everything_readable().await.contains("report_exported"));
}

/// What was erased is in no paper made afterwards, and nothing was kept of those made before.
async fn what_was_erased_is_in_no_file(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let mut request = log_request(facts(), world.now());
    request.exercise = true;
    let id = operator.log(request).await;
    let mut auditor = Visitor::signed_in(address, &operator.email("auditor"), PASSWORD).await;
    assert!(parts(&download(&mut auditor, id, DOCX).await.body)["word/document.xml"].contains("blwch post"));
    let dpo = operator.dpo();
    let reason = || LongText::parse("A drill.").expect("a text");
    operator.node.propose_not_required(&dpo, id, reason()).await.expect("proposed");
    operator.node.resolve_not_required(&operator.second_dpo(), id, true).await.expect("approved");
    operator.node.close(&operator.responder(), id).await.expect("closed");
    operator.node.anonymise(&operator.administrator(), id).await.expect("erased");
    let docx = download(&mut auditor, id, DOCX).await;
    assert!(!parts(&docx.body)["word/document.xml"].contains("blwch post"));
    let pdf = download(&mut auditor, id, PDF).await;
    assert!(!poppler("pdftotext", &["-raw"], &pdf.body).contains("blwch post"));
    assert!(!operator.everything_readable().await.contains("blwch post"));
}

/// The message to the people affected, before anybody wrote it: a draft that says so on every page and names what is missing.
/// Once a person kept a version the files hold that one, and nothing that is not for its reader; an earlier one is still to
/// be had. A program gets the same, and the record says who took which.
async fn the_message_to_people_leaves_as_files(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let id = operator.log(log_request(facts(), world.now())).await;
    let reference = operator.incident(id).await.reference.to_string();
    let mut auditor = Visitor::signed_in(address, &operator.email("auditor"), PASSWORD).await;
    let page = format!("/incidents/{id}/people");
    let name = format!("{reference}-message-to-people");

    let draft = download_at(&mut auditor, &page, DOCX).await;
    is_file(&draft, &format!("{name}-DRAFT.docx"), WORD);
    let draft = parts(&draft.body);
    assert!(draft["word/header1.xml"].contains("DRAFT"));
    let words = paragraphs(&draft["word/document.xml"]);
    let at =
        |sought: &str| words.iter().position(|have| have == sought).unwrap_or_else(|| panic!("{sought}: {words:#?}"));
    let (gaps, first) = (at("What is missing"), at("What happened"));
    let gap = at("What this could mean for you");
    assert!(gaps < gap && gap < first, "gaps are named before all else: {words:#?}");
    assert!(words.contains(&"Missing.".to_owned()));
    let draft = poppler("pdftotext", &["-raw"], &download_at(&mut auditor, &page, PDF).await.body);
    assert!(draft.contains("DRAFT") && draft.contains("What is missing"), "{draft}");

    for (base, advice) in [(0, "Expect calls."), (1, "Change your password.")] {
        let text = |words: &str| LongText::parse(words).expect("a text");
        let letter = Letter {
            heading: Title::parse("Your data and our mailbox").expect("a title"),
            what_happened: text(&format!("{SUMMARY}\n\nIt was closed.")),
            consequences: text("Unwanted calls."),
            measures: text("We closed it."),
            advice: text(advice),
            contact: text("Information rights team, rights@council.example"),
        };
        operator.node.write_letter(&operator.reporter(), id, base, letter).await.expect("kept");
    }
    let docx = download_at(&mut auditor, &page, DOCX).await;
    is_file(&docx, &format!("{name}-version-2.docx"), WORD);
    let docx = parts(&docx.body);
    let body = &docx["word/document.xml"];
    let words = paragraphs(body);
    for sought in [SUMMARY, "It was closed.", "What you can do", "Change your password.", "Who to contact"] {
        assert!(words.iter().any(|have| have == sought), "{sought}: {words:#?}");
    }
    assert!(docx["docProps/core.xml"].contains("<dc:title>Your data and our mailbox</dc:title>"));
    assert!(
        !docx.values().any(|part| part.contains("DRAFT") || part.contains(&reference)),
        "what is ours is not in it"
    );
    let pdf = download_at(&mut auditor, &format!("{page}/letter?version=1"), PDF).await;
    is_file(&pdf, &format!("{name}-version-1.pdf"), "application/pdf");
    assert!(poppler("pdftotext", &["-raw"], &pdf.body).contains("Expect calls."));
    let structure = poppler("pdfinfo", &["-struct-text"], &pdf.body);
    assert!(structure.contains("H1 \"Your data") && structure.contains("H2 \"What you can do\""), "{structure}");

    let program = Visitor::with_token(address, &operator.api_token().await);
    let api = async |rest: &str| {
        let path = format!("/api/v1/incidents/{id}/people/letter.{rest}");
        program.send("GET", &path, &[], b"").await.expect("an answer")
    };
    is_file(&api("docx").await, &format!("{name}-version-2.docx"), WORD);
    is_file(&api("pdf?version=1").await, &format!("{name}-version-1.pdf"), "application/pdf");
    for none in ["pdf?version=9", "docx?version=x"] {
        assert_eq!(api(none).await.status, 404, "{none}");
    }
    let record = operator.everything_readable().await;
    let taken: Vec<&str> = record.lines().filter(|line| line.contains("message_exported")).collect();
    assert_eq!(taken.iter().filter(|line| line.contains("H. Auditor")).count(), 4, "{taken:?}");
    assert_eq!(taken.len(), 6, "{taken:?}");
}
