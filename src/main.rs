//! The `voisin` binary: see `voisin --help`.

fn main() -> std::process::ExitCode {
    voisin::cli::run()
}
