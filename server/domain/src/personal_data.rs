//! The check of free text for personal data, before anything is sent or reported.
//!
//! Neither a notice nor the ICO's form may hold data of the people affected (the form says so itself: `rules` in
//! `law/ico-report-form.json`). The patterns are engineering choices, not law: they miss things and cry wolf, so that they
//! only warn and a person decides. A [`Finding`] says where and what kind, never the text itself, so that it can be
//! logged; the page highlights by position. Each scanner passes over the text once.

mod network;
mod numbers;
#[cfg(test)]
mod tests;
mod words;

/// Findings reported for one text; a person who meets so many will not read more.
pub const FINDINGS_MAX: usize = 50;

/// What the node knows: texts that are no finding, and texts that are one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// Configured contact e-mail addresses, ours and the partner's: no finding.
    pub own_contacts: &'a [String],
    /// Names of people known to the node. Names of one word with fewer than three letters are not looked for.
    pub names: &'a [String],
}

/// What a piece of text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// `local@domain`, unless configured as a contact.
    Email,
    /// +44 or 0 and 9 to 10 digits.
    Phone,
    /// A full postcode; an outward code alone is allowed.
    Postcode,
    /// Two letters, six digits, A to D.
    NationalInsurance,
    /// Ten digits with a valid modulus-11 check digit.
    NhsNumber,
    /// 13 to 19 digits that pass the Luhn check.
    PaymentCard,
    /// A sort code near eight digits.
    BankAccount,
    /// A date near "born" and the like.
    DateOfBirth,
    /// IPv4 or IPv6.
    IpAddress,
    /// A web address with an id in its path.
    RecordLink,
    /// A key block, a bearer token or a long random string.
    Secret,
    /// Many lines or a long passage pasted in.
    LongQuotation,
    /// The name of somebody known to the node.
    KnownName,
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Email,
        Self::Phone,
        Self::Postcode,
        Self::NationalInsurance,
        Self::NhsNumber,
        Self::PaymentCard,
        Self::BankAccount,
        Self::DateOfBirth,
        Self::IpAddress,
        Self::RecordLink,
        Self::Secret,
        Self::LongQuotation,
        Self::KnownName,
    ];

    /// The word in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Postcode => "postcode",
            Self::NationalInsurance => "national_insurance",
            Self::NhsNumber => "nhs_number",
            Self::PaymentCard => "payment_card",
            Self::BankAccount => "bank_account",
            Self::DateOfBirth => "date_of_birth",
            Self::IpAddress => "ip_address",
            Self::RecordLink => "record_link",
            Self::Secret => "secret",
            Self::LongQuotation => "long_quotation",
            Self::KnownName => "known_name",
        }
    }

    /// What people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Email => "looks like an e-mail address",
            Self::Phone => "looks like a telephone number",
            Self::Postcode => "looks like a full postcode",
            Self::NationalInsurance => "looks like a National Insurance number",
            Self::NhsNumber => "looks like an NHS number",
            Self::PaymentCard => "looks like a payment card number",
            Self::BankAccount => "looks like a sort code and account number",
            Self::DateOfBirth => "looks like a date of birth",
            Self::IpAddress => "looks like an IP address",
            Self::RecordLink => "looks like a link to a single report or account",
            Self::Secret => "looks like a key, a token or a password",
            Self::LongQuotation => "looks like a long passage pasted in",
            Self::KnownName => "is the name of somebody known here",
        }
    }

    /// How serious it is. Addresses of machines and quotations are often legitimate in the account of an incident.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::IpAddress | Self::LongQuotation => Severity::Info,
            Self::Email
            | Self::Phone
            | Self::Postcode
            | Self::NationalInsurance
            | Self::NhsNumber
            | Self::PaymentCard
            | Self::BankAccount
            | Self::DateOfBirth
            | Self::RecordLink
            | Self::Secret
            | Self::KnownName => Severity::Warn,
        }
    }
}

/// How serious a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Look once more.
    Info,
    /// Take it out, or confirm that it may stay.
    Warn,
}

/// A piece of text that looks like personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// The field that holds the text.
    pub field: &'static str,
    /// What it looks like.
    pub kind: FindingKind,
    /// Its first character, counted in characters from 0.
    pub start: usize,
    /// Its length in characters.
    pub len: usize,
    /// How serious it is.
    pub severity: Severity,
}

/// A stretch of characters: from `start` up to, not including, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    start: usize,
    end: usize,
}

/// Looks through one text. Findings come in the order of the text; one inside another is left out; at most
/// [`FINDINGS_MAX`].
#[must_use]
pub fn check(field: &'static str, text: &str, known: &Known<'_>) -> Vec<Finding> {
    let chars: Vec<char> = text.chars().collect();
    let words = words::words(&chars);
    let groups = numbers::groups(&chars);
    let scans = [
        (FindingKind::Secret, network::secrets(&chars, &words)),
        (FindingKind::RecordLink, network::record_links(&chars)),
        (FindingKind::Email, words::emails(&chars, known.own_contacts)),
        (FindingKind::BankAccount, numbers::bank_accounts(&groups)),
        (FindingKind::PaymentCard, numbers::payment_cards(&chars, &groups)),
        (FindingKind::Phone, numbers::phones(&chars, &groups)),
        (FindingKind::NhsNumber, numbers::nhs_numbers(&chars, &groups)),
        (FindingKind::NationalInsurance, words::national_insurance(&chars, &words)),
        (FindingKind::DateOfBirth, words::dates_of_birth(&chars, &words)),
        (FindingKind::Postcode, words::postcodes(&chars, &words)),
        (FindingKind::IpAddress, network::ip_addresses(&chars)),
        (FindingKind::KnownName, words::names(&chars, &words, known.names)),
        (FindingKind::LongQuotation, words::quotations(&chars)),
    ];
    let mut found: Vec<(FindingKind, Span)> =
        scans.into_iter().flat_map(|(kind, spans)| spans.into_iter().map(move |span| (kind, span))).collect();
    // Stable: of two kinds over the same characters the one named first above stays.
    found.sort_by_key(|(_, span)| (span.start, std::cmp::Reverse(span.end)));
    let mut covered_to = 0;
    found.retain(|(kind, span)| {
        let inside = span.end <= covered_to;
        if *kind != FindingKind::LongQuotation {
            covered_to = covered_to.max(span.end);
        }
        !inside
    });
    found.truncate(FINDINGS_MAX);
    found
        .into_iter()
        .map(|(kind, Span { start, end })| Finding { field, kind, start, len: end - start, severity: kind.severity() })
        .collect()
}

fn slice(chars: &[char], span: Span) -> &[char] {
    chars.get(span.start..span.end).unwrap_or_default()
}

fn char_at(chars: &[char], at: usize) -> Option<char> {
    chars.get(at).copied()
}

fn char_before(chars: &[char], at: usize) -> Option<char> {
    at.checked_sub(1).and_then(|before| char_at(chars, before))
}

fn lowercase(chars: &[char]) -> String {
    chars.iter().flat_map(|c| c.to_lowercase()).collect()
}

/// Maximal stretches of characters that belong together.
fn stretches(chars: &[char], belongs: impl Fn(char) -> bool) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut start = None;
    for (at, c) in chars.iter().enumerate() {
        match (start, belongs(*c)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                spans.push(Span { start: from, end: at });
                start = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }
    spans.extend(start.map(|start| Span { start, end: chars.len() }));
    spans
}
