//! HTML by role, label and heading: pages are tested as people meet them.
//!
//! A small reader of our own that takes only well-formed pages: an element left open, or closed in the wrong order, fails
//! the test that reads it. That is stricter than a browser, on purpose.

use std::fmt::Write as _;

/// Elements that have no content.
const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

/// One element with what is in it.
#[derive(Debug, Clone, Default)]
pub struct Element {
    /// Its name, lower case.
    pub name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Node>,
}

#[derive(Debug, Clone)]
enum Node {
    Element(Element),
    Text(String),
}

/// A whole page.
#[derive(Debug, Clone)]
pub struct Page(Element);

impl Page {
    /// Reads a page.
    ///
    /// # Panics
    /// When it is not well formed.
    #[must_use]
    pub fn read(html: &str) -> Self {
        let mut reader = Reader { html, at: 0 };
        let mut root = Element { name: "page".to_owned(), ..Element::default() };
        reader.children(&mut root);
        assert!(reader.at >= html.len(), "a closing tag without its opening one near: {}", reader.near());
        Self(root)
    }

    /// The main heading's text.
    ///
    /// # Panics
    /// When there is not exactly one.
    #[must_use]
    pub fn heading(&self) -> String {
        let found = self.all("h1");
        assert_eq!(found.len(), 1, "a page has one main heading");
        found[0].text()
    }

    /// Every element of this name, in document order.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&Element> {
        self.0.all(|element| element.name == name)
    }

    /// Every element with this role, given or natural.
    #[must_use]
    pub fn role(&self, role: &str) -> Vec<&Element> {
        self.0.all(|element| element.role() == role)
    }

    /// The element with this id.
    #[must_use]
    pub fn id(&self, id: &str) -> Option<&Element> {
        self.0.all(|element| element.attribute("id") == Some(id)).into_iter().next()
    }

    /// The link with this text.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn link(&self, text: &str) -> &Element {
        let found = self.all("a").into_iter().find(|link| link.text().contains(text));
        found.unwrap_or_else(|| panic!("no link “{text}” among {:?}", texts(&self.all("a"))))
    }

    /// The form with a button of this text.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn form(&self, button: &str) -> &Element {
        let has = |form: &&Element| form.all(|e| e.name == "button").iter().any(|b| b.text().contains(button));
        let buttons = texts(&self.all("button"));
        self.all("form").into_iter().find(has).unwrap_or_else(|| panic!("no form with “{button}” among {buttons:?}"))
    }

    /// The field with this label.
    ///
    /// # Panics
    /// When there is no such label, or it labels nothing.
    #[must_use]
    pub fn labelled(&self, label: &str) -> &Element {
        let found = self.all("label").into_iter().find(|found| found.text().contains(label));
        let found = found.unwrap_or_else(|| panic!("no label “{label}” among {:?}", texts(&self.all("label"))));
        match found.attribute("for") {
            Some(id) => self.id(id).unwrap_or_else(|| panic!("the label “{label}” labels nothing")),
            None => found
                .all(|e| ["input", "select", "textarea"].contains(&e.name.as_str()))
                .into_iter()
                .next()
                .unwrap_or_else(|| panic!("the label “{label}” labels nothing")),
        }
    }

    /// All text that people read, with single spaces.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.text()
    }
}

fn texts(elements: &[&Element]) -> Vec<String> {
    elements.iter().map(|element| element.text()).collect()
}

impl Element {
    /// An attribute's value; an attribute without one has an empty value.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// Its role: the given one, else the natural one.
    #[must_use]
    pub fn role(&self) -> &str {
        if let Some(role) = self.attribute("role") {
            return role;
        }
        match self.name.as_str() {
            "a" => "link",
            "h1" | "h2" | "h3" | "h4" => "heading",
            "main" => "main",
            "nav" => "navigation",
            "button" => "button",
            "table" => "table",
            "tr" => "row",
            _ => "",
        }
    }

    /// Every element inside that fits, in document order.
    #[must_use]
    pub fn all(&self, fits: impl Fn(&Self) -> bool + Copy) -> Vec<&Self> {
        let mut found = Vec::new();
        for child in &self.children {
            if let Node::Element(element) = child {
                if fits(element) {
                    found.push(element);
                }
                found.extend(element.all(fits));
            }
        }
        found
    }

