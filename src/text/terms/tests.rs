use proptest::prelude::*;

use super::*;

fn forms(text: &str) -> Vec<String> {
    words(text).into_iter().map(|word| word.form).collect()
}

#[test]
fn words_of_french_news() {
    for (text, expected) in [
        ("", &[][..]),
        (" … « » ! 🙂", &[]),
        ("L'école d’Été, qu'il n'a", &["ecole", "ete", "il", "a"]),
        ("Jusqu'à aujourd'hui, d'aujourd’hui", &["a", "aujourdhui", "aujourdhui"]),
        ("N'Djamena, M'Bala, O'Brien", &["ndjamena", "mbala", "obrien"]),
        ("l'« affaire »", &["l", "affaire"]),
        ("Obama's speech isn't", &["obama", "speech", "isnt"]),
        ("rendez-vous Saint-Étienne", &["rendez", "vous", "saint", "etienne"]),
        ("L'O.N.U. et les U.S.A.", &["onu", "et", "les", "usa"]),
        ("fin.Le début", &["fin", "le", "debut"]),
        ("1 000 000 d'euros", &["1000000", "euros"]),
        ("1.000.000 ou 1\u{202F}000\u{A0}000", &["1000000", "ou", "1000000"]),
        ("3,5 % contre 3.5", &["3.5", "contre", "3.5"]),
        ("12 345,67 €", &["12345.67"]),
        ("2019-2020, 2019 300", &["2019", "2020", "2019", "300"]),
        ("20h30, G20, Covid-19", &["20h30", "g20", "covid", "19"]),
        ("cœur ŒUVRE œdème Ægir Straße", &["coeur", "oeuvre", "oedeme", "aegir", "strasse"]),
        ("e\u{301}te\u{301} gou\u{AD}vernement", &["ete", "gouvernement"]),
        ("dell'arte un'altra", &["arte", "altra"]),
        ("Ёлка й", &["елка", "й"]),
        ("مُحَمَّد إلى المدرسة", &["محمد", "الي", "المدرسه"]),
        ("国防部长", &["国", "防", "部", "长"]),
    ] {
        assert_eq!(forms(text), expected, "{text:?}");
    }
}

#[test]
fn spans_are_of_the_words_as_published() {
    let text = "À l’École : 1 000 élèves, l'O.N.U.";
    let cut: Vec<&str> = words(text).iter().map(|word| &text[word.span.range()]).collect();
    assert_eq!(cut, ["À", "École", "1 000", "élèves", "O.N.U"]);
}

proptest! {
    #[test]
    fn any_text_has_words_on_character_borders(text in "(\\PC|[a-zé'’.,: 0-9\u{300}\u{AD}\u{202F}]){0,60}") {
        let mut end = 0;
        for word in words(&text) {
            prop_assert!(word.span.start >= end && word.span.end > word.span.start);
            end = word.span.end;
            prop_assert!(text.get(word.span.range()).is_some());
            prop_assert!(!word.form.is_empty());
        }
    }

    #[test]
    fn folding_twice_is_folding_once(text in "(\\PC|[ЙйЁёİıßŒﬁ\u{306}\u{308}ىة]){0,20}") {
        let form = fold(&text);
        prop_assert_eq!(fold(&form), form);
    }

    #[test]
    fn any_word_has_a_stem(word in "(\\PC|[a-z]){1,20}", language in "fr|en|es|de|it|pt|ar|ru|xx") {
        let form = fold(&word);
        prop_assert_eq!(stem(&language, &form).is_empty(), form.is_empty());
    }
}

#[test]
fn lists_of_stop_words_are_folded_and_in_order() {
    for language in ["fr", "en", "es", "de", "it", "pt", "ar", "ru"] {
        let list = stop::list(language);
        assert!(list.is_sorted_by(|a, b| a < b), "{language}");
        for word in list {
            assert_eq!(fold(word), *word, "{language}");
        }
    }
    assert!(is_stop_word("fr", "dont") && !is_stop_word("fr", "crise") && !is_stop_word("xx", "de"));
}
