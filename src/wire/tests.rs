use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::ingest::read::{Reason, Remark};
use crate::store::{self, ContentHash, Field, Making, ModelIdentity, NewPassage, Store, TextKey};
use crate::types;

fn understood(value: Value) -> NewArticle {
    value.try_into().unwrap()
}

#[test]
fn an_article_is_understood_as_in_a_file() {
    let NewArticle { article, remarks } = understood(json!({
        "identifiant": 7, "Titre": "Crue", "date de publication": "22 août 2023", "lien": "https://www.rfi.fr/x", "langue": "français",
        "chapo": "Un début.", "texte": "<p>La crue&nbsp;monte.</p>", "rubrique": "Société", "metadata": {"auteur": "A. B.", "title": "?"},
    }));
    assert_eq!((article.key.as_str(), article.title.as_deref()), ("7", Some("Crue")));
    assert_eq!((article.date.unwrap().to_string().as_str(), article.language.as_deref()), ("2023-08-22", Some("fr")));
    assert_eq!(article.source.as_deref(), Some("rfi.fr"));
    assert_eq!(article.text, "Un début.\n\nLa crue\u{a0}monte.");
    assert_eq!((&article.metadata["rubrique"], &article.metadata["auteur"]), (&json!("Société"), &json!("A. B.")));
    assert_eq!(article.metadata["title"], "?", "what is metadata stays metadata");
    assert_eq!(remarks, []);
}

#[test]
fn what_is_wrong_with_an_article_is_said() {
    let refused = |value: Value| NewArticle::try_from(value).unwrap_err();
    assert!(matches!(refused(json!(["a"])), Reason::NotAnObject { found: "an array" }));
    assert!(matches!(refused(json!({"id": "a", "metadata": {"text": "b"}})), Reason::NoText { .. }));
    let error = serde_json::from_str::<NewArticle>(r#"{"id": "a"}"#).unwrap_err();
    assert!(error.to_string().starts_with("no text and no title among the fields id"), "{error}");
    let NewArticle { article, remarks } = understood(json!({"text": "a", "date": "2023-02-30"}));
    assert_eq!((article.date, article.key.as_str(), article.source), (None, "", None));
    assert_eq!(remarks, [Remark::BadDate { value: "2023-02-30".into() }]);
}

#[test]
fn fields_that_only_have_a_name_of_ours_are_metadata() {
    let fields = json!({"text": "a", "passages": "deux", "furniture": 3, "metadata": "rien"});
    let metadata = understood(fields).article.metadata;
    assert_eq!(Value::Object(metadata), json!({"passages": "deux", "furniture": 3, "metadata": "rien"}));
}

/// An article with one word of furniture, in a store of its own.
fn stored(article: types::Article) -> FullArticle {
    let folder = tempfile::tempdir().unwrap();
    let model = ModelIdentity { id: "tiny".into(), reference: "./tiny".into(), revision: "0123".into(), dims: 1 };
    let mut store = Store::open_to_write(folder.path(), &Making { model, passage_tokens: 180 }).unwrap();
    let end = article.text.chars().count();
    let passage = |field, start, end, tokens| {
        let span = types::CharSpan { start, end };
        NewPassage { field, span, tokens, key: TextKey::of("x") }
    };
    let key = article.key.clone();
    let new = store::NewArticle {
        content: ContentHash::of(&article),
        text_key: TextKey::of(&article.text),
        passages: vec![passage(Field::Title, 0, 1, 3), passage(Field::Body, 1, end, 17)],
        boilerplate: vec![types::CharSpan { start: 0, end: 1 }],
        article,
    };
    store.put(&[new], &HashMap::from([(TextKey::of("x"), vec![1.0])])).unwrap();
    let id = store.find(&key).unwrap().unwrap();
    FullArticle::read(&store, id).unwrap()
}

#[test]
fn an_article_is_read_out_of_a_store() {
    let fields = json!({"id": "a", "title": "Été", "date": "2023-08", "text": "🚒 Le feu.", "payant": true});
    let full = stored(understood(fields).article);
    let first = full.passages[0].id;
    assert_eq!(
        json!(full),
        json!({
            "id": "a", "title": "Été", "date": "2023-08", "source": null, "url": null, "language": null,
            "text": "🚒 Le feu.", "metadata": {"payant": true},
            "passages": [
                {"id": first, "field": "title", "start": 0, "end": 1, "tokens": 3},
                {"id": first + 1, "field": "body", "start": 1, "end": 9, "tokens": 17},
            ],
            "furniture": [{"start": 0, "end": 1}],
        })
    );
}

/// Words as an article has them: with no markup, and nothing around that reading would take away.
fn words() -> impl Strategy<Value = String> {
    "[a-zA-ZéÉœà🚒]{1,8}( [a-z«»é,.0-9]{1,8}){0,4}"
}

fn metadata() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        words().prop_map(Value::from),
        Just(json!({"name": ["x", 1.5]})),
    ];
    const NAMES: [&str; 8] = ["id", "title", "date", "texte", "lang", "metadata", "passages", "auteur"];
    let name = prop_oneof![proptest::sample::select(&NAMES[..]).prop_map(str::to_owned), words()];
    proptest::collection::vec((name, value), 0..5).prop_map(|fields| fields.into_iter().collect())
}

