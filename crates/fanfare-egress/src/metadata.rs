//! What no rule can allow: the services that hand a machine its cloud credentials.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{
    address::{embedded_ipv4, translated_ipv4},
    host::is_or_is_below,
};

/// Whether `address` is a metadata service, or an IPv6 address that carries the IPv4 address of one.
pub(crate) fn is_metadata_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => METADATA_V4.contains(&v4),
        IpAddr::V6(v6) => {
            METADATA_V6.contains(&v6)
                || embedded_ipv4(address).iter().chain(&translated_ipv4(address)).any(|v4| METADATA_V4.contains(v4))
        }
    }
}

/// Whether `name` (lower case, no trailing dot) is the name of a metadata service or lies below one.
pub(crate) fn is_metadata_name(name: &str) -> bool {
    // EC2 answers to `instance-data`, `instance-data.ec2.internal` and `instance-data.REGION.compute.internal`.
    if name == "instance-data" || (name.starts_with("instance-data.") && name.ends_with(".internal")) {
        return true;
    }
    METADATA_NAMES.iter().any(|known| is_or_is_below(name, known))
}

const METADATA_V4: [Ipv4Addr; 8] = [
    Ipv4Addr::new(169, 254, 169, 254), // AWS, Azure, Google, Oracle, DigitalOcean, OpenStack and most others
    Ipv4Addr::new(169, 254, 170, 2),   // AWS: credentials of ECS tasks
    Ipv4Addr::new(169, 254, 170, 23),  // AWS: EKS Pod Identity
    Ipv4Addr::new(169, 254, 0, 23),    // Tencent Cloud
    Ipv4Addr::new(169, 254, 42, 42),   // Scaleway
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba Cloud
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle Cloud, classic
    Ipv4Addr::new(168, 63, 129, 16),   // Azure: WireServer, a public address that only its own machines reach
];

const METADATA_V6: [Ipv6Addr; 6] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),      // AWS
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),       // AWS: EKS Pod Identity
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),       // Google
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe), // Oracle Cloud
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),        // Scaleway
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe),    // OpenStack
];

const METADATA_NAMES: [&str; 8] = [
    "metadata", // what Google's search domain completes
    "metadata.google.internal",
    "metadata.goog",
    "metadata.azure.internal",
    "metadata.tencentyun.com",
    "metadata.packet.net",
    "metadata.platformequinix.com",
    "api.metadata.cloud.ibm.com",
];
