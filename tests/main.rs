//! The whole product's tests. One binary, so that everything links once. Start them with `tests/run`, which starts a
//! private Postgres first.
//!
//! `tidy` reads the sources; `kit_works` tests what the stories are told with; `stories` runs real nodes, each story on
//! both databases.

mod kit_works;
mod stories;
mod tidy;
