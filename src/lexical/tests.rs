use std::collections::HashMap;

use proptest::prelude::*;

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
fn names_are_found_and_marked_in_other_spellings() {
    let shelf = Shelf::of(&[
        ("Libye", "Le maréchal Khalifa Haftar est à Moscou, où Choïgou le reçoit."),
        ("Hifter in Moskau", "Empfang durch Schoigu."),
        ("Cuisine", "Un hafter de lentilles."),
    ]);
    assert_eq!(shelf.found("Hafter"), [1, 2, 3], "as a name, and as a word");
    assert_eq!(shelf.found("hifter"), [1, 2], "typed in haste; what has no capital is no name");
    assert_eq!(shelf.found("shoigu"), [1, 2]);
    assert_eq!(shelf.found("Moscou haftar"), [1], "among capitals a word without is none");
    let (view, query) = (shelf.view(), plain("Hafter"));
    assert_eq!(view.explain(&query, ArticleId(1)).unwrap()[0].kind, TermKind::Name);
    let share = |words| view.explain(&plain(words), ArticleId(1)).unwrap()[0].score;
    assert!(share("Hafter") < share("Heftar"), "the more articles have the word itself, the less its name is worth");
    let text = "Khalifa Haftar, dit le hifter";
    let marks = view.marks(&query, text, Some("fr"));
    assert_eq!(marks.iter().map(|mark| &text[mark.range()]).collect::<Vec<_>>(), ["Haftar"]);
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
fn a_view_that_is_caught_up_has_what_changed_and_the_one_before_stays() {
    for persisted in [false, true] {
        let mut shelf = three();
        if persisted {
            persist(&shelf.store).unwrap();
        }
        let first = shelf.view();
        let new = shelf.put("nouveau", "Grève à Mayotte", "Le port est fermé.", "fr");
        let second = first.caught_up(&shelf.store).unwrap();
        shelf.put("nouveau", "Carnaval", "Le port est ouvert.", "fr");
        shelf.put("0", "Marché", "Des fruits à Mayotte.", "fr");
        let third = second.caught_up(&shelf.store).unwrap();
        shelf.remove(new);
        shelf.remove(ArticleId(2));
        let fourth = third.caught_up(&shelf.store).unwrap();
        for (view, articles, strike, carnival, water, mayotte) in [
            (&first, 3, vec![], vec![], 2, 2),
            (&second, 4, vec![new.0], vec![], 2, 3),
            (&third, 4, vec![], vec![new.0], 1, 2),
            (&fourth, 2, vec![], vec![], 1, 2),
        ] {
            assert_eq!(view.len(), articles);
            assert_eq!(rows(view, &plain("grève")), strike);
            assert_eq!(rows(view, &plain("carnaval")), carnival);
            assert_eq!((rows(view, &plain("eau")).len(), rows(view, &plain("mayotte")).len()), (water, mayotte));
        }
        assert_eq!(fourth.sequence(), shelf.store.sequence().unwrap());
        assert_eq!(fourth.verify(&shelf.store).unwrap(), Vec::<String>::new());
    }
}

#[test]
fn a_language_is_known_once_an_article_is_written_in_it() {
    let mut shelf = Shelf::new();
    let view = shelf.view();
    shelf.put("en", "", "The runners were connected.", "en");
    let view = view.caught_up(&shelf.store).unwrap();
    assert_eq!(rows(&view, &plain("the connection of a runner")), [1]);
    let scores = |view: &LexicalView| view.scores(&plain("connection runner"), &[ArticleId(1)]).unwrap();
    assert_eq!(scores(&view), scores(&shelf.view()), "an empty store is read as French, until it is not empty");
}

#[test]
fn what_comes_one_by_one_lies_in_few_parts() {
    let mut shelf = Shelf::new();
    let mut view = shelf.view();
    for number in 0..100 {
        // Every other article takes the place of one before.
        let key = if number % 2 == 0 { number } else { number / 3 };
        shelf.put(&key.to_string(), "Port", &format!("bateau {number}"), "fr");
        view = view.caught_up(&shelf.store).unwrap();
        let (parts, documents) = view.parts_in_memory();
        assert!(1 << (parts - 1) <= view.len(), "{parts} parts for {} articles", view.len());
        assert!(documents <= 2 * view.len(), "{documents} documents for {} articles", view.len());
    }
    for round in 0..100 {
        shelf.put("0", "Port", &format!("bateau {round}"), "fr");
        view = view.caught_up(&shelf.store).unwrap();
        assert!(view.parts_in_memory().1 <= 2 * view.len());
    }
    assert_eq!(view.verify(&shelf.store).unwrap(), Vec::<String>::new());
}

#[test]
fn what_is_open_answers_whatever_becomes_of_the_files() {
    let mut shelf = three();
    persist(&shelf.store).unwrap();
    let reader = shelf.store.reader().unwrap();
    let first = shelf.view();
    let answers = |view: &LexicalView| view.search(&plain("eau potable Mayotte"), 10, None).unwrap();
    let before = answers(&first);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..12 {
                shelf.put(&format!("r{}", round % 5), "Tour", &format!("tour {round}"), "fr");
                persist(&shelf.store).unwrap();
            }
            fs_err::remove_dir_all(shelf.store.views()).unwrap();
        });
        let mut view = first.caught_up(&reader).unwrap();
        while !writer.is_finished() {
            view = view.caught_up(&reader).unwrap();
            assert_eq!(answers(&first), before);
            assert_eq!(rows(&view, &plain("eau potable Mayotte")).len(), 2);
        }
        writer.join().unwrap();
    });
    assert_eq!(answers(&first), before);
    let view = first.caught_up(&reader).unwrap();
    assert_eq!((view.len(), rows(&view, &plain("tour")).len()), (8, 6));
    assert_eq!(rows(&view, &plain("potable")), [1]);
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
        let query = Query {
            words: String::new(),
            required: phrases(required),
            excluded: phrases(excluded),
            ..Query::default()
        };
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

