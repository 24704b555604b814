//! What is asked on the first page, and reading it.

use domain::facts::Contact;
use domain::report::Organisation;
use domain::values::{Line, Role};
use zeroize::Zeroizing;

use super::FIRST_ROLES;
use crate::access::passwords;
use crate::node::NewPerson;
use crate::node::administer::SetUp;
use crate::node::pairing::Confirmation;
use crate::node::people::{NewInvitation, is_mail_address};
use crate::problem::capitalised;
use crate::web::field::{Field, in_order};
use crate::web::form::{FieldError, Form, Reading};
use crate::web::words::Reader;

/// Fields whose content is never kept or shown again.
const PASSWORDS: [&str; 2] = ["password", "again"];
/// The role that stands in the field until somebody writes another.
const CONTACT_ROLE: &str = "Data protection officer";

/// Everything that the first page asks.
pub(super) struct Answers {
    organisation: Organisation,
    name: Line,
    email: Line,
    password: Zeroizing<String>,
    second: Option<(Line, Line)>,
    confirmation: Confirmation,
    service: Option<Line>,
}

impl Answers {
    /// Reads the page, with every fault in the order of its fields.
    pub(super) fn read(form: &Form, reader: Reader) -> Result<Self, Vec<FieldError>> {
        let mut reading = Reading::new(form, reader);
        let organisation = organisation(&mut reading);
        let name = reading.text("name", "Enter your name");
        let email = mail(&mut reading, "email");
        let password = password(&mut reading, form);
        let second = second(&mut reading, form);
        let confirmation = reading.choice("confirmation", confirmation, "Say who confirms a partner\u{2019}s digits");
        let service = reading.optional_text("service");
        let errors = reading.into_errors();
        match (organisation, name, email, password, confirmation) {
            (Some(organisation), Some(name), Some(email), Some(password), Some(confirmation)) if errors.is_empty() => {
                Ok(Self { organisation, name, email, password, second, confirmation, service })
            }
            _ => {
                let parts = parts(form, &errors);
                Err(in_order(errors, &parts.each_ref().map(|part| part.fields.as_slice())))
            }
        }
    }

    /// The organisation's name.
    pub(super) const fn organisation(&self) -> &Line {
        &self.organisation.name
    }

    /// The address that the first administrator signs in with.
    pub(super) const fn email(&self) -> &Line {
        &self.email
    }

    /// Whether somebody else confirms a partner's digits, and nobody else is there.
    pub(super) fn lacks_second(&self) -> bool {
        self.confirmation == Confirmation::SecondPerson && self.second.is_none()
    }

    /// What the node is made with.
    pub(super) fn set_up(&self, passphrase: Zeroizing<String>) -> SetUp {
        SetUp {
            organisation: self.organisation.clone(),
            passphrase,
            people: vec![NewPerson {
                name: self.name.clone(),
                email: self.email.clone(),
                password: self.password.to_string(),
                roles: FIRST_ROLES.to_vec(),
            }],
            services: self.service.iter().cloned().collect(),
            confirmation: self.confirmation,
        }
    }

    /// The second administrator, to be invited.
    pub(super) fn second(&self) -> Option<NewInvitation> {
        let (name, email) = self.second.clone()?;
        Some(NewInvitation { name, email, roles: vec![Role::Administrator] })
    }
}

/// What was typed, without what must not be kept.
pub(super) fn without_passwords(mut form: Form) -> Form {
    form.drop_names(&PASSWORDS);
    form
}

fn organisation(reading: &mut Reading<'_>) -> Option<Organisation> {
    let name = reading.text("organisation", "Enter your organisation\u{2019}s legal name");
    let role = reading.text("role", "Enter the role of whoever answers questions about breaches");
    let email = mail(reading, "contact-email");
    let contact = (reading.optional_text("contact-phone"), reading.optional_text("out-of-hours"));
    let (address, ico_registration) = (reading.optional_text("address"), reading.optional_text("registration"));
    Some(Organisation {
        name: name?,
        contact: Contact { role: role?, email: Some(email?), phone: contact.0, out_of_hours: contact.1 },
        dpo: None,
        address,
        ico_registration,
        sector: None,
    })
}

fn mail(reading: &mut Reading<'_>, name: &str) -> Option<Line> {
    let text: Line = reading.text(name, "Enter an e-mail address")?;
    if !is_mail_address(text.as_str()) {
        reading.fault(name, "Enter a whole e-mail address, such as a.name@example.org");
        return None;
    }
    Some(text)
}

fn password(reading: &mut Reading<'_>, form: &Form) -> Option<Zeroizing<String>> {
    let password = form.first("password");
    let local = form.first("email").split('@').next().unwrap_or_default();
    if password.is_empty() {
        reading.fault("password", "Choose a password");
        return None;
    }
    if let Err(unfit) = passwords::judge(password, &[form.first("name"), local, form.first("organisation")]) {
        reading.fault("password", capitalised(&unfit.to_string()));
        return None;
    }
    if form.first("again") != password {
        reading.fault("again", "Type the same password again");
        return None;
    }
    Some(Zeroizing::new(password.to_owned()))
}

fn second(reading: &mut Reading<'_>, form: &Form) -> Option<(Line, Line)> {
    if form.is_blank("second-name") && form.is_blank("second-email") {
        return None;
    }
    let name = reading.text("second-name", "Enter the second administrator\u{2019}s name, or leave both empty");
    let email = mail(reading, "second-email")?;
    if email.as_str().eq_ignore_ascii_case(form.first("email").trim()) {
        reading.fault("second-email", "Enter somebody else\u{2019}s address: this one is yours");
        return None;
    }
    Some((name?, email))
}

