//! Subscriptions: making, confirming, listing, changing and ending them.

use std::sync::Arc;

use fanfare::subscription::SubscriptionState;
use fanfare::{
    Confirmation, Destination, Protocol, SnsError, Subscribe, Subscription, SubscriptionArn, SubscriptionSettings,
    TopicArn,
};

use super::Api;
use super::call::{Call, account_principal};
use super::paging::{NextToken, PAGE_ITEMS, Page};
use super::refusal::Refusal;
use super::replay_policy::ReplayPolicy;
use super::subscription_attributes::{Asked, check_dead_letters, endpoint, is_queue, shown};
use super::topic_attributes::Given;
use crate::query::{Answer, Members};

impl Api {
    pub(super) async fn subscribe(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let topic = call.topic_arn()?;
        let known_topic = self.fanfare.topic(&topic)?;
        let protocol = call.required("Protocol")?;
        if protocol == "firehose" {
            return Err(Refusal::invalid_parameter("Protocol Reason: firehose is not supported by this server"));
        }
        let protocol: Protocol = protocol.parse()?;
        let address = call.required("Endpoint")?;
        self.fanfare.check_protocol(&topic, &protocol)?;
        check_address(&topic, &protocol, address)?;
        self.check_subscribed(&protocol, address).await?;
        let wants_arn = call.request.boolean("ReturnSubscriptionArn")?.unwrap_or(false);
        let attributes = call.request.map("Attributes").unwrap_or_default();
        let mut asked = Asked::default();
        for (name, value) in &attributes {
            asked.read(name, value, &protocol, Given::InMap)?;
        }
        let fresh = asked.put_into(SubscriptionSettings::default(), Given::InMap)?;
        let destination = Destination::address(protocol.clone(), address);
        let owner = call.caller.owner();
        check_dead_letters(&destination, &fresh, owner.region(), owner.account(), Given::InMap)?;
        self.check_subscription_to_larger(&known_topic, &protocol, address)?;
        // Before there is a subscription, which a refusal would leave behind.
        if let Some(Some(ReplayPolicy { from, to })) = asked.replay() {
            self.fanfare.check_replay(&topic, from, to)?;
        }

        let principal = account_principal(&topic, call.caller.account());
        let subscribe = Subscribe::to(protocol.clone(), address).settings(fresh).by(principal);
        let arn = match self.fanfare.subscribe(&topic, subscribe).await {
            Ok(arn) => arn,
            // What is left out does not count, which the engine cannot tell from a default: so it is asked again for what is there.
            Err(error) => {
                let known = self.fanfare.subscription_to(&topic, &destination);
                let Some(known) = known.filter(|known| asked.has_nothing_to_change_in(known.settings())) else {
                    return Err(refused(error));
                };
                let same = Subscribe::to(protocol, address).settings(known.settings().clone());
                self.fanfare.subscribe(&topic, same).await?
            }
        };
        let subscription = self.fanfare.subscription(&arn)?;
        // Nor can it tell a default that was asked for from one that was left out.
        if !asked.has_nothing_to_change_in(subscription.settings()) {
            return Err(Refusal::invalid_parameter(
                "Attributes Reason: Subscription already exists with different attributes",
            ));
        }
        if let Some(Some(policy)) = asked.replay()
            && subscription.replay().is_none()
        {
            self.replay(&arn, Some(policy)).await?;
        }
        let confirmed = subscription.state() == SubscriptionState::Confirmed;
        let shown = if confirmed || wants_arn { arn.as_str() } else { "pending confirmation" };
        Ok(Answer::with_result(call.operation, Members::new().text("SubscriptionArn", shown)))
    }

