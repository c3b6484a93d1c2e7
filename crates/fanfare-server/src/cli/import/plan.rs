//! What is to be done: what will be made, what is there, what cannot be taken over and why.

use std::collections::BTreeMap;

use fanfare_server::admin::{SubscriptionSummary, TopicSummary};

use super::super::screen::{Cell, Colour, Screen};
use super::super::{Server, Trouble};
use super::source::{SourceSubscription, SourceTopic};

/// Attributes of topics that tell what is, and that nobody sets.
const TOLD_OF_TOPICS: [&str; 7] = [
    "TopicArn",
    "Owner",
    "EffectiveDeliveryPolicy",
    "SubscriptionsConfirmed",
    "SubscriptionsPending",
    "SubscriptionsDeleted",
    "BeginningArchiveTime",
];

/// Attributes of subscriptions that are taken over.
const OF_SUBSCRIPTIONS: [&str; 5] =
    ["FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "DeliveryPolicy", "RedrivePolicy"];

/// Protocols whose endpoints have to agree.
const CONFIRMING: [&str; 4] = ["http", "https", "email", "email-json"];

/// What becomes of endpoints that had agreed at the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// They are asked again.
    AskedAgain,
    /// They are confirmed, because the operator vouches for them.
    Confirmed,
}

/// Everything that is to be done.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) topics: Vec<PlannedTopic>,
}

/// What is to be done about a topic.
#[derive(Debug)]
pub(super) struct PlannedTopic {
    pub(super) name: String,
    pub(super) act: Act,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) subscriptions: Vec<PlannedSubscription>,
    /// What is left out.
    notes: Vec<String>,
}

/// What is to be done about a subscription.
#[derive(Debug)]
pub(super) struct PlannedSubscription {
    pub(super) protocol: String,
    pub(super) endpoint: String,
    pub(super) act: Act,
    pub(super) attributes: BTreeMap<String, String>,
    /// Whether the operator vouches for it, should its endpoint be asked.
    pub(super) confirm: bool,
    note: &'static str,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// It is made.
    Create,
    /// It is there already, and is left as it is.
    Exists,
    /// It is not taken over.
    Skip,
}

impl Plan {
    /// What is to be done about `topics`, after a look at what the server has.
    pub(super) async fn make(topics: Vec<SourceTopic>, server: &Server, kept: Kept) -> Result<Self, Trouble> {
        let (known, _) = server.list::<TopicSummary>("/topics", "topics", usize::MAX).await?;
        let known: BTreeMap<_, _> = known.into_iter().map(|topic| (topic.name, topic.arn)).collect();
        let mut planned = Vec::new();
        for topic in topics {
            let there = match known.contains_key(topic.name()) {
                true => {
                    let path = format!("/topics/{}/subscriptions", topic.name());
                    server.list::<SubscriptionSummary>(&path, "subscriptions", usize::MAX).await?.0
                }
                false => Vec::new(),
            };
            let act = if known.contains_key(topic.name()) { Act::Exists } else { Act::Create };
            planned.push(PlannedTopic::of(topic, act, &there, kept));
        }
        Ok(Self { topics: planned })
    }

    pub(super) fn show(&self, screen: Screen) {
        let mut rows = Vec::new();
        for topic in &self.topics {
            rows.push([
                topic.act.cell(),
                Cell::from("topic"),
                Cell::from(&topic.name),
                Cell::from(topic.notes.join("; ")),
            ]);
            rows.extend(topic.subscriptions.iter().map(|known| {
                let endpoint = Cell::from(format!("  {}", known.endpoint));
                [known.act.cell(), Cell::from(format!("  {}", known.protocol)), endpoint, Cell::from(known.note)]
            }));
        }
        if !rows.is_empty() {
            screen.table(["PLAN", "WHAT", "WHICH", "NOTE"], &rows);
        }
        let count = |act| {
            let subscriptions = self.topics.iter().flat_map(|topic| &topic.subscriptions);
            self.topics.iter().filter(|topic| topic.act == act).count()
                + subscriptions.filter(|known| known.act == act).count()
        };
        let (create, exists, skip) = (count(Act::Create), count(Act::Exists), count(Act::Skip));
        screen.line(format_args!("{create} to create, {exists} there already, {skip} not taken over."));
    }
}

