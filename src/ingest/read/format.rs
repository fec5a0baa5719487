//! Which format a file has: by its name, else by its first bytes.
//!
//! Compression is told by content alone, in [`stream`](super::stream); here its suffix is only taken off the name.

use std::path::Path;

use super::fields;
use super::table;

/// A format of articles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// One article, plain text.
    Plain,
    /// One article, Markdown with or without front matter.
    Markdown,
    /// One article, a web page.
    Page,
    /// One object a line.
    JsonLines,
    /// One object or an array of objects.
    Json,
    /// A header and one article a row.
    Table,
}

/// What a file name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A known extension.
    Known(Format),
    /// No extension.
    Bare,
    /// An extension that is not read here.
    Unknown,
}

/// Reads the format off a file name, under `.gz` and `.zst` too.
pub(super) fn by_name(path: &Path) -> Named {
    let lower = |path: &Path| path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let mut extension = lower(path);
    if matches!(extension.as_deref(), Some("gz" | "gzip" | "zst" | "zstd")) {
        extension = path.file_stem().and_then(|stem| lower(Path::new(stem)));
    }
    match extension.as_deref() {
        None => Named::Bare,
        Some("txt" | "text") => Named::Known(Format::Plain),
        Some("md" | "markdown") => Named::Known(Format::Markdown),
        Some("html" | "htm" | "xhtml") => Named::Known(Format::Page),
        Some("jsonl" | "ndjson") => Named::Known(Format::JsonLines),
        Some("json") => Named::Known(Format::Json),
        Some("csv" | "tsv") => Named::Known(Format::Table),
        Some(_) => Named::Unknown,
    }
}

/// Guesses the format from the first bytes of a text.
pub(super) fn by_content(head: &[u8], names: &fields::FieldNames) -> Format {
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{FEFF}').trim_start();
    let line = text.lines().next().unwrap_or_default();
    let opening = text.get(..512).unwrap_or(text).to_lowercase();
    if text.starts_with('{') {
        let whole = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(line).is_ok();
        return if whole { Format::JsonLines } else { Format::Json };
    }
    if text.starts_with('[') && text[1..].trim_start().starts_with(['{', ']']) {
        return Format::Json;
    }
    if text.starts_with('<') && (opening.contains("<html") || opening.starts_with("<!doctype html")) {
        return Format::Page;
    }
    if line.trim_end() == "---" {
        return Format::Markdown;
    }
    let columns = table::split_header(line);
    if columns.len() > 1 && fields::has_words(&columns, names) && text.lines().nth(1).is_some() {
        return Format::Table;
    }
    Format::Plain
}

/// What the first bytes of something that is no text look like, `None` for text.
pub(super) fn binary(head: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 17] = [
        (b"%PDF-", "a PDF"),
        (b"PK\x03\x04", "a zip archive (docx, xlsx, odt and epub files are zip archives)"),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an old Microsoft Office file"),
        (b"{\\rtf", "a rich text (RTF) file"),
        (b"\x89PNG\r\n", "a PNG image"),
        (b"\xFF\xD8\xFF", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"RIFF", "an image or sound (RIFF)"),
        (b"II*\0", "a TIFF image"),
        (b"PAR1", "a Parquet file"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"7z\xBC\xAF\x27\x1C", "a 7-Zip archive"),
        (b"\xFD7zXZ\0", "an xz archive"),
        (b"BZh91AY&SY", "a bzip2 archive"),
        (b"Rar!\x1A\x07", "a RAR archive"),
        (b"\x7FELF", "a program"),
        (b"OggS\0", "a sound (Ogg)"),
    ];
    let known = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| *kind);
    let opening = &head[..head.len().min(8192)];
    let zero = opening.contains(&0).then_some("binary data (it holds zero bytes)");
    let feed = opening.starts_with(b"<?xml") && !opening.windows(5).any(|window| window.eq_ignore_ascii_case(b"<html"));
    known.or(zero).or(feed.then_some("XML that is no web page"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_the_format_whatever_their_case_and_compression() {
        for (name, expected) in [
            ("a.TXT", Named::Known(Format::Plain)),
            ("a.markdown", Named::Known(Format::Markdown)),
            ("a.Htm", Named::Known(Format::Page)),
            ("a.jsonl.zst", Named::Known(Format::JsonLines)),
            ("a.JSON.GZ", Named::Known(Format::Json)),
            ("a.tsv", Named::Known(Format::Table)),
            ("README", Named::Bare),
            ("dump.gz", Named::Bare),
            ("a.parquet", Named::Unknown),
            ("a.docx.gz", Named::Unknown),
        ] {
            assert_eq!(by_name(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn content_says_the_format_where_the_name_does_not() {
        for (head, expected) in [
            ("{\"title\": \"a\"}\n{\"title\": \"b\"}", Format::JsonLines),
            ("{\n  \"title\": \"a\"\n}", Format::Json),
            (" [ {\"title\"", Format::Json),
            ("[Mise à jour] Une", Format::Plain),
            ("\u{FEFF}<!DOCTYPE html>\n<p>", Format::Page),
            ("<html lang=\"fr\">", Format::Page),
            ("---\ntitle: a\n---\n", Format::Markdown),
            ("titre;texte\na;b", Format::Table),
            ("id\tbody\n1\tb", Format::Table),
            ("Le texte, le titre\nUne", Format::Plain),
            ("", Format::Plain),
        ] {
            assert_eq!(by_content(head.as_bytes(), &fields::FieldNames::default()), expected, "{head}");
        }
    }

    #[test]
    fn what_is_no_text_is_named() {
        assert_eq!(binary(b"%PDF-1.7"), Some("a PDF"));
        assert_eq!(binary(b"a\0b"), Some("binary data (it holds zero bytes)"));
        assert_eq!(binary("été".as_bytes()), None);
    }
}
