//! Partners without a node are told by e-mail, and our own people that time runs short. The mail server is a program of its
//! own; what a person does is done on the page that the mail's link opens.

use std::net::SocketAddr;
use std::time::Duration;

use domain::clock::{Anchor, ClockState, Evidence};
use domain::directory::Party as PartyRecord;
use domain::exchange::{Exchange, MessageKind, NoticeDelivery, Stance};
use domain::incident::WithdrawalReason;
use domain::values::{IncidentId, LongText, PartnerId};
use server::mail::{MailSettings, Security};
use server::node::endpoints::Way;
use server::node::said::NewMessage;
use server::store::alerts::{self, AlertKind};
use server::store::queries::{directory, exchanges};
use tests::browser::Browser;
use tests::facts::{first_hour, more_is_known};
use tests::node::{PASSWORD, Party, World, line, log_request};
use tests::smtp::MailServer;
use tests::visitor::{Answer, Visitor};
use tests::{On, both};

both!(
    a_partner_is_told_by_mail_and_acknowledges_on_the_page,
    looking_changes_nothing,
    a_link_ends,
    a_newer_version_takes_its_place,
    a_withdrawn_notice_is_not_shown,
    a_question_is_read_on_the_page,
    a_drill_says_so,
    an_address_that_takes_no_mail_is_not_kept,
    a_refused_recipient_is_a_persons_turn,
    a_recipient_is_tried_again_later,
    a_server_that_is_down_delays_only,
    a_server_that_nobody_vouches_for_gets_nothing,
    tls_from_the_start,
    a_step_is_mailed_once_to_whom_it_concerns,
    an_administrator_tests_the_mail,
);

const TITLE: &str = "A mailbox was open";
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// An operator with a mail server and a partner without a node, whose mailbox has this name.
struct Told {
    world: World,
    operator: Party,
    address: SocketAddr,
    partner: PartnerId,
}

impl Told {
    async fn by(on: On, settings: MailSettings, mailbox: &str) -> Self {
        let world = World::new(on);
        let mut operator = world.listening_party("Operator").await.restart_with_mail(settings).await;
        let by = operator.administrator();
        let council = PartyRecord::named("council".parse().expect("a key"), line("Council"));
        operator.node.save_party(&by, council, None).await.expect("saved");
        let known = operator.node.store().read(directory::known).await.expect("the directory");
        let council = known.parties.iter().find(|party| party.record.name == line("Council")).expect("the council");
        let partner = PartnerId::from_uuid(council.id);
        let way = Way::Mail { address: format!("{mailbox}@council.example") };
        operator.node.set_partner_channel(&by, partner, way).await.expect("told by mail");
        operator.arrange_with(partner, 48).await;
        let address = operator.serve();
        Self { world, operator, address, partner }
    }

    async fn log(&self) -> IncidentId {
        let id = self.operator.log(log_request(first_hour(TITLE), self.world.now())).await;
        self.settle().await;
        id
    }

    async fn settle(&self) {
        self.world.settle(&[&self.operator]).await;
        while self.operator.node.post_step(16).await.expect("a step of posting").sent > 0 {}
    }

    async fn pass(&self, by: Duration) {
        self.world.pass(by);
        self.settle().await;
    }

    async fn exchange(&self, id: IncidentId) -> Exchange {
        let owed = self.operator.incident(id).await.owed;
        let owed = owed.into_iter().find(|owed| owed.partner == self.partner).expect("owed a notice");
        self.operator.exchange(owed.exchange).await
    }

    /// Somebody at the partner: no account, no session.
    fn stranger(&self) -> Visitor {
        Visitor::new(self.address)
    }

    async fn has_alert(&self, kind: AlertKind) -> bool {
        let open = self.operator.node.store().read(|rows| alerts::open(rows, 100)).await.expect("the alerts");
        open.iter().any(|alert| alert.kind == kind && alert.partner == Some(self.partner))
    }
}

/// A partner told by mail, somebody there who opened the mail's link, and the page that they see.
struct Opened {
    server: MailServer,
    told: Told,
    id: IncidentId,
    link: String,
    visitor: Visitor,
    shown: Answer,
}

impl Opened {
    async fn on(on: On) -> Self {
        let server = MailServer::start(Security::None).await;
        let told = Told::by(on, server.settings(), "dpo").await;
        let id = told.log().await;
        let link = server.took(1).await[0].link();
        let mut visitor = told.stranger();
        let shown = visitor.get(&link).await;
        Self { server, told, id, link, visitor, shown }
    }
}

