//! What a request says about its own signature, read but not yet believed.

use http::header::AUTHORIZATION;

use super::credential::Credential;
use super::error::AuthError;
use super::percent;
use super::request::Request;
use super::stamp::Stamp;

/// The one algorithm.
pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The parameter of a presigned request that carries the signature and is therefore not signed itself.
pub(super) const SIGNATURE_PARAMETER: &str = "X-Amz-Signature";

/// The header with a session token; a presigned request has a parameter of that name.
pub(super) const TOKEN_HEADER: &str = "x-amz-security-token";

/// The longest time that a presigned request may be valid for: 7 days, in seconds.
const MAX_EXPIRES_S: i64 = 7 * 24 * 3600;

/// What a request says about its own signature. Every part is there and well-formed; none is verified.
pub(super) struct Claim {
    pub(super) form: Form,
    pub(super) credential: Credential,
    pub(super) stamp: Stamp,
    /// The names of the headers that are signed: lower case, in order, each once.
    pub(super) signed_headers: Vec<String>,
    /// What ought to be 64 hexadecimal digits.
    pub(super) signature: String,
}

/// Where the signature stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// In the header `Authorization`.
    Header,
    /// In the query string; the request is valid for so many seconds from its time of signing, 1 to 604800.
    Presigned { expires_s: i64 },
}

impl Claim {
    /// Reads the claim of a request. The header goes before the query string, whose parameters then are like any others.
    ///
    /// # Errors
    /// `MissingAuthenticationToken` when there is none, `IncompleteSignature` when there is less than one, or more.
    pub(super) fn read(request: &Request<'_>) -> Result<Self, AuthError> {
        let mut values = request.headers.get_all(AUTHORIZATION).iter();
        match (values.next(), values.next()) {
            (None, _) => Self::in_query(request),
            (Some(value), None) => {
                let text =
                    value.to_str().map_err(|_| AuthError::incomplete("Authorization header is not plain text."))?;
                Self::in_header(text, request)
            }
            (Some(_), Some(_)) => Err(AuthError::incomplete("There is more than one Authorization header.")),
        }
    }

    fn in_header(authorization: &str, request: &Request<'_>) -> Result<Self, AuthError> {
        let parameters = header_parameters(authorization)
            .ok_or_else(|| AuthError::incomplete(format!("Authorization header requires algorithm '{ALGORITHM}'.")))?;
        let parameter = |name| {
            only(parameters.iter().filter(|(found, _)| *found == name).map(|(_, value)| *value)).ok_or_else(|| {
                AuthError::incomplete(format!("Authorization header requires '{name}' parameter, once and not empty."))
            })
        };
        let dates = request.headers.get_all("x-amz-date").iter();
        let date = only(dates.map(|value| value.to_str().unwrap_or_default())).ok_or_else(|| {
            AuthError::incomplete("Authorization header requires existence of one 'X-Amz-Date' header.")
        })?;
        Self::of(Form::Header, parameter("Credential")?, date, parameter("SignedHeaders")?, parameter("Signature")?)
    }

    fn in_query(request: &Request<'_>) -> Result<Self, AuthError> {
        let parameters: Vec<(String, String)> = query_parameters(request.query).collect();
        let presigned = ["X-Amz-Algorithm", "X-Amz-Credential", SIGNATURE_PARAMETER];
        if !parameters.iter().any(|(name, _)| presigned.contains(&name.as_str())) {
            return Err(AuthError::unsigned());
        }
        let parameter = |name| {
            only(parameters.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str())).ok_or_else(
                || AuthError::incomplete(format!("AWS query-string requires '{name}' parameter, once and not empty.")),
            )
        };
        if parameter("X-Amz-Algorithm")? != ALGORITHM {
            return Err(AuthError::incomplete(format!("AWS query-string requires algorithm '{ALGORITHM}'.")));
        }
        let expires_s = whole_number(parameter("X-Amz-Expires")?)
            .filter(|seconds| (1..=MAX_EXPIRES_S).contains(seconds))
            .ok_or_else(|| AuthError::incomplete("X-Amz-Expires must be a number of seconds, 1 to 604800 (a week)."))?;
        Self::of(
            Form::Presigned { expires_s },
            parameter("X-Amz-Credential")?,
            parameter("X-Amz-Date")?,
            parameter("X-Amz-SignedHeaders")?,
            parameter(SIGNATURE_PARAMETER)?,
        )
    }

    fn of(form: Form, credential: &str, date: &str, headers: &str, signature: &str) -> Result<Self, AuthError> {
        let credential = Credential::parse(credential).ok_or_else(|| {
            AuthError::incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
            )
        })?;
        let stamp = Stamp::parse(date)
            .ok_or_else(|| AuthError::incomplete("Date must be in ISO-8601 'basic format', e.g. 20260102T030405Z."))?;
        let mut signed_headers: Vec<String> = headers.split(';').map(str::to_ascii_lowercase).collect();
        signed_headers.sort_unstable();
        signed_headers.dedup();
        Ok(Self { form, credential, stamp, signed_headers, signature: signature.to_owned() })
    }

    /// Whether the header of that lower-case name is among the signed ones.
    pub(super) fn signs(&self, header: &str) -> bool {
        self.signed_headers.iter().any(|name| name == header)
    }
}

/// The credential that a request names, whether or not the rest of a signature is there.
pub(super) fn stated_credential(request: &Request<'_>) -> Option<Credential> {
    let text = match request.headers.get(AUTHORIZATION) {
        Some(value) => {
            let parameters = header_parameters(value.to_str().ok()?)?;
            parameters.iter().find(|(name, _)| *name == "Credential")?.1.to_owned()
        }
        None => query_parameters(request.query).find(|(name, _)| name == "X-Amz-Credential")?.1,
    };
    Credential::parse(&text)
}

/// The parameters of an `Authorization` header of our algorithm; `None` when it is of another.
fn header_parameters(authorization: &str) -> Option<Vec<(&str, &str)>> {
    let (scheme, parameters) = authorization.trim().split_once(' ')?;
    let pair = |part| str::split_once(part, '=').map(|(name, value)| (name.trim(), value.trim()));
    (scheme == ALGORITHM).then(|| parameters.split(',').filter_map(pair).collect())
}

/// The parameters of a query string, decoded. What is not UTF-8 cannot be part of a signature and is replaced.
fn query_parameters(query: &str) -> impl Iterator<Item = (String, String)> {
    let text = |part| String::from_utf8_lossy(&percent::decode(part)).into_owned();
    query.split('&').map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (text(name), text(value))
    })
}

/// The value, when there is exactly one and it is not empty.
fn only<'a>(mut values: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    values.next().filter(|value| !value.is_empty() && values.next().is_none())
}

/// Digits only, where `parse` would take a sign.
fn whole_number(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
