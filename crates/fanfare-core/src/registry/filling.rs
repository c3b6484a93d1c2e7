//! Subscriptions that were kept: made into rows on any thread, and filed by one.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::ScopedJoinHandle;

use super::found_by::FoundBy;
use super::row::Draft;
use super::state::{Place, State, gone};
use crate::arn::{SubscriptionArn, TopicArn};
use crate::protocol::Protocol;
use crate::store::{CorruptRecord, StoreError, StoreErrorKind, SubscriptionPage};
use crate::subscription::{Kept, SubscriptionId, Written};
use crate::topic::Topic;

/// What records are read with.
#[derive(Debug)]
pub(super) struct Drafting {
    topics: HashMap<TopicArn, Arc<Topic>>,
    found_by: FoundBy,
}

/// The subscriptions of a page, read and found good.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    drafted: Vec<Drafted>,
    /// The topics of those that follow each other: where those of each end.
    topics: Vec<(Arc<Topic>, usize)>,
    protocols: Vec<Protocol>,
    principals: Vec<Arc<str>>,
}

/// A subscription among its [`Drafts`].
#[derive(Debug)]
struct Drafted {
    draft: Draft,
    /// The number of its protocol there.
    protocol: usize,
    /// The number of who subscribed there.
    principal: Option<usize>,
    /// The hashes of its name and its place.
    hashes: (u64, u64),
}

/// What is filed when all subscriptions have been taken in.
#[derive(Debug, Default)]
pub(super) struct Filling {
    last: Option<SubscriptionId>,
    /// Of each row, the hashes of its name and its place.
    hashes: Vec<(u64, u64)>,
}

impl Drafting {
    /// For subscriptions to the topics of `state`.
    pub(super) fn of(state: &State) -> Self {
        let topics = state.topics.iter().map(|(arn, entry)| (arn.clone(), Arc::clone(&entry.topic)));
        Self { topics: topics.collect(), found_by: state.rows.found_by() }
    }

    /// Reads the records of a page.
    pub(super) fn read(&self, page: &SubscriptionPage) -> Result<Drafts, StoreError> {
        let mut drafts = Drafts { drafted: Vec::with_capacity(page.len()), ..Drafts::default() };
        for (id, record) in page.read() {
            let added = record.and_then(|record| self.add(id, record, &mut drafts));
            added.map_err(|error| SubscriptionPage::unreadable(id, error))?;
        }
        Ok(drafts)
    }

    fn add(&self, id: SubscriptionId, record: Written<'_>, drafts: &mut Drafts) -> Result<(), CorruptRecord> {
        let mut kept = Kept::of_record(id, record)?;
        let arn = std::mem::take(&mut kept.arn);
        let (topic, name) = self.find(&arn, drafts)?;
        let protocol = drafts.protocol(&kept.protocol)?;
        let principal = kept.principal.as_deref().map(|principal| drafts.principal(principal));
        let draft = Draft::of(kept, name);
        let place = Place::Address(&drafts.protocols[protocol], &draft.address);
        let name = self.found_by.name(topic.arn().as_str(), draft.name);
        let hashes = (name, self.found_by.place(topic.arn(), &place));
        drafts.drafted.push(Drafted { draft, protocol, principal, hashes });
        let end = drafts.drafted.len();
        match drafts.topics.last_mut() {
            Some((last, ends)) if Arc::ptr_eq(last, &topic) => *ends = end,
            _ => drafts.topics.push((topic, end)),
        }
        Ok(())
    }

    /// The topic of a subscription with that ARN, and the last part of the ARN.
    fn find<'a>(&self, arn: &'a str, drafts: &Drafts) -> Result<(Arc<Topic>, &'a str), CorruptRecord> {
        // Most often, the topic is that of the one before.
        if let Some((last, _)) = drafts.topics.last()
            && let Some(name) = arn.strip_prefix(last.arn().as_str()).and_then(|rest| rest.strip_prefix(':'))
            && !name.is_empty()
            && !name.contains(':')
        {
            return Ok((Arc::clone(last), name));
        }
        let (topic, name) = SubscriptionArn::split(arn)?;
        // The topic of an ended subscription may be gone; nothing of it matters any more.
        let known = self.topics.get(topic).cloned();
        Ok((known.map_or_else(|| TopicArn::parse(topic).map(|arn| Arc::new(gone(arn))), Ok)?, name))
    }
}

impl Drafts {
    fn protocol(&mut self, name: &str) -> Result<usize, CorruptRecord> {
        if let Some(known) = self.protocols.iter().position(|known| known.as_str() == name) {
            return Ok(known);
        }
        self.protocols.push(Protocol::read(name)?);
        Ok(self.protocols.len() - 1)
    }

