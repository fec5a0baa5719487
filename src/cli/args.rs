//! What can be typed. Pure data: nothing here looks at the disk, the machine or the terminal.

use crate::embed::precision::Wanted;
use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand, ValueEnum};

use crate::types::{PartialDate, Period};

pub mod bench;
pub mod eval;
#[cfg(feature = "server")]
pub mod serve;

/// Semantic search and near-duplicates for French news, offline, on the CPU.
#[derive(Debug, Parser)]
#[command(name = "voisin", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 with results, 1 without, 2 on an error, 130 when interrupted.")]
#[command(after_long_help = "\
Examples:
  voisin index articles/            read, cut and embed a folder of articles
  voisin search \"grève à l'hôpital\" the passages that mean it
  voisin similar articles/a.txt     articles close to one
  voisin duplicates                 who copied whom
  voisin serve                      all of it over HTTP, and a page to search with

Standard output is data, standard error is talk; --json prints JSON Lines.
Exit status: 0 with results, 1 without, 2 on an error, 130 when interrupted.")]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// What every command takes.
    #[command(flatten)]
    pub common: Common,
}

/// Options of every command.
#[derive(Clone, Debug, Group)]
pub struct Common {
    /// Folder of the store
    #[arg(long, global = true, value_name = "DIR", default_value = ".voisin", env = "VOISIN_STORE")]
    pub store: PathBuf,

    /// Print JSON Lines instead of text
    #[arg(long, global = true)]
    pub json: bool,

    /// Never use the network
    ///
    /// A model of the hub must then be in its cache: see `voisin models pull`.
    #[arg(long, global = true, env = "HF_HUB_OFFLINE", value_parser = clap::builder::FalseyValueParser::new())]
    pub offline: bool,

    /// Instruction set of the kernels: auto, portable, neon, neondot, avx2, avxvnni, avx512, avx512vnni, avx512bf16, amx
    ///
    /// Vectors differ between levels by rounding only: the cosine of one text's is above 0.999 in int8, and 1 to six digits in
    /// f32. A level that the CPU lacks is an error.
    #[arg(long, global = true, value_name = "LEVEL", default_value = "auto", env = "VOISIN_ISA")]
    pub isa: String,

    /// Numbers that the model multiplies: auto, f32, bf16, int8
    ///
    /// f32 is the reference. int8 is one and a half times to three times as fast, and was measured to rank as f32 does, to a
    /// tenth of a point, on a CPU with instructions for it (avx2 and neondot or better); so is bf16, between the two, with
    /// avx512bf16 or amx. auto is the fastest that was found as good as f32 on this CPU for this kind of model. Vectors of all
    /// three can be compared with each other.
    #[arg(
        long,
        global = true,
        value_name = "NUMBERS",
        default_value = "auto",
        env = "VOISIN_PRECISION",
        hide_env_values = true
    )]
    pub precision: Wanted,

    /// Say nothing on standard error but errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read articles, cut them into passages, embed and store them
    Index(Index),
    /// Find the articles that mean a question
    Search(Search),
    /// Find the articles that are close to one
    Similar(Similar),
    /// Say who copied whom, where, and how much
    Duplicates(Duplicates),
    /// Lay two articles side by side
    Compare(Compare),
    /// Count articles by language, source, year, month or any field they came with
    Facets(Facets),
    /// Embed lines of standard input
    Embed(Embed),
    /// Answer over HTTP, to programs and to browsers
    #[cfg(feature = "server")]
    Serve(serve::Serve),
    /// Make, list and remove the keys that `voisin serve` asks for
    #[cfg(feature = "server")]
    Keys(serve::Keys),
    /// List, describe and fetch models
    #[command(subcommand)]
    Models(Models),
    /// Say what a store holds
    Status,
    /// Check a store for damage
    Verify,
    /// Say how well the views of a store are, and what to do
    Doctor(Doctor),
    /// Remove articles
    Remove(Remove),
    /// Measure how good models, searches and indexes are
    Eval(eval::Eval),
    /// Measure how fast this machine embeds, searches and indexes
    Bench(bench::Bench),
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man {
        /// The command; the overview without one
        command: Option<String>,
    },
}

