//! Every word that the pages say, in both languages, and the way in which each language writes numbers and dates.
//!
//! French has a narrow no-break space before `;`, `!` and `?` and between thousands, a no-break space before `:` and `%` and
//! inside of « and ».

use std::time::Duration;

use axum::http::StatusCode;

use crate::dedup::credits::CreditKind;
use crate::dedup::facts::FactKind;
use crate::dedup::{Precedence, Relation};
use crate::search::{Mode, Note, Order};
use crate::types::{DatePrecision, PartialDate};

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// French.
    French,
    /// English.
    English,
}

impl Language {
    /// Both.
    pub const ALL: [Self; 2] = [Self::French, Self::English];

    /// ISO 639-1.
    pub fn code(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::English => "en",
        }
    }

    /// The language with this code.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The one that a browser likes best of ours, by its `Accept-Language`; English where it names neither.
    pub fn accepted(header: &str) -> Self {
        let mut best = (0.0, Self::English);
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            let code = name.split('-').next().unwrap_or_default().to_lowercase();
            match Self::of(&code) {
                Some(language) if weight > best.0 => best = (weight, language),
                _ => {}
            }
        }
        best.1
    }

    /// Its words.
    pub fn words(self) -> &'static Words {
        match self {
            Self::French => &FRENCH,
            Self::English => &ENGLISH,
        }
    }

    /// The word of this language.
    fn pick<T>(self, french: T, english: T) -> T {
        match self {
            Self::French => french,
            Self::English => english,
        }
    }

    /// `31 379`, `31,379`.
    pub fn number(self, number: u64) -> String {
        let digits = number.to_string();
        let separator = self.pick('\u{202f}', ',');
        let mut said = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                said.push(separator);
            }
            said.push(digit);
        }
        said
    }

    /// With one digit behind the point: `1 204,5`, `1,204.5`.
    pub fn decimal(self, number: f64) -> String {
        let tenths = (number.max(0.0) * 10.0).round() as u64;
        format!("{}{}{}", self.number(tenths / 10), self.pick(',', '.'), tenths % 10)
    }

    /// A share in percent, which is 0 and 100 only where it is nothing and all.
    pub fn percent(self, share: f32) -> String {
        let space = self.pick("\u{a0}", "");
        match (100.0 * share).round() {
            0.0 if share > 0.0 => format!("<\u{202f}1{space}%"),
            100.0 if share < 1.0 => format!("99{space}%"),
            percent => format!("{percent:.0}{space}%"),
        }
    }

    /// `12 articles`, `1 article`.
    pub fn count(self, number: u64, thing: Thing) -> String {
        let singular = if self == Self::French { number < 2 } else { number == 1 };
        let [one, many] = thing.name(self);
        format!("{}\u{a0}{}", self.number(number), if singular { one } else { many })
    }

    /// `2 juillet 2020`, `July 2020`.
    pub fn date(self, date: PartialDate) -> String {
        let (day, month) = (date.first_day().day(), MONTHS[date.first_day().month() as usize - 1]);
        let (month, year) = (self.pick(month.0, month.1), date.year());
        match (date.precision(), self, day) {
            (DatePrecision::Year, ..) => format!("{year}"),
            (DatePrecision::Month, ..) => format!("{month} {year}"),
            (DatePrecision::Day, Self::French, 1) => format!("1er\u{a0}{month} {year}"),
            (DatePrecision::Day, ..) => format!("{day}\u{a0}{month} {year}"),
        }
    }

    /// A length of time, as precisely as is of use: `3 h 05`, `2 jours`.
    pub fn minutes(self, minutes: u64) -> String {
        match minutes {
            0..60 => format!("{minutes}\u{a0}min"),
            60..1440 if minutes.is_multiple_of(60) => format!("{}\u{a0}h", minutes / 60),
            60..1440 => format!("{}\u{a0}h\u{a0}{:02}", minutes / 60, minutes % 60),
            _ => self.count(minutes / 1440, Thing::Day),
        }
    }

    /// How long something has gone on.
    pub fn lasted(self, time: Duration) -> String {
        match time.as_secs() {
            seconds @ 0..60 => format!("{seconds}\u{a0}s"),
            seconds => self.minutes(seconds / 60),
        }
    }

    /// The name of a language that articles are written in.
    pub fn language(self, code: &str) -> String {
        let known = LANGUAGES.iter().find(|(known, ..)| *known == code);
        known.map_or_else(|| code.to_owned(), |(_, french, english)| self.pick(*french, *english).to_owned())
    }

    /// What articles are searched by.
    pub fn mode(self, mode: Mode) -> &'static str {
        match mode {
            Mode::Hybrid => self.pick("mots et sens", "words and meaning"),
            Mode::Semantic => self.pick("sens seul", "meaning alone"),
            Mode::Lexical => self.pick("mots seuls", "words alone"),
        }
    }

    /// In what order hits come.
    pub fn order(self, order: Order) -> &'static str {
        match order {
            Order::Relevance => self.pick("pertinence", "relevance"),
            Order::Newest => self.pick("les plus récents", "newest first"),
            Order::Oldest => self.pick("les plus anciens", "oldest first"),
        }
    }

    /// What one article is to another, as a word.
    pub fn relation(self, relation: Relation) -> &'static str {
        match relation {
            Relation::Identical => self.pick("identique", "identical"),
            Relation::Republished => self.pick("republié", "republished"),
            Relation::Updated => self.pick("mis à jour", "updated"),
            Relation::Contains => self.pick("contient", "contains"),
            Relation::Excerpt => self.pick("extrait", "excerpt"),
            Relation::SharedSource => self.pick("même source", "shared source"),
            Relation::SameStory => self.pick("même événement", "same story"),
        }
    }

    /// What two articles are to each other. Who took from whom is said only where it is known who came first.
    pub fn says(self, relation: Option<Relation>, precedence: Precedence, confidence: f32) -> &'static str {
        let known = precedence == Precedence::Known;
        match relation {
            Some(Relation::Identical) => self.pick("A et B sont identiques", "A and B are identical"),
            Some(Relation::Republished) if known => self.pick("B republie A", "B republishes A"),
            Some(Relation::Republished) => {
                self.pick("A et B sont les mêmes à quelques mots près", "A and B are the same but for a few words")
            }
            Some(Relation::Updated) if known => self.pick("B met A à jour", "B updates A"),
            Some(Relation::Updated) => {
                self.pick("A et B sont deux versions d’un article", "A and B are versions of one article")
            }
            Some(Relation::Contains) => self.pick("B contient A", "B contains A"),
            Some(Relation::Excerpt) => self.pick("B est un extrait de A", "B is an excerpt of A"),
            Some(Relation::SharedSource) if confidence < DOUBTFUL => self.pick(
                "A et B ont du texte en commun, comme des séries ou des modèles",
                "A and B have text in common, as series and templates have",
            ),
            Some(Relation::SharedSource) => {
                self.pick("A et B s’appuient sur la même source", "A and B draw on the same source")
            }
            Some(Relation::SameStory) => self.pick(
                "A et B racontent le même événement en d’autres mots",
                "A and B tell the same story in other words",
            ),
            None => self.pick("aucun lien n’a été trouvé entre A et B", "no relation between A and B was found"),
        }
    }

    /// Who was first, as far as the dates tell.
    pub fn first(
        self,
        a: Option<PartialDate>,
        b: Option<PartialDate>,
        known: Precedence,
        minutes: Option<i64>,
    ) -> String {
        let by = |lag: String| self.pick(format!("A, {lag} avant B"), format!("A, {lag} before B"));
        match (known, a.zip(b)) {
            (Precedence::Known, Some((a, b))) => match minutes {
                Some(minutes) => by(self.minutes(minutes.unsigned_abs())),
                None => {
                    let days = u64::from((b.first_day() - a.last_day()).get_days().unsigned_abs());
                    let exact = [a, b].iter().all(|date| date.precision() == DatePrecision::Day);
                    let more = if exact { "" } else { self.pick(" ou plus", " or more") };
                    by(self.count(days, Thing::Day) + more)
                }
            },
            (Precedence::SameTime, Some(_)) if minutes == Some(0) => self
                .pick("la même minute\u{a0}: l’ordre n’est pas connu", "the same minute: the order is not known")
                .into(),
            (Precedence::SameTime, Some((a, b))) if a == b && a.precision() == DatePrecision::Day => {
                self.pick("le même jour\u{a0}: l’ordre n’est pas connu", "the same day: the order is not known").into()
            }
            (Precedence::SameTime, Some(_)) => self
                .pick(
                    "peut-être le même jour\u{a0}: l’ordre n’est pas connu",
                    "perhaps the same day: the order is not known",
                )
                .into(),
            _ => self.pick("on ne sait pas\u{a0}: il manque une date", "not known: a date is missing").into(),
        }
    }

    /// How long a version came after the first of its group; `?` where the order is not known.
    pub fn lag(self, precedence: Precedence, minutes: Option<i64>, days: Option<i64>) -> String {
        match (precedence, minutes, days) {
            (Precedence::Known, Some(minutes), _) => format!("+\u{a0}{}", self.minutes(minutes.unsigned_abs())),
            (Precedence::Known, None, Some(days)) => {
                format!("+\u{a0}{}", self.count(days.unsigned_abs(), Thing::Day))
            }
            (Precedence::SameTime, _, Some(0)) => self.pick("même jour", "same day").to_owned(),
            _ => "?".to_owned(),
        }
    }

    /// A kind of facts.
    pub fn facts(self, kind: FactKind) -> &'static str {
        match kind {
            FactKind::Name => self.pick("Noms", "Names"),
            FactKind::Number => self.pick("Nombres", "Numbers"),
            FactKind::Quotation => self.pick("Citations", "Quotations"),
        }
    }

    /// How an article names an agency.
    pub fn credit(self, kind: CreditKind) -> &'static str {
        match kind {
            CreditKind::Signed => self.pick("signé", "signed"),
            CreditKind::Cited => self.pick("cite", "cites"),
        }
    }

    /// What went wrong, in a word and in a sentence.
    pub fn problem(self, status: StatusCode) -> [&'static str; 2] {
        match status {
            StatusCode::BAD_REQUEST => self.pick(
                ["Demande incomprise", "L’adresse de cette page dit quelque chose qui n’a pas été compris."],
                ["Not understood", "The address of this page says something that was not understood."],
            ),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => self.pick(
                ["Accès refusé", "Il faut une clé pour lire cette page."],
                ["No access", "A key is needed to read this page."],
            ),
            StatusCode::NOT_FOUND => self.pick(
                ["Introuvable", "Il n’y a rien à cette adresse\u{a0}: l’article a peut-être été retiré, ou renommé."],
                ["Not found", "There is nothing at this address: the article may have been removed, or renamed."],
            ),
            StatusCode::TOO_MANY_REQUESTS => self.pick(
                ["Trop de monde", "Trop de recherches attendent déjà\u{a0}: réessayez dans quelques secondes."],
                ["Busy", "Too many searches wait already: try again in a few seconds."],
            ),
            StatusCode::UNPROCESSABLE_ENTITY => self.pick(
                [
                    "Impossible",
                    "Cette question a été comprise, mais on ne peut pas y répondre\u{a0}: dites-la autrement.",
                ],
                ["Impossible", "This question was understood, but it cannot be answered: say it in another way."],
            ),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => self.pick(
                ["Pas maintenant", "Le serveur ne peut pas répondre à temps\u{a0}: réessayez plus tard."],
                ["Not now", "The server cannot answer in time: try again later."],
            ),
            _ => self.pick(
                ["Erreur du serveur", "Le serveur n’a pas pu répondre\u{a0}: son journal dit pourquoi."],
                ["Server error", "The server failed on this request: its log says why."],
            ),
        }
    }

    /// That a date is none.
    pub fn no_date(self, typed: &str) -> String {
        self.pick(
            format!("«\u{a0}{typed}\u{a0}» n’est pas une date\u{a0}: il faut AAAA, AAAA-MM ou AAAA-MM-JJ."),
            format!("“{typed}” is no date: expected YYYY, YYYY-MM or YYYY-MM-DD."),
        )
    }

    /// That a value of a choice is none.
    pub fn no_choice(self, typed: &str) -> String {
        self.pick(
            format!("«\u{a0}{typed}\u{a0}» n’est pas un choix possible."),
            format!("“{typed}” is not one of the choices."),
        )
    }

    /// That so many articles are not yet known to the register of copies.
    pub fn behind(self, articles: u64) -> String {
        let articles = self.count(articles, Thing::Article);
        self.pick(
            format!("{articles} de plus en cours de comparaison\u{a0}: rechargez la page dans un moment."),
            format!("{articles} more are being compared: reload the page in a moment."),
        )
    }

    /// That so many articles may answer.
    pub fn among(self, articles: u64) -> String {
        let articles = self.count(articles, Thing::Article);
        self.pick(format!("parmi {articles}"), format!("among {articles}"))
    }

    /// What of a question was not understood, or is answered in another way.
    pub fn note(self, note: &Note) -> String {
        if self == Self::English {
            let mut said = note.to_string();
            said.extend((!said.ends_with('.')).then_some('.'));
            return said;
        }
        match note {
            Note::NoDate(typed) => format!(
                "{typed} est cherché comme des mots\u{a0}: ce n’est pas une date, comme 2020, 2020-03 ou 2020-03-15."
            ),
            Note::NoRange(typed) => format!(
                "{typed} est cherché comme des mots\u{a0}: ce n’est pas une date, comme 2020, 2020-03-15 ou 2019..2020-03."
            ),
            Note::OtherDates(typed) => {
                format!("{typed} est laissé de côté\u{a0}: dites quelles dates vous voulez, comme date:2019..2020.")
            }
            Note::NoField { typed, name } => {
                format!("{typed} est cherché comme des mots\u{a0}: aucun article n’a de champ «\u{a0}{name}\u{a0}».")
            }
            Note::NothingToExclude { typed, name } => {
                format!("{typed} est laissé de côté\u{a0}: aucun article n’a de champ «\u{a0}{name}\u{a0}».")
            }
            Note::NoValue(typed) => format!("{typed} ne dit aucune valeur\u{a0}: c’est cherché comme des mots."),
            Note::NotClosed(mark) => {
                format!("Le guillemet {mark} n’est pas fermé\u{a0}: ce qui suit est cherché comme des mots.")
            }
            Note::TooMany(most) => {
                format!("Au-delà de {most} expressions ou exclusions, les autres sont laissées de côté.")
            }
            Note::Sentence => {
                "La question se lit comme une phrase\u{a0}: ce qu’elle cite est préféré, pas exigé.".to_owned()
            }
            Note::NoPhrase(phrases) => {
                let wanted: Vec<String> = phrases.iter().map(|phrase| format!("«\u{a0}{phrase}\u{a0}»")).collect();
                let wanted = wanted.join(" et ");
                format!(
                    "Aucun article qui passe les filtres n’a {wanted} tel quel\u{a0}: c’est cherché comme des mots."
                )
            }
            Note::NotEveryWord(best) => {
                let best = self.number(*best as u64);
                format!("Aucun article n’a tous les mots\u{a0}: voici des {best} meilleurs, dans l’ordre des dates.")
            }
        }
    }

    /// Which page of how many.
    pub fn page_of(self, page: usize, pages: usize) -> String {
        let [page, pages] = [page, pages].map(|number| self.number(number as u64));
        self.pick(format!("page {page} sur {pages}"), format!("page {page} of {pages}"))
    }

    /// How much words and meaning bring to a hit.
    pub fn brings(self, words: f32, meaning: f32) -> String {
        let [words, meaning] = [words, meaning].map(|share| self.percent(share));
        self.pick(format!("mots {words} · sens {meaning}"), format!("words {words} · meaning {meaning}"))
    }
}

