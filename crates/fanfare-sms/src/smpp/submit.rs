//! From a text message to the requests that send it: pure.

use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind};
use rusmpp::pdus::SubmitSm;
use rusmpp::tlvs::{MessageSubmissionRequestTlvValue as Parameter, TlvTag};
use rusmpp::types::{AnyOctetString, COctetString, OctetString};
use rusmpp::values::{DataCoding, EsmClass, Npi, PriorityFlag, RegisteredDelivery, ServiceType, Ton};

use super::config::{LongMessages, SmppConfig};
use crate::alphabet::Alphabet;
use crate::request::{TextMessage, Traffic};
use crate::sender::Sender;

/// The bit of `esm_class` that says that a text begins with a header.
const HAS_HEADER: u8 = 0x40;

/// What Indian networks call the one who writes, and the template that is used.
const ENTITY_ID: u16 = 0x1400;
const TEMPLATE_ID: u16 = 0x1401;

/// The requests that send `message`, one for each part, which belong together by `reference`.
///
/// # Errors
/// `Unsupported` for what has no place in a request.
pub(super) fn submits(
    config: &SmppConfig,
    message: &TextMessage,
    reference: u16,
) -> Result<Vec<SubmitSm>, DeliveryError> {
    let parts = match config.long_messages {
        LongMessages::Header8 | LongMessages::Parameters => message.text.parts(),
        LongMessages::Header16 => message.text.parts_behind(7),
    };
    let count = u8::try_from(parts.len()).map_err(|_| unsupported("the text has too many parts"))?;
    let (source_ton, source_npi, source) = source(message.sender.as_ref());
    let mut basis = SubmitSm::builder()
        .service_type(ServiceType::new(field(&config.service_type)?))
        .source_addr_ton(source_ton)
        .source_addr_npi(source_npi)
        .source_addr(field(source)?)
        .dest_addr_ton(Ton::International)
        .dest_addr_npi(Npi::Isdn)
        .destination_addr(field(message.sent.number.digits())?)
        .esm_class(EsmClass::from(0))
        .priority_flag(PriorityFlag::new(u8::from(message.traffic == Traffic::Transactional)))
        .registered_delivery(RegisteredDelivery::from(u8::from(config.observer.is_some())))
        .data_coding(match message.text.alphabet() {
            Alphabet::Gsm => DataCoding::McSpecific,
            Alphabet::Ucs2 => DataCoding::Ucs2,
        })
        .build();
    for (tag, id) in [(ENTITY_ID, &message.entity_id), (TEMPLATE_ID, &message.template_id)] {
        if let Some(id) = id {
            let value = AnyOctetString::from_vec(format!("{id}\0").into_bytes());
            basis.push_tlv(Parameter::Other { tag: TlvTag::Other(tag), value });
        }
    }
    let submit = |(number, part): (u8, &str)| {
        let mut submit = basis.clone();
        let mut bytes = Vec::new();
        if count > 1 {
            bytes = header(config.long_messages, reference, count, number);
            if bytes.is_empty() {
                submit.push_tlv(Parameter::SarMsgRefNum(reference));
                submit.push_tlv(Parameter::SarTotalSegments(count));
                submit.push_tlv(Parameter::SarSegmentSeqnum(number));
            } else {
                submit.esm_class = EsmClass::from(HAS_HEADER);
            }
        }
        bytes.extend(message.text.encode(part));
        submit.set_short_message(OctetString::from_vec(bytes).map_err(|_| unsupported("a part is too long"))?);
        Ok(submit)
    };
    (1..=count).zip(parts).map(submit).collect()
}

/// The header of a part; nothing where parameters stand for it.
fn header(long: LongMessages, reference: u16, count: u8, number: u8) -> Vec<u8> {
    let [high, low] = reference.to_be_bytes();
    match long {
        LongMessages::Header8 => vec![5, 0, 3, low, count, number],
        LongMessages::Header16 => vec![6, 8, 4, high, low, count, number],
        LongMessages::Parameters => Vec::new(),
    }
}

/// Type, plan and address of the sender; without one, the network chooses.
fn source(sender: Option<&Sender>) -> (Ton, Npi, &str) {
    match sender {
        None => (Ton::Unknown, Npi::Unknown, ""),
        Some(Sender::Name(name)) => (Ton::Alphanumeric, Npi::Unknown, name),
        Some(Sender::Number(number)) => (Ton::International, Npi::Isdn, number.trim_start_matches('+')),
        Some(Sender::ShortCode(digits)) => (Ton::NetworkSpecific, Npi::Unknown, digits),
    }
}

fn field<const MAX: usize>(text: &str) -> Result<COctetString<1, MAX>, DeliveryError> {
    COctetString::from_string(text.to_owned()).map_err(|_| unsupported("an address has no place in a request"))
}

fn unsupported(context: &str) -> DeliveryError {
    DeliveryError::reject(Kind::Unsupported, context)
}

#[cfg(test)]
mod tests {
    use rusmpp::encode::Encode as _;

    use super::*;
    use crate::testing::message;

