//! Our own keys, for administrators: how long they are good for, who holds the list of them, and replacing them.

use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use serde::Deserialize;

use super::action::{ActionPage, refusal};
use super::administration::administrator;
use super::field::Field;
use super::form::{FieldError, Form, Reading};
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::words::{Reader, counted, length};
use crate::node::rotation::{HeldBy, KeyPurpose, KeyStage, KeysStanding, OwnKeyView, Rotation};
use crate::problem::Problem;

/// Partners shown by name; those that do not hold the list come first.
const PARTNERS_SHOWN: usize = 200;
/// Keys shown; a list holds at most a hundred.
const KEYS_SHOWN: usize = 101;
/// The page warns when keys are good for less.
const WARNING_SECONDS: i64 = 30 * 86_400;
const DAY_SECONDS: i64 = 86_400;

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/keys").get(index)).service(resource("/keys/rotate").get(show).post(act));
}

struct KeyRow {
    signs: &'static str,
    stage: &'static str,
    from: String,
    until: String,
    kid: String,
}

struct PartnerRow {
    id: String,
    name: String,
    words: String,
}

#[derive(Template)]
#[template(path = "keys.html")]
struct Index {
    chrome: Chrome,
    done: &'static str,
    trouble: String,
    fingerprint: String,
    identity: String,
    good: String,
    version: u64,
    waiting: String,
    keys: Vec<KeyRow>,
    held: String,
    partners: Vec<PartnerRow>,
}

/// What was just done.
#[derive(Debug, Deserialize)]
pub struct Asked {
    replaced: Option<String>,
}

/// `GET /keys`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub async fn index(visit: Visit, asked: web::Query<Asked>) -> Answer {
    administrator(&visit)?;
    let standing = visit.node.keys_standing().await?;
    let left = standing.good_until.seconds_since(visit.now());
    page::html(&Index {
        chrome: visit.chrome("Keys of this node", "/administration"),
        done: if asked.replaced.is_some() {
            "The new keys are made, and the list of keys is on its way to partners."
        } else {
            ""
        },
        trouble: trouble(left, standing.switch_in_seconds.is_some()).to_owned(),
        fingerprint: visit.node.fingerprint(),
        good: good(&standing, visit.reader),
        version: standing.version,
        waiting: standing.switch_in_seconds.map(waiting).unwrap_or_default(),
        held: held(&standing),
        partners: partner_rows(&standing.partners),
        keys: standing.keys.iter().take(KEYS_SHOWN).map(|key| key_row(key, visit.reader)).collect(),
        identity: standing.identity,
    })
}

/// What is wrong; keys that end while new ones stand ready to sign are not.
const fn trouble(seconds_left: i64, replaced: bool) -> &'static str {
    if seconds_left <= 0 {
        "Your everyday keys have expired. No message of yours would be believed, so nothing is sent until you replace them."
    } else if seconds_left < WARNING_SECONDS && !replaced {
        "Your everyday keys end soon. Replace them now, while partners still believe them."
    } else {
        ""
    }
}

/// "good for 312 days, until 09:00 on Monday 1 March 2027 (GMT)"
fn good(standing: &KeysStanding, reader: Reader) -> String {
    let left = standing.good_until.seconds_since(reader.now());
    let at = reader.at(standing.good_until);
    if left <= 0 {
        format!("expired at {at}")
    } else if left < DAY_SECONDS {
        format!("good for {}, until {at}", length(left))
    } else {
        format!("good for {}, until {at}", counted(left / DAY_SECONDS, "day"))
    }
}

fn waiting(seconds: i64) -> String {
    format!("made; they sign once every active partner holds them, and in {} at the latest", length(seconds))
}

fn held(standing: &KeysStanding) -> String {
    let number = |holds: fn(&HeldBy) -> bool| standing.partners.iter().filter(|held| holds(held)).count();
    let missing = i64::try_from(number(|held| held.taken == Some(false))).unwrap_or(i64::MAX);
    if missing == 0 {
        "Every partner holds it. A partner that you pair with later fetches it then.".to_owned()
    } else {
        format!("{} not taken it yet; their nodes are asked again and again.", have(missing))
    }
}

