//! Who may do what with a topic: its access policy (topic attribute `Policy`), read and evaluated as IAM does it.
//!
//! - A topic's owner may do everything with it that its policy does not deny. Another account may do what the policy allows it,
//!   and nothing else. A topic without a policy of its own has Amazon SNS's default one, which lets nobody else in.
//! - A denial wins over every permission. A policy can deny its owner `SNS:SetTopicAttributes` too, and then nobody can change
//!   it any more; deleting the topic is what is left.
//! - A caller is an account: access keys belong to accounts and not to users, so that a caller is `arn:aws:iam::<account>:root`.
//!   A statement for a user or a role of an account is kept and shown, and matches nobody; so does one for a service of AWS.
//!
//! # Conditions
//! The operators are those of IAM but `BinaryEquals`: `StringEquals`, `StringNotEquals`, `StringEqualsIgnoreCase`,
//! `StringNotEqualsIgnoreCase`, `StringLike`, `StringNotLike`, `ArnEquals`, `ArnLike`, `ArnNotEquals`, `ArnNotLike`, `Bool`,
//! `NumericEquals` and its five siblings, `DateEquals` and its five, `IpAddress`, `NotIpAddress` and `Null`; with `...IfExists`,
//! and with `ForAllValues:` or `ForAnyValue:` in front. Another operator is refused when the policy is set.
//!
//! | key | what it is here |
//! | --- | --- |
//! | `aws:PrincipalAccount`, `aws:PrincipalArn`, `AWS:SourceOwner` | the caller's account; its ARN; its account once more, as Amazon SNS's default policy has it |
//! | `aws:SecureTransport`, `aws:SourceIp` | how the request came, as far as [`Origin`](crate::auth::Origin) knows |
//! | `aws:CurrentTime`, `aws:EpochTime` | this server's clock |
//! | `aws:RequestedRegion` | the region that the request is for |
//! | `sns:Protocol`, `sns:Endpoint` | of `Subscribe` alone: what is to be subscribed |
//! | any other | absent |
//!
//! What is absent matches no condition but a negated one, `Null`, and `...IfExists`, as in IAM. So `aws:SourceArn` and
//! `aws:SourceAccount` match nothing: no service of AWS calls here in somebody's name. Nor does `aws:PrincipalOrgID`: this server
//! knows no organizations. In a policy of version `2012-10-17` the variables `${aws:PrincipalAccount}` and so on stand for these
//! keys.

mod action;
mod condition;
mod context;
mod edit;
mod error;
mod operator;
mod pattern;
mod policy;
mod principal;
mod statement;

pub use action::Action;
pub use context::Context;
pub(crate) use edit::has_statement;
pub use edit::{Permission, with_permission, without_permission};
pub use error::PolicyError;
pub use policy::{Decision, Policy, default_policy};
pub use principal::Principals;
