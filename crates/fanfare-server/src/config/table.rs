//! The table of settings in `CONFIGURATION.md`.

use super::setting::{Setting, declared};

/// `CONFIGURATION.md`, from its heading to its end.
pub(super) fn markdown() -> String {
    let rows: String = declared().iter().map(row).collect();
    format!("{HEAD}{rows}{FOOT}")
}

const HEAD: &str = "\
# Settings of the server

Every setting of `fanfare serve` can be given

1. by flag (`--public-url URL`),
2. by environment variable (`FANFARE_PUBLIC_URL`), and
3. in a TOML file (`public_url = \"...\"`), which `--config FILE` or `FANFARE_CONFIG` names.

When several say something, the first of them in this order holds; lists are not joined. An empty variable says nothing. In
a variable, the entries of a list are separated by commas; in the file, a list is an array. Relative paths start at the
directory that the server is started in. A key that no setting has is refused.

`fanfare config check` takes the same flags, variables and file. It says what is wrong, with the line, and exits with an error; or it
shows each setting with its value and where that comes from. Secrets are never shown.

| flag | variable | key in the file | default | meaning |
| --- | --- | --- | --- | --- |
";

const FOOT: &str = "
## A file

```toml
listen = \"0.0.0.0:9911\"
public_url = \"https://sns.example.com\"
data = \"/var/lib/fanfare\"
egress_allow = [\"10.0.0.0/8\", \".internal\"]

[[key]]
access = \"AKIDEXAMPLE\"
secret_file = \"/run/secrets/fanfare\"
account = \"123456789012\"

[[key]]
access = \"AKIDANOTHER\"
secret = \"a-secret-of-yours\"
account = \"210987654321\"
```

Keys can also stand in the file of `--key-file`, one `ACCESS:SECRET:ACCOUNT` per line; empty lines, and lines that begin with
`#`, do not count.
";

fn row(setting: &Setting) -> String {
    let flag = setting.usage().replace('|', "\\|");
    let default = setting.default().map(|value| format!("`{}`", value.to_string_lossy())).unwrap_or_default();
    let help = setting.arg().get_long_help().or(setting.arg().get_help());
    let help = help.map(ToString::to_string).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let help = help.trim_end_matches('.').replace('|', "\\|");
    format!("| `{flag}` | `{}` | `{}` | {default} | {help}. |\n", setting.variable(), setting.key())
}
