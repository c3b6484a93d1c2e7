//! Match values as digits: how the parser writes them, and how they are read again.

use std::net::IpAddr;

use super::address::Cidr;
use super::digits::{Digits, Reader};
use super::matcher::{Exclusion, Matcher, NumericBound, NumericRange, Wildcards};
use super::pool::Span;
use super::wildcard::Wildcard;

/// What kind of match value follows, in one digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Prefix,
    Suffix,
    IgnoreCase,
    PrefixIgnoreCase,
    SuffixIgnoreCase,
    Wildcard,
    Number,
    Numeric,
    True,
    False,
    Null,
    Exists,
    Absent,
    AddressV4,
    AddressV6,
    CidrV4,
    CidrV6,
    ButTexts,
    ButIgnoreCase,
    ButPrefixes,
    ButSuffixes,
    ButNumbers,
    ButWildcards,
}

/// The kinds by their digits.
const KINDS: [Kind; 24] = [
    Kind::Text,
    Kind::Prefix,
    Kind::Suffix,
    Kind::IgnoreCase,
    Kind::PrefixIgnoreCase,
    Kind::SuffixIgnoreCase,
    Kind::Wildcard,
    Kind::Number,
    Kind::Numeric,
    Kind::True,
    Kind::False,
    Kind::Null,
    Kind::Exists,
    Kind::Absent,
    Kind::AddressV4,
    Kind::AddressV6,
    Kind::CidrV4,
    Kind::CidrV6,
    Kind::ButTexts,
    Kind::ButIgnoreCase,
    Kind::ButPrefixes,
    Kind::ButSuffixes,
    Kind::ButNumbers,
    Kind::ButWildcards,
];

const _: () = {
    let mut place = 0;
    while place < KINDS.len() {
        assert!(KINDS[place] as usize == place, "a kind has the digit of its place");
        place += 1;
    }
};

/// How many digits the bits of an address take.
const V4: usize = 5;
const V6: usize = 19;

/// What a range has, as the bits of a digit.
const BOTTOM: u8 = 1;
const BOTTOM_OPEN: u8 = 2;
const TOP: u8 = 4;
const TOP_OPEN: u8 = 8;

impl Digits {
    /// A match value of which nothing else is to be said, or the beginning of another.
    pub(super) fn kind(&mut self, kind: Kind) {
        self.digit(kind as u8);
    }

    /// A match value of that kind with one text.
    pub(super) fn text(&mut self, kind: Kind, text: Span) {
        self.kind(kind);
        self.span(text);
    }

    /// A match value of that kind with several texts, which are in the order that the kind asks for.
    pub(super) fn texts(&mut self, kind: Kind, texts: &[Span]) {
        self.kind(kind);
        self.spans(texts);
    }

    pub(super) fn number_value(&mut self, number: f64) {
        self.kind(Kind::Number);
        self.float(number);
    }

    pub(super) fn range(&mut self, range: &NumericRange) {
        let has = |bound: Option<NumericBound>, there: u8, open: u8| {
            bound.map_or(0, |bound| if bound.open { there | open } else { there })
        };
        self.kind(Kind::Numeric);
        self.digit(has(range.bottom, BOTTOM, BOTTOM_OPEN) | has(range.top, TOP, TOP_OPEN));
        for bound in [range.bottom, range.top].into_iter().flatten() {
            self.float(bound.value);
        }
    }

    pub(super) fn address(&mut self, address: IpAddr) {
        self.kind(if address.is_ipv4() { Kind::AddressV4 } else { Kind::AddressV6 });
        self.address_bits(address);
    }

    pub(super) fn cidr(&mut self, block: &Cidr) {
        let (bits, address) = block.prefix();
        self.kind(if address.is_ipv4() { Kind::CidrV4 } else { Kind::CidrV6 });
        self.number(bits as usize);
        self.address_bits(address);
    }

