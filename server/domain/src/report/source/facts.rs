//! What the incident's facts say.

use super::{Fact, codes, yes_or_no};
use crate::facts::{Facts, IcoCategory, Precision, RiskView};
use crate::values::{Count, CountBasis, Known, LongText, Options};

/// A range is longer than a day.
const DAY_SECONDS: i64 = 86_400;

pub(super) fn known<T>(known: &Known<T>, fact: impl FnOnce(&T) -> Fact) -> Fact {
    known.as_option().map_or(Fact::Unknown, fact)
}

/// An empty set says as little as *not yet known*.
fn set<T>(known: &Known<Options<T>>, word: impl Fn(&T) -> (&'static str, &'static str)) -> Fact {
    match known.as_option() {
        Some(options) if !options.is_empty() => Fact::Codes(options.iter().map(word).collect()),
        Some(_) | None => Fact::Unknown,
    }
}

/// The texts that are known, each under its heading; none known is *not yet known*.
fn joined<const N: usize>(parts: [(&str, Option<&LongText>); N]) -> Fact {
    let texts: Vec<String> =
        parts.into_iter().filter_map(|(heading, text)| text.map(|text| format!("{heading}: {text}"))).collect();
    if texts.is_empty() { Fact::Unknown } else { Fact::Text(texts.join("\n\n")) }
}

pub(super) fn completeness(facts: &Facts) -> Fact {
    if facts.missing_items().is_empty() { codes("complete", "Complete") } else { codes("incomplete", "Incomplete") }
}

pub(super) fn discovery(facts: &Facts) -> Fact {
    Fact::Text(format!("{}. {}", facts.discovery_method.label(), facts.aware_basis))
}

pub(super) fn discovery_method(facts: &Facts) -> Fact {
    codes(facts.discovery_method.word(), facts.discovery_method.label())
}

pub(super) fn cyber(facts: &Facts) -> Fact {
    known(&facts.ico_category, |category| yes_or_no(*category == IcoCategory::Cyber))
}

pub(super) fn occurred(facts: &Facts) -> Fact {
    known(&facts.occurred, |occurred| Fact::Period {
        from: occurred.from,
        to: occurred.to,
        estimated: occurred.precision == Precision::Estimated,
    })
}

pub(super) fn occurred_kind(facts: &Facts) -> Fact {
    known(&facts.occurred, |occurred| match occurred.to {
        Some(to) if to.seconds_since(occurred.from) > DAY_SECONDS => codes("range", "From a day to a day"),
        Some(_) => codes("day", "On a day"),
        None => codes("ongoing", "Since a day"),
    })
}

pub(super) fn occurred_estimated(facts: &Facts) -> Fact {
    known(&facts.occurred, |occurred| yes_or_no(occurred.precision == Precision::Estimated))
}

pub(super) fn occurred_from(facts: &Facts) -> Fact {
    known(&facts.occurred, |occurred| Fact::Instant(occurred.from))
}

pub(super) fn occurred_to(facts: &Facts) -> Fact {
    let goes_on = Fact::NotCalledFor("It goes on, or is not known to have ended");
    known(&facts.occurred, |occurred| occurred.to.map_or(goes_on, Fact::Instant))
}

pub(super) fn measures(facts: &Facts) -> Fact {
    joined([("To stop it", facts.containment.as_option()), ("To limit the effects", facts.mitigation.as_option())])
}

pub(super) fn containment(facts: &Facts) -> Fact {
    known(&facts.containment, |text| Fact::Text(text.to_string()))
}

pub(super) fn data_categories(facts: &Facts) -> Fact {
    set(&facts.data_categories, |kind| (kind.word(), kind.label()))
}

pub(super) fn subject_categories(facts: &Facts) -> Fact {
    set(&facts.subject_categories, |kind| (kind.word(), kind.label()))
}

pub(super) fn nature(facts: &Facts) -> Fact {
    set(&facts.nature, |nature| (nature.word(), nature.label()))
}

pub(super) fn systems_affected(facts: &Facts) -> Fact {
    let nature = nature(facts);
    if matches!(nature, Fact::Codes(_)) { codes("yes", "Yes") } else { nature }
}

pub(super) fn data_detail(facts: &Facts) -> Fact {
    let mut lines = Vec::new();
    if let Some(unreadable) = facts.data_unintelligible.as_option() {
        lines.push(format!("Unreadable without a key that is safe: {}", unreadable.label()));
    }
    if let Some(recipients) = facts.recipients_of_data.as_option() {
        lines.push(format!("Who may have received it: {}", recipients.label()));
    }
    if lines.is_empty() { Fact::Unknown } else { Fact::Text(lines.join("\n")) }
}

pub(super) fn unintelligible(facts: &Facts) -> Fact {
    known(&facts.data_unintelligible, |it| codes(it.word(), it.label()))
}

pub(super) fn number(count: &Known<Count>) -> Fact {
    known(count, |count| Fact::Count(*count))
}

pub(super) fn basis(count: &Known<Count>) -> Fact {
    known(count, |count| match count.basis {
        CountBasis::Exact => codes("exact", "Counted"),
        CountBasis::Approximate => codes("approximate", "An estimate"),
        CountBasis::Minimum => codes("minimum", "At least so many"),
    })
}

pub(super) fn threshold(facts: &Facts) -> Fact {
    known(&facts.risk_view, |view| match view {
        RiskView::Risk | RiskView::HighRisk => codes("met", "It has to be reported"),
        RiskView::Unlikely => codes("not_met", "It need not be reported"),
    })
}

pub(super) fn risk_view(facts: &Facts) -> Fact {
    known(&facts.risk_view, |view| codes(view.word(), view.label()))
}

pub(super) fn high_risk(facts: &Facts) -> Fact {
    known(&facts.risk_view, |view| yes_or_no(*view == RiskView::HighRisk))
}

pub(super) fn risk_detail(facts: &Facts) -> Fact {
    match (facts.risk_view.as_option(), facts.likely_consequences.as_option()) {
        (Some(view), Some(consequences)) => Fact::Text(format!("{}. {consequences}", view.label())),
        (None, _) | (_, None) => Fact::Unknown,
    }
}

pub(super) fn detriment(facts: &Facts) -> Fact {
    joined([("So far", facts.actual_harm.as_ref()), ("What may happen", facts.likely_consequences.as_option())])
}
