//! Messages about a case, said and read; filings told.
