//! What the statuses and receipts of SMPP mean.

use std::io;
use std::time::Duration;

use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind};

use super::Verdict;
use crate::reason::Reason;
use crate::receipt::ReceiptState;

/// What a `command_status` means that is not zero. Version 3.4 has the codes below 0x100, version 5.0 the others.
fn table(status: u32) -> Verdict {
    const REJECTS: &str = "the smsc does not take such a message";
    match status {
        0x01 => Verdict::reject(Kind::Unsupported, "the smsc does not take a text of that length", Reason::InvalidBody),
        0x02 | 0x03 => Verdict::retry(Kind::Protocol, "the smsc does not understand the request"),
        0x04 | 0x05 => Verdict::retry(Kind::Unavailable, "the session with the smsc is not in order"),
        0x08 | 0x45 | 0xff => Verdict::retry(Kind::Unavailable, "the smsc has a problem of its own"),
        0x0a | 0x48 | 0x49 | 0x105 => {
            Verdict::reject(Kind::Rejected, "the smsc does not take that sender", Reason::BlockedByCarrier)
        }
        0x0b | 0x50 | 0x51 | 0x106 => {
            Verdict::reject(Kind::NotFound, "the smsc knows no such number", Reason::InvalidNumber)
        }
        0x0d..=0x0f | 0x15 | 0x53 | 0x100 => {
            Verdict::retry(Kind::Misconfigured, "the smsc does not let us in with these settings")
        }
        0x14 | 0x58 => Verdict::retry(Kind::Throttled, "the smsc asks for fewer messages"),
        0x64 | 0x102 => Verdict::retry(Kind::Unavailable, "the network cannot take messages now"),
        0x65 | 0x66 | 0x101 | 0x103 => {
            Verdict::reject(Kind::Rejected, "the network refuses the message", Reason::BlockedByCarrier)
        }
        0xfe => Verdict::reject(Kind::Rejected, "the phone was not reached", Reason::Unknown),
        // Parameters, and acts on messages that this adapter never asks for.
        0x06 | 0x07 | 0x0c | 0x11 | 0x13 | 0x33 | 0x34 | 0x40 | 0x42..=0x44 | 0x54 | 0x55 | 0x61..=0x63 | 0x67 => {
            Verdict::reject(Kind::Unsupported, REJECTS, Reason::InvalidBody)
        }
        0xc0..=0xc4 | 0x104 | 0x107..=0x112 => Verdict::reject(Kind::Unsupported, REJECTS, Reason::InvalidBody),
        // Whatever else there is is the operator's of this SMSC to explain; that it lasts is not known.
        _ => Verdict::retry(Kind::Unavailable, "the smsc answered with a status of its own"),
    }
}

/// The outcome of a response with `status`, which is not zero.
pub(crate) fn status(status: u32) -> DeliveryError {
    let error = table(status).error(&format!("command_status 0x{status:08x}"), None);
    match u16::try_from(status) {
        Ok(status) => error.with_status(status),
        Err(_) => error,
    }
}

/// The state of a receipt by its word (`stat:`), or by the number of `message_state`; nothing while it is not settled.
pub(crate) fn receipt(state: &str) -> Option<ReceiptState> {
    match state.to_ascii_uppercase().as_str() {
        "DELIVRD" | "DELIVERED" | "2" => Some(ReceiptState::Delivered),
        "EXPIRED" | "3" => Some(ReceiptState::Failed(Reason::PhoneUnavailable)),
        "REJECTD" | "REJECTED" | "8" => Some(ReceiptState::Failed(Reason::BlockedByCarrier)),
        "DELETED" | "4" | "UNDELIV" | "UNDELIVERABLE" | "5" | "UNKNOWN" | "7" => {
            Some(ReceiptState::Failed(Reason::Unknown))
        }
        _ => None,
    }
}

/// A request that came to no response.
pub(crate) fn failure(error: rusmppc::error::Error) -> DeliveryError {
    use rusmppc::error::Error;

    match error {
        // Its own words show the whole response.
        Error::UnexpectedResponse { response } => status(response.status().into()),
        Error::ResponseTimeout { timeout, .. } => super::too_slow(timeout),
        Error::EnquireLinkTimeout { timeout } => super::too_slow(timeout),
        Error::Connect(error) => unconnected(error),
        Error::Io(error) => interrupted().with_source(error),
        Error::ConnectionClosed | Error::ConnectionClosedByPeer => interrupted(),
        Error::Encode(_) => {
            DeliveryError::reject(Kind::Unsupported, "the message cannot be written as a request of smpp")
        }
        _ => DeliveryError::retry(Kind::Protocol, "the smsc does not speak smpp"),
    }
}

