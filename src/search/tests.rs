use std::collections::HashMap;

use ndarray::{Array1, Array2};

use super::*;
use crate::index::{Choice, open};
use crate::kernels::Isa;
use crate::store::{ContentHash, Making, ModelIdentity, NewArticle, NewPassage, TextKey};
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

/// A store whose articles have a title and one passage a paragraph.
fn store(articles: &[(&str, &str, &str)]) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let model = ModelIdentity { id: "fake".into(), reference: "fake".into(), revision: "0".into(), dims: 4 };
    let mut store = Store::open_to_write(folder.path(), &Making { model, passage_tokens: 180 }).unwrap();
    for (key, title, text) in articles {
        let mut vectors = HashMap::new();
        let mut passages = Vec::new();
        let mut add = |field, whole: &str, part: &str, start: usize| {
            let form = analysis_form(part);
            let span = crate::types::Span::new(start, start + part.len());
            vectors.insert(TextKey::of(&form), embed(&form));
            passages.push(NewPassage {
                field,
                span: to_char_spans(whole, &[span])[0],
                tokens: 1,
                key: TextKey::of(&form),
            });
        };
        add(Field::Title, title, title, 0);
        let mut start = 0;
        for paragraph in text.split_inclusive('\n') {
            add(Field::Body, text, paragraph, start);
            start += paragraph.len();
        }
        let article = Article {
            key: (*key).into(),
            title: Some((*title).into()),
            text: (*text).into(),
            language: Some("fr".into()),
            ..Article::default()
        };
        let text_key = TextKey::of(&analysis_form(text));
        store
            .put(
                &[NewArticle {
                    content: ContentHash::of(&article),
                    article,
                    text_key,
                    passages,
                    boilerplate: Vec::new(),
                }],
                &vectors,
            )
            .unwrap();
    }
    (folder, store)
}

fn ask(store: &Store, query: &str, k: usize, filter: Filter) -> Result<Vec<Hit>, SearchError> {
    let view = open(store, Isa::best(), Choice::Exact).unwrap();
    search(&Request { query, k, filter }, &Fake, &*view, store)
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
}

#[test]
fn a_title_finds_its_article_and_the_body_is_shown() {
    let (_folder, store) = store(&[("a", "Un tableau au musée", "Rien de tel ici.\n"), ("b", "Autre", "Une gare.\n")]);
    let hits = ask(&store, "musée", 2, Filter::default()).unwrap();
    assert_eq!((hits[0].article.key.as_str(), hits[0].passage.field), ("a", Field::Body));
    assert!(hits[0].score > hits[0].passage.score);
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
    for k in [1, 3, 13] {
        let hits = ask(&store, "la crue", k, Filter::default()).unwrap();
        assert_eq!(hits.len(), k);
        assert_eq!(hits[0].article.key, "long");
    }
    assert_eq!(ask(&store, "la crue", 50, Filter::default()).unwrap().len(), 13);
    let none = Filter::default().with_label("lang", "en");
    assert!(ask(&store, "la crue", 5, none).unwrap().is_empty());
    assert!(matches!(ask(&store, " \u{200b} ", 5, Filter::default()), Err(SearchError::Empty)));
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
