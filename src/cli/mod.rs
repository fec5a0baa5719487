//! The command line: arguments, what they resolve to, the commands, and how their answers are printed.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | [`args`] | what can be typed: pure data (clap) |
//! | `settings` | what it means on this machine: model, instruction set, threads |
//! | `commands` | one function a command |
//! | `evidence` | what two articles have in common, and groups of versions: in the terminal, as JSON, as a page of HTML |
//! | `print` | answers for people and as JSON Lines |
//! | `scratch` | a folder for what is written only to be measured |
//! | `tables` | the tables of `eval` and `bench`, as Markdown |
//! | `progress` | how far a run has come, on standard error |
//!
//! Standard output is data, standard error is talk. Exit status: 0 with results, 1 without, 2 on an error, 130 when
//! interrupted.

pub mod args;
mod commands;
mod evidence;
mod hits;
mod print;
mod progress;
mod scratch;
mod settings;
mod tables;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// There were results.
    Found,
    /// There were none.
    Nothing,
    /// The user stopped it.
    Interrupted,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error(transparent)]
    Engine(#[from] crate::engine::EngineError),
    #[error(transparent)]
    Ingest(#[from] crate::ingest::IngestError),
    #[error(transparent)]
    Eval(#[from] crate::eval::EvalError),
    #[error(transparent)]
    Bench(#[from] crate::bench::BenchError),
    #[error(transparent)]
    Doctor(#[from] crate::doctor::DoctorError),
    #[error(transparent)]
    Isa(#[from] crate::kernels::cpu::IsaError),
    #[error(transparent)]
    Budget(#[from] crate::chunk::BudgetError),
    /// Standard output was closed, as `head` does: no error.
    #[error("standard output was closed")]
    Closed,
    #[error("cannot write: {0}")]
    Output(std::io::Error),
    #[error("{0}")]
    Said(String),
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe { Self::Closed } else { Self::Output(error) }
    }
}

crate::engine::through_engine!(CliError);

/// Parses the arguments of this process, runs the command, reports an error, and says how it ended.
pub fn run() -> ExitCode {
    let args = args::Args::parse();
    match commands::run(args) {
        Ok(Outcome::Found) | Err(CliError::Closed) => ExitCode::SUCCESS,
        Ok(Outcome::Nothing) => ExitCode::from(1),
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) => {
            // Nothing is left to tell if standard error is closed too.
            let _ = writeln!(anstream::stderr(), "voisin: {error}");
            ExitCode::from(2)
        }
    }
}
