//! The server as a process of its own, and what it takes of the machine.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use crate::synthetic::Failure;

/// Longer than it takes to start or to end.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running `voisin serve`, killed if the bench stops before it was ended.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    log: NamedTempFile,
}

/// Megabytes of memory.
#[derive(Clone, Copy, Default)]
pub struct Memory {
    /// All that is resident, files that are mapped among it.
    pub resident: f64,
    /// What is not the content of files.
    pub anonymous: f64,
}

/// The program, seeing nothing of the settings of whoever runs the bench.
pub fn voisin() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_voisin"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("VOISIN_") {
            command.env_remove(&name);
        }
    }
    command
}

impl Server {
    /// Starts it over a store and waits until it listens. Its log goes to a file, as it does under systemd.
    pub fn start(store: &Path, options: &[&str]) -> Result<Self, Failure> {
        let log = NamedTempFile::new()?;
        let mut command = voisin();
        command.args(["serve", "--listen", "127.0.0.1:0", "--store"]).arg(store).args(options);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.reopen()?).spawn()?;
        let start = Instant::now();
        loop {
            let said = fs_err::read_to_string(log.path())?;
            let listening = said.split("listening at http://").nth(1).and_then(|rest| rest.split_once(": "));
            if let Some((address, _)) = listening {
                return Ok(Self { child, address: address.parse()?, log });
            }
            if child.try_wait()?.is_some() || start.elapsed() > PATIENCE {
                let _ = child.kill();
                return Err(format!("the server did not start: {said}").into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Seconds of CPU so far, where the system says.
    pub fn cpu(&self) -> Option<f64> {
        cpu(&self.child.id().to_string())
    }

    /// Memory now; nothing where the system does not say.
    pub fn memory(&self) -> Memory {
        let status = fs_err::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let megabytes = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?.trim().strip_suffix("kB")?;
            Some(value.trim().parse::<f64>().ok()? * 1024.0 / 1e6)
        };
        let [resident, anonymous] = ["VmRSS:", "RssAnon:"].map(|name| megabytes(name).unwrap_or_default());
        Memory { resident, anonymous }
    }

    /// Tells it to end, and waits until it has: with status 0, and without anything grave in its log.
    pub fn end(mut self) -> Result<(), Failure> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        let start = Instant::now();
        let status = loop {
            match self.child.try_wait()? {
                Some(status) => break status,
                None if start.elapsed() > PATIENCE => return Err("the server does not end".into()),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let log = fs_err::read_to_string(self.log.path())?;
        let grave: Vec<&str> = log.lines().filter(|line| line.contains("\"ERROR\"")).take(10).collect();
        if status.success() && grave.is_empty() {
            return Ok(());
        }
        Err(format!("the server ended with {status}: {}", grave.join("\n")).into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Seconds of CPU that this process has had so far, where the system says.
pub fn own_cpu() -> Option<f64> {
    cpu("self")
}

fn cpu(process: &str) -> Option<f64> {
    /// Of the numbers in /proc: 100 everywhere that Linux runs these days.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs_err::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program stands in parentheses and may have spaces; utime and stime are the 14th and 15th field.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at - 3)?.parse::<f64>().ok();
    Some((ticks(14)? + ticks(15)?) / TICKS_PER_SECOND)
}
