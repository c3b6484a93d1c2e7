//! `$or` resolved: a policy as alternatives, each of which is a plain list of conditions.

use std::sync::Arc;

use super::error::FilterPolicyError;
use super::limits::{check_combinations, too_complex};
use super::parse::{Block, Member};
use super::paths::PathId;
use super::policy::{Alternative, Condition};

/// The alternatives of a policy, whose keys are `keys`; none for the empty policy.
///
/// Refuses more than `max` combinations, and counts alternatives before it makes them: each has at least one
/// combination, so that `max` bounds the work too.
pub(super) fn expand(blocks: &[Block], keys: &[PathId], max: u64) -> Result<Vec<Alternative>, FilterPolicyError> {
    if blocks.is_empty() {
        return Ok(Vec::new());
    }
    if count(blocks) > max {
        return Err(too_complex());
    }
    let mut drafts = vec![vec![None; keys.len()]];
    add_block(&mut drafts, blocks, 0, keys);
    let alternatives: Vec<Alternative> = drafts.into_iter().map(finish).collect();
    check_combinations(&alternatives, max)?;
    Ok(alternatives)
}

/// An alternative in the making: for each key its condition, of several the last.
type Draft<'b> = Vec<Option<&'b Arc<Condition>>>;

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
fn add_block<'b>(drafts: &mut Vec<Draft<'b>>, blocks: &'b [Block], number: usize, keys: &[PathId]) {
    for member in &blocks[number] {
        match member {
            Member::Leaf(condition) => {
                let key = keys.iter().position(|key| *key == condition.path).expect("every path was counted as a key");
                for draft in &mut *drafts {
                    draft[key] = Some(condition);
                }
            }
            Member::Or(branches) => {
                let before = std::mem::take(drafts);
                for branch in branches {
                    let mut branch_drafts = before.clone();
                    add_block(&mut branch_drafts, blocks, *branch, keys);
                    drafts.append(&mut branch_drafts);
                }
            }
        }
    }
}

fn finish(draft: Draft<'_>) -> Alternative {
    draft.into_iter().enumerate().filter_map(|(key, condition)| Some((key, condition?.clone()))).collect()
}
