//! The references of our incidents: numbered within their year.

use chrono::Datelike as _;
use domain::values::Line;

use super::DoorError;
use crate::store::Turn;

/// The reference of a new incident.
pub(super) fn next(turn: &mut Turn<'_>) -> Result<Line, DoorError> {
    let year = turn.now().to_chrono().year();
    let number = turn.next_number(&format!("incident-{year}"))?;
    Line::parse(&format!("TC-{year}-{number:04}")).map_err(|_| DoorError::Invalid("the reference is not acceptable"))
}
