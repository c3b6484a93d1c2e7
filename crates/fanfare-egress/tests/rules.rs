//! What an operator's rules allow, and what no rule can allow.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::net::IpAddr;

use fanfare_egress::{AddressClass, DenialKind, EgressPolicy, NameClass, Rule, Target};

const WEB: &[&str] = &["http", "https"];

fn policy(rules: &[&str]) -> EgressPolicy {
    rules.iter().fold(EgressPolicy::internet(), |policy, rule| policy.allow(rule.parse().unwrap()))
}

fn connected(policy: &EgressPolicy, host: Option<&str>, address: &str) -> Option<DenialKind> {
    policy.check_address(host, address.parse::<IpAddr>().unwrap(), 8080).err().map(|denied| denied.kind())
}

fn subscribed(policy: &EgressPolicy, url: &str) -> Option<DenialKind> {
    let target = Target::parse(url, WEB).unwrap();
    policy.check_url(target.url()).err().map(|denied| denied.kind())
}

#[test]
fn a_block_allows_its_addresses_and_no_others() {
    let policy = policy(&["10.1.0.0/16", "fd00::/8"]);
    assert_eq!(connected(&policy, None, "10.1.0.0"), None);
    assert_eq!(connected(&policy, None, "10.1.255.255"), None);
    assert_eq!(connected(&policy, Some("hooks.example"), "10.1.2.3"), None);
    assert_eq!(connected(&policy, None, "fd12:3456::1"), None);
    assert_eq!(connected(&policy, None, "10.2.0.0"), Some(DenialKind::Address(AddressClass::Private)));
    assert_eq!(connected(&policy, None, "fc00::1"), Some(DenialKind::Address(AddressClass::Private)));
    assert_eq!(connected(&policy, None, "127.0.0.1"), Some(DenialKind::Address(AddressClass::Loopback)));
}

#[test]
fn an_address_allows_itself_only() {
    let policy = policy(&["127.0.0.1"]);
    assert_eq!(subscribed(&policy, "http://127.0.0.1:8080/"), None);
    assert_eq!(subscribed(&policy, "http://2130706433:8080/"), None);
    assert_eq!(subscribed(&policy, "http://127.0.0.2/"), Some(DenialKind::Address(AddressClass::Loopback)));
    assert_eq!(subscribed(&policy, "http://[::1]/"), Some(DenialKind::Address(AddressClass::Loopback)));
    assert_eq!(subscribed(&policy, "http://[::ffff:127.0.0.1]/"), Some(DenialKind::Address(AddressClass::Embedding)));
    assert_eq!(subscribed(&policy, "http://localhost/"), Some(DenialKind::Name(NameClass::Localhost)));
}

#[test]
fn a_host_suffix_allows_the_host_and_all_below_it_whatever_they_resolve_to() {
    let policy = policy(&["Internal.Example."]);
    assert_eq!(connected(&policy, Some("internal.example"), "10.0.0.1"), None);
    assert_eq!(connected(&policy, Some("a.b.INTERNAL.example."), "127.0.0.1"), None);
    let private = Some(DenialKind::Address(AddressClass::Private));
    assert_eq!(connected(&policy, Some("notinternal.example"), "10.0.0.1"), private);
    assert_eq!(connected(&policy, Some("internal.example.com"), "10.0.0.1"), private);
    assert_eq!(connected(&policy, None, "10.0.0.1"), private);
}

#[test]
fn a_host_suffix_with_a_dot_first_allows_only_what_lies_below() {
    let policy = policy(&[".svc.cluster.local"]);
    assert_eq!(subscribed(&policy, "http://orders.shop.svc.cluster.local/"), None);
    assert_eq!(subscribed(&policy, "http://svc.cluster.local/"), Some(DenialKind::Name(NameClass::Private)));
    assert_eq!(subscribed(&policy, "http://orders.shop.svc/"), Some(DenialKind::Name(NameClass::Private)));
}

#[test]
fn a_host_suffix_allows_a_name_that_is_refused_otherwise() {
    let policy = policy(&["localhost", "backend"]);
    assert_eq!(connected(&policy, Some("localhost"), "127.0.0.1"), None);
    assert_eq!(connected(&policy, Some("a.localhost"), "::1"), None);
    assert_eq!(connected(&policy, Some("backend"), "172.18.0.2"), None);
    assert_eq!(connected(&policy, Some("frontend"), "8.8.8.8"), Some(DenialKind::Name(NameClass::SingleLabel)));
}

#[test]
fn no_block_however_wide_allows_a_metadata_address() {
    let policy = policy(&["0.0.0.0/0", "::/0", "169.254.0.0/16", "169.254.169.254/31", "fd00:ec2::/32"]);
    for address in [
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "100.100.100.200",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "2001:0:808:808:0:0:5601:5601",
    ] {
        assert_eq!(connected(&policy, None, address), Some(DenialKind::Metadata), "{address}");
    }
    assert_eq!(connected(&policy, None, "169.254.169.253"), None);
    assert_eq!(connected(&policy, None, "127.0.0.1"), None);
}

#[test]
fn no_host_suffix_allows_a_metadata_name_or_a_name_that_leads_to_one() {
    let policy = policy(&["internal", "goog", ".google.internal", "example", "ec2.internal"]);
    for name in ["metadata.google.internal", "metadata.goog", "instance-data.ec2.internal"] {
        assert_eq!(subscribed(&policy, &format!("http://{name}/")), Some(DenialKind::Metadata), "{name}");
        assert_eq!(connected(&policy, Some(name), "8.8.8.8"), Some(DenialKind::Metadata), "{name}");
    }
    assert_eq!(connected(&policy, Some("hooks.example"), "169.254.169.254"), Some(DenialKind::Metadata));
    assert_eq!(connected(&policy, Some("vault.internal"), "10.0.0.1"), None);
}

