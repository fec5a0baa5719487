//! `voisin eval …`

use std::path::PathBuf;

use clap::{Args as Group, Subcommand};

/// `voisin eval`
#[derive(Debug, Group)]
#[command(after_long_help = "\
Metrics are of 1, not of 100:
  spearman, pearson  correlation of cosines with grades
  ap                 average precision of pairs, closest first
  ndcg@10, mrr@10    how far up the passages that answer are
  recall@100         the share of them among the first 100
  accuracy           bitext: texts whose closest text is their translation, from the first
                     language to the second (accuracy_back: back); pairs: told rightly
  f1, precision,     of pairs at the best threshold; of bitext by margin, also at the best
  recall             threshold; of duplicates, of the pairs that are reported
  nearest_f1         what MTEB publishes as the F1 of bitext, and back
  ari, v_measure     groups of duplicates: adjusted Rand index, V-measure

The column 95 % is a bootstrap's interval. A query none of whose relevant passages is there,
and labels that are all the same, are errors.

With --json, one object a row:
  {\"task\", \"data\", \"mode\", \"model\", \"precision\", \"n\", \"metrics\": {NAME: VALUE},
   \"ci95\": {NAME: [LOW, HIGH]}, \"cut_texts\", \"notes\", \"seconds\",
   \"change\": {NAME: DIFFERENCE}}
mode: how was searched. cut_texts: texts longer than the model's limit. change: with --against.
Rows of one data set share its seconds and its cut texts.

Examples:
  voisin eval sts stsb/fr-dev.tsv
  voisin eval retrieval --passages corpus.jsonl --queries queries.jsonl --qrels qrels/test.tsv
  voisin eval all --data data --json > today.jsonl
  voisin eval all --data data --against today.jsonl")]
pub struct Eval {
    /// What to measure
    #[command(subcommand)]
    pub task: Task,

    /// Model to measure: a folder, a hub id, or the built-in one
    #[arg(long, global = true, value_name = "MODEL")]
    pub model: Option<String>,

    /// Components of a vector to keep, the first ones, for models trained for it [default: all]
    #[arg(long, global = true, value_name = "N")]
    pub dims: Option<usize>,

    /// Threads that embed [default: one a core]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Show the change against the rows of an earlier --json
    #[arg(long, global = true, value_name = "FILE")]
    pub against: Option<PathBuf>,
}

/// The tasks.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Do cosines of pairs of texts follow their grades?
    ///
    /// Spearman's and Pearson's correlation. FILE: two texts and a number a line, tab-separated (.tsv), or sentence1,
    /// sentence2 and score (.jsonl).
    Sts {
        /// Graded pairs
        file: PathBuf,
    },
    /// Do cosines tell pairs that mean the same from others?
    ///
    /// Average precision; F1, precision and recall at the threshold with the best F1; accuracy at the one with the best accuracy.
    /// FILE: two texts and 0 or 1 a line, tab-separated (.tsv), or sentence1, sentence2 and label (.jsonl).
    Pairs {
        /// Labelled pairs
        file: PathBuf,

        /// Pairs that the thresholds are chosen on; without them they are chosen on FILE itself
        #[arg(long, value_name = "FILE")]
        dev: Option<PathBuf>,
    },
    /// Is the translation of a text the closest to it?
    ///
    /// Accuracy from A to B and back, and F1 by margin. A and B: a text a line; or A alone: a text and its translation a
    /// line, tab-separated.
    Bitext {
        /// Texts, or texts with their translations
        a: PathBuf,

        /// Their translations
        b: Option<PathBuf>,
    },
    /// Are the passages that answer found first?
    ///
    /// nDCG@10, recall@10, recall@100 and MRR@10 of `voisin search` over the passages as articles, titles as passages of their
    /// own, by words, by meaning and by both. Where some of a query's relevant passages are not there, they count as not found.
    Retrieval {
        /// Passages: pid (or _id) and text, title if there is one, in JSON Lines
        #[arg(long, value_name = "FILE")]
        passages: PathBuf,

        /// Queries: query (or text), and pid or relevant: [pid, …], in JSON Lines
        #[arg(long, value_name = "FILE")]
        queries: PathBuf,

        /// Judgements as BEIR has them: query id, passage id and score, tab-separated
        #[arg(long, value_name = "FILE")]
        qrels: Option<PathBuf>,

        /// How to search; can be given several times [default: all three]
        #[arg(long, value_name = "MODE")]
        mode: Vec<super::Mode>,

        /// How hybrid search makes one list of two
        #[arg(long, value_name = "HOW", default_value = "calibrated")]
        fusion: super::Fusion,
    },
    /// Are articles found that spell a name otherwise?
    ///
    /// recall@10 and MRR@10: for every spelling of a list there is an article; each spelling is asked for, and the articles of the
    /// other spellings of its name answer.
    Names {
        /// Names: the spellings of one a line, tab-separated
        list: PathBuf,

        /// Articles to search them among: a file or folder that can be indexed
        #[arg(long, value_name = "PATH")]
        background: Option<PathBuf>,

        /// How to search; can be given several times [default: all three]
        #[arg(long, value_name = "MODE")]
        mode: Vec<super::Mode>,

        /// How hybrid search makes one list of two
        #[arg(long, value_name = "HOW", default_value = "calibrated")]
        fusion: super::Fusion,
    },
    /// Are the copies in a store found, and no others?
    ///
    /// Takes the pairs that `voisin duplicates` reports as copies and to which it gives at least the least similarity: recall,
    /// precision and F1 of these pairs against those of the truth that have it; adjusted Rand index and V-measure of the groups
    /// that they make.
    Duplicates {
        /// Pairs of articles: id1, id2 and columns named jaccard… and containment…, tab-separated
        #[arg(long, value_name = "FILE")]
        truth: PathBuf,

        /// Least similarity of the pairs that are to be found, as a Jaccard index [default: 0.5]
        #[arg(long, value_name = "X", value_parser = share, conflicts_with = "min_containment")]
        min_jaccard: Option<f64>,

        /// The same as containment
        #[arg(long, value_name = "X", value_parser = share)]
        min_containment: Option<f64>,

        /// Similarity below which they must be; there is then no precision
        #[arg(long, value_name = "X", value_parser = share)]
        below: Option<f64>,
    },
    /// How much of what the exact scan of a store finds does its graph find?
    ///
    /// Asks vectors of the store for their neighbours; builds the graph where the store has none.
    Ann {
        /// Neighbours of each vector
        #[arg(short, value_name = "N", default_value_t = crate::eval::suite::ANN.0, value_parser = super::count)]
        k: usize,

        /// Vectors of the store that are asked for their neighbours
        #[arg(long, value_name = "N", default_value_t = crate::eval::suite::ANN.1, value_parser = super::count)]
        queries: usize,
    },
    /// Measure every data set of a folder
    ///
    /// stsb/*.tsv, pawsx/*.tsv, bitext/*.tsv, flores200/*.txt, retrieval/**, names.tsv and *neardup*.tsv, there or in eval/; files with the
    /// word train in their name are left alone. Near-duplicates and the index are measured on the store, where there is one.
    All {
        /// The folder
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}
