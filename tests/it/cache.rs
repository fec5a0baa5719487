//! The cache of vectors, as runs of `voisin index` use it: what one has embedded the next does not, whatever the store, and
//! whatever is wrong with the cache is no error.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{Answer, CACHES, Desk, Running, tiny, tiny_model};

/// Articles of the corpus, of one passage each and no two alike: more than one window of texts.
const ARTICLES: usize = 300;

/// What is said when the cache cannot be used.
const LOST: &str = "note: going on without the cache of vectors: ";

/// Words that the tiny models know: a text of others would have the same tokens as many.
const WORDS: [&str; 8] = ["un", "deux", "la", "le", "les", "des", "en", "et"];

fn article(number: usize) -> Value {
    let words = [number / 64, number / 8 % 8, number % 8].map(|digit| WORDS[digit]);
    json!({ "id": number.to_string(), "text": format!("Dépêche {}.", words.join(" ")) })
}

fn write(desk: &Desk, name: &str, articles: impl Iterator<Item = Value>) {
    desk.write(name, articles.map(|article| format!("{article}\n")).collect::<String>());
}

fn desk() -> Desk {
    let desk = Desk::new();
    write(&desk, "depeches.jsonl", (0..ARTICLES).map(article));
    desk
}

/// Where the cache of a desk lies if nobody says otherwise.
fn cache(desk: &Desk) -> PathBuf {
    desk.path(CACHES).join("voisin/vectors.sqlite")
}

fn args<'a>(store: &'a str, more: &[&'a str], tiny: &'a [String]) -> Vec<&'a str> {
    let tiny = tiny.iter().map(String::as_str).filter(|_| !more.contains(&"--model"));
    ["index", "depeches.jsonl", "--json", "--store", store]
        .into_iter()
        .chain(more.iter().copied())
        .chain(tiny)
        .collect()
}

/// Indexes the corpus with a tiny model into `store`.
#[track_caller]
fn index(desk: &Desk, store: &str, more: &[&str]) -> Answer {
    desk.run(&args(store, more, &tiny())).expect(0)
}

/// How many texts a run embedded, and how many it had from the cache.
#[track_caller]
fn sources(answer: &Answer) -> (usize, usize) {
    let run = answer.one()["run"].take();
    let count = |name: &str| run[name].as_u64().unwrap() as usize;
    assert_eq!(count("embedded") == 0, count("tokens") == 0, "{run}");
    (count("embedded"), count("from_cache"))
}

#[track_caller]
fn lost_once(answer: &Answer) {
    assert_eq!(answer.err.matches(LOST).count(), 1, "{answer:#?}");
}

/// The bytes of a store's vectors, by the keys of their texts.
fn vectors(desk: &Desk, store: &str) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let database = Connection::open(desk.path(store).join("voisin.db")).unwrap();
    let mut rows = database.prepare("SELECT text_key, embedding FROM vectors").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_second_store_embeds_nothing_and_has_the_same_bits() {
    let desk = desk();
    let first = index(&desk, "first", &[]);
    assert_eq!(sources(&first), (ARTICLES, 0));
    assert!(first.err.is_empty(), "{first:#?}");
    assert_eq!(sources(&index(&desk, "second", &[])), (0, ARTICLES));
    assert_eq!(sources(&index(&desk, "without", &["--cache", "none"])), (ARTICLES, 0));
    assert_eq!(vectors(&desk, "first").len(), ARTICLES);
    assert_eq!(vectors(&desk, "first"), vectors(&desk, "second"));
    assert_eq!(vectors(&desk, "first"), vectors(&desk, "without"));
    desk.run(&["verify", "--store", "second"]).expect(0);

    let tiny = tiny();
    let plain = |store| {
        let args: Vec<&str> = args(store, &[], &tiny).into_iter().filter(|arg| *arg != "--json").collect();
        desk.run(&args).expect(0).out
    };
    assert!(plain("third").contains("300 texts were embedded before: their vectors came from the cache\n"));
    assert!(!plain("third").contains("cache"), "nothing was asked of it");
}

