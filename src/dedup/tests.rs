use std::collections::HashMap;

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;
use crate::kernels::Isa;
use crate::search::Groups;
use crate::store::{ContentHash, Field, Making, ModelIdentity, NewArticle, NewPassage, TextKey};
use crate::text::analysis_form;
use crate::types::{Article, CharSpan};

const DISPATCH: &str = "BENGHAZI (AFP) - Une délégation militaire russe menée par le général Iounous-bek Ievkourov est arrivée \
    mardi à Benghazi pour une visite de deux jours, a indiqué le ministère de la Défense, et doit rencontrer le maréchal \
    Khalifa Haftar avant de repartir vers Moscou mercredi soir. Quelque 1.200 combattants du groupe Wagner se trouvent \
    toujours dans le pays, selon des experts cités par les Nations unies.";

/// Other words on other things: `number` paragraphs of twenty.
fn other(seed: u64, number: usize) -> String {
    let words: Vec<String> =
        (0..20 * number as u64).map(|at| format!("mot{}", (seed * 7919 + at * 104_729) % 1_000_003)).collect();
    words.chunks(20).map(|paragraph| paragraph.join(" ") + ".").collect::<Vec<_>>().join("\n")
}

/// An article as these tests make it.
#[derive(Clone, Debug)]
struct Made {
    key: String,
    date: Option<String>,
    text: String,
    vector: [f32; 2],
}

fn made(key: &str, date: &str, text: impl Into<String>) -> Made {
    let date = Some(date.to_owned()).filter(|date| !date.is_empty());
    Made { key: key.into(), date, text: text.into(), vector: [1.0, 0.0] }
}

fn open(folder: &std::path::Path) -> Store {
    let model = ModelIdentity { id: "fake".into(), reference: "fake".into(), revision: "0".into(), dims: 2 };
    Store::open_to_write(folder, &Making { model, passage_tokens: 180 }).unwrap()
}

/// Stores an article with one passage, whose vector is given.
fn put(store: &mut Store, made: &Made) {
    let text_key = TextKey::of(&analysis_form(&made.text));
    let article = Article {
        key: made.key.clone(),
        date: made.date.as_ref().map(|date| date.parse().unwrap()),
        text: made.text.clone(),
        ..Article::default()
    };
    let content = ContentHash::of(&article);
    let span = CharSpan { start: 0, end: made.text.chars().count() };
    let passages = vec![NewPassage { field: Field::Body, span, tokens: 1, key: text_key }];
    let new = NewArticle { article, content, text_key, passages, boilerplate: Vec::new() };
    store.put(&[new], &HashMap::from([(text_key, made.vector.to_vec())])).unwrap();
}

fn stored(articles: &[Made]) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    articles.iter().for_each(|made| put(&mut store, made));
    (folder, store)
}

/// Pairs, and groups with the representative first, by keys.
type Found = (Vec<(Relation, String, String)>, Vec<Vec<String>>);

/// What is found, pairs in order.
fn found(store: &Store) -> Found {
    let register = caught_up(store, Isa::best(), &mut |_| {}).unwrap();
    let copies = Copies::new(store, &register, Selection::default()).unwrap();
    let pairs = copies.pairs().unwrap();
    let groups = copies.groups().unwrap();
    (
        pairs.into_iter().map(|pair| (pair.relation, pair.a.key, pair.b.key)).collect(),
        groups
            .into_iter()
            .map(|group| {
                let members = group.members.into_iter().map(|member| member.article.key);
                std::iter::once(group.representative.key).chain(members).collect()
            })
            .collect(),
    )
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}

