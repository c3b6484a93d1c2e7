//! What a phone makes of the parts of messages.

use super::ReceivedText;
use super::pdu::Submit;

/// The alphabet of GSM 03.38, sixteen characters a row; 0x1b stands for nothing by itself.
const ALPHABET: [&str; 8] = [
    "@£$¥èéùìòÇ\nØø\rÅå",
    "Δ_ΦΓΛΩΠΨΣΘΞ\u{fffd}ÆæßÉ",
    " !\"#¤%&'()*+,-./",
    "0123456789:;<=>?",
    "¡ABCDEFGHIJKLMNO",
    "PQRSTUVWXYZÄÖÑÜ§",
    "¿abcdefghijklmno",
    "pqrstuvwxyzäöñüà",
];

/// The characters of a part in the alphabet that `data_coding` names.
pub(super) fn decoded(data_coding: u8, bytes: &[u8]) -> String {
    if data_coding == 8 {
        let units = bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
        return char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect();
    }
    let (mut text, mut septets) = (String::new(), bytes.iter());
    while let Some(septet) = septets.next() {
        text.push(match septet {
            0x1b => match septets.next() {
                Some(0x0a) => '\u{c}',
                Some(0x14) => '^',
                Some(0x28) => '{',
                Some(0x29) => '}',
                Some(0x2f) => '\\',
                Some(0x3c) => '[',
                Some(0x3d) => '~',
                Some(0x3e) => ']',
                Some(0x40) => '|',
                Some(0x65) => '€',
                _ => '\u{fffd}',
            },
            _ => {
                let row = ALPHABET.get(usize::from(septet / 16));
                row.and_then(|row| row.chars().nth(usize::from(septet % 16))).unwrap_or('\u{fffd}')
            }
        });
    }
    text
}

/// Whole messages, in the order of their first parts.
pub(super) fn assembled(parts: &[Submit]) -> Vec<ReceivedText> {
    let mut messages = Vec::new();
    for (at, first) in parts.iter().enumerate() {
        let found = match first.place() {
            None => vec![first],
            Some(place) if place.number == 1 => {
                // References come round again, so that the next part of that number is meant.
                let part = |number: u8| {
                    parts[at..].iter().find(|part| {
                        let is = part.place().is_some_and(|other| {
                            (other.reference, other.count, other.number) == (place.reference, place.count, number)
                        });
                        is && part.destination == first.destination
                    })
                };
                match (1..=place.count).map(part).collect::<Option<Vec<_>>>() {
                    Some(found) => found,
                    None => continue,
                }
            }
            Some(_) => continue,
        };
        messages.push(ReceivedText {
            to: first.destination.2.clone(),
            from: first.source.2.clone(),
            from_type: (first.source.0, first.source.1),
            // A character of UCS-2 that takes two places is not cut, but who knows of whom.
            text: found.iter().map(|part| part.text()).collect(),
            parts: found.len(),
            ids: found.iter().map(|part| part.id.clone()).collect(),
        });
    }
    messages
}
