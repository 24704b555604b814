//! Stories: what people and partners live through, told on real nodes and on both databases.

mod access;
mod api;
mod changes;
mod compose;
mod crash;
mod directory;
mod fan_out;
mod first_hour;
mod forms;
mod ico;
mod keys;
mod ladder;
mod log_incident;
mod pages;
mod pairing;
mod people;
mod privacy;
mod received_notice;
mod record;
mod refusals;
mod set_up;
mod terms;
