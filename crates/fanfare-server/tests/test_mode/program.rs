//! The program `fanfare`, and a client of what it serves.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use url::form_urlencoded::Serializer;

/// A running program, which ends with this.
pub(crate) struct Program {
    child: Child,
    /// Such as `http://127.0.0.1:40321`.
    pub(crate) base: String,
    pub(crate) client: reqwest::Client,
}

impl Program {
    /// Runs `fanfare` with `arguments` on a port of its own, and comes back when it listens.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(arguments)
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("fanfare listens on ").unwrap().to_owned();
        Self { child, base, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// Calls an operation of Amazon SNS: the status, and the XML that came back.
    pub(crate) async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> (u16, String) {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", "2010-03-31").extend_pairs(parameters);
        let request = self.client.post(&self.base).header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(form.finish()).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Calls an operation that succeeds: the text of the first element `name` in what came back.
    pub(crate) async fn done(&self, action: &str, parameters: &[(&str, &str)], name: &str) -> String {
        let (status, xml) = self.call(action, parameters).await;
        assert_eq!(status, 200, "{action}: {xml}");
        let document = roxmltree::Document::parse(&xml).unwrap();
        let element = document.descendants().find(|node| node.tag_name().name() == name);
        element.and_then(|element| element.text()).unwrap_or_default().to_owned()
    }

    /// Makes the topic `name`: its ARN.
    pub(crate) async fn topic(&self, name: &str) -> String {
        self.done("CreateTopic", &[("Name", name)], "TopicArn").await
    }

    /// Subscribes an address: the subscription's ARN, also while it is to be confirmed.
    pub(crate) async fn subscribe(&self, topic: &str, protocol: &str, address: &str, more: &[(&str, &str)]) -> String {
        let mut parameters = vec![("TopicArn", topic), ("Protocol", protocol), ("Endpoint", address)];
        parameters.push(("ReturnSubscriptionArn", "true"));
        parameters.extend(more);
        self.done("Subscribe", &parameters, "SubscriptionArn").await
    }

    /// GETs a path: the status, and the JSON that came back.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        Self::json(self.client.get(format!("{}{path}", self.base))).await
    }

    /// POSTs JSON to a path: the status, and the JSON that came back.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        Self::json(self.client.post(format!("{}{path}", self.base)).body(body.to_string())).await
    }

    /// Sends a request: the status, and the JSON that came back, or null where it was none.
    pub(crate) async fn json(request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null))
    }

    /// Waits until `count` deliveries that `choice` means are in the outbox.
    pub(crate) async fn outbox(&self, choice: &str, count: usize) -> Vec<Value> {
        let (status, body) = self.get(&format!("/_fanfare/outbox/wait?{choice}&count={count}&timeout=20s")).await;
        assert_eq!(status, 200, "{body}");
        body["messages"].as_array().unwrap().clone()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
