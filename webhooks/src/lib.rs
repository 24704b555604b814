//! Tocsin's wire: how parties' nodes tell each other of a breach, prove that they were told, and prove it later to somebody
//! who trusts neither.
//!
//! Knows no database and no rules. Functions over octets; time is always an argument, in unix seconds; keys come from seeds
//! the caller draws. What was verified has a type of its own ([`jose::Verified`], [`push::VerifiedSet`],
//! [`receipt::VerifiedReceipt`]) that only this crate can make. `README.md` is the protocol, for other implementers.
//!
//! | module | holds |
//! |---|---|
//! | [`values`] | digests, times, issuers: one spelling each |
//! | [`strict_json`] | JSON without equal members, bounded |
//! | [`jose`] | signed tokens: read strictly, sign, verify |
//! | [`keys`] | seeds, keys, thumbprints, fingerprints, stream ids |
//! | [`manifest`] | a node's online keys, signed by its identity key; taking in a partner's |
//! | [`card`] | who a node is and where it is reached |
//! | [`facts`], [`message`] | what travels |
//! | [`set`] | the claims around an event |
//! | [`refusal`] | every answer to a message not taken |
//! | [`push`] | receiving a message; what an answer to ours means |
//! | [`receipt`] | proof of storage: made and judged |
//! | [`checkpoint`] | how far a ledger reached, as a signed note |
//! | [`standard_webhook`] | Standard Webhooks, for parties without a node |
//! | [`carrier`] | the seam: a parcel in, an outcome out |
//! | [`http`] | the real carrier |
//! | [`address_guard`], [`target`] | which addresses may be called, and what is wrong with one that a person typed |

#![warn(missing_docs)]

pub mod address_guard;
pub mod card;
pub mod carrier;
pub mod checkpoint;
pub mod facts;
pub mod http;
pub mod jose;
pub mod keys;
pub mod manifest;
pub mod message;
mod notice;
pub mod poll;
pub mod push;
pub mod receipt;
pub mod refusal;
pub mod set;
pub mod standard_webhook;
pub mod strict_json;
pub mod target;
pub mod values;
mod warm;
