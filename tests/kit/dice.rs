//! Numbers from a seed: the same seed gives the same numbers on every machine.

use uuid::Uuid;

/// SplitMix64.
#[derive(Debug, Clone)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// Dice of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Dice of a seed for one purpose: those of another purpose show nothing of them.
    #[must_use]
    pub fn of(seed: u64, purpose: u64) -> Self {
        let mut dice = Self::new(seed ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93));
        dice.next_number();
        dice
    }

    /// The next number.
    pub const fn next_number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound; 0 below 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        let number = self.next_number();
        if bound == 0 { 0 } else { number % bound }
    }

    /// A number of a range, its end not included.
    pub fn within(&mut self, range: std::ops::Range<i64>) -> i64 {
        range.start + i64::try_from(self.below(range.start.abs_diff(range.end))).expect("a range that fits")
    }

    /// Whether something of so many per cent comes about.
    pub const fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of several; `None` of none.
    pub fn one_of<'a, T>(&mut self, several: &'a [T]) -> Option<&'a T> {
        let number = usize::try_from(self.below(several.len() as u64)).expect("an index");
        several.get(number)
    }
}

/// A seed that no run had before. Show it when the run fails.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a fresh seed for every run, shown on failure")]
pub fn fresh_seed() -> u64 {
    Uuid::new_v4().as_u64_pair().0
}
