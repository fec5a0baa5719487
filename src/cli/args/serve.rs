//! `voisin serve` and `voisin keys …`

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgAction, Args as Group, Subcommand, ValueEnum};

/// `voisin serve`
#[derive(Debug, Group)]
#[command(after_long_help = "\
Programs ask under /v1; people open / in a browser. Whoever can connect to this machine's loopback address may ask, as long as there is
no file of keys; beyond it keys are needed: see `voisin keys add`. The first interrupt (or SIGTERM) lets requests finish, the
second ends at once. The log is JSON Lines on standard error, beside a line or two for people that -q leaves out; no text of articles or questions is in it.

Exit status: 0 when it was told to end, 2 on an error, 130 when interrupted twice.

Examples:
  voisin serve                                     this machine alone, at http://127.0.0.1:8080
  voisin keys add newsroom && voisin serve --listen 0.0.0.0:8080 --read-only
  curl -H \"Authorization: Bearer $KEY\" http://search.example:8080/metrics")]
pub struct Serve {
    /// Address and port; port 0 takes one that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", env = "VOISIN_LISTEN")]
    pub listen: SocketAddr,

    /// File of keys [default: keys.json in the store, if it is there]
    ///
    /// It is read again when it changes: a key that is removed stops working within a second.
    #[arg(long, value_name = "FILE", env = "VOISIN_KEYS", conflicts_with = "without_keys")]
    pub keys: Option<PathBuf>,

    /// Let everyone in who can connect; has to be given twice to listen beyond the loopback address
    #[arg(long, action = ArgAction::Count)]
    pub without_keys: u8,

    /// Never change the store; what other processes put into it is found
    #[arg(long)]
    pub read_only: bool,

    /// Model of a store that is made now, as for `voisin index`; of a store that is there, it has to be this one
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,

    /// Cross-encoder that reads the best candidates of every search again: a folder or a hub id, of the BERT family
    #[arg(long, value_name = "MODEL")]
    pub rerank: Option<String>,

    /// What happens to texts to embed that the model cannot take whole, where a request does not say it
    #[arg(long, value_name = "RULE", default_value = "pool")]
    pub long_inputs: LongInputs,

    /// Threads that embed, and as many that search [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// MiB of a request's body; bulk loads are read line by line, and a line may have as much
    #[arg(long, value_name = "MIB", default_value_t = 4, help_heading = "Limits",
        value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub max_body: u16,

    /// Seconds that a request may take, its body included; bulk loads take as long as lines keep coming
    #[arg(long, value_name = "SECONDS", default_value_t = 30, help_heading = "Limits",
        value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub timeout: u16,

    /// Connections at a time
    #[arg(long, value_name = "N", default_value_t = 16_384, help_heading = "Limits",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_connections: u32,

    /// What is logged: nothing less grave than this
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log: Log,
}

/// What happens to a text that is longer than the model can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LongInputs {
    /// Its vector is the mean of its passages
    Pool,
    /// The rest is cut off, and counted in the answer
    Truncate,
    /// The request is refused
    Reject,
}

/// How grave something has to be to be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Log {
    /// What failed on our side
    Error,
    /// And what may lead to it
    Warn,
    /// And a line a request
    Info,
    /// And what happens on the way
    Debug,
}

/// `voisin keys …`
#[derive(Debug, Group)]
#[command(after_long_help = "\
A key is shown once, when it is made; the file keeps a hash of it. A running `voisin serve` that asks for keys takes changes of the file up within a second; one that was started without has to be started again.

Examples:
  voisin keys add newsroom                  may ask
  voisin keys add importer --scope write    may also change the store
  voisin keys remove newsroom")]
pub struct Keys {
    /// What to do
    #[command(subcommand)]
    pub what: KeysWhat,

    /// File of keys [default: keys.json in the store]
    #[arg(long, global = true, value_name = "FILE", env = "VOISIN_KEYS")]
    pub keys: Option<PathBuf>,
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeysWhat {
    /// Make a key and print it, this once
    Add {
        /// Who or what it is for
        name: String,

        /// What it allows
        #[arg(long, value_name = "SCOPE", default_value = "read")]
        scope: Scope,
    },
    /// List names, scopes and dates
    List,
    /// Remove a key, which stops working at once
    Remove {
        /// What it was added as
        name: String,
    },
}

/// What a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scope {
    /// To ask
    Read,
    /// And to change the store
    Write,
}