#[test]
fn only_texts_that_are_new_are_embedded() {
    let desk = desk();
    index(&desk, "first", &[]);
    let mut articles: Vec<Value> = (0..ARTICLES).map(article).collect();
    articles[7]["text"] = "Le budget a été rejeté.".into();
    articles.push(article(ARTICLES));
    write(&desk, "depeches.jsonl", articles.into_iter());
    assert_eq!(sources(&index(&desk, "second", &[])), (2, ARTICLES - 1));
    assert_eq!(sources(&index(&desk, "third", &[])), (0, ARTICLES + 1));
    // What an article of a store was before is still known.
    write(&desk, "depeches.jsonl", (0..ARTICLES).map(article));
    assert_eq!(sources(&index(&desk, "second", &[])), (0, 1));
}

#[test]
fn another_model_or_instruction_set_shares_nothing() {
    let desk = desk();
    assert_eq!(sources(&index(&desk, "first", &["--isa", "portable"])), (ARTICLES, 0));
    let other = tiny_model("bert-max");
    assert_eq!(sources(&index(&desk, "other", &["--isa", "portable", "--model", &other])), (ARTICLES, 0));
    if voisin::kernels::Isa::best().level() != voisin::kernels::cpu::Level::Portable {
        assert_eq!(sources(&index(&desk, "faster", &[])), (ARTICLES, 0));
    }
    assert_eq!(sources(&index(&desk, "second", &["--isa", "portable"])), (0, ARTICLES));
    assert_eq!(vectors(&desk, "first"), vectors(&desk, "second"));
}

#[test]
fn the_cache_lies_where_it_is_said_to() {
    let desk = desk();
    index(&desk, "first", &[]);
    assert!(cache(&desk).is_file());
    fs_err::remove_dir_all(desk.path(CACHES)).unwrap();

    index(&desk, "second", &["--cache", "mine.sqlite"]);
    let tiny = tiny();
    let mut command = desk.command(&args("third", &[], &tiny));
    let answer = crate::support::run(command.env("VOISIN_CACHE", "mine.sqlite"), b"").expect(0);
    assert_eq!(sources(&answer), (0, ARTICLES));
    let mut command = desk.command(&args("fourth", &[], &tiny));
    let answer = crate::support::run(command.env("VOISIN_CACHE", "none"), b"").expect(0);
    assert_eq!(sources(&answer), (ARTICLES, 0));
    assert!(!desk.path("none").exists());

    // Nothing else reads it or makes it, least of all what measures how long embedding takes.
    desk.run(&["bench", "index", "depeches.jsonl", "--seconds", "1", &tiny[0], &tiny[1]]).expect(0);
    desk.run(&["search", "budget", "--store", "second"]).expect(0);
    assert!(!desk.path(CACHES).exists());
}

#[test]
fn a_damaged_cache_is_said_and_done_without() {
    let desk = desk();
    index(&desk, "first", &[]);
    let whole = fs_err::read(cache(&desk)).unwrap();
    let mut torn = whole.clone();
    torn[4096..].iter_mut().for_each(|byte| *byte = !*byte);
    let damages: [(&str, &[u8]); 4] =
        [("garbage", &[b'x'; 10_000]), ("empty", b""), ("torn", &torn), ("half", &whole[..whole.len() / 2])];
    for (store, bytes) in damages {
        fs_err::write(cache(&desk), bytes).unwrap();
        let answer = index(&desk, store, &[]);
        lost_once(&answer);
        answer.says(&["vectors.sqlite is damaged", "delete it"]);
        assert_eq!(vectors(&desk, store), vectors(&desk, "first"), "{store}");
    }
    let answer = index(&desk, "quiet", &["--quiet"]);
    assert_eq!(answer.err, "");
    fs_err::remove_file(cache(&desk)).unwrap();
    assert_eq!(sources(&index(&desk, "anew", &[])), (ARTICLES, 0));
    assert_eq!(sources(&index(&desk, "again", &[])), (0, ARTICLES));
}

