//! Messages whose receipts are awaited.

use std::collections::{HashMap, VecDeque};

use super::receipt::Told;
use crate::receipt::{DeliveryReceipt, ReceiptState, Sent};

/// How many parts are awaited at the most; beyond that the oldest are forgotten.
const PARTS_MAX: usize = 100_000;

/// How many receipts wait for the response that says which message is theirs, because the network was quicker.
const EARLY_MAX: usize = 1_000;

/// Messages whose receipts are awaited, by the ids that the network gave their parts.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    messages: HashMap<u64, Message>,
    /// Which message a part belongs to.
    parts: HashMap<String, u64>,
    /// The ids in the order in which they were added.
    order: VecDeque<String>,
    early: VecDeque<Told>,
    last: u64,
}

#[derive(Debug)]
struct Message {
    sent: Sent,
    /// The parts whose receipts have not come.
    left: usize,
    /// The first failure of a part that did come.
    failed: Option<Told>,
}

impl Awaited {
    /// Awaits receipts for the parts of `sent`. Answers what is settled by those that came early.
    pub(super) fn add(&mut self, sent: Sent, ids: Vec<String>) -> Vec<DeliveryReceipt> {
        self.last += 1;
        self.messages.insert(self.last, Message { sent, left: ids.len(), failed: None });
        for id in &ids {
            self.parts.insert(id.clone(), self.last);
            self.order.push_back(id.clone());
        }
        while self.order.len() > PARTS_MAX {
            let Some(number) = self.order.pop_front().and_then(|oldest| self.parts.remove(&oldest)) else { continue };
            self.messages.remove(&number);
        }
        let (ours, others) =
            std::mem::take(&mut self.early).into_iter().partition::<Vec<_>, _>(|told| self.known(&told.id).is_some());
        self.early = others.into();
        ours.into_iter().filter_map(|told| self.settle(told)).collect()
    }

    /// Notes a receipt. Answers what is settled by it; a receipt whose message is not known waits a while, and is answered as
    /// it is when there are too many of those.
    pub(super) fn note(&mut self, told: Told) -> Option<DeliveryReceipt> {
        if self.known(&told.id).is_some() {
            return self.settle(told);
        }
        self.early.push_back(told);
        if self.early.len() <= EARLY_MAX {
            return None;
        }
        let stranger = self.early.pop_front()?;
        Some(DeliveryReceipt { sent: None, provider_id: stranger.id, state: stranger.state, told: stranger.words })
    }

    fn settle(&mut self, told: Told) -> Option<DeliveryReceipt> {
        let id = self.known(&told.id)?;
        let number = self.parts.remove(&id)?;
        let message = self.messages.get_mut(&number)?;
        message.left -= 1;
        if told.state != ReceiptState::Delivered && message.failed.is_none() {
            message.failed = Some(told.clone());
        }
        if message.left > 0 {
            return None;
        }
        let Message { sent, failed, .. } = self.messages.remove(&number)?;
        let told = failed.unwrap_or(told);
        Some(DeliveryReceipt { sent: Some(sent), provider_id: told.id, state: told.state, told: told.words })
    }

    /// The id as it is kept. Networks that give ids in one form name them in receipts in another: with or without zeros before
    /// them, in other letters, or hexadecimal where they were decimal and the other way round.
    fn known(&self, id: &str) -> Option<String> {
        let lower = id.to_ascii_lowercase();
        let bare = lower.trim_start_matches('0').to_owned();
        let forms = [
            Some(id.to_owned()),
            Some(id.to_ascii_uppercase()),
            Some(lower.clone()),
            Some(bare),
            lower.parse::<u64>().ok().map(|number| format!("{number:x}")),
            lower.parse::<u64>().ok().map(|number| format!("{number:X}")),
            u64::from_str_radix(&lower, 16).ok().map(|number| number.to_string()),
        ];
        forms.into_iter().flatten().find(|form| self.parts.contains_key(form))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reason;
    use crate::testing::message;

    fn told(id: &str, state: ReceiptState) -> Told {
        Told { id: id.to_owned(), state, words: "x".to_owned() }
    }

    fn sent(id: &str) -> Sent {
        Sent { message_id: id.to_owned(), ..message("hello").sent }
    }

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    const DELIVERED: ReceiptState = ReceiptState::Delivered;
    const FAILED: ReceiptState = ReceiptState::Failed(Reason::Unknown);

    #[test]
    fn a_message_is_settled_with_its_last_part_and_fails_with_any() {
        let mut awaited = Awaited::default();
        assert!(awaited.add(sent("a"), ids(&["1", "2"])).is_empty());
        assert!(awaited.add(sent("b"), ids(&["3", "4"])).is_empty());
        assert_eq!(awaited.note(told("1", DELIVERED)), None);
        assert_eq!(awaited.note(told("4", FAILED)), None);
        let settled = [awaited.note(told("2", DELIVERED)).unwrap(), awaited.note(told("3", DELIVERED)).unwrap()];
        let settled = settled.map(|receipt| (receipt.sent.unwrap().message_id, receipt.state, receipt.provider_id));
        assert_eq!(settled, [("a".to_owned(), DELIVERED, "2".to_owned()), ("b".to_owned(), FAILED, "4".to_owned())]);
        assert!(awaited.parts.is_empty() && awaited.messages.is_empty());
    }

    #[test]
    fn a_receipt_that_comes_before_its_response_waits_for_it() {
        let mut awaited = Awaited::default();
        assert_eq!(awaited.note(told("1", DELIVERED)), None);
        let settled = awaited.add(sent("a"), ids(&["1"]));
        assert_eq!(settled[0].sent.as_ref().unwrap().message_id, "a");
        assert!(awaited.early.is_empty());
    }

    #[test]
    fn an_id_is_known_in_the_other_forms_that_networks_write() {
        for (given, in_receipt) in [
            ("1a2b", "1A2B"),
            ("1A2B", "1a2b"),
            ("6699", "0000006699"),
            ("1a2b", "6699"),
            ("6699", "1a2b"),
            ("1A2B", "0000006699"),
            ("b2d1-aa", "b2d1-aa"),
        ] {
            let mut awaited = Awaited::default();
            awaited.add(sent("a"), ids(&[given]));
            assert!(awaited.note(told(in_receipt, DELIVERED)).is_some(), "{given} {in_receipt}");
        }
    }

    #[test]
    fn what_is_kept_has_bounds() {
        let mut awaited = Awaited::default();
        for number in 0..PARTS_MAX + 10 {
            awaited.add(sent("a"), vec![format!("id-{number}")]);
        }
        assert_eq!(
            (awaited.parts.len(), awaited.messages.len(), awaited.order.len()),
            (PARTS_MAX, PARTS_MAX, PARTS_MAX)
        );
        for number in 0..EARLY_MAX {
            assert_eq!(awaited.note(told(&format!("stranger-{number}"), DELIVERED)), None);
        }
        let stranger = awaited.note(told("one-more", DELIVERED)).unwrap();
        assert_eq!((stranger.sent, stranger.provider_id.as_str()), (None, "stranger-0"));
    }
}
