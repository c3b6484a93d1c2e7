//! Whatever a subscriber writes: no panic, and one reading.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use fanfare_egress::{EgressPolicy, Host, Rule, Target};
use http::Uri;
use proptest::prelude::*;

const SCHEMES: &[&str] = &["http", "https", "smpp"];

/// Texts that are close enough to URLs to get past the first checks.
fn url_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z0-9.:/@?%\\[\\]_-]{0,8}",
        2 => prop::sample::select(vec![
            "127.0.0.1", "0x7f.1", "[::1]", "hooks.example", "user:pw@", ":8080", "/a/b", "?q=1|2^3", "..", "{}\"<>`",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,4}",
    ];
    (prop::sample::select(vec!["http://", "https://", "smpp://"]), prop::collection::vec(piece, 1..6))
        .prop_map(|(scheme, pieces)| format!("{scheme}{}", pieces.concat()))
}

/// The HTTP client reads the URL once more, as a `Uri`: the two must not disagree on where it leads.
fn check_one_reading(text: &str) -> Result<(), TestCaseError> {
    let Ok(target) = Target::parse(text, SCHEMES) else { return Ok(()) };
    let again = Target::parse(target.url().as_str(), SCHEMES);
    prop_assert_eq!(again.as_ref(), Ok(&target), "the normalised form reads as itself");
    let uri: Uri = match target.url().as_str().parse() {
        Ok(uri) => uri,
        Err(error) => return Err(TestCaseError::fail(format!("{target:?} is no uri: {error}"))),
    };
    let host = target.host().to_string();
    prop_assert_eq!(uri.host(), Some(host.as_str()));
    prop_assert_eq!(uri.port_u16(), target.url().port());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_target_is_read_alike_by_the_http_client(text in url_like()) {
        check_one_reading(&text)?;
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in ".{0,64}") {
        let _ = Target::parse(&text, SCHEMES);
        let _ = Target::parse(&format!("http://{text}"), SCHEMES);
        let _ = Host::parse(&text);
        let _ = text.parse::<Rule>();
    }

    #[test]
    fn a_literal_address_is_judged_alike_in_a_url_and_by_itself(bits in any::<u32>(), bits6 in any::<u128>()) {
        let policy = EgressPolicy::internet();
        for address in [std::net::IpAddr::V4(bits.into()), std::net::IpAddr::V6(bits6.into())] {
            let target = Target::parse(&format!("https://{}/", Host::Address(address)), SCHEMES).unwrap();
            let by_itself = policy.check_address(None, address, 443);
            prop_assert_eq!(policy.check_url(target.url()), by_itself);
        }
    }
}
