//! `$or` resolved: a policy as alternatives, each of which is a plain list of conditions.

use super::error::FilterPolicyError;
use super::limits::{check_combinations, too_complex};
use super::parse::{Block, Member, Parsed, ParsedCondition};
use super::paths::PathId;

/// The numbers of conditions that must all be met, each for another key.
pub(super) type Alternative = Vec<usize>;

/// The alternatives of a policy, whose keys are `keys`; none for the empty policy.
///
/// Refuses more than `max` combinations, and counts alternatives before it makes them: each has at least one
/// combination, so that `max` bounds the work too.
pub(super) fn expand(parsed: &Parsed<'_>, keys: &[PathId], max: u64) -> Result<Vec<Alternative>, FilterPolicyError> {
    if parsed.blocks.is_empty() {
        return Ok(Vec::new());
    }
    if count(&parsed.blocks) > max {
        return Err(too_complex());
    }
    let mut drafts = vec![vec![None; keys.len()]];
    add_block(&mut drafts, parsed, 0, keys);
    let alternatives: Vec<Alternative> =
        drafts.into_iter().map(|draft| draft.into_iter().flatten().collect()).collect();
    check_combinations(&alternatives, &parsed.conditions, max)?;
    Ok(alternatives)
}

/// An alternative in the making: for each key its condition, of several the last.
type Draft = Vec<Option<usize>>;

/// How many alternatives the policy has; saturating.
fn count(blocks: &[Block]) -> u64 {
    let mut counts = vec![1_u64; blocks.len()];
    // A branch has a higher number than the block that it is in.
    for (number, block) in blocks.iter().enumerate().rev() {
        for member in block {
            if let Member::Or(branches) = member {
                let sum = branches.iter().map(|branch| counts[*branch]).fold(0, u64::saturating_add);
                counts[number] = counts[number].saturating_mul(sum);
            }
        }
    }
    counts.first().copied().unwrap_or_default()
}

/// Adds what a block says to each of the drafts, which become more at every `$or`.
///
/// Goes as deep as `$or` nests, which the number of alternatives bounds.
fn add_block(drafts: &mut Vec<Draft>, parsed: &Parsed<'_>, block: usize, keys: &[PathId]) {
    for member in &parsed.blocks[block] {
        match member {
            Member::Leaf(number) => {
                let ParsedCondition { path, .. } = &parsed.conditions[*number];
                let key = keys.iter().position(|key| key == path).expect("every path was counted as a key");
                for draft in &mut *drafts {
                    draft[key] = Some(*number);
                }
            }
            Member::Or(branches) => {
                let before = std::mem::take(drafts);
                for branch in branches {
                    let mut branch_drafts = before.clone();
                    add_block(&mut branch_drafts, parsed, *branch, keys);
                    drafts.append(&mut branch_drafts);
                }
            }
        }
    }
}
