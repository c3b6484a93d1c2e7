//! From an answer or an error to an outcome: the one place where it is decided what is tried again.
//!
//! Amazon SNS retries throttling and troubles of the service itself; a function that does not exist or does not let us in, a
//! key that cannot be used, and an event that is too large are final.

use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::operation::RequestId as _;
use aws_sdk_lambda::operation::invoke::{InvokeError, InvokeOutput};
use fanfare_aws::Verdict;
use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind, Outcome, Receipt};
use fanfare_wire::RenderError;

/// What the codes of Lambda mean. Many of them come with status 502 although trying again would not help.
fn table(code: &str) -> Option<Verdict> {
    Some(match code {
        "ResourceNotFoundException" => Verdict::reject(Kind::NotFound, "there is no such function"),
        "InvalidParameterValueException" | "InvalidRequestContentException" | "UnsupportedMediaTypeException" => {
            Verdict::reject(Kind::Unsupported, "the function does not take such an event")
        }
        "RequestTooLargeException" | "SerializedRequestEntityTooLargeException" => {
            Verdict::reject(Kind::Unsupported, "the event is larger than functions take")
        }
        "RecursiveInvocationException" => Verdict::reject(Kind::Rejected, "the function calls itself in a circle"),
        "KMSAccessDeniedException" => Verdict::reject(Kind::Unauthorized, "the function's key may not be used"),
        "KMSDisabledException" | "KMSInvalidStateException" | "KMSNotFoundException" => {
            Verdict::reject(Kind::Rejected, "the function's key cannot be used")
        }
        "EC2ThrottledException" => Verdict::retry(Kind::Throttled, "the service asks for fewer requests"),
        "ServiceException" => Verdict::retry(Kind::Unavailable, "the service has a problem of its own"),
        "ResourceConflictException" | "ResourceNotReadyException" => {
            Verdict::retry(Kind::Unavailable, "the function is being set up")
        }
        _ => return None,
    })
}

/// The outcome of an invocation.
///
/// Lambda answers 202 as soon as it has the event, and retries the function by itself. Local runtimes answer when the
/// function has: with 200, or with an error of the function, which is tried again in Lambda's place.
pub(crate) fn invoked(result: Result<InvokeOutput, SdkError<InvokeError, HttpResponse>>) -> Outcome {
    let output = result.map_err(|error| fanfare_aws::failure(error, table))?;
    let status = u16::try_from(output.status_code()).unwrap_or_default();
    match output.function_error() {
        Some(error) => {
            let refused = DeliveryError::retry(Kind::Unavailable, format!("the function failed: {}", one_line(error)));
            Err(match output.payload().map(|payload| String::from_utf8_lossy(payload.as_ref())) {
                Some(payload) if !payload.is_empty() => refused.with_response(payload),
                _ => refused,
            }
            .with_status(status))
        }
        None => Ok(receipt(status, output.request_id())),
    }
}

/// A body that could not be made, as when the signing key is out of order.
pub(crate) fn unrendered(error: RenderError) -> DeliveryError {
    DeliveryError::retry(Kind::Misconfigured, "the event could not be made").with_source(error)
}

/// What the delivery logs of Amazon SNS show of an invocation.
fn receipt(status: u16, request_id: Option<&str>) -> Receipt {
    let request_id: String =
        request_id.unwrap_or_default().chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\')).collect();
    Receipt::new().with_status(status).with_response(format!("{{\"lambdaRequestId\":\"{request_id}\"}}"))
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_lambda::primitives::Blob;
    use fanfare_aws::Refusal;
    use fanfare_core::Disposition;

    use super::*;

    const RETRY: Disposition = Disposition::Retry { after: None };

    #[test]
    fn each_code_has_its_outcome() {
        for (code, status, kind, disposition) in [
            ("ResourceNotFoundException", 404, Kind::NotFound, Disposition::Reject),
            ("InvalidParameterValueException", 400, Kind::Unsupported, Disposition::Reject),
            ("InvalidRequestContentException", 400, Kind::Unsupported, Disposition::Reject),
            ("UnsupportedMediaTypeException", 415, Kind::Unsupported, Disposition::Reject),
            ("RequestTooLargeException", 413, Kind::Unsupported, Disposition::Reject),
            ("RecursiveInvocationException", 400, Kind::Rejected, Disposition::Reject),
            ("AccessDeniedException", 403, Kind::Unauthorized, Disposition::Reject),
            ("KMSAccessDeniedException", 502, Kind::Unauthorized, Disposition::Reject),
            ("KMSDisabledException", 502, Kind::Rejected, Disposition::Reject),
            ("KMSInvalidStateException", 502, Kind::Rejected, Disposition::Reject),
            ("KMSNotFoundException", 502, Kind::Rejected, Disposition::Reject),
            ("TooManyRequestsException", 429, Kind::Throttled, RETRY),
            ("EC2ThrottledException", 502, Kind::Throttled, RETRY),
            ("ServiceException", 500, Kind::Unavailable, RETRY),
            ("ResourceConflictException", 409, Kind::Unavailable, RETRY),
            ("ResourceNotReadyException", 502, Kind::Unavailable, RETRY),
            ("ENILimitReachedException", 502, Kind::Unavailable, RETRY),
            ("UnrecognizedClientException", 403, Kind::Misconfigured, RETRY),
        ] {
            let error = fanfare_aws::refusal(Refusal { code, status: Some(status), ..Refusal::default() }, table);
            assert_eq!((error.kind(), error.disposition()), (kind, disposition), "{code}");
        }
    }

    #[test]
    fn an_invocation_that_was_taken_gives_a_receipt_with_its_status() {
        for status in [202, 200] {
            let receipt = invoked(Ok(InvokeOutput::builder().status_code(status).build())).unwrap();
            assert_eq!(receipt.status().map(i32::from), Some(status));
            assert_eq!(receipt.response(), Some("{\"lambdaRequestId\":\"\"}"));
        }
    }

    #[test]
    fn a_function_that_failed_while_we_waited_is_tried_again() {
        let payload = Blob::new(*b"{\"errorMessage\":\"no space left\"}");
        let output = InvokeOutput::builder().status_code(200).function_error("Unhandled").payload(payload).build();
        let error = invoked(Ok(output)).unwrap_err();
        assert_eq!((error.kind(), error.disposition()), (Kind::Unavailable, RETRY));
        assert_eq!(error.to_string(), "the function failed: Unhandled");
        assert_eq!(error.response(), Some("{\"errorMessage\":\"no space left\"}"));
    }
}
