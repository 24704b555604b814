//! Messages about a case, ours and theirs, as pages read them.
