//! A server whose phones and devices are scripted.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use fanfare::wire::Signer;
use fanfare::{Connectors, Fanfare, Limits, Owner, Protocol, Subscribe, TopicArn};
use fanfare_server::api;
use fanfare_server::auth::Mode;
use fanfare_server::data_protection::DataProtection;
use fanfare_server::mobile::{Mobile, MobileSettings};
use fanfare_testkit::{ScriptedConnector, ScriptedEndpoint, SimulatedHost};
use tokio::net::TcpListener;
use url::form_urlencoded::Serializer;

/// The account of whoever calls without a key.
pub(crate) const ACCOUNT: &str = "111111111111";

/// A server on loopback, and what stands behind it.
pub(crate) struct Server {
    door: Door,
    pub(crate) fanfare: Fanfare,
    pub(crate) mobile: Mobile,
    pub(crate) phones: ScriptedConnector,
    pub(crate) devices: ScriptedConnector,
    pub(crate) host: Arc<SimulatedHost>,
}

/// The socket of a server, and whoever calls there.
pub(crate) struct Door {
    base: String,
    client: reqwest::Client,
}

impl Deref for Server {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

/// What came back: a status and XML.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) xml: String,
}

impl Reply {
    /// The texts of every element of that name.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let document = roxmltree::Document::parse(&self.xml).unwrap();
        let named = document.descendants().filter(|node| node.tag_name().name() == name);
        named.map(|node| node.text().unwrap_or_default().to_owned()).collect()
    }

    pub(crate) fn one(&self, name: &str) -> String {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name} in {}", self.xml);
        all[0].clone()
    }

    pub(crate) fn map(&self) -> BTreeMap<String, String> {
        self.all("key").into_iter().zip(self.all("value")).collect()
    }

    /// Status, code and message of an error.
    pub(crate) fn error(&self) -> (u16, String, String) {
        (self.status, self.one("Code"), self.one("Message"))
    }

    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.xml);
        self
    }
}

/// The names and values of a map, as clients write them.
pub(crate) fn map<'a>(name: &str, entries: &[(&'a str, &'a str)]) -> Vec<(String, &'a str)> {
    let entry = |(number, (key, value)): (usize, &(&'a str, &'a str))| {
        [(format!("{name}.entry.{}.key", number + 1), *key), (format!("{name}.entry.{}.value", number + 1), *value)]
    };
    entries.iter().enumerate().flat_map(entry).collect()
}

fn scripted() -> (ScriptedConnector, ScriptedConnector) {
    let connector = |protocol| ScriptedConnector::new(protocol, Limits::ONE);
    (connector(Protocol::Sms), connector(Protocol::Application))
}

impl Server {
    /// A server that delivers to scripted phones and devices.
    pub(crate) async fn start() -> Self {
        Self::start_with(MobileSettings::new()).await
    }

    pub(crate) async fn start_with(settings: MobileSettings) -> Self {
        Self::serve(settings, [Protocol::Sms, Protocol::Application]).await
    }

    /// A server that has nothing that delivers to phones and devices.
    pub(crate) async fn start_without_connectors() -> Self {
        Self::serve(MobileSettings::new(), []).await
    }

    async fn serve(settings: MobileSettings, protocols: impl IntoIterator<Item = Protocol>) -> Self {
        let (phones, devices) = scripted();
        let mut connectors = Connectors::new();
        for protocol in protocols {
            connectors = connectors.with(if protocol == Protocol::Sms { phones.clone() } else { devices.clone() });
        }
        Self { phones, devices, ..Self::serve_with(settings, SimulatedHost::new(7), |_| connectors).await }
    }

    /// A server that delivers by the connectors that are made for what it keeps.
    pub(crate) async fn serve_with(
        settings: MobileSettings,
        host: SimulatedHost,
        connectors: impl FnOnce(&Mobile) -> Connectors,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (phones, devices) = scripted();
        let mobile = Mobile::new(settings);
        let host = Arc::new(host);
        let connectors = connectors(&mobile);
        let builder = Fanfare::builder().connectors(mobile.guard(connectors)).host(Arc::clone(&host));
        let fanfare = builder.open();
        let mode = Mode::Off(Owner::new("us-east-1", ACCOUNT).unwrap());
        let router =
            api::router_with(fanfare.clone(), Signer::ephemeral(), mode, mobile.clone(), DataProtection::new());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { door: Door::at(base), fanfare, mobile, phones, devices, host }
    }

    /// A subscriber of `topic` that takes everything.
    pub(crate) async fn listener(&self, topic: &str) -> ScriptedEndpoint {
        let listener = ScriptedEndpoint::new();
        let subscribe = Subscribe::endpoint(Arc::new(listener.clone()));
        self.fanfare.subscribe(&TopicArn::parse(topic).unwrap(), subscribe).await.unwrap();
        listener
    }
}

impl Door {
    /// The server at that URL.
    pub(crate) fn at(base: String) -> Self {
        Self { base, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    pub(crate) async fn call<K: AsRef<str>>(&self, action: &str, parameters: &[(K, &str)]) -> Reply {
        self.call_as(None, action, parameters).await
    }

    /// A call by a key, which says account and region.
    pub(crate) async fn call_as<K: AsRef<str>>(
        &self,
        key: Option<(&str, &str)>,
        action: &str,
        parameters: &[(K, &str)],
    ) -> Reply {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", "2010-03-31");
        for (name, value) in parameters {
            form.append_pair(name.as_ref(), value);
        }
        let mut request = self.client.post(&self.base).header("content-type", "application/x-www-form-urlencoded");
        if let Some((account, region)) = key {
            let credential = format!("Credential={account}/20260101/{region}/sns/aws4_request");
            let value = format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=00");
            request = request.header("authorization", value);
        }
        let response = request.body(form.finish()).send().await.unwrap();
        Reply { status: response.status().as_u16(), xml: response.text().await.unwrap() }
    }

    /// The ARN of a new application for Amazon devices.
    pub(crate) async fn application(&self, name: &str) -> String {
        let attributes = map("Attributes", &[("PlatformPrincipal", "dummy"), ("PlatformCredential", "dummy")]);
        let mut parameters = vec![("Name".to_owned(), name), ("Platform".to_owned(), "ADM")];
        parameters.extend(attributes);
        self.call("CreatePlatformApplication", &parameters).await.done().one("PlatformApplicationArn")
    }

    /// The ARN of a new endpoint.
    pub(crate) async fn endpoint(&self, application: &str, token: &str) -> String {
        let parameters = [("PlatformApplicationArn", application), ("Token", token)];
        self.call("CreatePlatformEndpoint", &parameters).await.done().one("EndpointArn")
    }

    pub(crate) async fn set_endpoint(&self, endpoint: &str, attributes: &[(&str, &str)]) -> Reply {
        let mut parameters = vec![("EndpointArn".to_owned(), endpoint)];
        parameters.extend(map("Attributes", attributes));
        self.call("SetEndpointAttributes", &parameters).await
    }

    pub(crate) async fn endpoint_attributes(&self, endpoint: &str) -> BTreeMap<String, String> {
        self.call("GetEndpointAttributes", &[("EndpointArn", endpoint)]).await.done().map()
    }

    /// A request to the JSON API: the status, and what came.
    pub(crate) async fn json(&self, method: reqwest::Method, path: &str) -> (u16, serde_json::Value) {
        let response = self.client.request(method, format!("{}/fanfare/v1{path}", self.base)).send().await.unwrap();
        let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    pub(crate) async fn topic(&self, name: &str) -> String {
        self.call("CreateTopic", &[("Name", name)]).await.done().one("TopicArn")
    }
}
