//! Rows of CSV and TSV, under a first row of names.
//!
//! Records are cut here, so that a quote that is never closed cannot fill the memory; their cells are read by `csv`.

use std::ops::ControlFlow;

use serde_json::Value;

use super::Outlet;
use super::fields::{self, Record};
use super::problem::Reason;
use super::stream::{Piece, Stream};

/// Separators that are looked for, the first of equals wins.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Quotes never closed after which the lines that they swallow are read again; each time costs a walk to the end.
const OPEN_QUOTES: u32 = 16;

/// Reads a table; rows that do not fit the first one are problems by themselves.
pub(super) fn rows(stream: &mut Stream, outlet: &mut Outlet<'_>) -> ControlFlow<()> {
    let limit = outlet.options.max_text_bytes;
    let mut cutter = Cutter { separator: None, next: 1, limit };
    let mut bytes = Vec::new();
    let mut columns: Vec<String> = Vec::new();
    let mut empty = true;
    let mut retries = OPEN_QUOTES;
    loop {
        let row = match cutter.row(stream, &mut bytes) {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(reason) => return outlet.problem(Some(cutter.next), reason),
        };
        let line = row.line;
        match row.piece {
            Piece::TooLong(bytes) => outlet.problem(Some(line), Reason::TooLong { bytes, limit })?,
            Piece::Whole(true) => {
                // The lines that the quote swallowed are read again, as rows of their own.
                let swallowed = bytes.iter().position(|b| *b == b'\n').filter(|_| retries > 0);
                let mut last = cutter.next - 1;
                if let Some(end) = swallowed {
                    stream.again(bytes.split_off(end + 1));
                    (cutter.next, last) = (line + 1, line);
                    retries -= 1;
                }
                outlet.problem(Some(line), Reason::OpenQuote { first: line, last })?;
            }
            Piece::Whole(_) if bytes.trim_ascii().is_empty() => continue,
            Piece::Whole(_) => {
                let text = outlet.decode(&bytes, Some(line), stream.legacy())?;
                if columns.is_empty() {
                    let separator = separator(&text);
                    cutter.separator = Some(separator);
                    columns = names(cells(&text, separator));
                    if !fields::has_words(&columns, &outlet.options.fields) {
                        return outlet.problem(Some(line), Reason::NoColumn { columns: fields::listed(&columns) });
                    }
                    continue;
                }
                let found = cells(&text, cutter.separator.unwrap_or(b','));
                if found.len() == columns.len() {
                    let record: Record = columns.iter().cloned().zip(found.into_iter().map(Value::String)).collect();
                    outlet.record(record, line, &format!("#{line}"))?;
                } else {
                    outlet.problem(Some(line), Reason::RowLength { expected: columns.len(), found: found.len() })?;
                }
            }
        }
        empty = false;
    }
    if empty { outlet.problem(None, Reason::Empty) } else { ControlFlow::Continue(()) }
}

/// The names in a first row.
pub(super) fn split_header(line: &str) -> Vec<String> {
    cells(line, separator(line))
}

/// The separator that a first row has most of, outside quotes.
fn separator(line: &str) -> u8 {
    let mut counts = [0; SEPARATORS.len()];
    let mut quoted = false;
    for byte in line.bytes() {
        quoted ^= byte == b'"';
        if let Some(at) = SEPARATORS.iter().position(|separator| *separator == byte).filter(|_| !quoted) {
            counts[at] += 1;
        }
    }
    let best = (0..SEPARATORS.len()).rev().max_by_key(|at| counts[*at]);
    best.map_or(b',', |at| SEPARATORS[at])
}

