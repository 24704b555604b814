//! Exercises across organisations.
