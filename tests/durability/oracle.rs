//! Decides whether what happened is what was promised: every acknowledged message is accounted for at every subscription
//! that wants it, and nothing else ever arrives anywhere.
//!
//! It knows nothing of the engine: it compares what publishers were answered and receivers were sent with what the engine
//! says in the end.

use std::collections::{BTreeMap, BTreeSet};

use crate::load::Key;

/// What publishers and receivers saw.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Every publish that was begun.
    pub(crate) publishes: BTreeMap<Key, Publish>,
    pub(crate) subscribers: Vec<Subscriber>,
}

/// A publish, as its publisher saw it.
#[derive(Debug, Clone)]
pub(crate) struct Publish {
    /// What the answer named; nothing when there was none, or an error. Then the message may have been kept or not.
    pub(crate) id: Option<String>,
    /// The subscribers who want it, by name.
    pub(crate) wanted_by: Vec<&'static str>,
}

/// A subscriber, with what it was sent, in the order in which it came.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) name: &'static str,
    pub(crate) order: Order,
    pub(crate) receipts: Vec<Receipt>,
    /// What its dead-letter destination was sent, when it has one.
    pub(crate) dead_letters: Option<Vec<Receipt>>,
}

/// Whether messages of a group may pass each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    PerGroup,
    Any,
}

/// A request that a receiver was sent.
#[derive(Debug, Clone)]
pub(crate) struct Receipt {
    pub(crate) id: String,
    pub(crate) key: Key,
    /// The run of the program that sent it.
    pub(crate) run: u32,
    /// Whether the receiver answered that it has it.
    pub(crate) taken: bool,
}

/// What the engine says in the end, by the name of the subscriber and the id of the message.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) counters: Counters,
    /// What was given up, each with its reason.
    pub(crate) dead: BTreeMap<Place, String>,
    /// What waits, each with the time at which it is due, in milliseconds since 1970.
    pub(crate) pending: BTreeMap<Place, i64>,
    /// The latest time at which anything can be due by its retry schedule.
    pub(crate) due_by_ms: i64,
}

/// A message at a subscriber.
pub(crate) type Place = (&'static str, String);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) matched: u64,
    pub(crate) delivered: u64,
    pub(crate) pending: u64,
    pub(crate) dead_lettered: u64,
    pub(crate) dropped: u64,
}

/// What a history came to that was as promised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) acked: usize,
    /// Publishes that nobody was told of, and that were kept all the same.
    pub(crate) kept_unanswered: usize,
    /// Messages taken by subscribers, each once for each.
    pub(crate) delivered: usize,
    /// Taken again, after a crash hid that they had been.
    pub(crate) duplicates: usize,
    pub(crate) pending: usize,
    pub(crate) dead: usize,
}

