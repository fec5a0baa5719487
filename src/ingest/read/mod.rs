//! Reading: paths and standard input to a stream of articles, in bounded memory.
//!
//! One bad file or line never stops the run: it becomes a [`Problem`] that says where it is and what to do. Plain text,
//! Markdown, HTML, JSON, JSON Lines, CSV and TSV are read, each under gzip or zstd too; PDF, Word and Parquet are not.
//! Nothing here cleans text beyond its encoding and its HTML, detects languages, or stores anything.

mod date;
mod decode;
mod fields;
mod files;
mod format;
mod json;
mod markdown;
mod markup;
mod outlet;
mod page;
mod plain;
mod problem;
mod stream;
mod table;

use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

pub use date::parse_date;
pub use fields::FieldNames;
pub use json::article_of;
pub use problem::{Note, Place, Problem, Reason, Remark, STANDARD_INPUT};

use crate::types::Article;
use files::Met;
use format::{Format, Named};
use outlet::Outlet;
use stream::{Piece, Stream};

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file, or a folder with all that is in it.
    Path(PathBuf),
    /// Standard input, whose format and compression are told by its content.
    Stdin,
}

impl From<&str> for Input {
    /// `-` is standard input, anything else a path.
    fn from(text: &str) -> Self {
        if text == "-" { Self::Stdin } else { Self::Path(text.into()) }
    }
}

/// How to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Names of the fields of JSON objects, tables and front matter.
    pub fields: FieldNames,
    /// Most bytes, decompressed, of one article: a text file, a line, a row or an object. What is longer is a problem.
    ///
    /// It bounds the memory: a few times this for text, some twenty times for a web page of that size.
    pub max_text_bytes: u64,
}

impl Default for Options {
    /// Guessed field names, 64 MiB.
    fn default() -> Self {
        Self { fields: FieldNames::default(), max_text_bytes: 64 << 20 }
    }
}

/// What reading gives, in the order of the inputs.
#[derive(Debug)]
pub enum Event {
    /// An article. Its key is the id that its record has, else the path of the file as it was named, with `#` and the
    /// line (JSON Lines, CSV) or the place in the array (JSON) where a file holds several. Keys may come twice.
    Article(Box<Article>),
    /// Something to know about the article that comes next.
    Note(Note),
    /// Input that gave no article.
    Skipped(Problem),
    /// A file of a folder whose kind is not read.
    Ignored {
        /// The file.
        path: PathBuf,
    },
}

/// How far a run has come, in the units of [`Survey`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files done.
    pub files: u64,
    /// Bytes taken from disk, compressed as they lie there.
    pub bytes: u64,
}

/// What there is to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Files that would be opened, standard input included.
    pub files: u64,
    /// Their bytes on disk.
    pub bytes: u64,
    /// Whether `bytes` lacks those of standard input, which nobody knows.
    pub open_ended: bool,
}

/// Takes each event, and says whether to go on.
pub type Sink<'a> = dyn FnMut(Event, Progress) -> ControlFlow<()> + 'a;

/// Counts what [`read`] would open, without opening it.
pub fn survey(inputs: &[Input]) -> Survey {
    let mut survey = Survey::default();
    for input in inputs {
        let Input::Path(path) = input else {
            survey.files += 1;
            survey.open_ended = true;
            continue;
        };
        // The visitor never breaks.
        let _ = files::walk(path, &mut |met| {
            if let Met::File { bytes, .. } = met {
                survey.files += 1;
                survey.bytes += bytes;
            }
            ControlFlow::Continue(())
        });
    }
    survey
}

/// Reads all inputs in order and hands every event to `sink`; breaks where the sink does.
///
/// Files of a folder come in the order of their names, so that two runs over the same files give the same events.
pub fn read<'a>(inputs: &[Input], options: &'a Options, sink: &'a mut Sink<'a>) -> ControlFlow<()> {
    read_from(inputs, &mut || Box::new(std::io::stdin()), options, sink)
}

