//! What an account says about its text messages, and what a message itself says.

use std::collections::BTreeMap;

use fanfare::{Owner, SnsError, SnsErrorCode};
use serde::{Deserialize, Serialize};

use super::{PhoneNumber, Phones, Usd, id_of, read, written};
use crate::mobile::settings::MobileSettings;

/// The kind of the documents; ids are `<region>/<account>`.
const KIND: &str = "sms-attributes";

/// The attribute of an account that limits what it spends, and what it is where nobody has set it: one US dollar.
const MONTHLY_SPEND_LIMIT: &str = "MonthlySpendLimit";
const LIMIT_BY_DEFAULT: &str = "1";

/// The most characters of a sender id.
const SENDER_ID_MAX: usize = 11;

/// The attributes of an account by Amazon SNS's names, those that were set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Attributes(BTreeMap<String, String>);

impl Attributes {
    /// The attributes as Amazon SNS answers them; with names, those alone.
    pub(crate) fn shown(&self, names: &[&str]) -> BTreeMap<&str, &str> {
        let mut shown = BTreeMap::from([(MONTHLY_SPEND_LIMIT, LIMIT_BY_DEFAULT)]);
        shown.extend(self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        shown.retain(|name, _| names.is_empty() || names.contains(name));
        shown
    }

    /// What may be spent in a month.
    pub(super) fn monthly_limit(&self) -> Usd {
        let limit = self.0.get(MONTHLY_SPEND_LIMIT).map_or(LIMIT_BY_DEFAULT, String::as_str);
        limit.parse().expect("it was read before it was kept")
    }

    /// What holds for messages that say nothing themselves: the name and the value of message attributes.
    pub(super) fn defaults(&self) -> impl Iterator<Item = (&str, &str)> {
        let defaults = [("AWS.SNS.SMS.SenderID", "DefaultSenderID"), ("AWS.SNS.SMS.SMSType", "DefaultSMSType")];
        defaults.into_iter().filter_map(|(name, by)| Some((name, self.0.get(by)?.as_str())))
    }

    /// What holds for messages that do not say of what kind they are.
    pub(super) fn default_type(&self) -> Option<String> {
        self.0.get("DefaultSMSType").cloned()
    }

    /// Whether what becomes of messages is logged.
    pub(super) fn logs_status(&self) -> bool {
        self.0.contains_key("DeliveryStatusIAMRole")
    }

    /// How many percent of what succeeds is logged.
    pub(super) fn success_rate(&self) -> Option<u32> {
        self.0.get("DeliveryStatusSuccessSamplingRate").and_then(|rate| rate.parse().ok())
    }

    fn set(&mut self, name: &str, value: String, settings: &MobileSettings) -> Result<(), SnsError> {
        let right = match name {
            MONTHLY_SPEND_LIMIT if settings.sms_price.is_none() && value != LIMIT_BY_DEFAULT => {
                return Err(SnsError::invalid_parameter(
                    "MonthlySpendLimit Reason: this server does not know what a message costs: set --sms-price",
                ));
            }
            MONTHLY_SPEND_LIMIT => value.parse::<Usd>().is_ok(),
            "DefaultSenderID" => value.is_empty() || is_sender_id(&value),
            "DefaultSMSType" => is_sms_type(&value),
            "DeliveryStatusIAMRole" => value.is_empty() || value.starts_with("arn:"),
            "DeliveryStatusSuccessSamplingRate" => value.parse::<u8>().is_ok_and(|rate| rate <= 100),
            "UsageReportS3Bucket" => {
                return Err(SnsError::invalid_parameter(
                    "UsageReportS3Bucket Reason: this server writes no usage reports",
                ));
            }
            _ => return Err(refused(format!("{name} is not a valid attribute"))),
        };
        if !right {
            return Err(refused(format!("{name} is invalid")));
        }
        match value.is_empty() {
            true => self.0.remove(name),
            false => self.0.insert(name.to_owned(), value),
        };
        Ok(())
    }
}

impl Phones {
    /// What `owner` says about text messages.
    ///
    /// # Errors
    /// `InternalError` when it cannot be read.
    pub(crate) fn attributes(&self, owner: &Owner) -> Result<Attributes, SnsError> {
        Ok(self.record(KIND, &id_of(owner))?.unwrap_or_default())
    }

    /// Has `owner` say something else; attributes that are left out stay as they are.
    ///
    /// # Errors
    /// `InvalidParameter` with Amazon SNS's text, and then nothing was set.
    pub(crate) async fn set_attributes(
        &self,
        owner: &Owner,
        attributes: Vec<(String, String)>,
    ) -> Result<(), SnsError> {
        let set = |known: Option<&str>| {
            let mut known: Attributes = known.map(read).transpose()?.unwrap_or_default();
            for (name, value) in attributes {
                known.set(&name, value, &self.settings)?;
            }
            written(&known).map(Some)
        };
        self.documents.update(KIND, &id_of(owner), set).await
    }
}

/// Refuses what a message says about how it is to be sent if that cannot be.
///
/// # Errors
/// `InvalidParameter` that names the attribute.
pub(crate) fn check_message(attributes: &fanfare::Attributes, settings: &MobileSettings) -> Result<(), SnsError> {
    let own = |name: &str| {
        let number = PhoneNumber::parse_plain(name);
        number.is_some_and(|number| settings.origination_numbers.iter().any(|own| own.number() == number.as_str()))
    };
    let numbers_are_known = !settings.origination_numbers.is_empty();
    for (name, attribute) in attributes.iter() {
        let value = attribute.to_text();
        let (right, must) = match name {
            "AWS.SNS.SMS.SenderID" => {
                (is_sender_id(&value), "must be 1 to 11 letters and digits, with at least one letter")
            }
            "AWS.SNS.SMS.SMSType" => (is_sms_type(&value), "must be Promotional or Transactional"),
            "AWS.SNS.SMS.MaxPrice" => (value.parse::<Usd>().is_ok(), "must be an amount in US dollars"),
            "AWS.MM.SMS.OriginationNumber" if numbers_are_known => {
                (own(&value), "must be one of ListOriginationNumbers")
            }
            _ => continue,
        };
        if !right {
            return Err(SnsError::invalid_parameter(format_args!("MessageAttributes Reason: {name} {must}")));
        }
    }
    Ok(())
}

fn is_sender_id(text: &str) -> bool {
    (1..=SENDER_ID_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric())
        && text.bytes().any(|b| b.is_ascii_alphabetic())
}

fn is_sms_type(text: &str) -> bool {
    matches!(text, "Promotional" | "Transactional")
}

/// These texts of Amazon SNS have no prefix.
fn refused(text: String) -> SnsError {
    SnsError::new(SnsErrorCode::InvalidParameter, text)
}
