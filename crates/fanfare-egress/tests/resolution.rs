//! What a name may lead to, judged anew for each connection.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::{
    collections::VecDeque,
    error::Error,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use fanfare_egress::{
    AddressClass, DenialKind, EgressPolicy, HostName, MAX_ADDRESSES, NameClass, NameScope, NameService, ResolveError,
    SystemNames,
};

/// Gives its answers one after the other, and notes what it was asked.
#[derive(Debug, Default)]
struct ScriptedNames {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: Mutex<Vec<(String, NameScope)>>,
}

#[async_trait::async_trait]
impl NameService for ScriptedNames {
    async fn addresses(&self, name: &HostName, scope: NameScope) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push((name.to_string(), scope));
        self.answers.lock().unwrap().pop_front().ok_or_else(|| io::Error::other("no such name"))
    }
}

fn answering(answers: &[&[&str]]) -> Arc<ScriptedNames> {
    let answers = answers.iter().map(|answer| answer.iter().map(|text| text.parse().unwrap()).collect()).collect();
    Arc::new(ScriptedNames { answers: Mutex::new(answers), ..ScriptedNames::default() })
}

fn denied(result: Result<Vec<SocketAddr>, ResolveError>) -> DenialKind {
    match result {
        Err(ResolveError::Denied(denied)) => denied.kind(),
        other => panic!("not denied: {other:?}"),
    }
}

fn sockets(texts: &[&str]) -> Vec<SocketAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_name_with_public_addresses_resolves_to_all_of_them_in_order() {
    let names = answering(&[&["2606:4700:4700::1111", "1.1.1.1", "1.0.0.1", "1.1.1.1"]]);
    let policy = EgressPolicy::internet().with_names(names);
    let found = policy.resolve("hooks.example", 443).await.unwrap();
    assert_eq!(found, sockets(&["[2606:4700:4700::1111]:443", "1.1.1.1:443", "1.0.0.1:443"]));
}

#[tokio::test]
async fn a_name_that_turns_inside_after_the_first_answer_is_refused_then() {
    let names = answering(&[&["1.1.1.1"], &["127.0.0.1"], &["1.1.1.1"]]);
    let policy = EgressPolicy::internet().with_names(names.clone());
    assert_eq!(policy.resolve("rebind.example", 443).await.unwrap(), sockets(&["1.1.1.1:443"]));
    assert_eq!(denied(policy.resolve("rebind.example", 443).await), DenialKind::Address(AddressClass::Loopback));
    assert_eq!(policy.resolve("rebind.example", 443).await.unwrap(), sockets(&["1.1.1.1:443"]));
    assert_eq!(names.asked.lock().unwrap().len(), 3, "no answer is remembered");
}

#[tokio::test]
async fn one_inside_address_refuses_the_whole_answer() {
    let private = DenialKind::Address(AddressClass::Private);
    let loopback = DenialKind::Address(AddressClass::Loopback);
    let embedding = DenialKind::Address(AddressClass::Embedding);
    let cases: [(&[&str], DenialKind); 7] = [
        (&["1.1.1.1", "10.0.0.1"], private),
        (&["10.0.0.1", "1.1.1.1"], private),
        (&["1.1.1.1", "fd12::1"], private),
        (&["1.1.1.1", "::1"], loopback),
        (&["1.1.1.1", "::ffff:10.0.0.1"], embedding),
        (&["1.1.1.1", "64:ff9b::7f00:1"], embedding),
        (&["1.1.1.1", "169.254.169.254"], DenialKind::Metadata),
    ];
    for (answer, expected) in cases {
        let policy = EgressPolicy::internet().with_names(answering(&[answer]));
        assert_eq!(denied(policy.resolve("mixed.example", 443).await), expected, "{answer:?}");
    }
}

#[tokio::test]
async fn a_public_name_that_leads_inside_is_refused_as_wildcard_name_services_show() {
    for name in ["localtest.me", "127.0.0.1.nip.io", "cname-to-inside.example"] {
        let policy = EgressPolicy::internet().with_names(answering(&[&["127.0.0.1"]]));
        assert_eq!(denied(policy.resolve(name, 443).await), DenialKind::Address(AddressClass::Loopback), "{name}");
    }
}

#[tokio::test]
async fn a_refused_name_or_port_is_never_looked_up() {
    let names = answering(&[]);
    let policy = EgressPolicy::internet().with_names(names.clone());
    let localhost = DenialKind::Name(NameClass::Localhost);
    assert_eq!(denied(policy.resolve("LOCALHOST.", 443).await), localhost);
    assert_eq!(denied(policy.resolve("backend", 443).await), DenialKind::Name(NameClass::SingleLabel));
    assert_eq!(denied(policy.resolve("kubernetes.default.svc", 443).await), DenialKind::Name(NameClass::Private));
    assert_eq!(denied(policy.resolve("metadata.google.internal", 80).await), DenialKind::Metadata);
    assert_eq!(denied(policy.resolve("hooks.example", 6379).await), DenialKind::Port(6379));
    assert_eq!(denied(policy.resolve("hooks.example", 0).await), DenialKind::Port(0));
    assert_eq!(denied(policy.resolve("a b", 443).await), DenialKind::MalformedHost);
    assert_eq!(denied(policy.resolve("", 443).await), DenialKind::MalformedHost);
    assert_eq!(denied(policy.resolve("fe80::1%eth0", 443).await), DenialKind::MalformedHost);
    assert_eq!(*names.asked.lock().unwrap(), []);
}

