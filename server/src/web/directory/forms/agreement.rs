//! The form of an agreement. Saving it is the next version of the text; earlier versions stay.

use domain::directory::{Agreement, Duty, Fault, Key, PartyRole, RecordKind};
use domain::values::{Digest32, Line};

use super::{
    ONE_PER_LINE, date, date_field, hours, key, keys, lines, parties, pick, put, put_date, put_lines, service_boxes,
    trigger, trigger_field, trigger_word, who_options,
};
use crate::access::Administrator;
use crate::node::DoorError;
use crate::store::queries::directory::{Known, Stored};
use crate::web::directory::edit::{Edited, Group};
use crate::web::directory::sheet::role_words;
use crate::web::field::Field;
use crate::web::form::{Form, Reading};
use crate::web::page::Visit;

/// The word of a role in forms.
const ROLES: [(PartyRole, &str); 4] = [
    (PartyRole::JointController, "joint_controller"),
    (PartyRole::SoleController, "sole_controller"),
    (PartyRole::IndependentController, "independent_controller"),
    (PartyRole::Processor, "processor"),
];
/// Between the parts of a duty on its line.
const PARTS: char = '|';

impl Edited for Agreement {
    const KIND: RecordKind = RecordKind::Agreement;
    const DRAFT: &'static str = "agreement";
    const PATH: &'static str = "/agreements";
    const LIST: &'static str = "Agreements";
    const NEW: &'static str = "Write an agreement";

    fn all(known: &Known) -> &[Stored<Self>] {
        &known.agreements
    }

    fn key(&self) -> &Key {
        &self.key
    }

    fn name(&self, _: &Known) -> String {
        self.title.to_string()
    }

    fn fill(&self, form: &mut Form) {
        form.set("title", self.title.as_str());
        form.set("role", ROLES.into_iter().find(|(role, _)| *role == self.role).map_or("", |(_, word)| word));
        put(form, "author", self.author.as_ref());
        put_date(form, "dated", self.dated);
        put_date(form, "effective_from", self.effective_from);
        put_date(form, "effective_to", self.effective_to);
        put(form, "text_url", self.text_url.as_ref());
        put(form, "text_sha256", self.text_sha256.as_ref());
        self.services.iter().for_each(|key| form.add("services", key.as_str()));
        put(form, "notice_hours", self.notice_hours.map(|hours| hours.get()).as_ref());
        put(form, "acknowledgement_hours", self.acknowledgement_hours.map(|hours| hours.get()).as_ref());
        form.set("trigger", trigger_word(self.trigger));
        put(form, "ico_lead", self.ico_lead.as_ref());
        put(form, "contact_point", self.contact_point.as_ref());
        form.set("duties", self.duties.iter().map(duty_line).collect::<Vec<_>>().join("\n"));
        put_lines(form, "not_stated", &self.not_stated);
        put(form, "notes", self.notes.as_ref());
    }

    fn groups(form: &Form, known: &Known, _: bool) -> Vec<Group> {
        let who = who_options(known);
        let roles = ROLES.map(|(role, word)| (word, role_words(role)));
        vec![
            Group::new(
                "The text",
                vec![
                    Field::line(form, "title", "Title"),
                    Field::radios(form, "role", "What are the parties to each other?", roles),
                    pick(form, "author", "Whose text is it?", "Not stated", &parties(known)),
                    date_field(form, "dated", "The date that it bears"),
                    date_field(form, "effective_from", "In force from"),
                    date_field(form, "effective_to", "In force until"),
                    Field::line(form, "text_url", "Where the text is").hint("An address, or where the paper lies."),
                    Field::line(form, "text_sha256", "SHA-256 of the text")
                        .hint("43 characters, base64url. Only if you keep a copy."),
                ],
            ),
            Group::new(
                "What it binds you to",
                vec![
                    service_boxes(form, known, "Which services does it cover?", None),
                    Field::line(form, "notice_hours", "Hours within which the other party must be told")
                        .hint("Leave it empty where no contract clock exists."),
                    Field::line(form, "acknowledgement_hours", "Hours within which a person must acknowledge"),
                    trigger_field(form, "Not stated"),
                    pick(form, "ico_lead", "Who leads on the report to the ICO?", "Not stated", &who),
                    pick(form, "contact_point", "Contact point for people", "Not stated", &who),
                ],
            ),
            Group::new(
                "Who does what",
                vec![
                    Field::area(form, "duties", "Duties").hint(
                        "One per line: the duty | who has it | the clause. Who is a party\u{2019}s key, each, or client; leave \
                         it empty where the text does not say.",
                    ),
                    Field::area(form, "not_stated", "What the text at hand does not say").hint(ONE_PER_LINE),
                    Field::area(form, "notes", "Notes"),
                ],
            ),
        ]
    }