/// `voisin index`
#[derive(Debug, Group)]
#[command(after_long_help = "\
Reads .txt, .md, .html, .json, .jsonl, .csv and .tsv, each plain or as .gz or .zst; folders with all that is in them,
hidden and ignored files left out; and standard input, as `-`. Encodings, dates and languages are found out. Running it
again embeds only what is new or changed, and no store embeds again what another did. It can be stopped at any time: what is
reported as stored is safe.

Examples:
  voisin index articles/ archive.jsonl.zst
  zcat dump.gz | voisin index - --field text=contenu --field date=paru_le")]
pub struct Index {
    /// Files or folders; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<String>,

    /// Model that embeds: a folder, a hub id such as intfloat/multilingual-e5-small, or the built-in one
    ///
    /// A store keeps the model that it was made with, which is the default for it.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,

    /// Components of a vector to keep, the first ones [default: all]
    ///
    /// For models trained for it (Matryoshka). A store keeps the number that it was made with.
    #[arg(long, value_name = "N")]
    pub dims: Option<usize>,

    /// Which field of JSON and CSV holds what: id, title, date, lead, text, url, language or source
    ///
    /// Usual names are guessed. Can be given several times.
    #[arg(long = "field", value_name = "PART=NAME", value_parser = field)]
    pub fields: Vec<(String, String)>,

    /// Tokens of a passage, as the model counts them [default: 180]
    ///
    /// A store keeps the length that it was made with.
    #[arg(long, value_name = "N")]
    pub passage_tokens: Option<usize>,

    /// Threads that embed [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// File of vectors embedded before, for any store; `none` does without
    ///
    /// It is voisin/vectors.sqlite in the user's cache folder: $XDG_CACHE_HOME, or ~/.cache. What was embedded before, by
    /// this version with the same model, precision and instruction set, is not embedded again. It is kept to 2 GiB and can be
    /// deleted at any time.
    #[arg(long, value_name = "FILE", env = "VOISIN_CACHE")]
    pub cache: Option<PathBuf>,

    /// View of the vectors to bring up to date at the end; hnsw takes about a millisecond a passage
    #[arg(long, value_name = "VIEW", default_value = "auto")]
    pub view: View,
}

/// `voisin search`
#[derive(Debug, Group)]
#[command(after_long_help = "\
A question is searched by its words and by its meaning. What can be typed in it:
  grève hôpital             words, in any order and form; names in other spellings too
  \"état d'urgence\"          these words next to each other
  -football -\"coupe d'Europe\"   articles without these words, in this form
  title:grève text:hôpital  the title, or the text, has it (titre:, texte:)
  date:2020-03 date:2019..2020 since:2020 until:2020-05
  source:AFP lang:fr NAME:\"VALUE\" -source:AFP   any field: see `voisin facets`
What cannot be understood is searched as words, with a note.

A hit is an article, with near-identical ones under it. The sentence that is closest in meaning to the question stands
after `>`. The score is a sum of evidence, for comparing hits of one question: --explain takes it apart. With --json, one
object a hit:
  {\"rank\", \"score\", \"article\": {\"id\", \"title\", \"date\", \"source\", \"url\", \"language\"}, \"title_words\",
   \"passage\": {\"id\", \"field\", \"score\", \"text\", \"start\", \"end\", \"sentence\": {\"start\", \"end\"}, \"words\"},
   \"versions\": [ARTICLE, …], \"next\",
   \"reasons\": {\"score\", \"words\": {\"rank\", \"score\", \"share\"}, \"meaning\": {…}, \"reranked\",
    \"terms\": [{\"term\", \"kind\", \"field\", \"score\"}, …]}}
where start and end count characters: of the article's text (of its title if field is \"title\") for the passage, of the
passage's text for sentence and words, of the title for title_words. The passage's score is a cosine. next is what --after
takes, in the last hit of a page that may not be the last.

Examples:
  voisin search \"grève à l'hôpital\" --since 2019 --lang fr
  voisin search \"Kadhafi -football date:2011\" --sort newest --explain")]
