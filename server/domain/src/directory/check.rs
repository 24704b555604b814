//! Whether a directory makes sense: every reference leads somewhere, no key stands twice, every clock can be started.
//!
//! All faults are found at once, so that whoever mends a file of 500 rows mends it once.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::{Agreement, ArrangementRecord, Directory, Key, Party, PartyRole, RecordKind, ServiceRecord};
use crate::arrangement::{FallbackContact, OurRole};
use crate::values::Line;

/// Faults named in one answer; whoever has more starts with these.
pub const FAULTS_MAX: usize = 100;
/// Entries in one list of a record.
const LIST_MAX: usize = 200;
/// People to ring under one arrangement.
const CONTACTS_MAX: usize = 20;
/// The highest version of an agreement.
const VERSION_MAX: u32 = 1_000_000;
/// Words in the place of a party's key.
const ANYBODY: [&str; 2] = ["each", "client"];

/// What is wrong with one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Of which kind, and its place among those, counted from 0; `None` for the word that says which party we are.
    pub at: Option<(RecordKind, usize)>,
    /// The record's key.
    pub key: Key,
    /// What is wrong, in a public sentence without a full stop.
    pub message: String,
}

impl Fault {
    /// Names the record: `arrangement 312 "bradford"`.
    #[must_use]
    pub fn what(&self) -> String {
        match self.at {
            Some((kind, index)) => format!("{} {} \"{}\"", kind.word(), index.saturating_add(1), self.key),
            None => "us".to_owned(),
        }
    }
}

impl Fault {
    /// Several on one line, at most five of them in full.
    #[must_use]
    pub fn list(faults: &[Self]) -> String {
        const NAMED: usize = 5;
        let mut text: Vec<String> = faults.iter().take(NAMED).map(ToString::to_string).collect();
        if faults.len() > NAMED {
            text.push(format!("and {} more", faults.len().saturating_sub(NAMED)));
        }
        text.join("; ")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what(), self.message)
    }
}

/// What is wrong with a directory that is to be added to what is known: the first [`FAULTS_MAX`] faults, in the order of
/// the records. Empty when it can be taken.
#[must_use]
pub fn check(directory: &Directory, known: &Directory) -> Vec<Fault> {
    let mut check = Check { world: World::of(directory, known), faults: Vec::new() };
    check.us(directory);
    check.each(RecordKind::Party, &directory.parties, Check::party);
    check.each(RecordKind::Service, &directory.services, Check::service);
    check.each(RecordKind::Agreement, &directory.agreements, Check::agreement);
    check.each(RecordKind::Arrangement, &directory.arrangements, Check::arrangement);
    check.counts(directory, known);
    check.faults.truncate(FAULTS_MAX);
    check.faults
}

/// Everything that a reference may lead to.
struct World<'a> {
    us: Option<&'a Key>,
    parties: HashSet<&'a Key>,
    services: HashSet<&'a Key>,
    agreements: HashMap<(&'a Key, u32), &'a Agreement>,
    known_agreements: HashMap<(&'a Key, u32), &'a Agreement>,
    known_arrangements: HashMap<&'a Key, &'a ArrangementRecord>,
}

impl<'a> World<'a> {
    fn of(directory: &'a Directory, known: &'a Directory) -> Self {
        let both = [known, directory];
        let named = |agreement: &'a Agreement| ((&agreement.key, agreement.version), agreement);
        Self {
            us: directory.us.as_ref().or(known.us.as_ref()),
            parties: both.iter().flat_map(|all| &all.parties).map(|party| &party.key).collect(),
            services: both.iter().flat_map(|all| &all.services).map(|service| &service.key).collect(),
            agreements: both.iter().flat_map(|all| &all.agreements).map(named).collect(),
            known_agreements: known.agreements.iter().map(named).collect(),
            known_arrangements: known.arrangements.iter().map(|record| (&record.key, record)).collect(),
        }
    }
}

/// A record that has a key and may stand once, or once per version.
trait Keyed {
    fn key(&self) -> &Key;
    fn version(&self) -> u32 {
        0
    }
}

impl Keyed for Party {
    fn key(&self) -> &Key {
        &self.key
    }
}

impl Keyed for ServiceRecord {
    fn key(&self) -> &Key {
        &self.key
    }
}

impl Keyed for Agreement {
    fn key(&self) -> &Key {
        &self.key
    }
    fn version(&self) -> u32 {
        self.version
    }
}

impl Keyed for ArrangementRecord {
    fn key(&self) -> &Key {
        &self.key
    }
}

struct Check<'a> {
    world: World<'a>,
    faults: Vec<Fault>,
}

