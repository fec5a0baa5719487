//! Furniture of web pages: lines such as "Lire aussi : …" or "Partager sur Facebook" that are not part of the article.
//!
//! A line is marked only where the whole of it has the shape of known furniture, however often real sentences use the
//! same words. What repeats from page to page without such a shape, bylines and dates included, is left alone: this
//! module sees one text and knows no others.

use std::sync::LazyLock;

use regex::RegexSet;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::lines::lines;
use super::normalise::analysis_form;
use crate::types::Span;

/// Longest line that can be furniture, in bytes as published. Longer ones are prose.
const LONGEST_LINE: usize = 400;

/// Marks the lines of `text` that are web furniture.
///
/// Each span is one whole line with its line break; spans come in order. Marks nothing when in doubt.
pub fn boilerplate(text: &str) -> Vec<Span> {
    lines(text).filter(|line| line.len() <= LONGEST_LINE && is_furniture(&text[line.range()])).collect()
}

fn is_furniture(line: &str) -> bool {
    // Guillemets become plain quotation marks in analysis form, where they would say that the line is quoted.
    let folded = fold(line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '»' | '›')));
    let Some(inner) = undecorated(&folded) else { return false };
    FURNITURE.is_match(inner)
}

/// The line in analysis form without accents, which capitals often lack.
fn fold(line: &str) -> String {
    analysis_form(line).nfd().filter(|&c| !is_combining_mark(c)).collect()
}

/// The line without bullets, arrows and brackets around it, or nothing for a heading between dashes (`- Partager -`), as
/// agencies set them inside an article.
fn undecorated(line: &str) -> Option<&str> {
    let is_dash = |c| matches!(c, '-' | '–' | '—');
    if line.starts_with(is_dash) && line.ends_with(is_dash) {
        return None;
    }
    let is_ornament =
        |c: char| c == ' ' || is_dash(c) || "•·●■►▶▸▹»>→➡➜➤👉*|…_=#<".contains(c) || matches!(c, '[' | ']' | '(' | ')');
    let inner = line.trim_start_matches(is_ornament).trim_end_matches(|c: char| is_ornament(c) || ".!:".contains(c));
    (!inner.is_empty()).then_some(inner)
}

/// What may follow the name of a link: nothing, a mark and the linked title, or the title, which begins like a title.
const LINK: &str = r#"(?:$| ?[:>|→➡»–—-].*$| (?-i:[\p{Lu}\d"]).*$)"#;

/// Where readers are asked to share an article.
const NETWORK: &str = "(?:facebook|twitter|x|linkedin|whatsapp|messenger|telegram|instagram|pinterest|reddit|bluesky|\
                       mastodon|threads|tiktok|flipboard|e-?mail|mail|les reseaux sociaux|vos reseaux sociaux)";

/// The known shapes, on folded and undecorated lines. Each is anchored at the start, and nearly all at the end.
static FURNITURE: LazyLock<RegexSet> = LazyLock::new(|| {
    let shapes = [links(), sharing(), subscription(), credits(), site()].concat();
    RegexSet::new(shapes.iter().map(|shape| format!("(?i)^(?:{shape})"))).expect("the shapes above are valid patterns")
});

/// Links to other articles, or to the rest of this one.
fn links() -> Vec<String> {
    vec![
        format!(
            "(?:(?:a )?(?:lire|re?lire|voir|revoir|ecouter|decouvrir) (?:aussi|egalement|encore)|lire (?:notre|nos) articles?){LINK}"
        ),
        r"(?:a (?:lire|voir|ecouter|decouvrir)|pour (?:aller plus loin|en savoir plus))(?: ?:.*)?$".into(),
        r"(?:(?:nos|les) (?:autres )?articles )?(?:sur|dans) le meme (?:sujet|theme|dossier)(?: ?:.*)?$".into(),
        r"(?:articles?|sujets?|contenus?) (?:associes?|lies?|similaires?|recommandes?)(?: ?:.*)?$".into(),
        r"(?:lire|voir|afficher) (?:la suite|plus|l'article(?: complet| en entier)?)(?: (?:sur|dans) .{1,30})?$".into(),
        r"(?:en savoir plus|cliquez ici.{0,100}|retour (?:a l'accueil|en haut(?: de page)?))$".into(),
        format!("(?:read|see|watch) (?:also|more|next){LINK}|also (?:read|see){LINK}"),
        r"(?:related (?:articles?|stories|content|topics)|more on this (?:story|topic)|continue reading)(?: ?:.*)?$"
            .into(),
        r#"embed url=.*$|https?://\S+$"#.into(),
    ]
}

