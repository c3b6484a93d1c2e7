"""Calls every operation of Amazon SNS with the AWS CLI, and checks what it prints and what is delivered.

Only the environment that every SDK reads is set: the endpoint's URL, a key and a region. Prints the names of the operations
that were called.
"""

import contextlib
import io
import json
import os
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue

import awscli.clidriver

from outbox import kept, one_time_password

called = set()
received = Queue()
os.environ["AWS_PAGER"] = ""
# The command line itself, in one process: starting Python for each command would take most of the time.
driver = awscli.clidriver.create_clidriver()
driver.session.register("before-call.sns", lambda model, **_: called.add(model.name))


def aws(command, **options):
    """What `aws sns COMMAND --option value ...` prints, read; nothing where it prints nothing."""
    arguments = ["sns", command]
    for name, value in options.items():
        arguments.append("--" + re.sub("_", "-", name))
        if value is not True:
            arguments += [value] if isinstance(value, str) else list(value)
    printed, said = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
        code = driver.main(arguments)
    if code != 0:
        raise RuntimeError(said.getvalue())
    return json.loads(printed.getvalue()) if printed.getvalue() else None


def refused(text, command, **options):
    """Checks that a command is refused with that text in its message."""
    try:
        aws(command, **options)
    except RuntimeError as refusal:
        assert text in str(refusal), refusal
        return
    raise AssertionError(f"{command} was not refused")