/// What is wrong with one record.
type Found = Vec<String>;

impl<'a> Check<'a> {
    fn each<T: Keyed>(&mut self, kind: RecordKind, records: &'a [T], rule: impl Fn(&Self, &'a T) -> Found) {
        let mut seen: HashSet<(&Key, u32)> = HashSet::with_capacity(records.len());
        for (index, record) in records.iter().enumerate() {
            if self.faults.len() >= FAULTS_MAX {
                return;
            }
            let mut found = rule(self, record);
            if !seen.insert((record.key(), record.version())) {
                found.insert(0, format!("the key \"{}\" stands twice", record.key()));
            }
            let at = Some((kind, index));
            self.faults.extend(found.into_iter().map(|message| Fault { at, key: record.key().clone(), message }));
        }
    }

    fn us(&mut self, directory: &Directory) {
        if let Some(us) = directory.us.as_ref().filter(|us| !self.world.parties.contains(us)) {
            self.faults.push(Fault { at: None, key: us.clone(), message: format!("there is no party \"{us}\"") });
        }
    }

    fn counts(&mut self, directory: &Directory, known: &Directory) {
        for kind in RecordKind::ALL {
            let keys: HashSet<&Key> = [known, directory].into_iter().flat_map(|all| keys_of(all, kind)).collect();
            let last = keys_of(directory, kind).len().saturating_sub(1);
            if let Some(key) = keys_of(directory, kind).last().filter(|_| keys.len() > kind.max()) {
                let message = format!("there may be at most {} of this kind", kind.max());
                self.faults.push(Fault { at: Some((kind, last)), key: (*key).clone(), message });
            }
        }
    }

    fn party(&self, party: &'a Party) -> Found {
        let mut found = Found::new();
        if ANYBODY.contains(&party.key.as_str()) {
            found.push(format!("\"{}\" cannot be a party's key: it has a meaning of its own", party.key));
        }
        at_most(&mut found, "advisors", party.advisors.len(), LIST_MAX);
        found
    }

    fn service(&self, service: &'a ServiceRecord) -> Found {
        let mut found = Found::new();
        found.extend(service.controller.as_ref().and_then(|key| self.no_party(key)));
        for (name, list) in [
            ("purposes", &service.purposes),
            ("data_categories", &service.data_categories),
            ("subject_categories", &service.subject_categories),
            ("lawful_basis", &service.lawful_basis),
            ("recipients", &service.recipients),
            ("third_parties", &service.third_parties),
            ("hosting", &service.hosting),
            ("retention", &service.retention),
            ("security", &service.security),
        ] {
            at_most(&mut found, name, list.len(), LIST_MAX);
        }
        found
    }

    fn agreement(&self, agreement: &'a Agreement) -> Found {
        let mut found = Found::new();
        if !(1..=VERSION_MAX).contains(&agreement.version) {
            found.push(format!("a version is between 1 and {VERSION_MAX}"));
        }
        let known = self.world.known_agreements.get(&(&agreement.key, agreement.version));
        if known.is_some_and(|known| *known != agreement) {
            let (version, next) = (agreement.version, agreement.version.saturating_add(1));
            found.push(format!("version {version} is known with other terms; a changed text is version {next}"));
        }
        found.extend(agreement.author.as_ref().and_then(|key| self.no_party(key)));
        found.extend(agreement.services.iter().filter_map(|key| self.no_service(key)));
        let people = agreement.duties.iter().filter_map(|duty| duty.who.as_ref());
        let people = people.chain(&agreement.ico_lead).chain(&agreement.contact_point);
        found.extend(people.filter_map(|who| self.nobody(who)));
        if agreement.effective_from.zip(agreement.effective_to).is_some_and(|(from, to)| to < from) {
            found.push("it ends before it begins".to_owned());
        }
        if agreement.notice_hours.is_some() && !has_clock(agreement.role) {
            found.push(
                "a sole or independent controller has no contract clock: leave notice_hours out, or choose another role"
                    .to_owned(),
            );
        }
        at_most(&mut found, "services", agreement.services.len(), RecordKind::Service.max());
        at_most(&mut found, "duties", agreement.duties.len(), LIST_MAX);
        at_most(&mut found, "not_stated", agreement.not_stated.len(), LIST_MAX);
        found
    }

    fn arrangement(&self, record: &'a ArrangementRecord) -> Found {
        let mut found = Found::new();
        found.extend(self.no_party(&record.partner));
        if self.world.us == Some(&record.partner) {
            found.push("an arrangement is with somebody else than us".to_owned());
        }
        let known = self.world.known_arrangements.get(&record.key);
        if let Some(known) = known.filter(|known| known.partner != record.partner) {
            let with = &known.partner;
            found.push(format!("this arrangement is with \"{with}\"; one with another partner needs a key of its own"));
        }
        found.extend(record.services.iter().filter_map(|key| self.no_service(key)));
        at_most(&mut found, "contacts", record.contacts.len(), CONTACTS_MAX);
        found.extend(record.contacts.iter().filter_map(unreachable));
        found
            .extend([&record.ico_lead, &record.contact_point].into_iter().flatten().filter_map(|who| self.nobody(who)));
        match self.world.agreements.get(&(&record.agreement, record.agreement_version)) {
            Some(agreement) => found.extend(under(record, agreement)),
            None => found.push(format!(
                "there is no agreement \"{}\" of version {}",
                record.agreement, record.agreement_version
            )),
        }
        found
    }

    fn no_party(&self, key: &Key) -> Option<String> {
        (!self.world.parties.contains(key)).then(|| format!("there is no party \"{key}\""))
    }

    fn no_service(&self, key: &Key) -> Option<String> {
        (!self.world.services.contains(key)).then(|| format!("there is no service \"{key}\""))
    }

    /// A word that is neither a party's key nor one of those for anybody.
    fn nobody(&self, who: &Line) -> Option<String> {
        let known = ANYBODY.contains(&who.as_str())
            || who.as_str().parse::<Key>().is_ok_and(|key| self.world.parties.contains(&key));
        (!known).then(|| format!("\"{who}\" is no party; write a party's key, each or client"))
    }
}

