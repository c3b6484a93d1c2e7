//! The credential of a signature: an access key and the scope that it signs in.

/// `<access key>/<yyyymmdd>/<region>/<service>/<terminator>`, with no part empty; nothing is said of what the parts are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credential {
    pub(super) access_key: String,
    pub(super) date: String,
    pub(super) region: String,
    pub(super) service: String,
    pub(super) terminator: String,
}

impl Credential {
    /// `None` when there are not exactly five parts, or one is empty.
    pub(super) fn parse(text: &str) -> Option<Self> {
        // One more than there should be, so that too many are seen, however many come.
        let parts: Vec<&str> = text.splitn(6, '/').collect();
        let [access_key, date, region, service, terminator] = parts[..] else { return None };
        if parts.contains(&"") {
            return None;
        }
        Some(Self {
            access_key: access_key.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            terminator: terminator.to_owned(),
        })
    }

    /// The scope: everything but the access key.
    pub(super) fn scope(&self) -> String {
        format!("{}/{}/{}/{}", self.date, self.region, self.service, self.terminator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_parts_make_a_credential() {
        let credential = Credential::parse("AKID/20260102/us-east-1/sns/aws4_request").unwrap();
        assert_eq!(credential.access_key, "AKID");
        assert_eq!(credential.region, "us-east-1");
        assert_eq!(credential.scope(), "20260102/us-east-1/sns/aws4_request");
    }

    #[test]
    fn other_counts_and_empty_parts_do_not() {
        for text in ["", "AKID", "AKID/1/2/3", "AKID/1/2/3/4/5", "/1/2/3/4", "AKID/1//3/4"] {
            assert_eq!(Credential::parse(text), None, "{text}");
        }
    }
}
