//! IP addresses in policies and messages.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address that `text` writes, if it writes one: four decimal numbers, or the hexadecimal form of IPv6.
///
/// The mixed form of IPv6 (`::ffff:10.0.0.1`) is taken as plain text, as Amazon's engine takes it.
pub(super) fn parse_address(text: &str) -> Option<IpAddr> {
    let mixed = text.contains(':') && text.contains('.');
    if mixed { None } else { text.parse().ok() }
}

/// A block of IP addresses. An address of the other family is never inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cidr {
    V4 { network: u32, mask: u32 },
    V6 { network: u128, mask: u128 },
}

impl Cidr {
    /// Reads `address/bits`, where the address may be any of the block. The error is Amazon SNS's text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts: Vec<&str> = text.split('/').collect();
        // Empty parts at the end do not count.
        while parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
        let [address, bits] = parts.as_slice() else { return Err("Malformed CIDR, one '/' required".to_owned()) };
        let Ok(bits) = bits.parse::<i32>() else {
            return Err("Malformed CIDR, mask bits must be an integer".to_owned());
        };
        let Ok(bits) = u32::try_from(bits) else {
            return Err("Malformed CIDR, mask bits must not be negative".to_owned());
        };
        match parse_address(address) {
            None => Err(format!("Nonstandard IP address: {address}")),
            Some(IpAddr::V4(_)) if bits >= u32::BITS => Err("IPv4 mask bits must be < 32".to_owned()),
            Some(IpAddr::V6(_)) if bits >= u128::BITS => Err("IPv6 mask bits must be < 128".to_owned()),
            Some(IpAddr::V4(address)) => Ok(Self::v4(address, bits)),
            Some(IpAddr::V6(address)) => Ok(Self::v6(address, bits)),
        }
    }

    /// Whether the address is in the block.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4 { network, mask }, IpAddr::V4(address)) => address.to_bits() & mask == *network,
            (Self::V6 { network, mask }, IpAddr::V6(address)) => address.to_bits() & mask == *network,
            _ => false,
        }
    }

    /// How many leading bits all addresses of the block share, and the first address.
    pub(super) fn prefix(&self) -> (u32, IpAddr) {
        match self {
            Self::V4 { network, mask } => (mask.count_ones(), Ipv4Addr::from_bits(*network).into()),
            Self::V6 { network, mask } => (mask.count_ones(), Ipv6Addr::from_bits(*network).into()),
        }
    }

    /// The block of the addresses that share their first `bits` bits with this one; fewer than it has.
    pub(super) fn around(address: IpAddr, bits: u32) -> Self {
        match address {
            IpAddr::V4(address) => Self::v4(address, bits),
            IpAddr::V6(address) => Self::v6(address, bits),
        }
    }

    fn v4(address: Ipv4Addr, bits: u32) -> Self {
        let mask = !(u32::MAX >> bits);
        Self::V4 { network: address.to_bits() & mask, mask }
    }

    fn v6(address: Ipv6Addr, bits: u32) -> Self {
        let mask = !(u128::MAX >> bits);
        Self::V6 { network: address.to_bits() & mask, mask }
    }
}
