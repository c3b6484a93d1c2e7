//! From a call that failed to the outcome of a delivery: what is the same for every service of AWS.

use std::error::Error;
use std::io;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind, Disposition};

/// What a service answered instead of taking a notification.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refusal<'a> {
    /// The service's code without its name space, such as `QueueDoesNotExist`.
    pub code: &'a str,
    /// The service's explanation.
    pub message: &'a str,
    /// HTTP's status; nothing for one entry of a batch that was answered as a whole.
    pub status: Option<u16>,
    /// How long the service asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// What a code means: a row of an adapter's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    kind: Kind,
    fate: Fate,
    context: &'static str,
}

/// What becomes of the notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Retried,
    Rejected,
    Disabling,
}

impl Verdict {
    /// It passes: try again. `context` is a lower-case phrase.
    pub const fn retry(kind: Kind, context: &'static str) -> Self {
        Self { kind, fate: Fate::Retried, context }
    }

    /// It lasts: this notification will never be taken.
    pub const fn reject(kind: Kind, context: &'static str) -> Self {
        Self { kind, fate: Fate::Rejected, context }
    }

    /// It lasts, and for everything that goes there: whoever owns the endpoint may turn it off.
    pub const fn disable(kind: Kind, context: &'static str) -> Self {
        Self { kind, fate: Fate::Disabling, context }
    }
}

/// The outcome of a call that failed. `table` knows the codes of the service, and comes before what holds for all.
pub fn failure<E>(error: SdkError<E, HttpResponse>, table: impl Fn(&str) -> Option<Verdict>) -> DeliveryError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match error {
        SdkError::ServiceError(service) => {
            let (meta, raw) = (service.err().meta(), service.raw());
            refusal(
                Refusal {
                    code: meta.code().unwrap_or_default(),
                    message: meta.message().unwrap_or_default(),
                    status: Some(raw.status().as_u16()),
                    retry_after: retry_after(raw),
                },
                table,
            )
        }
        SdkError::ResponseError(response) => {
            let status = response.raw().status().as_u16();
            DeliveryError::retry(Kind::Protocol, format!("the answer cannot be read: status {status}"))
                .with_status(status)
        }
        SdkError::TimeoutError(_) => DeliveryError::retry(Kind::Timeout, "there was no answer within the time limit"),
        SdkError::DispatchFailure(dispatch) => match dispatch.as_connector_error() {
            Some(connector) => {
                let (kind, context) = unsent(connector);
                let error = DeliveryError::retry(kind, context);
                match SdkError::<E, HttpResponse>::DispatchFailure(dispatch).into_source() {
                    Ok(source) => error.with_source(source),
                    Err(_) => error,
                }
            }
            None => DeliveryError::retry(Kind::Unreachable, "there is no connection"),
        },
        other => {
            let error = DeliveryError::retry(Kind::Misconfigured, "the request cannot be made");
            match other.into_source() {
                Ok(source) => error.with_source(source),
                Err(_) => error,
            }
        }
    }
}

/// The outcome of a refusal, of a whole call or of one entry in it.
pub fn refusal(refusal: Refusal<'_>, table: impl Fn(&str) -> Option<Verdict>) -> DeliveryError {
    let Refusal { code, message, status, retry_after } = refusal;
    let Verdict { kind, fate, context } =
        table(code).or_else(|| by_code(code)).unwrap_or_else(|| by_status(status.unwrap_or(400)));
    let disposition = match fate {
        Fate::Retried => Disposition::Retry { after: retry_after },
        Fate::Rejected => Disposition::Reject,
        Fate::Disabling => Disposition::Disable,
    };
    let mut text = context.to_owned();
    if !code.is_empty() {
        text.push_str(": ");
        text.push_str(code);
    }
    let mut error = DeliveryError::new(kind, disposition, text);
    if let Some(status) = status {
        error = error.with_status(status);
    }
    if message.is_empty() { error } else { error.with_response(message) }
}

/// The codes that all services have.
fn by_code(code: &str) -> Option<Verdict> {
    Some(match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "LimitExceededException"
        | "BandwidthLimitExceeded"
        | "SlowDown" => THROTTLED,
        "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "InternalFailure"
        | "InternalError"
        | "InternalServerError"
        | "InternalServiceError"
        | "InternalServerException" => UNAVAILABLE,
        "RequestTimeout" | "RequestTimeoutException" => {
            Verdict::retry(Kind::Timeout, "the service gave up waiting for the request")
        }
        "AccessDenied" | "AccessDeniedException" | "AuthorizationError" | "NotAuthorized" | "OptInRequired" => {
            Verdict::reject(Kind::Unauthorized, "access is denied")
        }
        "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => {
            Verdict::retry(Kind::Misconfigured, "our credentials are not acceptable as they are")
        }
        _ => return None,
    })
}

