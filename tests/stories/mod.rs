//! Stories: what people and partners live through, told on real nodes and on both databases.

mod access;
mod changes;
mod crash;
mod fan_out;
mod forms;
mod ico;
mod ladder;
mod log_incident;
mod pages;
mod pairing;
mod privacy;
mod received_notice;
mod record;
mod refusals;
