//! What a process has used of the machine, as Linux tells it under `/proc`.

use std::fs;
use std::time::Duration;

use crate::failure::{Failure, Result};

/// The ticks in which `/proc` counts processor time; Linux shows a hundred a second to programs, whatever it uses itself.
const TICK: Duration = Duration::from_millis(10);

/// Memory of a process, in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Memory {
    /// In use now.
    pub(crate) resident_kb: u64,
    /// The most that it ever used.
    pub(crate) peak_kb: u64,
}

/// The processor time that the process has used on all its threads.
///
/// To the nanosecond, as the scheduler has it for each thread, as long as no thread has ended; then to a hundredth of a
/// second, once that is more.
pub(crate) fn cpu(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let unknown = || Failure::new("/proc has an unknown form: this benchmark needs Linux");
    let counted = TICK * ticks(&stat).ok_or_else(unknown)?;
    let mut scheduled = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread may end between the two.
        let figures = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        scheduled +=
            figures.split(' ').next().and_then(|ran| ran.parse().ok()).map_or(Duration::ZERO, Duration::from_nanos);
    }
    Ok(counted.max(scheduled))
}

/// The memory of the process.
pub(crate) fn memory(process: u32) -> Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let field = |name| {
        kilobytes(&status, name).ok_or_else(|| Failure::new(format!("/proc does not tell {name} of process {process}")))
    };
    Ok(Memory { resident_kb: field("VmRSS:")?, peak_kb: field("VmHWM:")? })
}

fn ticks(stat: &str) -> Option<u32> {
    // The name in parentheses may hold spaces.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_behind_a_name_with_spaces() {
        let stat = "77 (a ) b) S 1 77 77 0 -1 4194560 1216 0 0 0 250 30 0 0 20 0 3 0 5 0 0";
        assert_eq!(ticks(stat), Some(280));
        assert_eq!(ticks("77 (a"), None);
    }

    #[test]
    fn memory_is_read_by_its_name() {
        let status = "VmPeak:\t  9 kB\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\n";
        assert_eq!(kilobytes(status, "VmHWM:"), Some(2048));
        assert_eq!(kilobytes(status, "VmSwap:"), None);
    }

    #[test]
    fn processor_time_is_finer_than_a_tick() {
        let before = cpu(std::process::id()).unwrap();
        let mut sum = 0_u64;
        while cpu(std::process::id()).unwrap() == before {
            sum = std::hint::black_box(sum + 1);
        }
        let used = cpu(std::process::id()).unwrap();
        assert!(used > before && !used.as_nanos().is_multiple_of(TICK.as_nanos()), "{before:?} {used:?}");
    }

    #[test]
    fn this_process_uses_memory() {
        let memory = memory(std::process::id()).unwrap();
        assert!(memory.peak_kb >= memory.resident_kb && memory.resident_kb > 0, "{memory:?}");
    }
}
