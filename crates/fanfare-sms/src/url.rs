//! A way to phones, written as a URL.

use std::num::NonZeroUsize;
use std::str::FromStr;

use fanfare_aws::{Aws, AwsConfig};
use fanfare_egress::Target;
use url::Url;

use crate::config::{ConfigError, SmsConfig, SnsConfig};
use crate::gateway::kannel::KannelConfig;
use crate::gateway::twilio::TwilioConfig;
use crate::smpp::{LongMessages, SmppConfig};

/// The schemes, as they are to be told.
const SCHEMES: &str =
    "the way to phones must begin with smpp://, smpps://, kannel+http://, kannel+https://, twilio:// or sns://";

impl FromStr for SmsConfig {
    type Err = ConfigError;

    /// Reads one of these, in which user and password are percent-encoded where they have other characters than letters and
    /// digits:
    ///
    /// - `smpp://SYSTEM_ID:PASSWORD@HOST:PORT`, `smpps://` with TLS; `?window=`, `?system_type=`, `?service_type=` and
    ///   `?long_messages=` (`header8`, `header16`, `parameters`) may follow
    /// - `kannel+http://USER:PASSWORD@HOST:PORT/cgi-bin/sendsms`, `kannel+https://`; `?smsc=` may follow
    /// - `twilio://ACCOUNT:TOKEN@api.twilio.com`; `?messaging_service=` may follow. `twilio+http://` for gateways that speak as
    ///   Twilio does, in the clear
    /// - `sns://REGION`, with the credentials that the environment and the profile have; `sns://` takes each message's region
    ///
    /// The words of an error show nothing of the text.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let (scheme, rest) = text.split_once("://").ok_or(ConfigError::new(SCHEMES))?;
        match scheme {
            "sns" => sns(rest),
            "smpp" | "smpps" => smpp(&Parts::read(text, scheme)?),
            "kannel+http" => kannel(&Parts::read(&format!("http://{rest}"), "http")?),
            "kannel+https" => kannel(&Parts::read(&format!("https://{rest}"), "https")?),
            "twilio" => twilio(&Parts::read(&format!("https://{rest}"), "https")?),
            "twilio+http" => twilio(&Parts::read(&format!("http://{rest}"), "http")?),
            _ => Err(ConfigError::new(SCHEMES)),
        }
    }
}

/// A URL taken apart.
struct Parts {
    /// Without user, password and query.
    url: Url,
    user: String,
    password: String,
    query: Vec<(String, String)>,
}

impl Parts {
    fn read(text: &str, scheme: &str) -> Result<Self, ConfigError> {
        let target = Target::parse(text, &[scheme])
            .map_err(|error| ConfigError::because("the way to phones is not a url", error))?;
        let mut url = target.into_url();
        let query = url.query_pairs().into_owned().collect();
        // A pair of a form is decoded as user information is, but for a plus sign.
        let plain = |text: &str| {
            let pair = text.replace('+', "%2B");
            url::form_urlencoded::parse(pair.as_bytes()).next().map_or_else(String::new, |(name, _)| name.into_owned())
        };
        let (user, password) = (plain(url.username()), plain(url.password().unwrap_or_default()));
        if user.is_empty() || password.is_empty() {
            return Err(ConfigError::new("the way to phones must name a user and a password"));
        }
        url.set_query(None);
        let cleared = url.set_username("").and_then(|()| url.set_password(None));
        cleared.map_err(|()| ConfigError::new("the way to phones must name a host"))?;
        Ok(Self { url, user, password, query })
    }

    /// The URL without a slash where there is nothing behind it.
    fn bare(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }
}

fn unknown_parameter() -> ConfigError {
    ConfigError::new("the way to phones has a parameter that is not known, or whose value is not right")
}

fn sns(region: &str) -> Result<SmsConfig, ConfigError> {
    let sns = SnsConfig::new(Aws::new(AwsConfig::new()));
    match region.trim_end_matches('/') {
        "" => Ok(SmsConfig::sns(sns)),
        region if region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') => {
            Ok(SmsConfig::sns(sns.region(region)))
        }
        _ => Err(ConfigError::new("what follows sns:// must be a region, such as us-east-1")),
    }
}

