//! Long lists, a hundred items at a time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fanfare::subscription::SubscriptionId;
use fanfare::{Subscription, TopicArn};

use super::refusal::Refusal;

/// How many items Amazon SNS answers at a time.
pub(super) const PAGE_ITEMS: usize = 100;

/// One page of a list.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// What asks for the next page; nothing when this is the last.
    pub(super) next_token: Option<String>,
}

impl<T> Page<T> {
    /// The page that begins with the first of `items`, which are one more than fit when there are more; `token` names an item.
    pub(super) fn of(items: Vec<T>, token: impl Fn(&T) -> NextToken) -> Self {
        Self::of_at_most(PAGE_ITEMS, items, token)
    }

    /// The same for a page of `max` items.
    pub(super) fn of_at_most(max: usize, mut items: Vec<T>, token: impl Fn(&T) -> NextToken) -> Self {
        let more = items.len() > max;
        items.truncate(max);
        let next_token = items.last().filter(|_| more).map(|last| token(last).to_text());
        Self { items, next_token }
    }
}

/// The place in a list after which the next page begins: among the ARNs of topics or the like, and among one topic's
/// subscriptions. It names a place and not an item, so that items may come and go between pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NextToken {
    arn: String,
    id: Option<u64>,
}

impl NextToken {
    /// After that topic.
    pub(super) fn of_topic(topic: &TopicArn) -> Self {
        Self { arn: topic.to_string(), id: None }
    }

    /// After that subscription.
    pub(super) fn of_subscription(subscription: &Subscription) -> Self {
        Self { arn: subscription.topic().to_string(), id: Some(subscription.id().0) }
    }

    /// After the item of that ARN, number or the like.
    pub(super) fn of_key(key: &str) -> Self {
        Self { arn: key.to_owned(), id: None }
    }

    /// The item after which the list goes on, if it can be one.
    pub(super) fn key(self, is_one: impl FnOnce(&str) -> bool) -> Result<String, Refusal> {
        if self.id.is_none() && is_one(&self.arn) { Ok(self.arn) } else { Err(refusal()) }
    }

    /// Reads the parameter; an empty one asks for the first page.
    pub(super) fn read(text: &str) -> Result<Option<Self>, Refusal> {
        if text.is_empty() {
            return Ok(None);
        }
        let text = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(refusal)?;
        let (arn, id) = match text.split_once('#') {
            Some((arn, id)) => (arn.to_owned(), Some(id.parse().map_err(|_| refusal())?)),
            None => (text, None),
        };
        Ok(Some(Self { arn, id }))
    }

    /// The topic after which, or within which, the list goes on.
    pub(super) fn topic(&self) -> Result<TopicArn, Refusal> {
        TopicArn::parse(&self.arn).map_err(|_| refusal())
    }

    /// The subscription after which the list goes on.
    pub(super) fn subscription(&self) -> Result<SubscriptionId, Refusal> {
        self.id.map(SubscriptionId).ok_or_else(refusal)
    }

    fn to_text(&self) -> String {
        match self.id {
            Some(id) => STANDARD.encode(format!("{}#{id}", self.arn)),
            None => STANDARD.encode(&self.arn),
        }
    }
}

fn refusal() -> Refusal {
    Refusal::invalid_parameter("NextToken")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:orders";

    #[test]
    fn a_page_holds_a_hundred_items_and_names_the_last_when_there_are_more() {
        let token = |n: &u64| NextToken { arn: TOPIC.to_owned(), id: Some(*n) };
        let page = Page::of((1..=101).collect(), token);
        assert_eq!(page.items, (1..=100).collect::<Vec<_>>());
        let read = NextToken::read(&page.next_token.unwrap()).unwrap().unwrap();
        assert_eq!((read.topic().unwrap().as_str(), read.subscription().unwrap()), (TOPIC, SubscriptionId(100)));
        assert_eq!(Page::of((1..=100).collect(), token).next_token, None);
    }

    #[test]
    fn a_token_that_was_never_given_is_refused() {
        let read = |text: &str| NextToken::read(text)?.map(|token| token.topic()).transpose();
        for text in ["x", "eA==", "////", "YXJuOmF3cyM1"] {
            assert_eq!(read(text).unwrap_err().message(), "Invalid parameter: NextToken", "{text}");
        }
        assert_eq!(read("").unwrap(), None);
    }
}