fn keys_of(directory: &Directory, kind: RecordKind) -> Vec<&Key> {
    match kind {
        RecordKind::Party => directory.parties.iter().map(|party| &party.key).collect(),
        RecordKind::Service => directory.services.iter().map(|service| &service.key).collect(),
        RecordKind::Agreement => directory.agreements.iter().map(|agreement| &agreement.key).collect(),
        RecordKind::Arrangement => directory.arrangements.iter().map(|record| &record.key).collect(),
    }
}

/// Whether a contract can start a clock between parties in this role.
const fn has_clock(role: PartyRole) -> bool {
    match role {
        PartyRole::JointController | PartyRole::Processor => true,
        PartyRole::SoleController | PartyRole::IndependentController => false,
    }
}

/// What is wrong with an arrangement under its agreement.
fn under(record: &ArrangementRecord, agreement: &Agreement) -> Found {
    let mut found = Found::new();
    if agreement.role == PartyRole::SoleController {
        found.push("a sole controller has no arrangement with anybody under it".to_owned());
    }
    found.extend(
        record
            .services
            .iter()
            .filter(|key| !agreement.services.contains(key))
            .map(|key| format!("the agreement does not cover the service \"{key}\"")),
    );
    if record.notice_hours.is_some() && !has_clock(agreement.role) {
        found.push("its agreement has no contract clock: leave notice_hours out".to_owned());
    }
    if record.our_role.is_some_and(|role| role != OurRole::JointController) && agreement.role != PartyRole::Processor {
        found.push(
            "our_role says that one processes for the other: its agreement has to have the role processor".to_owned(),
        );
    }
    if record.our_role == Some(OurRole::Processor) && record.services_under(agreement).is_empty() {
        found.push("we process for them, but no service is named, so that no incident would be covered".to_owned());
    }
    if record.hours_under(agreement).is_some() {
        if record.trigger_under(agreement).is_none() {
            found.push("there are hours but nothing that starts them: say the trigger".to_owned());
        }
        if record.services_under(agreement).is_empty() {
            found.push("there are hours but no services, so that no incident would be covered".to_owned());
        }
    }
    found
}

fn at_most(found: &mut Found, name: &str, count: usize, max: usize) {
    if count > max {
        found.push(format!("{name} has more than {max} entries"));
    }
}

fn unreachable(contact: &FallbackContact) -> Option<String> {
    let ways = [&contact.phone, &contact.out_of_hours, &contact.email];
    ways.iter().all(|way| way.is_none()).then(|| format!("\"{}\" has neither telephone nor mailbox", contact.who))
}
