//! Operations: exercises.
