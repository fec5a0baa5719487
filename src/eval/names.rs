//! Names: are the articles found that spell a name otherwise than the question does?
//!
//! A list of names has a name a line with its spellings, tab-separated: Haftar, Hafter, Hifter. For every spelling there is
//! one article in which it occurs, among sentences on other matters; the articles differ in their sentences, so that the
//! name is what those of one name share. Each spelling is asked for as it stands, and the articles of the other spellings
//! of its name are what answers; its own article is passed over. Other articles may be added, to get lost among.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use super::data::{Collection, Document, Question, spellings};
use super::retrieval::answers;
use super::{EvalError, Row, Subject};
use crate::ingest::read::{Event, Input, Options, read};
use crate::search::{Fusion, Mode};

/// Titles of every third article.
const TITLES: [&str; 5] = [
    "Ce que l'on sait de {}",
    "{} au centre des débats",
    "Retour sur {}",
    "L'envoyé spécial reçu pour parler de {}",
    "Pourquoi {} divise encore",
];

/// Sentences that name the name.
const NAMING: [&str; 16] = [
    "Les discussions sur {} ont repris mercredi à Genève, après trois semaines d'interruption.",
    "Interrogé sur {} à sa descente d'avion, le ministre a renvoyé les journalistes au communiqué de la veille.",
    "Une enquête publiée par deux quotidiens européens revient longuement sur {} et sur les années de guerre.",
    "Selon plusieurs diplomates, {} reste le principal sujet de désaccord entre les deux délégations.",
    "Le nom de {} est revenu à maintes reprises pendant l'audience, qui a duré plus de six heures.",
    "À la radio, une historienne a raconté ce que {} représentait pour sa génération.",
    "La télévision publique a diffusé dimanche soir un documentaire consacré à {}.",
    "Devant l'ambassade, des manifestants brandissaient des pancartes où l'on pouvait lire {}.",
    "Le rapport remis aux députés cite {} une trentaine de fois, surtout dans son dernier chapitre.",
    "Aucun accord n'a été trouvé au sujet de {}, a reconnu le médiateur des Nations unies.",
    "Notre correspondante a passé dix jours à recueillir des témoignages sur {}.",
    "Trois livres sur {} paraissent cet automne, dont un recueil de lettres inédites.",
    "« Personne ici n'a oublié {} », assure le patron d'un café de la vieille ville.",
    "Les cours du pétrole ont monté après l'annonce de nouvelles sanctions qui visent {}.",
    "Dans sa dépêche, l'agence officielle évoque {} sans donner d'autres précisions.",
    "La chercheuse prépare depuis quatre ans une thèse sur {} et la presse de l'époque.",
];

/// Sentences on other matters.
const OTHERS: [&str; 24] = [
    "La récolte de blé devrait reculer cette année à cause de la sécheresse du printemps.",
    "Le conseil municipal se prononcera jeudi sur le prolongement de la ligne de tramway.",
    "Les pompiers ont mis deux heures à maîtriser l'incendie, qui n'a pas fait de victime.",
    "L'équipe a égalisé dans les arrêts de jeu, devant un stade à moitié vide.",
    "Le prix du gaz baissera de trois pour cent au premier janvier pour les particuliers.",
    "Une exposition de gravures japonaises ouvrira ses portes au musée des Beaux-Arts.",
    "Le syndicat des pilotes appelle à deux jours de grève pendant les vacances.",
    "Des pluies abondantes sont attendues sur le littoral dans la nuit de vendredi.",
    "La banque centrale a laissé ses taux inchangés, comme le prévoyaient les analystes.",
    "Un colis suspect a entraîné l'évacuation de la gare pendant une partie de la matinée.",
    "Le laboratoire espère commencer les essais du vaccin avant la fin du semestre.",
    "Les lycéens passeront l'épreuve de philosophie un jour plus tôt que d'habitude.",
    "La navigatrice a franchi l'équateur en tête, avec cent milles d'avance.",
    "Le constructeur rappelle vingt mille voitures pour un défaut de freinage.",
    "Les apiculteurs réclament une aide après un hiver qui a décimé leurs ruches.",
    "Le tribunal rendra sa décision dans l'affaire des marchés publics le mois prochain.",
    "Une panne informatique a perturbé les caisses de plusieurs supermarchés.",
    "Le festival attend cinquante mille spectateurs pour sa vingtième édition.",
    "Les glaciers des Alpes ont perdu un dixième de leur volume en deux étés.",
    "La maire a inauguré une crèche dans l'ancien bâtiment des douanes.",
    "Le cargo immobilisé depuis lundi a pu quitter le port sous escorte.",
    "Un séisme de faible intensité a été ressenti dans le sud du département.",
    "Les ventes de vélos électriques ont doublé en trois ans, d'après la fédération.",
    "Le chef étoilé fermera son restaurant pour ouvrir une école de cuisine.",
];

