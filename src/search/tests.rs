use std::collections::HashMap;

use ndarray::{Array1, Array2};

use super::*;
use crate::embed::Query;
use crate::index::{Choice, open};
use crate::kernels::Isa;
use crate::lexical;
use crate::store::{ContentHash, Field, Making, ModelIdentity, NewArticle, NewPassage, TextKey};
use crate::text::{analysis_form, sentences};
use crate::types::{Article, to_char_spans};

/// A model of four components: how much of a text is about trains, floods, museums, and anything else.
struct Fake;

fn embed(text: &str) -> Vec<f32> {
    let text = text.to_lowercase();
    let count = |words: &[&str]| words.iter().map(|word| text.matches(word).count()).sum::<usize>() as f32;
    let mut vector =
        vec![count(&["train", "gare"]), count(&["crue", "inondation"]), count(&["musée", "tableau"]), 0.25];
    let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|v| *v /= length);
    vector
}

impl QueryEmbedder for Fake {
    fn embed_query(&self, query: Query<'_>) -> Result<Array1<f32>, EmbedError> {
        Ok(embed(query.0).into())
    }

    fn embed_sentences(&self, sentences: &[String]) -> Result<Array2<f32>, EmbedError> {
        let rows: Vec<f32> = sentences.iter().flat_map(|sentence| embed(sentence)).collect();
        Ok(Array2::from_shape_vec((sentences.len(), 4), rows).unwrap())
    }
}

/// Writes an article with a title and one passage a paragraph; its source is the first letter of its key.
fn put(store: &mut Store, key: &str, title: &str, text: &str, date: Option<&str>) {
    let mut vectors = HashMap::new();
    let mut passages = Vec::new();
    let mut add = |field, whole: &str, part: &str, start: usize| {
        let form = analysis_form(part);
        let span = crate::types::Span::new(start, start + part.len());
        vectors.insert(TextKey::of(&form), embed(&form));
        passages.push(NewPassage { field, span: to_char_spans(whole, &[span])[0], tokens: 1, key: TextKey::of(&form) });
    };
    add(Field::Title, title, title, 0);
    let mut start = 0;
    for paragraph in text.split_inclusive('\n') {
        add(Field::Body, text, paragraph, start);
        start += paragraph.len();
    }
    let article = Article {
        key: key.into(),
        title: Some(title.into()),
        text: text.into(),
        date: date.map(|date| date.parse().unwrap()),
        source: Some(key[..1].into()),
        language: Some("fr".into()),
        ..Article::default()
    };
    let text_key = TextKey::of(&analysis_form(text));
    let content = ContentHash::of(&article);
    store.put(&[NewArticle { content, article, text_key, passages, boilerplate: Vec::new() }], &vectors).unwrap();
}

/// A store of articles: key, title, text.
fn store(articles: &[(&str, &str, &str)]) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let model = ModelIdentity { id: "fake".into(), reference: "fake".into(), revision: "0".into(), dims: 4 };
    let mut store = Store::open_to_write(folder.path(), &Making { model, passage_tokens: 180 }).unwrap();
    for (key, title, text) in articles {
        put(&mut store, key, title, text, None);
    }
    (folder, store)
}

fn answer(store: &Store, request: &Request<'_>, reranker: Option<&dyn PassageScorer>) -> Result<Answer, SearchError> {
    let vectors = open(store, Isa::best(), Choice::Exact).unwrap();
    let words = lexical::open(store).unwrap();
    Searcher { store, vectors: &*vectors, words: &words, embedder: &Fake, reranker, groups: None }.search(request)
}

/// The keys of the hits.
fn keys(store: &Store, request: &Request<'_>) -> Vec<String> {
    answer(store, request, None).unwrap().hits.into_iter().map(|hit| hit.article.key).collect()
}

/// Hits by meaning alone, versions not folded.
fn ask(store: &Store, query: &str, k: usize, filter: Filter) -> Result<Vec<Hit>, SearchError> {
    let request = Request { mode: Mode::Semantic, fold: false, filter, ..Request::new(query, k) };
    Ok(answer(store, &request, None)?.hits)
}

