//! Telling a partner by hand: a call or a meeting that a person records.

use serde::{Deserialize, Serialize};

use crate::values::{Line, LongText, Moment};

/// A recorded call or meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Whom we reached.
    pub to_whom: Line,
    /// How: telephone, in person.
    pub how: CallChannel,
    /// When.
    pub at: Moment,
    /// What was said, in general terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<LongText>,
    /// Why it is recorded more than an hour after it took place (ruling 4: flagged).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backdate_reason: Option<LongText>,
}

/// How a person told a partner by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallChannel {
    /// By telephone.
    Telephone,
    /// Face to face.
    InPerson,
}

/// A back-dated record beyond this needs a reason and is flagged.
pub const BACKDATE_SECONDS_MAX: i64 = 3_600;