#[test]
fn damaged_rows_are_embedded_again() {
    let desk = desk();
    index(&desk, "first", &[]);
    let change = |sql: &str| Connection::open(cache(&desk)).unwrap().execute(sql, []).unwrap();
    let cut = change("UPDATE vectors SET vector = substr(vector, 5) WHERE id % 3 = 0");
    let changed = change("UPDATE vectors SET vector = zeroblob(length(vector)) WHERE id % 3 = 1");
    assert_eq!(sources(&index(&desk, "second", &[])), (cut + changed, ARTICLES - cut - changed));
    assert_eq!(sources(&index(&desk, "third", &[])), (0, ARTICLES));
    assert_eq!(vectors(&desk, "first"), vectors(&desk, "second"));
    assert_eq!(vectors(&desk, "first"), vectors(&desk, "third"));
}

#[test]
fn a_cache_that_cannot_be_made_or_written_to_is_done_without() {
    let desk = desk();
    desk.write("file", "");
    for (store, place) in [("first", "file/vectors.sqlite"), ("second", ".")] {
        let answer = index(&desk, store, &["--cache", place]);
        lost_once(&answer);
        assert_eq!(sources(&answer), (ARTICLES, 0));
    }
    index(&desk, "third", &["--cache", "vectors.sqlite"]);
    let before = fs_err::read(desk.path("third/voisin.db")).unwrap();
    lost_once(&index(&desk, "fourth", &["--cache", "third/voisin.db"]));
    assert_eq!(fs_err::read(desk.path("third/voisin.db")).unwrap(), before, "it is a store, and no cache");
}

#[test]
fn a_cache_that_someone_else_holds_is_read_and_not_waited_for_forever() {
    let desk = desk();
    index(&desk, "first", &[]);
    write(&desk, "depeches.jsonl", (1..=ARTICLES).map(article));
    let mut database = Connection::open(cache(&desk)).unwrap();
    let held = database.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let answer = index(&desk, "second", &[]);
    drop(held);
    lost_once(&answer);
    assert_eq!(sources(&answer), (1, ARTICLES - 1));
    assert_eq!(sources(&index(&desk, "third", &[])), (1, ARTICLES - 1), "it was not kept");
}

#[test]
fn two_runs_at_once_share_one_cache() {
    let desk = desk();
    let tiny = tiny();
    let start = |store| Running::start(desk.command(&args(store, &[], &tiny)), Stdio::null());
    let both = [start("first"), start("second")].map(|running| running.end().expect(0));
    for answer in &both {
        let (embedded, from_cache) = sources(answer);
        assert_eq!(embedded + from_cache, ARTICLES);
        assert_eq!(answer.err, "");
    }
    assert_eq!(vectors(&desk, "first"), vectors(&desk, "second"));
    assert_eq!(sources(&index(&desk, "third", &[])), (0, ARTICLES));
    assert_eq!(integrity(&cache(&desk)), "ok");
}

/// What was embedded before a kill is not embedded again, by whatever store.
#[test]
fn a_run_that_is_killed_leaves_what_it_embedded() {
    let desk = desk();
    let tiny = tiny();
    let mut running = Running::start(desk.command(&args("first", &["--threads", "1"], &tiny)), Stdio::null());
    crate::support::wait_until("the first vectors", || {
        rows(&cache(&desk)) > 0 || running.0.try_wait().unwrap().is_some()
    });
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    let kept = rows(&cache(&desk));
    assert!(kept > 0);
    assert_eq!(sources(&index(&desk, "second", &[])), (ARTICLES - kept, kept));
    assert_eq!(integrity(&cache(&desk)), "ok");
}

/// 0 as long as there is no cache.
fn rows(cache: &Path) -> usize {
    if !cache.exists() {
        return 0;
    }
    let count = |row: &rusqlite::Row<'_>| row.get::<_, u32>(0);
    Connection::open(cache).unwrap().query_row("SELECT count(*) FROM vectors", [], count).unwrap() as usize
}

fn integrity(cache: &Path) -> String {
    Connection::open(cache).unwrap().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}