pub struct Search {
    /// What to look for: words, "phrases", -exclusions, field:value
    #[arg(allow_hyphen_values = true)]
    pub query: String,

    /// Hits to show at most
    #[arg(short, value_name = "N", default_value_t = 10, value_parser = count)]
    pub k: usize,

    /// What articles are searched by
    #[arg(long, value_name = "MODE", default_value = "hybrid")]
    pub mode: Mode,

    /// Order of the hits
    #[arg(long, value_name = "ORDER", default_value = "relevance")]
    pub sort: Sort,

    /// The next page: the word that the page before ended with, with the same question and options
    #[arg(long, value_name = "WORD")]
    pub after: Option<String>,

    /// Say why each hit is there: places and scores in both lists, words, and how they add up
    #[arg(long)]
    pub explain: bool,

    /// Show near-identical articles as hits of their own
    #[arg(long)]
    pub all_versions: bool,

    /// Show whole passages
    #[arg(long)]
    pub full: bool,

    /// Cross-encoder that reads the best candidates again: a folder or a hub id, of the BERT family
    #[arg(long, value_name = "MODEL")]
    pub rerank: Option<String>,

    /// How one list is made of two
    #[arg(long, value_name = "HOW", default_value = "calibrated")]
    pub fusion: Fusion,

    /// View of the vectors that answers
    #[arg(long, value_name = "VIEW", default_value = "auto")]
    pub view: View,

    /// Which articles may answer.
    #[command(flatten)]
    pub filters: Filters,
}

/// Which articles are meant, in every command that takes a filter.
#[derive(Clone, Debug, Default, Group)]
#[command(next_help_heading = "Filters")]
pub struct Filters {
    /// Articles of this date or later: 2023, 2023-08, 2023-08-22
    ///
    /// A date that is not known to the day passes where it may be meant: 2023-08 is since 2023-08-15, and until it.
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub since: Option<PartialDate>,

    /// Articles of this date or earlier
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub until: Option<PartialDate>,

    /// Articles in this language: fr, en, ar; given twice, in either
    #[arg(long, value_name = "CODE")]
    pub lang: Vec<String>,

    /// Articles of this source; given twice, of either
    #[arg(long, value_name = "NAME")]
    pub source: Vec<String>,

    /// Articles with this value in a field: rubrique=Société, year=2023
    ///
    /// Case and accents do not count. A name given twice means either value; of different names, each has to fit. `voisin
    /// facets` lists the names, and `voisin facets NAME` the values.
    #[arg(long = "where", value_name = "NAME=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,
}

