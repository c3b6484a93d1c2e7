//! The policies of one scope, filed.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use super::candidates::Candidates;
use super::clause::Clause;
use super::filed::Change;
use super::members::{Members, Removed};
use super::second_look::{SecondLook, Seen};
use super::seed::Seed;
use super::shape::{Shape, Shapes};
use super::trie::{Asked, Trie};
use crate::filter::event::Event;
use crate::filter::flatten::Flattened;
use crate::filter::matcher::Value;
use crate::filter::paths::PathId;
use crate::filter::policy::FilterPolicy;
use crate::filter::rules::{Condition, Rules};
use crate::filter::scope::FilterPolicyScope;
use crate::filter::verdict::FilterReason;
use crate::packed::{Slab, Table};

/// The policies of one scope, each filed under the clauses of one condition, and found by them.
#[derive(Debug)]
pub(super) struct Scoped<K> {
    scope: FilterPolicyScope,
    seed: Seed,
    policies: Slab<Filing<K>>,
    /// The numbers of policies, by key.
    keys: Table<u32>,
    key_hasher: RandomState,
    trie: Trie,
    shapes: Shapes,
    /// By clause, who is filed under it.
    clauses: Table<Entry>,
    /// The paths at which there may have to be nothing.
    absences: BTreeSet<PathId>,
}

/// A policy in the index.
#[derive(Debug)]
struct Filing<K> {
    key: K,
    policy: FilterPolicy,
    shape: Arc<Shape>,
    second_look: SecondLook,
}

/// Who is filed under one clause. A clause is known by its hash alone: where two meet, each brings the other candidates.
#[derive(Debug)]
struct Entry {
    hash: u64,
    members: Members,
}

/// More numbers at one path than these are not looked for one by one.
const NUMBERS_MAX: usize = 32;

impl<K: Copy + Eq + Hash> Scoped<K> {
    pub(super) fn new(scope: FilterPolicyScope) -> Self {
        Self {
            scope,
            seed: Seed::random(),
            policies: Slab::default(),
            keys: Table::default(),
            key_hasher: RandomState::new(),
            trie: Trie::new(),
            shapes: Shapes::default(),
            clauses: Table::default(),
            absences: BTreeSet::new(),
        }
    }

    /// How many policies there are.
    pub(super) fn len(&self) -> usize {
        self.policies.len()
    }

    /// The policy of that key.
    pub(super) fn policy(&self, key: &K) -> Option<&FilterPolicy> {
        let number = self.keys.find(self.key_hasher.hash_one(key), |number| self.has_key(*number, key))?;
        self.policies.get(*number).map(|filing| &filing.policy)
    }

    /// Files the policy, which is not empty, under a key that has none.
    pub(super) fn insert(&mut self, key: K, policy: FilterPolicy) {
        let number = self.file_all(key, policy);
        let Self { keys, policies, key_hasher, .. } = self;
        keys.insert(key_hasher.hash_one(key), number, |number| key_hash(policies, key_hasher, *number));
    }

    /// Files the policy as [`Scoped::insert`] does, but it is not found by its key before [`Scoped::enter_keys`] is called.
    pub(super) fn insert_before_keys(&mut self, key: K, policy: FilterPolicy) {
        self.file_all(key, policy);
    }

    /// Makes every policy found by its key, which costs less than to do it one by one.
    pub(super) fn enter_keys(&mut self) {
        let Self { keys, policies, key_hasher, .. } = self;
        *keys = Table::with_room_for(policies.len());
        for (number, filing) in policies.numbered() {
            keys.insert(key_hasher.hash_one(filing.key), number, |number| key_hash(policies, key_hasher, *number));
        }
    }

