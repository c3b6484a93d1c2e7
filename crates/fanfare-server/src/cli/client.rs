//! A server that is asked over HTTP, with signed requests when there is a key.

use std::env;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use fanfare_server::admin::{BASE, Problem};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::arguments::Connection;
use super::trouble::Trouble;

/// How long a server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The most items that the server answers at a time.
const PAGE_MAX: usize = 1000;

/// A server, and the key that it is asked with.
pub(super) struct Server {
    url: String,
    region: String,
    key: Option<Credentials>,
    client: reqwest::Client,
}

impl Server {
    /// The server of `connection`. Requests are for `region`, that of an ARN, if there is one.
    pub(super) fn new(connection: &Connection, region: Option<&str>) -> Result<Self, Trouble> {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let region = region.map(str::to_owned).or_else(|| connection.region.clone());
        let region = region.or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
        let key = match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
            (Some(access_key), Some(secret)) => {
                Some(Credentials::new(access_key, secret, variable("AWS_SESSION_TOKEN"), None, "environment"))
            }
            (None, None) => None,
            (Some(_), None) => return Err(Trouble::new("AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not")),
            (None, Some(_)) => return Err(Trouble::new("AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not")),
        };
        // An environment's proxy is for the internet, not for the server next door.
        let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build().map_err(Trouble::new)?;
        let url = connection.url.trim_end_matches('/').to_owned();
        Ok(Self { url, region: region.unwrap_or_else(|| "us-east-1".to_owned()), key, client })
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        read(self.send(Method::GET, path, Vec::new()).await?)
    }

    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Trouble> {
        let body = serde_json::to_vec(body).map_err(Trouble::new)?;
        read(self.send(Method::POST, path, body).await?)
    }

    pub(super) async fn delete(&self, path: &str) -> Result<(), Trouble> {
        self.send(Method::DELETE, path, Vec::new()).await.map(drop)
    }

    /// A list from its beginning, at most `limit` items, and whether there are more. `field` is the list in each page.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        field: &str,
        limit: usize,
    ) -> Result<(Vec<T>, bool), Trouble> {
        let (mut items, mut next) = (Vec::new(), None::<String>);
        loop {
            let mut asked = format!("{path}?limit={}", (limit - items.len()).min(PAGE_MAX));
            if let Some(next) = &next {
                asked.push_str(&format!("&next={next}"));
            }
            let mut page: Value = self.get(&asked).await?;
            items.extend(serde_json::from_value::<Vec<T>>(page[field].take()).map_err(|error| foreign(&error))?);
            next = page["next"].as_str().map(str::to_owned);
            if next.is_none() || items.len() >= limit {
                return Ok((items, next.is_some()));
            }
        }
    }

    async fn send(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Vec<u8>, Trouble> {
        let url = format!("{}{BASE}{path}", self.url);
        let mut request = http::Request::builder().method(method).uri(&url);
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let mut request =
            request.body(body).map_err(|error| Trouble::new(format_args!("{url} is no address: {error}")))?;
        if let Some(key) = &self.key {
            self.sign(key, &mut request)?;
        }
        let request = reqwest::Request::try_from(request).map_err(Trouble::new)?;
        let response = self.client.execute(request).await.map_err(|error| Trouble::nobody(&self.url, &error))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| Trouble::nobody(&self.url, &error))?;
        if status.is_success() {
            return Ok(body.into());
        }
        Err(match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => Trouble::refused(&problem, self.key.is_some()),
            Err(_) => Trouble::new(format_args!("{} answers {status}, as no Fanfare does: check --url", self.url)),
        })
    }

    fn sign(&self, key: &Credentials, request: &mut http::Request<Vec<u8>>) -> Result<(), Trouble> {
        let unsigned =
            |error: &dyn std::fmt::Display| Trouble::new(format_args!("the request cannot be signed: {error}"));
        let identity = key.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("sns")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unsigned(&error))?
            .into();
        let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let (method, uri) = (request.method().as_str(), request.uri().to_string());
        let signable = SignableRequest::new(method, uri, headers, SignableBody::Bytes(request.body()))
            .map_err(|error| unsigned(&error))?;
        let (instructions, _) = sign(signable, &parameters).map_err(|error| unsigned(&error))?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}

fn read<T: DeserializeOwned>(body: Vec<u8>) -> Result<T, Trouble> {
    serde_json::from_slice(&body).map_err(|error| foreign(&error))
}

/// A server of another version, or none of ours.
fn foreign(error: &serde_json::Error) -> Trouble {
    Trouble::new(format_args!("the server's answer cannot be read: {error}"))
}
