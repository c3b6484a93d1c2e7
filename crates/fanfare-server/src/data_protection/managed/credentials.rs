//! What opens doors.

use super::{Managed, pattern};

pub(super) static ALL: [Managed; 5] = [
    Managed::form(
        "AwsSecretKey",
        || pattern("[A-Za-z0-9/+]{40}"),
        |candidate| {
            let text = candidate.as_str();
            let continues =
                |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '+' | '='));
            let mixed = text.bytes().any(|b| b.is_ascii_uppercase())
                && text.bytes().any(|b| b.is_ascii_lowercase())
                && text.bytes().any(|b| b.is_ascii_digit());
            !continues(candidate.before())
                && !continues(candidate.after())
                && mixed
                && candidate.follows_one_of(&["secret", "aws_", "aws-", "credential", "access key", "accesskey"])
        },
    ),
    // A key that breaks off ends with the text.
    Managed::form(
        "OpenSshPrivateKey",
        || pattern(r"(?s)-----BEGIN OPENSSH PRIVATE KEY-----.*?(?:-----END OPENSSH PRIVATE KEY-----|\z)"),
        |_| true,
    ),
    Managed::form(
        "PgpPrivateKey",
        || pattern(r"(?s)-----BEGIN PGP PRIVATE KEY BLOCK-----.*?(?:-----END PGP PRIVATE KEY BLOCK-----|\z)"),
        |_| true,
    ),
    Managed::form(
        "PkcsPrivateKey",
        || {
            pattern(
                r"(?s)-----BEGIN (?:(?:RSA|EC|DSA|ENCRYPTED) )?PRIVATE KEY-----.*?(?:-----END (?:(?:RSA|EC|DSA|ENCRYPTED) )?PRIVATE KEY-----|\z)",
            )
        },
        |_| true,
    ),
    Managed::form(
        "PuttyPrivateKey",
        || pattern(r"(?s)PuTTY-User-Key-File-[0-9]+: .*?(?:Private-MAC: [0-9A-Fa-f]+|\z)"),
        |_| true,
    ),
];
