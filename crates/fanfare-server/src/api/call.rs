//! One call: who asks for which operation, and what of it is theirs.

use fanfare::{SnsError, SnsErrorCode, SubscriptionArn, TopicArn};

use super::refusal::Refusal;
use crate::auth::Caller;
use crate::query::Request;

/// One call of an operation.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) operation: &'static str,
    pub(super) caller: &'a Caller,
    pub(super) request: &'a Request,
}

impl<'a> Call<'a> {
    /// A parameter that has to be there; it may be empty.
    pub(super) fn required(&self, name: &str) -> Result<&'a str, Refusal> {
        self.request.text(name).ok_or_else(|| Refusal::missing(name))
    }

    /// The parameter `TopicArn`, which must name a topic of the caller's; whether it is there is another question.
    pub(super) fn topic_arn(&self) -> Result<TopicArn, Refusal> {
        self.own_topic("TopicArn", self.required("TopicArn")?)
    }

    /// The topic ARN in `parameter`, which must name a topic of the caller's.
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
        self.check_account(&topic, text)?;
        Ok(topic)
    }

    /// The parameter `SubscriptionArn`, which must name a subscription to a topic of the caller's.
    pub(super) fn subscription_arn(&self) -> Result<SubscriptionArn, Refusal> {
        let subscription = SubscriptionArn::parse(self.required("SubscriptionArn")?)?;
        let topic = subscription.topic();
        if topic.region() != self.caller.region() {
            return Err(Refusal::invalid_parameter("SubscriptionArn"));
        }
        self.check_account(&topic, subscription.as_str())?;
        Ok(subscription)
    }

    fn check_account(&self, topic: &TopicArn, resource: &str) -> Result<(), Refusal> {
        if topic.account() == self.caller.account() {
            return Ok(());
        }
        let user = account_principal(topic, self.caller.account());
        // A batch needs the permission to publish, and no other.
        let action = if self.operation == "PublishBatch" { "Publish" } else { self.operation };
        let message = format!(
            "User: {user} is not authorized to perform: SNS:{action} on resource: {resource} because no identity-based \
             policy allows the SNS:{action} action"
        );
        Err(SnsError::new(SnsErrorCode::AuthorizationError, message).into())
    }
}

/// The principal that stands for a whole account, in the partition of `topic`. This server knows accounts, not users.
pub(super) fn account_principal(topic: &TopicArn, account: &str) -> String {
    let partition = topic.as_str().split(':').nth(1).unwrap_or("aws");
    format!("arn:{partition}:iam::{account}:root")
}
