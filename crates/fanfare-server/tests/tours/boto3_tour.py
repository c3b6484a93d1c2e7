"""Calls every operation of Amazon SNS with boto3, and checks what it answers and what is delivered.

Only the environment that every SDK reads is set: the endpoint's URL, a key and a region. Prints the names of the operations
that were called.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue

import boto3

from outbox import one_time_password, kept

sns = boto3.client("sns")
called = set()
sns.meta.events.register("before-call.sns", lambda model, **_: called.add(model.name))
received = Queue()


class Inbox(BaseHTTPRequestHandler):
    """A subscriber that keeps what comes in."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        received.put((self.headers["x-amz-sns-message-type"], body.decode()))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def inbox():
    """The URL of a subscriber."""
    server = HTTPServer(("127.0.0.1", 0), Inbox)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/inbox"


def next_message(kind):
    """The next message that came in, which is of that kind."""
    found, body = received.get(timeout=30)
    assert found == kind, (found, body)
    return body


def refused(error, call, **parameters):
    """The text of the refusal of a call, which must be of that class."""
    try:
        call(**parameters)
    except error as refusal:
        return refusal.response["Error"]["Message"]
    raise AssertionError(f"{call} was not refused")


def topics():
    made = sns.create_topic(Name="tour", Attributes={"DisplayName": "Tour"}, Tags=[{"Key": "team", "Value": "a&b <c>"}])
    topic = made["TopicArn"]
    assert topic == "arn:aws:sns:eu-west-1:123456789012:tour", topic
    assert sns.create_topic(Name="tour")["TopicArn"] == topic
    text = refused(sns.exceptions.InvalidParameterException, sns.create_topic, Name="not a name")
    assert text == "Invalid parameter: Topic Name", text
    assert sns.list_topics()["Topics"] == [{"TopicArn": topic}]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (attributes["DisplayName"], attributes["SignatureVersion"], attributes["Owner"]) == ("Tour", "2", "123456789012")
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "stage", "Value": "test"}])
    sns.untag_resource(ResourceArn=topic, TagKeys=["team"])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "stage", "Value": "test"}]
    return topic


def pages():
    names = [f"page-{n:03}" for n in range(205)]
    for name in names:
        sns.create_topic(Name=name)
    listed = [t["TopicArn"] for page in sns.get_paginator("list_topics").paginate() for t in page["Topics"]]
    assert [arn.rsplit(":", 1)[1] for arn in listed if "page-" in arn] == names, len(listed)
    for name in names:
        sns.delete_topic(TopicArn=f"arn:aws:sns:eu-west-1:123456789012:{name}")


def permissions(topic):
    sns.add_permission(TopicArn=topic, Label="partner", AWSAccountId=["210987654321"], ActionName=["Publish"])
    policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    (statement,) = [s for s in policy["Statement"] if s["Sid"] == "partner"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::210987654321:root"}, statement
    assert (statement["Action"], statement["Resource"]) == ("SNS:Publish", topic), statement
    text = refused(
        sns.exceptions.InvalidParameterException, sns.add_permission, TopicArn=topic, Label="partner",
        AWSAccountId=["210987654321"], ActionName=["Publish"],
    )
    assert text == "Invalid parameter: Statement already exists", text
    sns.remove_permission(TopicArn=topic, Label="partner")
    assert "partner" not in sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]


def data_protection():
    guarded = sns.create_topic(Name="guarded")["TopicArn"]
    statement = {
        "Sid": "no-mail-addresses",
        "DataDirection": "Inbound",
        "Principal": ["*"],
        "DataIdentifier": ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],
        "Operation": {"Deny": {}},
    }
    policy = {"Name": "tour", "Description": "", "Version": "2021-06-01", "Statement": [statement]}
    sns.put_data_protection_policy(ResourceArn=guarded, DataProtectionPolicy=json.dumps(policy))
    kept_policy = sns.get_data_protection_policy(ResourceArn=guarded)["DataProtectionPolicy"]
    assert json.loads(kept_policy) == policy, kept_policy
    refused(sns.exceptions.ClientError, sns.publish, TopicArn=guarded, Message="write to someone@example.com")
    assert sns.publish(TopicArn=guarded, Message="nothing to hide")["MessageId"]
    sns.delete_topic(TopicArn=guarded)