const THROTTLED: Verdict = Verdict::retry(Kind::Throttled, "the service asks for fewer requests");
const UNAVAILABLE: Verdict = Verdict::retry(Kind::Unavailable, "the service has a problem of its own");

/// What holds for codes that nobody knows.
fn by_status(status: u16) -> Verdict {
    match status {
        429 => THROTTLED,
        500..=599 => UNAVAILABLE,
        408 => Verdict::retry(Kind::Timeout, "the service gave up waiting for the request"),
        401 | 403 => Verdict::reject(Kind::Unauthorized, "access is denied"),
        404 => Verdict::reject(Kind::NotFound, "there is nothing of that name"),
        _ => Verdict::reject(Kind::Rejected, "the service refused the notification"),
    }
}

/// `Retry-After` in whole seconds, the only form of it that AWS sends.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    response.headers().get("retry-after")?.parse().ok().map(Duration::from_secs)
}

/// Why a request got no answer.
fn unsent(error: &ConnectorError) -> (Kind, &'static str) {
    let links = || std::iter::successors(error.source(), |&link| inner(link));
    if links().any(|link| link.is::<CredentialsError>()) {
        return (Kind::Misconfigured, "there are no credentials to sign with");
    }
    if error.is_timeout() {
        return (Kind::Timeout, "there was no answer within the time limit");
    }
    if error.is_user() {
        return (Kind::Misconfigured, "the request cannot be made");
    }
    match links().filter_map(|link| link.downcast_ref::<io::Error>()).map(io::Error::kind).last() {
        Some(io::ErrorKind::InvalidData) => (Kind::Tls, "the tls handshake did not succeed"),
        Some(
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof,
        ) => (Kind::Interrupted, "the connection broke"),
        None if error.is_other() => (Kind::Interrupted, "the connection ended before the answer was complete"),
        _ => (Kind::Unreachable, "there is no connection"),
    }
}

/// What an error wraps: an I/O error's own `source` passes over what is inside it.
fn inner<'a>(link: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match link.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => link.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(code: &str, status: u16) -> (Kind, Disposition) {
        let error = refusal(Refusal { code, status: Some(status), ..Refusal::default() }, |_| None);
        (error.kind(), error.disposition())
    }

    const RETRY: Disposition = Disposition::Retry { after: None };

    #[test]
    fn a_code_says_more_than_the_status() {
        for (code, status, kind, disposition) in [
            ("ThrottlingException", 400, Kind::Throttled, RETRY),
            ("RequestThrottled", 403, Kind::Throttled, RETRY),
            ("TooManyRequestsException", 429, Kind::Throttled, RETRY),
            ("InternalFailure", 400, Kind::Unavailable, RETRY),
            ("RequestTimeout", 400, Kind::Timeout, RETRY),
            ("AccessDenied", 403, Kind::Unauthorized, Disposition::Reject),
            ("AccessDeniedException", 400, Kind::Unauthorized, Disposition::Reject),
            ("ExpiredToken", 403, Kind::Misconfigured, RETRY),
            ("InvalidClientTokenId", 403, Kind::Misconfigured, RETRY),
            ("SignatureDoesNotMatch", 403, Kind::Misconfigured, RETRY),
            ("UnrecognizedClientException", 400, Kind::Misconfigured, RETRY),
        ] {
            assert_eq!(outcome(code, status), (kind, disposition), "{code} {status}");
        }
    }

    #[test]
    fn without_a_known_code_the_status_decides() {
        for (status, kind, disposition) in [
            (400, Kind::Rejected, Disposition::Reject),
            (401, Kind::Unauthorized, Disposition::Reject),
            (403, Kind::Unauthorized, Disposition::Reject),
            (404, Kind::NotFound, Disposition::Reject),
            (408, Kind::Timeout, RETRY),
            (413, Kind::Rejected, Disposition::Reject),
            (429, Kind::Throttled, RETRY),
            (500, Kind::Unavailable, RETRY),
            (503, Kind::Unavailable, RETRY),
        ] {
            assert_eq!(outcome("SomethingNew", status), (kind, disposition), "{status}");
        }
    }

    #[test]
    fn the_table_of_a_service_comes_first() {
        let own = |code: &str| {
            (code == "AccessDenied").then_some(Verdict::retry(Kind::Unavailable, "the door is being repaired"))
        };
        let error = refusal(
            Refusal {
                code: "AccessDenied",
                message: "come back",
                status: None,
                retry_after: Some(Duration::from_secs(7)),
            },
            own,
        );
        assert_eq!(error.to_string(), "the door is being repaired: AccessDenied");
        assert_eq!(error.response(), Some("come back"));
        assert_eq!(error.disposition(), Disposition::Retry { after: Some(Duration::from_secs(7)) });
    }
}
