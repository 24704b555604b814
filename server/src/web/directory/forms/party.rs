//! The form of a party.

use domain::directory::{Fault, Key, Party, RecordKind};
use domain::values::Line;

use super::{ONE_PER_LINE, contact, contact_fields, lines, put, put_contact, put_lines};
use crate::access::Administrator;
use crate::node::DoorError;
use crate::store::queries::directory::{Known, Stored};
use crate::web::directory::edit::{Edited, Group};
use crate::web::field::Field;
use crate::web::form::{Form, Reading};
use crate::web::page::Visit;

impl Edited for Party {
    const KIND: RecordKind = RecordKind::Party;
    const DRAFT: &'static str = "party";
    const PATH: &'static str = "/parties";
    const LIST: &'static str = "Parties";
    const NEW: &'static str = "Add a party";

    fn all(known: &Known) -> &[Stored<Self>] {
        &known.parties
    }

    fn key(&self) -> &Key {
        &self.key
    }

    fn name(&self, _: &Known) -> String {
        self.name.to_string()
    }

    fn fill(&self, form: &mut Form) {
        form.set("name", self.name.as_str());
        put(form, "company_number", self.company_number.as_ref());
        put(form, "charity_number", self.charity_number.as_ref());
        put(form, "parent", self.parent.as_ref());
        put(form, "ico_registration", self.ico_registration.as_ref());
        put(form, "address", self.address.as_ref());
        put(form, "country", self.country.as_ref());
        put(form, "sector", self.sector.as_ref());
        put_contact(form, "dpo", self.dpo.as_ref());
        put_contact(form, "breach_contact", self.breach_contact.as_ref());
        put_contact(form, "service_contact", self.service_contact.as_ref());
        put_lines(form, "advisors", &self.advisors);
    }

    fn groups(form: &Form, _: &Known, _: bool) -> Vec<Group> {
        vec![
            Group::new(
                "The organisation",
                vec![
                    Field::line(form, "name", "Legal name"),
                    Field::line(form, "company_number", "Company number").hint("As registered: a leading zero counts."),
                    Field::line(form, "charity_number", "Charity number"),
                    Field::line(form, "parent", "Parent organisation"),
                    Field::line(form, "ico_registration", "ICO registration number"),
                    Field::line(form, "address", "Address").hint("On one line."),
                    Field::line(form, "country", "Country"),
                    Field::line(form, "sector", "Sector"),
                ],
            ),
            Group::new("Data protection officer", contact_fields(form, "dpo")),
            Group::new("Whom to tell of a breach", contact_fields(form, "breach_contact")),
            Group::new("For questions about a service", contact_fields(form, "service_contact")),
            Group::new(
                "Advisers",
                vec![Field::area(form, "advisors", "Advisers who may see a notice").hint(ONE_PER_LINE)],
            ),
        ]
    }

    fn read(reading: &mut Reading<'_>, known: &Known, seen: Option<&Self>) -> Option<Self> {
        let name = reading.text("name", "Give the legal name");
        let company_number = reading.optional_text("company_number");
        let charity_number = reading.optional_text("charity_number");
        let parent = reading.optional_text("parent");
        let ico_registration = reading.optional_text("ico_registration");
        let address = reading.optional_text("address");
        let country = reading.optional_text("country");
        let sector = reading.optional_text("sector");
        let dpo = contact(reading, "dpo");
        let breach_contact = contact(reading, "breach_contact");
        let service_contact = contact(reading, "service_contact");
        let advisors = lines(reading, "advisors");
        let name: Line = name?;
        Some(Self {
            key: Self::key_of(seen, name.as_str(), known),
            name,
            company_number,
            charity_number,
            parent,
            ico_registration,
            address,
            country,
            sector,
            dpo,
            breach_contact,
            service_contact,
            advisors,
        })
    }

    fn is_twin(&self, other: &Self) -> bool {
        self.name.as_str().to_lowercase() == other.name.as_str().to_lowercase()
    }

    fn field_of(fault: &Fault) -> &'static str {
        if fault.message.starts_with("advisors") { "advisors" } else { "name" }
    }

    async fn keep(self, visit: &Visit, by: &Administrator, expected: Option<u32>) -> Result<u32, DoorError> {
        visit.node.save_party(by, self, expected).await
    }
}