/// recall@10 and MRR@10: a row for each of `modes`, on the names of `list` among the articles of `background`. The store is
/// made in `scratch`, and removed.
///
/// # Errors
/// When a file cannot be used (see [`collection`]), or the model or the store fails.
pub fn names(
    subject: &Subject<'_>,
    name: &str,
    (list, background): (&Path, Option<&Path>),
    ways: (&[Mode], Fusion),
    scratch: &Path,
) -> Result<Vec<Row>, EvalError> {
    let start = Instant::now();
    let rows = answers(subject, (name, list), &collection(list, background)?, ways, scratch, start)?;
    let of_names = |row: Row| {
        let metrics =
            row.metrics.into_iter().filter(|metric| matches!(&*metric.name, "recall@10" | "mrr@10")).collect();
        Row { task: "names".to_owned(), metrics, ..row }
    };
    Ok(rows.into_iter().map(of_names).collect())
}

/// The articles and questions of a list of names, among the articles of `background`: any file or folder that can be indexed.
///
/// # Errors
/// When the list cannot be used (see [`spellings`]), or the background holds no article.
pub fn collection(list: &Path, background: Option<&Path>) -> Result<Collection, EvalError> {
    let mut documents = background.map_or_else(|| Ok(Vec::new()), self::background)?;
    let mut questions = Vec::new();
    for (line, spellings) in spellings(list)? {
        let id = |place: usize| format!("{}:{line}:{}", list.display(), place + 1);
        for (place, spelling) in spellings.iter().enumerate() {
            documents.push(article(id(place), spelling, questions.len()));
            let others = (0..spellings.len()).filter(|other| *other != place);
            let relevant: HashMap<String, u32> = others.map(|other| (id(other), 1)).collect();
            questions.push(Question { text: spelling.clone(), kind: None, relevant, own: Some(id(place)) });
        }
    }
    Ok(Collection { documents, questions, unjudged: 0 })
}

/// The `n`-th article, with `name` in it: no two in a row have a sentence in common, and few at all have two.
fn article(id: String, name: &str, n: usize) -> Document {
    let naming = NAMING[n % NAMING.len()].replace("{}", name);
    // Steps without a common divisor with the number of sentences go through all of them.
    let first = n * 7 % OTHERS.len();
    let second = (first + 1 + n / OTHERS.len() % (OTHERS.len() - 1)) % OTHERS.len();
    let others = [OTHERS[first], OTHERS[second]];
    let text = match n % 4 {
        0 => format!("{naming} {} {}", others[0], others[1]),
        1 => format!("{} {naming} {}", others[0], others[1]),
        _ => format!("{} {} {naming}", others[0], others[1]),
    };
    let title = n.is_multiple_of(3).then(|| TITLES[n / 3 % TITLES.len()].replace("{}", name));
    Document { id, title, text }
}

/// The articles of a file or folder; of two with the same id the first.
fn background(path: &Path) -> Result<Vec<Document>, EvalError> {
    let (mut documents, mut seen) = (Vec::new(), HashSet::new());
    let options = Options::default();
    let mut sink = |event: Event, _| {
        if let Event::Article(article) = event
            && seen.insert(article.key.clone())
        {
            documents.push(Document { id: article.key, title: article.title, text: article.text });
        }
        ControlFlow::Continue(())
    };
    // The sink never breaks.
    let _ = read(&[Input::Path(path.to_owned())], &options, &mut sink);
    if documents.is_empty() {
        let what = "holds no article: expected what `voisin index` reads, such as JSON Lines".to_owned();
        return Err(EvalError::Data { path: path.to_owned(), what });
    }
    Ok(documents)
}