/// The form of the page, filled in; the version stays as the page has it.
fn filled(answer: &Answer, stance: &str) -> Vec<(String, String)> {
    let mut fields = answer.page().form("Acknowledge").fields();
    fields.retain(|(name, _)| name == "revision");
    for (name, value) in
        [("name", "R. Example"), ("role", "Data protection officer"), ("stance", stance), ("reference", "THEIRS-17")]
    {
        fields.push((name.to_owned(), value.to_owned()));
    }
    fields
}

/// Aim: the mail says that something waits and nothing else; the clock is met by the person, not by the mail server.
async fn a_partner_is_told_by_mail_and_acknowledges_on_the_page(on: On) {
    let server = MailServer::start(Security::StartTls).await;
    let told = Told::by(on, server.settings(), "dpo").await;
    let id = told.log().await;
    let mail = server.took(1).await.remove(0);
    assert_eq!(
        (mail.to.as_str(), mail.subject.as_str()),
        ("dpo@council.example", "A security notice from Operator is waiting for you")
    );
    assert_eq!((&mail.more["tls"], &mail.more["user"]), (&true.into(), &"node".into()));
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    let exchange = told.exchange(id).await;
    let message = exchange.notices[0].message;
    assert_eq!(mail.header("Message-ID"), format!("<{message}@127.0.0.1>"));
    let incident = told.operator.incident(id).await;
    let raw = mail.more["raw"].as_str().expect("the mail as it came");
    for fact in [TITLE, "mailbox of the case team", exchange.reference.as_str(), incident.reference.as_str()] {
        assert!(!raw.contains(fact), "the mail tells {fact}: {raw}");
    }
    assert!(mail.text.contains("within 8 hours") && mail.text.contains("+44 20 7946 0000"), "{}", mail.text);

    // Accepted by a mail server: carried, and nothing proved.
    assert!(matches!(exchange.notices[0].delivery, NoticeDelivery::Accepted { .. }), "{exchange:?}");
    assert_eq!(exchange.notice_clock.expect("a clock").state, ClockState::Running);
    assert_eq!(exchange.acknowledgement_clock.expect("it starts").anchor, Anchor::Accepted);

    let mut visitor = told.stranger();
    let shown = visitor.get(&mail.link()).await;
    assert_eq!(shown.status, 200, "{}", shown.text());
    assert_eq!(shown.page().heading(), TITLE);
    assert!(shown.text().contains("mailbox of the case team") && shown.text().contains("Not yet known"));
    told.world.pass(HOUR);
    let now = told.world.now();
    let done = visitor.post(&mail.link(), &filled(&shown, "affected")).await;
    assert_eq!(done.status, 303, "{}", done.text());
    let exchange = told.exchange(id).await;
    let clock = exchange.notice_clock.expect("a clock");
    assert!(
        matches!(clock.state, ClockState::Met { at, evidence: Evidence::LinkAcknowledgement, .. } if at == now),
        "{clock:?}"
    );
    assert!(!exchange.acknowledgement_clock.expect("a clock").is_open());
    let said = &exchange.acknowledgements[0];
    assert_eq!((said.stance, said.by_link, said.revision_seen), (Stance::Affected, true, 1));

    // The page is its own confirmation, and takes no second word.
    let confirmed = visitor.get(&mail.link()).await.text();
    for part in ["Acknowledged.", "R. Example, Data protection officer", "10:00:00 on Monday 2 March 2026", "THEIRS-17"]
    {
        assert!(confirmed.contains(part), "{part}: {confirmed}");
    }
    let again = visitor.post(&mail.link(), &filled(&shown, "not_affected")).await;
    assert_eq!(again.status, 409, "{}", again.text());
    assert_eq!(told.exchange(id).await.acknowledgements.len(), 1);
    let secret = mail.link().replace("/ack/", "");
    assert!(!told.operator.everything_readable().await.contains(&secret), "only a digest of it is kept");
    assert_eq!(server.mails().len(), 1);
}

