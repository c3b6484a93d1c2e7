//! A message as filter policies see it.

use std::sync::OnceLock;

use super::evaluate::Leaves;
use super::flatten::{Flattened, Leaf, Scope, ScopeId};
use super::paths::PathTree;
use super::rules::Condition;
use super::scope::FilterPolicyScope;
use super::verdict::FilterReason;
use crate::attribute::Attributes;

/// A message as filter policies see it: its attributes and one of its texts.
///
/// Each of the two is taken apart when the first policy asks for it, and then once for all policies; so keep one event
/// for all subscriptions of a message, or one for each text if protocols get different ones. Takes time and memory in
/// proportion to the message.
#[derive(Debug)]
pub struct Event<'a> {
    attributes: &'a Attributes,
    body: &'a str,
    flat_attributes: OnceLock<Result<Named<'a>, FilterReason>>,
    flat_body: OnceLock<Result<Named<'a>, FilterReason>>,
}

impl<'a> Event<'a> {
    /// The event of a message with these attributes and this text.
    pub fn new(attributes: &'a Attributes, body: &'a str) -> Self {
        Self { attributes, body, flat_attributes: OnceLock::new(), flat_body: OnceLock::new() }
    }

    /// The message's attributes.
    pub(super) fn attributes(&self) -> &'a Attributes {
        self.attributes
    }

    /// The message's text.
    pub(super) fn body(&self) -> &'a str {
        self.body
    }

    /// What a policy of that scope sees, or why no policy of that scope can match.
    pub(super) fn flattened(&self, scope: FilterPolicyScope) -> Result<&Named<'a>, FilterReason> {
        let flattened = match scope {
            FilterPolicyScope::MessageAttributes => {
                self.flat_attributes.get_or_init(|| Named::of(|paths| Flattened::attributes(self.attributes, paths)))
            }
            FilterPolicyScope::MessageBody => {
                self.flat_body.get_or_init(|| Named::of(|paths| Flattened::body(self.body, paths)))
            }
        };
        flattened.as_ref().map_err(|reason| *reason)
    }
}

/// A whole message taken apart, whose scalars are found by the names of their paths.
#[derive(Debug)]
pub(super) struct Named<'a> {
    paths: PathTree<'a>,
    flattened: Flattened<'a>,
}

impl<'a> Named<'a> {
    fn of(
        flatten: impl FnOnce(&mut PathTree<'a>) -> Result<Flattened<'a>, FilterReason>,
    ) -> Result<Self, FilterReason> {
        let mut paths = PathTree::new();
        let flattened = flatten(&mut paths)?;
        Ok(Self { paths, flattened })
    }

    /// The scalars at the path with these dots.
    pub(super) fn at(&self, key: &str) -> &[Leaf<'a>] {
        self.paths.find(key).map(|path| self.flattened.leaves(path)).unwrap_or_default()
    }
}

impl<'a> Leaves<'a> for Named<'a> {
    fn leaves(&self, _: usize, condition: &Condition<'_>) -> &[Leaf<'a>] {
        self.at(condition.key())
    }

    fn element(&self, id: ScopeId) -> Scope {
        self.flattened.element(id)
    }
}