#[test]
fn each_relation_is_told_of_the_later_article() {
    let long = format!("{}\n{DISPATCH}", other(1, 12));
    let part = DISPATCH.split_inclusive('.').next().unwrap().to_owned() + " " + &other(9, 0);
    for (relation, first, second) in [
        (Relation::Identical, DISPATCH.to_owned(), DISPATCH.replace('é', "e\u{301}").replace("l'", "l’")),
        (Relation::Republished, DISPATCH.to_owned(), DISPATCH.replace("mercredi soir", "jeudi matin")),
        (Relation::Updated, DISPATCH.to_owned(), format!("{DISPATCH}\n{}", other(2, 1))),
        (Relation::Updated, format!("{DISPATCH}\n{}", other(2, 1)), format!("{DISPATCH}\n{}", other(3, 1))),
        (Relation::Contains, DISPATCH.to_owned(), long.clone()),
        (Relation::Excerpt, long, DISPATCH.to_owned()),
        (Relation::Excerpt, format!("{DISPATCH} {}", other(4, 8)), part),
        (Relation::SharedSource, format!("{}\n{DISPATCH}", other(5, 6)), format!("{}\n{DISPATCH}", other(6, 8))),
    ] {
        let (_folder, store) = stored(&[made("b", "2023-08-23", second.clone()), made("a", "2023-08-22", first)]);
        let (pairs, groups) = found(&store);
        assert_eq!(pairs, [(relation, "a".to_owned(), "b".to_owned())], "{second}");
        let grouped = matches!(relation, Relation::Identical | Relation::Republished | Relation::Updated);
        assert_eq!(groups.len(), usize::from(grouped), "{relation:?}");
    }
}

#[test]
fn a_story_in_other_words_is_told_by_meaning_days_and_facts() {
    // Days, meaning and facts: each alone is not enough.
    let again = "Le vice-ministre Evkourov s'est rendu à Benghazi auprès de Khalifa Haftar, qui emploie toujours 1.200 hommes de \
                 Wagner. Le général russe a évoqué la formation et l'entretien du matériel livré par Moscou, d'après un \
                 communiqué de l'Armée nationale libyenne.";
    let story = |date, vector| Made { vector, ..made("b", date, again) };
    for (other, expected) in [
        (story("2023-08-23", [0.96, 0.28]), true),
        (story("2023-10-23", [0.96, 0.28]), false),
        (story("2023-08-23", [0.28, 0.96]), false),
        (Made { text: other(7, 2), ..story("2023-08-23", [0.96, 0.28]) }, false),
    ] {
        let (_folder, store) = stored(&[made("a", "2023-08-22", DISPATCH), other.clone()]);
        let pairs = found(&store).0;
        assert_eq!(pairs.iter().any(|pair| pair.0 == Relation::SameStory), expected, "{other:?}");
    }
}

#[test]
fn precedence_is_as_precise_as_the_dates() {
    let copy = DISPATCH.replace("mercredi", "jeudi");
    for (a, b, first, precedence) in [
        ("2023-08-22", "2023-08-23", "a", Precedence::Known),
        ("2023-08-23", "2023-08-22", "b", Precedence::Known),
        ("2023-08-22", "2023-08-22", "", Precedence::SameTime),
        ("2023-08", "2023-08-22", "", Precedence::SameTime),
        ("2023-07", "2023-08-22", "a", Precedence::Known),
        ("", "2023-08-22", "b", Precedence::Undated),
        ("", "", "", Precedence::Undated),
    ] {
        let (_folder, store) = stored(&[made("a", a, DISPATCH), made("b", b, copy.clone())]);
        let register = caught_up(&store, Isa::best(), &mut |_| {}).unwrap();
        let pairs = Copies::new(&store, &register, Selection::default()).unwrap().pairs().unwrap();
        assert_eq!(pairs.len(), 1);
        assert_eq!(pairs[0].precedence, precedence, "{a} {b}");
        assert!(first.is_empty() || pairs[0].a.key == first, "{a} {b}");
    }
}