/// Aim: programs that open every link of a mail change nothing, and leave no trace in browsers or search engines; what is
/// missing in the form is said.
async fn looking_changes_nothing(on: On) {
    let server = MailServer::start(Security::None).await;
    let told = Told::by(on, server.settings(), "dpo").await;
    let id = told.log().await;
    let link = server.took(1).await[0].link();
    let before = told.exchange(id).await;
    let mut visitor = told.stranger();
    for _ in 0..5 {
        assert_eq!(visitor.get(&link).await.status, 200);
    }
    let head = visitor.send("HEAD", &link, &[], b"").await.expect("an answer");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("x-robots-tag"), Some("noindex, nofollow, noarchive"));
    assert_eq!((head.header("cache-control"), head.header("set-cookie")), (Some("no-store"), None));
    assert_eq!(told.exchange(id).await, before);

    let shown = visitor.get(&link).await;
    let revision: Vec<_> = filled(&shown, "affected").into_iter().filter(|(name, _)| name == "revision").collect();
    let empty = visitor.post(&link, &revision).await;
    assert_eq!(empty.status, 422);
    for fault in ["Give your name", "Say what your role is", "Say where you stand"] {
        assert!(empty.text().contains(fault), "{fault}");
    }
    let elsewhere = [("Sec-Fetch-Site", "cross-site")];
    let other = visitor.post_with(&link, &elsewhere, &filled(&shown, "affected")).await;
    assert_eq!(other.status, 403, "a form of another site is not taken");
    assert_eq!(told.exchange(id).await, before);
}

/// Aim: links that were never made, are cut short or have ended all look the same, and say whom to ring; guessing is slow.
async fn a_link_ends(on: On) {
    let Opened { server: _server, told, id, link, mut visitor, shown } = Opened::on(on).await;
    let form = filled(&shown, "affected");
    told.world.pass(30 * DAY);
    let mut all = vec![link.clone(), link[..link.len() - 1].to_owned(), format!("/ack/{}", "A".repeat(43))];
    all.push("/ack/nothing".to_owned());
    for gone in &all {
        let answer = visitor.get(gone).await;
        assert_eq!((answer.status, answer.header("x-robots-tag").is_some()), (404, true), "{gone}");
        assert!(answer.text().contains("+44 20 7946 0000") && !answer.text().contains(TITLE), "{}", answer.text());
    }
    let late = visitor.post(&link, &form).await;
    assert_eq!(late.status, 404);
    assert!(told.exchange(id).await.acknowledgements.is_empty());
    let mut refused = 0;
    for _ in 0..100 {
        refused += usize::from(visitor.get("/ack/nothing").await.status == 429);
    }
    assert!(refused > 0, "nobody guesses at leisure");
}

/// Aim: what stands now is shown, by the old link too; what was read before it came is not acknowledged.
async fn a_newer_version_takes_its_place(on: On) {
    let Opened { server, told, id, link: first, mut visitor, shown: old } = Opened::on(on).await;
    let by = told.operator.responder();
    told.operator.node.update_facts(&by, id, 1, more_is_known(&first_hour(TITLE))).await.expect("newer facts");
    told.operator.node.send_update(&by, id).await.expect("sent");
    told.settle().await;
    let mails = server.took(2).await;
    assert_eq!(mails[1].subject, "News about a security notice from Operator is waiting for you");
    assert_ne!(mails[1].header("Message-ID"), mails[0].header("Message-ID"));

    let stale = visitor.post(&first, &filled(&old, "affected")).await;
    assert_eq!(stale.status, 409, "{}", stale.text());
    assert!(stale.text().contains("more is known") && stale.text().contains("R. Example"), "what was typed is kept");
    assert!(told.exchange(id).await.acknowledgements.is_empty());
    let done = visitor.post(&first, &filled(&stale, "assessing")).await;
    assert_eq!(done.status, 303, "{}", done.text());
    let newer = visitor.get(&mails[1].link()).await;
    let done = visitor.post(&mails[1].link(), &filled(&newer, "affected")).await;
    assert_eq!(done.status, 303, "the newer message is of a use of its own: {}", done.text());
    let said: Vec<_> =
        told.exchange(id).await.acknowledgements.iter().map(|it| (it.stance, it.revision_seen)).collect();
    assert_eq!(said, [(Stance::Assessing, 2), (Stance::Affected, 2)]);
}

/// Aim: what no longer stands is not shown any more, whichever link is opened.
async fn a_withdrawn_notice_is_not_shown(on: On) {
    let Opened { server, told, id, link: first, mut visitor, shown: old } = Opened::on(on).await;
    let reason = WithdrawalReason::SentInError;
    told.operator.node.withdraw(&told.operator.responder(), id, reason, None).await.expect("withdrawn");
    told.settle().await;
    let second = server.took(2).await[1].link();
    for link in [&first, &second] {
        let shown = visitor.get(link).await;
        assert_eq!((shown.status, shown.page().heading().as_str()), (200, "This notice no longer stands"));
        assert!(
            !shown.text().contains("mailbox of the case team") && !shown.text().contains("<form"),
            "{}",
            shown.text()
        );
    }
    assert_eq!(visitor.post(&first, &filled(&old, "affected")).await.status, 409);
    assert!(told.exchange(id).await.acknowledgements.is_empty());
}

