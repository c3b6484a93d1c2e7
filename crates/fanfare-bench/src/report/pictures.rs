//! Which pictures there are, each of the rows that it needs.

use super::chart::{Bars, COLOURS, Dot, Line, bars, dots, lines};
use crate::row::{Row, Target, Unit};

/// A picture of the page.
pub(super) struct Picture {
    /// The name of its file.
    pub(super) file: &'static str,
    /// What it shows, for those who do not see it.
    pub(super) says: &'static str,
    /// The picture.
    pub(super) svg: String,
}

/// The pictures that can be made of these rows.
pub(super) fn of(rows: &[Row]) -> Vec<Picture> {
    [targets(rows), cpu(rows), filters(rows), peers(rows)].into_iter().flatten().collect()
}

/// How far each row is from its target.
fn targets(rows: &[Row]) -> Option<Picture> {
    let marks: Vec<Dot> = rows.iter().filter_map(mark).collect();
    (!marks.is_empty()).then(|| Picture {
        file: "targets.svg",
        says: "How far every figure is from its target",
        svg: dots("Every figure in terms of its target", "right of 1: better than the target (logarithmic)", &marks),
    })
}

fn mark(row: &Row) -> Option<Dot> {
    // A hundred times better is enough to see; 0 would be infinitely so.
    let score = |value: f64| match row.target {
        Target::AtLeast(least) => Some(value / least),
        Target::AtMost(most) => Some(most / value.max(most / 100.0)),
        Target::None => None,
    };
    let (one, other) = (score(row.result.low)?, score(row.result.high)?);
    Some(Dot {
        name: row.name.clone(),
        low: one.min(other),
        middle: score(row.result.median)?,
        high: one.max(other),
        figure: row.unit.shown(row.result.median),
        colour: COLOURS[usize::from(!row.is_met())],
    })
}

/// What a delivery costs beside bare clients.
fn cpu(rows: &[Row]) -> Option<Picture> {
    let row = rows.iter().find(|row| row.name == "http_fanout_cpu")?;
    let group = |name: &str, figure: &str| {
        let value = row.figure_beside(figure)?;
        Some(Bars { name: name.to_owned(), values: vec![(value, Unit::Microseconds.shown(value))] })
    };
    let groups: Option<Vec<_>> = [
        group("bare hyper", "bare hyper"),
        group("bare reqwest", "bare reqwest"),
        group("Fanfare, all in", "a delivery"),
    ]
    .into_iter()
    .collect();
    let svg = bars("Processor time of a delivery, 100 endpoints, 1.5 KB", "µs", &["median"], &groups?);
    Some(Picture { file: "cpu.svg", says: "Processor time of a delivery beside bare HTTP clients", svg })
}

/// What an event costs by the number of policies.
fn filters(rows: &[Row]) -> Option<Picture> {
    let line = |name: &str, prefix: &str, figure: &str| Line {
        name: name.to_owned(),
        points: rows
            .iter()
            .filter_map(|row| Some((size(row.name.strip_prefix(prefix)?)?, row.figure_beside(figure)?)))
            .collect(),
    };
    let all = [
        line("tenants", "filter_tenant_", "an event"),
        line("mixed", "filter_mixed_", "an event"),
        line("tenants, asking each", "filter_tenant_", "asking each"),
        line("mixed, asking each", "filter_mixed_", "asking each"),
    ];
    let svg = || lines("Processor time to match an event", "policies", "µs (both axes logarithmic)", &all);
    all.iter().any(|line| line.points.len() > 1).then(|| Picture {
        file: "filters.svg",
        says: "Processor time to match an event by the number of filter policies",
        svg: svg(),
    })
}

/// The number in a name such as `100k`; nothing for what is no number.
fn size(name: &str) -> Option<f64> {
    let (digits, factor) = match name.chars().last()? {
        'k' => (&name[..name.len() - 1], 1e3),
        'M' => (&name[..name.len() - 1], 1e6),
        _ => (name, 1.0),
    };
    digits.parse::<f64>().ok().map(|number| number * factor)
}

/// Deliveries beside another server's.
fn peers(rows: &[Row]) -> Option<Picture> {
    let group = |row: &Row| {
        let endpoints = row.name.strip_prefix("peer_moto_")?;
        let value = |name| row.figure_beside(name).map(|value| (value, Unit::PerSecond.shown(value)));
        let name = if endpoints == "1" { "1 endpoint".to_owned() } else { format!("{endpoints} endpoints") };
        Some(Bars { name, values: vec![value("Fanfare")?, value("moto")?] })
    };
    let groups: Vec<_> = rows.iter().filter_map(group).collect();
    (!groups.is_empty()).then(|| Picture {
        file: "peers.svg",
        says: "Deliveries a second to HTTP endpoints, Fanfare and moto",
        svg: bars("Deliveries to HTTP endpoints", "deliveries a second", &["Fanfare", "moto"], &groups),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_names() {
        assert_eq!(["1", "30k", "1M", "1M_match", ""].map(size), [Some(1.0), Some(30e3), Some(1e6), None, None]);
    }

    #[test]
    fn a_figure_that_should_be_low_scores_by_how_low_it_is() {
        let row = Row::once("idle", "", Unit::Percent, Target::AtMost(2.0), 4.0).unwrap();
        let dot = mark(&row).unwrap();
        assert_eq!((dot.middle, dot.colour), (0.5, COLOURS[1]));
        let nothing = Row::once("idle", "", Unit::Percent, Target::AtMost(2.0), 0.0).unwrap();
        assert_eq!(mark(&nothing).unwrap().middle, 100.0);
    }
}
