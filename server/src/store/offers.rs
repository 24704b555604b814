//! Which partner has taken which key manifest of ours.