#[test]
fn a_rank_does_not_depend_on_where_an_article_lies() {
    let texts: Vec<(String, String)> = (0..30)
        .map(|n| (format!("Le port {n}"), format!("Le port {} de la ville attend {}", "bateau ".repeat(n % 5), n % 3)))
        .collect();
    let texts: Vec<(&str, &str)> = texts.iter().map(|(title, text)| (title.as_str(), text.as_str())).collect();
    let in_memory = Shelf::of(&texts);
    let mut on_both = Shelf::of(&texts[..20]);
    persist(&on_both.store).unwrap();
    for (number, (title, text)) in texts.iter().enumerate().skip(20) {
        on_both.put(&number.to_string(), title, text, "fr");
    }
    let query = plain("bateau du port 2");
    let one = in_memory.view().search(&query, 20, None).unwrap();
    assert_eq!(one, on_both.view().search(&query, 20, None).unwrap());
    persist(&on_both.store).unwrap();
    assert_eq!(one, on_both.view().search(&query, 20, None).unwrap());
    assert_eq!(one.len(), 20);
}

#[test]
fn each_article_is_read_in_its_language() {
    let mut shelf = Shelf::new();
    for (key, text, language) in [
        ("en", "The runners were connected.", "en"),
        ("es", "Las elecciones municipales.", "es"),
        ("ru", "Выборы президента России.", "ru"),
        ("ar", "الانتخابات الرئاسية في البلاد", "ar"),
        ("xx", "Nederlandse verkiezingen", "nl"),
    ] {
        shelf.put(key, "", text, language);
    }
    for (words, row) in [
        ("the connection of a runner", 1),
        ("elección municipal", 2),
        ("президент", 3),
        ("البلاد", 4),
        ("verkiezingen", 5),
    ] {
        assert_eq!(shelf.found(words), [row], "{words}");
    }
}

#[test]
fn page_furniture_is_not_searched() {
    let mut shelf = Shelf::new();
    let text = "Lire aussi : Mbappé\nL'été est chaud.\nPartager";
    let furniture = [(0, 20), (37, 45)].map(|(start, end)| CharSpan { start, end }).to_vec();
    shelf.put_with("a", "Météo", text, "fr", furniture);
    assert_eq!(shelf.found("Mbappé partager"), [0i64; 0]);
    assert_eq!(shelf.found("chaud"), [1]);
}

#[test]
fn marks_are_the_words_that_were_found() {
    let view = three().view();
    let mut query = plain("les écoles manquer");
    query.required.push(phrase("à Mayotte"));
    let text = "À Mayotte, l’école manque de tout. Mayotte attend.";
    let marked: Vec<&str> = view.marks(&query, text, None).iter().map(|span| &text[span.range()]).collect();
    assert_eq!(marked, ["À", "Mayotte", "école", "manque"]);
}

