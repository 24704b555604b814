//! Why a command on an exchange was refused.

use crate::ladder::LadderRefusal;
use crate::reliance;

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The stream is empty.
    #[error("there is no such exchange")]
    NoSuchExchange,
    /// Opened twice.
    #[error("this exchange is already open")]
    AlreadyOpen,
    /// The command belongs to the other direction.
    #[error("this does not apply to a notice in this direction")]
    WrongDirection,
    /// The notice no longer stands.
    #[error("this notice has been withdrawn")]
    Withdrawn,
    /// No such message, or its delivery has ended.
    #[error("there is no such message under way")]
    NoSuchMessage,
    /// In the future.
    #[error("the time cannot be in the future")]
    InFuture,
    /// Before the duty began.
    #[error("the time cannot be before the duty began")]
    BeforeAnchor,
    /// A back-dated record without a reason.
    #[error("a record of something more than an hour ago needs a reason")]
    ReasonMissing,
    /// A drill's mark never changes within a case (protocol §6).
    #[error("the exercise mark of a case cannot change")]
    ExerciseChanged,
    /// It is already linked.
    #[error("this notice is already part of an incident")]
    AlreadyLinked,
    /// No such duty.
    #[error("there is no such duty to see to")]
    NoSuchDuty,
    /// Contents are erased.
    #[error("this exchange has been anonymised")]
    Anonymised,
    /// A duty is still to be done: nothing may be erased yet.
    #[error("a duty of this exchange is still open")]
    DutyOpen,
    /// An acknowledgement is a person's word, never a machine's.
    #[error("only a person can acknowledge a notice")]
    PersonNeeded,
    /// Both sides must know the case before anything is said about it.
    #[error("the partner has not been told of this case yet")]
    NothingTold,
    /// A request must say by when.
    #[error("a request needs a date and time by which an answer is due")]
    DueMissing,
    /// Only a request has a due instant.
    #[error("only a request can say by when an answer is due")]
    DueWithoutRequest,
    /// Due before now.
    #[error("the answer can't be due in the past")]
    DuePast,
    /// Due beyond [`super::DUE_SECONDS_MAX`].
    #[error("the answer can't be due more than a year from now")]
    DueTooFar,
    /// A forwarded request keeps the instant at which it came in.
    #[error("a request that is passed on needs the date and time when it came in")]
    ReceivedMissing,
    /// Only a forwarded request has that instant.
    #[error("only a request that is passed on has a date and time when it came in")]
    ReceivedWithoutForwarding,
    /// An answer names what it answers.
    #[error("an answer must say which message it answers")]
    AnswersNothing,
    /// An answer is to something that the partner said.
    #[error("this message is ours: an answer is to something that the partner asked")]
    AnswersOurs,
    /// `re` names no message of this case.
    #[error("there is no such message in this case")]
    UnknownMessage,
    /// [`super::MESSAGES_MAX`] or [`super::FILINGS_MAX`] is reached.
    #[error("this case has as many messages as it can hold")]
    TooManyMessages,
    /// Nobody asked for deletion.
    #[error("deletion is confirmed only when the sender withdrew a notice that was meant for another")]
    NothingToDelete,
    /// Nothing changes.
    #[error("nothing would change")]
    NothingChanges,
    /// A report of the partner's can't be relied on.
    #[error(transparent)]
    Reliance(#[from] reliance::Refusal),
    /// A ladder's.
    #[error(transparent)]
    Ladder(#[from] LadderRefusal),
}