#[test]
fn the_best_passage_and_its_sentence_are_shown() {
    let (_folder, store) = store(&[
        ("rail", "Le rail revient", "Il pleut sur la ville.\n\nÉté. Le train entre en gare. On applaudit.\n"),
        ("crue", "Une crue", "La crue monte. Le musée ferme.\n"),
    ]);
    let hits = ask(&store, "le train en gare", 5, Filter::default()).unwrap();
    assert_eq!(hits.iter().map(|hit| hit.article.key.as_str()).collect::<Vec<_>>(), ["rail", "crue"]);
    let passage = &hits[0].passage;
    assert_eq!(passage.text, "Été. Le train entre en gare. On applaudit.");
    let text = store.text(hits[0].article.id).unwrap();
    assert_eq!(&text[passage.span.to_bytes(&text).range()], passage.text);
    assert_eq!(&passage.text[passage.sentence.to_bytes(&passage.text).range()], "Le train entre en gare.");
    assert_eq!(sentences(&passage.text).len(), 3);
    let words: Vec<&str> =
        passage.words.iter().map(|word| &passage.text[word.to_bytes(&passage.text).range()]).collect();
    assert_eq!(words, ["train", "gare"]);
}

#[test]
fn a_title_finds_its_article_and_the_body_is_shown() {
    let (_folder, store) = store(&[("a", "Un tableau au musée", "Rien de tel ici.\n"), ("b", "Autre", "Une gare.\n")]);
    let hits = ask(&store, "musée", 2, Filter::default()).unwrap();
    assert_eq!((hits[0].article.key.as_str(), hits[0].passage.field), ("a", Field::Body));
    assert!(hits[0].score > hits[0].passage.score);
    assert_eq!(hits[0].title_words.len(), 1);
}

#[test]
fn there_are_k_articles_if_there_are_that_many() {
    // One article has more close passages than the first round asks for, and many articles share one passage.
    let close =
        "La crue. La crue monte.\n".to_owned() + &(0..30).map(|n| format!("Crue numéro {n}.\n")).collect::<String>();
    let shared: Vec<(String, String)> =
        (0..12).map(|n| (format!("s{n}"), "Le train est en gare.\n".to_owned())).collect();
    let mut articles = vec![("long", "Inondation", close.as_str())];
    articles.extend(shared.iter().map(|(key, text)| (key.as_str(), "Rail", text.as_str())));
    let (_folder, store) = store(&articles);
    for mode in [Mode::Semantic, Mode::Hybrid] {
        for k in [1, 3, 13, 50] {
            let found = keys(&store, &Request { mode, fold: false, ..Request::new("la crue", k) });
            assert_eq!(found.len(), k.min(13));
            assert_eq!(found[0], "long");
        }
    }
    // By words alone an article must have one of them.
    assert_eq!(keys(&store, &Request { mode: Mode::Lexical, ..Request::new("la crue", 50) }), ["long"]);
    let none = Filter::default().with_label("lang", "en");
    assert!(ask(&store, "la crue", 5, none).unwrap().is_empty());
    assert!(matches!(ask(&store, " \u{200b} ", 5, Filter::default()), Err(SearchError::Empty)));
}

#[test]
fn both_lists_find_what_one_of_them_cannot() {
    let (_folder, store) = store(&[
        ("words", "Un nom", "Haftar parle.\n"),
        ("meaning", "Un rail", "La gare est fermée.\n"),
        ("neither", "Divers", "Une crue.\n"),
    ]);
    // The model knows that a train belongs to a station, and has never heard the name.
    let hits = answer(&store, &Request { explain: true, ..Request::new("Haftar train", 2) }, None).unwrap().hits;
    assert_eq!(hits.iter().map(|hit| hit.article.key.as_str()).collect::<Vec<_>>(), ["meaning", "words"]);
    for hit in hits {
        let reasons = hit.reasons.unwrap();
        let (words, meaning) = (reasons.candidate.words.unwrap(), reasons.candidate.meaning.unwrap());
        assert_eq!(words.share + meaning.share, hit.score);
        let terms: f32 = reasons.terms.iter().map(|term| term.score).sum();
        assert!((terms - words.score).abs() < 1e-3 * words.score.max(1.0), "{terms} {}", words.score);
    }
}

