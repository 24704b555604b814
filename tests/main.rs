//! The whole product's tests. One binary, so that everything links once. Start them with `tests/run`, which starts a
//! private Postgres first.
//!
//! `tidy` reads the sources; `kit_works` tests what the stories are told with; `stories` runs real nodes, each story on
//! both databases; `simulation` runs several nodes from one seed.

mod kit_works;
mod simulation;
mod stories;
mod tidy;
