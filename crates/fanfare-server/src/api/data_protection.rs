//! A topic's data protection policy: setting it, reading it, and what it does to what is published.

use fanfare::{Message, SnsError, SnsErrorCode, Topic, TopicSettings};

use super::Api;
use super::call::{Call, account_principal};
use super::refusal::Refusal;
use crate::data_protection::{ATTRIBUTE, DataProtectionError, NotAccepted};
use crate::query::{Answer, Members};

impl Api {
    /// An empty policy, or `{}`, takes the one away that is there.
    pub(super) async fn put_data_protection_policy(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.own_topic("ResourceArn", call.required("ResourceArn")?)?;
        self.fanfare.topic(&arn)?;
        let policy = call.required(ATTRIBUTE)?;
        let change = |topic: &Topic| self.with_data_protection(topic.settings().clone(), policy);
        self.fanfare.update_topic(&arn, change).await?;
        Ok(Answer::without_result(call.operation))
    }

    /// A topic without a policy has none to show.
    pub(super) fn get_data_protection_policy(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.own_topic("ResourceArn", call.required("ResourceArn")?)?;
        let topic = self.fanfare.topic(&arn)?;
        let policy = topic.settings().attributes().get(ATTRIBUTE);
        Ok(Answer::with_result(call.operation, Members::new().optional(ATTRIBUTE, policy)))
    }

    /// `settings` with that data protection policy.
    pub(super) fn with_data_protection(&self, settings: TopicSettings, policy: &str) -> Result<TopicSettings, Refusal> {
        if matches!(policy.trim(), "" | "{}") {
            return Ok(settings.without_attribute(ATTRIBUTE));
        }
        self.protection.check(policy)?;
        Ok(settings.attribute(ATTRIBUTE, policy))
    }

    /// `message` as `topic` may accept it from the caller.
    pub(super) fn protected(&self, call: &Call<'_>, topic: &Topic, message: Message) -> Result<Message, Refusal> {
        let account = call.caller.account();
        let user = account_principal(topic.arn(), account);
        self.protection.accept(topic, account, &user, message).map_err(|not_accepted| match not_accepted {
            NotAccepted::Refused(error) => error.into(),
            NotAccepted::Denied(denied) => {
                let message = format!(
                    "User: {user} is not authorized to perform: SNS:Publish on resource: {} because {denied}",
                    topic.arn()
                );
                SnsError::new(SnsErrorCode::AuthorizationError, message).into()
            }
        })
    }
}

impl From<DataProtectionError> for Refusal {
    fn from(error: DataProtectionError) -> Self {
        Self::invalid_parameter(format_args!("{ATTRIBUTE} Reason: {error}"))
    }
}
