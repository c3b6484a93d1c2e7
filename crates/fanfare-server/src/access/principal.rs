//! Whom a statement is about.

use serde_json::Value;

use super::error::PolicyError;

/// Whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principals {
    listed: Vec<Principal>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Principal {
    Everyone,
    /// Everybody of an account, by its 12 digits.
    Account(String),
    /// One user, role or session.
    One(String),
    /// A service of AWS, none of which calls here.
    Service,
}

impl Principals {
    /// Reads an element `Principal`: `"*"`, or an object with `AWS` and `Service`.
    pub(super) fn parse(element: &Value) -> Result<Self, PolicyError> {
        let kinds = match element {
            Value::String(text) if text == "*" => return Ok(Self { listed: vec![Principal::Everyone] }),
            Value::Object(kinds) if !kinds.is_empty() => kinds,
            _ => return Err(PolicyError::malformed("Principal is neither \"*\" nor an object")),
        };
        let mut listed = Vec::new();
        for (kind, names) in kinds {
            let names = super::statement::texts(names)?;
            let read = match kind.as_str() {
                "AWS" => Principal::parse,
                "Service" => Principal::service,
                other => return Err(PolicyError::malformed(format!("there are no principals {other:?} here"))),
            };
            for name in names {
                listed.push(read(name)?);
            }
        }
        Ok(Self { listed })
    }

    /// Reads a list of `"*"`, accounts, and ARNs of accounts, users, roles and sessions.
    ///
    /// # Errors
    /// [`PolicyError::PrincipalNotFound`] for the first that cannot be one.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, PolicyError> {
        Ok(Self { listed: names.into_iter().map(Principal::parse).collect::<Result<_, _>>()? })
    }

    /// Whether the principal `arn` of the account `account` is meant.
    pub fn contain(&self, account: &str, arn: &str) -> bool {
        self.listed.iter().any(|principal| match principal {
            Principal::Everyone => true,
            Principal::Account(known) => known == account,
            Principal::One(known) => known == arn,
            Principal::Service => false,
        })
    }

    pub(super) fn count(&self) -> usize {
        self.listed.len()
    }
}

impl Principal {
    fn parse(name: &str) -> Result<Self, PolicyError> {
        if name == "*" {
            return Ok(Self::Everyone);
        }
        if is_account(name) {
            return Ok(Self::Account(name.to_owned()));
        }
        let not_found = || PolicyError::PrincipalNotFound(name.to_owned());
        let elements: Vec<&str> = name.splitn(6, ':').collect();
        match elements[..] {
            ["arn", partition, "iam", "", account, "root"] if !partition.is_empty() && is_account(account) => {
                Ok(Self::Account(account.to_owned()))
            }
            ["arn", partition, service @ ("iam" | "sts"), "", account, resource]
                if !partition.is_empty() && is_account(account) && !name.contains(['*', '?']) =>
            {
                let known: &[&str] = match service {
                    "iam" => &["user/", "role/"],
                    _ => &["assumed-role/", "federated-user/"],
                };
                let is_named = known.iter().any(|kind| resource.strip_prefix(kind).is_some_and(|n| !n.is_empty()));
                is_named.then(|| Self::One(name.to_owned())).ok_or_else(not_found)
            }
            _ => Err(not_found()),
        }
    }

    fn service(name: &str) -> Result<Self, PolicyError> {
        let base = name.strip_suffix(".cn").unwrap_or(name).strip_suffix(".amazonaws.com");
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
        match base {
            Some(service) if !service.is_empty() && service.bytes().all(allowed) => Ok(Self::Service),
            _ => Err(PolicyError::PrincipalNotFound(name.to_owned())),
        }
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_account_is_meant_by_its_digits_its_root_and_the_star() {
        let root = "arn:aws:iam::111111111111:root";
        let table = [
            (json!("*"), true),
            (json!({ "AWS": "*" }), true),
            (json!({ "AWS": "111111111111" }), true),
            (json!({ "AWS": ["222222222222", root] }), true),
            (json!({ "AWS": "arn:aws-cn:iam::111111111111:root" }), true),
            (json!({ "AWS": "222222222222" }), false),
            (json!({ "AWS": "arn:aws:iam::111111111111:user/path/bob" }), false),
            (json!({ "AWS": "arn:aws:sts::111111111111:assumed-role/r/s" }), false),
            (json!({ "Service": ["s3.amazonaws.com", "events.amazonaws.com.cn"] }), false),
        ];
        for (element, expected) in table {
            assert_eq!(Principals::parse(&element).unwrap().contain("111111111111", root), expected, "{element}");
        }
    }

    #[test]
    fn who_cannot_be_is_not_found() {
        for name in [
            "1111",
            "1111111111111",
            "bob",
            "",
            "11111111111*",
            "arn:aws:iam::1111:root",
            "arn:aws:iam::111111111111:user/*",
            "arn:aws:iam::111111111111:user/",
            "arn:aws:iam::111111111111:group/g",
            "arn:aws:sns:us-east-1:111111111111:topic",
            "AIDAEXAMPLE",
        ] {
            let error = Principals::parse(&json!({ "AWS": name })).unwrap_err();
            assert_eq!(error.message(), "Policy Error: PrincipalNotFound", "{name}");
        }
        let error = Principals::parse(&json!({ "Service": "example.com" })).unwrap_err();
        assert_eq!(error.message(), "Policy Error: PrincipalNotFound");
        for element in [json!("bob"), json!({}), json!([]), json!({ "AWS": [] }), json!({ "Federated": "x" }), json!(1)]
        {
            assert_eq!(Principals::parse(&element).unwrap_err().message(), "Policy Error: null", "{element}");
        }
    }
}
