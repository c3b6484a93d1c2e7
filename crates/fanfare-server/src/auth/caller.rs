//! The one who sent a request.

use fanfare::Owner;

use super::origin::Origin;

/// The one who sent a request: an access key of an account, calling for a region, from somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    access_key: Option<String>,
    owner: Owner,
    origin: Origin,
}

impl Caller {
    pub(super) fn new(access_key: Option<String>, owner: Owner, origin: Origin) -> Self {
        Self { access_key, owner, origin }
    }

    /// How the request came.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The id of the access key; `None` only when signatures are not checked and the request names no key.
    pub fn access_key(&self) -> Option<&str> {
        self.access_key.as_deref()
    }

    /// The account that the access key belongs to, 12 digits.
    pub fn account(&self) -> &str {
        self.owner.account()
    }

    /// The region that the request is for, which is the one in the credential scope.
    pub fn region(&self) -> &str {
        self.owner.region()
    }

    /// Account and region as the owner of the topics that the caller makes and lists.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }
}