    /// All text inside, with single spaces; scripts and styles are no text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.gather(&mut text);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn gather(&self, text: &mut String) {
        if ["script", "style", "template"].contains(&self.name.as_str()) {
            return;
        }
        for child in &self.children {
            match child {
                Node::Text(more) => text.push_str(more),
                Node::Element(element) => {
                    element.gather(text);
                    // Words of neighbouring cells and paragraphs don't run together; those of inline elements do.
                    if !["a", "b", "em", "span", "strong", "time", "abbr", "code"].contains(&element.name.as_str()) {
                        text.push(' ');
                    }
                }
            }
        }
    }

    /// What a form would send if it were submitted as it stands: (name, value), buttons left out.
    #[must_use]
    pub fn fields(&self) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        for field in self.all(|e| ["input", "select", "textarea"].contains(&e.name.as_str())) {
            let (Some(name), None) = (field.attribute("name"), field.attribute("disabled")) else {
                continue;
            };
            let kind = field.attribute("type").unwrap_or("text");
            let value = match field.name.as_str() {
                "textarea" => Some(field.raw_text()),
                "select" => field.chosen(),
                _ if ["submit", "button", "image", "file"].contains(&kind) => None,
                _ if ["checkbox", "radio"].contains(&kind) => {
                    field.attribute("checked").map(|_| field.attribute("value").unwrap_or("on").to_owned())
                }
                _ => Some(field.attribute("value").unwrap_or_default().to_owned()),
            };
            fields.extend(value.map(|value| (name.to_owned(), value)));
        }
        fields
    }

    fn chosen(&self) -> Option<String> {
        let options = self.all(|e| e.name == "option");
        let chosen = options.iter().find(|option| option.attribute("selected").is_some()).or(options.first())?;
        Some(chosen.attribute("value").map_or_else(|| chosen.text(), str::to_owned))
    }

    /// A text area's content: the first line break is markup.
    fn raw_text(&self) -> String {
        let mut text = String::new();
        self.gather(&mut text);
        text.strip_prefix('\n').unwrap_or(&text).to_owned()
    }
}

struct Reader<'a> {
    html: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.html[self.at..]
    }

    fn near(&self) -> String {
        self.rest().chars().take(80).collect()
    }

    /// Reads into `parent` up to its closing tag, or to the end for the page itself.
    fn children(&mut self, parent: &mut Element) {
        loop {
            let rest = self.rest();
            if rest.is_empty() {
                assert_eq!(parent.name, "page", "<{}> is never closed", parent.name);
                return;
            }
            if let Some(closing) = rest.strip_prefix("</") {
                let name = closing.split('>').next().unwrap_or_default().trim().to_lowercase();
                assert_eq!(name, parent.name, "</{name}> closes <{}> near: {}", parent.name, self.near());
                self.skip_past(">");
                return;
            }
            if rest.starts_with("<!--") {
                self.skip_past("-->");
            } else if rest.starts_with("<!") {
                self.skip_past(">");
            } else if rest.starts_with('<') {
                let element = self.element();
                parent.children.push(Node::Element(element));
            } else {
                let end = rest.find('<').unwrap_or(rest.len());
                let text = unescape(&rest[..end]);
                self.at += end;
                parent.children.push(Node::Text(text));
            }
        }
    }

    fn element(&mut self) -> Element {
        self.at += 1;
        let name_end =
            self.rest().find(|c: char| c.is_whitespace() || c == '>' || c == '/').expect("a tag's name ends");
        let mut element = Element { name: self.rest()[..name_end].to_lowercase(), ..Element::default() };
        self.at += name_end;
        let empty = self.attributes(&mut element);
        if empty || VOID.contains(&element.name.as_str()) {
            return element;
        }
        if ["script", "style"].contains(&element.name.as_str()) {
            self.skip_past(&format!("</{}>", element.name));
            return element;
        }
        self.children(&mut element);
        element
    }

    /// Reads attributes and the tag's end; whether it closed itself.
    fn attributes(&mut self, element: &mut Element) -> bool {
        loop {
            let skipped = self.rest().len() - self.rest().trim_start().len();
            self.at += skipped;
            if self.rest().starts_with("/>") {
                self.at += 2;
                return true;
            }
            if self.rest().starts_with('>') {
                self.at += 1;
                return false;
            }
            let end = self.rest().find(|c: char| c.is_whitespace() || "=>/".contains(c)).expect("a tag ends");
            assert!(end > 0, "an attribute without a name near: {}", self.near());
            let name = self.rest()[..end].to_lowercase();
            assert!(element.attribute(&name).is_none(), "{name} twice near: {}", self.near());
            self.at += end;
            let value = if self.rest().starts_with('=') { self.value() } else { String::new() };
            element.attributes.push((name, value));
        }
    }

    fn value(&mut self) -> String {
        self.at += 1;
        let quote = self.rest().chars().next().expect("a value");
        if quote == '"' || quote == '\'' {
            self.at += 1;
            let end = self.rest().find(quote).expect("a quoted value ends");
            let value = unescape(&self.rest()[..end]);
            self.at += end + 1;
            return value;
        }
        let end = self.rest().find(|c: char| c.is_whitespace() || c == '>').expect("a tag ends");
        let value = unescape(&self.rest()[..end]);
        self.at += end;
        value
    }

    fn skip_past(&mut self, what: &str) {
        let end = self.rest().find(what).unwrap_or_else(|| panic!("no {what} after: {}", self.near()));
        self.at += end + what.len();
    }
}

/// Text with its character references resolved.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.find(';').filter(|end| *end <= 8);
        let known = end.and_then(|end| reference(&rest[..end]));
        match (known, end) {
            (Some(c), Some(end)) => {
                plain.push(c);
                rest = &rest[end + 1..];
            }
            _ => plain.push('&'),
        }
    }
    plain.push_str(rest);
    plain
}

fn reference(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        "ndash" => Some('–'),
        "mdash" => Some('—'),
        "hellip" => Some('…'),
        "middot" => Some('·'),
        "times" => Some('×'),
        _ => None,
    }
}

/// `application/x-www-form-urlencoded`.
#[must_use]
pub fn form_encoded(fields: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        if !text.is_empty() {
            text.push('&');
        }
        let _ = write!(text, "{}={}", percent(name), percent(value));
    }
    text
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._*".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
