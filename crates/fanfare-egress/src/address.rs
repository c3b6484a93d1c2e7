//! What kind of address an IP address is, by the special-purpose registries of IANA.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// Why an address is not an ordinary address of the public internet.
///
/// More classes may come as registries grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressClass {
    /// "This host on this network": `0.0.0.0/8` and `::`. Many systems connect it to themselves.
    Unspecified,
    /// The machine itself: `127.0.0.0/8` and `::1`.
    Loopback,
    /// A private network: the three blocks of RFC 1918, unique local `fc00::/7`, and the former site-local `fec0::/10`.
    Private,
    /// The shared space between a carrier and its customers, also used inside clouds: `100.64.0.0/10`.
    Shared,
    /// One link only: `169.254.0.0/16` and `fe80::/10`.
    LinkLocal,
    /// Kept for protocols, benchmarks, relays, discarding or segment routing.
    Protocol,
    /// Kept for examples in documents.
    Documentation,
    /// A group of hosts, or every host of the link: multicast and broadcast.
    Multicast,
    /// Not assigned for use: `240.0.0.0/4`, and IPv6 outside of global unicast `2000::/3`.
    Reserved,
    /// An IPv6 address that carries an IPv4 address inside, by which a translator or a tunnel would reach that one.
    Embedding,
}

impl AddressClass {
    /// The class as a metric label: lower-case words joined by `_`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified_address",
            Self::Loopback => "loopback_address",
            Self::Private => "private_address",
            Self::Shared => "shared_address",
            Self::LinkLocal => "link_local_address",
            Self::Protocol => "protocol_address",
            Self::Documentation => "documentation_address",
            Self::Multicast => "multicast_address",
            Self::Reserved => "reserved_address",
            Self::Embedding => "embedding_address",
        }
    }

    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified address",
            Self::Loopback => "loopback address",
            Self::Private => "private address",
            Self::Shared => "shared address space",
            Self::LinkLocal => "link-local address",
            Self::Protocol => "address kept for a protocol",
            Self::Documentation => "documentation address",
            Self::Multicast => "multicast or broadcast address",
            Self::Reserved => "reserved address",
            Self::Embedding => "ipv6 address with an ipv4 address inside",
        }
    }
}

/// The special class of `address`, or `None` for an ordinary public address.
///
/// Every block of the IANA special-purpose registries counts as special, also the few that IANA calls globally reachable
/// (anycast of PCP, TURN, AMT and AS112): none of them is where a subscriber lives.
pub fn classify(address: IpAddr) -> Option<AddressClass> {
    match address {
        IpAddr::V4(v4) => SPECIAL_V4.iter().find(|row| row.0.contains(&v4)).map(|row| row.1),
        IpAddr::V6(v6) => classify_v6(v6),
    }
}

fn classify_v6(address: Ipv6Addr) -> Option<AddressClass> {
    if let Some(row) = SPECIAL_V6.iter().find(|row| row.0.contains(&address)) {
        return Some(row.1);
    }
    if !GLOBAL_UNICAST.contains(&address) {
        return Some(AddressClass::Reserved);
    }
    is_isatap(address).then_some(AddressClass::Embedding)
}

/// The IPv4 addresses that `address` would lead to through a translator or a tunnel; empty for IPv4 and plain IPv6.
///
/// Addresses under the local-use prefix `64:ff9b:1::/48` are read as those of a translator with a 96-bit prefix, the only kind
/// that a rule can allow; [`translated_ipv4`] has the others.
pub(crate) fn embedded_ipv4(address: IpAddr) -> Vec<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return Vec::new() };
    let o = v6.octets();
    if v6.is_unspecified() || v6.is_loopback() {
        Vec::new()
    } else if SIX_TO_FOUR.contains(&v6) {
        vec![Ipv4Addr::new(o[2], o[3], o[4], o[5])]
    } else if TEREDO.contains(&v6) {
        // RFC 4380: the server as it is, the client with every bit turned over.
        vec![Ipv4Addr::new(o[4], o[5], o[6], o[7]), Ipv4Addr::new(!o[12], !o[13], !o[14], !o[15])]
    } else if LAST_32_BITS.iter().any(|net| net.contains(&v6)) || is_isatap(v6) {
        vec![Ipv4Addr::new(o[12], o[13], o[14], o[15])]
    } else {
        Vec::new()
    }
}

/// The other places where RFC 6052 section 2.2 lets a local-use translation prefix put an IPv4 address: prefixes of 48, 56
/// and 64 bits, each skipping the octet 8.
pub(crate) fn translated_ipv4(address: IpAddr) -> Vec<Ipv4Addr> {
    match address {
        IpAddr::V6(v6) if NAT64_LOCAL.contains(&v6) => {
            let o = v6.octets();
            vec![
                Ipv4Addr::new(o[6], o[7], o[9], o[10]),
                Ipv4Addr::new(o[7], o[9], o[10], o[11]),
                Ipv4Addr::new(o[9], o[10], o[11], o[12]),
            ]
        }
        _ => Vec::new(),
    }
}