    fn config() -> SmppConfig {
        SmppConfig::new("smpp://smsc", "fanfare", "s3cret").unwrap()
    }

    /// The request as it goes over the wire.
    fn bytes(submit: &SubmitSm) -> Vec<u8> {
        let mut bytes = vec![0; 1024];
        let length = submit.encode(&mut bytes);
        bytes.truncate(length);
        bytes
    }

    #[derive(Debug)]
    struct Nothing;

    impl crate::receipt::ReceiptObserver for Nothing {
        fn observe(&self, _: &crate::receipt::DeliveryReceipt) {}
    }

    #[test]
    fn a_short_message_is_one_request() {
        let submits = submits(&config(), &message("Hi €"), 7).unwrap();
        assert_eq!(submits.len(), 1);
        let expected: &[&[u8]] = &[
            b"\0",
            &[0, 0, 0],
            &[1, 1],
            b"12025550123\0",
            // Class, protocol, priority, two times, receipts, replacing, coding, canned message, length.
            &[0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[5, b'H', b'i', b' ', 0x1b, 0x65],
        ];
        assert_eq!(bytes(&submits[0]), expected.concat());
    }

    #[test]
    fn sender_kind_receipts_and_ids_go_along() {
        let mut full = message("東");
        full.traffic = Traffic::Transactional;
        full.entity_id = Some("E1".to_owned());
        full.template_id = Some("T1".to_owned());
        for (sender, head) in [
            ("ACME", [&[5, 0], &b"ACME\0"[..]].concat()),
            ("+12025550100", [&[1, 1], &b"12025550100\0"[..]].concat()),
            ("12345", [&[3, 0], &b"12345\0"[..]].concat()),
        ] {
            full.sender = Sender::parse(sender);
            let config = config().service_type("CMT").unwrap().receipts(Nothing);
            let expected: &[&[u8]] = &[
                b"CMT\0",
                &head,
                &[1, 1],
                b"12025550123\0",
                &[0, 0, 1, 0, 0, 1, 0, 8, 0],
                &[2, 0x67, 0x71],
                &[0x14, 0x00, 0, 3, b'E', b'1', 0, 0x14, 0x01, 0, 3, b'T', b'1', 0],
            ];
            assert_eq!(bytes(&submits(&config, &full, 7).unwrap()[0]), expected.concat(), "{sender}");
        }
    }

    #[test]
    fn the_parts_of_a_long_message_belong_together_by_their_headers() {
        let long = message(&"a".repeat(161));
        for (how, first, second, lengths) in [
            (LongMessages::Header8, &[5, 0, 3, 0x34, 2, 1][..], &[5, 0, 3, 0x34, 2, 2][..], [159, 14]),
            (LongMessages::Header16, &[6, 8, 4, 0x12, 0x34, 2, 1], &[6, 8, 4, 0x12, 0x34, 2, 2], [159, 16]),
        ] {
            let submits = submits(&config().long_messages(how), &long, 0x1234).unwrap();
            let texts: Vec<_> = submits.iter().map(|submit| submit.short_message().as_ref().to_vec()).collect();
            assert!(texts[0].starts_with(first) && texts[1].starts_with(second), "{how:?}");
            assert_eq!([texts[0].len(), texts[1].len()], lengths, "{how:?}");
            assert!(submits.iter().all(|submit| u8::from(submit.esm_class) == 0x40 && submit.tlvs().is_empty()));
        }
    }

    #[test]
    fn the_parts_of_a_long_message_belong_together_by_parameters() {
        let submits = submits(&config().long_messages(LongMessages::Parameters), &message(&"ł".repeat(71)), 0x1234);
        let submits = submits.unwrap();
        let parameters = |number| [0x02, 0x0c, 0, 2, 0x12, 0x34, 0x02, 0x0e, 0, 1, 2, 0x02, 0x0f, 0, 1, number];
        for (number, submit) in (1..).zip(&submits) {
            assert!(bytes(submit).ends_with(&parameters(number)));
            assert_eq!(u8::from(submit.esm_class), 0);
        }
        assert_eq!(submits.iter().map(|submit| submit.sm_length()).collect::<Vec<_>>(), [134, 8]);
    }

    #[test]
    fn the_longest_message_is_sent_in_parts_of_at_most_140_octets() {
        for text in ["ł".repeat(1600), "€".repeat(1600), "a b ".repeat(400), "😀 ".repeat(800)] {
            for how in [LongMessages::Header8, LongMessages::Header16] {
                for submit in submits(&config().long_messages(how), &message(&text), 1).unwrap() {
                    let header = usize::from(submit.short_message().as_ref()[0]) + 1;
                    let content = submit.short_message().as_ref().len() - header;
                    let octets = match submit.data_coding {
                        DataCoding::Ucs2 => content,
                        // Septets begin at the next septet behind the header.
                        _ => ((header * 8).div_ceil(7) * 7 + content * 7).div_ceil(8) - header,
                    };
                    assert!(header + octets <= 140, "{octets} octets behind a header of {header}");
                }
            }
        }
    }
}
