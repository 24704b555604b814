//! Operations: board.
