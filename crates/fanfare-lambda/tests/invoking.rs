//! How functions are named and called, over a socket.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

use fanfare_aws::AwsConfig;
use fanfare_core::{
    Connector as _, DeliveryErrorKind, Disposition, Message, Notification, Protocol, Publication, Timestamp, TopicArn,
    TraceContext,
};
use fanfare_lambda::{FunctionNames, LambdaConfig};
use fanfare_testkit::LambdaReceiver;
use fanfare_testkit::lambda_receiver::lambda_error;

use given::{FUNCTION, config, connector, endpoint, notification};

const ALIAS: &str = "arn:aws:lambda:eu-west-1:000000000000:function:thumbnails:live";

#[tokio::test]
async fn a_function_is_invoked_by_its_arn_in_its_own_region() {
    let functions = LambdaReceiver::start().await;
    let connector = connector(config(&functions.url()), LambdaConfig::new());
    for arn in [FUNCTION, ALIAS] {
        let receipt = connector.connect(&Protocol::Lambda, arn).unwrap().deliver(&notification("hello")).await.unwrap();
        assert_eq!(receipt.response(), Some(r#"{"lambdaRequestId":"b25f48e8-84fd-11e6-80d9-574e0c4664cb"}"#));
    }
    let invocations = functions.invocations("thumbnails");
    let called: Vec<_> = invocations.iter().map(|i| (&*i.named, i.qualifier.as_deref(), &*i.region)).collect();
    assert_eq!(called, [(FUNCTION, None, "us-east-1"), (ALIAS, Some("live"), "eu-west-1")]);
    let request = &functions.http().requests()[0];
    assert_eq!(
        request.target,
        "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Athumbnails/invocations"
    );
}

#[tokio::test]
async fn a_local_runtime_gets_the_plain_name() {
    let functions = LambdaReceiver::start().await;
    let plain = LambdaConfig::new().function_names(FunctionNames::Plain);
    let endpoint = connector(config(&functions.url()), plain).connect(&Protocol::Lambda, ALIAS).unwrap();
    endpoint.deliver(&notification("hello")).await.unwrap();
    assert_eq!(functions.http().requests()[0].target, "/2015-03-31/functions/thumbnails/invocations?Qualifier=live");
}

#[tokio::test]
async fn the_publishers_trace_goes_along() {
    let functions = LambdaReceiver::start().await;
    let endpoint = endpoint(config(&functions.url()), FUNCTION);
    let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";
    let message = Message::text("hello").unwrap().traced(TraceContext::new().xray(header));
    let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").unwrap();
    let traced = Notification::new(Publication::new("1", topic, Timestamp::EPOCH, message), "lambda");
    for notification in [traced, notification("hello")] {
        endpoint.deliver(&notification).await.unwrap();
    }
    let headers: Vec<_> = functions.invocations("thumbnails").into_iter().map(|i| i.trace_header).collect();
    assert_eq!(headers, [Some(header.to_owned()), None]);
}

#[tokio::test]
async fn the_adapters_own_endpoint_url_comes_before_that_of_all_of_aws() {
    let (functions, others) = (LambdaReceiver::start().await, LambdaReceiver::start().await);
    let own = LambdaConfig::new().endpoint_url(&functions.url()).unwrap();
    let endpoint = connector(config(&others.url()), own).connect(&Protocol::Lambda, FUNCTION).unwrap();
    endpoint.deliver(&notification("hello")).await.unwrap();
    assert_eq!((functions.invocations("thumbnails").len(), others.invocations("thumbnails").len()), (1, 0));
}

#[tokio::test]
async fn a_function_that_is_gone_is_final() {
    let functions = LambdaReceiver::start().await;
    functions.delete("thumbnails");
    let error = endpoint(config(&functions.url()), FUNCTION).deliver(&notification("hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (DeliveryErrorKind::NotFound, Disposition::Reject));
    assert_eq!((error.status(), error.response()), (Some(404), Some("This is ResourceNotFoundException.")));
}

#[tokio::test]
async fn a_key_that_cannot_be_used_is_final_although_the_status_says_502() {
    let functions = LambdaReceiver::start().await;
    functions.http().reply_with(lambda_error(502, "KMSDisabledException"));
    let error = endpoint(config(&functions.url()), FUNCTION).deliver(&notification("hello")).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Reject);
    assert_eq!(error.to_string(), "the function's key cannot be used: KMSDisabledException");
}

#[test]
fn what_is_not_the_arn_of_a_function_is_refused() {
    let connector = connector(AwsConfig::new(), LambdaConfig::new());
    for address in ["", "thumbnails", "arn:aws:sqs:us-east-1:000000000000:orders"] {
        let error = connector.connect(&Protocol::Lambda, address).unwrap_err();
        assert_eq!(error.message(), "Invalid parameter: Lambda endpoint ARN", "{address}");
    }
    let url = "https://abcdefg.lambda-url.us-east-1.on.aws/";
    assert_eq!(
        connector.connect(&Protocol::Lambda, url).unwrap_err().message(),
        "Invalid parameter: Lambda endpoint ARN Reason: a function url is an endpoint of the protocol https"
    );
    assert!(connector.connect(&Protocol::Sqs, FUNCTION).is_err());
}
