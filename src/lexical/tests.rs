use std::collections::HashMap;

use super::*;
use crate::store::{ArticleSet, ContentHash, Making, ModelIdentity, NewArticle, TextKey};
use crate::types::{Article, CharSpan};

/// A store whose articles have words and no vectors.
struct Shelf {
    folder: tempfile::TempDir,
    store: Store,
}

impl Shelf {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let model = ModelIdentity { id: "tiny".into(), reference: "./tiny".into(), revision: "0".into(), dims: 2 };
        let store = Store::open_to_write(folder.path(), &Making { model, passage_tokens: 180 }).unwrap();
        Self { folder, store }
    }

    /// A store of titles and bodies in French.
    fn of(articles: &[(&str, &str)]) -> Self {
        let mut shelf = Self::new();
        for (number, (title, text)) in articles.iter().enumerate() {
            shelf.put(&number.to_string(), title, text, "fr");
        }
        shelf
    }

    fn put(&mut self, key: &str, title: &str, text: &str, language: &str) -> ArticleId {
        self.put_with(key, title, text, language, Vec::new())
    }

    fn put_with(
        &mut self,
        key: &str,
        title: &str,
        text: &str,
        language: &str,
        boilerplate: Vec<CharSpan>,
    ) -> ArticleId {
        let article = Article {
            key: key.into(),
            title: Some(title.into()),
            language: Some(language.into()),
            text: text.into(),
            ..Article::default()
        };
        let new = NewArticle {
            content: ContentHash::of(&article),
            text_key: TextKey::of(text),
            article,
            passages: Vec::new(),
            boilerplate,
        };
        self.store.put(&[new], &HashMap::new()).unwrap();
        self.store.find(key).unwrap().unwrap()
    }

    fn remove(&mut self, article: ArticleId) {
        self.store.remove(&[article]).unwrap();
    }

    fn view(&self) -> LexicalView {
        open(&self.store).unwrap()
    }

    /// Rows of the articles that a view opened now finds, ascending.
    fn found(&self, words: &str) -> Vec<i64> {
        let mut found = rows(&self.view(), &plain(words));
        found.sort_unstable();
        found
    }
}

fn plain(words: &str) -> Query {
    Query { words: words.into(), ..Query::default() }
}

fn phrase(text: &str) -> Phrase {
    Phrase { text: text.into(), field: None }
}

fn rows(view: &LexicalView, query: &Query) -> Vec<i64> {
    view.search(query, 100, None).unwrap().into_iter().map(|found| found.article.0).collect()
}

fn set(rows: &[i64]) -> ArticleSet {
    rows.iter().copied().map(ArticleId).collect()
}

/// Three articles, of which the second is about something else.
fn three() -> Shelf {
    Shelf::of(&[
        ("Crise de l'eau à Mayotte", "Les habitants attendent de l'eau potable. Le préfet promet des bouteilles."),
        ("Le Tour de France", "Le peloton traverse les Alpes sous la pluie."),
        ("Sécheresse", "À Mayotte, la préfecture annonce des coupures : l’eau manque aux écoles."),
    ])
}

#[test]
fn words_are_found_whatever_their_case_accents_and_number() {
    let shelf = three();
    assert_eq!(shelf.found("MAYOTTE"), [1, 3]);
    assert_eq!(shelf.found("secheresse ecole"), [3]);
    assert_eq!(shelf.found("habitant"), [1]);
    assert_eq!(shelf.found("d'eau"), [1, 3]);
    assert_eq!(shelf.found("Alpe"), [2]);
    assert_eq!(shelf.found("introuvable"), [0i64; 0]);
    assert_eq!(shelf.found(" … ?! "), [0i64; 0]);
    assert_eq!(shelf.found("le la les").len(), 3, "words of grammar are asked for where there is nothing else");
}

#[test]
fn changes_are_seen_at_once_wherever_they_are() {
    let mut shelf = three();
    for persisted in [false, true] {
        if persisted {
            persist(&shelf.store).unwrap();
        }
        let new = shelf.put("nouveau", "Grève à Mayotte", "Le port est fermé.", "fr");
        assert_eq!(shelf.found("grève"), [new.0]);
        assert_eq!(shelf.found("mayotte").len(), 3);
        shelf.put("nouveau", "Carnaval", "Le port est ouvert.", "fr");
        assert_eq!(shelf.found("grève"), [0i64; 0]);
        assert_eq!(shelf.found("carnaval"), [new.0]);
        assert_eq!(shelf.view().len(), 4);
        shelf.remove(new);
        assert_eq!(shelf.found("carnaval"), [0i64; 0]);
        assert_eq!(shelf.view().len(), 3);
        assert_eq!(shelf.view().sequence(), shelf.store.sequence().unwrap());
    }
}

#[test]
fn what_is_allowed_is_asked_before_the_best_are_taken() {
    let shelf = three();
    let view = shelf.view();
    let query = plain("eau Mayotte");
    let best = view.search(&query, 1, None).unwrap();
    let other = if best[0].article.0 == 1 { 3 } else { 1 };
    let found = view.search(&query, 1, Some(&set(&[other, 2]))).unwrap();
    assert_eq!(found.iter().map(|found| found.article.0).collect::<Vec<_>>(), [other]);
    assert!(view.search(&query, 0, None).unwrap().is_empty());
    assert!(view.search(&query, 5, Some(&set(&[]))).unwrap().is_empty());
}

#[test]
fn phrases_are_of_words_next_to_each_other_in_their_exact_forms() {
    let shelf = three();
    let view = shelf.view();
    let constraint = |required: &[&str], excluded: &[&str]| {
        let phrases = |texts: &[&str]| texts.iter().map(|text| phrase(text)).collect();
        let query = Query { words: String::new(), required: phrases(required), excluded: phrases(excluded) };
        view.constraint(&query).unwrap()
    };
    assert_eq!(constraint(&[], &[]), None);
    assert_eq!(constraint(&["…"], &["!"]), None, "what is no word asks for nothing");
    assert_eq!(constraint(&["crise de l’eau"], &[]), Some(set(&[1])));
    assert_eq!(constraint(&["crise eau"], &[]), Some(set(&[])));
    assert_eq!(constraint(&["habitant"], &[]), Some(set(&[])), "the text has \"habitants\"");
    assert_eq!(constraint(&["mayotte"], &["crise"]), Some(set(&[3])));
    assert_eq!(constraint(&[], &["Tour de France"]), Some(set(&[1, 3])));
    let title = Phrase { text: "Mayotte".into(), field: Some(Field::Title) };
    let query = Query { required: vec![title], ..Query::default() };
    assert_eq!(view.constraint(&query).unwrap(), Some(set(&[1])));
    assert_eq!(rows(&view, &query), [1]);
}

#[test]
fn shares_add_up_to_the_score() {
    let shelf = three();
    let mut query = plain("l'eau des écoles de Mayotte");
    query.required.push(phrase("l'eau"));
    let view = shelf.view();
    let found = view.search(&query, 10, None).unwrap();
    assert_eq!(found.len(), 2);
    for Found { article, score } in found {
        let terms = view.explain(&query, article).unwrap();
        assert!(terms.iter().any(|term| term.term == "mayotte" && term.kind == TermKind::Exact));
        assert_eq!(terms.iter().map(|term| term.score).sum::<f32>(), score);
        assert_eq!(view.scores(&query, &[ArticleId(99), article, ArticleId(2)]).unwrap()[..2], [0.0, score]);
    }
}