def subscriptions(topic):
    url = inbox()
    assert sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=url)["SubscriptionArn"] == "pending confirmation"
    request = json.loads(next_message("SubscriptionConfirmation"))
    arn = sns.confirm_subscription(TopicArn=topic, Token=request["Token"])["SubscriptionArn"]
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed == sns.list_subscriptions()["Subscriptions"]
    assert [s["SubscriptionArn"] for s in listed] == [arn]
    assert (listed[0]["Protocol"], listed[0]["Endpoint"]) == ("http", url)
    policy = '{"store": ["example_corp"]}'
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue=policy)
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert attributes["FilterPolicy"] == policy, attributes
    assert attributes["ConfirmationWasAuthenticated"] == "true", attributes

    store = {"store": {"DataType": "String", "StringValue": "example_corp"}}
    bytes_ = {"picture": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    sns.publish(TopicArn=topic, Message="not for this store")
    published = sns.publish(
        TopicArn=topic, Subject="a parcel", Message="Hello & goodbye = é \U0001f600\n", MessageAttributes=store | bytes_
    )
    envelope = json.loads(next_message("Notification"))
    assert envelope["MessageId"] == published["MessageId"], envelope
    assert (envelope["Subject"], envelope["Message"]) == ("a parcel", "Hello & goodbye = é \U0001f600\n"), envelope
    assert envelope["MessageAttributes"]["picture"] == {"Type": "Binary", "Value": "AP8="}, envelope

    entries = [{"Id": str(n), "Message": f"entry {n}", "MessageAttributes": store} for n in range(10)]
    batch = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [e["Id"] for e in batch["Successful"]] == [str(n) for n in range(10)] and batch["Failed"] == [], batch
    texts = {json.loads(next_message("Notification"))["Message"] for _ in range(10)}
    assert texts == {f"entry {n}" for n in range(10)}, texts
    refused(sns.exceptions.TooManyEntriesInBatchRequestException, sns.publish_batch, TopicArn=topic,
            PublishBatchRequestEntries=[{"Id": str(n), "Message": "m"} for n in range(11)])

    sns.unsubscribe(SubscriptionArn=arn)
    assert sns.list_subscriptions()["Subscriptions"] == []
    refused(sns.exceptions.NotFoundException, sns.get_subscription_attributes, SubscriptionArn=arn)


def fifo():
    attributes = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}
    topic = sns.create_topic(Name="tour.fifo", Attributes=attributes)["TopicArn"]
    queue = "arn:aws:sqs:eu-west-1:123456789012:tour.fifo"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    first = sns.publish(TopicArn=topic, Message="once", MessageGroupId="g")
    assert sns.publish(TopicArn=topic, Message="once", MessageGroupId="g")["SequenceNumber"] == first["SequenceNumber"]
    second = sns.publish(TopicArn=topic, Message="twice", MessageGroupId="g")
    assert int(second["SequenceNumber"]) > int(first["SequenceNumber"])
    assert [m["text"] for m in kept(2, destination=queue)] == ["once", "twice"]
    sns.delete_topic(TopicArn=topic)


def text_messages():
    number = "+15550100123"
    sns.set_sms_attributes(attributes={"DefaultSenderID": "Tour", "DefaultSMSType": "Transactional"})
    assert sns.get_sms_attributes(attributes=["DefaultSenderID"])["attributes"] == {"DefaultSenderID": "Tour"}
    assert sns.get_sms_sandbox_account_status()["IsInSandbox"] is False
    sns.create_sms_sandbox_phone_number(PhoneNumber=number, LanguageCode="en-GB")
    assert sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"] == [{"PhoneNumber": number, "Status": "Pending"}]
    password = one_time_password(number)
    sns.verify_sms_sandbox_phone_number(PhoneNumber=number, OneTimePassword=password)
    assert sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"] == [{"PhoneNumber": number, "Status": "Verified"}]
    sns.delete_sms_sandbox_phone_number(PhoneNumber=number)
    assert sns.list_sms_sandbox_phone_numbers()["PhoneNumbers"] == []
    assert sns.list_origination_numbers()["PhoneNumbers"] == []
    assert sns.check_if_phone_number_is_opted_out(phoneNumber=number)["isOptedOut"] is False
    assert sns.list_phone_numbers_opted_out()["phoneNumbers"] == []
    sns.opt_in_phone_number(phoneNumber=number)
    published = sns.publish(PhoneNumber=number, Message="the parcel is here")
    (text,) = kept(1, messageId=published["MessageId"])
    assert (text["protocol"], text["destination"], text["text"]) == ("sms", number, "the parcel is here"), text


def devices():
    credentials = {"PlatformPrincipal": "client-id", "PlatformCredential": "client-secret"}
    made = sns.create_platform_application(Name="tour", Platform="ADM", Attributes=credentials)
    application = made["PlatformApplicationArn"]
    sns.set_platform_application_attributes(PlatformApplicationArn=application, Attributes={"SuccessFeedbackSampleRate": "50"})
    attributes = sns.get_platform_application_attributes(PlatformApplicationArn=application)["Attributes"]
    assert attributes["SuccessFeedbackSampleRate"] == "50" and "PlatformCredential" not in attributes, attributes
    applications = sns.list_platform_applications()["PlatformApplications"]
    assert [a["PlatformApplicationArn"] for a in applications] == [application]
    endpoint = sns.create_platform_endpoint(PlatformApplicationArn=application, Token="a-token")["EndpointArn"]
    sns.set_endpoint_attributes(EndpointArn=endpoint, Attributes={"CustomUserData": "somebody"})
    attributes = sns.get_endpoint_attributes(EndpointArn=endpoint)["Attributes"]
    assert attributes == {"Enabled": "true", "Token": "a-token", "CustomUserData": "somebody"}, attributes
    listed = sns.list_endpoints_by_platform_application(PlatformApplicationArn=application)["Endpoints"]
    assert [e["EndpointArn"] for e in listed] == [endpoint]
    published = sns.publish(TargetArn=endpoint, Message="ding")
    (push,) = kept(1, messageId=published["MessageId"])
    assert (push["protocol"], push["destination"]) == ("application", endpoint), push
    sns.set_endpoint_attributes(EndpointArn=endpoint, Attributes={"Enabled": "false"})
    refused(sns.exceptions.EndpointDisabledException, sns.publish, TargetArn=endpoint, Message="ding")
    sns.delete_endpoint(EndpointArn=endpoint)
    sns.delete_platform_application(PlatformApplicationArn=application)
    refused(sns.exceptions.NotFoundException, sns.get_platform_application_attributes, PlatformApplicationArn=application)


topic = topics()
pages()
permissions(topic)
data_protection()
subscriptions(topic)
fifo()
text_messages()
devices()
sns.delete_topic(TopicArn=topic)
refused(sns.exceptions.NotFoundException, sns.get_topic_attributes, TopicArn=topic)
assert sns.list_topics()["Topics"] == []
print("\n".join(sorted(called)))
