//! Addresses, spellings, names, URLs and ports by which others were led inside, each with its expected verdict, and their
//! harmless neighbours.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::{fmt::Debug, net::IpAddr};

use fanfare_egress::{
    AddressClass::{self, *},
    DenialKind, EgressPolicy, InvalidTarget, NameClass, REFUSED_PORTS, Target, classify,
};

const WEB: &[&str] = &["http", "https"];

/// Compares the verdict of each row and names all rows that differ.
fn every_row<I: Debug, V: Debug + PartialEq>(rows: &[(I, V)], verdict: impl Fn(&I) -> V) {
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|(input, expected)| {
            let found = verdict(input);
            (found != *expected).then(|| format!("{input:?}: expected {expected:?}, found {found:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn class_of(address: &str) -> Option<AddressClass> {
    classify(address.parse().unwrap())
}

/// `None` if a URL with this host may be connected to as far as can be told without a lookup.
fn verdict_on_host(host: &str) -> Option<DenialKind> {
    let target = Target::parse(&format!("http://{host}/hook"), WEB).unwrap();
    EgressPolicy::internet().check_url(target.url()).err().map(|denied| denied.kind())
}

#[test]
fn special_ipv4_blocks_are_refused_and_their_neighbours_pass() {
    let rows = [
        ("0.0.0.0", Some(Unspecified)),
        ("0.255.255.255", Some(Unspecified)),
        ("1.0.0.0", None),
        ("9.255.255.255", None),
        ("10.0.0.0", Some(Private)),
        ("10.255.255.255", Some(Private)),
        ("11.0.0.0", None),
        ("100.63.255.254", None),
        ("100.64.0.0", Some(Shared)),
        ("100.127.255.255", Some(Shared)),
        ("100.128.0.1", None),
        ("126.255.255.255", None),
        ("127.0.0.1", Some(Loopback)),
        ("127.127.127.127", Some(Loopback)),
        ("127.255.255.255", Some(Loopback)),
        ("128.0.0.0", None),
        ("169.253.255.255", None),
        ("169.254.0.0", Some(LinkLocal)),
        ("169.254.169.254", Some(LinkLocal)),
        ("169.254.255.255", Some(LinkLocal)),
        ("169.255.0.0", None),
        ("172.15.255.255", None),
        ("172.16.0.0", Some(Private)),
        ("172.31.255.255", Some(Private)),
        ("172.32.0.0", None),
        ("191.255.255.255", None),
        ("192.0.0.0", Some(Protocol)),
        ("192.0.0.255", Some(Protocol)),
        ("192.0.1.255", None),
        ("192.0.2.0", Some(Documentation)),
        ("192.0.2.255", Some(Documentation)),
        ("192.0.3.0", None),
        ("192.31.195.255", None),
        ("192.31.196.1", Some(Protocol)),
        ("192.31.197.0", None),
        ("192.52.193.1", Some(Protocol)),
        ("192.52.194.0", None),
        ("192.88.98.255", None),
        ("192.88.99.1", Some(Protocol)),
        ("192.88.100.0", None),
        ("192.167.255.255", None),
        ("192.168.0.0", Some(Private)),
        ("192.168.255.255", Some(Private)),
        ("192.169.0.0", None),
        ("192.175.48.1", Some(Protocol)),
        ("192.175.49.0", None),
        ("198.17.255.255", None),
        ("198.18.0.0", Some(Protocol)),
        ("198.19.255.255", Some(Protocol)),
        ("198.20.0.0", None),
        ("198.51.99.255", None),
        ("198.51.100.0", Some(Documentation)),
        ("198.51.101.0", None),
        ("203.0.112.255", None),
        ("203.0.113.255", Some(Documentation)),
        ("203.0.114.0", None),
        ("223.255.255.255", None),
        ("224.0.0.0", Some(Multicast)),
        ("239.255.255.255", Some(Multicast)),
        ("240.0.0.0", Some(Reserved)),
        ("255.255.255.254", Some(Reserved)),
        ("255.255.255.255", Some(Multicast)),
        ("8.8.8.8", None),
    ];
    every_row(&rows, |address| class_of(address));
}

#[test]
fn special_ipv6_blocks_are_refused_and_their_neighbours_pass() {
    let rows = [
        ("::", Some(Unspecified)),
        ("::1", Some(Loopback)),
        ("0000::0001", Some(Loopback)),
        ("::2", Some(Embedding)),
        ("::ffff:127.0.0.1", Some(Embedding)),
        ("::ffff:7f00:1", Some(Embedding)),
        ("::ffff:8.8.8.8", Some(Embedding)),
        ("::127.0.0.1", Some(Embedding)),
        ("::8.8.8.8", Some(Embedding)),
        ("::ffff:0:127.0.0.1", Some(Embedding)),
        ("64:ff9b::127.0.0.1", Some(Embedding)),
        ("64:ff9b::8.8.8.8", Some(Embedding)),
        ("64:ff9b:1::1", Some(Embedding)),
        ("64:ff9b:1:ffff:ffff:ffff:ffff:ffff", Some(Embedding)),
        ("64:ff9b:2::1", Some(Reserved)),
        ("100::1", Some(Protocol)),
        ("100:0:0:1::1", Some(Protocol)),
        ("100:0:0:2::1", Some(Reserved)),
        ("1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some(Reserved)),
        ("2000::1", None),
        ("2001::1", Some(Embedding)),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", Some(Embedding)),
        ("2001:1::1", Some(Protocol)),
        ("2001:2::1", Some(Protocol)),
        ("2001:10::1", Some(Protocol)),
        ("2001:20::1", Some(Protocol)),
        ("2001:30::1", Some(Protocol)),
        ("2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", Some(Protocol)),
        ("2001:200::1", None),
        ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", None),
        ("2001:db8::1", Some(Documentation)),
        ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Some(Documentation)),
        ("2001:db9::1", None),
        ("2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
        ("2002::1", Some(Embedding)),
        ("2002:7f00:1::1", Some(Embedding)),
        ("2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some(Embedding)),
        ("2003::1", None),
        ("2620:4f:7fff::1", None),
        ("2620:4f:8000::1", Some(Protocol)),
        ("2620:4f:8001::1", None),
        ("2606:4700:4700::1111", None),
        ("2606:4700::5efe:127.0.0.1", Some(Embedding)),
        ("2606:4700::200:5efe:10.0.0.1", Some(Embedding)),
        ("2606:4700::100:5efe:10.0.0.1", None),
        ("3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
        ("3fff::1", Some(Documentation)),
        ("3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Some(Documentation)),
        ("3fff:1000::1", None),
        ("4000::1", Some(Reserved)),
        ("5f00::1", Some(Protocol)),
        ("5f01::1", Some(Reserved)),
        ("fbff::1", Some(Reserved)),
        ("fc00::1", Some(Private)),
        ("fd00:ec2::254", Some(Private)),
        ("fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some(Private)),
        ("fe00::1", Some(Reserved)),
        ("fe80::1", Some(LinkLocal)),
        ("febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some(LinkLocal)),
        ("fec0::1", Some(Private)),
        ("feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some(Private)),
        ("ff00::1", Some(Multicast)),
        ("ff02::1", Some(Multicast)),
    ];
    every_row(&rows, |address| class_of(address));
}

#[test]
fn metadata_services_are_refused_as_such_in_every_form() {
    let rows = [
        ("169.254.169.254", Some(DenialKind::Metadata)),
        ("169.254.170.2", Some(DenialKind::Metadata)),
        ("169.254.170.23", Some(DenialKind::Metadata)),
        ("169.254.0.23", Some(DenialKind::Metadata)),
        ("169.254.42.42", Some(DenialKind::Metadata)),
        ("100.100.100.200", Some(DenialKind::Metadata)),
        ("192.0.0.192", Some(DenialKind::Metadata)),
        ("168.63.129.16", Some(DenialKind::Metadata)),
        ("168.63.129.17", None),
        ("fd00:ec2::254", Some(DenialKind::Metadata)),
        ("fd00:ec2::23", Some(DenialKind::Metadata)),
        ("fd20:ce::254", Some(DenialKind::Metadata)),
        ("fd00:c1::a9fe:a9fe", Some(DenialKind::Metadata)),
        ("fd00:42::42", Some(DenialKind::Metadata)),
        ("fe80::a9fe:a9fe", Some(DenialKind::Metadata)),
        ("::ffff:169.254.169.254", Some(DenialKind::Metadata)),
        ("::169.254.169.254", Some(DenialKind::Metadata)),
        ("::ffff:0:169.254.169.254", Some(DenialKind::Metadata)),
        ("64:ff9b::a9fe:a9fe", Some(DenialKind::Metadata)),
        // RFC 8215 and RFC 6052: prefixes of 96, 64, 56 and 48 bits.
        ("64:ff9b:1::a9fe:a9fe", Some(DenialKind::Metadata)),
        ("64:ff9b:1:0:a9:fea9:fe00:0", Some(DenialKind::Metadata)),
        ("64:ff9b:1:a9:fe:a9fe::", Some(DenialKind::Metadata)),
        ("64:ff9b:1:a9fe:a9:fe00::", Some(DenialKind::Metadata)),
        ("2002:a9fe:a9fe::1", Some(DenialKind::Metadata)),
        ("2001:0:a9fe:a9fe::1", Some(DenialKind::Metadata)),
        ("2001:0:808:808:0:0:5601:5601", Some(DenialKind::Metadata)),
        ("2606:4700::5efe:169.254.169.254", Some(DenialKind::Metadata)),
    ];
    every_row(&rows, |address| {
        let address: IpAddr = address.parse().unwrap();
        EgressPolicy::internet().check_address(None, address, 443).err().map(|denied| denied.kind())
    });
}

#[test]
fn an_address_is_judged_alike_in_every_spelling() {
    let loopback = Some(DenialKind::Address(Loopback));
    let embedding = Some(DenialKind::Address(Embedding));
    let rows = [
        ("2130706433", loopback),
        ("017700000001", loopback),
        ("0177.0.0.1", loopback),
        ("0x7f000001", loopback),
        ("0X7F000001", loopback),
        ("0x7f.1", loopback),
        ("127.1", loopback),
        ("127.0.1", loopback),
        ("127.0.0.1.", loopback),
        ("0", Some(DenialKind::Address(Unspecified))),
        ("0x", Some(DenialKind::Address(Unspecified))),
        ("０", Some(DenialKind::Address(Unspecified))),
        ("１２７.０.０.１", loopback),
        ("①②⑦.⓪.⓪.①", loopback),
        ("127。0。0。1", loopback),
        ("127．0．0．1", loopback),
        ("127｡0｡0｡1", loopback),
        ("2852039166", Some(DenialKind::Metadata)),
        ("0xa9fea9fe", Some(DenialKind::Metadata)),
        ("169.254.43518", Some(DenialKind::Metadata)),
        ("134744072", None),
        ("[::1]", loopback),
        ("[0000::1]", loopback),
        ("[0:0:0:0:0:0:0:1]", loopback),
        ("[::]", Some(DenialKind::Address(Unspecified))),
        ("[::ffff:127.0.0.1]", embedding),
        ("[::FFFF:7F00:1]", embedding),
        ("[::127.0.0.1]", embedding),
        ("[fd00:ec2::254]", Some(DenialKind::Metadata)),
        ("[2606:4700:4700::1111]", None),
    ];
    every_row(&rows, |host| verdict_on_host(host));
}

#[test]
fn names_of_the_machine_and_of_private_networks_are_refused_without_a_lookup() {
    let localhost = Some(DenialKind::Name(NameClass::Localhost));
    let single = Some(DenialKind::Name(NameClass::SingleLabel));
    let private = Some(DenialKind::Name(NameClass::Private));
    let metadata = Some(DenialKind::Metadata);
    let rows = [
        ("localhost", localhost),
        ("LOCALHOST", localhost),
        ("LocalHost.", localhost),
        ("a.localhost", localhost),
        ("a.b.LocalHost.", localhost),
        ("localhost.localdomain", localhost),
        ("ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", localhost),
        ("ｌｏｃａｌｈｏｓｔ", localhost),
        ("local\u{ad}host", localhost),
        ("ip6-localhost", single),
        ("ip6-loopback", single),
        ("backend", single),
        ("backend.", single),
        ("db_primary", single),
        ("xn--bcher-kva", single),
        ("kubernetes.default.svc", private),
        ("kubernetes.default.svc.cluster.local", private),
        ("printer.local", private),
        ("router.home.arpa", private),
        ("db.corp", private),
        ("nas.LAN.", private),
        ("vault.internal", private),
        ("metadata", metadata),
        ("metadata.google.internal", metadata),
        ("Metadata.Google.Internal.", metadata),
        ("metadata。google。internal", metadata),
        ("x.metadata.google.internal", metadata),
        ("metadata.goog", metadata),
        ("instance-data", metadata),
        ("instance-data.ec2.internal", metadata),
        ("instance-data.eu-west-1.compute.internal", metadata),
        ("metadata.tencentyun.com", metadata),
        // Their addresses decide: the lookup refuses what leads inside.
        ("localtest.me", None),
        ("127.0.0.1.nip.io", None),
        ("hooks.example.com", None),
        ("hooks.example.com.", None),
        ("localhost.example.com", None),
        ("notlocalhost.com", None),
        ("metadata.example.com", None),
        ("instance-data.example.com", None),
        ("svc.example.com", None),
        ("my_hook.example.com", None),
        ("bücher.example", None),
        // A Cyrillic o: another name than localhost, which an ordinary lookup decides.
        ("l\u{43e}calhost.com", None),
    ];
    every_row(&rows, |host| verdict_on_host(host));
}

#[test]
fn a_name_has_at_most_253_bytes_and_labels_of_at_most_63() {
    let label = "a".repeat(63);
    let name_of_253 = [&label[..], &label, &label, &label[..61]].join(".");
    let name_of_254 = [&label[..], &label, &label, &label[..62]].join(".");
    let rows = [
        (name_of_253.clone(), None),
        (format!("{name_of_253}."), None),
        (name_of_254, Some(InvalidTarget::Host)),
        (format!("{label}.example"), None),
        (format!("{label}a.example"), Some(InvalidTarget::Host)),
    ];
    every_row(&rows, |host| Target::parse(&format!("http://{host}/"), WEB).err());
}

#[test]
fn a_url_is_refused_wherever_readers_of_urls_differ() {
    use InvalidTarget::{Authority, Character, Fragment, Host, Malformed, Port, Scheme, UserInfo};
    let rows = [
        ("http://hooks.example/", None),
        ("HTTP://HOOKS.EXAMPLE", None),
        ("https://hooks.example:8443/a/b?c=d@e&f=http://g", None),
        ("https://user:secret@hooks.example/", None),
        ("https://me%40example.com:p%3Aw%2F@hooks.example/", None),
        ("http://a@b@c", Some(UserInfo)),
        ("http://a:b@c@hooks.example/", Some(UserInfo)),
        ("http://user@hooks.example/", Some(UserInfo)),
        ("http://:password@hooks.example/", Some(UserInfo)),
        ("http://user:@hooks.example/", Some(UserInfo)),
        ("http://@hooks.example/", Some(UserInfo)),
        ("http://a:b:c@hooks.example/", Some(UserInfo)),
        ("http://a[:b]@hooks.example/", Some(UserInfo)),
        ("http://us%0aer:b@hooks.example/", Some(UserInfo)),
        ("http://us%7fer:b@hooks.example/", Some(UserInfo)),
        ("http://us%4:b@hooks.example/", Some(UserInfo)),
        ("http://1.1.1.1 &@2.2.2.2#@3.3.3.3/", Some(Character)),
        ("http://1.1.1.1&@2.2.2.2/", Some(UserInfo)),
        ("http://hooks.example#@127.0.0.1/", Some(Fragment)),
        ("http://hooks.example/#", Some(Fragment)),
        ("http:\\\\hooks.example", Some(Character)),
        ("http://hooks.example\\@127.0.0.1/", Some(Character)),
        ("http://hooks.example/a\\b", Some(Character)),
        ("http:/hooks.example", Some(Authority)),
        ("http:hooks.example", Some(Authority)),
        ("http:///hooks.example", Some(Authority)),
        ("http:////hooks.example", Some(Authority)),
        ("http://", Some(Authority)),
        ("http://?x", Some(Authority)),
        ("http://user:password@/", Some(Authority)),
        ("//hooks.example", Some(Scheme)),
        ("hooks.example", Some(Scheme)),
        ("hooks.example:80", Some(Scheme)),
        ("", Some(Scheme)),
        (":", Some(Scheme)),
        (" http://hooks.example/", Some(Character)),
        ("http://hooks.example/ ", Some(Character)),
        ("http://hooks.example/\u{3000}", Some(Character)),
        ("http://hooks\t.example/", Some(Character)),
        ("ht\ntp://hooks.example/", Some(Character)),
        ("http://hooks.example/\r\nHost: inside", Some(Character)),
        ("http://hooks.example/\0", Some(Character)),
        ("http://%6c%6f%63alhost/", Some(Host)),
        ("http://%31%32%37.0.0.1/", Some(Host)),
        ("http://127.0.0.1%2f.example/", Some(Host)),
        ("http://hooks.example%40127.0.0.1/", Some(Host)),
        ("http://hooks.example%00.evil.example/", Some(Host)),
        ("http://[fe80::1%25eth0]/", Some(Host)),
        ("http://[fe80::1%eth0]/", Some(Host)),
        ("http://hooks.example:0/", Some(Port)),
        ("http://hooks.example:00/", Some(Port)),
        ("http://hooks.example:65535/", None),
        ("http://hooks.example:65536/", Some(Port)),
        ("http://hooks.example:/", Some(Port)),
        ("http://hooks.example:+80/", Some(Port)),
        ("http://hooks.example:80:80/", Some(Port)),
        ("http://hooks.example:8o/", Some(Port)),
        ("http://[[::1]]/", Some(Malformed)),
        ("http://[::1/", Some(Port)),
        ("http://::1]/", Some(Malformed)),
        ("http://::1/", Some(Port)),
        ("http://[::1]x/", Some(Malformed)),
        ("http://[]/", Some(Malformed)),
        ("http://[127.0.0.1]/", Some(Malformed)),
        ("http://256.256.256.256/", Some(Malformed)),
        ("http://1.2.3.4.5/", Some(Malformed)),
        ("http://hooks.example.0x7f/", Some(Malformed)),
        ("http://a..example/", Some(Host)),
        ("http://.example/", Some(Host)),
        ("http://hooks.example../", Some(Host)),
        ("http://./", Some(Host)),
        ("http://hooks,example/", Some(Host)),
        ("http://a&b.example/", Some(Host)),
        ("http://*.example/", Some(Host)),
        ("http://hooks.example;127.0.0.1/", Some(Malformed)),
        ("http://hooks<.example/", Some(Malformed)),
        ("http://xn--a/", Some(Malformed)),
    ];
    every_row(&rows, |text| Target::parse(text, WEB).err());
}

#[test]
fn a_url_beyond_the_longest_is_refused() {
    let longest = format!("http://hooks.example/{}", "a".repeat(fanfare_egress::MAX_URL_BYTES - 21));
    assert!(Target::parse(&longest, WEB).is_ok());
    let grows = format!("http://c.example/{}", "é".repeat(1400));
    assert_eq!(Target::parse(&grows, WEB), Err(InvalidTarget::TooLong));
    assert_eq!(Target::parse(&format!("{longest}a"), WEB), Err(InvalidTarget::TooLong));
}

#[test]
fn schemes_outside_of_the_accepted_set_are_refused() {
    let rows = [
        "file:///etc/passwd",
        "file://hooks.example/etc/passwd",
        "gopher://hooks.example:70/_x",
        "dict://hooks.example:11211/stat",
        "ftp://hooks.example/",
        "ldap://hooks.example/",
        "jar:http://hooks.example/a.jar!/",
        "unix:///var/run/docker.sock",
        "data:text/plain,hello",
        "javascript:alert(1)",
        "blob:http://hooks.example/1",
        "httpx://hooks.example/",
    ];
    for text in rows {
        assert_eq!(Target::parse(text, WEB), Err(InvalidTarget::Scheme), "{text}");
    }
    assert_eq!(Target::parse("http://hooks.example/", &["https"]), Err(InvalidTarget::Scheme));
}

#[test]
fn what_is_handed_on_is_the_normalised_url() {
    let rows = [
        ("HTTP://HOOKS.Example.:80/a/../b", "http://hooks.example/b".to_owned()),
        ("https://BÜCHER.example", "https://xn--bcher-kva.example/".to_owned()),
        ("http://0x08080808/", "http://8.8.8.8/".to_owned()),
        ("http://[2606:4700:4700:0:0:0:0:1111]:8080/", "http://[2606:4700:4700::1111]:8080/".to_owned()),
        ("smpp://0x08080808:2775", "smpp://8.8.8.8:2775".to_owned()),
        ("smpp://Hooks.Example:2775", "smpp://hooks.example:2775".to_owned()),
    ];
    every_row(&rows, |text| Target::parse(text, &["http", "https", "smpp"]).unwrap().into_url().to_string());
}

#[test]
fn a_scheme_that_the_url_standard_does_not_know_hides_no_host() {
    let schemes = &["smpp"];
    for host in ["127.1", "2130706433", "LOCALHOST", "localhost.", "[::1]", "①②⑦.1"] {
        let target = Target::parse(&format!("smpp://{host}:2776"), schemes).unwrap();
        assert!(EgressPolicy::internet().check_url(target.url()).is_err(), "{host}");
    }
    // Also where a caller parsed by itself.
    for text in ["smpp://127.1:2776", "smpp://%31%32%37.0.0.1:2776", "smpp:relative", "smpp:///"] {
        let url = url::Url::parse(text).unwrap();
        assert!(EgressPolicy::internet().check_url(&url).is_err(), "{text}");
    }
}

#[test]
fn ports_of_other_services_are_refused_and_those_of_the_web_pass() {
    let rows = [
        (22, Some(DenialKind::Port(22))),
        (25, Some(DenialKind::Port(25))),
        (2375, Some(DenialKind::Port(2375))),
        (2379, Some(DenialKind::Port(2379))),
        (4222, Some(DenialKind::Port(4222))),
        (5432, Some(DenialKind::Port(5432))),
        (6379, Some(DenialKind::Port(6379))),
        (8222, Some(DenialKind::Port(8222))),
        (9200, Some(DenialKind::Port(9200))),
        (10250, Some(DenialKind::Port(10250))),
        (11211, Some(DenialKind::Port(11211))),
        (80, None),
        (443, None),
        (3000, None),
        (8000, None),
        (8080, None),
        (8443, None),
        (65535, None),
    ];
    every_row(&rows, |port| {
        let target = Target::parse(&format!("http://hooks.example:{port}/"), WEB).unwrap();
        EgressPolicy::internet().check_url(target.url()).err().map(|denied| denied.kind())
    });
}

#[test]
fn refused_ports_stand_in_order_and_below_those_that_systems_choose() {
    assert!(REFUSED_PORTS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert!(REFUSED_PORTS.iter().all(|&(port, _)| port < 32768));
}

#[test]
fn a_refusal_is_told_in_one_line_without_inside_addresses() {
    let policy = EgressPolicy::internet();
    let denial = |host: Option<&str>, address: &str, port| {
        policy.check_address(host, address.parse().unwrap(), port).unwrap_err().to_string()
    };
    let rows = [
        (
            denial(None, "127.0.0.1", 443),
            "egress to 127.0.0.1 is refused: loopback address (allow it with an egress rule)",
        ),
        (
            denial(Some("hooks.example"), "10.1.2.3", 443),
            "egress to hooks.example is refused: private address behind the name (allow it with an egress rule)",
        ),
        (
            denial(Some("localhost"), "127.0.0.1", 443),
            "egress to localhost is refused: name of the machine itself (allow it with an egress rule)",
        ),
        (
            denial(None, "169.254.169.254", 443),
            "egress to 169.254.169.254 is refused: metadata service (no rule can allow it)",
        ),
        (
            denial(Some("hooks.example"), "169.254.169.254", 443),
            "egress to hooks.example is refused: metadata service behind the name (no rule can allow it)",
        ),
        (
            denial(Some("hooks.example"), "8.8.8.8", 22),
            "egress to hooks.example is refused: port 22 is not open to subscribers (allow it by its number)",
        ),
        (denial(Some("a\nb"), "8.8.8.8", 443), "egress is refused: neither an ip address nor a host name"),
    ];
    for (found, expected) in rows {
        assert_eq!(found, expected);
    }
}

#[test]
fn a_target_shows_neither_user_information_nor_path_nor_query() {
    let target = Target::parse("https://user:secret@hooks.example:8443/token?key=secret", WEB).unwrap();
    assert_eq!(target.to_string(), "https://hooks.example:8443");
    assert_eq!(format!("{target:?}"), "Target(https://hooks.example:8443)");
}