#[test]
fn only_what_is_wanted_is_given() {
    let (_folder, store) = stored(&[
        made("a", "2023-08-22", DISPATCH),
        made("b", "2023-08-23", DISPATCH),
        made("c", "2023-08-24", DISPATCH.replace("mercredi", "jeudi")),
        made("d", "2023-09-01", format!("{}\n{DISPATCH}", other(1, 12))),
    ]);
    let register = caught_up(&store, Isa::best(), &mut |_| {}).unwrap();
    let pairs = |selection: Selection| {
        let pairs = Copies::new(&store, &register, selection).unwrap().pairs().unwrap();
        sorted(pairs.into_iter().map(|pair| pair.a.key + &pair.b.key).collect())
    };
    let group = |key| register.group(store.find(key).unwrap().unwrap()).unwrap();
    assert!(group("a").is_some() && group("a") == group("b") && group("b") == group("c") && group("c") != group("d"));
    assert_eq!(register.group(ArticleId(99)), Ok(None));
    assert_eq!(pairs(Selection::default()), ["ab", "ac", "ad", "cd"]);
    let of = |key| Selection { of: store.find(key).unwrap(), ..Selection::default() };
    assert_eq!(pairs(of("b")), ["ab", "bc", "bd"], "an article speaks for its own text");
    assert_eq!(pairs(of("d")), ["ad", "cd"]);
    assert_eq!(pairs(Selection { relations: vec![Relation::Contains], ..Selection::default() }), ["ad", "cd"]);
    assert_eq!(
        pairs(Selection { since: Some("2023-08-24".parse().unwrap()), ..Selection::default() }),
        ["ac", "ad", "cd"]
    );
    assert_eq!(pairs(Selection { least: 0.999, ..Selection::default() }), ["ab", "ad"]);
}

#[test]
fn a_group_is_the_same_whoever_is_asked_for() {
    let (_folder, store) = stored(&[
        made("a", "2023-08-22", DISPATCH),
        made("b", "2023-08-23", DISPATCH.replace("mercredi", "jeudi")),
        made("c", "2023-08-24", format!("{DISPATCH}\n{}", other(2, 1))),
        made("d", "2023-08-24", other(3, 4)),
    ]);
    let register = caught_up(&store, Isa::best(), &mut |_| {}).unwrap();
    let groups = |of: Option<&str>| {
        let of = of.map(|key| store.find(key).unwrap().unwrap());
        let copies = Copies::new(&store, &register, Selection { of, ..Selection::default() }).unwrap();
        let groups = copies.groups().unwrap();
        for (group, member) in groups.iter().flat_map(|group| group.members.iter().map(move |member| (group, member))) {
            let comparison = copies.with_representative(group, member).unwrap();
            assert_eq!((comparison.relation, comparison.overlap), (Some(member.relation), member.overlap));
            assert_eq!((comparison.a.share, comparison.b.share), (member.share_of_first, member.share));
        }
        let told =
            groups.into_iter().flat_map(|group| group.members).map(|member| (member.article.key, member.relation));
        told.collect::<Vec<_>>()
    };
    let all = groups(None);
    assert_eq!(all, [("b".to_owned(), Relation::Republished), ("c".to_owned(), Relation::Updated)]);
    for of in ["a", "b", "c"] {
        assert_eq!(groups(Some(of)), all, "{of}");
    }
    assert!(groups(Some("d")).is_empty());
}

#[test]
fn new_figures_make_an_update() {
    let first = format!("{DISPATCH} Le bilan est de 12 morts et 34 blessés parmi 560 habitants.");
    let later = first.replace("12 morts et 34", "13 morts et 41");
    let (_folder, store) = stored(&[made("a", "2023-08-22", first), made("b", "2023-08-23", later)]);
    assert_eq!(found(&store).0, [(Relation::Updated, "a".to_owned(), "b".to_owned())]);
}

#[test]
fn what_is_known_precisely_represents_what_is_not() {
    let (_folder, store) = stored(&[
        made("month", "2023-08", DISPATCH.replace("mercredi", "jeudi")),
        made("day", "2023-08-22", DISPATCH),
        made("none", "", DISPATCH.replace("mercredi", "vendredi")),
    ]);
    assert_eq!(found(&store).1, [["day", "month", "none"]]);
}