fn have(partners: i64) -> String {
    if partners == 1 { "1 partner has".to_owned() } else { format!("{} have", counted(partners, "partner")) }
}

/// Those that do not hold it first.
fn partner_rows(partners: &[HeldBy]) -> Vec<PartnerRow> {
    let mut partners: Vec<&HeldBy> = partners.iter().collect();
    partners.sort_by(|a, b| (a.taken != Some(false), &a.name).cmp(&(b.taken != Some(false), &b.name)));
    let row = |held: &HeldBy| PartnerRow {
        id: held.partner.to_string(),
        name: held.name.to_string(),
        words: match (held.taken, held.suspended) {
            (Some(true), _) => "has taken it".to_owned(),
            (None, _) => "fetched it when you paired".to_owned(),
            (Some(false), true) => "not taken yet: suspended, and asked when you resume".to_owned(),
            (Some(false), false) => format!("not taken yet: {}", counted(i64::from(held.attempts), "attempt")),
        },
    };
    partners.into_iter().take(PARTNERS_SHOWN).map(row).collect()
}

fn key_row(key: &OwnKeyView, reader: Reader) -> KeyRow {
    let identity = key.purpose == KeyPurpose::Identity;
    KeyRow {
        signs: match key.purpose {
            KeyPurpose::Identity => "your card and the list of keys",
            KeyPurpose::Set => "messages and receipts",
            KeyPurpose::Log => "the record",
            KeyPurpose::Webhook => "webhooks",
        },
        stage: match key.stage {
            KeyStage::Next => "waits to sign",
            KeyStage::Current if identity => "locked under its passphrase",
            KeyStage::Current => "signs now",
            KeyStage::Retired => "replaced",
            KeyStage::Revoked => "revoked",
        },
        from: reader.at(key.valid_from),
        until: if identity { "no end".to_owned() } else { reader.at(key.valid_until) },
        kid: key.kid.clone(),
    }
}

/// Which of the two replacements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Planned,
    Emergency,
}

impl How {
    fn from_word(word: &str) -> Result<Self, Problem> {
        match word {
            "planned" => Ok(Self::Planned),
            "emergency" => Ok(Self::Emergency),
            _ => Err(Problem::NotFound),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Emergency => "emergency",
        }
    }

    const fn heading(self) -> &'static str {
        match self {
            Self::Planned => "Replace the everyday keys",
            Self::Emergency => "A key may be known to somebody else",
        }
    }

    const fn paragraphs(self) -> &'static [&'static str] {
        match self {
            Self::Planned => &[
                "New keys are made here, and your identity key signs the list that names them. The list goes to every partner at once.",
                "When your name or contacts have changed since your card was made, a new card is issued along with the list.",
                "The new keys sign as soon as every active partner holds the list, and after 24 hours at the latest. The old ones stay good for two more weeks, so nothing that is under way is lost.",
            ],
            Self::Emergency => &[
                "New keys are made and sign at once. The old ones are revoked: partners refuse them from the moment that they hold the new list.",
                "What partners received before keeps its receipts. What they received since the instant below is marked for them to look at again. Messages of yours that wait are signed again and sent.",
                "If the identity key or its passphrase may be known to somebody else, this does not help: telephone every partner and pair again.",
            ],
        }
    }

    const fn button(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Planned => ("replace", "Replace the keys", ""),
            Self::Emergency => ("replace", "Revoke the old keys and replace them", "danger"),
        }
    }
}

/// Which replacement is asked for.
#[derive(Debug, Deserialize)]
pub struct AskedHow {
    how: Option<String>,
}

/// `GET /keys/rotate`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub async fn show(visit: Visit, asked: web::Query<AskedHow>) -> Answer {
    administrator(&visit)?;
    let how = How::from_word(asked.how.as_deref().unwrap_or("planned"))?;
    shown(how, &visit, &Form::default(), Vec::new())
}

