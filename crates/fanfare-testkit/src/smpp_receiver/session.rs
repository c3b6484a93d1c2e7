//! One session of a network.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

use super::pdu::{self, Submit};
use super::{Shared, SmppBehaviour};

/// The requests of SMPP, and the bit of a response.
const BIND_TRANSCEIVER: u32 = 0x09;
const SUBMIT_SM: u32 = 0x04;
const DELIVER_SM_RESP: u32 = 0x8000_0005;
const UNBIND: u32 = 0x06;
const ENQUIRE_LINK: u32 = 0x15;
const GENERIC_NACK: u32 = 0x8000_0000;

/// What a network answers to a wrong password, and to what it does not know.
const WRONG_PASSWORD: u32 = 0x0e;
const UNKNOWN_REQUEST: u32 = 0x03;
const NOT_BOUND: u32 = 0x04;

/// The longest request that is read.
const REQUEST_BYTES_MAX: usize = 64 << 10;

/// Speaks over one connection until it ends.
pub(super) async fn serve(stream: impl AsyncRead + AsyncWrite, shared: Arc<Shared>, session: usize) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (sender, mut answers) = mpsc::unbounded_channel::<Vec<u8>>();
    let reading = async {
        let mut bound = false;
        let mut head = [0; 16];
        while reader.read_exact(&mut head).await.is_ok() {
            let [length, command, _, sequence] =
                [0, 4, 8, 12].map(|at| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]));
            let Some(length) = (length as usize).checked_sub(16).filter(|length| *length <= REQUEST_BYTES_MAX) else {
                return;
            };
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).await.is_err() {
                return;
            }
            let answer = match command {
                BIND_TRANSCEIVER => {
                    let status = shared.bind(&body);
                    bound = status == 0;
                    if bound {
                        shared.state().sessions.insert(session, sender.clone());
                        shared.state().binds += 1;
                        shared.changed.notify_waiters();
                    }
                    Some(pdu::response(command, status, sequence, b"testkit\0"))
                }
                SUBMIT_SM if bound => match shared.submit(&body) {
                    Some(Taken { status, id, receipt }) => {
                        let body = if status == 0 { format!("{id}\0") } else { String::new() };
                        // The receipt goes right behind the answer.
                        let _ = sender.send(pdu::response(command, status, sequence, body.as_bytes()));
                        if let Some(state) = receipt {
                            shared.tell(Some(session), &id, &state);
                        }
                        None
                    }
                    None if shared.state().behaviour == SmppBehaviour::Close => return,
                    None => None,
                },
                SUBMIT_SM => Some(pdu::response(command, NOT_BOUND, sequence, b"")),
                ENQUIRE_LINK if shared.state().behaviour == SmppBehaviour::Deaf => None,
                ENQUIRE_LINK => Some(pdu::response(command, 0, sequence, b"")),
                UNBIND => {
                    let _ = sender.send(pdu::response(command, 0, sequence, b""));
                    return;
                }
                DELIVER_SM_RESP => None,
                _ => Some(pdu::command(GENERIC_NACK, UNKNOWN_REQUEST, sequence, b"")),
            };
            if let Some(answer) = answer {
                let _ = sender.send(answer);
            }
        }
    };
    tokio::pin!(reading);
    loop {
        tokio::select! {
            () = &mut reading => break,
            Some(answer) = answers.recv() => {
                if writer.write_all(&answer).await.is_err() {
                    break;
                }
            }
        }
    }
    shared.state().sessions.remove(&session);
    shared.changed.notify_waiters();
}

/// What became of a part that was answered.
struct Taken {
    status: u32,
    id: String,
    /// The state that is told of it.
    receipt: Option<String>,
}

impl Shared {
    fn bind(&self, body: &[u8]) -> u32 {
        let state = self.state();
        let Some((system_id, password)) = &state.credentials else { return 0 };
        let mut fields = body.split(|b| *b == 0);
        let right = fields.next() == Some(system_id.as_bytes()) && fields.next() == Some(password.as_bytes());
        if right { 0 } else { WRONG_PASSWORD }
    }

    /// Notes a part; nothing when it is not answered.
    fn submit(&self, body: &[u8]) -> Option<Taken> {
        let mut state = self.state();
        state.last += 1;
        let id = format!("{:08x}", state.last);
        let Some(submit) = Submit::read(body, &id) else { return Some(Taken { status: 1, id, receipt: None }) };
        state.submits.push(submit.clone());
        let status = match &state.behaviour {
            SmppBehaviour::Accept => Some(0),
            SmppBehaviour::Status(status) => Some(*status),
            SmppBehaviour::StatusForTexts(part, status) => {
                Some(if submit.text().contains(part.as_str()) { *status } else { 0 })
            }
            SmppBehaviour::Silent | SmppBehaviour::Close | SmppBehaviour::Deaf => None,
        };
        let receipt = state.receipts.clone().filter(|_| submit.wants_receipt() && status == Some(0));
        if status == Some(0) {
            state.taken.push(submit);
        }
        drop(state);
        self.changed.notify_waiters();
        Some(Taken { status: status?, id, receipt })
    }
}
