use proptest::prelude::*;

use super::FactKind::{Name, Number, Quotation};
use super::*;

/// What two texts share: kind, as the first has it, as the second has it.
fn told<'t>(a: &'t str, b: &'t str) -> Vec<(FactKind, &'t str, &'t str)> {
    shared_facts(a, b).into_iter().map(|fact| (fact.kind, &a[fact.a.range()], &b[fact.b.range()])).collect()
}

const VISIT: &str = "Une délégation, menée par Iounous-bek Bamatguireïevitch Evkourov, est arrivée mardi en Libye à l'invitation du \
    maréchal Khalifa Haftar, chef de l'Armée nationale libyenne (ANL). Le navire compte 180 marins.\n\
    \"Nous parlerons de la lutte contre le terrorisme et d'autres questions d'action commune\", a dit Moscou.";

const ACCOUNT: &str = "L’ANL reçoit pour deux jours Ievkourov, venu de Rostov-sur-le-Don. Haftar l’attendait au port, où cent \
    quatre-vingts marins saluaient. Ils évoquent « d’autres questions d’action commune », selon l’entourage de Khalifa Haftar.";

#[test]
fn one_event_in_other_words() {
    assert_eq!(
        told(VISIT, ACCOUNT),
        [
            (Name, "Iounous-bek Bamatguireïevitch Evkourov", "Ievkourov"),
            (Name, "Khalifa Haftar", "Khalifa Haftar"),
            (Name, "ANL", "ANL"),
            (Number, "180 marins", "cent quatre-vingts marins"),
            (
                Quotation,
                "Nous parlerons de la lutte contre le terrorisme et d'autres questions d'action commune",
                " d’autres questions d’action commune "
            ),
        ]
    );
}

#[test]
fn names_that_meet() {
    for (a, b) in [
        ("On a vu Khalifa Haftar.", "Il a vu Haftar."),
        ("On a vu Sergueï Choïgou.", "Il a vu Serguei Shoigu."),
        ("On a vu M. Delevoye.", "Mme Dupont a vu Jean-Paul Delevoye."),
        ("Il va à Rostov-sur-le-Don.", "Ils sont à Rostov-sur-le-Don."),
        ("Il est à l'ANL.", "Chef de l'Armée nationale libyenne (ANL), il parle."),
        ("Au siège du Haut Conseil de la famille.", "Le Haut Conseil de la famille a parlé."),
        ("Haftar a parlé.", "Il a vu Haftar."),
        ("Le ministre de la Défense Florent Dubois parle.", "Florent Dubois parle."),
    ] {
        assert!(told(a, b).iter().any(|fact| fact.0 == Name), "{a} {b}");
    }
}

#[test]
fn names_that_do_not_meet() {
    for (a, b) in [
        ("On a vu Jeanne Dubreuil.", "On a vu Marc Dubreuil."),
        ("Interrogé par la presse, il parle.", "Interrogé par nous, il se tait."),
        ("Selon lui, oui.", "Selon elle, non."),
        ("On a vu Martine.", "On a vu Martine Dubreuil."),
        ("Marins et pêcheurs parlent.", "Il a vu des marins et Marins."),
        ("CE QUE DIT LE CODE DU TRAVAIL", "CE QUE FAIT LE CODE DU TRAVAIL"),
    ] {
        assert_eq!(told(a, b), [], "{a} {b}");
    }
}

#[test]
fn numbers_that_meet() {
    for (a, b) in [
        ("quatre morts", "4 morts"),
        ("vingt et un blessés", "21 blessés"),
        ("quatre-vingt-dix-sept navires", "97 navires"),
        ("16.000 habitants", "16 000 habitants"),
        ("deux cent mille tonnes", "200.000 tonnes"),
        ("7 milliards d'euros", "sept milliards d’euros"),
        ("1,5 million de masques", "1.500.000 masques"),
        ("3,5% des voix", "3,5 % des voix"),
        ("300 €", "300 euros"),
        ("à 19h09", "à 19H09"),
        ("le 22 août", "22 août 2023"),
        ("un total de 1.347", "soit 1347"),
    ] {
        let found = told(a, b);
        assert!(matches!(found[..], [(Number, _, _)]), "{a}, {b}: {found:?}");
    }
}

