//! Answers of the API kept for repeated requests (ruling 35).
