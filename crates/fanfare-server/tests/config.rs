//! Settings by flag, environment and file, seen through `fanfare config`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with files of settings, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("config-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes a file of settings, and says what `config check` says to it. The folder is called DIR in both.
    fn check(&self, toml: &str, flags: &[&str], variables: &[(&str, &str)]) -> (bool, String, String) {
        std::fs::write(self.0.join("fanfare.toml"), self.filled(toml)).unwrap();
        let output = fanfare(&["config", "check"])
            .arg("--config")
            .arg(self.0.join("fanfare.toml"))
            .args(flags.iter().map(|flag| self.filled(flag)))
            .envs(variables.iter().map(|(name, value)| (name, self.filled(value))))
            .output()
            .unwrap();
        let (good, out, error) = said(&output);
        let bare = |text: String| text.replace(self.0.to_str().unwrap(), "DIR");
        (good, bare(out), bare(error))
    }

    fn filled(&self, text: &str) -> String {
        text.replace("DIR", self.0.to_str().unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The program, in an environment without settings.
fn fanfare(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FANFARE_")) {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

fn said(output: &Output) -> (bool, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// The line of a listing that tells of one setting, as key, value and source.
fn line<'a>(listing: &'a str, key: &str) -> (&'a str, &'a str) {
    let line = listing.lines().find(|line| line.split(' ').next() == Some(key)).unwrap();
    let mut columns = line[key.len()..].split("  ").map(str::trim).filter(|column| !column.is_empty());
    (columns.next().unwrap(), columns.next().unwrap())
}

#[test]
fn the_table_of_settings_is_up_to_date() {
    let (good, table, _) = said(&fanfare(&["config", "table"]).output().unwrap());
    assert!(good);
    let written = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/CONFIGURATION.md")).unwrap();
    assert_eq!(written, table, "write it anew: cargo run -p fanfare-server -- config table > CONFIGURATION.md");
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default() {
    let folder = Folder::new("order");
    let file = "listen = \"127.0.0.1:1\"\nmemory = true\n\nauth = \"off\"\n";
    let listen = |flags: &[&str], variables: &[(&str, &str)]| {
        let (good, listing, error) = folder.check(file, flags, variables);
        assert!(good, "{error}");
        let (value, source) = line(&listing, "listen");
        (value.to_owned(), source.to_owned())
    };
    let expected = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    let variable = [("FANFARE_LISTEN", "127.0.0.1:2")];
    assert_eq!(listen(&["--listen", "127.0.0.1:3"], &variable), expected("127.0.0.1:3", "flag --listen"));
    assert_eq!(listen(&[], &variable), expected("127.0.0.1:2", "env FANFARE_LISTEN"));
    assert_eq!(listen(&[], &[("FANFARE_LISTEN", "")]), expected("127.0.0.1:1", "file DIR/fanfare.toml:1"));

    let (_, listing, _) = folder.check("memory = true\nauth = \"off\"\n", &[], &[]);
    assert_eq!(line(&listing, "listen"), ("127.0.0.1:9911", "default"));
    assert_eq!(line(&listing, "memory"), ("true", "file DIR/fanfare.toml:1"));
    assert_eq!(line(&listing, "data"), ("(not set)", "default"));
}

#[test]
fn the_environment_names_the_file_too() {
    let folder = Folder::new("named");
    std::fs::write(folder.0.join("it.toml"), "memory = true\nauth = \"off\"\n").unwrap();
    let output = fanfare(&["config", "check"]).env("FANFARE_CONFIG", folder.0.join("it.toml")).output().unwrap();
    let (good, listing, _) = said(&output);
    assert!(good);
    assert_eq!(line(&listing, "auth").0, "off");
}

#[test]
fn lists_come_with_commas_from_the_environment_and_as_arrays_from_the_file() {
    let folder = Folder::new("lists");
    let file = "memory = true\nauth = \"off\"\negress_allow = [\"10.0.0.0/8\", \".internal\"]\n";
    let (_, listing, _) = folder.check(file, &[], &[]);
    assert_eq!(line(&listing, "egress_allow"), ("10.0.0.0/8, .internal", "file DIR/fanfare.toml:3"));
    let variable = [("FANFARE_EGRESS_ALLOW", "127.0.0.0/8, ::1")];
    let (_, listing, _) = folder.check(file, &[], &variable);
    assert_eq!(line(&listing, "egress_allow"), ("127.0.0.0/8, ::1", "env FANFARE_EGRESS_ALLOW"));
    let flags = ["--egress-allow", "a.example", "--egress-allow", "b.example"];
    let (_, listing, _) = folder.check(file, &flags, &variable);
    assert_eq!(line(&listing, "egress_allow"), ("a.example, b.example", "flag --egress-allow"));
}

#[test]
fn everything_that_is_wrong_is_said_with_its_place() {
    let folder = Folder::new("wrong");
    let file = "# Settings\nlisten = \"everywhere\"\npublic-url = \"http://a.example\"\nauth = \"sigv5\"\n\
                memory = \"maybe\"\n\negress_allow = [\n  \"10.0.0.0/8\",\n  [],\n]\n";
    let (good, listing, error) = folder.check(file, &[], &[("FANFARE_EGRESS_ALLOW", "10.0.0.0/99")]);
    assert!(!good);
    assert_eq!(listing, "");
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(
        lines,
        [
            "fanfare: DIR/fanfare.toml:9: egress_allow: array is not what this setting takes",
            "fanfare: DIR/fanfare.toml:3: there is no setting \"public-url\": did you mean \"public_url\"?",
            "fanfare: FANFARE_EGRESS_ALLOW: \"10.0.0.0/99\" is not right: invalid egress rule \"10.0.0.0/99\": it is no CIDR block such as 10.0.0.0/8",
            "fanfare: DIR/fanfare.toml:2: listen: \"everywhere\" is not right: invalid socket address syntax",
            "fanfare: DIR/fanfare.toml:5: memory: \"maybe\" is not right: value was not a boolean",
            "fanfare: DIR/fanfare.toml:4: auth: \"sigv5\" is not right: it must be one of sigv4, off",
        ]
    );
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_the_line() {
    let folder = Folder::new("syntax");
    let (good, _, error) = folder.check("memory = true\nlisten = \n", &[], &[]);
    assert!(!good);
    assert_eq!(error, "fanfare: DIR/fanfare.toml:2: string values must be quoted, expected literal string\n");
    let (_, _, error) = said(&fanfare(&["config", "check", "--config", "/nonexistent/fanfare.toml"]).output().unwrap());
    assert!(error.starts_with("fanfare: cannot read /nonexistent/fanfare.toml: No such file or directory"), "{error}");
}

#[test]
fn a_server_that_could_not_start_is_not_called_good() {
    let folder = Folder::new("together");
    let wrong = |file: &str, flags: &[&str]| {
        let (good, _, error) = folder.check(file, flags, &[]);
        assert!(!good);
        error
    };
    assert_eq!(
        wrong("listen = \"0.0.0.0:9911\"\n", &[]),
        "fanfare: say where messages are kept: --data DIR, or --memory\n\
         fanfare: nobody could call: give at least one --key ACCESS:SECRET:ACCOUNT, or --auth off\n\
         fanfare: say with --public-url where subscribers reach this server: it listens on every address\n"
    );
    assert_eq!(
        wrong("data = \"x\"\nmemory = true\nauth = \"off\"\n", &[]),
        "fanfare: DIR/fanfare.toml:2: it cannot be given beside DIR/fanfare.toml:1\n"
    );
    assert_eq!(
        wrong("memory = true\nauth = \"off\"\npublic_url = \"ftp://a.example\"\n", &[]),
        "fanfare: DIR/fanfare.toml:3: \"ftp://a.example\": the public URL cannot be used: the base of links must begin with \
         http:// or https://\n"
    );
    assert_eq!(
        wrong("memory = true\nauth = \"off\"\nkey = [\"AKID:hush:123456789012\"]\n", &[]),
        "fanfare: --auth off checks no signature, so that --key has no use\n"
    );
}

#[test]
fn a_place_that_a_stronger_source_gives_replaces_the_other_one() {
    let folder = Folder::new("place");
    let file = "data = \"DIR/data\"\nauth = \"off\"\n";
    let (good, listing, error) = folder.check(file, &["--memory"], &[]);
    assert!(good, "{error}");
    assert_eq!(line(&listing, "memory"), ("true", "flag --memory"));
    assert_eq!(line(&listing, "data"), ("(not set)", "default"));
    let (good, listing, _) = folder.check("memory = true\nauth = \"off\"\n", &["--memory=false", "--data", "d"], &[]);
    assert!(good);
    assert_eq!(line(&listing, "memory"), ("false", "flag --memory"));
}

#[test]
fn keys_come_from_tables_lists_and_files_and_are_never_shown() {
    let folder = Folder::new("keys");
    std::fs::write(folder.0.join("one"), "hush-one\n").unwrap();
    std::fs::write(
        folder.0.join("many"),
        "# The others\nAKID3:hush-three:333333333333\n\nAKID4:hush:four:444444444444\n",
    )
    .unwrap();
    let file = "memory = true\nkey_file = \"DIR/many\"\n\n[[key]]\naccess = \"AKID1\"\nsecret_file = \"DIR/one\"\n\
                account = \"111111111111\"\n\n[[key]]\naccess = \"AKID2\"\nsecret = \"hush-two\"\naccount = \"222222222222\"\n";
    let (good, listing, error) = folder.check(file, &[], &[]);
    assert!(good, "{error}");
    assert_eq!(line(&listing, "key"), ("(4 hidden)", "file DIR/fanfare.toml:4"));
    assert!(!listing.contains("hush") && !error.contains("hush"));

    let two = [("FANFARE_KEY", "AKID5:hush:555555555555,AKID6:hush:666666666666")];
    let (_, listing, _) = folder.check(file, &[], &two);
    assert_eq!(line(&listing, "key"), ("(2 hidden)", "env FANFARE_KEY"));
    let (_, listing, _) = folder.check(file, &["--key-file", "DIR/many", "--key", "AKID7:hush:777777777777"], &two);
    assert_eq!(line(&listing, "key"), ("(3 hidden)", "flag --key"));
}

#[test]
fn keys_that_are_wrong_are_named_without_their_secrets() {
    let folder = Folder::new("bad-keys");
    std::fs::write(folder.0.join("many"), "AKID3:hush:333333333333\nAKID4-hush\n").unwrap();
    let wrong = |file: &str| {
        let (good, _, error) = folder.check(&format!("memory = true\n{file}"), &[], &[]);
        assert!(!good);
        assert!(!error.contains("hush"), "{error}");
        error
    };
    assert_eq!(
        wrong("key_file = \"DIR/many\""),
        "fanfare: DIR/many:2: a key must have the form ACCESS:SECRET:ACCOUNT\n"
    );
    assert_eq!(
        wrong("key = [\"AKID:hush:12\"]"),
        "fanfare: DIR/fanfare.toml:2: the account of access key AKID is not made of 12 digits\n"
    );
    assert_eq!(
        wrong("[[key]]\naccess = \"AKID\"\nsecrets = \"hush\"\naccount = \"111111111111\""),
        "fanfare: DIR/fanfare.toml:4: key: there is no setting \"secrets\": did you mean \"secret\"?\n"
    );
    assert_eq!(
        wrong("[[key]]\naccess = \"AKID\"\nsecret = \"hush\"\n"),
        "fanfare: DIR/fanfare.toml:2: key: \"account\" is missing\n"
    );
    assert!(wrong("key_file = \"DIR/none\"").starts_with("fanfare: DIR/fanfare.toml:2: cannot read DIR/none: "));
}

#[test]
fn a_variable_that_looks_like_a_setting_is_pointed_at() {
    let variables = [("FANFARE_LISTN", "127.0.0.1:1"), ("FANFARE_SERVICE_HOST", "10.0.0.1")];
    let (good, _, error) = Folder::new("strange").check("memory = true\nauth = \"off\"\n", &[], &variables);
    assert!(good);
    assert_eq!(
        error,
        "fanfare: warning: FANFARE_LISTN is no setting: did you mean FANFARE_LISTEN?\n\
         fanfare: warning: FANFARE_SERVICE_HOST is no setting\n"
    );
}

#[test]
fn settings_for_e_mails_are_checked_together_and_passwords_are_never_shown() {
    let folder = Folder::new("email");
    let file = "listen = \"127.0.0.1:0\"\nmemory = true\nauth = \"off\"\n";
    let smtp = ("FANFARE_SMTP", "smtps://ann:s3cret@smtp.example.com,smtp://127.0.0.1:25?starttls=off");
    let (good, listing, error) = folder.check(file, &["--email-from", "alerts@example.com"], &[smtp]);
    assert!(good && !listing.contains("s3cret"), "{listing}{error}");
    let (good, _, error) = folder.check(&format!("{file}smtp_file = \"DIR/smtp\"\n"), &[], &[]);
    assert!(!good && error.contains("DIR/smtp"), "{error}");

    let from = ("FANFARE_EMAIL_FROM", "alerts@example.com");
    for (flags, variables, said) in [
        (&[][..], &[from][..], "give at least one --smtp URL, too"),
        (&[], &[smtp], "give --email-from ADDRESS, too"),
        (&["--email-name", "Alerts"], &[], "it has no use without --smtp and --email-from"),
        (&["--email-from", "alerts"], &[smtp], "the sender is no e-mail address"),
        (&["--smtp", "http://ann:s3cret@smtp.example.com"], &[from], "begins with smtps:// or smtp://"),
        (&["--email-per-second", "0"], &[from, smtp], "'0' for '--email-per-second"),
        (&["--smtp-ca", "DIR/none.pem"], &[from, smtp], "DIR/none.pem: No such file"),
        (&["--smtp-ca", "DIR/fanfare.toml"], &[from, smtp], "no certificate in a PEM text"),
        (&["--dkim-selector", "s1"], &[from, smtp], "all of --dkim-key, --dkim-selector and --dkim-domain"),
        (
            &["--dkim-key", "DIR/fanfare.toml", "--dkim-selector", "s1", "--dkim-domain", "example.com"],
            &[from, smtp],
            "the DKIM key is no private key",
        ),
    ] {
        let (good, _, error) = folder.check(file, flags, variables);
        assert!(!good && error.contains(said), "{flags:?}: {error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn settings_for_pushes_that_cannot_work_are_refused_with_their_place() {
    let folder = Folder::new("push");
    let file = "listen = \"127.0.0.1:0\"\nmemory = true\nauth = \"off\"\n";
    let fine =
        ["--push-through-sns", "--apns-url", "https://proxy.example.com:2197", "--fcm-url", "https://fcm.example.com"];
    let (good, _, error) = folder.check(file, &fine, &[]);
    assert!(good, "{error}");
    for (flags, said) in [
        (&["--apns-url", "apns.example.com"][..], "--apns-url: the url of a push service cannot be used"),
        (
            &["--fcm-url", "https://fcm.example.com/v1"],
            "--fcm-url: the url of a push service must have no user, no path",
        ),
        (&["--push-ca", "DIR/none.pem"], "DIR/none.pem: No such file"),
        (&["--push-ca", "DIR/fanfare.toml"], "no certificate in a PEM text"),
    ] {
        let (good, _, error) = folder.check(file, flags, &[]);
        assert!(!good && error.contains(said), "{flags:?}: {error}");
    }
}