fn confirmation(word: &str) -> Option<Confirmation> {
    match word {
        "two" => Some(Confirmation::SecondPerson),
        "one" => Some(Confirmation::OnePerson),
        _ => None,
    }
}

/// One part of the first page.
pub(super) struct Part {
    pub(super) heading: &'static str,
    pub(super) hint: &'static str,
    pub(super) fields: Vec<Field>,
}

/// The form before anything is typed.
pub(super) fn blank() -> Form {
    let mut form = Form::default();
    form.set("role", CONTACT_ROLE);
    form.set("confirmation", "two");
    form
}

/// The page's parts, with what was typed and what is wrong with it.
pub(super) fn parts(form: &Form, errors: &[FieldError]) -> [Part; 4] {
    let filled = |field: Field, autocomplete| Field { autocomplete, ..field };
    let line = |name, label, autocomplete| filled(Field::line(form, name, label), autocomplete);
    let faults = |fields: Vec<Field>| fields.into_iter().map(|field| field.faults(errors)).collect();
    [
        Part {
            heading: "Your organisation",
            hint: "Partners see its name and whom to ask about a breach.",
            fields: faults(vec![
                line("organisation", "Legal name", "organization"),
                line("address", "Registered address (optional)", "off"),
                line("registration", "ICO registration number (optional)", "off")
                    .hint("Or why you have none. It is asked for in a report to the ICO."),
                line("role", "Who answers questions about breaches: their role", "off"),
                filled(Field::email(form, "contact-email", "Their mailbox"), "off")
                    .hint("One that is read when somebody is away."),
                line("contact-phone", "Their telephone number (optional)", "off"),
                line("out-of-hours", "Telephone number out of hours (optional)", "off"),
            ]),
        },
        Part {
            heading: "You",
            hint: "You become the first administrator, and may do everything until you give others their roles.",
            fields: faults(vec![
                line("name", "Your name", "name"),
                Field::email(form, "email", "Your e-mail address").hint("You sign in with it."),
                filled(Field::password("password", "Choose a password"), "new-password")
                    .hint("12 to 72 characters. Several words that do not belong together are good."),
                filled(Field::password("again", "The same password again"), "new-password"),
            ]),
        },
        Part {
            heading: "Who confirms a partner",
            hint: "Before you exchange notices with a partner, you compare digits on the telephone.",
            fields: faults(vec![
                Field::radios(
                    form,
                    "confirmation",
                    "Who confirms that the digits were right?",
                    [("two", "A second administrator"), ("one", "The one who compared them")],
                )
                .choice_hint("two", "One mistake, or one person under pressure, is then not enough.")
                .choice_hint("one", "For a team of one. The record says that you chose this."),
                line("second-name", "Second administrator: name (optional)", "off"),
                filled(Field::email(form, "second-email", "Second administrator: e-mail address (optional)"), "off")
                    .hint("You get a link for them when this node is set up."),
            ]),
        },
        Part {
            heading: "A service to begin with",
            hint: "Services usually come with your agreements, which you import later.",
            fields: faults(vec![line("service", "Name of a service (optional)", "off")]),
        },
    ]
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use domain::values::Moment;

    use super::*;

    const GOOD: &str = "organisation=Northfield+Council&role=Officer&contact-email=dpo%40northfield.example&name=Ann+Baxter\
        &email=a.baxter%40northfield.example&password=lantern+gravel+otter&again=lantern+gravel+otter&confirmation=two";

    fn read(text: &str) -> Result<Answers, Vec<FieldError>> {
        let reader = Reader::new(chrono_tz::Europe::London, Moment::parse("2026-03-01T02:10:00Z").unwrap());
        Answers::read(&Form::parse(text.as_bytes()).unwrap(), reader)
    }

    fn faults(text: &str) -> Vec<String> {
        read(text).err().unwrap_or_default().into_iter().map(|error| error.name).collect()
    }

    /// Aim: the least that must be answered makes a node, and a second administrator is invited, not made.
    #[test]
    fn the_least_is_enough() {
        let answers = read(GOOD).ok().unwrap();
        assert!(answers.lacks_second() && answers.second().is_none());
        let set_up = answers.set_up(Zeroizing::new("abcde".to_owned()));
        assert_eq!((set_up.people.len(), set_up.services.len()), (1, 0));
        let answers =
            read(&format!("{GOOD}&second-name=Bo&second-email=b%40northfield.example&service=Bins")).ok().unwrap();
        assert_eq!(answers.second().unwrap().roles, [Role::Administrator]);
        assert!(!answers.lacks_second());
    }

    /// Aim: each wrong field is named, in the order of the page, and no password is kept.
    #[test]
    fn every_fault_is_named() {
        assert_eq!(
            faults("password=x"),
            ["organisation", "role", "contact-email", "name", "email", "password", "confirmation"]
        );
        assert_eq!(faults(&GOOD.replace("&again=lantern", "&again=another")), ["again"]);
        assert_eq!(faults(&GOOD.replace("lantern+gravel+otter", "northfield+lanterns")), ["password"]);
        assert_eq!(faults(&GOOD.replace("lantern+gravel+otter", "password1234")), ["password"]);
        assert_eq!(
            faults(&format!("{GOOD}&second-email=a.baxter%40northfield.example")),
            ["second-name", "second-email"]
        );
        let kept = without_passwords(Form::parse(GOOD.as_bytes()).unwrap());
        assert!(!String::from_utf8(kept.to_json()).unwrap().contains("lantern"));
    }
}