#[test]
fn a_block_of_translated_addresses_allows_those_of_public_hosts() {
    let behind_nat64 = policy(&["64:ff9b::/96"]);
    let private = Some(DenialKind::Address(AddressClass::Private));
    assert_eq!(connected(&behind_nat64, Some("hooks.example"), "64:ff9b::8.8.8.8"), None);
    assert_eq!(connected(&behind_nat64, Some("hooks.example"), "64:ff9b::10.0.0.1"), private);
    let local_prefix = policy(&["64:ff9b:1::/96"]);
    assert_eq!(connected(&local_prefix, None, "64:ff9b:1::8.8.8.8"), None);
    assert_eq!(connected(&local_prefix, None, "64:ff9b:1::10.0.0.1"), private);
    let with_inside = policy(&["64:ff9b::/96", "10.0.0.0/8"]);
    assert_eq!(connected(&with_inside, None, "64:ff9b::10.0.0.1"), None);
    let tunnels = policy(&["2001::/32", "2002::/16", "::ffff:0:0/96"]);
    assert_eq!(connected(&tunnels, None, "2002:a00:1::1"), private);
    assert_eq!(connected(&tunnels, None, "2001:0:808:808:0:0:f5ff:fffe"), private);
    assert_eq!(connected(&tunnels, None, "2001:0:a00:1:0:0:f7f7:f7f7"), private);
    assert_eq!(connected(&tunnels, None, "::ffff:10.0.0.1"), private);
}

#[test]
fn a_block_that_leaves_open_where_a_translator_looks_allows_nothing_of_it() {
    // To a translator with a prefix of 48 bits this is 10.0.0.1, to one with 96 bits 8.8.8.8.
    let ambiguous = "64:ff9b:1:a00:0:100:808:808";
    assert_eq!(connected(&policy(&["::/0"]), None, ambiguous), Some(DenialKind::Address(AddressClass::Embedding)));
    let found = "64:ff9b:1::/48".parse::<Rule>().unwrap_err().to_string();
    let why = "a block of local-use translated addresses needs a prefix of 96 bits or more";
    assert_eq!(found, format!("invalid egress rule \"64:ff9b:1::/48\": {why}"));
}

#[test]
fn a_rule_opens_no_port_and_a_port_opens_no_address() {
    let target = Target::parse("http://10.0.0.1:6379/", WEB).unwrap();
    let by_rule = policy(&["10.0.0.0/8"]);
    assert_eq!(by_rule.check_url(target.url()).unwrap_err().kind(), DenialKind::Port(6379));
    let by_port = EgressPolicy::internet().allow_port(6379);
    assert_eq!(by_port.check_url(target.url()).unwrap_err().kind(), DenialKind::Address(AddressClass::Private));
    assert_eq!(by_rule.allow_port(6379).check_url(target.url()), Ok(()));
}

#[test]
fn the_last_word_on_a_port_counts() {
    let target = Target::parse("https://hooks.example:9911/", WEB).unwrap();
    let own_port_refused = EgressPolicy::internet().deny_ports([9911, 9912]);
    assert_eq!(own_port_refused.check_url(target.url()).unwrap_err().kind(), DenialKind::Port(9911));
    let allowed_again = own_port_refused.clone().allow_port(9911);
    assert_eq!(allowed_again.check_url(target.url()), Ok(()));
    assert!(own_port_refused.check_url(target.url()).is_err(), "a policy is not changed by its clones");
}

#[test]
fn the_usual_port_of_a_scheme_is_judged_too() {
    let target = Target::parse("https://hooks.example/", WEB).unwrap();
    let denied = EgressPolicy::internet().deny_ports([443]).check_url(target.url()).unwrap_err();
    assert_eq!(denied.kind(), DenialKind::Port(443));
}

#[test]
fn port_0_cannot_be_allowed() {
    let denied = EgressPolicy::internet().allow_port(0).check_address(None, "8.8.8.8".parse().unwrap(), 0);
    assert_eq!(denied.unwrap_err().kind(), DenialKind::Port(0));
}

#[test]
fn a_rule_prints_as_it_is_written() {
    for text in ["10.0.0.0/8", "fd00::/8", "127.0.0.1", "::1", "internal.example", ".svc.cluster.local", "localhost"] {
        assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
    }
}

#[test]
fn a_text_that_is_no_rule_is_refused_with_the_reason() {
    let block = "it is no CIDR block such as 10.0.0.0/8";
    let plain = "write the address in its plain form, without brackets or dots around it";
    let metadata = "a metadata service can never be allowed";
    let neither = "it is neither a CIDR block, nor an ip address, nor a host suffix";
    let wildcard = "it has a wildcard: write .internal.example for all hosts below internal.example";
    for (text, why) in [
        ("", "it is empty"),
        ("10.0.0.0/33", block),
        ("10.0/8", block),
        ("/8", block),
        ("http://internal.example/", block),
        ("10.0.0.1/8", "it has bits set after its prefix"),
        ("127.1", plain),
        ("[::1]", plain),
        (".127.0.0.1", plain),
        ("*.internal.example", wildcard),
        (" internal.example", "it has white space in it"),
        ("internal.example:8080", neither),
        (".", neither),
        ("a..b", neither),
        ("169.254.169.254", metadata),
        ("169.254.170.2/32", metadata),
        ("fd00:ec2::254", metadata),
        ("::ffff:169.254.169.254", metadata),
        ("metadata.google.internal", metadata),
        (".metadata.google.internal", metadata),
        ("instance-data", metadata),
    ] {
        let found = text.parse::<Rule>().unwrap_err().to_string();
        assert_eq!(found, format!("invalid egress rule {text:?}: {why}"));
    }
}
