//! What a measurement runs on.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::embed::cores;
use crate::kernels::{Isa, Precision, peak};

/// The machine, as far as it decides about speed.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// The CPU by its own name.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Bytes of memory.
    pub memory: u64,
    /// Operating system and architecture.
    pub system: String,
    /// The instruction-set level of the kernels.
    pub isa: String,
}

impl Machine {
    /// This one, with the kernels at `isa`.
    pub fn this(isa: Isa) -> Self {
        let kinds = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(kinds);
        let brand = system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()).unwrap_or_default();
        Self {
            cpu: if brand.is_empty() { "unknown CPU".to_owned() } else { brand },
            cores: cores(),
            memory: system.total_memory(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            isa: isa.to_string(),
        }
    }

    /// For people, on one line.
    pub fn describe(&self) -> String {
        format!(
            "{}, {} {}, {:.0} GiB, {}, kernels {}",
            self.cpu,
            self.cores,
            if self.cores == 1 { "core" } else { "cores" },
            self.memory as f64 / (1u64 << 30) as f64,
            self.system,
            self.isa
        )
    }

    /// As a JSON object.
    pub fn to_json(&self) -> Value {
        json!({
            "cpu": self.cpu,
            "cores": self.cores,
            "memory_bytes": self.memory,
            "system": self.system,
            "isa": self.isa,
        })
    }
}

/// Operations a second, two a multiply-add, that `threads` threads reach with the multiply-adds that this level has for a
/// precision, on registers alone, each in its best hundredth of a second: nothing can calculate faster in these numbers.
pub fn ceiling(isa: Isa, precision: Precision, threads: usize, time: Duration) -> f64 {
    const SLICE: Duration = Duration::from_millis(10);
    /// Short beside a slice on the slowest level.
    const ROUNDS: usize = 20_000;
    let run = || {
        let (start, mut best) = (Instant::now(), 0.0f64);
        while start.elapsed() < time {
            let (slice, mut done) = (Instant::now(), 0);
            while slice.elapsed() < SLICE {
                let (operations, value) = peak::multiply_adds(isa, precision, ROUNDS);
                std::hint::black_box(value);
                done += operations;
            }
            best = best.max(done as f64 / slice.elapsed().as_secs_f64());
        }
        best
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        run() + others.into_iter().map(|thread| thread.join().unwrap_or_default()).sum::<f64>()
    })
}

/// Watches what others do with the CPUs.
pub struct Watch {
    start: Instant,
    used: Option<Used>,
}

impl Watch {
    /// From now on.
    pub fn start() -> Self {
        Self { start: Instant::now(), used: Used::so_far() }
    }

    /// The share of the machine's CPUs that other programs, and other guests of the same host, have had since; nothing where the
    /// system does not say.
    pub fn others(&self) -> Option<f64> {
        let (now, then) = (Used::so_far()?, self.used.as_ref()?);
        let time = self.start.elapsed().as_secs_f64() * now.cpus as f64;
        Some((((now.all - then.all) - (now.own - then.own)) / time).clamp(0.0, 1.0))
    }
}

/// Seconds of CPU.
struct Used {
    /// Of all processes, time stolen by the host included.
    all: f64,
    /// Of this process.
    own: f64,
    /// CPUs that `all` was spent on.
    cpus: usize,
}

impl Used {
    fn so_far() -> Option<Self> {
        /// Of the numbers in /proc/stat: 100 everywhere that Linux runs these days.
        const TICKS_PER_SECOND: f64 = 100.0;
        let stat = if cfg!(target_os = "linux") { fs_err::read_to_string("/proc/stat").ok()? } else { return None };
        let ticks = stat.lines().next()?.strip_prefix("cpu")?.split_whitespace().map(|ticks| ticks.parse::<f64>().ok());
        // user, nice, system, idle, iowait, irq, softirq, steal; what guests use is in user already.
        let ticks: Vec<f64> = ticks.take(8).collect::<Option<_>>()?;
        let busy = ticks.iter().sum::<f64>() - ticks.get(3)? - ticks.get(4)?;
        let cpus = stat.lines().filter(|line| line.starts_with("cpu")).count() - 1;
        // Sandboxes have the file, but not the numbers.
        (busy > 0.0 && cpus > 0).then_some(Self { all: busy / TICKS_PER_SECOND, own: rusage::cpu_seconds()?, cpus })
    }
}

/// The most bytes of memory that this process has had at one time, where the system says.
pub fn peak_memory() -> Option<u64> {
    if cfg!(target_os = "linux") {
        // Not getrusage: there the figure of the process that started this one may stand.
        let status = fs_err::read_to_string("/proc/self/status").ok()?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix("kB")?.trim();
        return Some(kib.parse::<u64>().ok()? * 1024);
    }
    rusage::peak_memory()
}

#[cfg(unix)]
mod rusage {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;

    pub(super) fn peak_memory() -> Option<u64> {
        let size = u64::try_from(getrusage(UsageWho::RUSAGE_SELF).ok()?.max_rss()).ok()?;
        // Bytes on macOS, KiB elsewhere.
        Some(if cfg!(target_os = "macos") { size } else { size * 1024 })
    }

    pub(super) fn cpu_seconds() -> Option<f64> {
        let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
        Some((usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6)
    }
}

#[cfg(not(unix))]
mod rusage {
    pub(super) fn peak_memory() -> Option<u64> {
        None
    }

    pub(super) fn cpu_seconds() -> Option<f64> {
        None
    }
}
