//! What goes over the wire in SMPP.

use super::text;

/// A part of a message as it came in (`submit_sm`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submit {
    /// The id that it was given.
    pub id: String,
    /// `service_type`
    pub service_type: String,
    /// Type, plan and address of the sender.
    pub source: (u8, u8, String),
    /// Type, plan and address of the phone.
    pub destination: (u8, u8, String),
    /// `esm_class`
    pub esm_class: u8,
    /// `priority_flag`
    pub priority: u8,
    /// `registered_delivery`
    pub registered_delivery: u8,
    /// `data_coding`
    pub data_coding: u8,
    /// The text with its header, if it has one.
    pub message: Vec<u8>,
    /// The parameters beside it, by tag.
    pub parameters: Vec<(u16, Vec<u8>)>,
}

/// The place of a part in its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) reference: u16,
    pub(super) count: u8,
    pub(super) number: u8,
}

impl Submit {
    /// Reads the body of a request; nothing when it is none.
    pub(super) fn read(body: &[u8], id: &str) -> Option<Self> {
        let mut reader = Reader(body);
        let service_type = reader.text()?;
        let source = (reader.byte()?, reader.byte()?, reader.text()?);
        let destination = (reader.byte()?, reader.byte()?, reader.text()?);
        let [esm_class, _protocol, priority] = [reader.byte()?, reader.byte()?, reader.byte()?];
        let (_schedule, _validity) = (reader.text()?, reader.text()?);
        let [registered_delivery, _replace, data_coding, _canned, length] =
            [reader.byte()?, reader.byte()?, reader.byte()?, reader.byte()?, reader.byte()?];
        let message = reader.bytes(length.into())?.to_vec();
        let mut parameters = Vec::new();
        while !reader.0.is_empty() {
            let (tag, length) = (reader.short()?, reader.short()?);
            parameters.push((tag, reader.bytes(length.into())?.to_vec()));
        }
        let id = id.to_owned();
        Some(Self {
            id,
            service_type,
            source,
            destination,
            esm_class,
            priority,
            registered_delivery,
            data_coding,
            message,
            parameters,
        })
    }

    /// Whether a receipt is asked for.
    pub fn wants_receipt(&self) -> bool {
        self.registered_delivery & 3 == 1
    }

    /// The text of this part alone.
    pub fn text(&self) -> String {
        text::decoded(self.data_coding, &self.message[self.header().len()..])
    }

    /// Its place, where it is one of several parts.
    pub(super) fn place(&self) -> Option<Place> {
        let parameter =
            |tag: u16| self.parameters.iter().find(|(known, _)| *known == tag).map(|(_, value)| value.as_slice());
        if let (Some([high, low]), Some([count]), Some([number])) =
            (parameter(0x020c), parameter(0x020e), parameter(0x020f))
        {
            let reference = u16::from_be_bytes([*high, *low]);
            return Some(Place { reference, count: *count, number: *number });
        }
        match self.header() {
            [5, 0, 3, reference, count, number] => {
                Some(Place { reference: (*reference).into(), count: *count, number: *number })
            }
            [6, 8, 4, high, low, count, number] => {
                Some(Place { reference: u16::from_be_bytes([*high, *low]), count: *count, number: *number })
            }
            _ => None,
        }
    }

    fn header(&self) -> &[u8] {
        let length = self.message.first().map_or(0, |length| usize::from(*length) + 1);
        if self.esm_class & 0x40 == 0 { &[] } else { self.message.get(..length).unwrap_or_default() }
    }
}

/// Takes fields off what is left.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        Some(self.bytes(1)?[0])
    }

    fn short(&mut self) -> Option<u16> {
        let bytes = self.bytes(2)?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// A text that ends with a zero.
    fn text(&mut self) -> Option<String> {
        let end = self.0.iter().position(|b| *b == 0)?;
        let text = String::from_utf8(self.bytes(end)?.to_vec()).ok();
        self.byte()?;
        text
    }
}

pub(super) fn command(id: u32, status: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).unwrap_or(u32::MAX);
    let head: Vec<u8> = [length, id, status, sequence].into_iter().flat_map(u32::to_be_bytes).collect();
    [&head, body].concat()
}

pub(super) fn response(request: u32, status: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    command(request | 0x8000_0000, status, sequence, body)
}

/// A `deliver_sm` with a receipt in the form that the specification shows.
pub(super) fn receipt(sequence: u32, id: &str, state: &str) -> Vec<u8> {
    let text =
        format!("id:{id} sub:001 dlvrd:001 submit date:2601020304 done date:2601020305 stat:{state} err:000 text:");
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    let body: &[&[u8]] = &[b"\0\x01\x01phone\0\x01\x01us\0", &[0x04, 0, 0, 0, 0, 0, 0, 0, 0, length], text.as_bytes()];
    command(0x05, 0, sequence, &body.concat())
}
