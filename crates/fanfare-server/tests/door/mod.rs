//! A server on loopback, and callers of several accounts at its door.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use fanfare::egress::EgressPolicy;
use fanfare::wire::Signer;
use fanfare::{Adapters, Fanfare, Owner};
use fanfare_server::api;
use fanfare_server::auth::Mode;
use fanfare_server::data_protection::DataProtection;
use fanfare_server::mobile::{Mobile, MobileSettings};
use tokio::net::TcpListener;
use url::form_urlencoded::Serializer;

/// The account that owns the topics, and another one.
pub(crate) const OWNER: &str = "111111111111";
pub(crate) const OTHER: &str = "222222222222";

/// A topic of the owner's.
pub(crate) const TOPIC: &str = "arn:aws:sns:us-east-1:111111111111:topic";

/// A server that believes what callers say of themselves.
pub(crate) struct Door {
    pub(crate) base: String,
    client: reqwest::Client,
}

/// A status and the XML that came with it.
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

    pub(crate) fn error(&self) -> (u16, String, String) {
        (self.status, self.one("Code"), self.one("Message"))
    }
}

/// What an operation is refused with.
pub(crate) fn refused(status: u16, code: &str, message: &str) -> (u16, String, String) {
    (status, code.to_owned(), message.to_owned())
}

impl Door {
    /// With a topic of the owner's.
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let signer = Signer::ephemeral();
        let egress = EgressPolicy::internet().allow("127.0.0.0/8".parse().unwrap());
        let adapters = Adapters::new(&base).unwrap().signer(signer.clone()).egress(egress);
        let (mobile, protection) = (Mobile::new(MobileSettings::new()), DataProtection::new());
        let connectors = protection.guard(adapters.connectors().unwrap());
        let fanfare = Fanfare::builder().connectors(connectors).open();
        let router = api::router_with(fanfare, signer, Mode::Off(Owner::default()), mobile, protection);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        let door = Self { base, client: reqwest::Client::builder().no_proxy().build().unwrap() };
        assert_eq!(door.owner("CreateTopic", &[("Name", "topic")]).await.one("TopicArn"), TOPIC);
        door
    }

    /// Calls as the owner of the topics.
    pub(crate) async fn owner(&self, action: &str, parameters: &[(&str, &str)]) -> Reply {
        self.call(OWNER, action, parameters).await
    }

    /// Calls as the other account.
    pub(crate) async fn other(&self, action: &str, parameters: &[(&str, &str)]) -> Reply {
        self.call(OTHER, action, parameters).await
    }

    /// Calls with an access key that is its own account.
    pub(crate) async fn call(&self, key: &str, action: &str, parameters: &[(&str, &str)]) -> Reply {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", "2010-03-31").extend_pairs(parameters);
        let credential = format!(
            "AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=0"
        );
        let request = self.client.post(&self.base).header("authorization", credential);
        Self::reply(request.header("content-type", "application/x-www-form-urlencoded").body(form.finish())).await
    }

    /// Follows a link, without a signature.
    pub(crate) async fn follow(&self, link: &str) -> Reply {
        Self::reply(self.client.get(link)).await
    }

    async fn reply(request: reqwest::RequestBuilder) -> Reply {
        let response = request.send().await.unwrap();
        Reply { status: response.status().as_u16(), xml: response.text().await.unwrap() }
    }

    /// Has the owner set an attribute of the topic.
    pub(crate) async fn set(&self, name: &str, value: &str) -> Reply {
        let parameters = [("TopicArn", TOPIC), ("AttributeName", name), ("AttributeValue", value)];
        self.owner("SetTopicAttributes", &parameters).await
    }
}
