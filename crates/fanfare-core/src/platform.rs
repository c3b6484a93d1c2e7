//! The push platforms that platform applications are made for, and what messages hold for each.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::attribute::Attributes;
use crate::error::SnsError;
use crate::protocol::Protocol;

/// For how long a push service keeps a notification that nobody says more about: four weeks.
const DEFAULT_TTL: Duration = Duration::from_secs(28 * 24 * 60 * 60);

/// A push platform, spelled as Amazon SNS spells it in ARNs and in `MessageStructure=json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names are the services' own")]
pub enum Platform {
    Adm,
    Apns,
    ApnsSandbox,
    ApnsVoip,
    ApnsVoipSandbox,
    ApnsMdm,
    ApnsMdmSandbox,
    ApnsPassbook,
    ApnsPassbookSandbox,
    MacOs,
    MacOsSandbox,
    /// Firebase Cloud Messaging, which Amazon SNS calls by its old name.
    Gcm,
    Baidu,
    Mpns,
    Wns,
    /// Web Push (RFC 8030), which Amazon SNS does not have: an extension.
    WebPush,
}

/// Every platform, with the keys under which `MessageStructure=json` holds its payload, the best first. The first is its name.
const PLATFORMS: [(Platform, &[&str]); 16] = [
    (Platform::Adm, &["ADM", "application"]),
    (Platform::Apns, &["APNS", "application"]),
    (Platform::ApnsSandbox, &["APNS_SANDBOX", "application"]),
    (Platform::ApnsVoip, &["APNS_VOIP", "application"]),
    (Platform::ApnsVoipSandbox, &["APNS_VOIP_SANDBOX", "application"]),
    (Platform::ApnsMdm, &["APNS_MDM", "application"]),
    (Platform::ApnsMdmSandbox, &["APNS_MDM_SANDBOX", "application"]),
    (Platform::ApnsPassbook, &["APNS_PASSBOOK", "application"]),
    (Platform::ApnsPassbookSandbox, &["APNS_PASSBOOK_SANDBOX", "application"]),
    (Platform::MacOs, &["MACOS", "application"]),
    (Platform::MacOsSandbox, &["MACOS_SANDBOX", "application"]),
    (Platform::Gcm, &["GCM", "FCM", "application"]),
    (Platform::Baidu, &["BAIDU", "application"]),
    (Platform::Mpns, &["MPNS", "application"]),
    (Platform::Wns, &["WNS", "application"]),
    (Platform::WebPush, &["WEBPUSH", "application"]),
];

impl Platform {
    /// The name, as it stands in ARNs.
    pub fn as_str(self) -> &'static str {
        self.structure_keys()[0]
    }

    /// The platform of the endpoint of that ARN (`arn:<partition>:sns:<region>:<account>:endpoint/<platform>/<name>/<id>`).
    pub fn of_endpoint(arn: &str) -> Option<Self> {
        let resource = arn.split(':').nth(5)?.strip_prefix("endpoint/")?;
        resource.split('/').next()?.parse().ok()
    }

    /// The platform of an address of `protocol`, if it is a device's.
    pub(crate) fn of_address(protocol: &Protocol, address: Option<&str>) -> Option<Self> {
        address.filter(|_| *protocol == Protocol::Application).and_then(Self::of_endpoint)
    }

    /// The keys under which `MessageStructure=json` holds what goes to this platform, the best first: its name, `FCM` for
    /// `GCM`, and `application`. Where none of them is given, the text is that of `default`.
    pub fn structure_keys(self) -> &'static [&'static str] {
        let found = PLATFORMS.iter().find(|(platform, _)| *platform == self);
        found.expect("every platform is in the table").1
    }

    /// Whether it is one of Apple's, where tokens are hexadecimal digits in lower case.
    pub fn is_apple(self) -> bool {
        self.as_str().starts_with("APNS") || self.as_str().starts_with("MACOS")
    }

    /// For how long the push service is to keep a notification that was published `dwell` ago; nothing when it is too old to be
    /// sent.
    ///
    /// The attribute `AWS.SNS.MOBILE.<platform>.TTL` (in seconds, from when the message was published) comes before
    /// `in_payload`, the time that the payload itself asks for; otherwise it is four weeks. A time of zero asks Apple, Firebase
    /// and the services of Web Push to deliver at once or never; the others are sent nothing then.
    pub fn time_to_live(
        self,
        attributes: &Attributes,
        in_payload: Option<Duration>,
        dwell: Duration,
    ) -> Option<Duration> {
        let names = self.structure_keys().iter().map(|key| format!("AWS.SNS.MOBILE.{key}.TTL"));
        let asked = names.filter_map(|name| attributes.get(&name)?.to_text().parse().ok()).next();
        let ttl = asked.map(Duration::from_secs).or(in_payload).unwrap_or(DEFAULT_TTL);
        if ttl.is_zero() {
            return (self.is_apple() || matches!(self, Self::Gcm | Self::WebPush)).then_some(ttl);
        }
        ttl.checked_sub(dwell).filter(|rest| !rest.is_zero())
    }
}

