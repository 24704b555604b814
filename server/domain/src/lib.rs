//! Tocsin's rules as pure functions.
//!
//! A stream's state is the fold of its events. `decide(state, command, now)` is the only place with rules: it answers
//! with events, or refuses. `evolve(state, event)` only records: it is total and never looks at the time. Nothing here
//! knows a database, a socket or the clock on the wall.
//!
//! | module | holds |
//! |---|---|
//! | [`values`] | ids, [`values::Moment`], bounded texts, "not yet known" |
//! | [`facts`] | what happened, told in facts, and the option lists |
//! | [`arrangement`] | terms with one partner; who is owed a notice by when |
//! | [`clock`] | one duty counting down |
//! | [`undated`] | duties for which the law names no time |
//! | [`clock_terms`] | how long each duty runs: per regime, as data, with the days on which it holds |
//! | [`working_time`] | working days, days by date, where a day begins and ends |
//! | [`validity`] | from when to when a rule holds |
//! | [`ladder`] | steps of escalation before and after a due instant |
//! | [`rota`] | who is on call
//! | [`incident`] | an incident of ours, from logging to closing |
//! | [`complaint`] | somebody's complaint about how we use their data |
//! | [`exchange`] | all that passes with one partner about one incident |
//! | [`reliance`] | relying on a partner's report to the ICO |
//! | [`report`] | the ICO report: answers, the facts they come from, and what is missing |
//! | [`personal_data`] | the check of free text for personal data |
//! | [`delivery`] | channel, outcome and attempts: when next, parked, or a person's turn |
//! | [`severity`] | how severe a breach is: ENISA's score with its working |
//! | [`self_assessment`] | the ICO's questions: is it reportable? |
//! | [`ico_bands`] | the bands of the ICO's figures |
//! | [`incident_type`] | the ICO's types of incident, by which causes are coded |
//! | [`law`] | how sure a line of the tables in `law/` is |
//! | [`suggestion`] | report it? tell people? with the grounds; never a decision |
//! | [`precedent`] | cases of the guidelines, and the nearest to given facts |
//! | [`chain`] | ledger arithmetic: digests, entries, tree, checkpoints, proofs |

pub mod arrangement;
pub mod chain;
mod choices;
pub mod clock;
pub mod clock_terms;
pub mod complaint;
pub mod delivery;
pub mod directory;
pub mod exchange;
pub mod facts;
pub mod ico_bands;
pub mod incident;
pub mod incident_type;
pub mod ladder;
pub mod law;
pub mod personal_data;
pub mod precedent;
pub mod reliance;
pub mod report;
pub mod rota;
pub mod self_assessment;
pub mod severity;
pub mod suggestion;
pub mod undated;
pub mod validity;
pub mod values;
#[cfg(test)]
mod vectors;
pub mod working_time;
