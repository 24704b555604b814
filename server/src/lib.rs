//! The Tocsin node. `ARCHITECTURE.md` at the root says what each part is for and what may know about what.

pub mod access;
pub mod api;
pub mod commands;
pub mod config;
pub mod demo;
pub mod dev_certs;
pub mod documents;
pub mod health;
pub mod http;
pub mod mail;
pub mod node;
pub mod problem;
pub mod serve;
pub mod set_up;
pub mod store;
pub mod time_source;
pub mod tls;
pub mod web;