#[test]
fn numbers_that_do_not_meet() {
    for (a, b) in [
        ("quatre morts", "quatre blessés"),
        ("quatre morts", "cinq morts"),
        ("un port", "un port"),
        ("en 2019", "en 2019"),
        ("3 millions de masques", "3 masques"),
        ("3,5 %", "35 %"),
        ("1.347 morts", "1,347 mort"),
        ("seul le six. Morts", "le six morts"),
    ] {
        assert_eq!(told(a, b), [], "{a}, {b}");
    }
}

#[test]
fn quotations_that_meet() {
    let long = "Il dit : \"le port de Brest sera bientôt ouvert\", puis se tait.";
    assert_eq!(told(long, "Le port, dit-on, « sera bientôt ouvert ».").len(), 1);
    assert_eq!(told(long, "Le port, dit-on, « sera un jour fermé ».").len(), 0);
    assert_eq!(told("« le port »", "« le port »").len(), 0);
    assert_eq!(told("\"le port de mer\nest ouvert", "le port de mer\" est ouvert").len(), 0);
}

#[test]
fn a_text_that_says_nothing_has_no_weight() {
    for text in ["", " ", "Il pleut.", "Il pleut. Il neige."] {
        assert_eq!((facts(text).weight(), evidence(&shared_facts(text, text))), (0.0, 0.0), "{text}");
    }
}

#[test]
fn what_is_common_weighs_little() {
    let weight = |text: &str| evidence(&shared_facts(text, text));
    assert!(weight("On est à Paris, en France, selon l'AFP.") < 0.2);
    assert!(weight("On est à Bamatguireïevo.") > 0.5);
    assert!(weight("On a vu Khalifa Haftar.") > weight("On a vu Haftar."));
    assert!(weight("Il y a 1.347 morts.") > weight("Il y a deux morts."));
    assert!(weight("Il y a deux morts.") > weight("Il y a deux jours."));
    assert_eq!(weight("Il y a un an."), 0.0);
}

proptest! {
    #[test]
    fn places_are_of_the_texts_and_in_order(
        a in "(Haftar|Khalifa |de |l'|ANL|\\(|\\)|\"|«|»|\\. |\n|é|12|\\.|000|deux|cent|%|\\PC{0,4}| ){0,24}",
        b in "(Haftar|Khalifa |de |l'|ANL|\\(|\\)|\"|«|»|\\. |\n|é|12|\\.|000|deux|cent|%|\\PC{0,4}| ){0,24}",
    ) {
        let facts = shared_facts(&a, &b);
        for fact in &facts {
            prop_assert!(!a[fact.a.range()].is_empty() && !b[fact.b.range()].is_empty());
            prop_assert!(fact.weight > 0.0 && fact.weight <= MOST_OF_QUOTATION);
        }
        prop_assert!(facts.is_sorted_by_key(|fact| fact.a));
        let back = shared_facts(&b, &a);
        prop_assert_eq!(facts.len(), back.len());
    }

    #[test]
    fn a_text_shares_all_that_it_has(text in "(Haftar|Dubois|Ingouchie| et |, |douze ports|quatre ans|\\. Il ){0,16}") {
        let all = facts(&text);
        let shared = shared(&all, &all);
        prop_assert_eq!(shared.iter().filter(|fact| fact.kind == Number).count(), all.numbers.len());
        prop_assert!(shared.iter().all(|fact| fact.a == fact.b));
        prop_assert!((evidence(&shared) - all.weight()).abs() < 1e-3, "{} of {}", evidence(&shared), all.weight());
    }
}
