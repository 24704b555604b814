//! The parts that every form is made of, as pages show them: one input or group with its label, hint, fault and what was
//! typed. A fault is said in words beside the input and in the summary above, never by colour alone.

use askama::Template;

use super::form::{self, FieldError, Form};
use super::words::Reader;

/// The value of the option *Not yet known*.
pub const NOT_YET_KNOWN: &str = "not_yet_known";
/// Its words.
pub const NOT_YET_KNOWN_LABEL: &str = "Not yet known";

/// One field.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/field.html")]
pub struct Field {
    /// Name and id.
    pub name: String,
    /// What is asked.
    pub label: String,
    /// Help, or nothing.
    pub hint: String,
    /// What to do about a fault, or nothing.
    pub error: String,
    /// `line`, `email`, `area`, `select`, `radios`, `checks`, `moment`, `count` or `password`.
    pub shape: &'static str,
    /// What was typed.
    pub value: String,
    /// The options of radios and checks.
    pub choices: Vec<Choice>,
    /// The inputs of a date: day, month, year and, for an instant, time.
    pub parts: Vec<Part>,
    /// The two instants to choose between after a clock change, when there is a doubt.
    pub doubt: Vec<Choice>,
    /// The most that may be affected, for a count.
    pub most: String,
    /// For the browser's own help, such as `username`.
    pub autocomplete: &'static str,
}

/// One option.
#[derive(Debug, Clone)]
pub struct Choice {
    /// What is posted.
    pub value: String,
    /// Its words.
    pub label: String,
    /// Help, or nothing.
    pub hint: String,
    /// Chosen.
    pub on: bool,
}

/// One input of a date.
#[derive(Debug, Clone)]
pub struct Part {
    /// `day`, `month`, `year` or `time`.
    pub name: &'static str,
    /// Its words.
    pub label: &'static str,
    /// What was typed.
    pub value: String,
}

impl askama::filters::HtmlSafe for Field {}

impl Field {
    fn new(name: &str, label: &str, shape: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            hint: String::new(),
            error: String::new(),
            shape,
            value: String::new(),
            choices: Vec::new(),
            parts: Vec::new(),
            doubt: Vec::new(),
            most: String::new(),
            autocomplete: "off",
        }
    }

    /// One line of text.
    #[must_use]
    pub fn line(form: &Form, name: &str, label: &str) -> Self {
        Self { value: form.first(name).to_owned(), ..Self::new(name, label, "line") }
    }

    /// Several lines of text.
    #[must_use]
    pub fn area(form: &Form, name: &str, label: &str) -> Self {
        Self { value: form.first(name).to_owned(), ..Self::new(name, label, "area") }
    }

    /// A mail address.
    #[must_use]
    pub fn email(form: &Form, name: &str, label: &str) -> Self {
        Self { value: form.first(name).to_owned(), autocomplete: "username", ..Self::new(name, label, "email") }
    }

    /// A password: what was typed is never given back.
    #[must_use]
    pub fn password(name: &str, label: &str) -> Self {
        Self { autocomplete: "current-password", ..Self::new(name, label, "password") }
    }

    /// One of several.
    #[must_use]
    pub fn radios<'a>(
        form: &Form,
        name: &str,
        label: &str,
        options: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        Self { choices: choices(form, name, options), ..Self::new(name, label, "radios") }
    }

    /// One of many: the first option is the one for nothing.
    #[must_use]
    pub fn select<'a>(
        form: &Form,
        name: &str,
        label: &str,
        options: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        Self { choices: choices(form, name, options), ..Self::new(name, label, "select") }
    }

    /// Some of several.
    #[must_use]
    pub fn checks<'a>(
        form: &Form,
        name: &str,
        label: &str,
        options: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        Self { choices: choices(form, name, options), ..Self::new(name, label, "checks") }
    }

    /// A number of people or records, its basis, and the most that may be affected.
    #[must_use]
    pub fn count(form: &Form, name: &str, label: &str) -> Self {
        let basis = format!("{name}-basis");
        let mut choices = choices(
            form,
            &basis,
            [("approximate", "An estimate"), ("exact", "Counted"), ("minimum", "At least so many")],
        );
        if let Some(first) = choices.first_mut().filter(|_| form.is_blank(&basis)) {
            first.on = true;
        }
        let most = form.first(&format!("{name}-max")).to_owned();
        Self { value: form.first(name).to_owned(), choices, most, ..Self::new(name, label, "count") }
    }

    /// A date and a time of day, in four inputs.
    #[must_use]
    pub fn moment(form: &Form, name: &str, label: &str, reader: Reader) -> Self {
        let parts = [("day", "Day"), ("month", "Month"), ("year", "Year"), ("time", "Time, 24 hours")]
            .into_iter()
            .map(|(part, label)| Part { name: part, label, value: form.first(&format!("{name}-{part}")).to_owned() })
            .collect();
        let doubt = form::typed_moment(form, name, reader).err().and_then(|fault| fault.doubt);
        let doubt = doubt.map(|(earlier, later)| {
            choices(
                form,
                &format!("{name}-which"),
                [("earlier", reader.at(earlier).as_str()), ("later", reader.at(later).as_str())],
            )
        });
        Self { parts, doubt: doubt.unwrap_or_default(), ..Self::new(name, label, "moment") }
    }

    /// A day, in three inputs.
    #[must_use]
    pub fn day(form: &Form, name: &str, label: &str) -> Self {
        let parts = [("day", "Day"), ("month", "Month"), ("year", "Year")]
            .into_iter()
            .map(|(part, label)| Part { name: part, label, value: form.first(&format!("{name}-{part}")).to_owned() })
            .collect();
        Self { parts, ..Self::new(name, label, "moment") }
    }

    /// With help beneath the label.
    #[must_use]
    pub fn hint(mut self, hint: &str) -> Self {
        hint.clone_into(&mut self.hint);
        self
    }

    /// With the option *Not yet known* at the end; of radios it is the one chosen until another is.
    #[must_use]
    pub fn or_not_yet_known(mut self, form: &Form) -> Self {
        let none = !self.choices.iter().any(|choice| choice.on);
        self.choices.push(Choice {
            value: NOT_YET_KNOWN.to_owned(),
            label: NOT_YET_KNOWN_LABEL.to_owned(),
            hint: String::new(),
            on: form.has(&self.name, NOT_YET_KNOWN) || (none && self.shape == "radios"),
        });
        self
    }

    /// With an option at the end for nothing, the one chosen until another is.
    #[must_use]
    pub fn or_left_out(mut self, form: &Form, label: &str) -> Self {
        let on = form.first(&self.name).is_empty();
        self.choices.push(Choice { value: String::new(), label: label.to_owned(), hint: String::new(), on });
        self
    }

    /// With help beneath one option.
    #[must_use]
    pub fn choice_hint(mut self, value: &str, hint: &str) -> Self {
        if let Some(choice) = self.choices.iter_mut().find(|choice| choice.value == value) {
            hint.clone_into(&mut choice.hint);
        }
        self
    }

    /// With the fault found in it, if there was one.
    #[must_use]
    pub fn faults(mut self, errors: &[FieldError]) -> Self {
        if let Some(error) = errors.iter().find(|error| self.is(&error.name)) {
            self.error.clone_from(&error.message);
        }
        self
    }

    /// Whether it needs to be seen: something was typed or chosen in it, or it is at fault.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        let listed = matches!(self.shape, "radios" | "checks");
        let chosen = self.choices.iter().any(|choice| choice.on && choice.value != NOT_YET_KNOWN);
        let dated = self.parts.iter().any(|part| !part.value.is_empty());
        !self.error.is_empty() || !self.value.is_empty() || (listed && chosen) || dated
    }

    /// Whether a fault's name is this field's, or that of its second input.
    fn is(&self, name: &str) -> bool {
        name.strip_suffix("-max").unwrap_or(name) == self.name
    }

    /// The ids that describe the input: hint and fault.
    fn described(&self) -> String {
        let hint = if self.hint.is_empty() { String::new() } else { format!("{}-hint ", self.name) };
        let error = if self.error.is_empty() { String::new() } else { format!("{}-error", self.name) };
        format!("{hint}{error}").trim().to_owned()
    }
}

