//! What a partner that polls is given.