#[test]
fn a_comparison_says_what_the_register_says() {
    let (_folder, store) = stored(&[
        made("a", "2023-08-22", DISPATCH),
        made("b", "2023-08-23", DISPATCH.replace("Quelque 1.200", "Quelques centaines de")),
    ]);
    let register = caught_up(&store, Isa::best(), &mut |_| {}).unwrap();
    let copies = Copies::new(&store, &register, Selection::default()).unwrap();
    let pair = &copies.pairs().unwrap()[0];
    let comparison = copies.comparison(pair).unwrap();
    assert_eq!((comparison.relation, comparison.confidence), (Some(pair.relation), pair.confidence));
    assert_eq!((comparison.a.header.key.as_str(), comparison.b.header.key.as_str()), ("a", "b"));
    assert_eq!(comparison.overlap, pair.evidence.overlap);
    assert_eq!((comparison.a.share, comparison.b.share), (pair.evidence.share_a, pair.evidence.share_b));
    let equal: usize = comparison.stretches.iter().flat_map(|stretch| &stretch.equal).map(|(a, _)| a.len()).sum();
    assert!(equal > DISPATCH.len() * 9 / 10, "{equal}");
}

#[test]
fn a_register_that_cannot_be_used_is_made_again() {
    let articles = [made("a", "2023-08-22", DISPATCH), made("b", "2023-08-23", DISPATCH)];
    let (folder, store) = stored(&articles);
    let expected = found(&store);
    let file = register::path(&store);
    for damage in ["", "no database", "SQLite format 3\0 and then nothing of it"] {
        fs_err::write(&file, damage).unwrap();
        fs_err::write(file.with_extension("sqlite.new"), "left by a killed process").unwrap();
        assert!(Register::as_it_lies(&store).is_none());
        assert!(!health(&store).unwrap().problems.is_empty());
        assert_eq!(found(&store), expected);
        assert!(health(&store).unwrap().problems.is_empty());
    }
    let (_elsewhere, other) = stored(&articles[..1]);
    fs_err::create_dir_all(other.views()).unwrap();
    fs_err::copy(&file, register::path(&other)).unwrap();
    assert!(Register::as_it_lies(&other).is_none(), "it is of another store");
    assert!(found(&other).0.is_empty());
    drop(folder);
}

#[test]
fn no_article_is_no_pair() {
    assert_eq!(found(&stored(&[]).1), (Vec::new(), Vec::new()));
    assert_eq!(found(&stored(&[made("a", "", DISPATCH)]).1), (Vec::new(), Vec::new()));
    assert!(found(&stored(&[made("a", "", ""), made("b", "", "…")]).1).0.len() <= 1);
}

