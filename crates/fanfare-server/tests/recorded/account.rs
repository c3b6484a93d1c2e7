//! One account in one region, and the calls that its owner makes.

use std::sync::Arc;

use libtest_mimic::Failed;
use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::form;
use crate::program::Program;
use crate::reply::Reply;

/// The region of the recordings.
pub(crate) const REGION: &str = "us-east-1";

/// Calls the program as the owner of one account in one region.
#[derive(Clone)]
pub(crate) struct Account {
    program: Arc<Program>,
    number: String,
    region: &'static str,
}

impl Account {
    pub(crate) fn new(program: &Arc<Program>, number: String) -> Self {
        assert_eq!(number.len(), 12, "{number} is the number of an account");
        Self { program: Arc::clone(program), number, region: REGION }
    }

    /// The 12 digits.
    pub(crate) fn number(&self) -> &str {
        &self.number
    }

    /// The same owner elsewhere.
    pub(crate) fn in_region(&self, region: &'static str) -> Self {
        Self { region, ..self.clone() }
    }

    /// The same owner at another program.
    pub(crate) fn at(&self, program: &Arc<Program>) -> Self {
        Self { program: Arc::clone(program), ..self.clone() }
    }

    /// Somebody else.
    pub(crate) fn stranger(&self) -> Self {
        Self { number: format!("9{}", &self.number[1..]), ..self.clone() }
    }

    /// The ARN of something in this account and region.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.number)
    }

    /// Calls an operation with `parameters`, which are written as in the recordings.
    pub(crate) fn call(&self, action: &str, parameters: &Value) -> Result<Reply, Failed> {
        let mut body = Serializer::new(String::new());
        body.append_pair("Action", action).append_pair("Version", "2010-03-31").extend_pairs(form::pairs(parameters));
        self.post(body.finish())
    }

    /// Posts a form as it is.
    pub(crate) fn post(&self, body: String) -> Result<Reply, Failed> {
        self.reply(self.program.post().header("authorization", self.claim()).body(body))
    }

    /// Takes a phone number out of those that get text messages, as its owner would by answering one.
    pub(crate) fn opt_out(&self, number: &str) -> Result<(), Failed> {
        let request = self.program.put(&format!("/fanfare/v1/opt-outs/{number}"));
        let reply = self.reply(request.header("authorization", self.claim()))?;
        match reply.status {
            200..300 => Ok(()),
            status => Err(format!("opt-out of {number}: {status} {}", reply.xml).into()),
        }
    }

    /// Nobody checks it, but it says who calls from where.
    fn claim(&self) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential={}/20260102/{}/sns/aws4_request, SignedHeaders=host, Signature=0",
            self.number, self.region
        )
    }

    /// Calls an operation that succeeds.
    pub(crate) fn done(&self, action: &str, parameters: &Value) -> Result<Reply, Failed> {
        let reply = self.call(action, parameters)?;
        match reply.status {
            200 => Ok(reply),
            status => Err(format!("{action} {parameters}: {status} {}", reply.xml).into()),
        }
    }

    /// Follows a link with these parameters, as anybody may.
    pub(crate) fn follow(&self, action: &str, parameters: &Value) -> Result<Reply, Failed> {
        let mut query = Serializer::new(String::new());
        query.append_pair("Action", action).extend_pairs(form::pairs(parameters));
        self.reply(self.program.get(&format!("/?{}", query.finish())))
    }

    /// The deliveries of `topic` that are meant by `choice`, once there are so many.
    pub(crate) fn outbox(&self, topic: &str, choice: &str, count: usize) -> Result<Vec<Value>, Failed> {
        self.outbox_of_all(&format!("topic={topic}&{choice}"), count)
    }

    /// The deliveries of everybody that are meant by `choice`, once there are so many.
    pub(crate) fn outbox_of_all(&self, choice: &str, count: usize) -> Result<Vec<Value>, Failed> {
        let path = format!("/_fanfare/outbox/wait?{choice}&count={count}&timeout=20s");
        let reply = self.reply(self.program.get(&path))?;
        let body: Value = serde_json::from_str(&reply.xml)?;
        match (reply.status, body["messages"].as_array()) {
            (200, Some(messages)) => Ok(messages.clone()),
            _ => Err(format!("{path}: {body}").into()),
        }
    }

    fn reply(&self, request: reqwest::RequestBuilder) -> Result<Reply, Failed> {
        self.program.wait(async {
            let response = request.send().await?;
            Ok(Reply { status: response.status().as_u16(), xml: response.text().await? })
        })
    }
}
