//! The rules of the house, read off `src/**`: which room may know which, where foreign types stay, and what library rooms
//! never do. Comments, strings and tests do not count.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;

/// What each room may use of ours, from the bottom to the top: no arrow points up.
const ROOMS: [(&str, &[&str]); 19] = [
    ("types", &[]),
    ("kernels", &[]),
    ("text", &["types"]),
    ("chunk", &["types", "text"]),
    ("embed", &["types", "kernels"]),
    ("store", &["types", "text"]),
    ("index", &["types", "kernels", "store"]),
    ("lexical", &["types", "text", "store"]),
    ("search", &["types", "text", "embed", "index", "lexical", "store"]),
    ("dedup", &["types", "kernels", "text", "embed", "index", "store", "search"]),
    ("ingest", &["types", "text", "chunk", "embed", "store"]),
    (
        "engine",
        &["types", "kernels", "text", "chunk", "embed", "store", "index", "lexical", "search", "dedup", "ingest"],
    ),
    (
        "verify",
        &["types", "kernels", "text", "chunk", "embed", "store", "index", "search", "dedup", "ingest", "engine"],
    ),
    ("eval", &["types", "text", "embed", "store", "index", "lexical", "search", "dedup", "ingest", "engine"]),
    ("doctor", &["types", "kernels", "store", "index", "lexical", "dedup"]),
    ("bench", &["types", "kernels", "text", "chunk", "embed", "store", "index", "search", "ingest", "engine"]),
    ("wire", &["types", "store", "lexical", "search", "dedup", "ingest"]),
    (
        "server",
        &[
            "types", "kernels", "text", "chunk", "embed", "store", "index", "lexical", "search", "dedup", "ingest",
            "engine", "wire",
        ],
    ),
    (
        "cli",
        &[
            "types", "kernels", "text", "chunk", "embed", "store", "index", "lexical", "search", "dedup", "ingest",
            "engine", "verify", "doctor", "eval", "bench", "wire", "server",
        ],
    ),
];

/// Words of other crates, and where alone they may stand (beginnings of paths under `src`).
const FOREIGN: [(&str, &[&str]); 15] = [
    ("candle_", &["embed/"]),
    ("tokenizers", &["embed/"]),
    ("hf_hub", &["embed/source.rs"]),
    ("hnsw_rs", &["index/build.rs"]),
    ("tantivy", &["lexical/"]),
    ("frostem", &["text/terms/"]),
    ("rusqlite", &["store/", "dedup/register.rs"]),
    ("utoipa", &["wire/", "server/"]),
    ("clap", &["cli/args.rs", "cli/args/", "cli/mod.rs", "cli/commands/mod.rs"]),
    ("axum", &["server/"]),
    ("hyper", &["server/"]),
    ("maud", &["server/page/"]),
    ("prometheus_client", &["server/metrics.rs"]),
    ("tokio", &["server/", "cli/commands/serve.rs"]),
    ("unsafe", &["kernels/"]),
];

struct Source {
    /// Under `src`.
    path: PathBuf,
    /// As written.
    text: String,
    /// Without comments, the content of strings, and tests.
    code: String,
}

impl Source {
    /// The first part of the path, without `.rs`.
    fn room(&self) -> String {
        let first = self.path.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        first.trim_end_matches(".rs").to_owned()
    }

    /// Modules between the root of the crate and this one.
    fn depth(&self) -> usize {
        let parts = self.path.components().count();
        if self.path.file_name().is_some_and(|name| name == "mod.rs") { parts - 1 } else { parts }
    }
}

/// Every file of `src`, but those of tests.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for entry in ignore::WalkBuilder::new(&root).sort_by_file_name(std::ffi::OsStr::cmp).build() {
        let path = entry.unwrap().into_path();
        if path.extension().is_none_or(|kind| kind != "rs") || path.file_name().is_some_and(|name| name == "tests.rs") {
            continue;
        }
        let text = fs_err::read_to_string(&path).unwrap();
        let code = without_tests(&bare(&text));
        found.push(Source { path: path.strip_prefix(&root).unwrap().to_owned(), text, code });
    }
    assert!(found.len() > 50, "only {} files", found.len());
    found
}

/// Rust without comments and without the content of strings and characters.
fn bare(text: &str) -> String {
    let token = Regex::new(concat!(
        r#"(?s)(?P<line>//[^\n]*)|(?P<block>/\*.*?\*/)"#,
        r####"|b?r###".*?"###|b?r##".*?"##|b?r#".*?"#|\bb?r"[^"]*""####,
        r#"|b?"(?:[^"\\]|\\.)*"|'(?:[^'\\\n]|\\[^\n][^'\n]*)'"#
    ))
    .unwrap();
    let replaced = token.replace_all(text, |found: &regex::Captures<'_>| {
        if found.name("line").is_some() || found.name("block").is_some() { "" } else { "\"\"" }.to_owned()
    });
    replaced.into_owned()
}