impl Act {
    fn cell(self) -> Cell {
        match self {
            Self::Create => Cell::painted("create", Colour::Green),
            Self::Exists => Cell::painted("exists", Colour::Dim),
            Self::Skip => Cell::painted("skip", Colour::Yellow),
        }
    }
}

impl PlannedTopic {
    fn of(topic: SourceTopic, act: Act, there: &[SubscriptionSummary], kept: Kept) -> Self {
        let name = topic.name().to_owned();
        let mut notes = Vec::new();
        let mut attributes = topic.attributes;
        attributes.retain(|name, value| {
            let is_said = value.is_empty() || value == "false" || TOLD_OF_TOPICS.contains(&name.as_str());
            let is_default = name == "Policy" && value.contains("__default_policy_ID");
            !is_said && !is_default
        });
        if act == Act::Create && attributes.contains_key("Policy") {
            notes.push("without its Policy, which names the topic and accounts of the source".to_owned());
        }
        attributes.remove("Policy");
        let subscriptions = topic.subscriptions.into_iter().map(|known| PlannedSubscription::of(known, there, kept));
        Self { name, act, attributes, tags: topic.tags, subscriptions: subscriptions.collect(), notes }
    }
}

impl PlannedSubscription {
    fn of(known: SourceSubscription, there: &[SubscriptionSummary], kept: Kept) -> Self {
        let SourceSubscription { protocol, endpoint, attributes } = known;
        let is_there = there.iter().any(|there| there.protocol == protocol && there.endpoint == endpoint);
        let confirms = CONFIRMING.contains(&protocol.as_str());
        let (act, note) = match &attributes {
            _ if is_there => (Act::Exists, ""),
            None => (Act::Skip, "it is not confirmed at the source"),
            Some(_) if endpoint.contains(":****@") => {
                (Act::Skip, "the source hides its password: subscribe it by hand")
            }
            Some(_) if protocol == "application" => (Act::Skip, "its device is registered at the source"),
            Some(_) if confirms && kept == Kept::AskedAgain => (Act::Create, "its endpoint is asked to confirm"),
            Some(_) if confirms => (Act::Create, "confirmed without being asked"),
            Some(_) => (Act::Create, ""),
        };
        let mut attributes = attributes.unwrap_or_default();
        attributes
            .retain(|name, value| OF_SUBSCRIPTIONS.contains(&name.as_str()) && !value.is_empty() && value != "false");
        // A scope without a policy says nothing.
        if !attributes.contains_key("FilterPolicy") {
            attributes.remove("FilterPolicyScope");
        }
        Self { protocol, endpoint, act, attributes, confirm: kept == Kept::Confirmed, note }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(protocol: &str, endpoint: &str, confirmed: bool, kept: Kept) -> (Act, &'static str, bool) {
        let attributes = confirmed.then(BTreeMap::new);
        let known = SourceSubscription { protocol: protocol.to_owned(), endpoint: endpoint.to_owned(), attributes };
        let planned = PlannedSubscription::of(known, &[], kept);
        (planned.act, planned.note, planned.confirm)
    }

    #[test]
    fn what_cannot_be_taken_over_is_skipped_with_the_reason() {
        let url = "https://example.com/in";
        let hidden = "https://user:****@example.com/in";
        let again = Kept::AskedAgain;
        assert_eq!(planned("https", url, true, again), (Act::Create, "its endpoint is asked to confirm", false));
        assert_eq!(planned("https", url, true, Kept::Confirmed), (Act::Create, "confirmed without being asked", true));
        assert_eq!(planned("https", url, false, again), (Act::Skip, "it is not confirmed at the source", false));
        let by_hand = "the source hides its password: subscribe it by hand";
        assert_eq!(planned("https", hidden, true, again), (Act::Skip, by_hand, false));
        assert_eq!(planned("sqs", "arn:aws:sqs:us-east-1:1:q", true, Kept::Confirmed), (Act::Create, "", true));
    }
}
