"""Prints what Python's own parser reads in the mail file argv[1], and whether its DKIM signature is right by the record argv[2]."""

import email
import email.policy
import json
import sys

content = open(sys.argv[1], "rb").read()
mail = email.message_from_bytes(content, policy=email.policy.default)
record = sys.argv[2]
signed = None
if record and mail["DKIM-Signature"]:
    import dkim

    def published(name, timeout=5):
        return record.encode() if name == b"s1._domainkey.example.com." else None

    signed = dkim.verify(content, dnsfunc=published)
print(
    json.dumps(
        {
            "from": [mail["From"].addresses[0].display_name, mail["From"].addresses[0].addr_spec],
            "to": str(mail["To"]),
            "subject": str(mail["Subject"]),
            "id": str(mail["Message-ID"]),
            "list_unsubscribe": mail["List-Unsubscribe"] and str(mail["List-Unsubscribe"]),
            "received": str(mail["Received"]),
            "text": mail.get_content(),
            "defects": [repr(defect) for defect in mail.defects],
            "signed": signed,
        }
    )
)