/// Buttons to share, print, keep and discuss the article.
fn sharing() -> Vec<String> {
    let object = r"(?: (?:cet|cette|ce|l'|la|le) ?(?:article|page|contenu|video|publication|info))?";
    let window = r"(?: \(.{0,20}nouvelle fenetre\)?)?";
    let item = format!(
        "(?:partage[rz]{object}(?: (?:sur|par|via) {NETWORK}(?:(?:,| et| ou) {NETWORK})*)?{window}|tweete[rz]{object}|imprime[rz]{object}|\
         envoye[rz]{object} (?:par (?:e-?mail|mail|courriel)|a un ami)|copie[rz] le lien|ecoute[rz] (?:cet |l')article|\
         offri[rz] cet article|ajoute[rz] (?:aux|a (?:mes|vos)) favoris|(?:laisse[rz] un|ajouter un) commentaire|\\d+ commentaires?)"
    );
    vec![
        format!(r"{item}(?:[ ,|/·•-]+(?:{item}|{NETWORK}|\d+))*$"),
        format!(
            r"share(?: this)?(?: (?:article|story|page|post))?(?: (?:on|via) {NETWORK}(?:(?:,| and| or) {NETWORK})*)?$"
        ),
        r"(?:print this (?:article|page)|copy link|email this article|leave a comment|\d+ comments?)$".into(),
    ]
}

/// Paywalls, newsletters, applications and advertisements.
fn subscription() -> Vec<String> {
    let letter = r"(?:newsletters?|lettres? d'informations?|infolettres?)";
    vec![
        r"(?:abonnez-vous|s'abonner|je m'abonne|deja abonne)\b[^.]{0,120}$".into(),
        r"(?:cet |l'|cette )?(?:article|contenu|video) (?:est |)(?:exclusivement |)(?:reserve|payant)e?\b.{0,60}\babonne.{0,80}$".into(),
        r"(?:il vous reste|il reste) \d+(?:[.,]\d+)? ?% de (?:cet|l'|ce) ?(?:article|contenu)\b.{0,120}$".into(),
        r"la suite (?:est reservee a (?:nos|vos)|est reservee aux) abonnes.{0,60}$".into(),
        format!(r"(?:s'inscrire|je m'inscris|inscrivez-vous|recevez|recevoir)\b[^.]{{0,80}} {letter}(?: .{{0,60}})?$"),
        format!(r"(?:(?:la|notre|nos|les) )?{letter}$"),
        r"telechargez (?:gratuitement )?(?:l'|notre |nos )(?:appli|application)s?\b.{0,80}$".into(),
        r"(?:publicite|la suite apres (?:cette|la) publicite|contenu (?:sponsorise|partenaire)|annonce publicitaire)$".into(),
        r"(?:advertisement|sponsored content|story continues below(?: advertisement)?|article continues below)$".into(),
        r"(?:subscribe|sign up)(?: now| today)?(?: (?:to|for)\b[^.]{0,100})?$".into(),
        r"(?:this (?:article|content) is (?:for|reserved for) subscribers\b.{0,60}|already a subscriber\b.{0,40})$".into(),
    ]
}

