//! The form of an arrangement: what differs from its agreement, and whom to ring.

use domain::arrangement::{FallbackContact, OurRole};
use domain::directory::{Agreement, ArrangementRecord, Fault, Key, RecordKind};

use super::{
    contact, contact_fields, hours, key, keys, parties, pick, put, put_contact, service_boxes, trigger, trigger_field,
    trigger_word, who_options,
};
use crate::access::Administrator;
use crate::node::DoorError;
use crate::store::queries::directory::{Known, OUR_PARTY, Stored};
use crate::web::directory::edit::{Edited, Group};
use crate::web::directory::sheet::{hours_words, our_role_words};
use crate::web::field::Field;
use crate::web::form::{Form, Reading};
use crate::web::page::Visit;

/// People to ring under one arrangement.
const CONTACTS_MAX: usize = 20;
/// Empty places for further ones.
const CONTACTS_SPARE: usize = 2;

fn contact_name(number: usize) -> String {
    format!("contact{number}")
}

/// `key/version`, as the form names an agreement's version.
fn agreement_of<'a>(form: &Form, known: &'a Known) -> Option<&'a Agreement> {
    let (key, version) = form.first("agreement").split_once('/')?;
    let found = known.agreements.iter().map(|stored| &stored.record);
    found.into_iter().find(|agreement| agreement.key.as_str() == key && agreement.version.to_string() == version)
}

fn party_name(known: &Known, key: &Key) -> String {
    let party = known.parties.iter().find(|party| party.record.key == *key);
    party.map_or_else(|| key.to_string(), |party| party.record.name.to_string())
}

impl Edited for ArrangementRecord {
    const KIND: RecordKind = RecordKind::Arrangement;
    const DRAFT: &'static str = "arrangement";
    const PATH: &'static str = "/arrangements";
    const LIST: &'static str = "Agreements";
    const NEW: &'static str = "Add a partner under an agreement";

    fn all(known: &Known) -> &[Stored<Self>] {
        &known.arrangements
    }

    fn key(&self) -> &Key {
        &self.key
    }

    fn name(&self, known: &Known) -> String {
        format!("the arrangement with {}", party_name(known, &self.partner))
    }

    fn fill(&self, form: &mut Form) {
        form.set("agreement", format!("{}/{}", self.agreement, self.agreement_version));
        form.set("partner", self.partner.as_str());
        self.services.iter().for_each(|key| form.add("services", key.as_str()));
        put(form, "notice_hours", self.notice_hours.map(|hours| hours.get()).as_ref());
        put(form, "acknowledgement_hours", self.acknowledgement_hours.map(|hours| hours.get()).as_ref());
        form.set("trigger", trigger_word(self.trigger));
        put(form, "ico_lead", self.ico_lead.as_ref());
        put(form, "contact_point", self.contact_point.as_ref());
        form.set("our_role", self.our_role.map_or("", OurRole::word));
        for (number, contact) in (1_usize..).zip(&self.contacts) {
            put_contact(form, &contact_name(number), Some(contact));
        }
    }

    fn groups(form: &Form, known: &Known, is_new: bool) -> Vec<Group> {
        let agreement = agreement_of(form, known);
        let mut groups = vec![
            Group::new("The partner and the agreement", parties_fields(form, known, is_new)),
            Group::new("What differs from the agreement", terms_fields(form, known, agreement))
                .hint("Leave empty what the agreement says already."),
        ];
        for number in 1..=contacts_shown(form) {
            let heading = format!("Whom to ring: {number}");
            groups.push(Group::new(heading, contact_fields(form, &contact_name(number))));
        }
        groups
    }

    fn read(reading: &mut Reading<'_>, known: &Known, seen: Option<&Self>) -> Option<Self> {
        let agreement = agreement_of(reading.form(), known);
        if agreement.is_none() {
            reading.fault("agreement", "Choose the agreement");
        }
        // The partner of an arrangement never changes: another one has an arrangement of its own.
        let partner = match seen {
            Some(seen) => Some(seen.partner.clone()),
            None => key(reading, "partner"),
        };
        if partner.is_none() {
            reading.fault("partner", "Choose the partner");
        }
        let notice_hours = hours(reading, "notice_hours");
        let acknowledgement_hours = hours(reading, "acknowledgement_hours");
        let trigger = trigger(reading.form());
        let agreed = agreement.and_then(|agreement| agreement.trigger);
        let owed = notice_hours.or(agreement.and_then(|agreement| agreement.notice_hours));
        if owed.is_some() && trigger.or(agreed).is_none() {
            reading.fault("trigger", "There are hours, but nothing that starts them: say what does");
        }
        let ico_lead = reading.optional_text("ico_lead");
        let contact_point = reading.optional_text("contact_point");
        let our_role = OurRole::ALL.into_iter().find(|role| role.word() == reading.form().first("our_role"));
        let contacts = contacts(reading);
        let (agreement, partner) = agreement.zip(partner)?;
        Some(Self {
            key: Self::key_of(seen, &format!("{partner} {}", agreement.key), known),
            agreement: agreement.key.clone(),
            agreement_version: agreement.version,
            partner,
            services: keys(reading.form(), "services"),
            notice_hours,
            acknowledgement_hours,
            trigger,
            ico_lead,
            contact_point,
            our_role,
            contacts,
        })
    }