#[test]
fn what_becomes_common_tells_no_more() {
    let footer = other(99, 4);
    let articles: Vec<Made> = (0..30u64)
        .map(|at| {
            let date = jiff::civil::date(2023, 1, 1) + jiff::Span::new().days(10 * at as i64);
            let vector = [(at as f32).cos(), (at as f32).sin()];
            Made { vector, ..made(&format!("{at:02}"), &date.to_string(), format!("{}\n{footer}", other(at, 12))) }
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let mut most = 0;
    for (at, article) in articles.iter().enumerate() {
        put(&mut store, article);
        if at % 3 == 0 {
            most = most.max(found(&store).0.len());
        }
    }
    assert!(most > 10, "it told of one story as long as few had it: {most}");
    let anew = found(&stored(&articles).1);
    assert_eq!(found(&store), anew);
    assert!(anew.0.len() < most);
}

#[test]
fn who_loses_a_neighbour_finds_the_next() {
    let telling = |at: usize| {
        let text = format!("{} {}", DISPATCH.replace(' ', &format!(" x{at}y ")), other(at as u64, 1));
        let angle = at as f32 * 0.01;
        Made { vector: [angle.cos(), angle.sin()], ..made(&format!("{at:02}"), "2023-08-22", text) }
    };
    let articles: Vec<Made> = (0..14).map(telling).collect();
    let (_folder, mut store) = stored(&articles);
    let all = found(&store).0.len();
    assert!(all > 14, "{all}");
    for gone in ["01", "03", "07"] {
        let article = store.find(gone).unwrap().unwrap();
        store.remove(&[article]).unwrap();
        found(&store);
    }
    let left: Vec<Made> =
        articles.into_iter().filter(|made| !["01", "03", "07"].contains(&made.key.as_str())).collect();
    let anew = found(&stored(&left).1);
    assert_eq!(sorted(found(&store).0), sorted(anew.0));
}

#[test]
fn a_register_with_damage_inside_is_made_again() {
    let articles: Vec<Made> = (0..40u64).map(|at| made(&format!("{at}"), "2023-08-22", other(at / 2, 12))).collect();
    let (_folder, mut store) = stored(&articles);
    let expected = found(&store);
    let file = register::path(&store);
    let mut bytes = fs_err::read(&file).unwrap();
    bytes.chunks_mut(4096).skip(1).for_each(|page| page[..8].fill(0xa5));
    fs_err::write(&file, &bytes).unwrap();
    let copies = Copies::of(&store, Isa::best(), &Selection::default(), &mut |_| {}).unwrap();
    assert_eq!(copies.pairs().unwrap().len(), expected.0.len());
    drop(copies);
    fs_err::write(&file, &bytes).unwrap();
    put(&mut store, &made("new", "2023-08-22", other(70, 12)));
    assert_eq!(found(&store).0.len(), expected.0.len());
}

/// What happens to a store: an article comes, comes again with another text, or goes; perhaps the register is caught up.
#[derive(Clone, Debug)]
enum Event {
    Put(usize, Made),
    Remove(usize),
    CatchUp,
}

const KEYS: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
const DATES: [&str; 6] = ["2023-08-20", "2023-08-21", "2023-08-22", "2023-08", "2022", ""];

fn events() -> impl Strategy<Value = Vec<Event>> {
    let text = (0..3u64, 0..3u64, 0..4usize).prop_map(|(first, second, edits)| {
        let text = match second {
            0 => format!("{DISPATCH}\n{}", other(first, 2)),
            _ => format!("{}\n{}", other(first, 2), other(10 + second, 2)),
        };
        text.replacen("mot", "autre", 3 * edits)
    });
    let made = (0..KEYS.len(), 0..DATES.len(), text, 0..3u8).prop_map(|(key, date, text, angle)| {
        let angle = f32::from(angle) * 0.7;
        (key, Made { vector: [angle.cos(), angle.sin()], ..made(KEYS[key], DATES[date], text) })
    });
    let event = prop_oneof![
        6 => made.prop_map(|(key, made)| Event::Put(key, made)),
        1 => (0..KEYS.len()).prop_map(Event::Remove),
        2 => Just(Event::CatchUp),
    ];
    proptest::collection::vec(event, 1..24)
}

proptest! {
    #![proptest_config(Config { cases: 24, ..Config::default() })]

    /// Whatever came in whatever order, what is known in the end is what a new register of a store in another order knows.
    #[test]
    fn catching_up_is_beginning_anew(events in events()) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let mut left: HashMap<usize, Made> = HashMap::new();
        for event in events {
            match event {
                Event::Put(key, mut made) => {
                    // One text has one vector, the first that came.
                    let turn = made.text.len() as f32 / 300.0;
                    made.vector = [turn.cos(), turn.sin()];
                    put(&mut store, &made);
                    left.insert(key, made);
                }
                Event::Remove(key) => {
                    if let Some(made) = left.remove(&key) {
                        let article = store.find(&made.key).unwrap().unwrap();
                        store.remove(&[article]).unwrap();
                    }
                }
                Event::CatchUp => drop(found(&store)),
            }
        }
        let caught_up = found(&store);
        let mut articles: Vec<Made> = left.into_values().collect();
        articles.sort_by_key(|made| std::cmp::Reverse(made.key.clone()));
        let anew = found(&stored(&articles).1);
        prop_assert_eq!(sorted(caught_up.0), sorted(anew.0));
        let groups = |groups: Vec<Vec<String>>| sorted(groups.into_iter().map(|mut group| {
            group[1..].sort();
            group
        }).collect::<Vec<_>>());
        prop_assert_eq!(groups(caught_up.1), groups(anew.1));
        prop_assert!(Register::as_it_lies(&store).unwrap().verify(&store).unwrap().is_empty());
    }
}