/// Aim: what is asked about a case waits behind a link too, with its due instant, and not in the mail.
async fn a_question_is_read_on_the_page(on: On) {
    let server = MailServer::start(Security::None).await;
    let told = Told::by(on, server.settings(), "dpo").await;
    let id = told.log().await;
    server.took(1).await;
    let question = NewMessage {
        form: None,
        kind: MessageKind::AssistanceRequest,
        text: LongText::parse("Which of your mailboxes forward to it?").expect("a text"),
        re: None,
        due: Some(told.world.now().plus_seconds(24 * 3_600)),
        received_at: None,
    };
    let exchange = told.exchange(id).await.id;
    told.operator.node.say(&told.operator.responder(), exchange, question).await.expect("asked");
    told.settle().await;
    let mail = server.took(2).await.remove(1);
    assert!(mail.subject.starts_with("News about"), "{}", mail.subject);
    assert!(!mail.text.contains("forward to it"), "{}", mail.text);
    let shown = told.stranger().get(&mail.link()).await.text();
    for part in ["Which of your mailboxes forward to it?", "09:00 on Tuesday 3 March 2026 (GMT)", TITLE] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

/// Aim: nobody takes a drill for the real thing, neither in the mail nor on the page.
async fn a_drill_says_so(on: On) {
    let server = MailServer::start(Security::None).await;
    let told = Told::by(on, server.settings(), "dpo").await;
    let mut request = log_request(first_hour(TITLE), told.world.now());
    request.exercise = true;
    told.operator.log(request).await;
    told.settle().await;
    let mail = server.took(1).await.remove(0);
    assert!(mail.subject.starts_with("EXERCISE: "), "{}", mail.subject);
    assert!(mail.text.starts_with("This is an exercise."), "{}", mail.text);
    assert!(told.stranger().get(&mail.link()).await.text().contains("EXERCISE"));
}

/// Aim: an address that no mail can be sent to is refused beside its field, and the one before stays.
async fn an_address_that_takes_no_mail_is_not_kept(on: On) {
    let server = MailServer::start(Security::None).await;
    let told = Told::by(on, server.settings(), "dpo").await;
    let mut visitor = Visitor::signed_in(told.address, &told.operator.email("administrator"), PASSWORD).await;
    let page = format!("/partners/{}/channel/mail", told.partner);
    for bad in ["jos\u{e9}@council.example", "dpo@council.example, a@b.example", "dpo"] {
        let mut form = visitor.get(&page).await.page().form("Tell them this way").fields();
        form.retain(|(name, _)| name != "address");
        form.push(("address".to_owned(), bad.to_owned()));
        let refused = visitor.post(&page, &form).await;
        assert_eq!(refused.status, 422, "{bad}: {}", refused.text());
        assert!(refused.text().contains("href=\"#address\"") && refused.text().contains("without accented letters"));
    }
    let kept = told.operator.node.partner_channel(told.partner).await.expect("how they are told");
    assert_eq!(kept.mail.expect("a mailbox").address, "dpo@council.example");
}

/// Aim: a mailbox that is not there is told to a person, and only the server's code is kept of its words.
async fn a_refused_recipient_is_a_persons_turn(on: On) {
    let server = MailServer::start(Security::StartTls).await;
    let told = Told::by(on, server.settings(), "refused").await;
    let id = told.log().await;
    assert!(told.has_alert(AlertKind::NotTaken).await);
    let message = told.exchange(id).await.notices[0].message;
    let attempts = told.operator.node.store().read(move |rows| exchanges::attempts(rows, message, None, 10)).await;
    let attempts = attempts.expect("the attempts").items;
    assert_eq!(attempts.iter().map(|attempt| attempt.status).collect::<Vec<_>>(), [Some(550)]);
    assert!(!told.operator.everything_readable().await.contains("secret-of-the-server"));
    let mut visitor = Visitor::signed_in(told.address, &told.operator.email("responder"), PASSWORD).await;
    let shown = visitor.get(&format!("/exchanges/{}", told.exchange(id).await.id)).await.text();
    assert!(shown.contains("the mail server refused it") && shown.contains("code 550"), "{shown}");
    // A person puts the address right, and the same message goes out.
    let way = Way::Mail { address: "dpo@council.example".to_owned() };
    told.operator.node.set_partner_channel(&told.operator.administrator(), told.partner, way).await.expect("put right");
    told.pass(HOUR).await;
    let mail = server.took(1).await.remove(0);
    assert_eq!(mail.header("Message-ID"), format!("<{message}@127.0.0.1>"));
    assert_eq!(told.stranger().get(&mail.link()).await.status, 200);
}

/// Aim: a server that wants to be asked again is asked again.
async fn a_recipient_is_tried_again_later(on: On) {
    let server = MailServer::start(Security::None).await;
    let told = Told::by(on, server.settings(), "later").await;
    let id = told.log().await;
    assert!(server.mails().is_empty());
    assert_eq!(told.exchange(id).await.notices[0].delivery, NoticeDelivery::Queued);
    told.pass(Duration::from_secs(60)).await;
    server.took(1).await;
    assert!(matches!(told.exchange(id).await.notices[0].delivery, NoticeDelivery::Accepted { .. }));
}

/// Aim: while the server is down, or busy, the mail waits; one mail arrives, under the id of every attempt.
async fn a_server_that_is_down_delays_only(on: On) {
    let server = MailServer::start(Security::StartTls).await;
    let told = Told::by(on, server.settings(), "dpo").await;
    server.behave("down").await;
    let id = told.log().await;
    for (behaviour, wait) in [("down", 60), ("busy", 600), ("busy", 900)] {
        server.behave(behaviour).await;
        told.pass(Duration::from_secs(wait)).await;
        assert_eq!(told.exchange(id).await.notices[0].delivery, NoticeDelivery::Queued);
    }
    let told = Told { operator: told.operator.restart_with_mail(server.settings()).await, ..told };
    server.behave("up").await;
    told.pass(HOUR).await;
    let mail = server.took(1).await.remove(0);
    let exchange = told.exchange(id).await;
    assert_eq!(mail.header("Message-ID"), format!("<{}@127.0.0.1>", exchange.notices[0].message));
    let (message, node) = (exchange.notices[0].message, &told.operator.node);
    let attempts = node.store().read(move |rows| exchanges::attempts(rows, message, None, 100)).await;
    let attempts = attempts.expect("the attempts").items;
    let outcomes: Vec<&str> = attempts.iter().map(|attempt| attempt.outcome.as_str()).collect();
    for outcome in ["not_reached", "busy", "accepted"] {
        assert!(outcomes.contains(&outcome), "{outcome}: {outcomes:?}");
    }
}

/// Aim: a certificate that no root vouches for stops every mail, with STARTTLS and with TLS alike.
async fn a_server_that_nobody_vouches_for_gets_nothing(on: On) {
    for security in [Security::StartTls, Security::Tls] {
        let server = MailServer::start(security).await;
        let settings = MailSettings { trusted_roots: Vec::new(), ..server.settings() };
        let told = Told::by(on, settings, "dpo").await;
        let id = told.log().await;
        told.pass(HOUR).await;
        assert!(server.mails().is_empty());
        assert_eq!(told.exchange(id).await.notices[0].delivery, NoticeDelivery::Queued);
        let failed = told.operator.node.mail_state().expect("a server is named").last.failed.expect("a failure");
        assert!(failed.1.to_string().contains("certificate"), "{}", failed.1);
    }
}

/// Aim: a server with TLS from the first octet takes mail too.
async fn tls_from_the_start(on: On) {
    let server = MailServer::start(Security::Tls).await;
    let told = Told::by(on, server.settings(), "dpo").await;
    told.log().await;
    server.took(1).await;
}

/// Aim: whoever has the duty hears of a step, once, also when the node starts again; nobody else does.
async fn a_step_is_mailed_once_to_whom_it_concerns(on: On) {
    let server = MailServer::start(Security::None).await;
    let told = Told::by(on, server.settings(), "dpo").await;
    let id = told.log().await;
    let reference = told.operator.incident(id).await.reference;
    server.took(1).await;
    told.pass(24 * HOUR).await;
    let told = Told { operator: told.operator.restart_with_mail(server.settings()).await, ..told };
    told.settle().await;
    told.pass(Duration::from_secs(600)).await;
    // 24 hours left to tell; the acknowledgement is overdue since hour 8.
    let mails = server.took(1 + 2 * 3).await;
    let about = |part: &str| mails.iter().filter(|mail| mail.subject.contains(part)).cloned().collect::<Vec<_>>();
    let notice = about(&format!("{reference}: 24 hours left to tell partners"));
    let to: Vec<&str> = notice.iter().map(|mail| mail.to.as_str()).collect();
    for mailbox in ["responder", "second-responder", "manager"] {
        assert!(to.contains(&told.operator.email(mailbox).as_str()), "{mailbox}: {to:?}");
    }
    assert_eq!(to.len(), 3, "{to:?}");
    let text = &notice[0].text;
    for part in
        ["09:00 on Wednesday 4 March 2026 (GMT)", "1 partner", "Nobody has confirmed", &format!("/incidents/{id}")]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains(TITLE), "no facts: {text}");
    assert_eq!(about("overdue by 16 hours: have partners acknowledge").len(), 3, "{mails:#?}");
    told.pass(24 * HOUR).await;
    let report = server.mails().into_iter().filter(|mail| mail.subject.contains("report to the ICO"));
    let to: Vec<String> = report.map(|mail| mail.to).collect();
    for mailbox in ["dpo", "second-dpo", "manager"] {
        assert!(to.contains(&told.operator.email(mailbox)), "{mailbox}: {to:?}");
    }
    assert_eq!(to.len(), 3, "{to:?}");
    let mut ids: Vec<String> = server.mails().iter().map(|mail| mail.header("Message-ID").to_owned()).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "each mail has an id of its own");
}

