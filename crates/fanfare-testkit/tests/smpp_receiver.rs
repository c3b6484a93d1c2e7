//! The network of phones, spoken to byte by byte.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

use fanfare_testkit::{SmppBehaviour, SmppReceiver};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Sends a request, and gives command, status and body of what is answered.
async fn asked(stream: &mut TcpStream, command: u32, body: &[u8]) -> (u32, u32, Vec<u8>) {
    let length = u32::try_from(16 + body.len()).unwrap();
    let head: Vec<u8> = [length, command, 0, 7].into_iter().flat_map(u32::to_be_bytes).collect();
    stream.write_all(&[&head, body].concat()).await.unwrap();
    let mut head = [0; 16];
    stream.read_exact(&mut head).await.unwrap();
    let word = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap());
    let mut body = vec![0; word(0) as usize - 16];
    stream.read_exact(&mut body).await.unwrap();
    assert_eq!(word(12), 7, "the number of the request comes back");
    (word(4), word(8), body)
}

fn bind(password: &str) -> Vec<u8> {
    format!("esme\0{password}\0\0\x34\0\0\0").into_bytes()
}

/// A text of three letters in the alphabet of GSM, one of them beyond ASCII.
const SUBMIT: &[u8] = b"\0\x05\0ACME\0\x01\x0112025550123\0\0\0\0\0\0\0\0\0\0\x03H\x05!";

#[tokio::test]
async fn a_session_has_to_be_bound_with_the_right_password() {
    let network = SmppReceiver::start().await;
    network.only("esme", "right");
    let mut stream = TcpStream::connect(network.addr()).await.unwrap();
    assert_eq!(asked(&mut stream, 0x04, SUBMIT).await, (0x8000_0004, 0x04, vec![]));
    assert_eq!(asked(&mut stream, 0x09, &bind("wrong")).await.1, 0x0e);
    assert_eq!(asked(&mut stream, 0x09, &bind("right")).await, (0x8000_0009, 0, b"testkit\0".to_vec()));
    assert_eq!(asked(&mut stream, 0x15, b"").await, (0x8000_0015, 0, vec![]));
    // What it does not know.
    assert_eq!(asked(&mut stream, 0x103, b"").await, (0x8000_0000, 0x03, vec![]));
    assert_eq!((network.binds(), network.sessions()), (1, 1));
    drop(stream);
    network.wait_for_the_end().await;
}

#[tokio::test]
async fn a_message_is_decoded_taken_or_refused() {
    let network = SmppReceiver::start().await;
    let mut stream = TcpStream::connect(network.addr()).await.unwrap();
    asked(&mut stream, 0x09, &bind("any")).await;
    let (_, status, id) = asked(&mut stream, 0x04, SUBMIT).await;
    let message = &network.messages()[0];
    assert_eq!((status, id), (0, format!("{}\0", message.ids[0]).into_bytes()));
    assert_eq!((message.text.as_str(), message.from.as_str(), message.from_type), ("Hé!", "ACME", (5, 0)));
    assert_eq!((message.to.as_str(), message.parts), ("12025550123", 1));
    network.behave(SmppBehaviour::StatusForTexts("é".to_owned(), 0x58));
    assert_eq!(asked(&mut stream, 0x04, SUBMIT).await.1, 0x58);
    // One that is cut off is none.
    assert_eq!(asked(&mut stream, 0x04, &SUBMIT[..20]).await.1, 0x01);
    assert_eq!((network.messages().len(), network.attempts()), (1, 2));
}
