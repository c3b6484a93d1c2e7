//! nginx under TLS in front of a receiver and of the pages behind links.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fanfare_testkit::TestCa;
use tokio::net::TcpStream;

/// A running nginx with a folder of its own; both go when it is dropped.
#[derive(Debug)]
pub(crate) struct Nginx {
    child: Child,
    folder: PathBuf,
    port: u16,
    ca_pem: String,
}

impl Nginx {
    /// A loopback port that nobody has at the moment.
    pub(crate) fn free_port() -> u16 {
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("loopback has ports").port()
    }

    /// Serves `/inbox` from `receiver` and everything else from `pages`, with a certificate of `ca`.
    pub(crate) async fn start(port: u16, ca: &TestCa, receiver: SocketAddr, pages: SocketAddr) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("nginx-{port}"));
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        let identity = ca.server_identity(&["127.0.0.1", "localhost", "sns.us-east-1.amazonaws.com"]);
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("the folder takes files");
        write("ca.pem", &ca.certificate_pem());
        write("server.pem", &identity.certificate_pem());
        write("server.key", &identity.private_key_pem());
        write("nginx.conf", &configuration(port, receiver, pages));
        let child = Command::new(installed("FANFARE_NGINX"))
            .arg("-p")
            .arg(&folder)
            .args(["-c", "nginx.conf", "-e", "error.log"])
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("nginx starts");
        let nginx = Self { child, folder, port, ca_pem: ca.certificate_pem() };
        nginx.wait_until_it_listens().await;
        nginx
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its address, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    pub(crate) fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    pub(crate) fn ca_path(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    async fn wait_until_it_listens(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(Instant::now() < deadline, "nginx does not listen; see {}", self.folder.display());
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // A master that is asked to end takes its workers along; one that is killed leaves them behind.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        if asked.is_ok_and(|status| status.success()) {
            let _ = self.child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The path in an environment variable that `cargo xtask test` sets.
pub(crate) fn installed(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable).map(PathBuf::from);
    let path = path.unwrap_or_else(|| panic!("{variable} is not set: run this test by `cargo xtask test`"));
    assert!(Path::new(&path).exists(), "{variable} names {}, which is not there", path.display());
    path
}

fn configuration(port: u16, receiver: SocketAddr, pages: SocketAddr) -> String {
    format!(
        "daemon off;
pid nginx.pid;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate server.pem;
    ssl_certificate_key server.key;
    location = /inbox {{ proxy_pass http://{receiver}; }}
    location / {{ proxy_pass http://{pages}; }}
  }}
}}
"
    )
}