/// Confidence below which it is said no more of a shared source than what is seen.
const DOUBTFUL: f32 = 0.3;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// An article.
    Article,
    /// A version of one.
    Version,
    /// A group of versions.
    Group,
    /// A passage of two articles.
    Shared,
    /// A day.
    Day,
    /// A token.
    Token,
    /// A text.
    Text,
    /// A change of the store.
    Change,
}

impl Thing {
    /// One, and many.
    fn name(self, language: Language) -> [&'static str; 2] {
        let (french, english) = match self {
            Self::Article => (["article", "articles"], ["article", "articles"]),
            Self::Version => (["version", "versions"], ["version", "versions"]),
            Self::Group => (["groupe", "groupes"], ["group", "groups"]),
            Self::Shared => (["passage commun", "passages communs"], ["shared passage", "shared passages"]),
            Self::Day => (["jour", "jours"], ["day", "days"]),
            Self::Token => (["unité", "unités"], ["token", "tokens"]),
            Self::Text => (["texte", "textes"], ["text", "texts"]),
            Self::Change => (["changement", "changements"], ["change", "changes"]),
        };
        language.pick(french, english)
    }
}

const MONTHS: [(&str, &str); 12] = [
    ("janvier", "January"),
    ("février", "February"),
    ("mars", "March"),
    ("avril", "April"),
    ("mai", "May"),
    ("juin", "June"),
    ("juillet", "July"),
    ("août", "August"),
    ("septembre", "September"),
    ("octobre", "October"),
    ("novembre", "November"),
    ("décembre", "December"),
];

