//! Signed requests of a client of AWS, as they are and changed in one place each: one named test for each.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fanfare_server::auth::AuthErrorCode::{self, InvalidClientTokenId, RequestExpired, SignatureDoesNotMatch};
use fanfare_server::auth::{Keys, Mode, Request};
use fanfare_testkit::vectors::cases;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

/// The account that the vectors' key is said to belong to.
const ACCOUNT: &str = "123456789012";

/// 2026-01-02T03:04:05Z, the clock of the vectors.
const SIGNED_S: u64 = 1_767_323_045;

fn main() {
    let vectors = cases("sigv4-sns", "cases");
    assert_eq!(vectors.len(), 6, "all vectors are there");

    let mut trials = Vec::new();
    for (position, vector) in vectors.iter().enumerate() {
        let name = format!("case {position} ({}{})", text(&vector["style"]), token_name(vector));
        let signed = Signed::of(vector);
        let (accepted, secret) = (signed.clone(), text(&vector["secret_key"]).to_owned());
        let region = text(&vector["region"]).to_owned();
        trials.push(Trial::test(format!("{name} is accepted"), {
            let secret = secret.clone();
            move || accepted.is_accepted(&keys(&secret), &region)
        }));
        for (what, changed, code) in signed.changed() {
            let secret = secret.clone();
            trials.push(Trial::test(format!("{name} is refused with {what}"), move || {
                changed.is_refused(&keys(&secret), SIGNED_S, code)
            }));
        }
        for (what, keys, now, code) in [
            ("16 minutes later", keys(&secret), SIGNED_S + 16 * 60, RequestExpired),
            ("16 minutes early", keys(&secret), SIGNED_S - 16 * 60, RequestExpired),
            ("another secret", keys("another"), SIGNED_S, SignatureDoesNotMatch),
            ("an unknown key", Keys::new().with_test_keys(), SIGNED_S, InvalidClientTokenId),
        ] {
            let signed = signed.clone();
            trials.push(Trial::test(format!("{name} is refused with {what}"), move || {
                signed.is_refused(&keys, now, code)
            }));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn keys(secret: &str) -> Keys {
    Keys::new().with_key("AKIDEXAMPLE", secret, ACCOUNT).expect("the vectors' key is a key")
}

/// A request as it would be sent.
#[derive(Clone)]
struct Signed {
    presigned: bool,
    method: String,
    host: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Signed {
    fn of(vector: &Value) -> Self {
        let url = url::Url::parse(text(&vector["url"])).expect("the vectors have URLs");
        let headers = vector["headers"].as_object().into_iter().flatten();
        Self {
            presigned: text(&vector["style"]) == "query",
            method: text(&vector["method"]).to_owned(),
            host: url.host_str().expect("the vectors' URLs have hosts").to_owned(),
            path: url.path().to_owned(),
            query: url.query().unwrap_or_default().to_owned(),
            headers: headers.map(|(name, value)| (name.clone(), text(value).to_owned())).collect(),
            body: vector["body"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// The request with each of its parts changed, and the answer to that.
    fn changed(&self) -> Vec<(&'static str, Self, AuthErrorCode)> {
        let mut all = Vec::new();
        let mut add = |what, code, change: &dyn Fn(&mut Self)| {
            let mut changed = self.clone();
            change(&mut changed);
            all.push((what, changed, code));
        };
        let mismatch = SignatureDoesNotMatch;
        add("another body", mismatch, &|it| it.body.push_str("&Name=Other"));
        add("another method", mismatch, &|it| it.method = "PUT".to_owned());
        add("another host", mismatch, &|it| it.host = "sns.example.com".to_owned());
        add("another path", mismatch, &|it| it.path = "/other".to_owned());
        add("one parameter more", mismatch, &|it| it.query.push_str("&Name=Other"));
        add("another time", mismatch, &|it| it.replace("20260102T030405Z", "20260102T030406Z"));
        add("another day in the scope", mismatch, &|it| it.replace("/20260102/", "/20260103/"));
        add("another day all over", RequestExpired, &|it| it.replace("20260102", "20260101"));
        add("another region", mismatch, &|it| it.replace("/us-east-1/", "/eu-west-1/"));
        add("another service", mismatch, &|it| it.replace("/sns/", "/sqs/"));
        add("another terminator", mismatch, &|it| it.replace("/aws4_request", "/aws5_request"));
        add("another signature", mismatch, &Self::change_signature);
        add("half a signature", mismatch, &Self::halve_signature);
        if self.presigned {
            add("another action", mismatch, &|it| it.replace("ListTopics", "ListSubscriptions"));
            add("more time", mismatch, &|it| it.replace("X-Amz-Expires=900", "X-Amz-Expires=901"));
        } else {
            add("another content type", mismatch, &|it| it.replace("charset=utf-8", "charset=latin1"));
            add("a header doubled", mismatch, &|it| it.headers.push(("Content-Type".into(), "text/plain".into())));
            add("a header left out", mismatch, &|it| it.headers.retain(|(name, _)| name != "Content-Type"));
        }
        if self.headers.iter().any(|(name, _)| name == "X-Amz-Security-Token") || self.query.contains("Security-Token")
        {
            add("another session token", mismatch, &|it| it.replace("TOKEN", "T0KEN"));
        }
        all
    }

    /// Replaces a text wherever the signature's parts may stand; in a query string slashes are escaped.
    fn replace(&mut self, from: &str, to: &str) {
        let before = (self.headers.clone(), self.query.clone());
        for (_, value) in &mut self.headers {
            *value = value.replace(from, to);
        }
        self.query = self.query.replace(&from.replace('/', "%2F"), &to.replace('/', "%2F"));
        assert_ne!((&self.headers, &self.query), (&before.0, &before.1), "{from} is there to be replaced");
    }

    fn signature(&self) -> String {
        let texts = self.headers.iter().map(|(_, value)| value).chain([&self.query]);
        let mut found =
            texts.filter_map(|text| text.split_once("Signature=")).map(|(_, digits)| digits[..64].to_owned());
        found.next().expect("the request is signed")
    }

    fn change_signature(&mut self) {
        let signature = self.signature();
        let last = if signature.ends_with('0') { "1" } else { "0" };
        self.replace(&signature, &format!("{}{last}", &signature[..63]));
    }

    fn halve_signature(&mut self) {
        let signature = self.signature();
        self.replace(&signature, &signature[..32]);
    }

    fn is_accepted(&self, keys: &Keys, region: &str) -> Result<(), Failed> {
        let caller = self.caller(keys, SIGNED_S)?;
        assert_eq!(caller, (Some("AKIDEXAMPLE".to_owned()), ACCOUNT.to_owned(), region.to_owned()));
        Ok(())
    }

    fn is_refused(&self, keys: &Keys, now_s: u64, code: AuthErrorCode) -> Result<(), Failed> {
        match self.caller(keys, now_s) {
            Ok(caller) => Err(format!("accepted as {caller:?}").into()),
            Err(error) => {
                assert_eq!(error.code(), code, "{error}");
                Ok(())
            }
        }
    }

    fn caller(
        &self,
        keys: &Keys,
        now_s: u64,
    ) -> Result<(Option<String>, String, String), fanfare_server::auth::AuthError> {
        let mut head = http::Request::builder()
            .method(self.method.as_str())
            .uri(format!("{}?{}", self.path, self.query))
            .header("Host", &self.host);
        for (name, value) in &self.headers {
            head = head.header(name, value);
        }
        let (parts, ()) = head.body(()).expect("the vectors are requests").into_parts();
        let now: SystemTime = UNIX_EPOCH + Duration::from_secs(now_s);
        let caller = Mode::SigV4(keys.clone()).caller(&Request::new(&parts, self.body.as_bytes()), now)?;
        Ok((caller.access_key().map(str::to_owned), caller.account().to_owned(), caller.region().to_owned()))
    }
}

fn token_name(vector: &Value) -> &'static str {
    if vector["session_token"].is_null() { "" } else { ", session token" }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("the vectors have a text here")
}