    fn principal(&mut self, arn: &str) -> usize {
        // Most often, it is that of the one before.
        if self.principals.last().is_none_or(|last| **last != *arn) {
            self.principals.push(arn.into());
        }
        self.principals.len() - 1
    }
}

impl State {
    /// Takes in subscriptions, those with smaller ids first, and none that is there.
    pub(super) fn fill(&mut self, drafts: Drafts, filling: &mut Filling) -> Result<(), StoreError> {
        let Drafts { drafted, topics, protocols, principals } = drafts;
        let protocols: Vec<_> = protocols.iter().map(|protocol| self.rows.number_of(protocol)).collect();
        let principals: Vec<_> = principals.iter().map(|principal| self.rows.shared(principal)).collect();
        let (mut drafted, mut done) = (drafted.into_iter(), 0);
        for (topic, end) in topics {
            let mut entry = self.topics.get_mut(topic.arn());
            let mut numbers = Vec::with_capacity(end - done);
            for Drafted { draft, protocol, principal, hashes } in drafted.by_ref().take(end - done) {
                let id = draft.id;
                if filling.last.replace(id).is_some_and(|last| last >= id) {
                    let what = format!("subscription {} was read out of the order of the ids", id.0);
                    return Err(StoreError::new(StoreErrorKind::Corrupt, what));
                }
                let principal = principal.map(|number| Arc::clone(&principals[number]));
                let row = draft.row(&topic, protocols[protocol], principal);
                if let Some(entry) = &mut entry {
                    entry.add(&row);
                }
                for (token, _) in row.tokens() {
                    self.by_token.insert(Arc::clone(token), id);
                }
                if let Some(expires) = row.expires() {
                    self.expiries.insert((expires, id));
                }
                filling.hashes.push(hashes);
                numbers.push(self.rows.push(row));
            }
            done = end;
            if let Some(entry) = entry {
                let rows = numbers.iter().filter_map(|number| self.rows.at(*number));
                entry.audience.fill(rows.map(|row| self.rows.known(row)));
            }
        }
        Ok(())
    }

    /// Makes all that was taken in found: half of it on another thread, if there can be one.
    pub(super) fn filled(&mut self, filling: &Filling) {
        if filling.hashes.is_empty() {
            return;
        }
        let Self { rows, topics, .. } = self;
        let other_half = || {
            topics.values().for_each(|entry| entry.audience.filled());
            rows.places(&filling.hashes)
        };
        let (ids_and_names, places) = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("fanfare-start".into()).spawn_scoped(scope, other_half);
            let ids_and_names = rows.ids_and_names(&filling.hashes);
            let places = match thread.map(ScopedJoinHandle::join) {
                Ok(Ok(places)) => places,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(_) => other_half(),
            };
            (ids_and_names, places)
        });
        rows.found(ids_and_names, places);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(ids: &[u64]) -> SubscriptionPage {
        let mut page = SubscriptionPage::new();
        for id in ids {
            let arn = format!("arn:aws:sns:us-east-1:000000000000:gone:{id}");
            let destination = r#"{"protocol": "sqs", "address": "arn:aws:sqs:us-east-1:000000000000:one"}"#;
            let state = r#"{"Ended": {"expires": 7}}"#;
            let record = format!(r#"{{"id": {id}, "arn": "{arn}", "destination": {destination}, "state": {state}}}"#);
            page.push(SubscriptionId(*id), &record);
        }
        page
    }

    fn filled(pages: &[&[u64]]) -> Result<State, StoreError> {
        let (mut state, mut filling) = (State::default(), Filling::default());
        let drafting = Drafting::of(&state);
        for ids in pages {
            state.fill(drafting.read(&page(ids))?, &mut filling)?;
        }
        state.filled(&filling);
        Ok(state)
    }

    #[test]
    fn ended_subscriptions_of_a_topic_that_is_gone_are_remembered_and_the_last_at_a_place_is_found_there() {
        let state = filled(&[&[2, 3, 5], &[8]]).unwrap();
        for id in [2, 3, 5, 8] {
            let row = state.rows.get(SubscriptionId(id)).unwrap();
            assert_eq!(state.rows.by_arn(&state.rows.subscription(row).arn).unwrap().id.0, id);
        }
        let last = state.rows.get(SubscriptionId(8)).unwrap();
        assert_eq!(state.rows.by_place(last.topic.arn(), &state.rows.place(last)).unwrap().id.0, 8);
        assert_eq!(state.expiries.len(), 4);
    }

    #[test]
    fn ids_that_are_not_in_order_are_told() {
        for pages in [&[&[2, 3, 3][..]][..], &[&[2, 3], &[1]]] {
            let refused = filled(pages).unwrap_err();
            assert_eq!(refused.kind(), StoreErrorKind::Corrupt);
            assert!(refused.to_string().contains("out of the order of the ids"), "{refused}");
        }
    }
}