    /// Whoever has the token may confirm, of whichever account.
    pub(super) async fn confirm_subscription(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let topic = TopicArn::parse(call.request.text("TopicArn").unwrap_or_default()).ok();
        let topic = topic.filter(|topic| topic.region() == call.caller.region());
        let topic = topic.ok_or_else(|| Refusal::invalid_parameter("Topic"))?;
        let guarded = call.request.text("AuthenticateOnUnsubscribe");
        let confirmation = match guarded.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            true => Confirmation::Guarded,
            false => Confirmation::Authenticated,
        };
        let token = call.required("Token")?;
        let subscription = self.fanfare.confirm_subscription_with(&topic, token, confirmation).await?;
        let result = Members::new().text("SubscriptionArn", subscription.as_str());
        Ok(Answer::with_result(call.operation, result))
    }

    pub(super) async fn unsubscribe(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let subscription = call.any_subscription_arn()?;
        let answer = Answer::without_result(call.operation);
        // One that is not there belongs to nobody, and is no error.
        let Ok(known) = self.fanfare.subscription(&subscription) else { return Ok(answer) };
        call.check_owns(&known)?;
        match known.owner() != call.caller.account() && can_be_told(&known) {
            true => self.fanfare.unsubscribe_and_tell(&subscription).await?,
            false => self.fanfare.unsubscribe(&subscription).await?,
        }
        Ok(answer)
    }

    pub(super) fn list_subscriptions(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let token = call.request.text("NextToken").map(NextToken::read).transpose()?.flatten();
        let after = token.map(|token| Ok::<_, Refusal>((token.topic()?, token.subscription()?))).transpose()?;
        let after = after.as_ref().map(|(topic, id)| (topic, *id));
        Ok(listed(call, self.fanfare.subscriptions_of(call.caller.owner(), after, PAGE_ITEMS + 1)))
    }

    pub(super) fn list_subscriptions_by_topic(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let topic = call.topic_arn()?;
        let token = call.request.text("NextToken").map(NextToken::read).transpose()?.flatten();
        let after = token.map(|token| token.subscription()).transpose()?;
        Ok(listed(call, self.fanfare.subscriptions_page(&topic, after, PAGE_ITEMS + 1)?))
    }

    pub(super) fn get_subscription_attributes(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let subscription = self.fanfare.subscription(&call.subscription_arn()?)?;
        let topic = self.fanfare.topic(&subscription.topic())?;
        let attributes = shown(&subscription, &topic);
        Ok(Answer::with_result(call.operation, Members::new().map("Attributes", attributes)))
    }

    pub(super) async fn set_subscription_attributes(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.subscription_arn()?;
        let name = call.required("AttributeName")?;
        let value = call.request.text("AttributeValue").unwrap_or_default();
        let known = self.fanfare.subscription(&arn)?;
        let mut asked = Asked::default();
        asked.read(name, value, known.protocol(), Given::Alone)?;
        if let Some(policy) = asked.replay() {
            self.replay(&arn, policy).await?;
        }
        let changed = |known: &Subscription| {
            let mut asked = Asked::default();
            asked.read(name, value, known.protocol(), Given::Alone)?;
            let changed = asked.put_into(known.settings().clone(), Given::Alone)?;
            let (region, owner) = (call.caller.region(), known.owner());
            check_dead_letters(known.destination(), &changed, region, owner, Given::Alone)?;
            Ok::<_, Refusal>(changed)
        };
        self.fanfare.update_subscription(&arn, changed).await?;
        Ok(Answer::without_result(call.operation))
    }
}

impl Api {
    /// Begins the replay of a policy, or ends the one that goes on.
    async fn replay(&self, arn: &SubscriptionArn, policy: Option<ReplayPolicy>) -> Result<(), Refusal> {
        match policy {
            Some(ReplayPolicy { from, to }) => self.fanfare.start_replay(arn, from, to).await?,
            None => self.fanfare.end_replay(arn).await?,
        }
        Ok(())
    }
}

/// Whether somebody at the endpoint could restore the subscription: it was confirmed, and messages to it have links.
fn can_be_told(subscription: &Subscription) -> bool {
    subscription.state() == SubscriptionState::Confirmed
        && !matches!(subscription.protocol(), Protocol::Sms | Protocol::Application)
}

fn listed(call: &Call<'_>, subscriptions: Vec<Arc<Subscription>>) -> Answer {
    let page = Page::of(subscriptions, |known| NextToken::of_subscription(known));
    let subscriptions = page.items.iter().map(|subscription| {
        let topic = subscription.topic();
        let confirmed = subscription.state() == SubscriptionState::Confirmed;
        Members::new()
            .text("SubscriptionArn", if confirmed { subscription.arn().as_str() } else { "PendingConfirmation" })
            .text("Owner", subscription.owner())
            .text("Protocol", subscription.protocol().as_str())
            .text("Endpoint", endpoint(subscription))
            .text("TopicArn", topic.as_str())
    });
    let result = Members::new().structures("Subscriptions", subscriptions).optional("NextToken", page.next_token);
    Answer::with_result(call.operation, result)
}

/// Why an address cannot be reached is for operators to know; callers are told that it cannot, in Amazon SNS's words.
fn refused(error: SnsError) -> Refusal {
    match error.message().strip_prefix("Invalid parameter: Unreachable Endpoint Reason: ") {
        Some(reason) => {
            tracing::warn!(reason, "an address is refused as unreachable");
            Refusal::invalid_parameter("Unreachable Endpoint")
        }
        None => error.into(),
    }
}

/// What Amazon SNS says of an address before anybody looks whether it can be reached.
fn check_address(topic: &TopicArn, protocol: &Protocol, address: &str) -> Result<(), Refusal> {
    match protocol {
        Protocol::Sqs if !is_queue(address) => Err(Refusal::invalid_parameter("SQS endpoint ARN")),
        Protocol::Sqs if address.ends_with(".fifo") && !topic.is_fifo() => Err(Refusal::invalid_parameter(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
        )),
        Protocol::Sms if !is_phone_number(address) => {
            Err(Refusal::new("InvalidParameter", 400, format!("Invalid SMS endpoint: {address}")))
        }
        _ => Ok(()),
    }
}

/// Whether this is a phone number as Amazon SNS takes them: digits, with a `+` in front or not, and single `-`, `.` or `/`
/// between digits.
pub(super) fn is_phone_number(text: &str) -> bool {
    let number = text.strip_prefix('+').unwrap_or(text);
    number.split(['-', '.', '/']).all(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}