/// [`read`], with standard input given.
fn read_from<'a>(
    inputs: &[Input],
    stdin: &mut dyn FnMut() -> Box<dyn Read>,
    options: &'a Options,
    sink: &'a mut Sink<'a>,
) -> ControlFlow<()> {
    let mut outlet = Outlet::new(options, sink);
    for input in inputs {
        match input {
            Input::Stdin => {
                let count = outlet.begin(STANDARD_INPUT.into(), "stdin".into());
                stream(Stream::open(stdin(), count), Named::Unknown, true, &mut outlet)?;
                outlet.end(0);
            }
            Input::Path(path) => files::walk(path, &mut |met| match met {
                Met::File { path, bytes, named } => {
                    file(&path, named, &mut outlet)?;
                    outlet.end(bytes);
                    ControlFlow::Continue(())
                }
                Met::Ignored(path) => outlet.event(Event::Ignored { path }),
                Met::Problem(problem) => outlet.event(Event::Skipped(problem)),
            })?,
        }
    }
    ControlFlow::Continue(())
}

fn file(path: &Path, named: bool, outlet: &mut Outlet<'_>) -> ControlFlow<()> {
    let count = outlet.begin(path.to_owned(), name_of(path));
    let opened = match fs_err::File::open(path) {
        Ok(file) => Stream::open(Box::new(file), count),
        Err(error) => Err(Reason::Unreadable { error: std::io::Error::from(error.kind()) }),
    };
    stream(opened, format::by_name(path), named, outlet)
}

/// The path as part of a key: `./a/b.txt` and `a/b.txt` are one article.
fn name_of(path: &Path) -> String {
    let parts = path.components().filter(|part| *part != std::path::Component::CurDir);
    parts.collect::<PathBuf>().display().to_string()
}

/// Reads one stream. `asked`: whether it was named itself, so that what it is not must be said.
fn stream(opened: Result<Stream, Reason>, name: Named, asked: bool, outlet: &mut Outlet<'_>) -> ControlFlow<()> {
    let mut stream = match opened {
        Ok(stream) => stream,
        Err(reason) => return outlet.problem(None, reason),
    };
    if let Some(kind) = format::binary(stream.head()) {
        if asked || name != Named::Bare {
            return outlet.problem(None, Reason::Binary { kind });
        }
        let path = outlet.path().to_owned();
        return outlet.event(Event::Ignored { path });
    }
    if let Some(encoding) = stream.guessed() {
        outlet.guessed(None, encoding)?;
    }
    let format = match name {
        Named::Known(format) => format,
        Named::Bare | Named::Unknown => format::by_content(stream.head(), &outlet.options.fields),
    };
    match format {
        Format::JsonLines => json::lines(&mut stream, outlet),
        Format::Json => json::values(&mut stream, outlet),
        Format::Table => table::rows(&mut stream, outlet),
        Format::Plain | Format::Markdown | Format::Page => document(&mut stream, format, outlet),
    }
}

