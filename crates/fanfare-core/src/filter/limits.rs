//! Amazon SNS's limits on a policy's size, keys, combinations and wildcards.

use super::alternatives::Alternative;
use super::error::FilterPolicyError;
use super::parse::ParsedCondition;
use super::paths::PathId;

/// The most combinations of match values.
pub(super) const COMBINATIONS_MAX: u64 = 150;
/// The most keys.
pub(super) const KEYS_MAX: usize = 5;
/// The most bytes of a policy.
const BYTES_MAX: usize = 256 * 1024;
/// The most asterisks in one wildcard pattern.
const ASTERISKS_MAX: usize = 3;
/// The most points that all wildcard patterns together may cost.
const WILDCARD_POINTS_MAX: u64 = 100;

/// Refuses a text that is too long to be looked at. Amazon SNS's text is not known.
pub(super) fn check_size(text: &str) -> Result<(), FilterPolicyError> {
    if text.len() > BYTES_MAX {
        return Err(FilterPolicyError::whole("Filter policy can not be larger than 256 KB"));
    }
    Ok(())
}

/// The keys of a policy in the order of the text, or its refusal if there are too many.
pub(super) fn check_keys(conditions: &[ParsedCondition]) -> Result<Vec<PathId>, FilterPolicyError> {
    let mut keys = Vec::with_capacity(KEYS_MAX);
    for condition in conditions {
        if !keys.contains(&condition.path) {
            if keys.len() == KEYS_MAX {
                return Err(FilterPolicyError::whole("Filter policy can not have more than 5 keys"));
            }
            keys.push(condition.path);
        }
    }
    keys.sort_unstable_by_key(|key| key.index());
    Ok(keys)
}

/// Refuses alternatives whose combinations are too many together.
pub(super) fn check_combinations(
    alternatives: &[Alternative],
    conditions: &[ParsedCondition],
    max: u64,
) -> Result<(), FilterPolicyError> {
    let combinations = alternatives.iter().map(|alternative| combinations(alternative, conditions));
    let combinations = combinations.fold(0, u64::saturating_add);
    if combinations > max { Err(too_complex()) } else { Ok(()) }
}

/// The complaint about too many combinations.
pub(super) fn too_complex() -> FilterPolicyError {
    FilterPolicyError::whole("Filter policy is too complex")
}

/// Refuses wildcard patterns that would cost too much. Amazon SNS's texts are not known.
///
/// `used` are the numbers of the conditions that count; one beside an `$or` stands in several alternatives and counts once.
pub(super) fn check_wildcards(used: &[usize], conditions: &[ParsedCondition]) -> Result<(), FilterPolicyError> {
    let mut points: u64 = 0;
    for condition in used.iter().map(|number| &conditions[*number]) {
        if condition.patterns.iter().any(|pattern| pattern.asterisks > ASTERISKS_MAX) {
            return Err(FilterPolicyError::whole("Filter policy wildcard patterns can not have more than 3 wildcards"));
        }
        points = points.saturating_add(wildcard_points(condition));
    }
    if points > WILDCARD_POINTS_MAX { Err(too_complex()) } else { Ok(()) }
}

/// The product, over the keys, of match values times depth.
fn combinations(alternative: &Alternative, conditions: &[ParsedCondition]) -> u64 {
    alternative.iter().map(|number| &conditions[*number]).fold(1, |product, condition| {
        let values = u64::try_from(condition.values).unwrap_or(u64::MAX);
        product.saturating_mul(values).saturating_mul(condition.depth)
    })
}

/// The sum of the patterns' points times their number: 1 point for a single asterisk, 3 for each of several, 1 for any
/// pattern below `anything-but`. Patterns without an asterisk are plain texts.
fn wildcard_points(condition: &ParsedCondition) -> u64 {
    let (mut points, mut count) = (0_u64, 0_u64);
    for pattern in &condition.patterns {
        points += match pattern.asterisks {
            0 => continue,
            1 => 1,
            _ if pattern.excluded => 1,
            several => 3 * several as u64,
        };
        count += 1;
    }
    points.saturating_mul(count)
}
