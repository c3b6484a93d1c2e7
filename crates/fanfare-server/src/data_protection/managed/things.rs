//! Where things are, and which.

use super::checksum::vehicle;
use super::{Managed, pattern};

pub(super) static ALL: [Managed; 2] = [
    // Four decimals are about ten metres; fewer are any pair of numbers.
    Managed::form(
        "LatLong",
        || pattern(r"[+-]?[0-9]{1,2}\.[0-9]{4,12} ?, ?[+-]?[0-9]{1,3}\.[0-9]{4,12}"),
        |candidate| {
            let mut parts = candidate.as_str().split(',').map(|part| part.trim().parse::<f64>());
            let within = |part: Option<Result<f64, _>>, most: f64| matches!(part, Some(Ok(n)) if n.abs() <= most);
            candidate.is_whole_number(&['.', ',']) && within(parts.next(), 90.0) && within(parts.next(), 180.0)
        },
    ),
    // Makers outside of North America need not have a check digit in it; theirs are found when they have.
    Managed::form(
        "VehicleIdentificationNumber",
        || pattern("[A-HJ-NPR-Z0-9]{17}"),
        |candidate| {
            let text = candidate.as_str();
            candidate.stands_alone()
                && text.bytes().any(|b| b.is_ascii_alphabetic())
                && text.bytes().any(|b| b.is_ascii_digit())
                && vehicle(text)
        },
    ),
];
