//! A queue of such a server, read by its JSON protocol.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::aws_server::{AwsServer, Kind, Prepared};

/// How long messages may take to come in.
const PATIENCE: Duration = Duration::from_secs(30);

/// A queue by its name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Queue(pub(crate) &'static str);

/// A message as the server gives it to a consumer.
#[derive(Debug, Clone)]
pub(crate) struct Consumed {
    pub(crate) body: String,
    /// Type and value, by name.
    pub(crate) attributes: BTreeMap<String, (String, String)>,
    /// What SQS says of the message by itself.
    pub(crate) system: BTreeMap<String, String>,
}

impl Consumed {
    pub(crate) fn envelope(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is an envelope")
    }
}

impl Queue {
    /// The call that makes it.
    pub(crate) fn made(self) -> Prepared {
        let attributes = match self.0.ends_with(".fifo") {
            true => json!({ "FifoQueue": "true" }),
            false => json!({}),
        };
        Prepared::sqs("CreateQueue", &json!({ "QueueName": self.0, "Attributes": attributes }))
    }

    pub(crate) fn arn(self, kind: Kind) -> String {
        format!("arn:aws:sqs:us-east-1:{}:{}", kind.account(), self.0)
    }

    /// Takes messages out of it until there are `count`.
    pub(crate) async fn consume(self, server: &AwsServer, count: usize) -> Vec<Consumed> {
        let began = Instant::now();
        let mut consumed = Vec::new();
        while consumed.len() < count {
            let more = self.consume_some(server).await;
            assert!(
                !more.is_empty() || began.elapsed() < PATIENCE,
                "{} has {} messages, not {count}: {consumed:#?}",
                self.0,
                consumed.len()
            );
            consumed.extend(more);
        }
        assert_eq!(consumed.len(), count);
        consumed
    }

    /// Claims that there is nothing in it.
    pub(crate) async fn is_empty(self, server: &AwsServer) {
        let left = self.consume_some(server).await;
        assert!(left.is_empty(), "{left:#?}");
    }

    async fn consume_some(self, server: &AwsServer) -> Vec<Consumed> {
        let url = format!("{}/{}/{}", server.url(), server.kind().account(), self.0);
        let wanted = json!({
            "QueueUrl": url, "MaxNumberOfMessages": 10, "AttributeNames": ["All"], "MessageAttributeNames": ["All"],
            "MessageSystemAttributeNames": ["All"],
        });
        let answer = server.call(&Prepared::sqs("ReceiveMessage", &wanted)).await;
        let mut consumed = Vec::new();
        for message in answer["Messages"].as_array().into_iter().flatten() {
            let done = json!({ "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] });
            server.call(&Prepared::sqs("DeleteMessage", &done)).await;
            consumed.push(read(message));
        }
        consumed
    }
}

fn read(message: &Value) -> Consumed {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let members = |key: &str| message[key].as_object().cloned().unwrap_or_default().into_iter();
    let attributes = members("MessageAttributes").map(|(name, attribute)| {
        let value = attribute.get("StringValue").or(attribute.get("BinaryValue")).unwrap_or(&Value::Null);
        (name, (text(&attribute["DataType"]), text(value)))
    });
    Consumed {
        body: text(&message["Body"]),
        attributes: attributes.collect(),
        system: members("Attributes").map(|(name, value)| (name, text(&value))).collect(),
    }
}