fn articles() -> impl Strategy<Value = types::Article> {
    let date = proptest::sample::select(&["2023", "2023-08", "2023-08-22"][..]).prop_map(|date| date.parse().unwrap());
    let maybe = || proptest::option::of(words());
    let url = proptest::option::of(Just("https://www.rfi.fr/x".to_owned()));
    let language = proptest::option::of(Just("fr".to_owned()));
    let fields = (words(), maybe(), proptest::option::of(date), url, maybe(), language, words(), metadata());
    fields.prop_map(|(key, title, date, url, source, language, text, metadata)| {
        // A store has no article without its host, where it has an address.
        let source = source.or_else(|| url.as_ref().map(|_| "rfi.fr".to_owned()));
        types::Article { key, title, date, url, source, language, text, metadata }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn an_article_that_is_sent_back_as_it_was_got_is_the_same(article in articles()) {
        let header = Article {
            id: article.key.clone(),
            title: article.title.clone(),
            date: article.date.map(|date| date.to_string()),
            source: article.source.clone(),
            url: article.url.clone(),
            language: article.language.clone(),
        };
        let full = FullArticle {
            article: header,
            text: article.text.clone(),
            metadata: article.metadata.clone(),
            passages: vec![Passage { id: 1, field: Field::Body, start: 0, end: 1, tokens: 1 }],
            furniture: vec![Span { start: 0, end: 1 }],
        };
        let back = serde_json::from_str(&json!(full).to_string()).unwrap();
        prop_assert_eq!(NewArticle { article, remarks: Vec::new() }, back);
    }

    #[test]
    fn scores_have_six_digits(score in -1e3f32..1e3) {
        prop_assert!((number(score) - f64::from(score)).abs() <= 5.001e-7);
        let printed = json!(number(score)).to_string();
        prop_assert!(printed.split_once('.').is_none_or(|(_, digits)| digits.len() <= 6), "{}", printed);
    }
}

#[test]
fn what_is_no_number_is_null() {
    assert_eq!(json!(number(f32::NAN)), Value::Null);
    assert_eq!(json!([number(0.1), number(1.0), number(-0.123_456_78)]).to_string(), "[0.1,1.0,-0.123457]");
}

#[cfg(feature = "server")]
mod described {
    use utoipa::{PartialSchema, ToSchema};

    use super::*;

    fn article() -> Article {
        Article { id: "a".into(), title: None, date: None, source: None, url: None, language: None }
    }

    fn schema<T: PartialSchema>() -> Value {
        json!(T::schema())
    }

    /// All schemas that a type needs, by name.
    fn schemas<T: ToSchema>() -> HashMap<String, Value> {
        let mut found = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut found);
        found.into_iter().map(|(name, schema)| (name, json!(schema))).collect()
    }

    /// The properties of a schema and of those that it is made of.
    fn properties(schema: &Value, all: &HashMap<String, Value>, found: &mut Vec<(String, Value)>) {
        if let Some(name) = schema["$ref"].as_str() {
            properties(&all[name.rsplit_once('/').unwrap().1], all, found);
        }
        schema["allOf"].as_array().into_iter().flatten().for_each(|part| properties(part, all, found));
        let own = schema["properties"].as_object().into_iter().flatten();
        found.extend(own.map(|(name, property)| (name.clone(), property.clone())));
    }

    #[track_caller]
    fn check<T: ToSchema + Serialize>(value: &T) {
        let mut said = Vec::new();
        properties(&schema::<T>(), &schemas::<T>(), &mut said);
        let said: BTreeSet<&str> = said.iter().map(|(name, _)| name.as_str()).collect();
        let value = json!(value);
        let printed: BTreeSet<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(said, printed, "{}", T::name());
    }

    fn pair() -> Pair {
        let (relation, precedence) = (None, crate::dedup::Precedence::Known);
        let (jaccard, a_in_b, b_in_a, share_a, share_b) = (0.0, 0.0, 0.0, 0.0, 0.0);
        Pair {
            kind: Kind::Pair,
            relation,
            confidence: 0.0,
            a: article(),
            b: article(),
            precedence,
            minutes: None,
            jaccard,
            a_in_b,
            b_in_a,
            share_a,
            share_b,
            closeness: None,
        }
    }

    #[test]
    fn what_is_printed_is_what_is_described() {
        let place = Place { rank: None, score: 0.0, share: 0.0 };
        let span = Span { start: 0, end: 1 };
        let passage = PassageHit {
            id: 1,
            field: Field::Body,
            score: 0.0,
            text: "a".into(),
            start: 0,
            end: 1,
            sentence: span,
            words: vec![span],
        };
        let reasons = Reasons { score: 0.0, words: Some(place), meaning: None, reranked: None, terms: Vec::new() };
        let full = stored(understood(json!({"id": "a", "text": "abc"})).article);
        check(&full);
        check(&full.passages[0]);
        check(&Hit {
            rank: 1,
            score: 0.0,
            article: article(),
            title_words: Vec::new(),
            passage: passage.clone(),
            versions: Vec::new(),
            reasons: Some(reasons),
        });
        check(&passage);
        let texts = Texts { a: "a".into(), b: "b".into() };
        let credits = Credits { a: Vec::new(), b: Vec::new() };
        check(&Comparison { pair: pair(), stretches: Vec::new(), credits, facts: Vec::new(), texts: Some(texts) });
        check(&Group { kind: Kind::Group, representative: article(), members: Vec::new() });
        check(&Status::new(
            &ModelIdentity { id: "a".into(), reference: "b".into(), revision: "c".into(), dims: 1 },
            &store::Stats::default(),
            None,
        ));
    }

    #[test]
    fn every_field_is_explained() {
        let all = [
            schemas::<Answer>(),
            schemas::<Related>(),
            schemas::<FullArticle>(),
            schemas::<Comparison>(),
            schemas::<Group>(),
            schemas::<Status>(),
            schemas::<Facet>(),
            schemas::<LabelName>(),
            schemas::<NewArticle>(),
        ];
        for (name, schema) in all.iter().flatten() {
            assert!(schema["description"].is_string(), "{name}: {schema:#}");
            let mut own = Vec::new();
            properties(schema, &all.iter().flatten().map(|(n, s)| (n.clone(), s.clone())).collect(), &mut own);
            assert!(!own.is_empty() || schema["enum"].is_array(), "{name}: {schema:#}");
            for (property, schema) in own {
                // What may be null is said of the first of two.
                let explained = [&schema["description"], &schema["oneOf"][0]["description"]];
                assert!(explained.iter().any(|text| text.is_string()), "{name}.{property}: {schema:#}");
            }
        }
    }

    #[test]
    fn names_are_those_that_are_printed() {
        let names = |schema: Value| schema["enum"].clone();
        let relations = crate::dedup::Relation::ALL.map(crate::dedup::Relation::name);
        assert_eq!(names(schema::<crate::dedup::Relation>()), json!(relations));
        assert_eq!(names(schema::<Field>()), json!(["title", "body"]));
        assert_eq!(names(schema::<Kind>()), json!(["pair", "group"]));
        assert_eq!(NewArticle::name(), "NewArticle");
    }

    #[test]
    fn the_fields_of_a_new_article_are_understood() {
        let described = schema::<NewArticle>();
        let value = |(name, property): (&String, &Value)| {
            let value = match name.as_str() {
                "metadata" => json!({}),
                _ => property.get("example").cloned().unwrap_or_else(|| "abc".into()),
            };
            (name.clone(), value)
        };
        let all: Map<String, Value> = described["properties"].as_object().unwrap().iter().map(value).collect();
        let NewArticle { article, remarks } = understood(all.clone().into());
        assert!(all.len() > 8 && remarks.is_empty(), "{all:?}");
        assert_eq!(article.metadata, Map::new(), "not understood");
        let nulls = all.into_iter().filter(|(name, _)| name != "text").map(|(name, _)| (name, Value::Null));
        let read = understood(nulls.chain([("text".to_owned(), "abc".into())]).collect::<Map<_, _>>().into());
        assert_eq!(read.article, types::Article { text: "abc".into(), ..types::Article::default() });
    }
}
