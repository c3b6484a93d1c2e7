//! From what a network delivers to a receipt: pure.

use rusmpp::pdus::DeliverSm;
use rusmpp::tlvs::TlvValue;

use crate::classify;
use crate::receipt::ReceiptState;

/// The bits of `esm_class` that say what a delivered message is, and those of a receipt.
const TYPE: u8 = 0x3c;
const RECEIPT: u8 = 0x04;

/// What a network says of one part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// The id that it gave the part.
    pub(super) id: String,
    pub(super) state: ReceiptState,
    /// Its own words.
    pub(super) words: String,
}

/// The receipt that `deliver` is; nothing when it is a message from a phone, or nothing is settled yet.
///
/// Networks write receipts in a form that the specification merely shows (`id:... stat:... err:...`), or in parameters, or in
/// both; a parameter counts more.
pub(super) fn read(deliver: &DeliverSm) -> Option<Told> {
    if u8::from(deliver.esm_class) & TYPE != RECEIPT {
        return None;
    }
    let mut text = String::from_utf8_lossy(deliver.short_message().as_ref()).into_owned();
    let (mut id, mut state, mut network_code) = (None, None, None);
    for value in deliver.tlvs().iter().filter_map(|tlv| tlv.value()) {
        match value {
            TlvValue::ReceiptedMessageId(told) => id = Some(told.as_str().to_owned()),
            TlvValue::MessageState(told) => state = Some(u8::from(*told).to_string()),
            TlvValue::NetworkErrorCode(told) => network_code = Some(told.error_code.to_string()),
            TlvValue::MessagePayload(payload) if text.is_empty() => {
                text = String::from_utf8_lossy(payload.value.as_ref()).into_owned();
            }
            _ => {}
        }
    }
    let word = |name: &str| word(&text, name);
    let id = id.or_else(|| word("id:")).filter(|id| !id.is_empty())?;
    let stat = word("stat:");
    let settled = classify::smpp::receipt(state.as_ref().or(stat.as_ref())?)?;
    let mut words = stat.or(state).unwrap_or_default();
    if let Some(code) = word("err:").or(network_code).filter(|code| code.bytes().any(|b| b != b'0')) {
        words = format!("{words} err:{code}");
    }
    Some(Told { id, state: settled, words })
}

/// The word behind `name`, in whatever case that is written.
fn word(text: &str, name: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    // `id:` ends other names, too.
    let begins = |at: &usize| *at == 0 || lower[..*at].ends_with(' ');
    let at = lower.match_indices(name).map(|(at, _)| at).find(begins)?;
    let word = text[at + name.len()..].split(' ').next().unwrap_or_default();
    Some(word.chars().filter(|c| c.is_ascii_graphic()).take(65).collect())
}

#[cfg(test)]
mod tests {
    use rusmpp::tlvs::MessageDeliveryRequestTlvValue as Parameter;
    use rusmpp::types::{COctetString, OctetString};
    use rusmpp::values::{EsmClass, MessageState};

    use super::*;
    use crate::reason::Reason;

    fn deliver(class: u8, text: &str) -> DeliverSm {
        let text = OctetString::from_slice(text.as_bytes()).unwrap();
        DeliverSm::builder().esm_class(EsmClass::from(class)).short_message(text).build()
    }

    fn told(id: &str, state: ReceiptState, words: &str) -> Option<Told> {
        Some(Told { id: id.to_owned(), state, words: words.to_owned() })
    }

    #[test]
    fn a_receipt_is_read_in_the_form_of_the_specification() {
        let failed = ReceiptState::Failed;
        for (text, expected) in [
            (
                "id:0123456789 sub:001 dlvrd:001 submit date:2611300430 done date:2611300431 stat:DELIVRD err:000 text:Hi",
                told("0123456789", ReceiptState::Delivered, "DELIVRD"),
            ),
            ("id:ab-1 stat:UNDELIV err:034", told("ab-1", failed(Reason::Unknown), "UNDELIV err:034")),
            ("ID:7 Stat:expired Err:1", told("7", failed(Reason::PhoneUnavailable), "expired err:1")),
            ("id:7 stat:REJECTD", told("7", failed(Reason::BlockedByCarrier), "REJECTD")),
            ("id:7 stat:ENROUTE err:000", None),
            ("id:7", None),
            ("id: stat:DELIVRD", None),
            ("stat:DELIVRD", None),
            ("", None),
        ] {
            assert_eq!(read(&deliver(RECEIPT, text)), expected, "{text}");
        }
    }

    #[test]
    fn parameters_count_more_than_the_text() {
        let mut receipt = deliver(RECEIPT, "id:1 stat:ENROUTE");
        receipt.push_tlv(Parameter::ReceiptedMessageId(COctetString::from_string("2".to_owned()).unwrap()));
        receipt.push_tlv(Parameter::MessageState(MessageState::Delivered));
        assert_eq!(read(&receipt), told("2", ReceiptState::Delivered, "ENROUTE"));
    }

    #[test]
    fn what_comes_from_a_phone_is_no_receipt_whatever_it_says() {
        for class in [0x00, 0x08, 0x20, 0x40] {
            assert_eq!(read(&deliver(class, "id:1 stat:DELIVRD")), None, "{class:#x}");
        }
    }
}