/// Aim: whether mail leaves is seen on a page, and tried out from there.
async fn an_administrator_tests_the_mail(on: On) {
    let server = MailServer::start(Security::StartTls).await;
    let told = Told::by(on, server.settings(), "dpo").await;
    let mut visitor = Visitor::signed_in(told.address, &told.operator.email("administrator"), PASSWORD).await;
    let shown = visitor.get("/mail").await;
    assert!(shown.text().contains("STARTTLS") && shown.text().contains("tocsin@operator.example"), "{}", shown.text());
    let form = shown.page().form("Send a test mail to me").fields();
    assert_eq!(visitor.post("/mail", &form).await.status, 303);
    let mail = server.took(1).await.remove(0);
    assert_eq!(mail.to, told.operator.email("administrator"));
    server.behave("busy").await;
    let failed = visitor.post("/mail", &form).await.text();
    assert!(failed.contains("code 452") && !failed.contains("secret-of-the-server"), "{failed}");
    let mut responder = Visitor::signed_in(told.address, &told.operator.email("responder"), PASSWORD).await;
    assert_eq!(responder.get("/mail").await.status, 403);
}

// The database makes no difference to a page's markup.
/// Aim: the page for people without an account, in each of its states, and the page of mail: accessible, and no wider than
/// a telephone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_are_accessible_and_fit() {
    let server = MailServer::start(Security::None).await;
    let told = Told::by(On::Sqlite, server.settings(), "dpo").await;
    told.log().await;
    let link = server.took(1).await[0].link();
    let origin = format!("http://{}", told.address);
    let mut faults = Vec::new();
    for width in [320, 1280] {
        let browser = Browser::open(width).await;
        for path in [link.as_str(), "/ack/nothing"] {
            browser.go(&format!("{origin}{path}")).await;
            check(&browser, path, width, &mut faults).await;
        }
        browser.sign_in(&origin, &told.operator.email("administrator"), PASSWORD).await;
        browser.go(&format!("{origin}/mail")).await;
        check(&browser, "/mail", width, &mut faults).await;
        browser.close().await;
    }
    let mut visitor = told.stranger();
    let shown = visitor.get(&link).await;
    assert_eq!(visitor.post(&link, &filled(&shown, "affected")).await.status, 303);
    for width in [320, 1280] {
        let browser = Browser::open(width).await;
        browser.go(&format!("{origin}{link}")).await;
        check(&browser, "acknowledged", width, &mut faults).await;
        browser.close().await;
    }
    assert!(faults.is_empty(), "{} fault(s):\n{}", faults.len(), faults.join("\n"));
}

async fn check(browser: &Browser, what: &str, width: u32, faults: &mut Vec<String>) {
    let violations = browser.violations().await;
    faults.extend(violations.into_iter().map(|violation| format!("{what} at {width}: {violation}")));
    let over = browser.overflow().await;
    faults.extend((over > 0).then(|| format!("{what} at {width}: {over} pixels too wide")));
}
