//! A topic's access policy: setting it whole, and one permission at a time.

use fanfare::{Topic, TopicArn, TopicSettings};
use serde_json::Value;

use super::Api;
use super::call::Call;
use super::refusal::Refusal;
use crate::access::{
    Action, Permission, Policy, PolicyError, default_policy, has_statement, with_permission, without_permission,
};
use crate::query::Answer;

/// Where the engine keeps a policy, for Amazon SNS's attribute of that name.
const POLICY: &str = "Policy";

impl Api {
    pub(super) async fn add_permission(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.topic_arn()?;
        let topic = self.fanfare.topic(&arn)?;
        let label = call.required("Label")?;
        if label.is_empty() {
            return Err(Refusal::invalid_parameter("Label"));
        }
        // Said before anything else is looked at.
        refuse_known(&topic, label)?;
        let accounts = listed(call, "AWSAccountId", "aWSAccountId")?;
        let actions = listed(call, "ActionName", "actionName")?;
        let actions: Vec<Action> =
            actions.into_iter().map(Action::parse).collect::<Result<_, _>>().map_err(Refusal::from)?;
        let permission = Permission { label, accounts: &accounts, actions: &actions };
        let change = |topic: &Topic| {
            refuse_known(topic, label)?;
            let policy = with_permission(&policy_of(topic), topic.arn(), &permission)?;
            Ok::<_, Refusal>(topic.settings().clone().attribute(POLICY, policy))
        };
        self.fanfare.update_topic(&arn, change).await?;
        Ok(Answer::without_result(call.operation))
    }

    /// A topic whose last statement goes has the default policy again: Amazon SNS has no policy without a statement.
    pub(super) async fn remove_permission(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.topic_arn()?;
        self.fanfare.topic(&arn)?;
        let label = call.required("Label")?;
        let change = |topic: &Topic| {
            let policy = without_permission(&policy_of(topic), label)?;
            let policy = policy.unwrap_or_else(|| default_policy(topic.arn()));
            with_policy(topic.settings().clone(), &policy, topic.arn())
        };
        self.fanfare.update_topic(&arn, change).await?;
        Ok(Answer::without_result(call.operation))
    }
}

/// `settings` with that policy for `topic`; with the default one when it is empty or says what that says, however it is spaced.
pub(super) fn with_policy(settings: TopicSettings, policy: &str, topic: &TopicArn) -> Result<TopicSettings, Refusal> {
    if policy.is_empty() || same(policy, &default_policy(topic)) {
        return Ok(settings.without_attribute(POLICY));
    }
    // What says the same stays as it was written.
    if settings.attributes().get(POLICY).is_some_and(|known| same(known, policy)) {
        return Ok(settings);
    }
    Policy::parse(policy, topic)?;
    Ok(settings.attribute(POLICY, policy))
}

fn same(policy: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    read(policy).is_some_and(|policy| Some(policy) == read(other))
}

fn policy_of(topic: &Topic) -> String {
    let own = topic.settings().attributes().get(POLICY);
    own.cloned().unwrap_or_else(|| default_policy(topic.arn()))
}

fn refuse_known(topic: &Topic, label: &str) -> Result<(), Refusal> {
    match has_statement(&policy_of(topic), label)? {
        true => Err(Refusal::invalid_parameter("Statement already exists")),
        false => Ok(()),
    }
}

/// The list in a parameter, which Amazon SNS calls `member` when it is not there.
fn listed<'a>(call: &Call<'a>, parameter: &str, member: &str) -> Result<Vec<&'a str>, Refusal> {
    let list = call.request.list(parameter);
    if list.is_empty() { Err(Refusal::null(member)) } else { Ok(list) }
}

impl From<PolicyError> for Refusal {
    fn from(error: PolicyError) -> Self {
        // Amazon SNS does not tell its callers what is wrong with a policy; the log does.
        tracing::debug!(%error, "refused an access policy");
        Self::invalid_parameter(error.message())
    }
}