/// Picture credits, agency signatures and rights.
fn credits() -> Vec<String> {
    let agency = r"(?:afp|reuters|ap|epa|efe|dpa|ansa|anp|sipa(?: press| usa)?|maxppp|getty(?: images)?|abaca(?:press)?|bestimage|hans lucas|tass|xinhua)(?: photo)?";
    vec![
        r"(?:©|c\) ?\d|copyright\b) ?[^!?]{0,120}$".into(),
        r"credits? ?(?:photos?|images?|illustrations?|videos?)(?: ?[:©]| ) ?[^!?]{1,100}$".into(),
        r"credits? ?[:©] ?[^!?]{1,80}$".into(),
        r"photos? ?(?:[:©]|(?:de|par|by) \S+ ?[/|©]|credit ?:) ?[^!?]{1,110}$".into(),
        r"(?:photo|image|picture) credits? ?:? ?[^!?]{1,80}$".into(),
        format!(r"[^.!?:]{{2,50}} ?/ ?(?:{agency} ?/ ?)?{agency}$"),
        format!(
            r"(?:[\p{{L}}' ]{{1,30}} )?avec (?:l'|les )?(?:{agency}|agences)(?:(?:,| et) (?:l'|les )?(?:{agency}|agences))*$"
        ),
        r"(?-i:[a-z]{2,5}(?:-[a-z]{1,5})*(?:/[a-z]{1,5}(?:-[a-z]{1,5})*)+)$".into(),
        r"(?:© .{0,60})?(?:tous )?droits (?:de reproduction.{0,60} )?reserves$|tous droits .{0,60}reserves$".into(),
        r"(?:toute )?reproduction .{0,60}interdite.{0,60}$|all rights reserved$".into(),
    ]
}