class Inbox(BaseHTTPRequestHandler):
    """A subscriber that keeps what comes in."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        received.put((self.headers["x-amz-sns-message-type"], json.loads(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Inbox)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/inbox"

topic = aws("create-topic", name="tour", attributes="DisplayName=Tour", tags="Key=team,Value=tours")["TopicArn"]
assert topic == "arn:aws:sns:eu-west-1:123456789012:tour", topic
assert aws("list-topics")["Topics"] == [{"TopicArn": topic}]
aws("set-topic-attributes", topic_arn=topic, attribute_name="DisplayName", attribute_value="Other")
assert aws("get-topic-attributes", topic_arn=topic)["Attributes"]["DisplayName"] == "Other"
aws("tag-resource", resource_arn=topic, tags="Key=stage,Value=test")
aws("untag-resource", resource_arn=topic, tag_keys="team")
assert aws("list-tags-for-resource", resource_arn=topic)["Tags"] == [{"Key": "stage", "Value": "test"}]
refused("(NotFound) when calling the GetTopicAttributes operation: Topic does not exist", "get-topic-attributes",
        topic_arn=topic + "-of-nobody")

aws("add-permission", topic_arn=topic, label="partner", aws_account_id="210987654321", action_name="Publish")
assert "210987654321" in aws("get-topic-attributes", topic_arn=topic)["Attributes"]["Policy"]
aws("remove-permission", topic_arn=topic, label="partner")
assert "210987654321" not in aws("get-topic-attributes", topic_arn=topic)["Attributes"]["Policy"]

statement = {
    "Sid": "audited",
    "DataDirection": "Inbound",
    "Principal": ["*"],
    "DataIdentifier": ["arn:aws:dataprotection::aws:data-identifier/CreditCardNumber"],
    "Operation": {"Deny": {}},
}
policy = json.dumps({"Name": "tour", "Version": "2021-06-01", "Statement": [statement]})
aws("put-data-protection-policy", resource_arn=topic, data_protection_policy=policy)
assert aws("get-data-protection-policy", resource_arn=topic)["DataProtectionPolicy"] == policy
refused("when calling the Publish operation", "publish", topic_arn=topic, message="pay with 4111 1111 1111 1111")

assert aws("subscribe", topic_arn=topic, protocol="http", notification_endpoint=url)["SubscriptionArn"] == "pending confirmation"
kind, request = received.get(timeout=30)
assert kind == "SubscriptionConfirmation", kind
arn = aws("confirm-subscription", topic_arn=topic, token=request["Token"])["SubscriptionArn"]
assert aws("list-subscriptions-by-topic", topic_arn=topic)["Subscriptions"][0]["SubscriptionArn"] == arn
assert aws("list-subscriptions")["Subscriptions"][0]["Endpoint"] == url
aws("set-subscription-attributes", subscription_arn=arn, attribute_name="FilterPolicy", attribute_value='{"store":["a"]}')
assert aws("get-subscription-attributes", subscription_arn=arn)["Attributes"]["FilterPolicy"] == '{"store":["a"]}'
store = json.dumps({"store": {"DataType": "String", "StringValue": "a"}})
aws("publish", topic_arn=topic, message="for nobody")
published = aws("publish", topic_arn=topic, message="for the store", subject="a parcel", message_attributes=store)
kind, envelope = received.get(timeout=30)
assert (kind, envelope["MessageId"]) == ("Notification", published["MessageId"]), envelope
assert (envelope["Message"], envelope["Subject"]) == ("for the store", "a parcel"), envelope
batch = aws("publish-batch", topic_arn=topic, publish_batch_request_entries=["Id=1,Message=one", "Id=2,Message=two"])
assert [entry["Id"] for entry in batch["Successful"]] == ["1", "2"], batch
aws("unsubscribe", subscription_arn=arn)
assert aws("list-subscriptions")["Subscriptions"] == []

number = "+15550100125"
aws("set-sms-attributes", attributes="DefaultSMSType=Transactional")
assert aws("get-sms-attributes", attributes="DefaultSMSType")["attributes"] == {"DefaultSMSType": "Transactional"}
assert aws("get-sms-sandbox-account-status") == {"IsInSandbox": False}
aws("create-sms-sandbox-phone-number", phone_number=number)
aws("verify-sms-sandbox-phone-number", phone_number=number, one_time_password=one_time_password(number))
numbers = aws("list-sms-sandbox-phone-numbers")["PhoneNumbers"]
assert numbers == [{"PhoneNumber": number, "Status": "Verified"}], numbers
aws("delete-sms-sandbox-phone-number", phone_number=number)
assert aws("list-origination-numbers")["PhoneNumbers"] == []
assert aws("check-if-phone-number-is-opted-out", phone_number=number) == {"isOptedOut": False}
assert aws("list-phone-numbers-opted-out")["phoneNumbers"] == []
aws("opt-in-phone-number", phone_number=number)
text = aws("publish", phone_number=number, message="the parcel is here")
assert kept(1, messageId=text["MessageId"])[0]["destination"] == number

credentials = "PlatformPrincipal=client-id,PlatformCredential=client-secret"
application = aws("create-platform-application", name="tour", platform="ADM", attributes=credentials)["PlatformApplicationArn"]
aws("set-platform-application-attributes", platform_application_arn=application, attributes="SuccessFeedbackSampleRate=50")
attributes = aws("get-platform-application-attributes", platform_application_arn=application)["Attributes"]
assert attributes["SuccessFeedbackSampleRate"] == "50", attributes
assert aws("list-platform-applications")["PlatformApplications"][0]["PlatformApplicationArn"] == application
endpoint = aws("create-platform-endpoint", platform_application_arn=application, token="a-token")["EndpointArn"]
aws("set-endpoint-attributes", endpoint_arn=endpoint, attributes="CustomUserData=somebody")
assert aws("get-endpoint-attributes", endpoint_arn=endpoint)["Attributes"]["CustomUserData"] == "somebody"
listed = aws("list-endpoints-by-platform-application", platform_application_arn=application)["Endpoints"]
assert [known["EndpointArn"] for known in listed] == [endpoint], listed
push = aws("publish", target_arn=endpoint, message="ding")
assert kept(1, messageId=push["MessageId"])[0]["destination"] == endpoint
aws("delete-endpoint", endpoint_arn=endpoint)
aws("delete-platform-application", platform_application_arn=application)

aws("delete-topic", topic_arn=topic)
assert aws("list-topics")["Topics"] == []
print("\n".join(sorted(called)))
