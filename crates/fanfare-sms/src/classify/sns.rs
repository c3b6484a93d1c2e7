//! What the errors of Amazon SNS's `Publish` mean for a phone number.

use aws_sdk_sns::config::http::HttpResponse;
use aws_sdk_sns::error::SdkError;
use aws_sdk_sns::operation::publish::{PublishError, PublishOutput};
use fanfare_aws::Verdict;
use fanfare_core::{DeliveryErrorKind as Kind, Outcome};

/// What the codes of Amazon SNS mean, beside those that all services have.
fn table(code: &str) -> Option<Verdict> {
    Some(match code {
        "InvalidParameter" | "InvalidParameterException" => {
            Verdict::reject(Kind::Rejected, "amazon sns does not take the number, the text or its attributes")
        }
        "ParameterValueInvalid" | "InvalidParameterValue" | "ValidationError" | "ValidationException" => {
            Verdict::reject(Kind::Unsupported, "amazon sns does not take such a message")
        }
        "OptedOut" | "OptedOutException" => Verdict::reject(Kind::Rejected, "phone number is opted out"),
        "UserError" | "UserErrorException" => Verdict::reject(Kind::Rejected, "amazon sns refuses the message"),
        "NotFound" | "NotFoundException" => Verdict::reject(Kind::NotFound, "amazon sns knows no such phone"),
        "Throttled" => Verdict::retry(Kind::Throttled, "the service asks for fewer requests"),
        // An operator mends what our account may do; with Amazon SNS as the front there can be no such thing.
        "AuthorizationError" | "AuthorizationErrorException" | "AccessDenied" | "AccessDeniedException" => {
            Verdict::retry(Kind::Misconfigured, "our account may not send text messages")
        }
        "KMSThrottling" | "KMSThrottlingException" => {
            Verdict::retry(Kind::Throttled, "the service asks for fewer requests")
        }
        code if code.starts_with("KMS") => Verdict::reject(Kind::Rejected, "the service's key cannot be used"),
        "EndpointDisabled" | "PlatformApplicationDisabled" => {
            Verdict::reject(Kind::Rejected, "amazon sns refuses the message")
        }
        _ => return None,
    })
}

/// The outcome of a call.
pub(crate) fn published(result: Result<PublishOutput, SdkError<PublishError, HttpResponse>>) -> Outcome {
    let output = result.map_err(|error| fanfare_aws::failure(error, table))?;
    Ok(super::accepted(output.message_id().unwrap_or_default()).with_status(200))
}

#[cfg(test)]
mod tests {
    use fanfare_aws::Refusal;
    use fanfare_core::Disposition;

    use super::*;

    #[test]
    fn each_code_has_its_outcome() {
        const RETRY: Disposition = Disposition::Retry { after: None };

        for (code, status, kind, disposition) in [
            ("InvalidParameter", 400, Kind::Rejected, Disposition::Reject),
            ("InvalidParameterValue", 400, Kind::Unsupported, Disposition::Reject),
            ("ParameterValueInvalid", 400, Kind::Unsupported, Disposition::Reject),
            ("ValidationError", 400, Kind::Unsupported, Disposition::Reject),
            ("OptedOut", 400, Kind::Rejected, Disposition::Reject),
            ("UserError", 400, Kind::Rejected, Disposition::Reject),
            ("NotFound", 404, Kind::NotFound, Disposition::Reject),
            ("EndpointDisabled", 400, Kind::Rejected, Disposition::Reject),
            ("PlatformApplicationDisabled", 400, Kind::Rejected, Disposition::Reject),
            ("KMSAccessDenied", 400, Kind::Rejected, Disposition::Reject),
            ("KMSDisabled", 400, Kind::Rejected, Disposition::Reject),
            ("KMSThrottling", 400, Kind::Throttled, RETRY),
            ("Throttled", 429, Kind::Throttled, RETRY),
            ("Throttling", 400, Kind::Throttled, RETRY),
            ("AuthorizationError", 403, Kind::Misconfigured, RETRY),
            ("AccessDenied", 403, Kind::Misconfigured, RETRY),
            ("InvalidClientTokenId", 403, Kind::Misconfigured, RETRY),
            ("InternalError", 500, Kind::Unavailable, RETRY),
            ("InternalFailure", 500, Kind::Unavailable, RETRY),
            ("SomethingNew", 400, Kind::Rejected, Disposition::Reject),
            ("SomethingNew", 503, Kind::Unavailable, RETRY),
        ] {
            let error = fanfare_aws::refusal(Refusal { code, status: Some(status), ..Refusal::default() }, table);
            assert_eq!((error.kind(), error.disposition()), (kind, disposition), "{code} {status}");
        }
    }

    #[test]
    fn a_message_that_was_taken_gives_a_receipt_with_its_id() {
        let receipt = published(Ok(PublishOutput::builder().message_id("b2d1").build())).unwrap();
        assert_eq!(receipt.response(), Some("Message has been accepted by phone carrier: b2d1"));
    }
}
