//! The results on a terminal, one line for each row.

use std::path::Path;

use crate::row::{Row, Target};
use crate::statistics::Spread;
use crate::suite::Results;

/// Prints the heading.
pub(crate) fn heading() {
    println!(
        "{:<26}{:>12} {:>19} {:>10}  {:<6} {:>13}  measured beside",
        "workload", "median", "range", "target", "", "noise"
    );
}

/// Prints a row.
pub(crate) fn row(row: &Row) {
    let shown = |value| row.unit.shown(value);
    let range = format!("{}..{}", shown(row.result.low), shown(row.result.high));
    let verdict = match row.target {
        Target::None => "",
        _ if row.is_met() => "met",
        _ => "missed",
    };
    let noise = row.noise.map(|Spread { low, high, .. }| format!("{low:.2}..{high:.2}")).unwrap_or_default();
    println!(
        "{:<26}{:>12} {range:>19} {:>10}  {verdict:<6} {noise:>13}  {}",
        row.name,
        shown(row.result.median),
        row.target_shown(),
        row.beside_shown()
    );
}

/// Prints what all of it came to.
pub(crate) fn end(results: &Results, file: &Path) {
    let aimed = results.rows.iter().filter(|row| row.target != Target::None);
    let met = aimed.clone().filter(|row| row.is_met()).count();
    println!(
        "{met} of {} targets met in {:.0} s; the figures are in {}",
        aimed.count(),
        results.seconds,
        file.display()
    );
}