/// The cells of one record.
fn cells(record: &str, separator: u8) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(record.len().clamp(1, 64 << 10))
        .from_reader(record.as_bytes());
    let mut row = csv::StringRecord::new();
    // Text is UTF-8 and of any length here, so there is nothing to refuse; a record without cells is blank.
    match reader.read_record(&mut row) {
        Ok(true) => row.iter().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Names of columns: a blank or repeated one gets its number, so that no cell is lost.
fn names(cells: Vec<String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(cells.len());
    for (at, cell) in cells.iter().enumerate() {
        let name = cell.trim();
        let taken = name.is_empty() || names.iter().any(|other| other == name);
        names.push(if taken { format!("{name}#{}", at + 1) } else { name.to_owned() });
    }
    names
}

/// Cuts records: lines, or several of them where a cell in quotes goes on.
struct Cutter {
    /// Known once the first row has been read; until then any of [`SEPARATORS`] counts.
    separator: Option<u8>,
    /// Line of the next record, from 1.
    next: u64,
    limit: u64,
}

/// A record that was cut.
struct Row {
    line: u64,
    /// Whether the file ended inside quotes.
    piece: Piece<bool>,
}

impl Cutter {
    /// Reads the next record into `bytes`.
    fn row(&mut self, stream: &mut Stream, bytes: &mut Vec<u8>) -> Result<Option<Row>, Reason> {
        bytes.clear();
        let line = self.next;
        let (mut length, mut begun) = (0_u64, false);
        // `fresh`: at the start of a cell, where alone a quote opens. `closing`: after a quote inside quotes.
        let (mut quoted, mut fresh, mut closing) = (false, true, false);
        loop {
            let buffer = stream.fill()?;
            if buffer.is_empty() {
                break;
            }
            begun = true;
            let mut end = None;
            for (at, &byte) in buffer.iter().enumerate() {
                self.next += u64::from(byte == b'\n');
                if quoted && !closing {
                    closing = byte == b'"';
                    // Beyond the limit the quote is taken for a stray one: the next line is a new record.
                    if byte != b'\n' || length + at as u64 <= self.limit {
                        continue;
                    }
                } else if byte == b'"' && (closing || fresh) {
                    (quoted, closing, fresh) = (true, false, false);
                    continue;
                }
                (quoted, closing) = (false, false);
                if byte == b'\n' {
                    end = Some(at);
                    break;
                }
                let separates = |separator: u8| separator == byte;
                fresh = self.separator.map_or_else(|| SEPARATORS.contains(&byte), separates);
            }
            let part = &buffer[..end.unwrap_or(buffer.len())];
            let taken = part.len() + usize::from(end.is_some());
            length += part.len() as u64;
            if length <= self.limit {
                bytes.extend_from_slice(part);
            } else {
                *bytes = Vec::new();
            }
            stream.consume(taken);
            if end.is_some() {
                break;
            }
        }
        if !begun {
            return Ok(None);
        }
        let open = quoted && !closing;
        let piece = if length > self.limit { Piece::TooLong(length) } else { Piece::Whole(open) };
        if open {
            self.next += 1;
        }
        Ok(Some(Row { line, piece }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read_text;
    use super::*;

    #[test]
    fn quoted_cells_go_over_lines_and_rows_are_named_by_their_first() {
        let text = "id,titre,texte\n,T,\"Un \"\"mot\"\",\nsuite\"\n7,U,\"b\"\r\n\n,V,5\" de pluie\n";
        assert_eq!(read_text("x.csv", text), ["x.csv#2: Un \"mot\",\nsuite", "7: b", "x.csv#6: 5\" de pluie"]);
    }

    #[test]
    fn the_separator_is_found() {
        for (separator, name) in [(",", "csv"), (";", "csv"), ("\t", "tsv"), ("|", "csv")] {
            let text = format!("a{separator}text\n1{separator}x\n");
            assert_eq!(read_text(&format!("x.{name}"), &text), [format!("x.{name}#2: x")]);
        }
        assert_eq!(read_text("x.csv", "texte\nun seul, mot\n")[0].split(": ").next(), Some("! x.csv:2"));
    }

    #[test]
    fn a_row_that_does_not_fit_costs_itself_alone() {
        let seen = read_text("x.csv", "a,text\n1,x\n1,2,3\n4\n5,y");
        assert_eq!((seen[0].as_str(), seen[3].as_str()), ("x.csv#2: x", "x.csv#5: y"));
        assert!(seen[1].starts_with("! x.csv:3: 3 cells where the first row has 2"), "{}", seen[1]);
        assert!(seen[2].starts_with("! x.csv:4: 1 cells"), "{}", seen[2]);
    }

    #[test]
    fn a_quote_that_is_never_closed_costs_its_line_alone() {
        let seen = read_text("x.csv", "a,text\n1,x\n2,\"y\n3,z\n4,z");
        assert!(seen[1].starts_with("! x.csv:3: a quote opened here is never closed: lines 3 to 3"), "{}", seen[1]);
        assert_eq!([&seen[0], &seen[2], &seen[3]], ["x.csv#2: x", "x.csv#4: z", "x.csv#5: z"]);
    }

    #[test]
    fn columns_without_words_and_empty_tables_are_refused() {
        assert!(read_text("x.csv", "1,2\n3,4\n")[0].starts_with("! x.csv:1: no column for text or title among 1, 2"));
        assert!(read_text("x.csv", "\n\n")[0].contains("empty"));
        assert!(read_text("x.csv", "text,n\n")[0].contains("empty"));
    }

    #[test]
    fn names_that_are_blank_or_repeated_get_their_number() {
        assert_eq!(names(vec!["a".into(), " ".into(), "a".into()]), ["a", "#2", "a#3"]);
    }
}