#[test]
fn a_long_query_is_asked_by_its_rarest_words() {
    let shelf = three();
    let words: String = (0..2_000).map(|n| format!("mot{n} ")).collect();
    let mayotte = shelf.found("Mayotte");
    assert_eq!(shelf.found(&(words + " Mayotte")), mayotte, "words that no article has are not rare, they are nothing");
    assert_eq!(shelf.found(&("Mayotte ".repeat(500) + " peloton")), [1, 2, 3]);
}

#[test]
fn an_index_that_cannot_be_trusted_is_made_again() {
    let shelf = three();
    persist(&shelf.store).unwrap();
    let expected = shelf.view().search(&plain("eau Mayotte"), 10, None).unwrap();
    let folder = shelf.folder.path().join("views/lexical");
    for kind in ["term", "idx", "pos", "fieldnorm", "fast", "store", "json"] {
        for damage in [b"".as_slice(), b"{}"] {
            let mut files = fs_err::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
            let file = files.find(|path| path.extension().is_some_and(|extension| extension == kind)).unwrap();
            fs_err::write(&file, damage).unwrap();
            assert_eq!(shelf.view().search(&plain("eau Mayotte"), 10, None).unwrap(), expected, "{kind}");
            assert!(!shelf.view().verify(&shelf.store).unwrap().is_empty(), "{kind}");
            persist(&shelf.store).unwrap();
            assert_eq!(shelf.view().verify(&shelf.store).unwrap(), Vec::<String>::new(), "{kind}");
        }
    }
}

#[test]
fn a_commit_that_was_cut_short_leaves_the_one_before() {
    let mut shelf = three();
    persist(&shelf.store).unwrap();
    let folder = shelf.folder.path().join("views/lexical");
    let before = fs_err::read(folder.join("meta.json")).unwrap();
    let new = shelf.put("nouveau", "Grève", "Le port est fermé.", "fr");
    persist(&shelf.store).unwrap();
    // New files are there, and the list that names them was not written any more.
    fs_err::write(folder.join("meta.json"), before).unwrap();
    assert_eq!(shelf.found("grève"), [new.0]);
    persist(&shelf.store).unwrap();
    assert_eq!(shelf.found("grève port mayotte"), [1, 3, new.0]);
    assert_eq!(shelf.view().verify(&shelf.store).unwrap(), Vec::<String>::new());
}

#[test]
fn the_index_of_another_store_is_not_taken() {
    let (shelf, other) = (three(), Shelf::of(&[("Autre", "chose"), ("Encore", "autre chose"), ("Rien", "de plus")]));
    persist(&shelf.store).unwrap();
    fs_err::create_dir_all(other.store.views()).unwrap();
    fs_err::rename(shelf.store.views().join("lexical"), other.store.views().join("lexical")).unwrap();
    assert_eq!(other.found("mayotte"), [0i64; 0]);
    assert_eq!(other.found("autre"), [1, 2]);
}

#[test]
fn readers_find_what_they_opened_while_a_writer_commits() {
    let mut shelf = three();
    persist(&shelf.store).unwrap();
    let folder = shelf.folder.path().to_owned();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            for _ in 0..20 {
                let view = open(&Store::open(&folder).unwrap()).unwrap();
                assert!(rows(&view, &plain("mayotte")).len() >= 2);
                assert_eq!(rows(&view, &plain("peloton")), [2]);
            }
        });
        for round in 0..10 {
            shelf.put(&format!("r{}", round % 3), "Mayotte", &format!("tour {round}"), "fr");
            persist(&shelf.store).unwrap();
        }
        reader.join().unwrap();
    });
    assert_eq!(shelf.found("mayotte").len(), 5);
}

#[test]
fn a_view_opens_where_nothing_may_be_written() {
    let shelf = three();
    persist(&shelf.store).unwrap();
    let views = shelf.store.views();
    let lock = views.join("lexical/.tantivy-meta.lock");
    let _ = fs_err::remove_file(&lock);
    // Who opens it to write fails, whatever the user may do: a folder stands there.
    fs_err::create_dir_all(&lock).unwrap();
    assert_eq!(shelf.found("mayotte"), [1, 3]);
}