#[test]
fn phrases_exclusions_and_fields_decide_who_may_answer() {
    let (_folder, store) = store(&[
        ("a1", "L'état d'urgence", "La crue monte.\n"),
        ("a2", "Urgence", "L'état de la crue.\n"),
        ("b1", "Crue", "Le musée est dans un état d'urgence.\n"),
    ]);
    let found = |query| {
        let mut keys = keys(&store, &Request::new(query, 9));
        keys.sort();
        keys
    };
    assert_eq!(found("crue \"état d'urgence\""), ["a1", "b1"]);
    assert_eq!(found("crue titre:\"état d'urgence\""), ["a1"]);
    assert_eq!(found("crue -musée"), ["a1", "a2"]);
    assert_eq!(found("crue -source:a"), ["b1"]);
    assert_eq!(found("source:a"), ["a1", "a2"]);
    let answer = answer(&store, &Request::new("\"crue état\"", 9), None).unwrap();
    assert_eq!((answer.hits.len(), answer.notes.len()), (3, 1), "no such phrase: words, and a note");
}

#[test]
fn versions_of_an_article_are_one_hit() {
    let text = "Le train entre en gare de Lyon à midi, sous les applaudissements de la foule venue en nombre pour voir passer \
                la première rame de la nouvelle ligne, que la région attendait depuis vingt ans.\n";
    let edited = text.replace("midi", "treize heures");
    let (_folder, store) = store(&[
        ("one", "Rail", text),
        ("same", "Train", text),
        ("edited", "En gare", &edited),
        ("other", "Autre gare", "Un autre train quitte la gare du Nord au matin, et personne ne le regarde partir.\n"),
    ]);
    let hits = answer(&store, &Request::new("train en gare de Lyon", 2), None).unwrap().hits;
    assert_eq!(hits.len(), 2);
    assert_eq!(hits[0].versions.len(), 2);
    assert_eq!((hits[1].article.key.as_str(), hits[1].versions.len()), ("other", 0));
    assert_eq!(keys(&store, &Request { fold: false, ..Request::new("train en gare de Lyon", 9) }).len(), 4);
}

#[test]
fn versions_take_no_place_from_others() {
    let bulletin = |n: usize| {
        let day =
            "La crue reste forte dans la vallée, et la préfecture demande de ne pas prendre la route avant demain.";
        format!("{day} Le niveau est suivi d'heure en heure par les services de l'État. Bulletin numéro {n}.\n")
    };
    let others =
        |n: usize| format!("Une crue d'un autre genre, la {n}e de l'année {} dans le bassin {}.\n", n * 31, n * 57);
    let articles: Vec<(String, String)> =
        (0..250).map(|n| (format!("b{n}"), bulletin(n))).chain((0..12).map(|n| (format!("o{n}"), others(n)))).collect();
    let articles: Vec<_> = articles.iter().map(|(key, text)| (key.as_str(), "Crue", text.as_str())).collect();
    let (_folder, store) = store(&articles);
    for request in [Request::new("crue préfecture", 5), Request::new("source:b source:o", 5)] {
        let (mut seen, mut versions, mut after) = (0, 0, None);
        loop {
            let page = answer(&store, &Request { after: after.as_ref(), ..request.clone() }, None).unwrap();
            seen += page.hits.len();
            versions += page.hits.iter().map(|hit| hit.versions.len()).sum::<usize>();
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen + versions, 262, "{}", request.query);
        assert!((13..30).contains(&seen), "{seen} hits of 13 stories");
    }
}