/// `POST /keys/rotate`
///
/// # Errors
/// [`Problem`]
pub async fn act(posted: Posted) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let how = How::from_word(form.first("how"))?;
    let mut reading = Reading::new(&form, visit.reader);
    let rotation = match how {
        How::Planned => Some(Rotation::Planned),
        How::Emergency => {
            let since = reading.moment("since", "Say since when somebody else may have had a key");
            since.map(|since| Rotation::Emergency { since })
        }
    };
    if form.first("passphrase").is_empty() {
        reading.fault("passphrase", "Type the passphrase of the identity key");
    }
    let errors = reading.into_errors();
    let Some(rotation) = rotation.filter(|_| errors.is_empty()) else { return shown(how, &visit, &form, errors) };
    match visit.node.rotate(&by, &as_drawn(form.first("passphrase")), rotation).await {
        Ok(_) => Ok(page::see_other("/keys?replaced=1")),
        Err(error) => {
            let errors = refusal(error, "passphrase")?;
            shown(how, &visit, &form, errors)
        }
    }
}

/// Six groups of five letters are what the recovery sheet shows: they may be typed with spaces, and in capitals. Any other
/// passphrase is taken as it is.
pub(super) fn as_drawn(typed: &str) -> String {
    let typed = typed.trim();
    let groups: Vec<String> =
        typed.split([' ', '-']).filter(|group| !group.is_empty()).map(str::to_lowercase).collect();
    let drawn = groups.len() == 6
        && groups.iter().all(|group| group.len() == 5 && group.bytes().all(|octet| octet.is_ascii_alphabetic()));
    if drawn { groups.join("-") } else { typed.to_owned() }
}

/// Asks for the passphrase.
pub(super) fn passphrase_field() -> Field {
    let passphrase = Field::password("passphrase", "Passphrase of the identity key");
    Field { autocomplete: "off", ..passphrase }
        .hint("It stands on the recovery sheet that was printed when this node was set up.")
}

fn shown(how: How, visit: &Visit, form: &Form, errors: Vec<FieldError>) -> Answer {
    let chrome = visit.chrome(how.heading(), "/administration");
    let mut page =
        ActionPage::new(chrome, how.heading(), "Keys of this node", "/keys".to_owned(), "/keys/rotate".to_owned());
    page.paragraphs = how.paragraphs().iter().map(|words| (*words).to_owned()).collect();
    if how == How::Emergency {
        let since = Field::moment(form, "since", "Since when may somebody else have had a key?", visit.reader);
        page.fields.push(since.hint("If you are not sure, give the earliest instant that is possible."));
    }
    page.fields.push(passphrase_field());
    page.hidden = vec![("how", how.word().to_owned())];
    page.buttons = vec![how.button()];
    page.answer(errors)
}

#[cfg(test)]
mod tests {
    use super::{as_drawn, have, trouble};

    /// Aim: the page warns a month before keys end, and says plainly what an end means.
    #[test]
    fn warnings() {
        assert_eq!(trouble(31 * 86_400, false), "");
        assert!(trouble(29 * 86_400, false).contains("Replace them now"));
        assert!(trouble(0, false).contains("nothing is sent"));
        assert_eq!(trouble(14 * 86_400, true), "", "they were just replaced");
    }

    /// Aim: one partner is not spoken of as many.
    #[test]
    fn numbers() {
        assert_eq!((have(1).as_str(), have(2).as_str()), ("1 partner has", "2 partners have"));
    }

    /// Aim: what stands on the sheet is taken however it is typed, and nothing else is changed.
    #[test]
    fn a_drawn_passphrase_may_be_typed_with_spaces() {
        assert_eq!(as_drawn(" Xbpjg jfpwk zyxjz  ktddn rmjgy-fjcnh "), "xbpjg-jfpwk-zyxjz-ktddn-rmjgy-fjcnh");
        assert_eq!(as_drawn("Correct Horse battery"), "Correct Horse battery");
    }
}
