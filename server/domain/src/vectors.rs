//! Test vectors: rows of a CSV file by the names of its columns.

use std::collections::BTreeMap;

/// Quoted fields hold no line breaks and no doubled quotes there.
pub(crate) fn rows(csv: &str) -> Vec<BTreeMap<&str, String>> {
    let mut lines = csv.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    lines
        .map(|line| {
            let fields = fields(line);
            assert_eq!(fields.len(), names.len(), "a row of another length: {line}");
            names.iter().copied().zip(fields).collect()
        })
        .collect()
}

fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            _ => field.push(c),
        }
    }
    fields.push(field);
    fields
}

#[test]
fn a_quoted_field_is_read_whole() {
    assert_eq!(rows("a,b\n1,\"2, 3\"").first().and_then(|row| row.get("b")).map(String::as_str), Some("2, 3"));
}
