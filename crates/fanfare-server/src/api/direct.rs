//! Publishing to one phone number or device, and subscribing one.

use fanfare::sms::CHARS_MAX;
use fanfare::{Message, Protocol};

use super::Api;
use super::call::Call;
use super::publish::Sent;
use super::refusal::Refusal;
use super::sms_sandbox::opted_out;
use crate::mobile::push::EndpointArn;
use crate::mobile::sms::{check_message, number_to_publish_to};
use crate::query::{Answer, Members};

impl Api {
    /// Publishes to the device that `TargetArn` names.
    pub(super) async fn publish_to_endpoint(&self, call: &Call<'_>, target: &str) -> Result<Answer, Refusal> {
        let arn = EndpointArn::parse("TargetArn", target)?;
        if arn.account() != call.caller.account() {
            return Err(call.not_authorized(&arn));
        }
        let is_of_region = arn.region() == call.caller.region();
        if !is_of_region || !self.mobile.passes_on(&arn).await {
            let directory = &self.mobile.bound().await.directory;
            let device = directory.device(&arn).ok().filter(|_| is_of_region).ok_or_else(|| {
                Refusal::invalid_parameter("TargetArn Reason: No endpoint found for the target arn specified")
            })?;
            if !device.enabled {
                return Err(Refusal::new("EndpointDisabled", 400, "Endpoint is disabled"));
            }
            if !directory.application(&arn.application())?.is_enabled() {
                return Err(Refusal::new("PlatformApplicationDisabled", 400, "PlatformApplication is disabled"));
            }
        }
        let sent = Sent::of(call.request);
        sent.check_types("messageAttributes")?;
        let message = sent.into_message_for_one()?;
        if message.text_for_address(&Protocol::Application, arn.as_str()).is_empty() {
            return Err(Refusal::invalid_parameter("Message Structure - No default entry in JSON message body"));
        }
        self.publish_directly(call, &Protocol::Application, arn.as_str(), message).await
    }

    /// Publishes to the phone that `PhoneNumber` names.
    pub(super) async fn publish_to_number(&self, call: &Call<'_>, number: &str) -> Result<Answer, Refusal> {
        let number = number_to_publish_to(number)?;
        let (owner, phones) = (call.caller.owner(), &self.mobile.bound().await.phones);
        let sent = Sent::of(call.request);
        sent.check_types("messageAttributes")?;
        let message = sent.into_message()?;
        let text = message.text_for_address(&Protocol::Sms, number.as_str());
        if String::from_utf8_lossy(text).chars().count() > CHARS_MAX {
            return Err(Refusal::invalid_parameter("Message too long"));
        }
        check_message(message.attributes(), self.mobile.settings())?;
        if phones.is_opted_out(owner, &number) {
            return Err(opted_out());
        }
        if !phones.may_write_to(owner, &number)? {
            return Err(Refusal::invalid_parameter(format_args!(
                "PhoneNumber Reason: the account is in the SMS sandbox, and {number} is not verified"
            )));
        }
        self.publish_directly(call, &Protocol::Sms, number.as_str(), message).await
    }

    async fn publish_directly(
        &self,
        call: &Call<'_>,
        protocol: &Protocol,
        address: &str,
        message: Message,
    ) -> Result<Answer, Refusal> {
        let parameter = if *protocol == Protocol::Sms { "PhoneNumber" } else { "TargetArn" };
        self.check_delivers(protocol, parameter)?;
        let published = self.fanfare.publish_to(call.caller.owner(), protocol, address, message).await?;
        Ok(Answer::with_result(call.operation, Members::new().text("MessageId", published.message_id())))
    }

    /// Refuses to subscribe a device that is not there, and phones and devices where nothing delivers to them.
    pub(super) async fn check_subscribed(&self, protocol: &Protocol, address: &str) -> Result<(), Refusal> {
        if *protocol == Protocol::Application {
            let arn = EndpointArn::parse("Endpoint", address)?;
            let is_known = self.mobile.bound().await.directory.device(&arn).is_ok();
            if !is_known && !self.mobile.passes_on(&arn).await {
                return Err(Refusal::invalid_parameter(format_args!(
                    "Endpoint Reason: Endpoint does not exist for endpoint arn{arn}"
                )));
            }
        }
        match protocol {
            Protocol::Application | Protocol::Sms => self.check_delivers(protocol, "Protocol"),
            _ => Ok(()),
        }
    }

    /// Refuses what this server cannot deliver, and says which setting is missing.
    pub(super) fn check_delivers(&self, protocol: &Protocol, parameter: &str) -> Result<(), Refusal> {
        if self.fanfare.protocols().contains(protocol) {
            return Ok(());
        }
        let way = if *protocol == Protocol::Sms { " start it with --sms URL, or" } else { "" };
        Err(Refusal::invalid_parameter(format_args!(
            "{parameter} Reason: this server has nothing that delivers over {protocol}:{way} for tests, start it with \
             --outbox {protocol}"
        )))
    }
}
