//! What the settings say of text messages.

use fanfare::sms::SmsConfig;

use super::layers::Layers;
use super::problem::Problem;
use super::settings::Settings;

/// How text messages are sent, if they are.
pub(super) fn sms(settings: &Settings, layers: &Layers) -> Result<Option<SmsConfig>, Problem> {
    let Some(url) = &settings.sms else {
        return unused(settings, layers).map_or(Ok(None), Err);
    };
    // Its words show nothing of the URL.
    let mut sms: SmsConfig = url.expose().parse().map_err(|error| at(layers, "sms", &format!("{error}")))?;
    if settings.sms_receipts && !sms.tells_receipts() {
        return Err(at(layers, "sms-receipts", "amazon sns tells no receipts: it has delivery status logs of its own"));
    }
    if let Some(sender) = &settings.sms_sender {
        sms = sms.sender(sender).map_err(|error| at(layers, "sms-sender", &format!("{sender:?}: {error}")))?;
    }
    if let Some(file) = &settings.sms_ca {
        let pem = std::fs::read_to_string(file)
            .map_err(|error| at(layers, "sms-ca", &format!("{}: {error}", file.display())))?;
        sms = sms.ca_certificates(pem).map_err(|error| at(layers, "sms-ca", &error.to_string()))?;
    }
    Ok(Some(sms))
}

/// A setting that says something of text messages where none are sent.
fn unused(settings: &Settings, layers: &Layers) -> Option<Problem> {
    let given = [
        ("sms-sender", settings.sms_sender.is_some()),
        ("sms-receipts", settings.sms_receipts),
        ("sms-ca", settings.sms_ca.is_some()),
    ];
    let (name, _) = given.into_iter().find(|(_, is_given)| *is_given)?;
    Some(at(layers, name, "it has no use without --sms"))
}

fn at(layers: &Layers, name: &str, text: &str) -> Problem {
    Problem::at(layers.origin(name), text)
}
