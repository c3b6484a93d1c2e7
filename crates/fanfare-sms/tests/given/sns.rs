//! An Amazon SNS that publishes to phones alone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fanfare_aws::{Aws, AwsConfig};
use fanfare_core::Endpoint;
use fanfare_sms::{SmsConfig, SnsConfig};
use fanfare_testkit::conformance::{Behaviour, Received, Subject};
use fanfare_testkit::{HttpReceiver, ReceivedRequest, Reply};

pub(crate) const KEY: &str = "AKIAEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY";

/// The forms that were taken.
type Forms = Arc<Mutex<Vec<Vec<(String, String)>>>>;

pub(crate) struct Sns {
    pub(crate) http: HttpReceiver,
    pub(crate) forms: Forms,
    endpoint: Arc<dyn Endpoint>,
}

impl Sns {
    fn refuse_texts(&self, is_refused: impl Fn(&str) -> bool + Send + Sync + 'static) {
        let forms = Arc::clone(&self.forms);
        self.http.reply_with(Reply::by(move |request| published(request, &forms, &is_refused)));
    }
}

fn published(request: &ReceivedRequest, forms: &Forms, is_refused: &impl Fn(&str) -> bool) -> Reply {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&request.body).into_owned().collect();
    let value = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    if value("Action") != "Publish" || value("PhoneNumber").is_empty() || is_refused(value("Message")) {
        return error(400, "InvalidParameter");
    }
    forms.lock().unwrap().push(form);
    let id = "<MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId>";
    let body = format!(
        "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>{id}</PublishResult>\
         <ResponseMetadata><RequestId>d74b8436</RequestId></ResponseMetadata></PublishResponse>"
    );
    Reply::status(200).header("Content-Type", "text/xml").body(body)
}

pub(crate) fn error(status: u16, code: &str) -> Reply {
    let body = format!(
        "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>This is {code}.</Message></Error><RequestId>9dd01905</RequestId></ErrorResponse>"
    );
    Reply::status(status).header("Content-Type", "text/xml").body(body)
}

#[async_trait]
impl Subject for Sns {
    async fn start() -> Self {
        let http = HttpReceiver::start().await;
        let aws = AwsConfig::new().endpoint_url(&http.url("")).unwrap().access_key(KEY, SECRET);
        let aws = Aws::new(aws.attempt_timeout(Duration::from_secs(1)).unwrap());
        let endpoint = super::endpoint(SmsConfig::sns(SnsConfig::new(aws)));
        let sns = Self { http, forms: Forms::default(), endpoint };
        sns.refuse_texts(|_| false);
        sns
    }

    fn endpoint(&self) -> Arc<dyn Endpoint> {
        Arc::clone(&self.endpoint)
    }

    fn protocol(&self) -> &str {
        "sms"
    }

    async fn behave(&self, behaviour: Behaviour) {
        match behaviour {
            Behaviour::Absent => return self.http.go_away().await,
            Behaviour::Accept => self.refuse_texts(|_| false),
            Behaviour::RefuseTextsWith(part) => self.refuse_texts(move |text| text.contains(&part)),
            Behaviour::FailForNow => self.http.reply_with(error(500, "InternalFailure")),
            Behaviour::Refuse => self.http.reply_with(error(400, "InvalidParameter")),
            Behaviour::Throttle => self.http.reply_with(error(429, "Throttled")),
            Behaviour::ThrottleFor(delay) => {
                self.http.reply_with(error(429, "Throttled").header("Retry-After", delay.as_secs().to_string()));
            }
            Behaviour::Silent => self.http.reply_with(Reply::hang()),
            Behaviour::BreakOff => self.http.reply_with(Reply::close()),
        }
        self.http.come_back().await;
    }

    async fn attempts(&self) -> usize {
        self.http.requests().len()
    }

    async fn wait_for_attempts(&self, count: usize) {
        self.http.wait_for(count).await;
    }

    async fn received(&self) -> Vec<Received> {
        let text = |form: &Vec<(String, String)>| form.iter().find(|(name, _)| name == "Message").unwrap().1.clone();
        self.forms.lock().unwrap().iter().map(|form| super::received(text(form))).collect()
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET.to_owned(), KEY.to_owned()]
    }

    fn accepted_status(&self) -> Option<u16> {
        Some(200)
    }
}
