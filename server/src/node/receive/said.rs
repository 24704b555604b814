//! What a partner message about a case, or a filing, does to our record.
