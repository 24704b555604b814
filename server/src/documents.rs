//! Documents made from the record, and read into it: files that leave or enter the node.

pub mod csv;
pub mod directory;
pub mod proof;
pub mod report_json;
