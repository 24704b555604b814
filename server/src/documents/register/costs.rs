//! What incidents cost: sums for statistics, and amounts that may be published.

use domain::incident::costs::Kind;

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

/// Pence in what published amounts are rounded to: a thousand pounds.
const ROUNDED_TO: i64 = 100_000;

/// Amounts that may be published, in whole thousands of pounds; `None` is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Every kind.
    pub kinds: Vec<(Kind, Option<i64>)>,
    /// All of them.
    pub total: Option<i64>,
}

/// Amounts by kind in which no incident can be found.
///
/// The amount of a kind that fewer than [`FEWEST`] incidents have is left out, and then the total too, which would give it
/// back. Amounts are rounded, so that of one large and several small ones the large one is not told to the pound. No number of
/// incidents is told, because an incident can have several kinds, and their numbers together could tell a small one.
#[must_use]
pub fn publishable(figures: &Figures) -> Published {
    let all = all_kinds(figures);
    let few = |of: &OfKind| (1..FEWEST).contains(&of.incidents);
    let total = all.iter().map(|of| of.pence).fold(0, i64::saturating_add);
    Published {
        kinds: all.iter().map(|of| (of.kind, Some(thousands(of.pence)).filter(|_| !few(of)))).collect(),
        total: Some(thousands(total)).filter(|_| !all.iter().any(few)),
    }
}

/// The nearest whole thousand of pounds.
const fn thousands(pence: i64) -> i64 {
    pence.saturating_add(ROUNDED_TO / 2).div_euclid(ROUNDED_TO)
}

/// The amounts as CSV; what is left out is a letter, which the last line explains.
#[must_use]
pub fn to_csv(published: &Published) -> String {
    let said = |thousands: Option<i64>| thousands.map_or_else(|| "c".to_owned(), |thousands| thousands.to_string());
    let mut text = String::new();
    csv::line(&mut text, ["kind of cost", "thousands of pounds"].into_iter());
    for (kind, amount) in &published.kinds {
        csv::line(&mut text, [kind.label(), said(*amount).as_str()].into_iter());
    }
    csv::line(&mut text, ["total", said(published.total).as_str()].into_iter());
    csv::line(
        &mut text,
        ["c: left out, because fewer than five incidents had such a cost, or would give it away"].into_iter(),
    );
    text
}

#[cfg(test)]
mod tests {
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

    /// Aim: an amount of few incidents goes, and the total with it; the others are rounded.
    #[test]
    fn an_amount_of_few_takes_the_total_along() {
        let shown = |kinds: &[(i64, i64)]| {
            let made = publishable(&figures(kinds));
            let kinds: Vec<Option<i64>> = made.kinds.iter().take(kinds.len()).map(|(_, pence)| *pence).collect();
            (kinds, made.total)
        };
        assert_eq!(shown(&[(5, 149_999), (7, 150_000), (0, 0)]), (vec![Some(1), Some(2), Some(0)], Some(3)));
        assert_eq!(shown(&[(5, 500), (7, 300), (4, 9_000)]), (vec![Some(0), Some(0), None], None));
        assert_eq!(shown(&[]), (Vec::new(), Some(0)));
        let text = to_csv(&publishable(&figures(&[(5, 125_000_050), (9, 100), (1, 7)])));
        assert!(text.starts_with(
            "kind of cost,thousands of pounds\r\nStaff time,1250\r\nOutside help,0\r\nTelling people,c\r\n"
        ));
        assert!(text.contains("\r\nPenalty,0\r\n") && text.contains("\r\ntotal,c\r\n"), "{text}");
    }

    proptest! {
        /// Aim: nothing of few incidents is shown, the total only where nothing is left out, and all that is shown is as
        /// near as rounding allows.
        #[test]
        fn nobody_can_be_found(kinds in prop::collection::vec((0_i64..9).prop_flat_map(|n| (Just(n), if n == 0 { 0..1_i64 } else { 1..10_000_000_i64 })), 8)) {
            let made = publishable(&figures(&kinds));
            let near = |shown: i64, pence: i64| (shown * ROUNDED_TO - pence).abs() <= ROUNDED_TO / 2;
            for ((_, shown), (incidents, pence)) in made.kinds.iter().zip(&kinds) {
                prop_assert_eq!(shown.is_none(), (1..FEWEST).contains(incidents));
                prop_assert!(shown.is_none_or(|shown| near(shown, *pence)));
            }
            prop_assert_eq!(made.total.is_none(), made.kinds.iter().any(|(_, shown)| shown.is_none()));
            prop_assert!(made.total.is_none_or(|total| near(total, kinds.iter().map(|(_, pence)| *pence).sum())));
        }
    }
}
