//! What a stream lost, and how it is found again (protocol §10, §13).