    fn read(reading: &mut Reading<'_>, known: &Known, seen: Option<&Self>) -> Option<Self> {
        let title = reading.text("title", "Give the title");
        let role = reading.choice("role", role_of, "Say what the parties are to each other");
        let author = key(reading, "author");
        let (dated, effective_from, effective_to) =
            (date(reading, "dated"), date(reading, "effective_from"), date(reading, "effective_to"));
        if effective_from.zip(effective_to).is_some_and(|(from, to)| to < from) {
            reading.fault("effective_to", "It ends before it begins");
        }
        let text_url = reading.optional_text("text_url");
        let text_sha256 = digest(reading);
        let notice_hours = hours(reading, "notice_hours");
        let acknowledgement_hours = hours(reading, "acknowledgement_hours");
        let ico_lead = reading.optional_text("ico_lead");
        let contact_point = reading.optional_text("contact_point");
        let duties = duties(reading);
        let not_stated = lines(reading, "not_stated");
        let notes = reading.optional_text("notes");
        let (title, role): (Line, PartyRole) = title.zip(role)?;
        Some(Self {
            key: Self::key_of(seen, title.as_str(), known),
            version: seen.map_or(1, |seen| seen.version),
            title,
            role,
            author,
            dated,
            effective_from,
            effective_to,
            text_url,
            text_sha256,
            services: keys(reading.form(), "services"),
            notice_hours,
            acknowledgement_hours,
            trigger: trigger(reading.form()),
            ico_lead,
            contact_point,
            duties,
            not_stated,
            notes,
        })
    }

    fn is_twin(&self, other: &Self) -> bool {
        self.title.as_str().to_lowercase() == other.title.as_str().to_lowercase()
    }

    fn field_of(fault: &Fault) -> &'static str {
        if fault.message.contains("notice_hours") {
            "notice_hours"
        } else if fault.message.contains("is no party") {
            "duties"
        } else {
            "title"
        }
    }

    async fn keep(self, visit: &Visit, by: &Administrator, expected: Option<u32>) -> Result<u32, DoorError> {
        visit.node.save_agreement(by, self, expected).await
    }
}

fn role_of(word: &str) -> Option<PartyRole> {
    ROLES.into_iter().find(|(_, known)| *known == word).map(|(role, _)| role)
}

fn digest(reading: &mut Reading<'_>) -> Option<Digest32> {
    if reading.form().is_blank("text_sha256") {
        return None;
    }
    let digest = reading.form().first("text_sha256").trim().parse().ok();
    if digest.is_none() {
        reading.fault("text_sha256", "Give the 43 characters of a SHA-256 in base64url, or leave it empty");
    }
    digest
}

fn duty_line(duty: &Duty) -> String {
    let part = |line: Option<&Line>| line.map(|line| line.as_str().replace(['\n', PARTS], " ")).unwrap_or_default();
    let parts = [part(Some(&duty.duty)), part(duty.who.as_ref()), part(duty.clause.as_ref())];
    parts.join(" | ").trim_end_matches([' ', PARTS]).to_owned()
}

/// Duties as typed, one per line.
fn duties(reading: &mut Reading<'_>) -> Vec<Duty> {
    let typed = reading.form().first("duties").to_owned();
    let mut duties = Vec::new();
    for (number, line) in typed.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match duty(line) {
            Ok(duty) => duties.push(duty),
            Err(what) => reading.fault("duties", format!("Look at line {}: {what}", number.saturating_add(1))),
        }
    }
    duties
}

fn duty(line: &str) -> Result<Duty, String> {
    let mut parts = line.split(PARTS).map(str::trim);
    let mut next = || match parts.next().unwrap_or_default() {
        "" => Ok(None),
        part => Line::parse(part).map(Some).map_err(|error| error.to_string()),
    };
    let (duty, who, clause) = (next()?, next()?, next()?);
    if parts.next().is_some() {
        return Err("it has more than three parts".to_owned());
    }
    let duty = duty.ok_or_else(|| "the duty itself is missing".to_owned())?;
    Ok(Duty { duty, who, clause })
}
