//! Plain text to an article: the date it begins with, and the line that is its headline.
//!
//! The headline and a line with the date stay in the text; only a leading `date 2023-08` is taken out, since that is a
//! field and no text.

use super::date::{byline_date, dateline_date, leading_date};
use super::fields::Repairs;
use super::problem::{Reason, Remark};
use crate::types::Article;

/// Lines, blank ones aside, among which the headline and the date are looked for.
const OPENING_LINES: usize = 5;

/// Longest headline, in characters.
const TITLE_CHARACTERS: usize = 120;

/// Reads a text; the key of the article stays empty.
pub(super) fn article(text: String) -> Result<(Article, Vec<Remark>), Reason> {
    if text.trim().is_empty() {
        return Err(Reason::Empty);
    }
    let mut repairs = Repairs::default();
    let text = repairs.ungarble(&text).unwrap_or(text);
    let mut remarks: Vec<Remark> = repairs.remarks().collect();
    let (mut date, mut body) = (None, text.as_str());
    match leading_date(&text) {
        Some(Ok((leading, at))) if at < text.len() => (date, body) = (Some(leading), &text[at..]),
        Some(Ok((leading, _))) => date = Some(leading),
        Some(Err(value)) => remarks.push(Remark::BadDate { value: value.chars().take(80).collect() }),
        None => date = opening(&text).find_map(|(line, _)| byline_date(line).or_else(|| dateline_date(line))),
    }
    let title = title(body);
    let text = body.to_owned();
    Ok((Article { title, date, text, ..Article::default() }, remarks))
}

/// The line that looks like a headline, among the first ones and before the body begins.
///
/// Page furniture (`Republier`, a rubric of two words) is passed over for a line of several words; where there is none,
/// the first short line that is no furniture is taken.
fn title(text: &str) -> Option<String> {
    let mut short = None;
    for (line, rest) in opening(text) {
        let more = !rest.trim().is_empty();
        // A line of a wrapped paragraph runs on in the next one.
        let runs_on = rest
            .strip_prefix('\r')
            .unwrap_or(rest)
            .strip_prefix('\n')
            .is_some_and(|next| next.chars().next().is_some_and(char::is_lowercase));
        if !more || runs_on || line.chars().count() > TITLE_CHARACTERS || line.ends_with(['.', ';', ',', ':']) {
            break;
        }
        if is_furniture(line) {
            continue;
        }
        if line.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count() >= 3 {
            return Some(line.to_owned());
        }
        short = short.or(Some(line));
    }
    short.map(str::to_owned)
}

/// The first lines that are not blank, each with the text after it.
fn opening(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    let lines = std::iter::from_fn(move || {
        (!rest.is_empty()).then(|| {
            let (line, after) = rest.split_at(rest.find('\n').unwrap_or(rest.len()));
            rest = after.strip_prefix('\n').unwrap_or(after);
            (line.trim(), after)
        })
    });
    lines.filter(|(line, _)| !line.is_empty()).take(OPENING_LINES)
}

/// Whether a line belongs to the page rather than to the article.
fn is_furniture(line: &str) -> bool {
    #[rustfmt::skip]
    const WORDS: [&str; 24] = [
        "republier", "partager", "imprimer", "commenter", "ecouter", "enregistrer", "publicite", "abonne", "abonnes",
        "accueil", "menu", "s'abonner", "se connecter", "lire aussi", "a lire aussi", "article reserve",
        "temps de lecture", "share", "print", "advertisement", "subscribe", "home", "read more", "par ",
    ];
    let folded = super::date::fold(line).replace('’', "'");
    let known = |word: &str| folded == word.trim_end() || (word.contains(' ') && folded.starts_with(word));
    line.starts_with('©') || WORDS.iter().any(|word| known(word)) || byline_date(line).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<String>, String, String) {
        let (a, _) = article(text.to_owned()).unwrap();
        (a.title, a.date.map_or_else(String::new, |date| date.to_string()), a.text)
    }

    #[test]
    fn a_leading_date_is_taken_out_and_the_rest_is_kept() {
        let (title, date, text) = read(" date 2023-08 La récolte est arrivée.\n\nSuite.");
        assert_eq!((title, date.as_str(), text.as_str()), (None, "2023-08", "La récolte est arrivée.\n\nSuite."));
    }

    #[test]
    fn a_headline_is_found_behind_page_furniture_and_stays_in_the_text() {
        let page =
            "Republier\nSport Régions\n\nCyclisme : le tour du lac change de parcours\n\nLes coureurs partiront.";
        let (title, _, text) = read(page);
        assert_eq!(title.as_deref(), Some("Cyclisme : le tour du lac change de parcours"));
        assert_eq!(text, page);
    }

    #[test]
    fn a_line_with_the_date_is_read_and_stays() {
        let page = "Le titre de la dépêche\nPublié le 22 août 2023 à 10h12\n\nLe texte.";
        assert_eq!(read(page), (Some("Le titre de la dépêche".into()), "2023-08-22".into(), page.into()));
        assert_eq!(read("Un texte.\nLe 3 mai 2020, il pleuvait.").1, "");
    }

    #[test]
    fn prose_has_no_headline() {
        for text in [
            "Une phrase complète, avec un point.\n\nSuite.",
            "Un paragraphe coupé à la largeur de la fenêtre\nqui continue ici. Fin.",
            "Une seule ligne sans point",
            &format!("{}\n\nSuite", "mot ".repeat(40)),
            "Republier\n\nUne phrase.",
        ] {
            assert_eq!(read(text).0, None, "{text}");
        }
        assert_eq!(read("Législatives\r\n\r\nLe texte.").0.as_deref(), Some("Législatives"));
    }

    #[test]
    fn a_date_that_is_none_is_said_and_left_in_the_text() {
        let (a, remarks) = article("date 2023-13 La récolte.".into()).unwrap();
        assert_eq!((a.date, a.text.as_str()), (None, "date 2023-13 La récolte."));
        assert_eq!(remarks, [Remark::BadDate { value: "2023-13".into() }]);
    }

    #[test]
    fn garbled_text_is_put_right_and_blank_text_is_refused() {
        let (a, remarks) = article("Il a Ã©tÃ© lÃ .".into()).unwrap();
        assert_eq!(a.text, "Il a été lÃ .");
        assert_eq!(remarks, [Remark::Repaired { count: 2 }]);
        assert!(matches!(article(" \n\t".into()), Err(Reason::Empty)));
    }
}
