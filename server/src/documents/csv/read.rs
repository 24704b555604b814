//! Reading CSV (RFC 4180): quoted cells, either end of line, a mark of the octets' order at the start.

/// Cells of one line.
const CELLS_MAX: usize = 200;

/// A line: its number in the file (the first is 1), and its cells.
pub type Line = (u32, Vec<String>);

/// Reads every line that holds anything.
///
/// # Errors
/// The number of the line where it is no CSV.
pub fn read(text: &str) -> Result<Vec<Line>, u32> {
    let mut letters = text.trim_start_matches('\u{feff}').chars().peekable();
    let (mut lines, mut line, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut number, mut began, mut quoted, mut was_quoted) = (1_u32, 1_u32, false, false);
    let mut end = |line: &mut Vec<String>, began: u32| {
        let done = std::mem::take(line);
        if done.iter().any(|cell: &String| !cell.trim().is_empty()) {
            lines.push((began, done));
        }
    };
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.trim().is_empty() && !was_quoted => {
                cell.clear();
                (quoted, was_quoted) = (true, true);
            }
            '"' => return Err(number),
            ',' if !quoted => {
                line.push(std::mem::take(&mut cell));
                was_quoted = false;
                if line.len() > CELLS_MAX {
                    return Err(number);
                }
            }
            '\r' if !quoted && letters.peek() == Some(&'\n') => {}
            '\n' | '\r' if !quoted => {
                line.push(std::mem::take(&mut cell));
                was_quoted = false;
                end(&mut line, began);
                number = number.saturating_add(1);
                began = number;
            }
            letter => {
                number = number.saturating_add(u32::from(letter == '\n'));
                if was_quoted && !quoted && !letter.is_whitespace() {
                    return Err(number);
                }
                cell.push(letter);
            }
        }
    }
    if quoted {
        return Err(began);
    }
    line.push(cell);
    end(&mut line, began);
    Ok(lines)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Aim: quoted cells, line breaks in them, empty lines and both ends of lines are read, with the line's number.
    #[test]
    fn lines_are_read() {
        let text = "\u{feff}a,b\r\n\r\n\"say \"\"x\"\"\nand\", \"y\"\n,\nlast,1";
        let read = read(text).unwrap();
        let cells = |line: &Line| (line.0, line.1.join("|"));
        assert_eq!(
            read.iter().map(cells).collect::<Vec<_>>(),
            [(1, "a|b".to_owned()), (3, "say \"x\"\nand|y".to_owned()), (6, "last|1".to_owned()),]
        );
    }

    /// Aim: what is no CSV is named by its line.
    #[test]
    fn what_is_no_csv_is_named() {
        assert_eq!(read("a\nb,\"c").unwrap_err(), 2);
        assert_eq!(read("a\n\"b\"c\n").unwrap_err(), 2);
        assert_eq!(read("a\nb\"c\n").unwrap_err(), 2);
    }
}