impl FromStr for Platform {
    type Err = SnsError;

    /// Reads a platform's name; case counts.
    fn from_str(name: &str) -> Result<Self, SnsError> {
        let found = PLATFORMS.iter().find(|(_, keys)| keys[0] == name);
        found
            .map(|(platform, _)| *platform)
            .ok_or_else(|| SnsError::invalid_parameter(format_args!("Platform Reason: {name} is not supported")))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::AttributeValue;

    #[test]
    fn every_platform_is_read_back_from_its_name_and_from_its_endpoints() {
        for (platform, keys) in PLATFORMS {
            assert_eq!(keys[0].parse(), Ok(platform));
            let arn = format!("arn:aws:sns:us-east-1:000000000000:endpoint/{platform}/app/uuid");
            assert_eq!(Platform::of_endpoint(&arn), Some(platform));
        }
        assert_eq!(
            "AAA".parse::<Platform>().unwrap_err().message(),
            "Invalid parameter: Platform Reason: AAA is not supported"
        );
        assert_eq!(Platform::of_endpoint("arn:aws:sns:us-east-1:000000000000:topic"), None);
    }

    #[test]
    fn what_is_left_of_a_time_to_live_is_what_the_service_is_told() {
        let seconds = Duration::from_secs;
        // The attribute's value, the payload's, the time since the message was published, and what comes of it.
        let cases = [
            (Some("3600"), None, 0, Some(3600)),
            (Some("3600"), None, 600, Some(3000)),
            (Some("60"), None, 61, None),
            (Some("60"), None, 60, None),
            (None, Some(120), 0, Some(120)),
            (Some("30"), Some(120), 0, Some(30)),
            (None, None, 0, Some(2_419_200)),
            (Some("soon"), None, 0, Some(2_419_200)),
        ];
        for (attribute, payload, dwell, expected) in cases {
            let mut attributes = Attributes::new();
            if let Some(value) = attribute {
                let value = AttributeValue::Text(value.to_owned());
                attributes.insert("AWS.SNS.MOBILE.APNS.TTL", "String", value).unwrap();
            }
            let ttl = Platform::Apns.time_to_live(&attributes, payload.map(seconds), seconds(dwell));
            assert_eq!(ttl, expected.map(seconds), "{attribute:?} {payload:?} {dwell}");
        }
    }

    #[test]
    fn a_time_to_live_of_zero_means_something_to_apple_firebase_and_web_push_alone() {
        let mut attributes = Attributes::new();
        for platform in ["APNS", "FCM", "ADM", "WEBPUSH"] {
            let name = &format!("AWS.SNS.MOBILE.{platform}.TTL");
            attributes.insert(name, "Number", AttributeValue::Text("0".to_owned())).unwrap();
        }
        let ttl = |platform: Platform| platform.time_to_live(&attributes, None, Duration::from_millis(5));
        assert_eq!(ttl(Platform::Apns), Some(Duration::ZERO));
        assert_eq!(ttl(Platform::Gcm), Some(Duration::ZERO));
        assert_eq!(ttl(Platform::WebPush), Some(Duration::ZERO));
        assert_eq!(ttl(Platform::Adm), None);
    }
}
