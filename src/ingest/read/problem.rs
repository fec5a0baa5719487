//! What went wrong, or nearly: the events that tell people which input was left out and which was changed on the way.
//!
//! Every message names the place, says what is wrong there and what to do next. Nothing here decides anything.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Name of standard input where a path is expected.
pub const STANDARD_INPUT: &str = "standard input";

/// Where in the inputs: a file as its path was given, and the line where that makes sense.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The path as it was given or found, or [`STANDARD_INPUT`].
    pub path: PathBuf,
    /// Line of the file, counted from 1; a record of several lines is named by its first.
    pub line: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        Ok(())
    }
}

/// Input that gave no article: the run went on without it.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct Problem {
    /// The file, folder or record that was left out.
    pub place: Place,
    /// Why.
    pub reason: Reason,
}

/// Why an input was left out.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// Nothing has this path.
    #[error("no such file or folder; check the path")]
    Missing,
    /// The operating system refused.
    #[error("cannot be read: {error}; check that it exists and that you may read it")]
    Unreadable {
        /// What the operating system said.
        error: io::Error,
    },
    /// A folder, or something in it, could not be listed.
    #[error("cannot be listed: {detail}; check that you may read this folder")]
    Unlisted {
        /// What the walk said.
        detail: String,
    },
    /// A link leads back to a folder that holds it.
    #[error("this link leads back to a folder that holds it, and was not followed")]
    Loop,
    /// The path names a store of this program.
    #[error("this is a voisin store, not articles; name the files that it was made from")]
    Store,
    /// No byte, or white space alone.
    #[error("empty; nothing to read")]
    Empty,
    /// More bytes than the limit for one article, line or record.
    #[error("{bytes} bytes in one piece, more than the limit of {limit}; split it, or raise the limit")]
    TooLong {
        /// Size of the piece.
        bytes: u64,
        /// The limit, [`Options::max_text_bytes`](super::Options::max_text_bytes).
        limit: u64,
    },
    /// Not text.
    #[error("looks like {kind}, not text; convert it to text, HTML, JSON Lines or CSV first")]
    Binary {
        /// What its first bytes look like, with its article: `a PDF`.
        kind: &'static str,
    },
    /// A compressed file that is cut short or corrupt.
    #[error("the {kind} data is cut short or damaged here ({error}); what came before is kept; fetch the file again")]
    Damaged {
        /// `gzip` or `zstd`.
        kind: &'static str,
        /// What the decompressor said.
        error: io::Error,
    },
    /// A record that is no JSON.
    #[error("not valid JSON: {detail}; correct the record")]
    Json {
        /// What the parser said, with the line and column inside the record.
        detail: String,
    },
    /// JSON, but not `{…}`.
    #[error("expected an object such as {{\"title\": …, \"text\": …}}, found {found}")]
    NotAnObject {
        /// What stands there: `an array`, `a number`…
        found: &'static str,
    },
    /// A JSON file whose last bracket is missing.
    #[error("the file ends inside an array or object; it is cut short: fetch it again")]
    CutShort,
    /// A record without anything to index.
    #[error("no text and no title among the fields {fields}; if another field holds the text, name it")]
    NoText {
        /// Names of the fields that are there, with commas.
        fields: String,
    },
    /// A page that shows nothing.
    #[error("no text on this page and no title; if a script fills it, save the page as the browser shows it")]
    BlankPage,
    /// A table whose columns mean nothing known.
    #[error("no column for text or title among {columns}; name the column, or add a first row with names")]
    NoColumn {
        /// Names in the first row, with commas.
        columns: String,
    },
    /// A row with too many or too few cells.
    #[error("{found} cells where the first row has {expected}; look for a stray separator or quote")]
    RowLength {
        /// Number of columns of the first row.
        expected: usize,
        /// Number of cells of this row.
        found: usize,
    },
    /// A quoted cell that runs to the end of the file.
    #[error("a quote opened here is never closed: lines {first} to {last} were not read; close or double the quote")]
    OpenQuote {
        /// Line of the row that opens the quote.
        first: u64,
        /// Last line of the file.
        last: u64,
    },
}

/// An article was kept, with something that people should know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {remark}")]
pub struct Note {
    /// The file or record.
    pub place: Place,
    /// What to know.
    pub remark: Remark,
}

/// What was changed, or could not be understood, in an article that was kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Remark {
    /// A date field that holds no date that exists.
    #[error("\"{value}\" is no date that exists; the article is kept without a date")]
    BadDate {
        /// The value as it stands, cut to 80 characters.
        value: String,
    },
    /// Text in an encoding that had to be guessed. Given once a file, at the first such text.
    #[error("not UTF-8: read as {encoding}; convert the file to UTF-8 if accents look wrong")]
    Guessed {
        /// Name of the encoding.
        encoding: &'static str,
    },
    /// Bytes that mean nothing in the encoding, or characters that were lost before.
    #[error("{count} unreadable characters stand as \u{FFFD}; the original is damaged or in another encoding")]
    Replaced {
        /// Number of U+FFFD in the text.
        count: u64,
    },
    /// UTF-8 that had been read as Windows-1252 and written again, undone.
    #[error("{count} garbled sequences such as \"Ã©\" were put right")]
    Repaired {
        /// Number of characters that were put right.
        count: u64,
    },
    /// The same kind of damage, where a part of the bytes is gone.
    #[error("{count} garbled sequences such as \"â€\" are left: their bytes are incomplete; fetch the original again")]
    Garbled {
        /// Number of places.
        count: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_begin_with_the_place() {
        let place = Place { path: "a/b.csv".into(), line: Some(12) };
        let problem = Problem { place, reason: Reason::RowLength { expected: 3, found: 5 } };
        assert!(problem.to_string().starts_with("a/b.csv:12: 5 cells where the first row has 3"), "{problem}");
    }

    #[test]
    fn a_place_without_a_line_is_its_path() {
        assert_eq!(Place { path: STANDARD_INPUT.into(), line: None }.to_string(), "standard input");
    }
}
