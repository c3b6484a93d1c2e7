"""The other side of events, by the PyPI package cloudevents.

Usage: python cloudevents.py send URL, which posts one event in the binary mode and one in the structured mode and prints the
statuses; or python cloudevents.py read, which reads {"headers": ..., "body": ...} on standard input and prints the event.
"""

import json
import sys
import urllib.request

# This file has the name of the package.
sys.path.pop(0)

from cloudevents.core.bindings.http import HTTPMessage, from_http, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent


def event(name):
    attributes = {
        "id": name,
        "source": "https://example.com/żółć?a=b",
        "type": "com.example.made",
        "subject": "Euro € 😀",
        "datacontenttype": "application/json",
        "number": 5,
    }
    return CloudEvent(attributes=attributes, data={"of": name})


def send(url):
    for message in (to_binary(event("binary"), JSONFormat()), to_structured(event("structured"), JSONFormat())):
        request = urllib.request.Request(url, data=message.body, headers=message.headers, method="POST")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            print(answer.status)


def read():
    received = json.load(sys.stdin)
    read = from_http(HTTPMessage(headers=received["headers"], body=received["body"].encode()), JSONFormat())
    shown = {name: str(value) for name, value in read.get_attributes().items()}
    print(json.dumps({"attributes": shown, "data": read.get_data()}))


if sys.argv[1] == "send":
    send(sys.argv[2])
else:
    read()