/// Republication notices, cookie banners and the site's word about itself.
fn site() -> Vec<String> {
    vec![
        r"republier(?: (?:cet article|ce contenu|l'article))?$|republish(?: this article)?$".into(),
        r"vous etes libres? de republier\b.*$".into(),
        r"ajoutez cet article a votre site\b.*$".into(),
        r"le partenaire s'engage a ne pas porter atteinte au droit moral\b".into(),
        r"(?:nous utilisons|ce site utilise|en poursuivant (?:votre|la) navigation|we use|this site uses)\b.{0,200}\bcookies?\b".into(),
        r"(?:tout )?accepter(?: (?:et (?:fermer|continuer)|tout|(?:tous )?les cookies))?$|continuer sans accepter$|tout refuser$".into(),
        r"(?:parametrer|gerer|personnaliser) (?:les|mes|vos) (?:cookies|choix|preferences)$|accept (?:all )?(?:cookies)?$".into(),
        r"(?:suivez|retrouvez|rejoignez)-nous\b[^.]{0,100}$|follow us\b[^.]{0,60}$".into(),
        r"(?:suivez|retrouvez) (?:toute |toutes )?(?:l'|les |nos )(?:actu|actus|actualites?|infos?|informations?)\b[^.]{0,100}$".into(),
        r"(?:temps de )?lecture ?:? ?\d+ ?(?:min|minutes?|mn)$|\d+ ?(?:min|minutes?|mn) de lecture$|\d+ min(?:ute)? read$".into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn furniture_is_marked() {
        let lines = [
            "Republier",
            "Republier ce contenu",
            "Vous êtes libre de republier notre travail. Merci de suivre nos règles",
            "Ajoutez cet article à votre site : voici le code.",
            "Lire aussi : Libye, le retour du général",
            "LIRE AUSSI >> Où en est la réforme ?",
            "À lire aussi",
            "A LIRE AUSSI",
            "→ À LIRE : Pourquoi le prix du blé monte-t-il ?",
            "Lire aussi Le port de Marseille à l'arrêt",
            "» Lire aussi - Ce que contient l’accord",
            "Voir aussi :",
            "Sur le même sujet",
            "Pour aller plus loin",
            "… Lire la suite sur Le Journal",
            "Lire la suite",
            "Nous utilisons des cookies pour améliorer votre expérience.",
            "Accepter",
            "Tout accepter",
            "Continuer sans accepter →",
            "Partager sur Facebook",
            "Partager sur Facebook (ouvre dans une nouvelle fenêtre)",
            "Partager",
            "Partager | Tweeter | Imprimer",
            "Partager cet article sur Twitter, WhatsApp et LinkedIn",
            "Tweeter",
            "Imprimer",
            "Envoyer par e-mail",
            "12 commentaires",
            "Abonnez-vous à partir de 1 € par mois",
            "S'abonner",
            "Cet article est réservé aux abonnés",
            "Article réservé à nos abonnés",
            "Il vous reste 75 % de cet article à lire. La suite est réservée aux abonnés.",
            "Il vous reste 75.32\u{A0}% de cet article à lire.",
            "S'inscrire à la newsletter",
            "Inscrivez-vous gratuitement à notre newsletter !",
            "Newsletter",
            "Publicité",
            "PUBLICITE",
            "La suite après cette publicité",
            "© REUTERS/Jean Dupont",
            "Crédit photo : Jean Dupont",
            "(Crédit photo : J. DUPONT / ANP / AFP)",
            "Photo : la place du marché - Crédit : Jean Dupont",
            "Jeanne DUPONT / POOL / AFP",
            "abc-de/fg/hi",
            "(Avec AFP)",
            "Le Journal avec AFP et Reuters",
            "Tous droits réservés",
            "© 2024 Le Journal. Tous droits de reproduction et de représentation réservés.",
            "Suivez-nous sur Facebook et Twitter",
            "Suivez toute l'actualité de la région sur notre page",
            "Téléchargez gratuitement l'application du journal",
            "Temps de lecture : 3 min",
            "https://example.org/une-page",
            "Read more: The harbour at a standstill",
            "Related articles",
            "Advertisement",
            "Subscribe to our newsletter",
            "Share on Facebook",
            "All rights reserved.",
        ];
        let missed: Vec<_> = lines.into_iter().filter(|line| !is_furniture(line)).collect();
        assert_eq!(missed, [""; 0]);
    }

    #[test]
    fn sentences_and_headings_are_not_marked() {
        let lines = [
            "",
            "-",
            "***",
            "Il a accepté de partager sur Facebook une vidéo de la manifestation.",
            "Partager sur Facebook une vidéo violente est puni par la loi.",
            "Partager le pouvoir, c'est ce que demande l'opposition.",
            "Partager les richesses",
            "- Partager -",
            "- \"Partager\" -",
            "Partage des eaux",
            "Accepter le compromis, voilà ce que refuse la direction.",
            "Accepter le deuil",
            "Imprimer sa marque",
            "Lire aussi vite que possible reste un atout.",
            "Voir aussi loin demande du courage.",
            "Lire la suite de ses mémoires demande de la patience.",
            "La publicité a rapporté 3 milliards d'euros.",
            "Publicité mensongère",
            "La newsletter compte 30.000 abonnés.",
            "Newsletters, réseaux sociaux : les candidats misent sur le numérique. La presse suit.",
            "Deux fois plus d'abonnés en dix ans",
            "Les abonnés devront payer davantage.",
            "L'article est réservé par la loi aux mineurs.",
            "Source d'eau potable",
            "Retour à l'école",
            "Photo floue... de la plage.",
            "Photos volées",
            "Illustration : le port vu de la mer",
            "Crédit d'impôt : ce qui change",
            "Crédits immobiliers",
            "Suivez son exemple",
            "Suivre le fleuve",
            "Nous utilisons moins d'eau qu'avant.",
            "Avec notre envoyée spéciale à Brest, Jeanne Dupont",
            "Avec les agences de voyage",
            "Tous les droits réservés aux femmes sont menacés, dit-elle.",
            "Il vous reste une semaine pour voter.",
            "Les 3 et 4 mai 2016, le port ouvre 24 h/24.",
            "Le prix est de 3 €/kg",
            "Un port en sommeil",
            "Les droits de l'homme sont-ils réservés aux riches ?",
            "Subscribers of the opera were disappointed.",
            "Read more slowly, say the teachers.",
        ];
        let marked: Vec<_> = lines.into_iter().filter(|line| is_furniture(line)).collect();
        assert_eq!(marked, [""; 0]);
    }

    #[test]
    fn spans_cover_whole_lines() {
        let text = "Partager\r\nLe port est fermé.\n\nLire aussi : Le port\nIl rouvrira lundi.\nPublicité";
        let marked: Vec<_> = boilerplate(text).into_iter().map(|span| &text[span.range()]).collect();
        assert_eq!(marked, ["Partager\r\n", "Lire aussi : Le port\n", "Publicité"]);
    }

    #[test]
    fn a_long_line_is_prose() {
        let line = format!("Lire aussi : {}", "un titre sans fin ".repeat(40));
        assert!(boilerplate(&line).is_empty());
    }

    proptest! {
        #[test]
        fn spans_are_lines_in_order(text in "(Partager|Publicité|Le port est fermé\\.|[ \n\r]{0,3}|\\PC{0,6}){0,12}") {
            let mut end = 0;
            for span in boilerplate(&text) {
                prop_assert!(end <= span.start && span.start < span.end);
                prop_assert!(is_furniture(&text[span.range()]));
                end = span.end;
            }
        }
    }
}
