//! Debian's Postfix with STARTTLS, a login and mailboxes of its own, and what Python reads in them.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use fanfare_testkit::TestCa;
use serde_json::Value;
use tokio::net::TcpStream;

/// Who may send.
const USER: &str = "alerts@example.com";
const PASSWORD: &str = "s3cret: /%";

/// How long a mail may take to be in its mailbox.
const PATIENCE: Duration = Duration::from_secs(30);

/// A Postfix in a folder of its own; both go when it is dropped.
#[derive(Debug)]
pub(crate) struct Postfix {
    folder: PathBuf,
    port: u16,
    /// What the DNS would say of the key that signs.
    dkim_record: String,
}

impl Postfix {
    /// Starts one with a certificate of `ca`, and the mailboxes `ann@example.com` and `inbox@example.com`, whose mails are
    /// verified by `dkim_record`, if there is one.
    pub(crate) async fn start(ca: &TestCa, dkim_record: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
        let port = listener.local_addr().expect("a listener has an address").port();
        drop(listener);
        // Its parts run as other users, who cannot look into everybody's folders.
        let folder = std::env::temp_dir().join(format!("fanfare-postfix-{port}"));
        let _ = std::fs::remove_dir_all(&folder);
        for name in ["etc/sasl", "spool", "data", "mail"] {
            std::fs::create_dir_all(folder.join(name)).expect("the folder can be made");
        }
        let postfix = Self { folder, port, dkim_record: dkim_record.to_owned() };
        let identity = ca.server_identity(&["127.0.0.1", "localhost"]);
        postfix.write("etc/cert.pem", &identity.certificate_pem());
        postfix.write("etc/key.pem", &identity.private_key_pem());
        postfix.write("etc/main.cf", &postfix.main());
        postfix.write("etc/master.cf", &master(port));
        postfix.write("etc/sasl/smtpd.conf", &postfix.sasl());
        postfix.write("etc/access", "");
        postfix.add_user();
        postfix.chown(&["data", "mail", "etc/sasldb2"]);
        postfix.run();
        postfix.wait_until_it_listens().await;
        postfix
    }

    /// The URL of this relay, with its login.
    pub(crate) fn url(&self) -> String {
        format!("smtp://alerts%40example.com:s3cret%3A%20%2F%25@127.0.0.1:{}", self.port)
    }

    /// Starts it again after [`Postfix::stop`].
    pub(crate) fn run(&self) {
        self.control("start");
    }

    /// Stops it; what it has taken stays in its queue.
    pub(crate) fn stop(&self) {
        self.control("stop");
    }

    /// From now on, mails to these addresses are put off.
    pub(crate) fn put_off(&self, addresses: &[&str]) {
        let lines: String = addresses.iter().map(|address| format!("{address} 450 4.2.0 mailbox busy\n")).collect();
        self.write("etc/access", &lines);
        // Its parts read the addresses once, when they begin.
        self.stop();
        self.run();
    }

    /// From now on, mails that it takes wait in its queue, or no more do.
    pub(crate) fn keep_back(&self, keep: bool) {
        let transports = if keep { "defer_transports = virtual\n" } else { "" };
        self.write("etc/main.cf", &(self.main() + transports));
        // What keeps the queue reads its settings once, when it begins.
        self.stop();
        self.run();
    }

    /// Has it try again what waits in its queue.
    pub(crate) fn flush(&self) {
        self.control("flush");
    }

    /// Whom the mails are for that it has taken and put off.
    pub(crate) fn deferred(&self) -> Vec<String> {
        let mut command = Command::new("postqueue");
        let command = command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").arg("-c").arg(self.folder.join("etc"));
        let output = command.arg("-j").output().expect("postqueue comes with postfix");
        succeeded("postqueue", &output);
        let queue = String::from_utf8_lossy(&output.stdout);
        let mails = queue.lines().map(|line| serde_json::from_str::<Value>(line).expect("it prints JSON"));
        let deferred = mails.filter(|mail| mail["queue_name"] == "deferred");
        deferred.map(|mail| mail["recipients"][0]["address"].as_str().expect("it has one").to_owned()).collect()
    }

