"""Serves moto on 127.0.0.1 at the port that is given, after the requests on standard input were answered: nobody sees a server
that lacks them."""

import json
import sys

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
from werkzeug.test import Client

application = DomainDispatcherApplication(create_backend_app)
client = Client(application)
for request in json.load(sys.stdin):
    response = client.open(request["path"], method="POST", headers=request["headers"], data=request["body"])
    if response.status_code >= 300:
        sys.exit(f"{request}: {response.status} {response.get_data(as_text=True)}")
run_simple("127.0.0.1", int(sys.argv[1]), application, threaded=True)
