//! The URLs that subscribers write: what the check sees must be what the client connects to.

use std::net::IpAddr;

use fanfare_egress::{EgressPolicy, Host, Target, classify};

/// Reads a URL, and a host.
///
/// The whole input is the URL, and the host too.
///
/// Claims: a URL that is accepted names the host that stands in its text between `//` or `@` and the port or path, whoever
/// reads it; its normalised form is read as the same; no literal address inside a network
/// passes the policy for the internet; a host's one spelling is read as that host.
pub fn egress_target(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(host) = Host::parse(&text) {
        let spelling = host.to_string();
        assert_eq!(Host::parse(&spelling), Ok(host));
        assert!(spelling.is_ascii() && !spelling.contains(['/', '@', '?', '#', '%', '\\', ' ']), "{spelling:?}");
    }
    let Ok(target) = Target::parse(&text, &["http", "https"]) else { return };
    let again = Target::parse(target.url().as_str(), &["http", "https"]);
    assert_eq!(again.as_ref(), Ok(&target), "the normalised form");
    let given = target.url().host_str().expect("an accepted url names a host");
    assert_eq!(Host::parse(given).as_ref(), Ok(target.host()), "what the client is given");
    let written = written_host(&text);
    assert!(!written.contains(['%', '\\', '#']), "readers differ over {written:?}");
    assert_eq!(Host::parse(written).as_ref(), Ok(target.host()), "what stands in the text");
    assert!(target.port().is_some_and(|port| port != 0));
    if let Host::Address(address) = target.host() {
        check_address(&target, *address);
    }
}

/// The host in the text of a URL, found with the least knowledge of URLs.
fn written_host(text: &str) -> &str {
    let (_, rest) = text.split_once("//").expect("an accepted url has an authority");
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host_and_port)| host_and_port);
    match host_and_port.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => host_and_port,
    }
}

fn check_address(target: &Target, address: IpAddr) {
    let policy = EgressPolicy::internet();
    let allowed = policy.check_url(target.url());
    if classify(address).is_some() {
        assert!(allowed.is_err(), "{target} is special");
    }
    let port = target.port().expect("http and https have usual ports");
    let connected = policy.check_address(None, address, port);
    assert_eq!(allowed.is_ok(), connected.is_ok(), "{target} by its url and by its address");
}
