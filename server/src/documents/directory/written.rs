//! From records to text: tables in the order in which they refer back to each other, fields in the order of their
//! documentation.

use std::fmt::Write as _;

use domain::arrangement::FallbackContact;
use domain::directory::{Agreement, ArrangementRecord, Directory, Party};
use serde::Serialize;

use super::FORMAT;

/// Writes a file that [`super::parse`] reads back as the same directory.
#[must_use]
pub fn write(directory: &Directory) -> String {
    let mut file = File(String::new());
    file.line(&format!("format = \"{FORMAT}\""));
    if let Some(us) = &directory.us {
        file.line(&format!("us = \"{us}\""));
    }
    for party in &directory.parties {
        file.party(party);
    }
    for service in &directory.services {
        file.table("[[service]]", service);
    }
    for agreement in &directory.agreements {
        file.agreement(agreement);
    }
    for arrangement in &directory.arrangements {
        file.arrangement(arrangement);
    }
    file.0
}

struct File(String);

impl File {
    fn line(&mut self, line: &str) {
        // Writing to a String can't fail.
        let _ = writeln!(self.0, "{line}");
    }

    /// One table that holds no others.
    fn table(&mut self, heading: &str, record: &impl Serialize) {
        self.line("");
        self.line(heading);
        // Records hold texts, numbers and lists of texts: all of them have a form in TOML.
        self.0.push_str(&toml::to_string_pretty(record).unwrap_or_default());
    }

    fn party(&mut self, party: &Party) {
        let flat = Party { dpo: None, breach_contact: None, service_contact: None, ..party.clone() };
        self.table("[[party]]", &flat);
        let contacts = [
            ("[party.dpo]", &party.dpo),
            ("[party.breach_contact]", &party.breach_contact),
            ("[party.service_contact]", &party.service_contact),
        ];
        for (heading, contact) in contacts {
            if let Some(contact) = contact {
                self.table(heading, contact);
            }
        }
    }

    fn agreement(&mut self, agreement: &Agreement) {
        self.table("[[agreement]]", &Agreement { duties: Vec::new(), ..agreement.clone() });
        for duty in &agreement.duties {
            self.table("[[agreement.duty]]", duty);
        }
    }

    fn arrangement(&mut self, arrangement: &ArrangementRecord) {
        self.table(
            "[[arrangement]]",
            &ArrangementRecord { contacts: Vec::<FallbackContact>::new(), ..arrangement.clone() },
        );
        for contact in &arrangement.contacts {
            self.table("[[arrangement.contact]]", contact);
        }
    }
}
