//! One call: who asks for which operation, and what of it is theirs.

use std::time::SystemTime;

use fanfare::{SnsError, SnsErrorCode, Subscription, SubscriptionArn, TopicArn, TraceContext};

use super::Api;
use super::refusal::Refusal;
use crate::access::{Action, Context, Decision, Policy};
use crate::auth::{Caller, Transport};
use crate::query::Request;

/// One call of an operation.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) api: &'a Api,
    pub(super) operation: &'static str,
    pub(super) caller: &'a Caller,
    pub(super) request: &'a Request,
    /// The trace that the call is part of.
    pub(super) trace: TraceContext,
}

impl<'a> Call<'a> {
    /// A parameter that has to be there; it may be empty.
    pub(super) fn required(&self, name: &str) -> Result<&'a str, Refusal> {
        self.request.text(name).ok_or_else(|| Refusal::missing(name))
    }

    /// The parameter `TopicArn`, which must name a topic with which the caller may do this; whether it is there is another
    /// question.
    pub(super) fn topic_arn(&self) -> Result<TopicArn, Refusal> {
        self.own_topic("TopicArn", self.required("TopicArn")?)
    }

    /// The topic ARN in `parameter`, which must name a topic with which the caller may do this.
    pub(super) fn own_topic(&self, parameter: &str, text: &str) -> Result<TopicArn, Refusal> {
        let elements = text.split(':').count();
        if elements < 6 {
            return Err(Refusal::invalid_parameter(format_args!(
                "{parameter} Reason: An ARN must have at least 6 elements, not {elements}"
            )));
        }
        let topic = TopicArn::parse(text).map_err(|_| Refusal::invalid_parameter(parameter))?;
        if topic.region() != self.caller.region() {
            return Err(Refusal::invalid_parameter("TopicArn"));
        }
        self.authorize(&topic, text)?;
        Ok(topic)
    }

    /// The parameter `SubscriptionArn`, which must name a subscription of the caller's or to a topic of theirs.
    pub(super) fn subscription_arn(&self) -> Result<SubscriptionArn, Refusal> {
        let subscription = self.any_subscription_arn()?;
        match self.api.fanfare.subscription(&subscription) {
            Ok(known) => self.check_owns(&known)?,
            Err(_) if subscription.account() == self.caller.account() => {}
            Err(_) => return Err(self.refused(&subscription.topic(), subscription.as_str(), Decision::Silent)),
        }
        Ok(subscription)
    }

    /// The parameter `SubscriptionArn`, of whichever account.
    pub(super) fn any_subscription_arn(&self) -> Result<SubscriptionArn, Refusal> {
        let subscription = SubscriptionArn::parse(self.required("SubscriptionArn")?)?;
        match subscription.topic().region() == self.caller.region() {
            true => Ok(subscription),
            false => Err(Refusal::invalid_parameter("SubscriptionArn")),
        }
    }

    /// Refuses a subscription that is neither the caller's nor to a topic of theirs.
    pub(super) fn check_owns(&self, known: &Subscription) -> Result<(), Refusal> {
        match [known.owner(), known.arn().account()].contains(&self.caller.account()) {
            true => Ok(()),
            false => Err(self.refused(&known.topic(), known.arn().as_str(), Decision::Silent)),
        }
    }

    /// Refuses what the topic's policy denies, and what it does not allow another account.
    fn authorize(&self, topic: &TopicArn, resource: &str) -> Result<(), Refusal> {
        let is_owner = topic.account() == self.caller.account();
        match self.decision(topic) {
            Decision::Allowed => Ok(()),
            Decision::Denied => Err(self.refused(topic, resource, Decision::Denied)),
            Decision::Silent if is_owner => Ok(()),
            Decision::Silent => Err(self.refused(topic, resource, Decision::Silent)),
        }
    }

    /// What the topic's policy says. Amazon SNS's default one lets nobody in but the owner, and so does none at all.
    fn decision(&self, topic: &TopicArn) -> Decision {
        let Some(action) = Action::of_operation(self.operation) else { return Decision::Silent };
        let Ok(known) = self.api.fanfare.topic(topic) else { return Decision::Silent };
        let Some(text) = known.settings().attributes().get("Policy") else { return Decision::Silent };
        match self.api.policies.of(topic, text, |text| Policy::parse(text, topic)) {
            Ok(policy) => policy.decide(action, &self.context(topic)),
            Err(error) => {
                tracing::error!(%topic, %error, "the topic's policy cannot be read, so that it lets nobody in");
                Decision::Silent
            }
        }
    }

    fn context(&self, topic: &TopicArn) -> Context {
        let account = self.caller.account();
        let is_secure = self.caller.origin().transport == Transport::Tls;
        let mut context = Context::of(account, &account_principal(topic, account))
            .at(SystemTime::now())
            .with("aws:RequestedRegion", self.caller.region())
            .with("aws:SecureTransport", is_secure.to_string());
        if let Some(address) = self.caller.origin().address {
            context = context.with("aws:SourceIp", address.to_string());
        }
        if self.operation == "Subscribe" {
            let asked = [("sns:Protocol", "Protocol"), ("sns:Endpoint", "Endpoint")];
            for (key, parameter) in asked {
                if let Some(value) = self.request.text(parameter) {
                    context = context.with(key, value);
                }
            }
        }
        context
    }

    fn refused(&self, topic: &TopicArn, resource: &str, decision: Decision) -> Refusal {
        let user = account_principal(topic, self.caller.account());
        // A batch needs the permission to publish, and no other.
        let action = if self.operation == "PublishBatch" { "Publish" } else { self.operation };
        let because = match decision {
            Decision::Denied => "with an explicit deny in a resource-based policy".to_owned(),
            _ => format!("because no identity-based policy allows the SNS:{action} action"),
        };
        let message =
            format!("User: {user} is not authorized to perform: SNS:{action} on resource: {resource} {because}");
        SnsError::new(SnsErrorCode::AuthorizationError, message).into()
    }
}

/// The principal that stands for a whole account, in the partition of `topic`. This server knows accounts, not users.
pub(crate) fn account_principal(topic: &TopicArn, account: &str) -> String {
    let partition = topic.as_str().split(':').nth(1).unwrap_or("aws");
    format!("arn:{partition}:iam::{account}:root")
}