/// An ISATAP interface identifier (RFC 5214 section 6.1), which can stand under any prefix.
fn is_isatap(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    segments[4] & !0x0200 == 0 && segments[5] == 0x5efe
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(s: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]), prefix)
}

/// Special-purpose IPv4 blocks; the first that holds an address decides.
const SPECIAL_V4: &[(Ipv4Net, AddressClass)] = &[
    (v4(0, 0, 0, 0, 8), AddressClass::Unspecified),      // RFC 1122, 3.2.1.3
    (v4(10, 0, 0, 0, 8), AddressClass::Private),         // RFC 1918
    (v4(100, 64, 0, 0, 10), AddressClass::Shared),       // RFC 6598
    (v4(127, 0, 0, 0, 8), AddressClass::Loopback),       // RFC 1122, 3.2.1.3
    (v4(169, 254, 0, 0, 16), AddressClass::LinkLocal),   // RFC 3927
    (v4(172, 16, 0, 0, 12), AddressClass::Private),      // RFC 1918
    (v4(192, 0, 0, 0, 24), AddressClass::Protocol),      // RFC 6890, 2.1
    (v4(192, 0, 2, 0, 24), AddressClass::Documentation), // RFC 5737
    (v4(192, 31, 196, 0, 24), AddressClass::Protocol),   // RFC 7535: AS112
    (v4(192, 52, 193, 0, 24), AddressClass::Protocol),   // RFC 7450: AMT
    (v4(192, 88, 99, 0, 24), AddressClass::Protocol),    // RFC 7526: former 6to4 relay anycast
    (v4(192, 168, 0, 0, 16), AddressClass::Private),     // RFC 1918
    (v4(192, 175, 48, 0, 24), AddressClass::Protocol),   // RFC 7534: AS112
    (v4(198, 18, 0, 0, 15), AddressClass::Protocol),     // RFC 2544: benchmarks
    (v4(198, 51, 100, 0, 24), AddressClass::Documentation), // RFC 5737
    (v4(203, 0, 113, 0, 24), AddressClass::Documentation), // RFC 5737
    (v4(224, 0, 0, 0, 4), AddressClass::Multicast),      // RFC 5771
    (v4(255, 255, 255, 255, 32), AddressClass::Multicast), // RFC 919: limited broadcast
    (v4(240, 0, 0, 0, 4), AddressClass::Reserved),       // RFC 1112, 4
];

/// Special-purpose IPv6 blocks; the first that holds an address decides.
const SPECIAL_V6: &[(Ipv6Net, AddressClass)] = &[
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), AddressClass::Unspecified), // RFC 4291, 2.5.2
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), AddressClass::Loopback),    // RFC 4291, 2.5.3
    (IPV4_MAPPED, AddressClass::Embedding),
    (IPV4_COMPATIBLE, AddressClass::Embedding),
    (IPV4_TRANSLATED, AddressClass::Embedding),
    (NAT64, AddressClass::Embedding),
    (NAT64_LOCAL, AddressClass::Embedding),
    (SIX_TO_FOUR, AddressClass::Embedding),
    (TEREDO, AddressClass::Embedding),
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), AddressClass::Protocol), // RFC 6666: discard only
    (v6([0x100, 0, 0, 1, 0, 0, 0, 0], 64), AddressClass::Protocol), // RFC 9780: dummy prefix
    // RFC 2928 and what was given out of it: benchmarks 2001:2::/48 (RFC 5180), ORCHID 2001:10::/28 (RFC 4843), ORCHIDv2
    // 2001:20::/28 (RFC 7343), drone identities 2001:30::/28 (RFC 9374), and anycast addresses of protocols.
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), AddressClass::Protocol),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), AddressClass::Documentation), // RFC 3849
    (v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), AddressClass::Protocol),  // RFC 7534: AS112
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), AddressClass::Documentation),     // RFC 9637
    (v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16), AddressClass::Protocol),          // RFC 9602: segment routing
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), AddressClass::Private),            // RFC 4193
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), AddressClass::LinkLocal),         // RFC 4291, 2.5.6
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), AddressClass::Private),           // RFC 3879: former site-local
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), AddressClass::Multicast),          // RFC 4291, 2.7
];

/// RFC 4291 section 2.4: all that is given out for the internet. Whatever lies outside is refused without being listed.
const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// RFC 4291, 2.5.5.2.
const IPV4_MAPPED: Ipv6Net = v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96);
/// RFC 4291, 2.5.5.1 (deprecated there).
const IPV4_COMPATIBLE: Ipv6Net = v6([0, 0, 0, 0, 0, 0, 0, 0], 96);
/// RFC 2765, 2.1.
const IPV4_TRANSLATED: Ipv6Net = v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96);
/// RFC 6052, 2.1.
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);
/// RFC 8215: a network's own translators, whose prefixes may be of several lengths.
pub(crate) const NAT64_LOCAL: Ipv6Net = v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48);
/// RFC 3056.
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16);
/// RFC 4380.
const TEREDO: Ipv6Net = v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32);

const LAST_32_BITS: [Ipv6Net; 5] = [IPV4_MAPPED, IPV4_COMPATIBLE, IPV4_TRANSLATED, NAT64, NAT64_LOCAL];
