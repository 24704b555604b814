//! The form of a service.

use domain::directory::{Fault, Key, RecordKind, ServiceRecord};

use super::{ONE_PER_LINE, key, lines, parties, pick, put, put_lines};
use crate::access::Administrator;
use crate::node::DoorError;
use crate::store::queries::directory::{Known, Stored};
use crate::web::directory::edit::{Edited, Group};
use crate::web::field::Field;
use crate::web::form::{Form, Reading};
use crate::web::page::Visit;

/// The lists of a service: name and words.
const LISTS: [(&str, &str); 9] = [
    ("purposes", "Purposes"),
    ("data_categories", "Kinds of personal data"),
    ("subject_categories", "Kinds of people"),
    ("lawful_basis", "Lawful basis (Article 6)"),
    ("recipients", "Who receives the data"),
    ("third_parties", "Third parties, with their role"),
    ("hosting", "Where data are kept"),
    ("retention", "How long data are kept"),
    ("security", "Security measures"),
];

impl Edited for ServiceRecord {
    const KIND: RecordKind = RecordKind::Service;
    const DRAFT: &'static str = "service";
    const PATH: &'static str = "/services";
    const LIST: &'static str = "Services";
    const NEW: &'static str = "Add a service";

    fn all(known: &Known) -> &[Stored<Self>] {
        &known.services
    }

    fn key(&self) -> &Key {
        &self.key
    }

    fn name(&self, _: &Known) -> String {
        self.name.to_string()
    }

    fn fill(&self, form: &mut Form) {
        form.set("name", self.name.as_str());
        put(form, "controller", self.controller.as_ref());
        put(form, "operation", self.operation.as_ref());
        let lists = [
            &self.purposes,
            &self.data_categories,
            &self.subject_categories,
            &self.lawful_basis,
            &self.recipients,
            &self.third_parties,
            &self.hosting,
            &self.retention,
            &self.security,
        ];
        for ((name, _), list) in LISTS.into_iter().zip(lists) {
            put_lines(form, name, list);
        }
    }

    fn groups(form: &Form, known: &Known, _: bool) -> Vec<Group> {
        let lists = LISTS.map(|(name, label)| Field::area(form, name, label).hint(ONE_PER_LINE));
        vec![
            Group::new(
                "The service",
                vec![
                    Field::line(form, "name", "Name").hint("As people choose it when they log an incident."),
                    pick(form, "controller", "Who offers it?", "Not stated", &parties(known)),
                    Field::area(form, "operation", "What is done with the data?"),
                ],
            ),
            Group::new("What is processed, and how", lists.into()).hint("The record of processing (Article 30)."),
        ]
    }

    fn read(reading: &mut Reading<'_>, known: &Known, seen: Option<&Self>) -> Option<Self> {
        let name: Option<domain::values::Line> = reading.text("name", "Give the service a name");
        let controller = key(reading, "controller");
        let operation = reading.optional_text("operation");
        let [purposes, data, subjects, basis, recipients, third, hosting, retention, security] =
            LISTS.map(|(list, _)| lines(reading, list));
        let name = name?;
        Some(Self {
            key: Self::key_of(seen, name.as_str(), known),
            name,
            controller,
            operation,
            purposes,
            data_categories: data,
            subject_categories: subjects,
            lawful_basis: basis,
            recipients,
            third_parties: third,
            hosting,
            retention,
            security,
        })
    }

    fn is_twin(&self, other: &Self) -> bool {
        self.name.as_str().to_lowercase() == other.name.as_str().to_lowercase()
    }

    fn field_of(fault: &Fault) -> &'static str {
        let named = LISTS.into_iter().find(|(name, _)| fault.message.starts_with(name));
        named.map_or("name", |(name, _)| name)
    }

    async fn keep(self, visit: &Visit, by: &Administrator, expected: Option<u32>) -> Result<u32, DoorError> {
        visit.node.save_service(by, self, expected).await
    }
}