#[tokio::test]
async fn an_address_is_its_own_answer() {
    let names = answering(&[]);
    let policy = EgressPolicy::internet().with_names(names.clone());
    assert_eq!(policy.resolve("1.1.1.1", 443).await.unwrap(), sockets(&["1.1.1.1:443"]));
    let v6 = sockets(&["[2606:4700:4700::1111]:443"]);
    assert_eq!(policy.resolve("[2606:4700:4700::1111]", 443).await.unwrap(), v6);
    assert_eq!(policy.resolve("2606:4700:4700::1111", 443).await.unwrap(), v6);
    for loopback in ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "127.0.0.1.", "[::1]", "::1"] {
        let found = denied(policy.resolve(loopback, 443).await);
        assert_eq!(found, DenialKind::Address(AddressClass::Loopback), "{loopback}");
    }
    assert_eq!(*names.asked.lock().unwrap(), []);
}

#[tokio::test]
async fn only_names_that_a_rule_allows_are_completed_by_search_domains() {
    let names = answering(&[&["1.1.1.1"], &["172.18.0.2"]]);
    let policy = EgressPolicy::internet().allow("backend".parse().unwrap()).with_names(names.clone());
    policy.resolve("Hooks.Example.", 443).await.unwrap();
    assert_eq!(policy.resolve("backend", 8080).await.unwrap(), sockets(&["172.18.0.2:8080"]));
    let asked = [("hooks.example".to_owned(), NameScope::Absolute), ("backend".to_owned(), NameScope::Searched)];
    assert_eq!(*names.asked.lock().unwrap(), asked);
}

#[tokio::test]
async fn a_rule_for_a_block_allows_names_that_lead_into_it() {
    let names = answering(&[&["10.0.0.1", "1.1.1.1"], &["10.0.0.1", "192.168.0.1"]]);
    let policy = EgressPolicy::internet().allow("10.0.0.0/8".parse().unwrap()).with_names(names);
    assert_eq!(policy.resolve("a.example", 80).await.unwrap(), sockets(&["10.0.0.1:80", "1.1.1.1:80"]));
    assert_eq!(denied(policy.resolve("b.example", 80).await), DenialKind::Address(AddressClass::Private));
}

#[tokio::test]
async fn no_rule_lets_a_name_lead_to_a_metadata_service() {
    let names = answering(&[&["169.254.169.254"], &["::ffff:169.254.169.254"]]);
    let policy = EgressPolicy::internet()
        .allow("internal.example".parse().unwrap())
        .allow("0.0.0.0/0".parse().unwrap())
        .allow("::/0".parse().unwrap())
        .with_names(names);
    assert_eq!(denied(policy.resolve("a.internal.example", 80).await), DenialKind::Metadata);
    assert_eq!(denied(policy.resolve("a.internal.example", 80).await), DenialKind::Metadata);
}

#[tokio::test]
async fn a_huge_answer_is_cut_but_judged_to_its_end() {
    let public: Vec<IpAddr> = (0..1000u32).map(|n| IpAddr::V4(Ipv4Addr::from(0x0101_0000 + n))).collect();
    let mut with_inside = public.clone();
    with_inside.push("10.0.0.1".parse().unwrap());
    let names = ScriptedNames { answers: Mutex::new([public, with_inside].into()), ..ScriptedNames::default() };
    let policy = EgressPolicy::internet().with_names(Arc::new(names));
    let found = policy.resolve("huge.example", 443).await.unwrap();
    assert_eq!(found.len(), MAX_ADDRESSES);
    assert_eq!((found[0], found[63]), ("1.1.0.0:443".parse().unwrap(), "1.1.0.63:443".parse().unwrap()));
    assert_eq!(denied(policy.resolve("huge.example", 443).await), DenialKind::Address(AddressClass::Private));
}

#[tokio::test]
async fn a_name_without_addresses_and_a_lookup_without_answer_are_errors_that_may_pass() {
    let policy = EgressPolicy::internet().with_names(answering(&[&[]]));
    let empty = policy.resolve("Empty.Example", 443).await.unwrap_err();
    assert!(matches!(empty, ResolveError::NoAddress(_)));
    assert_eq!(empty.to_string(), "empty.example has no address");
    let unknown = policy.resolve("unknown.example", 443).await.unwrap_err();
    assert!(matches!(unknown, ResolveError::Lookup(..)));
    assert_eq!(unknown.to_string(), "unknown.example could not be looked up");
    assert_eq!(unknown.source().unwrap().to_string(), "no such name");
}

#[tokio::test]
async fn the_refused_address_is_kept_for_the_operator_and_out_of_the_message() {
    let policy = EgressPolicy::internet().with_names(answering(&[&["10.1.2.3"]]));
    let Err(ResolveError::Denied(denied)) = policy.resolve("hooks.example", 443).await else { panic!("not denied") };
    assert_eq!(denied.address(), Some("10.1.2.3".parse().unwrap()));
    assert!(!denied.to_string().contains("10.1.2.3"));
}

#[tokio::test]
async fn the_system_knows_localhost_when_a_rule_allows_it() {
    let policy = EgressPolicy::internet().with_names(Arc::new(SystemNames::new())).allow("localhost".parse().unwrap());
    let found = policy.resolve("localhost", 8080).await.unwrap();
    assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 8080), "{found:?}");
}
