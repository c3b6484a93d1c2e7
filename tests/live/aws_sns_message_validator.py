"""Judges the message on standard input with the PyPI package aws-sns-message-validator.

Usage: python aws_sns_message_validator.py https://HOST:PORT/, where the certificate that is to be trusted lies.
"""

import json
import re
import sys

from sns_message_validator import SNSMessageValidator

try:
    validator = SNSMessageValidator(cert_url_regex="^" + re.escape(sys.argv[1]))
    validator.validate_message(json.load(sys.stdin))
except Exception as error:
    print(f"invalid: {type(error).__name__}: {error}")
else:
    print("valid")