/// Something that happens to a store.
#[derive(Clone, Debug)]
enum Event {
    Put { key: u8, words: Vec<&'static str> },
    Remove { key: u8 },
    Persist,
    CatchUp,
}

const WORDS: [&str; 9] = ["port", "bateau", "bateaux", "Mayotte", "eau", "grève", "de", "la", "marché"];

fn any_event() -> impl Strategy<Value = Event> {
    let words = prop::collection::vec(prop::sample::select(&WORDS[..]), 1..12);
    prop_oneof![
        8 => (0u8..40, words).prop_map(|(key, words)| Event::Put { key, words }),
        2 => (0u8..40).prop_map(|key| Event::Remove { key }),
        1 => Just(Event::Persist),
        8 => Just(Event::CatchUp),
    ]
}

proptest::proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..Default::default() })]

    /// Whatever happened to a store, a view that was caught up finds what a view that is opened finds; with the same scores, as
    /// long as no document is of another time.
    #[test]
    fn a_view_that_is_caught_up_answers_as_a_new_one(events in prop::collection::vec(any_event(), 1..60), any in 0usize..2) {
        let mut shelf = if any == 0 { Shelf::new() } else { three() };
        let mut view = shelf.view();
        let mut all_new = true;
        let queries = ["bateau", "la grève du port", "eau Mayotte", "de la"].map(|words| Query {
            words: words.into(),
            preferred: vec![phrase("port de la")],
            ..Query::default()
        });
        let constraint = |word: &str, other: &str| Query {
            required: vec![phrase(word)],
            excluded: vec![phrase(other)],
            ..Query::default()
        };
        let constraints = [constraint("port", "eau"), constraint("la grève", "bateaux"), constraint("Mayotte", "port de")];
        for event in events.into_iter().chain([Event::CatchUp]) {
            match event {
                Event::Put { key, words } => {
                    let (key, title) = (format!("p{key}"), words[0]);
                    all_new &= shelf.store.find(&key).unwrap().is_none();
                    shelf.put(&key, title, &words.join(" "), "fr");
                }
                Event::Remove { key } => {
                    if let Some(article) = shelf.store.find(&format!("p{key}")).unwrap() {
                        shelf.remove(article);
                        all_new = false;
                    }
                }
                Event::Persist => persist(&shelf.store).unwrap(),
                Event::CatchUp => {
                    view = view.caught_up(&shelf.store).unwrap();
                    let opened = shelf.view();
                    prop_assert_eq!(view.sequence(), opened.sequence());
                    prop_assert_eq!(view.verify(&shelf.store).unwrap(), Vec::<String>::new());
                    for query in &queries {
                        let [found, expected] = [&view, &opened].map(|view| view.search(query, 100, None).unwrap());
                        let articles = |found: &[Found]| found.iter().map(|found| found.article).collect::<ArticleSet>();
                        prop_assert_eq!(articles(&found), articles(&expected));
                        if all_new {
                            prop_assert_eq!(&found, &expected);
                        }
                        let ids: Vec<_> = found.iter().map(|found| found.article).collect();
                        let scores: Vec<_> = found.iter().map(|found| found.score).collect();
                        prop_assert_eq!(view.scores(query, &ids).unwrap(), scores);
                        let every = |view: &LexicalView| view.with_every_word(query).unwrap();
                        prop_assert_eq!(every(&view), every(&opened));
                        let marks = |view: &LexicalView| view.marks(query, "Le port de la grève, les bateaux", None);
                        prop_assert_eq!(marks(&view), marks(&opened));
                    }
                    for query in &constraints {
                        prop_assert_eq!(view.constraint(query).unwrap(), opened.constraint(query).unwrap());
                        prop_assert_eq!(view.search(query, 1, None).unwrap().len(), opened.search(query, 1, None).unwrap().len());
                    }
                }
            }
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 12, ..Default::default() })]

    /// No text is an error, and shares of any query add up.
    #[test]
    fn any_text_is_a_query(words in "(\\PC|[a-zé' \"-]){0,60}", quoted in "(\\PC|[a-z ]){0,12}") {
        let shelf = three();
        let view = shelf.view();
        let query = Query {
            words: words + " eau",
            required: Vec::new(),
            preferred: Vec::new(),
            excluded: vec![phrase(&quoted)],
        };
        for Found { article, score } in view.search(&query, 10, None).unwrap() {
            let shares: f32 = view.explain(&query, article).unwrap().iter().map(|term| term.score).sum();
            proptest::prop_assert_eq!(shares, score);
        }
        view.marks(&query, &quoted, Some("en"));
    }
}