#[test]
fn reasons_add_up_in_every_mode_and_order() {
    let (_folder, mut store) = store(&[]);
    for (key, text, date) in [
        ("a", "La crue monte dans la vallée.\n", "2020-01-03"),
        ("b", "Une crue.\n", "2020-01-02"),
        ("c", "Le train entre en gare.\n", "2020-01-01"),
    ] {
        put(&mut store, key, "Titre", text, Some(date));
    }
    for mode in [Mode::Hybrid, Mode::Semantic, Mode::Lexical] {
        for order in [Order::Relevance, Order::Newest] {
            for fusion in [Fusion::Calibrated, Fusion::ReciprocalRank] {
                let request = Request { mode, order, fusion, explain: true, ..Request::new("crue vallée", 9) };
                let hits = answer(&store, &request, None).unwrap().hits;
                assert!(!hits.is_empty());
                for hit in hits {
                    let Reasons { candidate, terms } = hit.reasons.unwrap();
                    let share = |place: Option<Place>| place.map_or(0.0, |place| place.share);
                    assert_eq!(share(candidate.words) + share(candidate.meaning), hit.score, "{request:?}");
                    assert!(hit.score > 0.0, "{request:?}");
                    assert_eq!(candidate.words.is_none(), mode == Mode::Semantic);
                    assert_eq!(candidate.meaning.is_none(), mode == Mode::Lexical);
                    assert!(mode != Mode::Semantic || terms.is_empty());
                }
            }
        }
    }
}

#[test]
fn an_article_without_words_is_no_hit_and_no_error() {
    let (_folder, mut store) = store(&[("a", "Titre", "Une crue.\n")]);
    let article = Article { key: "blank".into(), source: Some("a".into()), ..Article::default() };
    let (content, text_key) = (ContentHash::of(&article), TextKey::of(""));
    store
        .put(&[NewArticle { content, article, text_key, passages: vec![], boilerplate: vec![] }], &HashMap::new())
        .unwrap();
    assert_eq!(keys(&store, &Request::new("source:a", 9)), ["a"]);
}

#[test]
fn what_another_process_removed_is_no_hit() {
    let (_folder, mut store) = store(&[("a", "Titre", "Une crue.\n"), ("b", "Titre", "La crue monte.\n")]);
    let vectors = open(&store, Isa::best(), Choice::Exact).unwrap();
    let words = lexical::open(&store).unwrap();
    let gone = store.find("b").unwrap().unwrap();
    store.remove(&[gone]).unwrap();
    for mode in [Mode::Hybrid, Mode::Semantic, Mode::Lexical] {
        let searcher = Searcher {
            store: &store,
            vectors: &*vectors,
            words: &words,
            embedder: &Fake,
            reranker: None,
            groups: None,
        };
        let hits = searcher.search(&Request { mode, ..Request::new("crue", 9) }).unwrap().hits;
        assert_eq!(hits.iter().map(|hit| hit.article.key.as_str()).collect::<Vec<_>>(), ["a"]);
    }
}

#[test]
fn pages_hold_every_article_once_while_others_are_indexed() {
    let articles: Vec<(String, String)> =
        (0..25).map(|n| (format!("a{n}"), format!("Crue numéro {n} dans la vallée {}.\n", n * 7))).collect();
    let articles: Vec<_> = articles.iter().map(|(key, text)| (key.as_str(), "Crue", text.as_str())).collect();
    let (_folder, mut store) = store(&articles);
    let (mut seen, mut after, mut later) = (Vec::new(), None, 0);
    loop {
        let page = answer(&store, &Request { after: after.as_ref(), ..Request::new("crue", 4) }, None).unwrap();
        seen.extend(page.hits.iter().map(|hit| hit.article.key.clone()));
        later += 1;
        put(&mut store, &format!("later{later}"), "Crue crue crue", &format!("Crue {later}.\n"), None);
        let Some(next) = page.next else { break };
        let word = next.to_string();
        after = Some(word.parse().unwrap());
    }
    let different: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), different.len()), (25, 25));
    assert!(seen.iter().all(|key| !key.starts_with("later")));
    let other = Request { after: after.as_ref(), ..Request::new("gare", 4) };
    assert!(matches!(answer(&store, &other, None), Err(SearchError::OtherQuestion)));
}

