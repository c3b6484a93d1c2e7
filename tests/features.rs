//! What each feature costs, as `cargo tree` sees it.

use std::process::Command;

/// Crates that only a protocol may bring.
const HEAVY: [&str; 14] = [
    "hyper",
    "h2",
    "http",
    "reqwest",
    "rustls",
    "aws-lc-rs",
    "aws-lc-sys",
    "ring",
    "openssl",
    "native-tls",
    "rsa",
    "rcgen",
    "lettre",
    "aws-sdk-sqs",
];

/// The names of the crates that `package` is built from with `features`.
fn tree(package: &str, features: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", package, "--no-default-features", "--features", features])
        .args(["--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("cargo tree prints UTF-8");
    let mut names: Vec<_> = text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    assert!(names.contains(&package.to_owned()), "the tree of {package} lacks its root: {text}");
    names
}

fn heavy(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).filter(|name| HEAVY.contains(name) || name.starts_with("aws-")).collect()
}

#[test]
fn the_facade_without_features_pulls_no_http_tls_or_aws_crate() {
    assert_eq!(heavy(&tree("fanfare", "")), [""; 0]);
}

#[test]
fn the_core_pulls_no_http_tls_or_aws_crate() {
    assert_eq!(heavy(&tree("fanfare-core", "")), [""; 0]);
}

#[test]
fn http_alone_pulls_no_tls_crate() {
    let names = tree("fanfare", "http");
    assert!(names.contains(&"reqwest".to_owned()));
    // The certificate of the signing key comes in the types of rustls-pki-types, which has no TLS in it.
    let tls: Vec<_> = names.iter().filter(|name| name.contains("tls") && *name != "rustls-pki-types").collect();
    assert!(tls.is_empty(), "{tls:?}");
}

#[test]
fn the_store_on_disk_pulls_no_http_tls_or_aws_crate() {
    let names = tree("fanfare", "store-disk");
    assert!(names.contains(&"rusqlite".to_owned()));
    assert_eq!(heavy(&names), [""; 0]);
}

#[test]
fn https_brings_one_tls_stack_and_one_crypto_provider() {
    let names = tree("fanfare", "https");
    assert!(names.contains(&"rustls".to_owned()));
    let others: Vec<_> =
        names.iter().filter(|name| ["ring", "openssl", "openssl-sys", "native-tls"].contains(&name.as_str())).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn each_protocol_of_aws_brings_its_own_part_of_the_sdk_and_no_second_tls_stack() {
    for (feature, sdk, other) in [("sqs", "aws-sdk-sqs", "aws-sdk-lambda"), ("lambda", "aws-sdk-lambda", "aws-sdk-sqs")]
    {
        let names = tree("fanfare", feature);
        for name in [sdk, "rustls", "aws-lc-rs"] {
            assert!(names.contains(&name.to_owned()), "{name}");
        }
        let unwanted = ["ring", "openssl", "openssl-sys", "native-tls", "reqwest", "fanfare-http", other];
        let found: Vec<_> = names.iter().filter(|name| unwanted.contains(&name.as_str())).collect();
        assert!(found.is_empty(), "{feature}: {found:?}");
    }
}

#[test]
fn email_brings_one_tls_stack_and_one_crypto_provider_and_no_http_client() {
    for feature in ["email", "email-json"] {
        let names = tree("fanfare", feature);
        for name in ["lettre", "rustls", "aws-lc-rs"] {
            assert!(names.contains(&name.to_owned()), "{name}");
        }
        let unwanted =
            ["ring", "openssl", "openssl-sys", "native-tls", "webpki-roots", "hyper", "reqwest", "fanfare-http"];
        let found: Vec<_> = names.iter().filter(|name| unwanted.contains(&name.as_str())).collect();
        assert!(found.is_empty(), "{feature}: {found:?}");
    }
}

#[test]
fn text_messages_bring_every_way_with_one_tls_stack_and_one_crypto_provider() {
    let names = tree("fanfare", "sms");
    for name in ["aws-sdk-sns", "rusmpp", "reqwest", "rustls", "aws-lc-rs"] {
        assert!(names.contains(&name.to_owned()), "{name}");
    }
    let unwanted =
        ["ring", "openssl", "openssl-sys", "native-tls", "webpki-roots", "fanfare-http", "fanfare-sqs", "lettre"];
    let found: Vec<_> = names.iter().filter(|name| unwanted.contains(&name.as_str())).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn application_brings_one_tls_stack_one_crypto_provider_and_one_part_of_the_sdk() {
    let names = tree("fanfare", "application");
    for name in ["reqwest", "h2", "rustls", "aws-lc-rs", "aws-sdk-sns", "fanfare-egress"] {
        assert!(names.contains(&name.to_owned()), "{name}");
    }
    let unwanted =
        ["ring", "openssl", "openssl-sys", "native-tls", "p256", "aws-sdk-sqs", "aws-sdk-lambda", "fanfare-http"];
    let found: Vec<_> = names.iter().filter(|name| unwanted.contains(&name.as_str())).collect();
    assert!(found.is_empty(), "{found:?}");
}