fn smpp(parts: &Parts) -> Result<SmsConfig, ConfigError> {
    let mut smpp = SmppConfig::new(parts.bare(), &parts.user, &parts.password)?;
    for (name, value) in &parts.query {
        smpp = match (name.as_str(), value.as_str()) {
            ("window", value) => smpp.window(value.parse::<NonZeroUsize>().map_err(|_| unknown_parameter())?)?,
            ("system_type", value) => smpp.system_type(value)?,
            ("service_type", value) => smpp.service_type(value)?,
            ("long_messages", "header8") => smpp.long_messages(LongMessages::Header8),
            ("long_messages", "header16") => smpp.long_messages(LongMessages::Header16),
            ("long_messages", "parameters") => smpp.long_messages(LongMessages::Parameters),
            _ => return Err(unknown_parameter()),
        };
    }
    Ok(SmsConfig::smpp(smpp))
}

fn kannel(parts: &Parts) -> Result<SmsConfig, ConfigError> {
    let mut kannel = KannelConfig::new(parts.url.as_str(), &parts.user, &parts.password)?;
    for (name, value) in &parts.query {
        kannel = match name.as_str() {
            "smsc" => kannel.smsc(value),
            _ => return Err(unknown_parameter()),
        };
    }
    Ok(SmsConfig::kannel(kannel))
}

fn twilio(parts: &Parts) -> Result<SmsConfig, ConfigError> {
    let mut twilio = TwilioConfig::new(&parts.user, &parts.password)?.base_url(parts.bare())?;
    for (name, value) in &parts.query {
        twilio = match name.as_str() {
            "messaging_service" => twilio.messaging_service(value),
            _ => return Err(unknown_parameter()),
        };
    }
    Ok(SmsConfig::twilio(twilio))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_has_its_url() {
        for (text, shown) in [
            ("smpp://zoe-u:s3cret@smsc.example.com", "SmppConfig { host: \"smsc.example.com\", port: 2775, tls: false"),
            ("smpps://zoe-u:s3cret@10.0.0.1:99", "SmppConfig { host: \"10.0.0.1\", port: 99, tls: true"),
            ("smpp://zoe-u:s3cret@smsc?window=3&long_messages=header16", "long_messages: Header16, window: 3"),
            ("smpp://zoe-u:s3cret@smsc?system_type=SMS&service_type=CMT&long_messages=parameters", "Parameters"),
            (
                "kannel+http://zoe-u:s3cret@gw:13013/cgi-bin/sendsms?smsc=x",
                "url: \"http://gw:13013/cgi-bin/sendsms\", smsc: Some(\"x\")",
            ),
            ("kannel+https://zoe-u:s3%2Bc%20ret@gw/sendsms", "url: \"https://gw/sendsms\""),
            ("twilio://AC1:s3cret@api.twilio.com", "base_url: \"https://api.twilio.com/\""),
            (
                "twilio+http://AC1:s3cret@gw:8080/x?messaging_service=MG1",
                "base_url: \"http://gw:8080/x\", messaging_service: Some(\"MG1\")",
            ),
            ("sns://eu-west-1", "region: Some(\"eu-west-1\")"),
            ("sns://", "region: None"),
        ] {
            let config = format!("{:?}", text.parse::<SmsConfig>().unwrap());
            assert!(config.contains(shown), "{text}: {config}");
            assert!(!config.contains("s3cret") && !config.contains("zoe-u"), "{config}");
        }
    }

    #[test]
    fn what_is_no_way_is_refused_without_a_word_of_it() {
        for text in [
            "",
            "smsc.example.com",
            "http://zoe-u:s3cret@gw/sendsms",
            "smpp://smsc",
            "smpp://zoe-u@smsc",
            "smpp://zoe-u:s3cret-that-is-too-long@smsc",
            "smpp://zoe-u:s3cret@smsc?window=0",
            "smpp://zoe-u:s3cret@smsc?long_messages=short",
            "smpp://zoe-u:s3cret@smsc?colour=red",
            "kannel+http://zoe-u:s3cret@gw/sendsms?colour=red",
            "kannel://zoe-u:s3cret@gw/sendsms",
            "twilio://zoe-u-s3cret:s3cret@api.twilio.com",
            "sns://us east",
            "sns://zoe-u:s3cret@us-east-1",
        ] {
            let words = text.parse::<SmsConfig>().unwrap_err().to_string();
            assert!(!words.contains("s3cret") && !words.contains("zoe-u"), "{words}");
        }
    }
}