#[test]
fn hits_come_in_the_order_of_dates_where_that_is_asked_for() {
    let (_folder, mut store) = store(&[]);
    for (key, text, date) in [
        ("old", "La crue monte dans la vallée.\n", Some("2019-05")),
        ("new", "La vallée, après la crue.\n", Some("2020-02-01")),
        ("half", "Une crue.\n", Some("2020-03-01")),
        ("undated", "Vallée de la crue.\n", None),
    ] {
        put(&mut store, key, "Titre", text, date);
    }
    let ordered = |query, order| keys(&store, &Request { order, ..Request::new(query, 9) });
    assert_eq!(ordered("crue vallée", Order::Newest), ["new", "old", "undated"]);
    assert_eq!(ordered("crue vallée", Order::Oldest), ["old", "new", "undated"]);
    assert_eq!(ordered("date:2020", Order::Relevance), ["half", "new"]);
    assert_eq!(ordered("crue date:2020", Order::Oldest), ["new", "half"]);
}

/// Prefers short passages.
struct Short;

impl PassageScorer for Short {
    fn score(&self, _query: &str, passages: &[&str]) -> Result<Vec<f32>, EmbedError> {
        Ok(passages.iter().map(|passage| 1.0 / passage.len() as f32).collect())
    }
}

#[test]
fn a_reranker_has_the_last_word() {
    let (_folder, store) =
        store(&[("long", "Crue", "La crue, la crue, encore la crue.\n"), ("short", "Divers", "Une crue.\n")]);
    let request = Request::new("crue", 2);
    assert_eq!(keys(&store, &request), ["long", "short"]);
    let hits = answer(&store, &request, Some(&Short)).unwrap().hits;
    assert_eq!(hits.iter().map(|hit| hit.article.key.as_str()).collect::<Vec<_>>(), ["short", "long"]);
    assert_eq!(hits[0].score, 1.0 / "Une crue.".len() as f32);
    // Where dates decide, it is not asked.
    let dated = answer(&store, &Request { order: Order::Oldest, ..request }, Some(&Short)).unwrap().hits;
    assert_eq!(dated.iter().map(|hit| hit.article.key.as_str()).collect::<Vec<_>>(), ["long", "short"]);
}

#[test]
fn related_articles_are_compared_by_all_passages() {
    let (_folder, store) = store(&[
        ("a", "A", "La crue monte.\nLe musée ferme.\n"),
        ("half", "B", "La crue descend.\nLe train repart de la gare.\n"),
        ("both", "C", "Un musée fermé.\nUne inondation.\n"),
    ]);
    let view = open(&store, Isa::best(), Choice::Exact).unwrap();
    let article = store.find("a").unwrap().unwrap();
    let ids: Vec<_> = related::body_passages(&store, article).unwrap().iter().map(|passage| passage.vector).collect();
    let found = related(&store.vectors(&ids).unwrap(), Some(article), 5, None, &*view, &store).unwrap();
    assert_eq!(found.iter().map(|found| found.article.key.as_str()).collect::<Vec<_>>(), ["both", "half"]);
    assert!(found[0].score > 0.95, "{}", found[0].score);
    assert!(found[1].score < 0.9, "{}", found[1].score);
}

#[test]
fn closeness_is_symmetric_and_knows_parts_from_wholes() {
    let (x, y) = ([1.0, 0.0], [0.0, 1.0]);
    assert_eq!(related::closeness(&[&x, &y], &[&y, &x]), 1.0);
    assert_eq!(related::closeness(&[&x], &[&x, &y]), 0.75);
    assert_eq!(related::closeness(&[&x, &y], &[&x]), 0.75);
    assert_eq!(related::closeness(&[], &[&x]), 0.0);
}
