//! How many files and sockets the system lets this program open.

use std::num::NonZeroUsize;

/// Half of them where the system does not say.
const HALF: NonZeroUsize = NonZeroUsize::new(512).expect("it is not zero");

/// The most that are of use.
const HALF_MAX: usize = 1 << 16;

/// Half of the descriptors that may be open at a time.
pub(super) fn half() -> NonZeroUsize {
    let limits = std::fs::read_to_string("/proc/self/limits").ok();
    limits
        .and_then(|limits| soft(&limits))
        .map_or(HALF, |soft| NonZeroUsize::new((soft / 2).min(HALF_MAX)).unwrap_or(NonZeroUsize::MIN))
}

/// What Linux says in `/proc/self/limits`: `Max open files  1024  524288  files`, where the first number holds.
fn soft(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(usize::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_that_holds_is_the_first_of_the_two() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max processes             63432                63432                processes\n\
                      Max open files            1024                 524288               files\n";
        assert_eq!(soft(limits), Some(1024));
        assert_eq!(soft(&limits.replace("1024  ", "unlimited")), Some(usize::MAX));
        assert_eq!(soft("Limit  Soft Limit\n"), None);
    }
}
