//! `voisin bench …`

use std::path::PathBuf;

use clap::{Args as Group, Subcommand};

/// `voisin bench`
#[derive(Debug, Group)]
#[command(after_long_help = "\
A number with ± is a median over rounds; ± is half the distance between their quartiles.

With --json, one object, which --compare reads:
  {\"bench\", \"version\", \"machine\", \"settings\", \"notes\", \"measures\":
   [{\"name\", \"group\", \"unit\", \"value\", \"spread\", \"change\"}]}
spread and change are shares of 1; change is there with --compare.

Examples:
  voisin bench embed --threads 2
  voisin bench search --store archive --json > before.json
  voisin bench search --store archive --compare before.json")]
pub struct Bench {
    /// What to time
    #[command(subcommand)]
    pub what: What,

    /// Time to measure for, roughly; loading, warming up and the peak test (2 s) come on top
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: u32,

    /// Also write the JSON here
    #[arg(long, global = true, value_name = "FILE")]
    pub save: Option<PathBuf>,

    /// Show the change against an earlier --json or --save
    #[arg(long, global = true, value_name = "FILE")]
    pub compare: Option<PathBuf>,
}

/// What can be timed.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Texts to vectors: throughput, latency, loading, memory, and the share of what this CPU can do
    ///
    /// Texts are those of PATH, else of the store, else built-in samples. They are tokenised on one thread and embedded on all.
    /// The peak is that of multiply-adds on registers alone; a share of it counts the products of the layers and of attention.
    Embed {
        /// Articles to take texts from: a file or folder, as for `voisin index`
        path: Option<String>,

        /// Model: a folder, a hub id, or the one of the store, or the built-in one
        #[arg(long, value_name = "MODEL")]
        model: Option<String>,

        /// Components of a vector to keep, the first ones, for models trained for it [default: all]
        #[arg(long, value_name = "N")]
        dims: Option<usize>,

        /// Threads that embed [default: one a core]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
        threads: Option<u16>,
    },
    /// Questions to hits: throughput, latency by stage, and recall against the exact scan
    ///
    /// Asks up to 500 questions, one after the other, again and again until the time is over.
    Search {
        /// Questions, one a line; titles of the store without it
        #[arg(long, value_name = "FILE")]
        queries: Option<PathBuf>,

        /// Hits of a question
        #[arg(short, value_name = "N", default_value_t = 10, value_parser = super::count)]
        k: usize,

        /// What articles are searched by
        #[arg(long, value_name = "MODE", default_value = "hybrid")]
        mode: super::Mode,

        /// View of the vectors that answers; the graph is built first where the store has none
        #[arg(long, value_name = "VIEW", default_value = "auto")]
        view: super::View,
    },
    /// Files to a store: throughput by stage, memory, and bytes on disk
    ///
    /// Indexes PATH, or built-in samples, into stores of its own in the folder for temporary files, which go when it is done.
    /// Of a long input, what is read in the time is indexed.
    Index {
        /// Articles: a file or folder, as for `voisin index`
        path: Option<String>,

        /// Model: a folder, a hub id, or the built-in one
        #[arg(long, value_name = "MODEL")]
        model: Option<String>,

        /// Components of a vector to keep, the first ones, for models trained for it [default: all]
        #[arg(long, value_name = "N")]
        dims: Option<usize>,

        /// Threads that embed [default: one a core]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
        threads: Option<u16>,
    },
}
