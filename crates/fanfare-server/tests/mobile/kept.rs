//! What outlives the program: everything that was answered.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::given::{Door, map};

const NUMBER: &str = "+15551234567";

/// The program on a directory of the test's, killed when the test is over.
struct Program {
    child: Child,
    door: Door,
}

impl Program {
    fn start(folder: &Path) -> Self {
        let settings = ["--auth", "off", "--outbox", "sms,application", "--sms-sandbox", "--sms-price", "0.01"];
        let mut child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--listen", "127.0.0.1:0", "--sms-origination-number", "+15550000001:US"])
            .args(settings)
            .arg("--data")
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("fanfare listens on ").unwrap().to_owned();
        Self { child, door: Door::at(base) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn what_was_answered_is_there_after_the_program_was_killed() {
    let folder = Folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mobile-{}", std::process::id())));
    let program = Program::start(&folder.0);
    let door = &program.door;
    let application = door.application("app").await;
    let endpoint = door.endpoint(&application, "token_1").await;
    door.set_endpoint(&endpoint, &[("Enabled", "false"), ("CustomUserData", "user")]).await.done();
    door.call("SetSMSAttributes", &map("attributes", &[("MonthlySpendLimit", "3")])).await.done();
    assert_eq!(door.json(reqwest::Method::PUT, "/opt-outs/+15550000009").await.0, 204);
    door.call("CreateSMSSandboxPhoneNumber", &[("PhoneNumber", NUMBER)]).await.done();
    drop(program);

    let program = Program::start(&folder.0);
    let door = &program.door;
    // The token leads to the same endpoint, which is as it was.
    assert_eq!(door.endpoint(&application, "token_1").await, endpoint);
    let attributes = door.endpoint_attributes(&endpoint).await;
    assert_eq!((attributes["Enabled"].as_str(), attributes["CustomUserData"].as_str()), ("false", "user"));
    let attributes = door.call::<&str>("GetSMSAttributes", &[]).await.done().map();
    assert_eq!(attributes["MonthlySpendLimit"], "3");
    assert_eq!(door.call::<&str>("ListPhoneNumbersOptedOut", &[]).await.done().all("member"), ["+15550000009"]);
    let numbers = door.call::<&str>("ListSMSSandboxPhoneNumbers", &[]).await.done();
    assert_eq!((numbers.one("PhoneNumber"), numbers.one("Status")), (NUMBER.to_owned(), "Pending".to_owned()));
    assert_eq!(door.call::<&str>("GetSMSSandboxAccountStatus", &[]).await.done().one("IsInSandbox"), "true");
    let origination = door.call::<&str>("ListOriginationNumbers", &[]).await.done();
    assert_eq!(origination.one("PhoneNumber"), "+15550000001");
}
