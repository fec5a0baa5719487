//! An index run that is killed or interrupted: what was stored stays whole, and going on ends where one run would have.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Desk, Numbers, Running, fixtures, tiny, wait_until};

/// Articles of the corpus: several transactions, which a tiny model makes in a few seconds.
const ARTICLES: u64 = 3000;

/// Times that a run is killed.
const KILLS: usize = 4;

/// Short articles, each of a sentence of its own and one of the fixtures; every tenth is a copy of the one before it.
fn corpus() -> String {
    let mut sentences: Vec<String> = Vec::new();
    let files =
        ["inondation-apo.txt", "libye-visite-apo.txt", "cable-maj.txt", "gel-vignes.txt", "pesticides-tribunal.txt"];
    for file in files {
        let text = fs_err::read_to_string(fixtures().join("articles").join(file)).unwrap();
        let paragraphs = text.split("\n\n").flat_map(|paragraph| paragraph.split(". "));
        sentences.extend(paragraphs.map(str::trim).filter(|part| part.len() > 40).map(|part| format!("{part}.")));
    }
    let mut numbers = Numbers(2023);
    let mut lines = String::new();
    let mut last = String::new();
    for article in 0..ARTICLES {
        let mut draw = || sentences[numbers.below(sentences.len() as u64) as usize].clone();
        if article % 10 != 9 {
            last = format!("Dépêche numéro {article} du jour. {}", draw());
        }
        let line = json!({
            "id": format!("depeche-{article:04}"),
            "date": format!("2024-{:02}-{:02}", 1 + article % 12, 1 + article % 28),
            "text": last,
        });
        lines.push_str(&format!("{line}\n"));
    }
    lines
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("depeches.jsonl", corpus());
    desk
}

/// Starts a run over the corpus.
fn start(desk: &Desk) -> Running {
    let tiny = tiny();
    let args: Vec<&str> =
        ["index", "depeches.jsonl", "--json"].into_iter().chain(tiny.iter().map(String::as_str)).collect();
    Running::start(desk.command(&args), Stdio::null())
}

/// What a whole run over the corpus says.
fn index(desk: &Desk) -> Value {
    start(desk).end().expect(0).one()
}

/// Waits until a run has stored more than `stored` articles, or has ended.
fn wait_for_more(desk: &Desk, running: &mut Running, stored: u64) {
    wait_until("more articles", || {
        let status = desk.run(&["status", "--json"]);
        let more = status.code == Some(0) && status.one()["store"]["articles"].as_u64() > Some(stored);
        more || running.0.try_wait().unwrap().is_some()
    });
}

/// All that may be compared between two stores: what they hold, and what they answer.
fn answers(desk: &Desk) -> Value {
    let stats = desk.stats();
    let mut seen = json!({});
    for name in ["articles", "passages", "vectors", "tokens", "characters", "identical", "first_day", "last_day"] {
        seen[name] = stats[name].clone();
    }
    for query in ["crue et victimes", "délégation militaire", "rupture d'un câble", "dépêche numéro 77 du jour"] {
        let hits = desk.run(&["search", "--json", "--all-versions", "-k", "10", query]).expect(0).objects();
        assert_eq!(hits.len(), 10);
        let hits: Vec<Value> =
            hits.iter().map(|hit| json!([hit["article"]["id"], hit["score"], hit["passage"]["text"]])).collect();
        seen[query] = Value::from(hits);
    }
    seen
}

/// Asserts that the store can be opened and is whole, whatever was going on, or that it is said that there is none yet.
fn check(desk: &Desk) -> u64 {
    let status = desk.run(&["status", "--json"]);
    if status.code == Some(2) {
        status.refused(&["there is no store"]);
        return 0;
    }
    let articles = status.one()["store"]["articles"].as_u64().unwrap();
    status.expect(i32::from(articles == 0));
    desk.verify();
    articles
}

#[test]
fn a_run_that_is_killed_loses_nothing_and_ends_like_one_that_was_not() {
    let reference = desk();
    let summary = index(&reference);
    assert_eq!((&summary["run"]["added"], &summary["store"]["articles"]), (&ARTICLES.into(), &ARTICLES.into()));
    assert!(summary["run"]["embedded"].as_u64() < summary["run"]["passages"].as_u64(), "some passages are shared");

    let desk = desk();
    let mut numbers = Numbers(17);
    let mut stored = 0;
    for kill in 0..KILLS {
        let mut running = start(&desk);
        if kill % 2 == 0 {
            // In the middle: after a transaction that this run made.
            wait_for_more(&desk, &mut running, stored);
        } else {
            std::thread::sleep(Duration::from_millis(numbers.below(400)));
        }
        running.0.kill().unwrap();
        running.0.wait().unwrap();
        let now = check(&desk);
        assert!(now >= stored, "{stored} articles were stored, and {now} are left");
        stored = now;
    }
    assert!((1..ARTICLES).contains(&stored), "{stored} articles are stored: no run was killed in its middle");

    let run = index(&desk)["run"].take();
    assert_eq!(run["unchanged"], stored, "what was stored is not done again");
    assert_eq!(run["added"], ARTICLES - stored);
    assert_eq!(answers(&desk), answers(&reference));
    desk.verify();
    let again = index(&desk)["run"].take();
    assert_eq!((&again["unchanged"], &again["embedded"]), (&ARTICLES.into(), &0.into()));
}

#[cfg(unix)]
#[test]
fn an_interrupt_stores_what_is_finished_and_says_how_to_go_on() {
    let desk = desk();
    let mut running = start(&desk);
    wait_for_more(&desk, &mut running, 0);
    interrupt(&running);
    let answer =
        running.end().expect(130).says(&["stopping: storing what is finished", "stopped: what is stored is safe"]);
    let run = answer.one()["run"].take();
    assert_eq!(run["stopped"], true);
    let stored = check(&desk);
    assert_eq!(run["added"], stored, "what was reported is what is there");
    assert!((1..ARTICLES).contains(&stored), "{stored} articles were stored before the interrupt");

    let run = index(&desk)["run"].take();
    assert_eq!((&run["stopped"], &run["unchanged"]), (&false.into(), &stored.into()));
    assert_eq!(desk.stats()["articles"], ARTICLES);
    desk.verify();
}

#[cfg(unix)]
fn interrupt(running: &Running) {
    let sent =
        std::process::Command::new("sh").arg("-c").arg(format!("kill -INT {}", running.0.id())).status().unwrap();
    assert!(sent.success());
}

/// Killed between the creation of the file and that of its tables.
#[test]
fn a_store_whose_file_was_only_just_made_can_be_gone_on_with() {
    let desk = Desk::new();
    desk.write("a.txt", "La mer monte.");
    desk.write(".voisin/voisin.db", "");
    desk.run(&["status"]).refused(&["there is no store"]);
    desk.index_tiny(&["a.txt"]).expect(0);
    desk.verify();
}

/// Nothing arrives on standard input, as when the program before it in the pipe is slow.
#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_run_that_waits_for_its_input() {
    let desk = Desk::new();
    let mut running = Running::start(desk.command(&["index", "-"]), Stdio::piped());
    let _open = running.0.stdin.take();
    wait_until("the store", || desk.path(".voisin/voisin.db").exists());
    std::thread::sleep(Duration::from_millis(150));
    interrupt(&running);
    wait_until("the end", || running.0.try_wait().unwrap().is_some());
    running.end().expect(130);
}
