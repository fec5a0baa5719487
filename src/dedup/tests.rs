use std::collections::HashMap;

use super::*;
use crate::store::{ContentHash, Field, Making, ModelIdentity, NewArticle, NewPassage};
use crate::text::analysis_form;
use crate::types::{Article, CharSpan};

const DISPATCH: &str = "Une délégation militaire est arrivée mardi dans la ville pour une visite de deux jours, a indiqué \
                        le ministère, et doit rencontrer le maréchal avant de repartir vers la capitale mercredi soir.";

/// A store of articles with one passage each, whose vectors are given.
fn pairs_of(articles: &[(&str, Option<&str>, String, [f32; 2])]) -> Vec<(Relation, String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let model = ModelIdentity { id: "fake".into(), reference: "fake".into(), revision: "0".into(), dims: 2 };
    let mut store = Store::open_to_write(folder.path(), &Making { model, passage_tokens: 180 }).unwrap();
    for (key, date, text, vector) in articles {
        let text_key = TextKey::of(&analysis_form(text));
        let span = CharSpan { start: 0, end: text.chars().count() };
        let new = NewArticle {
            article: Article {
                key: (*key).into(),
                date: date.map(|date| date.parse().unwrap()),
                text: text.clone(),
                ..Article::default()
            },
            content: ContentHash::of(&Article::default()),
            text_key,
            passages: vec![NewPassage { field: Field::Body, span, tokens: 1, key: text_key }],
            boilerplate: Vec::new(),
        };
        store.put(&[new], &HashMap::from([(text_key, vector.to_vec())])).unwrap();
    }
    let found = pairs(&store, Isa::best()).unwrap();
    found.into_iter().map(|pair| (pair.relation, pair.a.key, pair.b.key)).collect()
}

fn expect(relation: Relation, a: &str, b: &str) -> (Relation, String, String) {
    (relation, a.to_owned(), b.to_owned())
}

#[test]
fn each_relation_is_told_and_the_earlier_comes_first() {
    let far = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]];
    let own: Vec<String> = (0..60).map(|n| format!("mot{n}")).collect();
    let longer = format!("{DISPATCH} {}", own.join(" "));
    let pairs = pairs_of(&[
        ("late", Some("2023-08-24"), DISPATCH.to_owned(), far[0]),
        ("early", Some("2023-08-22"), DISPATCH.replace('é', "e\u{301}"), far[0]),
        ("edited", Some("2023-08-23"), DISPATCH.replace("mercredi", "jeudi"), far[1]),
        ("longer", None, longer, far[2]),
        ("other", None, "Tout autre chose, sans un mot de commun avec le reste.".to_owned(), far[3]),
    ]);
    // The identical pair counts once in the slower sources, under its first stored member.
    assert_eq!(
        pairs,
        [
            expect(Relation::Identical, "early", "late"),
            expect(Relation::NearIdentical, "edited", "late"),
            expect(Relation::SharedText, "late", "longer"),
            expect(Relation::SharedText, "edited", "longer"),
        ]
    );
}

#[test]
fn close_vectors_without_common_words_are_related() {
    let pairs = pairs_of(&[
        ("a", None, DISPATCH.to_owned(), [0.8, 0.6]),
        ("b", None, "Visite officielle d'officiers étrangers auprès du chef de l'armée locale.".to_owned(), [0.6, 0.8]),
        ("c", None, "Le club amateur élimine le champion en titre aux tirs au but.".to_owned(), [-0.6, 0.8]),
    ]);
    assert_eq!(pairs, [expect(Relation::Related, "a", "b")]);
}

#[test]
fn related_articles_are_of_one_time() {
    let date = |text: &str| Some(text.parse().unwrap());
    for (a, b, expected) in [
        ("2023-08-22", "2023-08-29", true),
        ("2023-08-30", "2023-08-22", false),
        ("2023-08", "2023-09-07", true),
        ("2023-08", "2023-09-08", false),
        ("2023", "2023-06", true),
        ("2022", "2023-06", false),
    ] {
        assert_eq!(may_be_same_event(date(a), date(b)), expected, "{a} {b}");
    }
    assert!(may_be_same_event(None, date("2023")));
}

#[test]
fn no_article_is_no_pair() {
    assert!(pairs_of(&[]).is_empty());
    assert!(pairs_of(&[("a", None, DISPATCH.to_owned(), [1.0, 0.0])]).is_empty());
}
