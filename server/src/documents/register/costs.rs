//! What incidents cost: sums for statistics, and amounts that may be published.

use domain::incident::costs::{Kind, decimal};

use super::aggregate::FEWEST;
use super::csv;
use crate::store::queries::register::figures::Figures;

/// What incidents of some months cost. An incident's costs go with it, whenever they were paid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Costs {
    /// In how many incidents a cost stands.
    pub incidents: i64,
    /// What they come to, in pence.
    pub pence: i64,
    /// How much of that is estimated, in pence.
    pub estimated: i64,
    /// The same by kind, the largest first, without those that have nothing.
    pub kinds: Vec<OfKind>,
}

/// What one kind came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfKind {
    /// Which.
    pub kind: Kind,
    /// In pence.
    pub pence: i64,
    /// In how many incidents such a cost stands; one can have several kinds.
    pub incidents: i64,
}

impl Costs {
    /// From what was counted.
    #[must_use]
    pub fn of(figures: &Figures) -> Self {
        let mut kinds: Vec<OfKind> = all_kinds(figures).into_iter().filter(|of| of.pence > 0).collect();
        kinds.sort_by_key(|of| std::cmp::Reverse(of.pence));
        Self {
            incidents: figures.of("cost_incidents"),
            pence: kinds.iter().map(|of| of.pence).fold(0, i64::saturating_add),
            estimated: figures.of("cost_estimated"),
            kinds,
        }
    }
}

/// Every kind, in the order of [`Kind::ALL`], those with nothing too.
fn all_kinds(figures: &Figures) -> Vec<OfKind> {
    let of = |kind: &Kind| OfKind {
        kind: *kind,
        pence: figures.of(&format!("cost.{}", kind.word())),
        incidents: figures.of(&format!("cost_incidents.{}", kind.word())),
    };
    Kind::ALL.iter().map(of).collect()
}

/// Amounts that may be published, in pence; `None` is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Every kind.
    pub kinds: Vec<(Kind, Option<i64>)>,
    /// All of them.
    pub total: Option<i64>,
}

/// Amounts by kind in which no incident can be found.
///
/// The amount of a kind that fewer than [`FEWEST`] incidents have is left out. So that the total does not give it back, the
/// smallest amount of a kind that enough incidents have is left out with it: whoever takes what is shown from the total finds
/// a sum of enough incidents. Where there is no such kind the total is left out. No number of incidents is told, because an
/// incident can have several kinds, and their numbers together could tell a small one.
#[must_use]
pub fn publishable(figures: &Figures) -> Published {
    let all = all_kinds(figures);
    let few = |n: i64| (1..FEWEST).contains(&n);
    let mut left: Vec<Kind> = all.iter().filter(|of| few(of.incidents)).map(|of| of.kind).collect();
    let mut total = Some(all.iter().map(|of| of.pence).fold(0, i64::saturating_add));
    if !left.is_empty() {
        let along = all.iter().filter(|of| of.incidents >= FEWEST).min_by_key(|of| of.pence);
        match along {
            Some(of) => left.push(of.kind),
            None => total = None,
        }
    }
    let shown = |of: &OfKind| (of.kind, Some(of.pence).filter(|_| !left.contains(&of.kind)));
    Published { kinds: all.iter().map(shown).collect(), total }
}

/// The amounts as CSV, in pounds; what is left out is a letter, which the last line explains.
#[must_use]
pub fn to_csv(published: &Published) -> String {
    let said = |pence: Option<i64>| pence.map_or_else(|| "c".to_owned(), decimal);
    let mut text = String::new();
    csv::line(&mut text, ["kind of cost", "pounds"].into_iter());
    for (kind, pence) in &published.kinds {
        csv::line(&mut text, [kind.label(), said(*pence).as_str()].into_iter());
    }
    csv::line(&mut text, ["total", said(published.total).as_str()].into_iter());
    csv::line(&mut text, ["c: left out, so that nobody can work out what fewer than five incidents cost"].into_iter());
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn figures(kinds: &[(i64, i64)]) -> Figures {
        let mut figures = Figures::default();
        for (kind, (incidents, pence)) in Kind::ALL.iter().zip(kinds) {
            figures.sums.insert(format!("cost_incidents.{}", kind.word()), *incidents);
            figures.sums.insert(format!("cost.{}", kind.word()), *pence);
        }
        figures
    }

    /// Aim: an amount of few incidents goes, and with it the smallest of enough, so that the total does not give it back;
    /// with none such the total goes too.
    #[test]
    fn an_amount_of_few_takes_another_along() {
        let shown = |kinds: &[(i64, i64)]| {
            let made = publishable(&figures(kinds));
            let kinds: Vec<Option<i64>> = made.kinds.iter().take(kinds.len()).map(|(_, pence)| *pence).collect();
            (kinds, made.total)
        };
        assert_eq!(shown(&[(5, 500), (7, 300), (0, 0)]), (vec![Some(500), Some(300), Some(0)], Some(800)));
        assert_eq!(shown(&[(5, 500), (7, 300), (4, 9_000)]), (vec![Some(500), None, None], Some(9_800)));
        assert_eq!(shown(&[(4, 500), (1, 300), (0, 0)]), (vec![None, None, Some(0)], None));
        assert_eq!(shown(&[]), (Vec::new(), Some(0)));
        let text = to_csv(&publishable(&figures(&[(5, 125_050), (9, 100), (1, 7)])));
        assert!(
            text.starts_with("kind of cost,pounds\r\nStaff time,1250.50\r\nOutside help,c\r\nTelling people,c\r\n")
        );
        assert!(text.contains("\r\nPenalty,0.00\r\n") && text.contains("\r\ntotal,1251.57\r\n"), "{text}");
    }

    proptest! {
        /// Aim: what is shown is true, nothing of few incidents is shown, and what is left when the shown are taken from the
        /// total is nothing, or holds a kind that enough incidents have.
        #[test]
        fn nobody_can_be_found(kinds in prop::collection::vec((0_i64..9).prop_flat_map(|n| (Just(n), if n == 0 { 0..1_i64 } else { 1..1_000_i64 })), 8)) {
            let made = publishable(&figures(&kinds));
            let mut left = Vec::new();
            for ((_, shown), (incidents, pence)) in made.kinds.iter().zip(&kinds) {
                prop_assert!(shown.is_none_or(|shown| shown == *pence && !(1..FEWEST).contains(incidents)));
                if shown.is_none() {
                    left.push(*incidents);
                }
            }
            prop_assert!(left.is_empty() || made.total.is_none() || left.iter().any(|incidents| *incidents >= FEWEST));
            if made.total.is_some() {
                prop_assert_eq!(made.total.unwrap(), kinds.iter().map(|(_, pence)| *pence).sum::<i64>());
            }
        }
    }
}