    fn is_twin(&self, other: &Self) -> bool {
        self.partner == other.partner && self.agreement == other.agreement
    }

    fn field_of(fault: &Fault) -> &'static str {
        let message = &fault.message;
        if message.contains("notice_hours") {
            "notice_hours"
        } else if message.contains("service") && !message.contains("sole controller") {
            "services"
        } else if message.contains("neither telephone nor mailbox") {
            "contact1-phone"
        } else {
            "agreement"
        }
    }

    async fn keep(self, visit: &Visit, by: &Administrator, expected: Option<u32>) -> Result<u32, DoorError> {
        visit.node.save_arrangement(by, self, expected).await
    }
}

fn parties_fields(form: &Form, known: &Known, is_new: bool) -> Vec<Field> {
    let mut agreements: Vec<&Agreement> = known.agreements.iter().map(|stored| &stored.record).collect();
    agreements.sort_by(|a, b| a.title.cmp(&b.title).then_with(|| b.version.cmp(&a.version)));
    let options: Vec<(String, String)> = agreements
        .into_iter()
        .map(|one| (format!("{}/{}", one.key, one.version), format!("{}, version {}", one.title, one.version)))
        .collect();
    let mut fields = Vec::new();
    if is_new {
        let ours = known.parties.iter().find(|party| party.id == OUR_PARTY).map(|party| party.record.key.to_string());
        let mut partners = parties(known);
        partners.retain(|(key, _)| Some(key) != ours.as_ref());
        let hint = "Whoever is missing here is added under Parties first.";
        fields.push(pick(form, "partner", "With whom?", "Choose a party", &partners).hint(hint));
    }
    fields.push(pick(form, "agreement", "Under which agreement?", "Choose an agreement", &options));
    fields
}

fn terms_fields(form: &Form, known: &Known, agreement: Option<&Agreement>) -> Vec<Field> {
    let who = who_options(known);
    let says = |hours: Option<domain::values::Hours>| match (agreement, hours) {
        (None, _) => String::new(),
        (Some(_), None) => "The agreement does not say.".to_owned(),
        (Some(_), Some(hours)) => format!("The agreement says {}.", hours_words(hours)),
    };
    let ours = OurRole::ALL.map(|role| (role.word().to_owned(), our_role_words(role).to_owned()));
    vec![
        service_boxes(form, known, "Which services?", agreement.map(|agreement| agreement.services.as_slice()))
            .hint("None ticked means all that the agreement covers."),
        Field::line(form, "notice_hours", "Hours within which they must be told")
            .hint(&says(agreement.and_then(|agreement| agreement.notice_hours))),
        Field::line(form, "acknowledgement_hours", "Hours within which a person must acknowledge")
            .hint(&says(agreement.and_then(|agreement| agreement.acknowledgement_hours))),
        trigger_field(form, "As in the agreement"),
        pick(form, "our_role", "What are we towards them?", "As the agreement says", &ours)
            .hint("Where one of us only processes for the other, the agreement has to be one of a processor."),
        pick(form, "ico_lead", "Who leads on the report to the ICO?", "As in the agreement", &who),
        pick(form, "contact_point", "Contact point for people", "As in the agreement", &who),
    ]
}

/// Places for contacts: those in use, and some spare ones.
fn contacts_shown(form: &Form) -> usize {
    let used = (1..=CONTACTS_MAX).rev().find(|number| {
        let name = contact_name(*number);
        ["who", "phone", "out_of_hours", "email"].into_iter().any(|part| !form.is_blank(&format!("{name}-{part}")))
    });
    used.unwrap_or(0).saturating_add(CONTACTS_SPARE).min(CONTACTS_MAX)
}

fn contacts(reading: &mut Reading<'_>) -> Vec<FallbackContact> {
    let mut contacts = Vec::new();
    for name in (1..=CONTACTS_MAX).map(contact_name) {
        let Some(contact) = contact(reading, &name) else { continue };
        if [&contact.phone, &contact.out_of_hours, &contact.email].into_iter().all(|way| way.is_none()) {
            reading.fault(&format!("{name}-phone"), "Give a telephone number or a mailbox");
        }
        contacts.push(contact);
    }
    contacts
}