/// What was promised and did not hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Violation {
    /// The answer named it, and the subscriber has neither got it nor will.
    Lost { subscriber: &'static str, id: String },
    /// Nobody was told of it, some have it, and this subscriber has neither got it nor will.
    Torn { subscriber: &'static str, id: String },
    /// The subscriber does not want it.
    Unwanted { subscriber: &'static str, id: String },
    /// Nobody published anything of that kind.
    NeverPublished { subscriber: &'static str, id: String },
    /// One publish became several messages.
    SeveralIds { key: Key, ids: Vec<String> },
    /// A message came after a later one of its group.
    OutOfOrder { subscriber: &'static str, earlier: Key, later: Key },
    /// It was sent again although nothing hid that the subscriber has it.
    TakenTwiceInOneRun { subscriber: &'static str, id: String, run: u32 },
    /// It ended in two ways.
    TwoEndings { subscriber: &'static str, id: String },
    /// It was given up and the engine does not say why.
    NoReason { subscriber: &'static str, id: String },
    /// It waits for a time that never comes.
    NeverDue { subscriber: &'static str, id: String, due_ms: i64 },
    /// The dead-letter destination has what was not given up.
    NotDead { subscriber: &'static str, id: String },
    /// A counter is not what was counted outside.
    Miscounted { counter: &'static str, engine: u64, outside: u64 },
}

/// Judges everything.
pub(crate) fn judge(history: &History, view: &View) -> Result<Tally, BTreeSet<Violation>> {
    let mut court = Court { kept: kept(history), history, view, violations: BTreeSet::new(), tally: Tally::default() };
    court.identities();
    for subscriber in &history.subscribers {
        court.arrivals(subscriber);
        court.accounts(subscriber);
        court.repetitions(subscriber);
        if subscriber.order == Order::PerGroup {
            court.order(subscriber);
        }
        court.dead_letters(subscriber);
    }
    court.strangers();
    court.counters();
    court.tally.acked = history.publishes.values().filter(|publish| publish.id.is_some()).count();
    court.tally.kept_unanswered = court.kept.len() - court.tally.acked;
    if court.violations.is_empty() { Ok(court.tally) } else { Err(court.violations) }
}

/// Every message that has to be somewhere and that its subscriber has not taken: what is to be asked the engine about.
pub(crate) fn not_taken(history: &History) -> Vec<Place> {
    let kept = kept(history);
    let mut places = Vec::new();
    for subscriber in &history.subscribers {
        let taken = taken(subscriber);
        for (key, ids) in &kept {
            let wanted = history.publishes.get(key).is_some_and(|publish| publish.wanted_by.contains(&subscriber.name));
            places.extend(
                ids.iter().filter(|id| wanted && !taken.contains(**id)).map(|id| (subscriber.name, (*id).to_owned())),
            );
        }
    }
    places
}

/// The messages that the engine has accepted, as far as anybody can know: those that were answered, and those that
/// somebody was sent.
fn kept(history: &History) -> BTreeMap<&Key, BTreeSet<&str>> {
    let answered = history.publishes.iter().filter_map(|(key, publish)| Some((key, publish.id.as_deref()?)));
    let sent = history.subscribers.iter().flat_map(sent).map(|receipt| (&receipt.key, receipt.id.as_str()));
    let mut kept: BTreeMap<&Key, BTreeSet<&str>> = BTreeMap::new();
    for (key, id) in answered.chain(sent) {
        kept.entry(key).or_default().insert(id);
    }
    kept.retain(|key, _| history.publishes.contains_key(key));
    kept
}

fn sent(subscriber: &Subscriber) -> impl Iterator<Item = &Receipt> {
    subscriber.receipts.iter().chain(subscriber.dead_letters.iter().flatten())
}

fn taken(subscriber: &Subscriber) -> BTreeSet<&str> {
    subscriber.receipts.iter().filter(|receipt| receipt.taken).map(|receipt| receipt.id.as_str()).collect()
}

struct Court<'a> {
    history: &'a History,
    view: &'a View,
    kept: BTreeMap<&'a Key, BTreeSet<&'a str>>,
    violations: BTreeSet<Violation>,
    tally: Tally,
}

impl Court<'_> {
    fn identities(&mut self) {
        for (key, ids) in self.kept.iter().filter(|(_, ids)| ids.len() > 1) {
            let ids = ids.iter().map(|id| (*id).to_owned()).collect();
            self.violations.insert(Violation::SeveralIds { key: (*key).clone(), ids });
        }
    }

    /// Nothing arrives that was not published, or that is not wanted.
    fn arrivals(&mut self, subscriber: &Subscriber) {
        let name = subscriber.name;
        for receipt in sent(subscriber) {
            let id = receipt.id.clone();
            match self.history.publishes.get(&receipt.key) {
                None => drop(self.violations.insert(Violation::NeverPublished { subscriber: name, id })),
                Some(publish) if !publish.wanted_by.contains(&name) => {
                    self.violations.insert(Violation::Unwanted { subscriber: name, id });
                }
                Some(_) => {}
            }
        }
    }

    /// Every message that was kept stands at the subscriber in exactly one way.
    fn accounts(&mut self, subscriber: &Subscriber) {
        let (name, taken) = (subscriber.name, taken(subscriber));
        for (key, ids) in &self.kept {
            let publish = &self.history.publishes[*key];
            if !publish.wanted_by.contains(&name) {
                continue;
            }
            for id in ids {
                let place = (name, (*id).to_owned());
                let (dead, pending) = (self.view.dead.get(&place), self.view.pending.get(&place));
                let id = place.1;
                self.tally.dead += usize::from(dead.is_some());
                self.tally.pending += usize::from(pending.is_some());
                let violation = match (taken.contains(id.as_str()), dead, pending) {
                    (false, None, None) if publish.id.is_some() => Violation::Lost { subscriber: name, id },
                    (false, None, None) => Violation::Torn { subscriber: name, id },
                    (true, Some(_), _) | (_, Some(_), Some(_)) => Violation::TwoEndings { subscriber: name, id },
                    (false, Some(reason), None) if reason.is_empty() => Violation::NoReason { subscriber: name, id },
                    (_, None, Some(&due_ms)) if !(1..=self.view.due_by_ms).contains(&due_ms) => {
                        Violation::NeverDue { subscriber: name, id, due_ms }
                    }
                    // What was taken and still waits was taken at the moment of a crash: it will come again.
                    _ => continue,
                };
                self.violations.insert(violation);
            }
        }
        self.tally.delivered += taken.len();
    }

    /// A message is taken twice only when a crash came between the two.
    fn repetitions(&mut self, subscriber: &Subscriber) {
        let mut seen = BTreeSet::new();
        let mut count = 0;
        for receipt in subscriber.receipts.iter().filter(|receipt| receipt.taken) {
            count += 1;
            if !seen.insert((&receipt.id, receipt.run)) {
                let (id, run) = (receipt.id.clone(), receipt.run);
                self.violations.insert(Violation::TakenTwiceInOneRun { subscriber: subscriber.name, id, run });
            }
        }
        self.tally.duplicates += count - taken(subscriber).len();
    }

    /// Within a group, every attempt is for the same message as the one before it or for a later one: the next is not begun
    /// before the last is settled for good, so that only the last can be what a crash made uncertain.
    fn order(&mut self, subscriber: &Subscriber) {
        let mut last: BTreeMap<&str, &Key> = BTreeMap::new();
        for Receipt { key, .. } in &subscriber.receipts {
            let before = last.insert(&key.group, key).filter(|before| *before > key);
            if let Some(later) = before {
                let (earlier, later) = (key.clone(), later.clone());
                self.violations.insert(Violation::OutOfOrder { subscriber: subscriber.name, earlier, later });
            }
        }
    }

    /// What is dead has reached the dead-letter destination, where there is one, and nothing else has.
    fn dead_letters(&mut self, subscriber: &Subscriber) {
        let (name, Some(receipts)) = (subscriber.name, &subscriber.dead_letters) else { return };
        let buried: BTreeSet<_> = receipts.iter().filter(|receipt| receipt.taken).map(|receipt| &receipt.id).collect();
        for (_, id) in self.view.dead.keys().filter(|(at, id)| *at == name && !buried.contains(id)) {
            self.violations.insert(Violation::Lost { subscriber: name, id: id.clone() });
        }
        for id in buried {
            let place = (name, id.clone());
            if !self.view.dead.contains_key(&place) && !self.view.pending.contains_key(&place) {
                self.violations.insert(Violation::NotDead { subscriber: name, id: place.1 });
            }
        }
    }

    /// The engine speaks of nothing that was not kept, or is not wanted.
    fn strangers(&mut self) {
        let publish_of: BTreeMap<&str, &Publish> =
            self.kept.iter().flat_map(|(key, ids)| ids.iter().map(|id| (*id, &self.history.publishes[*key]))).collect();
        for (name, id) in self.view.dead.keys().chain(self.view.pending.keys()) {
            let (subscriber, id) = (*name, id.clone());
            match publish_of.get(id.as_str()) {
                None => drop(self.violations.insert(Violation::NeverPublished { subscriber, id })),
                Some(publish) if !publish.wanted_by.contains(name) => {
                    self.violations.insert(Violation::Unwanted { subscriber, id });
                }
                Some(_) => {}
            }
        }
    }

    /// The counters are what can be counted from outside, and so balance.
    fn counters(&mut self) {
        let Counters { matched, delivered, pending, dead_lettered, dropped } = self.view.counters;
        let wanted: usize = self.kept.keys().map(|key| self.history.publishes[*key].wanted_by.len()).sum();
        let (waiting, dead) = (self.view.pending.len(), self.view.dead.len());
        let counted = [
            ("matched", matched, wanted),
            ("pending", pending, waiting),
            ("dead_lettered and dropped", dead_lettered + dropped, dead),
            ("delivered", delivered, wanted.saturating_sub(waiting + dead)),
        ];
        for (counter, engine, outside) in counted {
            let outside = outside as u64;
            if engine != outside {
                self.violations.insert(Violation::Miscounted { counter, engine, outside });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "a";
    const B: &str = "b";

    fn key(n: u32) -> Key {
        Key { group: "g".to_owned(), run: 1, n }
    }

    fn receipt(id: &str, n: u32, run: u32) -> Receipt {
        Receipt { id: id.to_owned(), key: key(n), run, taken: true }
    }

    fn refused(id: &str, n: u32, run: u32) -> Receipt {
        Receipt { taken: false, ..receipt(id, n, run) }
    }

    fn subscriber(name: &'static str, receipts: Vec<Receipt>) -> Subscriber {
        Subscriber { name, order: Order::PerGroup, receipts, dead_letters: None }
    }

    /// Publishes 1, 2, ... of one group, for both subscribers, with these answers.
    fn published(answers: &[Option<&str>]) -> BTreeMap<Key, Publish> {
        let publish = |id: &Option<&str>| Publish { id: id.map(str::to_owned), wanted_by: vec![A, B] };
        (1..).map(key).zip(answers.iter().map(publish)).collect()
    }

    fn history(answers: &[Option<&str>], a: Vec<Receipt>, b: Vec<Receipt>) -> History {
        History { publishes: published(answers), subscribers: vec![subscriber(A, a), subscriber(B, b)] }
    }

    fn counters(matched: u64, delivered: u64, pending: u64, dropped: u64) -> Counters {
        Counters { matched, delivered, pending, dead_lettered: 0, dropped }
    }

    fn view(counters: Counters) -> View {
        View { counters, due_by_ms: 1000, ..View::default() }
    }

    fn dead(mut view: View, name: &'static str, id: &str, reason: &str) -> View {
        view.dead.insert((name, id.to_owned()), reason.to_owned());
        view
    }

    fn pending(mut view: View, name: &'static str, id: &str, due_ms: i64) -> View {
        view.pending.insert((name, id.to_owned()), due_ms);
        view
    }

    /// The one violation of a history.
    fn violation(history: &History, view: &View) -> Violation {
        let violations = judge(history, view).expect_err("the history is to be rejected");
        assert_eq!(violations.len(), 1, "{violations:?}");
        violations.into_iter().next().unwrap()
    }

    fn lost(subscriber: &'static str) -> Violation {
        Violation::Lost { subscriber, id: "m1".to_owned() }
    }

    #[test]
    fn delivered_pending_and_dead_messages_are_accounted_for() {
        let history = history(
            &[Some("m1"), Some("m2"), Some("m3")],
            vec![receipt("m1", 1, 1), receipt("m2", 2, 1), receipt("m3", 3, 1)],
            vec![receipt("m1", 1, 1), refused("m2", 2, 1)],
        );
        let view = dead(view(counters(6, 4, 1, 1)), B, "m2", "refused");
        let view = pending(view, B, "m3", 700);
        let tally = Tally { acked: 3, kept_unanswered: 0, delivered: 4, duplicates: 0, pending: 1, dead: 1 };
        assert_eq!(judge(&history, &view), Ok(tally));
    }

    #[test]
    fn an_acknowledged_message_that_a_subscriber_never_gets_is_lost() {
        let history = history(&[Some("m1")], vec![receipt("m1", 1, 1)], vec![]);
        let violations = judge(&history, &view(counters(1, 1, 0, 0))).unwrap_err();
        let miscounted = |counter| Violation::Miscounted { counter, engine: 1, outside: 2 };
        assert_eq!(violations, [lost(B), miscounted("delivered"), miscounted("matched")].into());
    }

    #[test]
    fn an_acknowledged_message_that_nobody_gets_is_lost_everywhere() {
        let history = history(&[Some("m1")], vec![], vec![]);
        let violations = judge(&history, &view(counters(2, 2, 0, 0))).unwrap_err();
        assert_eq!(violations, [lost(A), lost(B)].into());
    }

    #[test]
    fn a_message_that_was_attempted_and_refused_and_is_nowhere_is_lost() {
        let history = history(&[Some("m1")], vec![receipt("m1", 1, 1)], vec![refused("m1", 1, 1)]);
        assert_eq!(violation(&history, &view(counters(2, 2, 0, 0))), lost(B));
    }

    #[test]
    fn a_publish_without_an_answer_may_have_come_to_nothing() {
        let history = history(&[None], vec![], vec![]);
        assert_eq!(judge(&history, &view(counters(0, 0, 0, 0))), Ok(Tally::default()));
    }

    #[test]
    fn a_publish_without_an_answer_arrives_at_everybody() {
        let history = history(&[None], vec![receipt("m1", 1, 1)], vec![receipt("m1", 1, 1)]);
        let tally = Tally { kept_unanswered: 1, delivered: 2, ..Tally::default() };
        assert_eq!(judge(&history, &view(counters(2, 2, 0, 0))), Ok(tally));
    }

    #[test]
    fn a_publish_without_an_answer_that_arrives_at_one_of_two_is_torn() {
        let history = history(&[None], vec![receipt("m1", 1, 1)], vec![]);
        let torn = Violation::Torn { subscriber: B, id: "m1".to_owned() };
        assert_eq!(violation(&history, &view(counters(2, 2, 0, 0))), torn);
    }

    #[test]
    fn what_nobody_published_must_not_arrive() {
        let history = history(&[], vec![receipt("m9", 9, 1)], vec![]);
        let stranger = Violation::NeverPublished { subscriber: A, id: "m9".to_owned() };
        assert_eq!(violation(&history, &view(counters(0, 0, 0, 0))), stranger);
    }

    #[test]
    fn a_message_must_arrive_under_the_id_that_was_answered() {
        let history = history(&[Some("m1")], vec![receipt("m1", 1, 1)], vec![receipt("m1", 1, 1), receipt("m2", 1, 2)]);
        let violations = judge(&history, &view(counters(2, 2, 0, 0))).unwrap_err();
        assert!(violations.contains(&Violation::SeveralIds { key: key(1), ids: vec!["m1".into(), "m2".into()] }));
    }

    #[test]
    fn a_subscriber_must_not_get_what_it_does_not_want() {
        let mut history = history(&[Some("m1")], vec![receipt("m1", 1, 1)], vec![receipt("m1", 1, 1)]);
        history.publishes.get_mut(&key(1)).unwrap().wanted_by = vec![A];
        let unwanted = Violation::Unwanted { subscriber: B, id: "m1".to_owned() };
        assert_eq!(violation(&history, &view(counters(1, 1, 0, 0))), unwanted);
    }

    #[test]
    fn the_engine_must_not_keep_what_a_subscriber_does_not_want() {
        let mut history = history(&[Some("m1")], vec![receipt("m1", 1, 1)], vec![]);
        history.publishes.get_mut(&key(1)).unwrap().wanted_by = vec![A];
        let view = pending(view(counters(1, 0, 1, 0)), B, "m1", 700);
        assert_eq!(violation(&history, &view), Violation::Unwanted { subscriber: B, id: "m1".to_owned() });
    }

    #[test]
    fn a_message_that_comes_again_after_a_crash_is_a_duplicate() {
        let both = vec![receipt("m1", 1, 1), receipt("m1", 1, 2)];
        let history = history(&[Some("m1")], both, vec![receipt("m1", 1, 1)]);
        let tally = Tally { acked: 1, delivered: 2, duplicates: 1, ..Tally::default() };
        assert_eq!(judge(&history, &view(counters(2, 2, 0, 0))), Ok(tally));
    }

    #[test]
    fn a_message_that_was_taken_at_the_crash_may_still_wait() {
        let history = history(&[Some("m1")], vec![receipt("m1", 1, 1)], vec![receipt("m1", 1, 1)]);
        let view = pending(view(counters(2, 1, 1, 0)), B, "m1", 700);
        let tally = Tally { acked: 1, delivered: 2, pending: 1, ..Tally::default() };
        assert_eq!(judge(&history, &view), Ok(tally));
    }

    #[test]
    fn a_message_must_not_be_taken_twice_without_a_crash() {
        let both = vec![receipt("m1", 1, 1), receipt("m1", 1, 1)];
        let history = history(&[Some("m1")], both, vec![receipt("m1", 1, 1)]);
        let twice = Violation::TakenTwiceInOneRun { subscriber: A, id: "m1".to_owned(), run: 1 };
        assert_eq!(violation(&history, &view(counters(2, 2, 0, 0))), twice);
    }

    #[test]
    fn a_later_message_of_a_group_must_not_overtake() {
        let swapped = vec![receipt("m2", 2, 1), receipt("m1", 1, 1)];
        let straight = vec![receipt("m1", 1, 1), receipt("m2", 2, 1)];
        let history = history(&[Some("m1"), Some("m2")], swapped, straight);
        let expected = Violation::OutOfOrder { subscriber: A, earlier: key(1), later: key(2) };
        assert_eq!(violation(&history, &view(counters(4, 4, 0, 0))), expected);
    }

    #[test]
    fn a_later_message_must_not_be_attempted_before_the_earlier_one_is_settled() {
        let eager = vec![refused("m1", 1, 1), refused("m2", 2, 1), receipt("m1", 1, 1), receipt("m2", 2, 1)];
        let straight = vec![receipt("m1", 1, 1), receipt("m2", 2, 1)];
        let history = history(&[Some("m1"), Some("m2")], eager, straight);
        let expected = Violation::OutOfOrder { subscriber: A, earlier: key(1), later: key(2) };
        assert_eq!(violation(&history, &view(counters(4, 4, 0, 0))), expected);
    }

    #[test]
    fn only_the_last_message_of_a_group_may_come_again() {
        let again = vec![receipt("m1", 1, 1), receipt("m2", 2, 1), receipt("m1", 1, 2)];
        let straight = vec![receipt("m1", 1, 1), receipt("m2", 2, 1), receipt("m2", 2, 2)];
        let history = history(&[Some("m1"), Some("m2")], again, straight);
        let expected = Violation::OutOfOrder { subscriber: A, earlier: key(1), later: key(2) };
        assert_eq!(violation(&history, &view(counters(4, 4, 0, 0))), expected);
    }

    #[test]
    fn without_an_order_messages_may_pass_each_other() {
        let swapped = vec![receipt("m2", 2, 1), receipt("m1", 1, 1)];
        let mut history = history(&[Some("m1"), Some("m2")], swapped.clone(), swapped);
        history.subscribers.iter_mut().for_each(|subscriber| subscriber.order = Order::Any);
        let tally = Tally { acked: 2, delivered: 4, ..Tally::default() };
        assert_eq!(judge(&history, &view(counters(4, 4, 0, 0))), Ok(tally));
    }

    #[test]
    fn a_delivered_message_must_not_be_dead_too() {
        let history = history(&[Some("m1")], vec![receipt("m1", 1, 1)], vec![receipt("m1", 1, 1)]);
        let view = dead(view(counters(2, 1, 0, 1)), B, "m1", "refused");
        assert_eq!(violation(&history, &view), Violation::TwoEndings { subscriber: B, id: "m1".to_owned() });
    }

    #[test]
    fn what_is_given_up_has_a_reason() {
        let history = history(&[Some("m1")], vec![receipt("m1", 1, 1)], vec![]);
        let view = dead(view(counters(2, 1, 0, 1)), B, "m1", "");
        assert_eq!(violation(&history, &view), Violation::NoReason { subscriber: B, id: "m1".to_owned() });
    }

    #[test]
    fn what_waits_is_due_within_its_schedule() {
        let history = history(&[Some("m1")], vec![receipt("m1", 1, 1)], vec![]);
        let view = pending(view(counters(2, 1, 1, 0)), B, "m1", 1001);
        let never = Violation::NeverDue { subscriber: B, id: "m1".to_owned(), due_ms: 1001 };
        assert_eq!(violation(&history, &view), never);
    }

    #[test]
    fn a_dead_letter_reaches_its_destination() {
        let mut history = history(&[Some("m1")], vec![receipt("m1", 1, 1)], vec![refused("m1", 1, 1)]);
        let view = dead(view(counters(2, 1, 0, 1)), B, "m1", "refused");
        history.subscribers[1].dead_letters = Some(vec![receipt("m1", 1, 1)]);
        let tally = Tally { acked: 1, delivered: 1, dead: 1, ..Tally::default() };
        assert_eq!(judge(&history, &view), Ok(tally));
        history.subscribers[1].dead_letters = Some(vec![]);
        assert_eq!(violation(&history, &view), lost(B));
    }

    #[test]
    fn the_dead_letter_destination_gets_nothing_that_was_delivered() {
        let mut history = history(&[Some("m1")], vec![receipt("m1", 1, 1)], vec![receipt("m1", 1, 1)]);
        history.subscribers[1].dead_letters = Some(vec![receipt("m1", 1, 1)]);
        let not_dead = Violation::NotDead { subscriber: B, id: "m1".to_owned() };
        assert_eq!(violation(&history, &view(counters(2, 2, 0, 0))), not_dead);
    }

    #[test]
    fn counters_that_do_not_add_up_are_rejected() {
        let history = history(&[Some("m1")], vec![receipt("m1", 1, 1)], vec![receipt("m1", 1, 1)]);
        let miscounted = Violation::Miscounted { counter: "delivered", engine: 3, outside: 2 };
        assert_eq!(violation(&history, &view(counters(2, 3, 0, 0))), miscounted);
    }

    #[test]
    fn the_engine_is_asked_about_what_was_not_taken() {
        let history =
            history(&[Some("m1"), None], vec![receipt("m1", 1, 1), receipt("m2", 2, 1)], vec![refused("m1", 1, 1)]);
        assert_eq!(not_taken(&history), [(B, "m1".to_owned()), (B, "m2".to_owned())]);
    }
}