    /// Files the policy but for its key, and answers its number.
    fn file_all(&mut self, key: K, policy: FilterPolicy) -> u32 {
        let rules = policy.rules();
        let conditions = 0..rules.conditions_len();
        let paths: Vec<_> = conditions.map(|number| self.trie.add(rules.condition(number).key(), &self.seed)).collect();
        let mut filed: Vec<u16> = Vec::with_capacity(rules.alternatives_len());
        for alternative in 0..rules.alternatives_len() {
            let likelihoods = rules
                .alternative(alternative)
                .map(|number| (number, self.likelihood(&rules.condition(number), paths[number])));
            let best = likelihoods.min_by(|(_, one), (_, other)| one.total_cmp(other));
            let (best, _) = best.expect("an alternative has a condition");
            let best = u16::try_from(best).expect("the limit on combinations bounds the conditions");
            if !filed.contains(&best) {
                filed.push(best);
            }
        }
        let shape = self.shapes.add(&paths, &filed, &self.seed);
        let second_look = self.second_look(&rules, &filed, &paths);
        if let Some(path) = second_look.path() {
            self.trie.filed_mut(path).note_second_look(Change::More);
        }
        let number = self.policies.insert(Filing { key, policy: policy.clone(), shape, second_look });
        self.for_clauses(&rules, &paths, &filed, |index, path, clause| index.file(path, clause, number, second_look));
        number
    }

    /// Takes out the policy of that key.
    pub(super) fn remove(&mut self, key: &K) -> Option<FilterPolicy> {
        let policies = &self.policies;
        let is = |number: &u32| policies.get(*number).is_some_and(|filing| filing.key == *key);
        let number = self.keys.remove(self.key_hasher.hash_one(key), is)?;
        let Filing { policy, shape, second_look, .. } = self.policies.remove(number)?;
        if let Some(path) = second_look.path() {
            self.trie.filed_mut(path).note_second_look(Change::Less);
        }
        let rules = policy.rules();
        self.for_clauses(&rules, &shape.paths, &shape.filed, |index, path, clause| index.unfile(path, clause, number));
        for path in &shape.paths {
            self.trie.remove(*path);
        }
        self.shapes.remove(&shape, &self.seed);
        Some(policy)
    }