/// Bare code without the items under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = String::new();
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        kept.push_str(&rest[..at]);
        rest = &rest[at + MARK.len()..];
        let mut depth = 0;
        let end = rest.char_indices().find(|&(_, character)| {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            depth == 0 && matches!(character, '}' | ';')
        });
        rest = end.map_or("", |(at, _)| &rest[at + 1..]);
    }
    kept + rest
}

/// The rooms that a file names: `crate::room`, `crate::{room, …}`, `super::…::room` where that leads to the root.
fn used_rooms(source: &Source) -> BTreeSet<String> {
    let single = Regex::new(r"\bcrate::([a-z_]+)").unwrap();
    let several = Regex::new(r"(?s)\bcrate::\{(.*?)\};").unwrap();
    let upwards = Regex::new(r"\b((?:super::)+)([a-z_]+)").unwrap();
    let head = Regex::new(r"^\s*([a-z_]+)").unwrap();
    let mut used: BTreeSet<String> = single.captures_iter(&source.code).map(|found| found[1].to_owned()).collect();
    for found in several.captures_iter(&source.code) {
        used.extend(found[1].split(',').filter_map(|part| Some(head.captures(part)?[1].to_owned())));
    }
    for found in upwards.captures_iter(&source.code) {
        if found[1].matches("super").count() >= source.depth() {
            used.insert(found[2].to_owned());
        }
    }
    used.remove(&source.room());
    used
}

#[test]
fn no_arrow_points_up() {
    let mut wrong = Vec::new();
    for source in sources() {
        let room = source.room();
        if room == "lib" {
            continue;
        }
        let allowed = match ROOMS.iter().find(|(name, _)| *name == room) {
            Some((_, allowed)) => *allowed,
            None if room == "main" => &["cli"],
            None => panic!("{}: a room that is not in the table of this test", source.path.display()),
        };
        let used = used_rooms(&source);
        wrong.extend(
            used.iter()
                .filter(|used| !allowed.contains(&used.as_str()))
                .map(|used| format!("{}: {room} uses {used}", source.path.display())),
        );
    }
    assert!(wrong.is_empty(), "edges that are not allowed:\n{}", wrong.join("\n"));
}

#[test]
fn the_table_of_rooms_has_no_edge_that_nobody_needs_and_no_loop() {
    for (at, (room, allowed)) in ROOMS.iter().enumerate() {
        for below in *allowed {
            let place = ROOMS.iter().position(|(name, _)| name == below);
            assert!(place.is_some_and(|place| place < at), "{room} uses {below}, which does not stand below it");
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (room, _) in ROOMS {
        assert!(root.join(room).is_dir() || root.join(format!("{room}.rs")).is_file(), "there is no room {room}");
    }
}

#[test]
fn foreign_types_stay_in_their_room() {
    let mut wrong = Vec::new();
    for (word, places) in FOREIGN {
        let boundary = if word.ends_with('_') { "" } else { r"\b" };
        let word = Regex::new(&format!(r"\b{word}{boundary}")).unwrap();
        for source in sources() {
            let path = source.path.display().to_string().replace('\\', "/");
            if !places.iter().any(|place| path.starts_with(place)) && word.is_match(&source.code) {
                wrong.push(format!("{path}: {word}, which belongs to {}", places.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<String> = sources()
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| source.path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "without //! at the top: {}", silent.join(", "));
}

#[test]
fn library_rooms_never_print_exit_or_read_the_environment() {
    let never = Regex::new(
        r"\b(?:e?println!|e?print!|dbg!|todo!|process::(?:exit|abort)|env::(?:vars?(?:_os)?|args(?:_os)?|set_var|remove_var)\b|std(?:out|err)\(\))",
    )
    .unwrap();
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.room() != "cli") {
        wrong.extend(
            never.find_iter(&source.code).map(|found| format!("{}: {}", source.path.display(), found.as_str())),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_readers_of_this_file_see_what_they_should() {
    let code = r####"
//! crate::one
use crate::two::{self, Thing}; // crate::three
use crate::{four, five::Six};
const TEXT: &str = "crate::seven \" crate::eight";
const RAW: &str = r#"crate::nine " crate::ten"#;
fn f<'a>(x: &'a str) -> char { /* crate::eleven */ let c = '"'; crate::twelve(x); '\'' }
#[cfg(test)]
mod tests { use crate::thirteen; fn g() { { } } }
use super::fourteen;
#[cfg(test)]
mod more;
use crate::fifteen;
"####;
    let source = |path: &str| Source { path: path.into(), text: String::new(), code: without_tests(&bare(code)) };
    let expected = ["fifteen", "five", "four", "fourteen", "twelve", "two"];
    assert_eq!(used_rooms(&source("room/mod.rs")).into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(used_rooms(&source("room.rs")).len(), expected.len());
    let deeper: Vec<String> = used_rooms(&source("room/deep.rs")).into_iter().collect();
    assert_eq!(deeper, ["fifteen", "five", "four", "twelve", "two"], "super is a room here, not the root");
}
