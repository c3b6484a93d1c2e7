//! From a refusal or an error to an outcome: the one place where it is decided what is tried again.
//!
//! Amazon SNS retries throttling and troubles of the service itself; a queue that does not exist or does not let us in, a key
//! that cannot be used, and a message that SQS does not take are final.

use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::operation::RequestId as _;
use aws_sdk_sqs::operation::send_message::{SendMessageError, SendMessageOutput};
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchError;
use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchResultEntry};
use fanfare_aws::{Refusal, Verdict};
use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind, Disposition, Outcome, Receipt};
use fanfare_wire::RenderError;

/// The status of every call that SQS takes, of which the SDK says nothing more.
const OK: u16 = 200;

/// What the codes of SQS mean. Servers that know the older protocol, too, answer with its codes, most of which are the newer
/// ones behind a prefix.
fn table(code: &str) -> Option<Verdict> {
    Some(match code.strip_prefix("AWS.SimpleQueueService.").unwrap_or(code) {
        "QueueDoesNotExist" | "NonExistentQueue" | "InvalidAddress" => {
            Verdict::reject(Kind::NotFound, "there is no such queue")
        }
        "InvalidMessageContents" => Verdict::reject(Kind::Unsupported, "the queue does not take these characters"),
        "BatchRequestTooLong" => Verdict::reject(Kind::Unsupported, "the queue takes no more bytes"),
        "InvalidParameterValue" | "InvalidParameterValueException" | "MissingParameter" | "InvalidAttributeValue" => {
            Verdict::reject(Kind::Unsupported, "the queue does not take such a message")
        }
        "KmsAccessDenied" | "KMS.AccessDeniedException" => {
            Verdict::reject(Kind::Unauthorized, "the queue's key may not be used")
        }
        "KmsDisabled"
        | "KMS.DisabledException"
        | "KmsInvalidKeyUsage"
        | "KMS.InvalidKeyUsageException"
        | "KmsInvalidState"
        | "KMS.KMSInvalidStateException"
        | "KMS.InvalidStateException"
        | "KmsNotFound"
        | "KMS.NotFoundException"
        | "KmsOptInRequired"
        | "KMS.OptInRequired" => Verdict::reject(Kind::Rejected, "the queue's key cannot be used"),
        "KmsThrottled" | "KMS.ThrottlingException" => {
            Verdict::retry(Kind::Throttled, "the service of the queue's key asks for fewer requests")
        }
        "OverLimit" => Verdict::retry(Kind::Throttled, "the queue is full"),
        "InvalidSecurity" => Verdict::retry(Kind::Misconfigured, "the queue wants https and a signature"),
        _ => return None,
    })
}

/// The outcome of a call that sent one message.
pub(crate) fn sent(result: Result<SendMessageOutput, SdkError<SendMessageError, HttpResponse>>) -> Outcome {
    match result {
        Ok(output) => Ok(receipt(output.request_id(), output.message_id())),
        Err(error) => Err(fanfare_aws::failure(error, table)),
    }
}

/// The outcome of a call that sent several and was refused or broke as a whole.
pub(crate) fn batch_failure(error: SdkError<SendMessageBatchError, HttpResponse>) -> DeliveryError {
    fanfare_aws::failure(error, table)
}

/// Whether one message may be what spoilt a whole batch: then each has to be sent alone to find out which.
pub(crate) fn is_about_a_message(error: &DeliveryError) -> bool {
    error.disposition() == Disposition::Reject && matches!(error.kind(), Kind::Rejected | Kind::Unsupported)
}

/// The same outcome for another message of the batch.
pub(crate) fn again(error: &DeliveryError) -> DeliveryError {
    let copy = DeliveryError::new(error.kind(), error.disposition(), error.to_string());
    let copy = match error.status() {
        Some(status) => copy.with_status(status),
        None => copy,
    };
    match error.response() {
        Some(response) => copy.with_response(response),
        None => copy,
    }
}

/// An entry of a batch that the queue took.
pub(crate) fn taken(request_id: Option<&str>, entry: &SendMessageBatchResultEntry) -> Outcome {
    Ok(receipt(request_id, Some(entry.message_id())))
}

/// An entry of a batch that the queue refused. Whose fault it is says nothing of whether it lasts where the code is known.
pub(crate) fn refused(entry: &BatchResultErrorEntry) -> Outcome {
    let status = if entry.sender_fault() { 400 } else { 500 };
    let refusal = Refusal {
        code: entry.code(),
        message: entry.message().unwrap_or_default(),
        status: Some(status),
        ..Refusal::default()
    };
    Err(fanfare_aws::refusal(refusal, table))
}

