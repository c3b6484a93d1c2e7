//! What can be done with a topic, and the sets of it that statements name.

use super::error::PolicyError;
use super::pattern::Pattern;

/// What a policy can allow or deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the operation of that name")]
pub enum Action {
    GetTopicAttributes,
    SetTopicAttributes,
    AddPermission,
    RemovePermission,
    DeleteTopic,
    Subscribe,
    ListSubscriptionsByTopic,
    /// `Publish` and `PublishBatch`.
    Publish,
    /// A permission of early topics, which no operation asks for.
    Receive,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 9] = [
        Self::GetTopicAttributes,
        Self::SetTopicAttributes,
        Self::AddPermission,
        Self::RemovePermission,
        Self::DeleteTopic,
        Self::Subscribe,
        Self::ListSubscriptionsByTopic,
        Self::Publish,
        Self::Receive,
    ];

    /// The name as it follows `SNS:`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GetTopicAttributes => "GetTopicAttributes",
            Self::SetTopicAttributes => "SetTopicAttributes",
            Self::AddPermission => "AddPermission",
            Self::RemovePermission => "RemovePermission",
            Self::DeleteTopic => "DeleteTopic",
            Self::Subscribe => "Subscribe",
            Self::ListSubscriptionsByTopic => "ListSubscriptionsByTopic",
            Self::Publish => "Publish",
            Self::Receive => "Receive",
        }
    }

    /// The action of that name, without `SNS:`.
    ///
    /// # Errors
    /// [`PolicyError::OutOfServiceScope`].
    pub fn parse(name: &str) -> Result<Self, PolicyError> {
        let known = Self::ALL.into_iter().find(|action| action.as_str() == name);
        known.ok_or_else(|| PolicyError::OutOfServiceScope(name.to_owned()))
    }

    /// The action that an operation of the API asks for, if policies have a say in it.
    pub(crate) fn of_operation(operation: &str) -> Option<Self> {
        let name = if operation == "PublishBatch" { "Publish" } else { operation };
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }
}

/// The actions of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Actions(Vec<Action>);

impl Actions {
    /// The actions that any of `names` stands for; names have the prefix `SNS:` and may have wildcards, in any case.
    pub(super) fn parse(names: &[&str]) -> Result<Self, PolicyError> {
        let mut actions = Vec::new();
        for name in names {
            let lower = name.to_ascii_lowercase();
            let pattern = match lower.as_str() {
                "*" => Pattern::wild("*"),
                _ => Pattern::wild(lower.strip_prefix("sns:").unwrap_or_default()),
            };
            let before = actions.len();
            actions
                .extend(Action::ALL.into_iter().filter(|known| pattern.matches(&known.as_str().to_ascii_lowercase())));
            if actions.len() == before {
                return Err(PolicyError::OutOfServiceScope((*name).to_owned()));
            }
        }
        Ok(Self(actions))
    }

    /// The actions that these are not.
    pub(super) fn complement(&self) -> Self {
        Self(Action::ALL.into_iter().filter(|action| !self.contains(*action)).collect())
    }

    pub(super) fn contains(&self, action: Action) -> bool {
        self.0.contains(&action)
    }
}