/// `voisin facets`
#[derive(Debug, Group)]
#[command(after_long_help = "\
Names are those of the fields that articles came with, and language, source, year and month. With --json, one object a
line: {\"name\", \"articles\"} for names, {\"name\", \"value\", \"articles\"} for values.

Examples:
  voisin facets                                   the names there are
  voisin facets rubrique year --lang fr           articles in French by section, and by year
  voisin facets source --where rubrique=société   who writes about society")]
pub struct Facets {
    /// Fields whose values are counted; without one, the names of fields
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,

    /// Values to show at most, for each name
    #[arg(short, value_name = "N", default_value_t = 20, value_parser = count)]
    pub k: usize,

    /// Which articles are counted.
    #[command(flatten)]
    pub filters: Filters,
}

/// `voisin similar`
#[derive(Debug, Group)]
pub struct Similar {
    /// An article of the store, by its id, or a file
    #[arg(value_name = "ID|PATH")]
    pub article: String,

    /// Articles to show at most
    #[arg(short, value_name = "N", default_value_t = 10, value_parser = count)]
    pub k: usize,

    /// Which articles may answer.
    #[command(flatten)]
    pub filters: Filters,

    /// Articles no further in time from this one: 7d, 2w, 3m, 1y
    ///
    /// Where a date is not known to the day, the closest day that it may mean counts.
    #[arg(long, value_name = "TIME", help_heading = "Filters")]
    pub within: Option<Period>,
}

/// `voisin duplicates`
#[derive(Debug, Group)]
#[command(after_long_help = "\
Every pair was compared word by word. What the later of two articles is to the earlier:
  identical       the same words in the same order
  republished     the same but for page furniture or a few words
  updated         a later version of the same piece
  contains        it holds the whole of the first, or nearly
  excerpt         it is a part of the first, or nearly
  shared-source   both are built on the same source
  same-story      the same event in other words
Versions of one article (the first three, and parts that are two fifths of the whole or more) form groups. Every member was compared
with the group's representative, the earliest of them: there are no chains. Who was first is said as precisely as
the dates are; agencies that both name are shown as a hint.

It prints groups, then the pairs outside of groups with a piece of evidence; all of the evidence with --of, --json or --html,
and for two articles with `voisin compare`. What was compared is kept: only new articles are compared again.

With --json, one object a pair and then one a group:
  {\"kind\": \"pair\", \"relation\", \"confidence\", \"a\": ARTICLE, \"b\": ARTICLE, \"precedence\", \"minutes\", \"jaccard\",
   \"a_in_b\", \"b_in_a\", \"share_a\", \"share_b\", \"closeness\", \"stretches\": [{\"a\": SPAN, \"b\": SPAN, \"equal\": [{\"a\": SPAN, \"b\": SPAN}, …]}, …],
   \"credits\", \"facts\"}
  {\"kind\": \"group\", \"representative\": ARTICLE, \"members\": [ARTICLE with \"relation\", \"confidence\", \"jaccard\", \"a_in_b\", \"b_in_a\",
   \"share_of_first\", \"share\", \"precedence\", \"minutes\", …]}
relation is null where there is none (`voisin compare`). precedence is known, same-time (both may be of the same time) or undated;
minutes lie between both, where both sources give a time. credits: {\"a\": [{\"agency\", \"kind\", …}], \"b\": …}; kind is signed (the
agency's text) or cited. facts: [{\"kind\", \"weight\", \"a\": {…, \"text\"}, \"b\"}]; kind is name, number or quotation. ARTICLE is {\"id\", \"title\",
\"date\", \"source\", \"url\", \"language\"}. A SPAN is {\"start\", \"end\"} in characters of the article's text; jaccard, a_in_b and b_in_a count runs of five words, share_a
and share_b the letters that stand in shared stretches. Of articles that read the same, each is paired with the first.

Examples:
  voisin duplicates --relation republished --since 2024-01
  voisin duplicates --of lemonde/1234
  voisin duplicates --min 0.5 --html copies.html")]
pub struct Duplicates {
    /// The least share of one article that is found in the other, 0 to 1; leaves out stories in other words
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share, hide_default_value = true)]
    pub min: f32,

    /// Pairs of this relation; given several times, of either
    #[arg(long, value_name = "RELATION")]
    pub relation: Vec<Relation>,

    /// Pairs with an article of this date or later
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub since: Option<PartialDate>,

    /// Pairs with this article
    #[arg(long, value_name = "ID")]
    pub of: Option<String>,

    /// Write a page for browsers: groups, timelines, texts side by side
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// `voisin compare`
#[derive(Debug, Group)]
#[command(after_long_help = "\
Each is an article of the store, by its id, or a file; without a store, both are files. Prints what there is to say of the two,
as `voisin duplicates` does, with all the stretches that both have, side by side. It looks at these two alone: what stands in
many other articles as well counts like anything else. Exit status: 1 where they have nothing to do with each other.

Example:
  voisin compare dispatch.txt article.html")]
pub struct Compare {
    /// An article of the store, by its id, or a file
    #[arg(value_name = "ID|PATH")]
    pub a: String,

    /// The other
    #[arg(value_name = "ID|PATH")]
    pub b: String,
}

/// What the later of two articles is to the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Relation {
    /// The same words in the same order
    Identical,
    /// The same but for page furniture or a few words
    Republished,
    /// A later version of the same piece
    Updated,
    /// It holds the whole of the first, or nearly
    Contains,
    /// It is a part of the first, or nearly
    Excerpt,
    /// Both are built on the same source
    SharedSource,
    /// The same event in other words
    SameStory,
}

/// `voisin doctor`
#[derive(Debug, Group)]
#[command(after_long_help = "\
Looks at what is derived from the database: whether it is whole, caught up, reachable in every part, and how much of what is
closest a search by the graph finds. `voisin verify` looks at the database itself. With --json, one object a check:
{\"check\", \"status\", \"seen\", \"advice\"}, where status is ok, advice or wrong.
Exit status: 2 where something is wrong, else 0.")]
pub struct Doctor {
    /// Vectors of the store that recall is measured with
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = count)]
    pub sample: usize,

    /// View of the vectors to measure; hnsw is built if it is not there
    #[arg(long, value_name = "VIEW", default_value = "auto")]
    pub view: View,

    /// First bring the views up to date, and make again what is damaged
    #[arg(long)]
    pub repair: bool,
}

/// `voisin embed`
#[derive(Debug, Group)]
#[command(after_long_help = "\
One vector a line of standard input, in order. JSON Lines: {\"line\", \"text\", \"tokens\", \"dropped_tokens\",
\"embedding\"}. A line longer than the model's limit is cut, and what was dropped is counted. npy: an array of f32 of
shape [lines, dims], for numpy.load.")]
pub struct Embed {
    /// Model that embeds: a folder, a hub id, or the built-in one
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,

    /// Components of a vector to keep, the first ones, for models trained for it [default: all]
    #[arg(long, value_name = "N")]
    pub dims: Option<usize>,

    /// Embed the lines as questions, not as passages
    #[arg(long)]
    pub query: bool,

    /// How to print
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    pub format: EmbedFormat,

    /// File to write instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Threads that embed [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// `voisin models`
#[derive(Debug, Subcommand)]
pub enum Models {
    /// List the models that are there: built in, and in the hub's cache
    List,
    /// Say what was understood of a model
    Show {
        /// The model; the built-in one without it
        model: Option<String>,

        /// Components of a vector to keep, the first ones, for models trained for it [default: all]
        #[arg(long, value_name = "N")]
        dims: Option<usize>,
    },
    /// Fetch a model of the hub into its cache
    Pull {
        /// Owner and name, and a revision if need be: intfloat/multilingual-e5-small@main
        model: String,
    },
}

/// `voisin remove`
#[derive(Debug, Group)]
pub struct Remove {
    /// Ids of articles
    #[arg(required = true, value_name = "ID")]
    pub articles: Vec<String>,
}

/// How `voisin embed` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EmbedFormat {
    /// One JSON object a line
    Jsonl,
    /// A NumPy array
    Npy,
}

/// What articles are searched by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Words and meaning
    Hybrid,
    /// Meaning alone
    Semantic,
    /// Words alone
    Lexical,
}

/// The order of hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    /// Best first
    Relevance,
    /// Newest first, of the articles that have every word
    Newest,
    /// Oldest first, of the same
    Oldest,
}

/// How one list is made of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fusion {
    /// By scores on one scale
    Calibrated,
    /// By reciprocal ranks
    Rrf,
}

/// Which view of the vectors is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum View {
    /// Whichever answers sooner: the exact scan, for one question
    Auto,
    /// The exact scan
    Exact,
    /// The approximate graph, built if need be
    Hnsw,
}

fn date(text: &str) -> Result<PartialDate, String> {
    crate::ingest::read::parse_date(text)
        .ok_or_else(|| format!("\"{text}\" is no date: expected 2023, 2023-08, 2023-08-22 or \"22 août 2023\""))
}

fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=10_000) => Ok(count),
        _ => Err("expected a number from 1 to 10000".to_owned()),
    }
}

fn share(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a share from 0 to 1, such as 0.5".to_owned()),
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected NAME=VALUE, such as rubrique=Société: `voisin facets` lists the names".to_owned()),
    }
}

fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((part, name)) if !name.is_empty() => Ok((part.to_owned(), name.to_owned())),
        _ => Err("expected PART=NAME, such as text=contenu".to_owned()),
    }
}