fn choices<'a>(form: &Form, name: &str, options: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Choice> {
    options
        .into_iter()
        .map(|(value, label)| Choice {
            value: value.to_owned(),
            label: label.to_owned(),
            hint: String::new(),
            on: form.has(name, value),
        })
        .collect()
}

/// Faults in the order of the fields on the page; those of no field come last.
#[must_use]
pub fn in_order(mut errors: Vec<FieldError>, fields: &[&[Field]]) -> Vec<FieldError> {
    let place = |error: &FieldError| {
        let all = fields.iter().flat_map(|fields| fields.iter());
        all.take_while(|field| !field.is(&error.name)).count()
    };
    errors.sort_by_key(place);
    errors
}

/// The list of faults above a form, each linked to its field.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/summary.html")]
pub struct Summary {
    /// The faults.
    pub errors: Vec<FieldError>,
}

impl askama::filters::HtmlSafe for Summary {}

/// A state in shape, word and colour together.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(source = "<span class=\"tag {{ colour }}\" data-shape=\"{{ shape }}\">{{ word }}</span>", ext = "html")]
pub struct Tag {
    colour: &'static str,
    shape: &'static str,
    word: String,
}

impl askama::filters::HtmlSafe for Tag {}

impl Tag {
    fn new(colour: &'static str, shape: &'static str, word: impl Into<String>) -> Self {
        Self { colour, shape, word: word.into() }
    }

    /// Something is wrong now.
    #[must_use]
    pub fn red(word: impl Into<String>) -> Self {
        Self::new("red", "\u{25b2}", word)
    }

    /// A person is waited for.
    #[must_use]
    pub fn amber(word: impl Into<String>) -> Self {
        Self::new("amber", "\u{25c6}", word)
    }

    /// A fact without judgement.
    #[must_use]
    pub fn blue(word: impl Into<String>) -> Self {
        Self::new("blue", "\u{25a0}", word)
    }

    /// As it should be.
    #[must_use]
    pub fn green(word: impl Into<String>) -> Self {
        Self::new("green", "\u{25cf}", word)
    }

    /// Nothing to say, or not yet known.
    #[must_use]
    pub fn grey(word: impl Into<String>) -> Self {
        Self::new("grey", "\u{25cb}", word)
    }

    /// Its words.
    #[must_use]
    pub fn word(&self) -> &str {
        &self.word
    }
}