const LANGUAGES: [(&str, &str, &str); 12] = [
    ("ar", "arabe", "Arabic"),
    ("de", "allemand", "German"),
    ("en", "anglais", "English"),
    ("es", "espagnol", "Spanish"),
    ("fr", "français", "French"),
    ("it", "italien", "Italian"),
    ("nl", "néerlandais", "Dutch"),
    ("pl", "polonais", "Polish"),
    ("pt", "portugais", "Portuguese"),
    ("ru", "russe", "Russian"),
    ("tr", "turc", "Turkish"),
    ("zh", "chinois", "Chinese"),
];

macro_rules! words {
    ($($name:ident: $french:literal, $english:literal;)*) => {
        /// What the pages say, in one language: each field is what it says in English.
        #[allow(missing_docs, reason = "each field says itself")]
        pub struct Words {
            $(pub $name: &'static str,)*
        }

        const FRENCH: Words = Words { $($name: $french,)* };
        const ENGLISH: Words = Words { $($name: $english,)* };

        /// Every word with its name, in both languages.
        #[cfg(test)]
        const ALL: &[(&str, &str, &str)] = &[$((stringify!($name), $french, $english),)*];
    };
}

words! {
    motto: "recherche et doublons dans la presse", "search and duplicates in the news";
    skip: "Aller au contenu", "Skip to the content";
    pages: "Rubriques", "Sections";
    paging: "Pages de résultats", "Pages of results";
    search: "Recherche", "Search";
    duplicates: "Doublons", "Duplicates";
    status: "État", "Status";
    language: "Langue", "Language";
    ask: "Chercher", "Search";
    question: "Que cherchez-vous\u{202f}?", "What are you looking for?";
    example: "grève à l’hôpital", "hospital strike";
    filters: "Filtres", "Filters";
    filter: "Filtrer", "Filter";
    all: "toutes", "all";
    source: "Source", "Source";
    year: "Année", "Year";
    since: "Depuis", "Since";
    until: "Jusqu’au", "Until";
    by: "Chercher par", "Search by";
    order: "Trier par", "Sort by";
    all_versions: "Toutes les versions", "All versions";
    remove_filter: "retirer ce filtre", "remove this filter";
    results: "Résultats", "Results";
    nothing: "Rien trouvé. Essayez d’autres mots, ou moins de filtres.", "Nothing found. Try other words, or fewer filters.";
    empty: "La question est vide\u{a0}: donnez quelques mots, ou choisissez un filtre.", "The question is empty: give some words, or choose a filter.";
    too_long: "La question est trop longue\u{a0}: donnez-en l’essentiel.", "The question is too long: give the gist of it.";
    other_question: "Cette suite est celle d’une autre question\u{a0}: recommencez la recherche.", "This is the next page of another question: search again.";
    next: "Page suivante", "Next page";
    previous: "Page précédente", "Previous page";
    untitled: "Sans titre", "Untitled";
    undated: "sans date", "undated";
    narrow: "Affiner", "Narrow down";
    in_context: "lire ce passage", "read this passage";
    closest_sentence: "Phrase la plus proche", "Closest sentence";
    syntax: "Ce que la recherche comprend", "What the search understands";
    syntax_words: "les articles sur ce sujet, même en d’autres mots", "articles about it, in other words too";
    syntax_phrase: "ces mots côte à côte", "these words next to each other";
    syntax_exclude: "sans ce mot", "without this word";
    syntax_title: "dans le titre", "in the title";
    syntax_date: "de cette période", "of this time";
    syntax_label: "de cette source, de cette langue", "of this source, of this language";
    phrase_example: "«\u{a0}état d’urgence\u{a0}»", "\"state of emergency\"";
    exclude_example: "élections -football", "elections -football";
    title_example: "titre:inondation", "title:flood";
    date_example: "date:2019..2020-03", "date:2019..2020-03";
    label_example: "source:AFP lang:fr", "source:AFP lang:en";
    text: "Texte", "Text";
    passage: "passage", "passage";
    word: "mots", "words";
    furniture: "habillage de la page, non comparé", "page furniture: not compared";
    has_furniture: "En gris\u{a0}: l’habillage de la page, qui n’est ni cherché ni comparé.", "In grey: page furniture, which is neither searched nor compared.";
    related: "Articles proches", "Related articles";
    no_related: "Aucun article proche.", "No related article.";
    versions: "Versions", "Versions";
    no_versions: "Aucune autre version connue.", "No other version is known.";
    others: "Autres textes en commun", "Other shared text";
    details: "Fiche", "Details";
    key: "Identifiant", "Identifier";
    date: "Date", "Date";
    address: "Adresse", "Address";
    original: "Voir l’original", "See the original";
    compare: "Comparer", "Compare";
    closeness: "proximité", "closeness";
    being_made: "Le registre des copies n’est pas encore prêt\u{a0}: revenez dans un moment.", "The register of copies is not ready yet: come back in a moment.";
    groups_by_size: "Groupes de versions, les plus grands d’abord", "Groups of versions, largest first";
    no_groups: "Aucun groupe ne passe ces filtres.", "No group passes these filters.";
    relation: "Relation", "Relation";
    least_share: "Part commune d’au moins", "Share in common of at least";
    first_one: "premier", "first";
    of_it: "de son texte", "of its text";
    timeline: "Chronologie", "Timeline";
    compare_title: "Deux articles côte à côte", "Two articles side by side";
    compare_how: "Pour comparer deux articles, donnez leurs identifiants.", "To compare two articles, give their identifiers.";
    evidence: "Ce qu’ils ont en commun", "What they have in common";
    was_first: "Premier paru", "First";
    share_text: "Texte commun", "Shared text";
    of_a: "de A", "of A";
    of_b: "de B", "of B";
    runs: "Suites de cinq mots", "Runs of five words";
    confidence: "Certitude", "Confidence";
    credits: "Agences nommées", "Agencies named";
    side_by_side: "Textes alignés", "Aligned texts";
    where_they_meet: "Où les passages communs se trouvent dans A, en haut, et dans B, en bas", "Where shared passages stand in A, above, and in B, below";
    moved: "déplacé", "moved";
    go_to_a: "le même passage dans A", "the same passage in A";
    go_to_b: "le même passage dans B", "the same passage in B";
    only_a: "seulement dans A", "only in A";
    only_b: "seulement dans B", "only in B";
    in_both: "dans les deux", "in both";
    fact: "fait", "fact";
    legend: "Légende", "Legend";
    embedded: "Plongements", "Embeddings";
    model: "Modèle", "Model";
    precision: "Précision", "Precision";
    components: "composantes", "components";
    threads: "Fils de calcul", "Threads";
    uptime: "En service depuis", "Up for";
    texts: "Textes", "Texts";
    tokens: "Unités lexicales", "Tokens";
    passes: "Passages dans le modèle", "Passes through the model";
    tokens_per_second: "Unités par seconde", "Tokens per second";
    texts_per_second: "Textes par seconde", "Texts per second";
    since_start: "depuis le démarrage", "since the start";
    at_work: "pendant le calcul", "while at work";
    waiting: "En attente", "Waiting";
    searches: "Recherches", "Searches";
    store: "Fonds", "Store";
    articles: "Articles", "Articles";
    vectors: "Textes différents", "Different texts";
    lag: "Retard des index", "Index lag";
    lag_copies: "Copies", "Copies";
    up_to_date: "à jour", "up to date";
    not_made: "à construire", "to be made";
    per_second: "Unités par seconde, ces dernières minutes", "Tokens per second, these last minutes";
    refreshed: "Actualisé toutes les deux secondes.", "Refreshed every two seconds.";
    home: "Retour à la recherche", "Back to the search";
    keys: "Raccourcis\u{a0}: / pour chercher, j et k d’un résultat à l’autre", "Keys: / to search, j and k between hits";
    dates_of: "Dates", "Dates";
    languages: "Langues", "Languages";
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn both_languages_say_everything_with_their_own_typography() {
        // What French sets apart has a space before it at which no line ends; English sets nothing apart.
        let bare = Regex::new(r"[^\u{a0}\u{202f}][;!?»]|«[^\u{a0}]|[^\u{a0}]: ").unwrap();
        let apart = Regex::new(r"\s[:;!?]( |$)").unwrap();
        let operator = |name: &str| name.ends_with("_example");
        for (name, french, english) in ALL {
            assert!(!french.trim().is_empty() && !english.trim().is_empty(), "{name} says nothing");
            assert!(operator(name) || !bare.is_match(french), "{name}: {french}");
            assert!(!french.contains('\''), "{name}: {french} has a typewriter's apostrophe");
            assert!(!apart.is_match(english), "{name}: {english}");
        }
    }

    #[test]
    fn every_note_is_said_in_french_too() {
        let (typed, name) = (|| "date:hier".to_owned(), || "auteur".to_owned());
        let bare = Regex::new(r"[^\u{a0}\u{202f}][;!?»]|«[^\u{a0}]|[^\u{a0}]: ").unwrap();
        for note in [
            Note::NoDate(typed()),
            Note::NoRange(typed()),
            Note::OtherDates(typed()),
            Note::NoField { typed: typed(), name: name() },
            Note::NothingToExclude { typed: typed(), name: name() },
            Note::NoValue(typed()),
            Note::NotClosed('"'),
            Note::TooMany(32),
            Note::Sentence,
            Note::NoPhrase(vec![typed(), name()]),
            Note::NotEveryWord(1000),
        ] {
            let [french, english] = Language::ALL.map(|language| language.note(&note));
            assert!(french != english && french.ends_with('.') && english.ends_with('.'), "{french} {english}");
            assert!(!bare.is_match(&french) && !french.contains('\''), "{french}");
        }
    }

    #[test]
    fn numbers_and_dates_are_written_in_the_way_of_the_language() {
        use Language::{English, French};
        let date = |date: &str| date.parse::<PartialDate>().unwrap();
        assert_eq!((French.number(31_379), English.number(31_379)), ("31\u{202f}379".into(), "31,379".into()));
        assert_eq!((French.number(999), English.number(1_000_000)), ("999".into(), "1,000,000".into()));
        assert_eq!((French.decimal(1204.46), English.decimal(0.04)), ("1\u{202f}204,5".into(), "0.0".into()));
        assert_eq!((French.percent(0.784), English.percent(0.784)), ("78\u{a0}%".into(), "78%".into()));
        assert_eq!((English.percent(0.999), English.percent(1.0)), ("99%".into(), "100%".into()));
        assert_eq!(French.date(date("2020-07-01")), "1er\u{a0}juillet 2020");
        assert_eq!(English.date(date("2020-08-22")), "22\u{a0}August 2020");
        assert_eq!((French.date(date("2023-08")), French.date(date("2023"))), ("août 2023".into(), "2023".into()));
        assert_eq!(
            (French.count(0, Thing::Group), English.count(0, Thing::Group)),
            ("0\u{a0}groupe".into(), "0\u{a0}groups".into())
        );
        assert_eq!(French.minutes(125), "2\u{a0}h\u{a0}05");
    }

    #[test]
    fn the_browser_chooses_the_language() {
        for (header, expected) in [
            ("fr-FR,fr;q=0.9,en;q=0.8", Language::French),
            ("en-GB,en;q=0.9,fr;q=0.8", Language::English),
            ("de;q=0.9, fr;q=0.3, en;q=0.2", Language::French),
            ("de", Language::English),
            ("", Language::English),
            ("fr;q=0", Language::English),
            ("FR", Language::French),
        ] {
            assert_eq!(Language::accepted(header), expected, "{header}");
        }
    }
}
