//! Whether a request is signed by who it says, here and now.

use std::time::SystemTime;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use fanfare::Owner;

use super::caller::Caller;
use super::canonical::{canonical_request, hex, sha256_hex};
use super::claim::{ALGORITHM, Claim, Form, TOKEN_HEADER};
use super::error::AuthError;
use super::keys::Keys;
use super::request::Request;
use super::stamp::{seconds, written};

/// The last part of every scope.
const TERMINATOR: &str = "aws4_request";

/// The service in every scope.
const SERVICE: &str = "sns";

/// How far the caller's clock may be from ours, either way: 15 minutes, in seconds.
const MAX_SKEW_S: i64 = 15 * 60;

/// Checks the signature of a request that arrived at `now`, in the header form or presigned.
///
/// - The scope must be `<date>/<region>/sns/aws4_request`, with the date of `X-Amz-Date`. Any region will do; which ones there are, and
///   whose topics are meant, is for the caller of this function to judge.
/// - `Host` must be signed, and so must the header `X-Amz-Security-Token` if it is there. A session token is not looked at otherwise:
///   the keys are long-lived ones.
/// - In the header form the time of signing must be within 15 minutes of `now`. A presigned request is good from 15 minutes before its
///   time of signing until `X-Amz-Expires` seconds after it, at most 7 days.
/// - Signatures are compared in constant time.
///
/// # Errors
/// `MissingAuthenticationToken` when the request is not signed, `IncompleteSignature` when a part of the signature is missing, doubled
/// or malformed, `RequestExpired` when its time is over or has not come, `InvalidClientTokenId` when there is no such key,
/// `SignatureDoesNotMatch` when the scope is wrong or the signature is that of another request or another secret.
pub fn verify(request: &Request<'_>, keys: &Keys, now: SystemTime) -> Result<Caller, AuthError> {
    let claim = Claim::read(request)?;
    check_scope(&claim)?;
    check_signed_headers(&claim, request)?;
    check_time(&claim, seconds(now))?;

    let credential = &claim.credential;
    let (secret, account) = keys.find(&credential.access_key).ok_or_else(AuthError::unknown_key)?;
    let owner = Owner::new(credential.region.as_str(), account)
        .map_err(|_| AuthError::scope("Credential should be scoped to a valid region."))?;

    let canonical = canonical_request(request, &claim).ok_or_else(AuthError::mismatch)?;
    let expected = signature(&claim, secret, &canonical);
    verify_slices_are_equal(expected.as_bytes(), claim.signature.as_bytes()).map_err(|_| AuthError::mismatch())?;
    Ok(Caller::new(Some(credential.access_key.clone()), owner, request.origin))
}

fn check_scope(claim: &Claim) -> Result<(), AuthError> {
    let (credential, stamp) = (&claim.credential, &claim.stamp);
    if credential.terminator != TERMINATOR {
        return Err(AuthError::scope(format!("Credential should be scoped with a valid terminator: '{TERMINATOR}'.")));
    }
    if credential.service != SERVICE {
        return Err(AuthError::scope(format!("Credential should be scoped to correct service: '{SERVICE}'.")));
    }
    if credential.date != stamp.date() {
        return Err(AuthError::scope(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}'.",
            stamp.as_str()
        )));
    }
    Ok(())
}

fn check_signed_headers(claim: &Claim, request: &Request<'_>) -> Result<(), AuthError> {
    if !claim.signs("host") {
        return Err(AuthError::incomplete("'Host' must be a 'SignedHeader' in the AWS Authorization."));
    }
    if request.headers.contains_key(TOKEN_HEADER) && !claim.signs(TOKEN_HEADER) {
        return Err(AuthError::incomplete("'X-Amz-Security-Token' must be a 'SignedHeader' in the AWS Authorization."));
    }
    Ok(())
}

fn check_time(claim: &Claim, now: i64) -> Result<(), AuthError> {
    let (stamp, signed) = (claim.stamp.as_str(), claim.stamp.second());
    let valid_for = match claim.form {
        Form::Header => MAX_SKEW_S,
        Form::Presigned { expires_s } => expires_s,
    };
    if now.saturating_sub(signed) > valid_for {
        return Err(AuthError::expired(format!(
            "Signature expired: {stamp} is now earlier than {} ({} - {valid_for} s).",
            written(now.saturating_sub(valid_for)),
            written(now)
        )));
    }
    if signed.saturating_sub(now) > MAX_SKEW_S {
        return Err(AuthError::expired(format!(
            "Signature not yet current: {stamp} is still later than {} ({} + {MAX_SKEW_S} s).",
            written(now.saturating_add(MAX_SKEW_S)),
            written(now)
        )));
    }
    Ok(())
}

/// The signature that the request should have.
fn signature(claim: &Claim, secret: &str, canonical: &[u8]) -> String {
    let credential = &claim.credential;
    let to_sign = format!("{ALGORITHM}\n{}\n{}\n{}", claim.stamp.as_str(), credential.scope(), sha256_hex(canonical));
    let first = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    let key = [&credential.date, &credential.region, &credential.service, &credential.terminator]
        .into_iter()
        .fold(first, |key, part| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref()));
    hex(hmac::sign(&key, to_sign.as_bytes()).as_ref())
}
