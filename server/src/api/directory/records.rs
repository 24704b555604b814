//! The shapes of records, and of a version of one.

use chrono::NaiveDate;
use domain::arrangement::{FallbackContact, OurRole, Trigger};
use domain::directory::{Agreement, ArrangementRecord, Duty, Key, Party, PartyRole, ServiceRecord};
use domain::values::{Digest32, Hours, Line, LongText, Moment};
use uuid::Uuid;

use super::super::shape::{described, record};

record! {
    /// Somebody to reach.
    FallbackContact as "Contact" {
        /// Role or name, as the arrangement gives it.
        who: Line,
        /// Telephone in working hours.
        phone: Option<Line>,
        /// Telephone out of hours.
        out_of_hours: Option<Line>,
        /// Mailbox.
        email: Option<Line>,
    }
}

record! {
    /// A controller: us, or a partner. What a document leaves out is null.
    Party as "Party" {
        /// By which files refer to it.
        key: Key,
        /// Legal name.
        name: Line,
        /// Company number, as registered: a leading zero counts.
        company_number: Option<Line>,
        /// Charity number.
        charity_number: Option<Line>,
        /// Parent organisation, by name.
        parent: Option<Line>,
        /// ICO registration number; no format is promised.
        ico_registration: Option<Line>,
        /// Registered address on one line.
        address: Option<Line>,
        /// Country of establishment.
        country: Option<Line>,
        /// Business sector.
        sector: Option<Line>,
        /// The data protection officer or a suitable alternative.
        dpo: Option<FallbackContact>,
        /// Whom to tell of a breach.
        breach_contact: Option<FallbackContact>,
        /// For questions about the service.
        service_contact: Option<FallbackContact>,
        /// Organisations that advise it and may be given a notice (SocietyWorks agreement, clause 6).
        advisors: Vec<Line>,
    }
}

record! {
    /// A service under control: a record of processing (UK GDPR Article 30(1)).
    ServiceRecord as "Service" {
        /// By which files refer to it.
        key: Key,
        /// Its name.
        name: Line,
        /// The party that offers it, by key.
        controller: Option<Key>,
        /// The processing operation in control, in words.
        operation: Option<LongText>,
        /// Why data are processed.
        purposes: Vec<Line>,
        /// Kinds of personal data.
        data_categories: Vec<Line>,
        /// Kinds of people.
        subject_categories: Vec<Line>,
        /// Lawful basis (Article 6), one entry per party or purpose where they differ.
        lawful_basis: Vec<Line>,
        /// Who receives the data.
        recipients: Vec<Line>,
        /// Third parties that take part, with their role.
        third_parties: Vec<Line>,
        /// Where data are kept.
        hosting: Vec<Line>,
        /// How long data are kept.
        retention: Vec<Line>,
        /// Security measures.
        security: Vec<Line>,
    }
}

record! {
    /// A duty and who has it: a party's key, each, or nobody stated.
    Duty as "Duty" {
        /// The duty, in words.
        duty: Line,
        /// Who has it; absent where the text does not say, which pages show as a gap.
        who: Option<Line>,
        /// Where the text says so.
        clause: Option<Line>,
    }
}

record! {
    /// Shared terms, versioned (UK GDPR Article 26).
    Agreement as "Agreement" {
        /// By which files refer to it.
        key: Key,
        /// 1, 2, 3 …; a changed text is the next one.
        version: u32,
        /// Its title.
        title: Line,
        /// What the parties are to each other under it.
        role: PartyRole,
        /// The party whose text it is, by key.
        author: Option<Key>,
        /// The date that the text bears.
        dated: Option<NaiveDate>,
        /// In force from.
        effective_from: Option<NaiveDate>,
        /// In force until.
        effective_to: Option<NaiveDate>,
        /// Where the text is.
        text_url: Option<Line>,
        /// SHA-256 of the text, base64url, where it was kept.
        text_sha256: Option<Digest32>,
        /// Services that it covers, by key.
        services: Vec<Key>,
        /// Hours within which the other party must be told; absent where no contract clock exists.
        notice_hours: Option<Hours>,
        /// Hours within which a person must acknowledge.
        acknowledgement_hours: Option<Hours>,
        /// What starts the clock.
        trigger: Option<Trigger>,
        /// Who leads on the report to the ICO: a party's key, or `each`.
        ico_lead: Option<Line>,
        /// The contact point for data subjects: a party's key, `client`, or `each`.
        contact_point: Option<Line>,
        /// Who does what (Article 26(1)).
        duties: Vec<Duty>,
        /// What the copy at hand leaves out, so that it stays visible.
        not_stated: Vec<Line>,
        /// Anything else worth keeping.
        notes: Option<LongText>,
    }
}

record! {
    /// One partner under one agreement version, with what differs from it.
    ArrangementRecord as "Arrangement" {
        /// By which files refer to it.
        key: Key,
        /// The agreement, by key.
        agreement: Key,
        /// Which version of it.
        agreement_version: u32,
        /// The partner, by key.
        partner: Key,
        /// Services covered, by key; absent means all of the agreement's.
        services: Vec<Key>,
        /// In the place of the agreement's hours.
        notice_hours: Option<Hours>,
        /// In the place of the agreement's.
        acknowledgement_hours: Option<Hours>,
        /// In the place of the agreement's.
        trigger: Option<Trigger>,
        /// In the place of the agreement's.
        ico_lead: Option<Line>,
        /// In the place of the agreement's.
        contact_point: Option<Line>,
        /// What we are towards the partner; absent where we decide together with them.
        our_role: Option<OurRole>,
        /// Whom to ring when machines fail, in order.
        contacts: Vec<FallbackContact>,
    }
}

/// The version of one kind of record, as the document names it.
macro_rules! versions {
    ($($name:ident: $record:ty, $about:literal;)+) => {$(
        #[doc = $about]
        pub struct $name;

        described!([$about] $name, stringify!($name), {
            [" Which; stable over versions."] id: Uuid,
            [" 1, 2, 3 …; 0 for one that nobody wrote down yet, made from what is known otherwise."] version: u32,
            [" SHA-256 of the record."] digest: Digest32,
            [" When this version was kept."] at: Moment,
            [" The record."] record: $record,
        });
    )+};
}

versions! {
    PartyVersion: Party, "A version of a party.";
    ServiceVersion: ServiceRecord, "A version of a service.";
    AgreementVersion: Agreement, "A version of an agreement.";
    ArrangementRecordVersion: ArrangementRecord, "A version of an arrangement.";
}
