//! What time it is, and fresh ids: the only place in the product that asks the machine for either.
//!
//! Two readings (ruling 1). *Duty time* is what facts, anchors, due instants and the wire use; the demo runs it fast.
//! *Machine time* is what leases, back-off, sessions and throttles use; it is never scaled.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime as WallClock, UNIX_EPOCH};

use domain::values::Moment;
use uuid::{NoContext, Timestamp, Uuid};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// The two readings, and ids that grow with machine time (UUID version 7, RFC 9562 §5.7).
pub trait TimeSource: Send + Sync {
    /// Duty time.
    fn now(&self) -> Moment;

    /// Machine time: unscaled, kept in leases and back-off.
    fn elapsed(&self) -> Moment;

    /// A fresh id.
    fn fresh_id(&self) -> Uuid {
        let micros = u64::try_from(self.elapsed().micros()).unwrap_or_default();
        let per_second = MICROS_PER_SECOND.unsigned_abs();
        let nanos = u32::try_from(micros % per_second).unwrap_or_default().saturating_mul(1_000);
        Uuid::new_v7(Timestamp::from_unix(NoContext, micros / per_second, nanos))
    }

    /// Duty seconds that pass in one machine second; 1 normally.
    fn speed(&self) -> u32 {
        1
    }

    /// How long the machine waits until duty time reaches `due`; nothing when it is past.
    fn real_until(&self, due: Moment) -> Duration {
        let micros = u64::try_from(due.micros().saturating_sub(self.now().micros())).unwrap_or_default();
        Duration::from_micros(micros / u64::from(self.speed().max(1)))
    }
}

/// The machine's own clock for both readings.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemTime;

impl TimeSource for SystemTime {
    fn now(&self) -> Moment {
        wall_clock()
    }

    fn elapsed(&self) -> Moment {
        wall_clock()
    }
}

/// Duty time that runs faster than the machine's, for the demonstration; it can be slowed to 1 at any instant without a
/// jump.
#[derive(Debug)]
pub struct FastTime(Mutex<Pace>);

#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Duty time when the machine's clock showed `machine`.
    duty: Moment,
    machine: Moment,
    speed: u32,
}

impl FastTime {
    /// Starts at `duty`, with `speed` duty seconds to the machine second.
    #[must_use]
    pub fn new(duty: Moment, speed: u32) -> Self {
        Self(Mutex::new(Pace { duty, machine: wall_clock(), speed: speed.max(1) }))
    }

    /// Goes on at another speed from this instant.
    pub fn set_speed(&self, speed: u32) {
        let mut pace = held(&self.0);
        let machine = wall_clock();
        *pace = Pace { duty: pace.at(machine), machine, speed: speed.max(1) };
    }
}

impl Pace {
    fn at(self, machine: Moment) -> Moment {
        let passed = machine.micros().saturating_sub(self.machine.micros()).max(0);
        shifted(self.duty, passed.saturating_mul(i64::from(self.speed)))
    }
}

impl TimeSource for FastTime {
    fn now(&self) -> Moment {
        let pace = *held(&self.0);
        pace.at(wall_clock())
    }

    fn elapsed(&self) -> Moment {
        wall_clock()
    }

    fn speed(&self) -> u32 {
        held(&self.0).speed
    }
}

/// Time that moves only when it is told to: for tests and rehearsals.
#[derive(Debug)]
pub struct HandTime(Mutex<(Moment, Moment)>);

impl HandTime {
    /// Both readings start here.
    #[must_use]
    pub const fn new(at: Moment) -> Self {
        Self(Mutex::new((at, at)))
    }

    /// Moves both readings on.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        let mut both = held(&self.0);
        *both = (shifted(both.0, micros), shifted(both.1, micros));
    }

    /// Sets duty time.
    pub fn set_now(&self, to: Moment) {
        held(&self.0).0 = to;
    }
}

impl TimeSource for HandTime {
    fn now(&self) -> Moment {
        held(&self.0).0
    }

    fn elapsed(&self) -> Moment {
        held(&self.0).1
    }
}

/// The machine's wall clock; before 1970 it reads 1970.
fn wall_clock() -> Moment {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks")]
    let since = WallClock::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    match Moment::from_micros(micros) {
        Ok(moment) => moment,
        Err(_) => unreachable!("the machine's clock shows a year after 9999"),
    }
}

/// Later or earlier by microseconds; stays where it is rather than leave the years 1970 to 9999.
fn shifted(moment: Moment, micros: i64) -> Moment {
    Moment::from_micros(moment.micros().saturating_add(micros)).unwrap_or(moment)
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use domain::values::Moment;

    use super::{FastTime, HandTime, TimeSource};

    fn noon() -> Moment {
        Moment::parse("2026-03-01T12:00:00Z").unwrap()
    }

    #[test]
    fn hand_time_moves_only_when_told_and_both_readings_move_together() {
        let time = HandTime::new(noon());
        time.advance(Duration::from_secs(90));
        assert_eq!(time.now(), noon().plus_seconds(90));
        assert_eq!(time.elapsed(), noon().plus_seconds(90));
        time.set_now(noon().plus_seconds(3_600));
        assert_eq!(time.elapsed(), noon().plus_seconds(90), "machine time is another reading");
        assert_eq!(time.real_until(noon()), Duration::ZERO);
        assert_eq!(time.real_until(noon().plus_seconds(3_660)), Duration::from_secs(60));
    }

    #[test]
    fn fast_time_changes_speed_without_a_jump() {
        let time = FastTime::new(noon(), 3_600);
        assert!(time.real_until(noon().plus_seconds(7_200)) <= Duration::from_secs(2));
        let before = time.now();
        time.set_speed(1);
        let after = time.now();
        assert!(after >= before && after.seconds_since(before) < 3_600, "{before} {after}");
        assert_eq!(time.speed(), 1);
    }

    #[test]
    fn ids_are_of_version_7_and_all_different() {
        let time = HandTime::new(noon());
        let (a, b) = (time.fresh_id(), time.fresh_id());
        assert_ne!(a, b);
        assert_eq!(a.get_version_num(), 7);
    }
}
