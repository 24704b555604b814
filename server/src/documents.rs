//! Documents made from the record, and read into it: files that leave or enter the node.
//!
//! What is to be printed is put together as a [`paper::Paper`], which knows nothing of file formats; [`docx`] and [`pdf`]
//! write the same paper.

pub mod calendar;
pub mod csv;
pub mod directory;
pub mod docx;
pub mod file;
pub mod letter;
pub mod paper;
pub mod pdf;
pub mod print;
pub mod proof;
pub mod register;
pub mod report;
pub mod report_json;