/// A session that ended before the response.
pub(crate) fn interrupted() -> DeliveryError {
    DeliveryError::retry(Kind::Interrupted, "the session with the smsc ended before its response")
}

/// No session within the time that there was.
pub(crate) fn no_session(why: &str, again_in: Option<Duration>) -> DeliveryError {
    Verdict::retry(Kind::Unreachable, "there is no session with the smsc").error(why, again_in)
}

/// A connection that nobody took.
pub(crate) fn unconnected(error: io::Error) -> DeliveryError {
    let kind = match error.kind() {
        io::ErrorKind::TimedOut => Kind::Timeout,
        _ => Kind::Unreachable,
    };
    DeliveryError::retry(kind, "no connection to the smsc").with_source(error)
}

/// A TLS handshake that failed.
pub(crate) fn no_tls(error: io::Error) -> DeliveryError {
    DeliveryError::retry(Kind::Tls, "no tls session with the smsc").with_source(error)
}

#[cfg(test)]
mod tests {
    use fanfare_core::Disposition;

    use super::*;

    const RETRY: Disposition = Disposition::Retry { after: None };

    #[test]
    fn each_status_has_its_outcome() {
        use Reason as R;

        let rows: [(&str, u32, Kind, Option<Reason>); 72] = [
            ("RINVMSGLEN", 0x01, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVCMDLEN", 0x02, Kind::Protocol, None),
            ("RINVCMDID", 0x03, Kind::Protocol, None),
            ("RINVBNDSTS", 0x04, Kind::Unavailable, None),
            ("RALYBND", 0x05, Kind::Unavailable, None),
            ("RINVPRTFLG", 0x06, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVREGDLVFLG", 0x07, Kind::Unsupported, Some(R::InvalidBody)),
            ("RSYSERR", 0x08, Kind::Unavailable, None),
            ("RINVSRCADR", 0x0a, Kind::Rejected, Some(R::BlockedByCarrier)),
            ("RINVDSTADR", 0x0b, Kind::NotFound, Some(R::InvalidNumber)),
            ("RINVMSGID", 0x0c, Kind::Unsupported, Some(R::InvalidBody)),
            ("RBINDFAIL", 0x0d, Kind::Misconfigured, None),
            ("RINVPASWD", 0x0e, Kind::Misconfigured, None),
            ("RINVSYSID", 0x0f, Kind::Misconfigured, None),
            ("RCANCELFAIL", 0x11, Kind::Unsupported, Some(R::InvalidBody)),
            ("RREPLACEFAIL", 0x13, Kind::Unsupported, Some(R::InvalidBody)),
            ("RMSGQFUL", 0x14, Kind::Throttled, None),
            ("RINVSERTYP", 0x15, Kind::Misconfigured, None),
            ("RINVNUMDESTS", 0x33, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVDLNAME", 0x34, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVDESTFLAG", 0x40, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVSUBREP", 0x42, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVESMCLASS", 0x43, Kind::Unsupported, Some(R::InvalidBody)),
            ("RCNTSUBDL", 0x44, Kind::Unsupported, Some(R::InvalidBody)),
            ("RSUBMITFAIL", 0x45, Kind::Unavailable, None),
            ("RINVSRCTON", 0x48, Kind::Rejected, Some(R::BlockedByCarrier)),
            ("RINVSRCNPI", 0x49, Kind::Rejected, Some(R::BlockedByCarrier)),
            ("RINVDSTTON", 0x50, Kind::NotFound, Some(R::InvalidNumber)),
            ("RINVDSTNPI", 0x51, Kind::NotFound, Some(R::InvalidNumber)),
            ("RINVSYSTYP", 0x53, Kind::Misconfigured, None),
            ("RINVREPFLAG", 0x54, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVNUMMSGS", 0x55, Kind::Unsupported, Some(R::InvalidBody)),
            ("RTHROTTLED", 0x58, Kind::Throttled, None),
            ("RINVSCHED", 0x61, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVEXPIRY", 0x62, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVDFTMSGID", 0x63, Kind::Unsupported, Some(R::InvalidBody)),
            ("RX_T_APPN", 0x64, Kind::Unavailable, None),
            ("RX_P_APPN", 0x65, Kind::Rejected, Some(R::BlockedByCarrier)),
            ("RX_R_APPN", 0x66, Kind::Rejected, Some(R::BlockedByCarrier)),
            ("RQUERYFAIL", 0x67, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVTLVSTREAM", 0xc0, Kind::Unsupported, Some(R::InvalidBody)),
            ("RTLVNOTALLWD", 0xc1, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVTLVLEN", 0xc2, Kind::Unsupported, Some(R::InvalidBody)),
            ("RMISSINGTLV", 0xc3, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVTLVVAL", 0xc4, Kind::Unsupported, Some(R::InvalidBody)),
            ("RDELIVERYFAILURE", 0xfe, Kind::Rejected, Some(R::Unknown)),
            ("RUNKNOWNERR", 0xff, Kind::Unavailable, None),
            ("RSERTYPUNAUTH", 0x100, Kind::Misconfigured, None),
            ("RPROHIBITED", 0x101, Kind::Rejected, Some(R::BlockedByCarrier)),
            ("RSERTYPUNAVAIL", 0x102, Kind::Unavailable, None),
            ("RSERTYPDENIED", 0x103, Kind::Rejected, Some(R::BlockedByCarrier)),
            ("RINVDCS", 0x104, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVSRCADDRSUBUNIT", 0x105, Kind::Rejected, Some(R::BlockedByCarrier)),
            ("RINVDSTADDRSUBUNIT", 0x106, Kind::NotFound, Some(R::InvalidNumber)),
            ("RINVBCASTFREQINT", 0x107, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVBCASTALIAS_NAME", 0x108, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVBCASTAREAFMT", 0x109, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVNUMBCAST_AREAS", 0x10a, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVBCASTCNTTYPE", 0x10b, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVBCASTMSGCLASS", 0x10c, Kind::Unsupported, Some(R::InvalidBody)),
            ("RBCASTFAIL", 0x10d, Kind::Unsupported, Some(R::InvalidBody)),
            ("RBCASTQUERYFAIL", 0x10e, Kind::Unsupported, Some(R::InvalidBody)),
            ("RBCASTCANCELFAIL", 0x10f, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVBCAST_REP", 0x110, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVBCASTSRVGRP", 0x111, Kind::Unsupported, Some(R::InvalidBody)),
            ("RINVBCASTCHANIND", 0x112, Kind::Unsupported, Some(R::InvalidBody)),
            ("reserved", 0x09, Kind::Unavailable, None),
            ("reserved", 0x113, Kind::Unavailable, None),
            ("of the smsc's own", 0x400, Kind::Unavailable, None),
            ("of the smsc's own", 0x4ff, Kind::Unavailable, None),
            ("reserved", 0x500, Kind::Unavailable, None),
            ("reserved", u32::MAX, Kind::Unavailable, None),
        ];
        for (name, code, kind, reason) in rows {
            let error = status(code);
            let disposition = if reason.is_some() { Disposition::Reject } else { RETRY };
            assert_eq!((error.kind(), error.disposition()), (kind, disposition), "{name}");
            let told = format!("command_status 0x{code:08x}");
            assert!(error.to_string().ends_with(&told), "{error}");
            assert_eq!(error.response(), Some(reason.map_or(told.as_str(), |reason| reason.as_str())), "{name}");
            assert_eq!(error.status(), u16::try_from(code).ok());
        }
    }

    #[test]
    fn each_state_of_a_receipt_has_its_row() {
        use ReceiptState::{Delivered, Failed};

        for (words, state) in [
            (["DELIVRD", "2"], Some(Delivered)),
            (["EXPIRED", "3"], Some(Failed(Reason::PhoneUnavailable))),
            (["DELETED", "4"], Some(Failed(Reason::Unknown))),
            (["UNDELIV", "5"], Some(Failed(Reason::Unknown))),
            (["ACCEPTD", "6"], None),
            (["UNKNOWN", "7"], Some(Failed(Reason::Unknown))),
            (["REJECTD", "8"], Some(Failed(Reason::BlockedByCarrier))),
            (["ENROUTE", "1"], None),
            (["SCHEDLD", "0"], None),
            (["", "9"], None),
        ] {
            for word in words {
                assert_eq!(receipt(word), state, "{word}");
            }
        }
    }

    #[test]
    fn each_failure_without_a_response_has_its_row() {
        use rusmppc::error::Error;

        let limit = Duration::from_secs(1);
        for (error, kind) in [
            (Error::ResponseTimeout { sequence_number: 1, timeout: limit }, Kind::Timeout),
            (Error::EnquireLinkTimeout { timeout: limit }, Kind::Timeout),
            (Error::ConnectionClosed, Kind::Interrupted),
            (Error::ConnectionClosedByPeer, Kind::Interrupted),
            (Error::Io(io::ErrorKind::ConnectionReset.into()), Kind::Interrupted),
            (Error::Connect(io::ErrorKind::ConnectionRefused.into()), Kind::Unreachable),
            (Error::Connect(io::ErrorKind::TimedOut.into()), Kind::Timeout),
        ] {
            let error = failure(error);
            assert_eq!((error.kind(), error.disposition()), (kind, RETRY));
        }
        assert_eq!(no_tls(io::ErrorKind::InvalidData.into()).kind(), Kind::Tls);
        assert_eq!(no_session("x", None).kind(), Kind::Unreachable);
    }
}