    /// Takes the message apart as far as policies ask about it, and finds those that may want it; or the reason why none does.
    pub(super) fn candidates<'a>(&self, event: &Event<'a>) -> Result<Candidates<'a, K>, FilterReason> {
        let mut asked = Asked { trie: &self.trie, seed: &self.seed };
        let message = match self.scope {
            FilterPolicyScope::MessageAttributes => Flattened::attributes(event.attributes(), &mut asked),
            FilterPolicyScope::MessageBody => Flattened::body(event.body(), &mut asked),
        }?;
        let seen = Seen::of(&message, |path| self.trie.filed(path).has_second_looks(), &self.seed);
        let mut numbers = self.find(&message, &seen);
        // A policy may be filed under several clauses, and some of them may be met by several scalars.
        numbers.sort_unstable();
        numbers.dedup();
        let filings = numbers.into_iter().filter_map(|number| self.policies.get(number));
        let filings = filings.filter(|filing| filing.second_look.may_be_met(&seen));
        let candidates = filings.map(|filing| (filing.key, filing.policy.clone(), Arc::clone(&filing.shape))).collect();
        Ok(Candidates::new(message, candidates))
    }

    fn find(&self, message: &Flattened<'_>, seen: &Seen) -> Vec<u32> {
        let mut found = Vec::new();
        let mut hashes = Vec::new();
        for (path, leaves) in message.by_path() {
            let filed = self.trie.filed(path);
            hashes.clear();
            hashes.extend(filed.presence(path, &self.seed));
            for leaf in leaves {
                filed.look_for(&leaf.value, path, &self.seed, &mut hashes);
            }
            if leaves.len() > 1 {
                hashes.sort_unstable();
                hashes.dedup();
            }
            for hash in &hashes {
                self.members(*hash, seen, &mut found);
            }
            if let Some(ranges) = filed.ranges() {
                let numbers =
                    leaves.iter().filter_map(|leaf| if let Value::Number(n) = leaf.value { Some(n) } else { None });
                if numbers.clone().count() > NUMBERS_MAX {
                    ranges.all(&mut found);
                } else {
                    numbers.for_each(|number| ranges.find(number, &mut found));
                }
            }
        }
        for path in self.absences.iter().filter(|path| message.leaves(**path).is_empty()) {
            self.members(Clause::Absent.hash(*path, &self.seed).unwrap_or_default(), seen, &mut found);
        }
        found
    }

    fn members(&self, hash: u64, seen: &Seen, found: &mut Vec<u32>) {
        if let Some(entry) = self.clauses.find(hash, |entry| entry.hash == hash) {
            entry.members.extend_into(found, seen);
        }
    }

    /// How likely a message is to meet the condition.
    fn likelihood(&self, condition: &Condition<'_>, path: PathId) -> f64 {
        let filed = self.trie.filed(path);
        let clauses = condition.matchers().map(Clause::of);
        clauses
            .map(|clause| {
                let hash = clause.hash(path, &self.seed);
                let known = hash.and_then(|hash| self.clauses.find(hash, |entry| entry.hash == hash));
                filed.likelihood(&clause, known.map_or(0, |entry| entry.members.len()))
            })
            .sum()
    }

    /// The second look at a policy with one alternative: at the condition with the fewest values, of those that it is not
    /// filed under.
    fn second_look(&self, rules: &Rules<'_>, filed: &[u16], paths: &[PathId]) -> SecondLook {
        if rules.alternatives_len() > 1 {
            return SecondLook::NONE;
        }
        let others = (0..paths.len()).filter(|number| filed.iter().all(|filed| usize::from(*filed) != *number));
        let looks = others.filter_map(|number| {
            let condition = rules.condition(number);
            let look = SecondLook::of(&condition, paths[number], &self.seed)?;
            Some((look, condition.values()))
        });
        looks.min_by_key(|(_, values)| *values).map_or(SecondLook::NONE, |(look, _)| look)
    }

    fn for_clauses(
        &mut self,
        rules: &Rules<'_>,
        paths: &[PathId],
        filed: &[u16],
        mut act: impl FnMut(&mut Self, PathId, &Clause<'_>),
    ) {
        for number in filed.iter().map(|number| usize::from(*number)) {
            let condition = rules.condition(number);
            for matcher in condition.matchers() {
                act(self, paths[number], &Clause::of(matcher));
            }
        }
    }

    fn file(&mut self, path: PathId, clause: &Clause<'_>, number: u32, look: SecondLook) {
        let new = match clause.hash(path, &self.seed) {
            None => true,
            Some(hash) => match self.clauses.find_mut(hash, |entry| entry.hash == hash) {
                Some(entry) => entry.members.insert(number),
                None => {
                    let entry = Entry { hash, members: Members::One(number, look) };
                    self.clauses.insert(hash, entry, |entry| entry.hash);
                    true
                }
            },
        };
        if new {
            self.note(path, clause, number, Change::More);
        }
    }

    fn unfile(&mut self, path: PathId, clause: &Clause<'_>, number: u32) {
        let gone = match clause.hash(path, &self.seed) {
            None => true,
            Some(hash) => match self.clauses.find_mut(hash, |entry| entry.hash == hash) {
                None => false,
                Some(entry) => match entry.members.remove(number) {
                    Removed::Unknown => false,
                    Removed::Others => true,
                    Removed::Last => self.clauses.remove(hash, |entry| entry.hash == hash).is_some(),
                },
            },
        };
        if gone {
            self.note(path, clause, number, Change::Less);
        }
    }

    fn note(&mut self, path: PathId, clause: &Clause<'_>, number: u32, change: Change) {
        let filed = self.trie.filed_mut(path);
        filed.note(clause, number, change);
        if matches!(clause, Clause::Absent) {
            if filed.asks_for_absence() {
                self.absences.insert(path);
            } else {
                self.absences.remove(&path);
            }
        }
    }

    fn has_key(&self, number: u32, key: &K) -> bool {
        self.policies.get(number).is_some_and(|filing| filing.key == *key)
    }
}

fn key_hash<K: Hash>(policies: &Slab<Filing<K>>, hasher: &RandomState, number: u32) -> u64 {
    policies.get(number).map_or(0, |filing| hasher.hash_one(&filing.key))
}