/// Reads a file that is one article.
fn document(stream: &mut Stream, format: Format, outlet: &mut Outlet<'_>) -> ControlFlow<()> {
    let limit = outlet.options.max_text_bytes;
    if format == Format::Page
        && let Some(encoding) = page::stated_encoding(stream.head())
    {
        stream.set_legacy(encoding);
    }
    let bytes = match stream.whole(limit) {
        Ok(Piece::Whole(bytes)) => bytes,
        Ok(Piece::TooLong(bytes)) => return outlet.problem(None, Reason::TooLong { bytes, limit }),
        Err(reason) => return outlet.problem(None, reason),
    };
    if bytes.trim_ascii().is_empty() {
        return outlet.problem(None, Reason::Empty);
    }
    let text = outlet.decode(&bytes, None, stream.legacy())?;
    let made = match format {
        Format::Page => page::article(&text),
        Format::Markdown => markdown::article(&text, &outlet.options.fields),
        _ => plain::article(text.into_owned()),
    };
    outlet.made(made, None, "")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    /// The events of some inputs, a line each: `key: text`, `! problem`, `~ note`, `(ignored)`, without `folder`.
    fn events(inputs: &[Input], stdin: &[u8], options: &Options, folder: &Path) -> Vec<String> {
        let mut seen = Vec::new();
        let mut sink = |event: Event, _: Progress| {
            seen.push(match event {
                Event::Article(article) => format!("{}: {}", article.key, article.text),
                Event::Note(note) => format!("~ {note}"),
                Event::Skipped(problem) => format!("! {problem}"),
                Event::Ignored { path } => format!("({})", path.display()),
            });
            ControlFlow::Continue(())
        };
        let stdin = stdin.to_vec();
        let _ = read_from(inputs, &mut || Box::new(std::io::Cursor::new(stdin.clone())), options, &mut sink);
        seen.iter().map(|line| line.replace(&format!("{}/", folder.display()), "")).collect()
    }

    /// The events of one file of this name and content.
    pub(super) fn read_bytes(name: &str, bytes: &[u8], options: &Options) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs_err::write(&path, bytes).unwrap();
        events(&[Input::Path(path)], b"", options, folder.path())
    }

    /// [`read_bytes`] with usual options.
    pub(super) fn read_text(name: &str, text: &str) -> Vec<String> {
        read_bytes(name, text.as_bytes(), &Options::default())
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_format_is_read_plain_and_compressed() {
        for (name, text, expected) in [
            ("a.txt", "Un texte.", "a.txt: Un texte."),
            ("a.md", "# T\n\nUn", "a.md: # T\n\nUn"),
            ("a.html", "<p>Un texte.</p>", "a.html: Un texte."),
            ("a.jsonl", "{\"text\": \"Un\"}\n", "a.jsonl#1: Un"),
            ("a.json", "[{\"text\": \"Un\"}]", "a.json#1: Un"),
            ("a.csv", "id;text\n;Un\n", "a.csv#2: Un"),
            ("a", "{\"text\": \"Un\"}\n{\"text\": \"\"}", "a#1: Un"),
        ] {
            assert_eq!(read_text(name, text)[0], expected);
            let packed = |suffix: &str| expected.replacen(name, &format!("{name}.{suffix}"), 1);
            assert_eq!(read_bytes(&format!("{name}.gz"), &gzip(text), &Options::default())[0], packed("gz"));
            let zst = zstd::encode_all(text.as_bytes(), 1).unwrap();
            assert_eq!(read_bytes(&format!("{name}.zst"), &zst, &Options::default())[0], packed("zst"));
        }
    }

    #[test]
    fn standard_input_is_told_by_its_content() {
        let read = |bytes: &[u8]| events(&["-".into()], bytes, &Options::default(), Path::new("/none"));
        assert_eq!(read(b"{\"text\": \"a\"}\n{}")[0], "stdin#1: a");
        assert!(read(b"{\"text\": \"a\"}\n{}")[1].starts_with("! standard input:2: no text and no title"));
        assert_eq!(read("Un été.".as_bytes()), ["stdin: Un été."]);
        assert_eq!(read(&gzip("titre,texte\na,b\n")), ["stdin#2: b"]);
        assert!(read(b"")[0].starts_with("! standard input: empty"));
    }

    #[test]
    fn what_is_no_text_is_a_problem_where_it_was_named_and_ignored_in_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in
            [("a.pdf", &b"%PDF-1.4"[..]), ("b", b"\x7FELF\0"), ("c.txt", b"PK\x03\x04"), ("d.txt", b"Oui.")]
        {
            fs_err::write(folder.path().join(name), bytes).unwrap();
        }
        let seen = events(&[Input::Path(folder.path().into())], b"", &Options::default(), folder.path());
        assert_eq!((seen[0].as_str(), seen[1].as_str(), seen[3].as_str()), ("(a.pdf)", "(b)", "d.txt: Oui."));
        assert!(seen[2].starts_with("! c.txt: looks like a zip archive"), "{}", seen[2]);
        let seen = events(&[Input::Path(folder.path().join("a.pdf"))], b"", &Options::default(), folder.path());
        assert!(seen[0].starts_with("! a.pdf: looks like a PDF, not text; convert it"), "{}", seen[0]);
        assert_eq!(read_text("x.unknown", "Un texte."), ["x.unknown: Un texte."]);
        assert!(read_text("x.xml", "<?xml version='1.0'?><rss/>")[0].contains("XML"));
    }

    #[test]
    fn encodings_are_read_and_said() {
        let text = "La crème brûlée à Besançon, où elle a été goûtée.";
        let (old, _, _) = encoding_rs::WINDOWS_1252.encode(text);
        let note = "not UTF-8: read as windows-1252; convert the file to UTF-8 if accents look wrong";
        let expected = [format!("~ a.txt: {note}"), format!("a.txt: {text}")];
        assert_eq!(read_bytes("a.txt", &old, &Options::default()), expected);
        let wide: Vec<u8> = "\u{FEFF}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(read_bytes("a.txt", &wide, &Options::default()), [format!("a.txt: {text}")]);
        assert_eq!(read_bytes("a.txt", &wide[2..], &Options::default())[1], format!("a.txt: {text}"));
        let wide: Vec<u8> = format!("id;text\n1;{text}\n").encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read_bytes("a.csv", &wide, &Options::default())[1], format!("1: {text}"));
        let mut lines = b"{\"text\": \"plain\"}\n{\"text\": \"d\xE9j\xE0\"}\n".to_vec();
        lines.extend("{\"text\": \"été\"}\n".bytes());
        let seen = read_bytes("a.jsonl", &lines, &Options::default());
        assert_eq!(seen[1..], [format!("~ a.jsonl:2: {note}"), "a.jsonl#2: déjà".into(), "a.jsonl#3: été".into()]);
        let page = b"<meta charset=iso-8859-1><p>d\xE9j\xE0 vu</p>";
        assert_eq!(read_bytes("a.html", page, &Options::default())[1], "a.html: déjà vu");
    }

    #[test]
    fn damaged_text_is_kept_and_said() {
        let seen = read_bytes("a.txt", b"\xC3\xA9t\xC3\xA9 \xFF fin.", &Options::default());
        assert!(seen[0].starts_with("~ a.txt: 1 unreadable characters stand as \u{FFFD}"), "{}", seen[0]);
        assert_eq!(seen[1], "a.txt: été \u{FFFD} fin.");
        let seen = read_text("a.txt", "Il a Ã©tÃ© reÃ§u.");
        assert_eq!(
            (seen[0].as_str(), seen[1].as_str()),
            ("~ a.txt: 3 garbled sequences such as \"Ã©\" were put right", "a.txt: Il a été reçu.")
        );
    }

    #[test]
    fn what_is_over_the_limit_is_measured_and_the_run_goes_on() {
        let options = Options { max_text_bytes: 100, ..Options::default() };
        let long = "x".repeat(500_000);
        let over = |line: &str, bytes: u64| {
            format!("! {line}: {bytes} bytes in one piece, more than the limit of 100; split it, or raise the limit")
        };
        assert_eq!(read_bytes("a.txt", long.as_bytes(), &options), [over("a.txt", 500_000)]);
        let text = format!("{{\"text\": \"a\"}}\n{{\"text\": \"{long}\"}}\n{{\"text\": \"b\"}}");
        assert_eq!(
            read_bytes("a.jsonl", text.as_bytes(), &options),
            ["a.jsonl#1: a".into(), over("a.jsonl:2", 500_012), "a.jsonl#3: b".into()]
        );
        let array = format!("[{}]", text.replace('\n', ",\n"));
        assert_eq!(
            read_bytes("a.json", array.as_bytes(), &options),
            ["a.json#1: a".into(), over("a.json:2", 500_012), "a.json#3: b".into()]
        );
        let table = format!("text\na\n\"{long}\"\nb\n");
        assert_eq!(
            read_bytes("a.csv", table.as_bytes(), &options),
            ["a.csv#2: a".into(), over("a.csv:3", 500_002), "a.csv#4: b".into()]
        );
    }

    #[test]
    fn an_archive_that_is_cut_gives_what_came_before_it() {
        let text: String =
            (0..50_000).map(|n| format!("{{\"id\": {n}, \"text\": \"{}\"}}\n", n * 7919 % 100_003)).collect();
        let whole = gzip(&text);
        let seen = read_bytes("a.jsonl.gz", &whole[..whole.len() / 2], &Options::default());
        assert!(
            seen.len() > 1000
                && seen[..seen.len() - 1].iter().enumerate().all(|(n, line)| line.starts_with(&format!("{n}: ")))
        );
        assert!(seen[seen.len() - 1].contains("gzip data is cut short or damaged here"), "{}", seen[seen.len() - 1]);
    }

    #[test]
    fn progress_ends_at_what_the_survey_promised_and_a_sink_can_stop() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("a.jsonl", "{\"text\": \"a\"}\n{\"text\": \"b\"}\n"), ("b.txt", "B."), ("c.png", "no")] {
            fs_err::write(folder.path().join(name), text).unwrap();
        }
        let inputs = [Input::Path(folder.path().into())];
        assert_eq!(survey(&inputs), Survey { files: 2, bytes: 30, open_ended: false });
        assert!(survey(&[Input::Stdin]).open_ended);
        let (mut last, mut articles) = (Progress::default(), 0);
        let options = Options::default();
        let mut sink = |event: Event, progress: Progress| {
            assert!(progress.bytes >= last.bytes && progress.files >= last.files);
            last = progress;
            articles += u32::from(matches!(event, Event::Article(_)));
            ControlFlow::Continue(())
        };
        assert!(read(&inputs, &options, &mut sink).is_continue());
        assert_eq!((articles, last), (3, Progress { files: 2, bytes: 30 }));
        let mut count = 0;
        let mut sink = |_: Event, _: Progress| {
            count += 1;
            ControlFlow::Break(())
        };
        assert!(read(&inputs, &options, &mut sink).is_break());
        assert_eq!(count, 1);
    }

    #[test]
    fn a_path_has_one_name() {
        for path in ["a/b.txt", "./a/b.txt", "a/./b.txt"] {
            assert_eq!(name_of(Path::new(path)), "a/b.txt");
        }
        assert_eq!(name_of(Path::new("/a/b.txt")), "/a/b.txt");
    }

    #[test]
    fn articles_have_a_source() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jsonl");
        fs_err::write(&path, "{\"text\": \"a\"}\n{\"text\": \"a\", \"url\": \"https://www.rfi.fr/x\"}").unwrap();
        let (mut sources, options) = (Vec::new(), Options::default());
        let mut sink = |event: Event, _: Progress| {
            if let Event::Article(article) = event {
                sources.extend(article.source);
            }
            ControlFlow::Continue(())
        };
        let _ = read(&[Input::Path(path)], &options, &mut sink);
        assert_eq!(sources, ["x.jsonl", "rfi.fr"]);
    }

    /// Pieces that formats are made of, to be put together in any order.
    #[rustfmt::skip]
    const PIECES: [&str; 37] = [
        "{", "}", "[", "]", "\"", "\\", ",", ";", "\n", "\r\n", "\t", "text", "titre", ":", "<p>", "</p>", "<td>",
        "<html lang=fr>", "---\n", "# ", " date 2023-02-3", "é", "Ã©", "â€", "\u{FEFF}", "\u{0}", "&eacute;", "'>",
        "<script type='application/ld+json'>", "<meta name='date' content='", " ", "mot", ".", "<article>", "<table>",
        "<!--", "\"text\": \"a\"",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn no_content_breaks_a_format(
            pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..40),
            (at, byte) in any::<(usize, u8)>(),
        ) {
            let mut bytes = pieces.concat().into_bytes();
            if !bytes.is_empty() {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            let options = Options { max_text_bytes: 60, ..Options::default() };
            for name in ["a", "a.txt", "a.md", "a.html", "a.jsonl", "a.json", "a.csv", "a.gz"] {
                // Every file is accounted for: an article, a problem, or ignored.
                let seen = read_bytes(name, &bytes, &options);
                prop_assert!(seen.iter().any(|line| !line.starts_with('~')), "{name}: {seen:?}");
            }
        }
    }
}
