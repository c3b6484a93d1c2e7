"""What the server lists instead of sending it, asked for with requests that botocore signs.

As a program: `outbox.py PARAMETER=VALUE ...` waits for one such delivery and prints its text.
"""

import json
import os
import re
import sys
import urllib.parse
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.session


def kept(count, **choice):
    """The chosen deliveries, once there are that many."""
    query = urllib.parse.urlencode({**choice, "count": count, "timeout": "30s"})
    url = f"{os.environ['AWS_ENDPOINT_URL']}/_fanfare/outbox/wait?{query}"
    request = botocore.awsrequest.AWSRequest("GET", url)
    session = botocore.session.Session()
    region = os.environ["AWS_DEFAULT_REGION"]
    botocore.auth.SigV4Auth(session.get_credentials(), "sns", region).add_auth(request)
    with urllib.request.urlopen(urllib.request.Request(url, headers=dict(request.headers))) as answer:
        return json.load(answer)["messages"]


def one_time_password(number):
    """The password in the last text message to that number."""
    return re.search(r"\d{5,8}", kept(1, destination=number)[-1]["text"])[0]


if __name__ == "__main__":
    print(kept(1, **dict(part.split("=", 1) for part in sys.argv[1:]))[-1]["text"])