    /// Waits until there are at least `count` mails in the mailbox `name`, and gives what Python's parser reads in each.
    pub(crate) async fn wait_for(&self, name: &str, count: usize) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        let folder = self.folder.join("mail").join(name).join("new");
        loop {
            let mut files: Vec<_> =
                std::fs::read_dir(&folder).into_iter().flatten().filter_map(|file| Some(file.ok()?.path())).collect();
            if files.len() >= count {
                files.sort();
                return files.iter().map(|file| self.read(file)).collect();
            }
            assert!(Instant::now() < deadline, "{} of {count} mails for {name}: {}", files.len(), self.log());
            // Somebody else's program puts them there, and tells nobody.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the log of the server has this `count` times.
    pub(crate) async fn wait_until_logged(&self, part: &str, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.logged(part) < count {
            assert!(Instant::now() < deadline, "{part:?} is not {count} times in {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How often the log of the server has this.
    pub(crate) fn logged(&self, part: &str) -> usize {
        self.log().matches(part).count()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).expect("the folder takes files");
    }

    fn control(&self, act: &str) {
        let output = Command::new("postfix")
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .arg("-c")
            .arg(self.folder.join("etc"))
            .arg(act)
            .output()
            .expect("postfix is installed by `cargo xtask test`");
        succeeded(act, &output);
    }

    fn add_user(&self) {
        use std::io::Write as _;

        let mut child = Command::new("saslpasswd2")
            .env("PATH", "/usr/sbin:/usr/bin")
            .args(["-p", "-c", "-u", "example.com", "-f"])
            .arg(self.folder.join("etc/sasldb2"))
            .arg("alerts")
            .stdin(Stdio::piped())
            .spawn()
            .expect("saslpasswd2 is installed by `cargo xtask test`");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        stdin.write_all(PASSWORD.as_bytes()).expect("it reads the password");
        drop(stdin);
        assert!(child.wait().expect("it ends").success(), "{USER} could not be added");
    }

    /// What Python's parser reads in a mail.
    fn read(&self, file: &Path) -> Value {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/live/read_mail.py");
        let mut command = Command::new(crate::python());
        let output = command.arg(script).arg(file).arg(&self.dkim_record).output().expect("Python runs");
        succeeded("read_mail.py", &output);
        serde_json::from_slice(&output.stdout).expect("it prints JSON")
    }

    fn chown(&self, names: &[&str]) {
        let output = Command::new("chown")
            .arg("postfix")
            .args(names.iter().map(|name| self.folder.join(name)))
            .output()
            .expect("chown is there");
        succeeded("chown", &output);
    }

    async fn wait_until_it_listens(&self) {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(Instant::now() < deadline, "postfix does not listen: {}", self.log());
            tokio::task::yield_now().await;
        }
    }

    fn main(&self) -> String {
        let folder = self.folder.display();
        let id = |flag: &str| {
            let output = Command::new("id").args([flag, "postfix"]).output().expect("id is there");
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        let (user, group) = (id("-u"), id("-g"));
        format!(
            "compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.com
mydestination =
alias_maps =
virtual_mailbox_domains = example.com
virtual_mailbox_maps = inline:{{ ann@example.com=ann/ inbox@example.com=inbox/ }}
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{group}
local_transport = error:none
default_transport = error:none
smtpd_tls_cert_file = {folder}/etc/cert.pem
smtpd_tls_key_file = {folder}/etc/key.pem
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain = example.com
cyrus_sasl_config_path = {folder}/etc/sasl
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/etc/access, permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_error_sleep_time = 0
"
        )
    }

    fn sasl(&self) -> String {
        let database = self.folder.join("etc/sasldb2");
        format!(
            "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {}\nmech_list: PLAIN LOGIN\n",
            database.display()
        )
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let _ = Command::new("postfix")
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .arg("-c")
            .arg(self.folder.join("etc"))
            .arg("abort")
            .output();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn succeeded(act: &str, output: &Output) {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    assert!(output.status.success(), "{act}: {}", String::from_utf8_lossy(&said));
}

/// The services that deliver to mailboxes, and no other.
fn master(port: u16) -> String {
    format!(
        "127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
pickup unix n - n 60 1 pickup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"
    )
}