    pub(super) fn but_numbers(&mut self, mut numbers: Vec<f64>) {
        numbers.sort_unstable_by(f64::total_cmp);
        self.kind(Kind::ButNumbers);
        self.floats(&numbers);
    }

    /// `anything-but` with wildcard patterns, of which these are the literal texts.
    pub(super) fn but_wildcards(&mut self, patterns: &[Vec<Span>]) {
        self.kind(Kind::ButWildcards);
        self.number(patterns.len());
        for literals in patterns {
            self.spans(literals);
        }
    }

    fn address_bits(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(address) => self.fixed(address.to_bits().into(), V4),
            IpAddr::V6(address) => self.fixed(address.to_bits(), V6),
        }
    }
}

impl<'p> Matcher<'p> {
    /// The match value that comes next.
    pub(super) fn read(reader: &mut Reader<'p>) -> Self {
        let but = |exclusion| Self::AnythingBut(exclusion);
        match KINDS[usize::from(reader.digit())] {
            Kind::Text => Self::Text(reader.text()),
            Kind::Prefix => Self::Prefix(reader.text()),
            Kind::Suffix => Self::Suffix(reader.text()),
            Kind::IgnoreCase => Self::IgnoreCase(reader.text()),
            Kind::PrefixIgnoreCase => Self::PrefixIgnoreCase(reader.text()),
            Kind::SuffixIgnoreCase => Self::SuffixIgnoreCase(reader.text()),
            Kind::Wildcard => Self::Wildcard(Wildcard::of(reader.texts())),
            Kind::Number => Self::Number(reader.float()),
            Kind::Numeric => Self::Numeric(range(reader)),
            Kind::True => Self::True,
            Kind::False => Self::False,
            Kind::Null => Self::Null,
            Kind::Exists => Self::Exists,
            Kind::Absent => Self::Absent,
            Kind::AddressV4 => Self::Address(address_v4(reader)),
            Kind::AddressV6 => Self::Address(address_v6(reader)),
            Kind::CidrV4 => Self::Cidr(cidr(reader, address_v4)),
            Kind::CidrV6 => Self::Cidr(cidr(reader, address_v6)),
            Kind::ButTexts => but(Exclusion::Texts(reader.texts())),
            Kind::ButIgnoreCase => but(Exclusion::IgnoreCase(reader.texts())),
            Kind::ButPrefixes => but(Exclusion::Prefixes(reader.texts())),
            Kind::ButSuffixes => but(Exclusion::Suffixes(reader.texts())),
            Kind::ButNumbers => but(Exclusion::Numbers(reader.floats())),
            Kind::ButWildcards => but(Exclusion::Wildcards(Wildcards::read(reader))),
        }
    }
}

impl<'p> Wildcards<'p> {
    fn read(reader: &mut Reader<'p>) -> Self {
        let len = reader.number();
        let patterns = Self { len, patterns: *reader };
        for _ in 0..len {
            reader.texts();
        }
        patterns
    }
}

fn range(reader: &mut Reader<'_>) -> NumericRange {
    let has = reader.digit();
    let mut bound =
        |there: u8, open: u8| (has & there != 0).then(|| NumericBound { value: reader.float(), open: has & open != 0 });
    NumericRange { bottom: bound(BOTTOM, BOTTOM_OPEN), top: bound(TOP, TOP_OPEN) }
}

fn cidr(reader: &mut Reader<'_>, address: impl Fn(&mut Reader<'_>) -> IpAddr) -> Cidr {
    let bits = u32::try_from(reader.number()).expect("an address has few bits");
    Cidr::around(address(reader), bits)
}

fn address_v4(reader: &mut Reader<'_>) -> IpAddr {
    let bits = u32::try_from(reader.fixed(V4)).expect("the bits of an address of version 4 were written");
    IpAddr::V4(bits.into())
}

fn address_v6(reader: &mut Reader<'_>) -> IpAddr {
    IpAddr::V6(reader.fixed(V6).into())
}
