//! What Amazon SNS answers.

use aws_sdk_sns::config::http::HttpResponse;
use aws_sdk_sns::error::SdkError;
use aws_sdk_sns::operation::RequestId as _;
use aws_sdk_sns::operation::publish::{PublishError, PublishOutput};
use fanfare_aws::Verdict;
use fanfare_core::{DeliveryErrorKind as Kind, Outcome, Receipt};

/// The status of every call that SNS takes, of which the SDK says nothing more.
const OK: u16 = 200;

/// What the codes of SNS mean.
fn table(code: &str) -> Option<Verdict> {
    Some(match code {
        "EndpointDisabled" | "EndpointDisabledException" => {
            Verdict::disable(Kind::NotFound, "the endpoint is disabled")
        }
        "PlatformApplicationDisabled" | "PlatformApplicationDisabledException" => {
            Verdict::reject(Kind::Rejected, "the platform application is disabled")
        }
        "NotFound" | "NotFoundException" => Verdict::reject(Kind::NotFound, "there is no such endpoint"),
        "InvalidParameter"
        | "InvalidParameterException"
        | "InvalidParameterValue"
        | "ParameterValueInvalid"
        | "ValidationError"
        | "ValidationException" => Verdict::reject(Kind::Unsupported, "amazon sns does not take such a message"),
        "Throttled" | "ThrottledException" => Verdict::retry(Kind::Throttled, "amazon sns asks for fewer messages"),
        "InvalidSecurity" | "InvalidSecurityException" => {
            Verdict::retry(Kind::Misconfigured, "amazon sns wants https and a signature")
        }
        _ => return None,
    })
}

/// The outcome of a call that published one message.
pub(crate) fn published(result: Result<PublishOutput, SdkError<PublishError, HttpResponse>>) -> Outcome {
    match result {
        Ok(output) => {
            let [request_id, message_id] =
                [output.request_id(), output.message_id()].map(|id| plain(id.unwrap_or_default()));
            let ids = format!("{{\"snsRequestId\":\"{request_id}\",\"snsMessageId\":\"{message_id}\"}}");
            Ok(Receipt::new().with_status(OK).with_response(ids))
        }
        Err(error) => Err(fanfare_aws::failure(error, table)),
    }
}

/// An id as it may stand between quotes.
fn plain(id: &str) -> String {
    id.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanfare_aws::Refusal;
    use fanfare_core::Disposition;

    #[test]
    fn each_code_has_its_outcome() {
        const RETRY: Disposition = Disposition::Retry { after: None };
        for (code, status, kind, disposition) in [
            ("EndpointDisabled", 400, Kind::NotFound, Disposition::Disable),
            ("PlatformApplicationDisabled", 400, Kind::Rejected, Disposition::Reject),
            ("NotFound", 404, Kind::NotFound, Disposition::Reject),
            ("InvalidParameter", 400, Kind::Unsupported, Disposition::Reject),
            ("ParameterValueInvalid", 400, Kind::Unsupported, Disposition::Reject),
            ("ValidationError", 400, Kind::Unsupported, Disposition::Reject),
            ("AuthorizationError", 403, Kind::Unauthorized, Disposition::Reject),
            ("InvalidClientTokenId", 403, Kind::Misconfigured, RETRY),
            ("InvalidSecurity", 403, Kind::Misconfigured, RETRY),
            ("Throttled", 429, Kind::Throttled, RETRY),
            ("Throttling", 400, Kind::Throttled, RETRY),
            ("InternalError", 500, Kind::Unavailable, RETRY),
            ("InternalFailure", 500, Kind::Unavailable, RETRY),
            ("SomethingNew", 400, Kind::Rejected, Disposition::Reject),
            ("SomethingNew", 503, Kind::Unavailable, RETRY),
        ] {
            let refusal = Refusal { code, status: Some(status), ..Refusal::default() };
            let error = fanfare_aws::refusal(refusal, table);
            assert_eq!((error.kind(), error.disposition()), (kind, disposition), "{code}");
        }
    }
}