/// An entry of a batch of which the answer says nothing.
pub(crate) fn unmentioned() -> Outcome {
    Err(DeliveryError::retry(Kind::Protocol, "the answer to the batch does not mention the message"))
}

/// A body that could not be made, as when the signing key is out of order.
pub(crate) fn unrendered(error: RenderError) -> DeliveryError {
    DeliveryError::retry(Kind::Misconfigured, "the body could not be made").with_source(error)
}

/// What the delivery logs of Amazon SNS show of a delivery to a queue.
fn receipt(request_id: Option<&str>, message_id: Option<&str>) -> Receipt {
    let [request_id, message_id] = [request_id, message_id].map(|id| plain(id.unwrap_or_default()));
    Receipt::new()
        .with_status(OK)
        .with_response(format!("{{\"sqsRequestId\":\"{request_id}\",\"sqsMessageId\":\"{message_id}\"}}"))
}

/// An id as it may stand between quotes.
fn plain(id: &str) -> String {
    id.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Disposition = Disposition::Retry { after: None };

    fn of(code: &str, sender_fault: bool) -> (Kind, Disposition) {
        let entry = BatchResultErrorEntry::builder().id("0").code(code).sender_fault(sender_fault).build().unwrap();
        let error = refused(&entry).unwrap_err();
        (error.kind(), error.disposition())
    }

    #[test]
    fn each_code_has_its_outcome() {
        for (code, kind, disposition) in [
            ("QueueDoesNotExist", Kind::NotFound, Disposition::Reject),
            ("AWS.SimpleQueueService.NonExistentQueue", Kind::NotFound, Disposition::Reject),
            ("InvalidAddress", Kind::NotFound, Disposition::Reject),
            ("InvalidMessageContents", Kind::Unsupported, Disposition::Reject),
            ("AWS.SimpleQueueService.InvalidMessageContents", Kind::Unsupported, Disposition::Reject),
            ("BatchRequestTooLong", Kind::Unsupported, Disposition::Reject),
            ("AWS.SimpleQueueService.BatchRequestTooLong", Kind::Unsupported, Disposition::Reject),
            ("InvalidParameterValue", Kind::Unsupported, Disposition::Reject),
            ("MissingParameter", Kind::Unsupported, Disposition::Reject),
            ("KmsAccessDenied", Kind::Unauthorized, Disposition::Reject),
            ("KmsDisabled", Kind::Rejected, Disposition::Reject),
            ("KMS.NotFoundException", Kind::Rejected, Disposition::Reject),
            ("KmsThrottled", Kind::Throttled, RETRY),
            ("OverLimit", Kind::Throttled, RETRY),
            ("InvalidSecurity", Kind::Misconfigured, RETRY),
            ("AccessDenied", Kind::Unauthorized, Disposition::Reject),
            ("RequestThrottled", Kind::Throttled, RETRY),
            ("InternalError", Kind::Unavailable, RETRY),
            ("UnsupportedOperation", Kind::Rejected, Disposition::Reject),
        ] {
            assert_eq!(of(code, true), (kind, disposition), "{code}");
        }
    }

    #[test]
    fn an_unknown_code_is_retried_when_the_fault_is_the_queues() {
        assert_eq!(of("SomethingNew", false), (Kind::Unavailable, RETRY));
        assert_eq!(of("SomethingNew", true), (Kind::Rejected, Disposition::Reject));
    }

    #[test]
    fn a_message_may_spoil_its_batch_and_a_queue_spoils_all() {
        let blames_a_message = |code: &str| {
            is_about_a_message(&fanfare_aws::refusal(Refusal { code, status: Some(400), ..Refusal::default() }, table))
        };
        for code in ["InvalidMessageContents", "BatchRequestTooLong", "InvalidParameterValue", "SomethingNew"] {
            assert!(blames_a_message(code), "{code}");
        }
        for code in ["QueueDoesNotExist", "AccessDenied", "KmsAccessDenied", "RequestThrottled", "InternalError"] {
            assert!(!blames_a_message(code), "{code}");
        }
    }

    #[test]
    fn a_receipt_shows_the_ids_of_the_request_and_the_message() {
        let receipt = receipt(Some("9c3b-1"), Some("5fea\"7"));
        assert_eq!(receipt.response(), Some("{\"sqsRequestId\":\"9c3b-1\",\"sqsMessageId\":\"5fea7\"}"));
        assert_eq!(receipt.status(), Some(200));
    }
}
