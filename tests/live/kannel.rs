//! Debian's Kannel with its own fake network, in a folder of its own.

use std::fs::File;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Who may send.
pub(crate) const USER: &str = "fanfare";
pub(crate) const PASSWORD: &str = "s3cret";

/// Where its parts listen: it has a network namespace to itself.
const ADMIN: u16 = 13100;
const BOXES: u16 = 13101;
const PHONES: u16 = 13102;
const SENDSMS: u16 = 13103;

/// How long a part of it may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The programs: the bearerbox talks to the network, the smsbox to us, and the network is none.
#[derive(Debug)]
pub(crate) struct Kannel {
    folder: PathBuf,
    bearerbox: Child,
    network: Child,
    smsbox: Child,
}

/// A message as the fake network got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) text: String,
    /// The header of a part.
    pub(crate) header: Vec<u8>,
    /// What follows the header, where that is not text.
    data: Vec<u8>,
}

impl Shown {
    /// What is in UCS-2, in the units of that.
    pub(crate) fn units(&self) -> Vec<u16> {
        self.data.chunks(2).map(|pair| u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)])).collect()
    }
}

impl Kannel {
    /// Starts all of it. Its ports are fixed, and the fake network's is open to every interface: this is for a network namespace.
    pub(crate) fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("fanfare-kannel-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        std::fs::write(folder.join("kannel.conf"), configuration()).expect("the folder takes files");
        let bearerbox = spawn(&folder, "/usr/sbin/bearerbox", &["-v", "1", "kannel.conf"], "bearerbox");
        wait_for_port(PHONES);
        wait_for_port(BOXES);
        let port = PHONES.to_string();
        // It sends nothing by itself: a message in an hour, of which none is due.
        let network = ["-H", "127.0.0.1", "-r", &port, "-i", "3600", "-m", "0", "1 2 text none"];
        let network = spawn(&folder, "/usr/lib/kannel/test/fakesmsc", &network, "network");
        let smsbox = smsbox(&folder);
        Self { folder, bearerbox, network, smsbox }
    }

    /// Where messages are sent.
    pub(crate) fn url() -> String {
        format!("http://127.0.0.1:{SENDSMS}/cgi-bin/sendsms")
    }

    /// Ends the part that takes messages.
    pub(crate) fn stop(&mut self) {
        end(&mut self.smsbox);
    }

    /// Starts it again.
    pub(crate) fn start_again(&mut self) {
        self.smsbox = smsbox(&self.folder);
    }

    /// What the fake network got so far, decoded by Kannel.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        let log = std::fs::read(self.folder.join("network.log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        // A text may have a line break in it.
        let messages = log.split("Got message ").skip(1);
        messages.filter_map(|rest| read(rest.split_once(": <")?.1.split(">\n").next()?)).collect()
    }

    /// Waits until there are as many messages as `enough` wants.
    pub(crate) async fn wait(&self, enough: impl Fn(&[Shown]) -> bool) -> Vec<Shown> {
        let began = Instant::now();
        loop {
            let shown = self.shown();
            if enough(&shown) {
                return shown;
            }
            assert!(began.elapsed() < PATIENCE, "the network has {shown:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Kannel {
    fn drop(&mut self) {
        for child in [&mut self.smsbox, &mut self.network, &mut self.bearerbox] {
            end(child);
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn configuration() -> String {
    format!(
        "group = core\nadmin-port = {ADMIN}\nadmin-password = none\nsmsbox-port = {BOXES}\nbox-allow-ip = 127.0.0.1\n\n\
         group = smsc\nsmsc = fake\nsmsc-id = fake\nport = {PHONES}\nconnect-allow-ip = 127.0.0.1\n\n\
         group = smsbox\nbearerbox-host = 127.0.0.1\nsendsms-port = {SENDSMS}\nglobal-sender = 12345\n\n\
         group = sendsms-user\nusername = {USER}\npassword = {PASSWORD}\nconcatenation = true\nmax-messages = 48\n\n\
         group = sms-service\nkeyword = default\ntext = none\n"
    )
}

fn smsbox(folder: &Path) -> Child {
    let smsbox = spawn(folder, "/usr/sbin/smsbox", &["-v", "1", "kannel.conf"], "smsbox");
    wait_for_port(SENDSMS);
    smsbox
}

fn spawn(folder: &Path, program: &str, arguments: &[&str], log: &str) -> Child {
    let log = File::options().create(true).append(true).open(folder.join(format!("{log}.log")));
    let log = log.expect("the folder takes files");
    let mut command = Command::new(program);
    command.current_dir(folder).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command.spawn().unwrap_or_else(|error| panic!("{program}: {error}: run this test by `cargo xtask test`"))
}

fn end(child: &mut Child) {
    // One that has ended cannot be ended again.
    let _ = child.kill();
    let _ = child.wait();
}

fn wait_for_port(port: u16) {
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(began.elapsed() < PATIENCE, "nothing listens at {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// `FROM TO text TEXT` in UTF-8, and `FROM TO ucs-2 ESCAPED`, `FROM TO data ESCAPED` or `FROM TO udh ESCAPED data ESCAPED`,
/// where what is escaped is UCS-2.
fn read(line: &str) -> Option<Shown> {
    let mut words = line.splitn(4, ' ');
    let (from, to, kind, rest) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let (from, to) = (from.to_owned(), to.to_owned());
    let (header, data) = match kind {
        "text" => {
            let (text, header, data) = (rest.to_owned(), Vec::new(), Vec::new());
            return Some(Shown { from, to, text, header, data });
        }
        "udh" => {
            let (header, data) = rest.split_once(" data ")?;
            (unescaped(header), unescaped(data))
        }
        _ => (Vec::new(), unescaped(rest)),
    };
    let mut shown = Shown { from, to, text: String::new(), header, data };
    shown.text = String::from_utf16_lossy(&shown.units());
    Some(shown)
}

fn unescaped(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        rest = if byte.is_some() { &tail[2..] } else { tail };
        bytes.push(byte.unwrap_or(if *first == b'+' { b' ' } else { *first }));
    }
    bytes
}
