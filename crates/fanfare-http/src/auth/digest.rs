//! The Digest scheme of RFC 7616 with MD5 and SHA-256, and of RFC 2617 and RFC 2069 for receivers that are still there.
//!
//! Deliberately absent: `qop=auth-int`, which no receiver of webhooks is known to insist on, and `userhash`.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use fanfare_core::Host;
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::Credentials;
use super::challenge::Challenge;

/// What a receiver asks for when it asks for Digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Option<Algorithm>,
    protection: Protection,
    stale: bool,
}

/// The hash, and whether its secret is bound to the session (`-sess`). Ordered by strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Md5Session,
    Sha256,
    Sha256Session,
}

/// Which form the response has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    /// RFC 2069: there is no `qop`.
    Legacy,
    /// `qop=auth`.
    Auth,
}

/// Terms that are in use: the client's own nonce, and how many requests have used them.
pub(crate) struct DigestSession {
    terms: Terms,
    client_nonce: String,
    requests: AtomicU32,
}

impl DigestSession {
    pub(super) fn new(terms: Terms, host: &dyn Host) -> Self {
        let mut bytes = [0; 16];
        host.fill(&mut bytes);
        Self { terms, client_nonce: hex(&bytes), requests: AtomicU32::new(0) }
    }

    /// Whether the receiver changed the terms since `old`, or says that it did.
    pub(super) fn supersedes(&self, old: &Self) -> bool {
        self.terms.stale || self.terms.nonce != old.terms.nonce
    }

    /// The value of `Authorization` for the next request.
    pub(super) fn authorization(&self, credentials: &Credentials, method: &str, uri: &str) -> String {
        let count = self.requests.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        self.terms.authorization(credentials, method, uri, count, &self.client_nonce)
    }
}

/// Without the nonces: a captured response and its nonces are what a password is guessed from.
impl fmt::Debug for DigestSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestSession").field("requests", &self.requests).finish_non_exhaustive()
    }
}

impl Terms {
    /// Reads the terms of a Digest challenge, or none when it is not one or asks for what is not spoken here.
    pub(super) fn read(challenge: &Challenge) -> Option<Self> {
        if challenge.scheme != "digest" {
            return None;
        }
        Some(Self {
            realm: challenge.parameter("realm")?.to_owned(),
            nonce: challenge.parameter("nonce")?.to_owned(),
            opaque: challenge.parameter("opaque").map(str::to_owned),
            algorithm: challenge.parameter("algorithm").map(Algorithm::read).transpose().ok()?,
            protection: match challenge.parameter("qop") {
                None => Protection::Legacy,
                Some(list) if list.split(',').any(|qop| qop.trim().eq_ignore_ascii_case("auth")) => Protection::Auth,
                Some(_) => return None,
            },
            stale: challenge.parameter("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }

    /// Larger is stronger.
    pub(super) fn strength(&self) -> impl Ord + use<> {
        self.algorithm()
    }

    fn algorithm(&self) -> Algorithm {
        self.algorithm.unwrap_or(Algorithm::Md5)
    }

    fn authorization(
        &self,
        credentials: &Credentials,
        method: &str,
        uri: &str,
        count: u32,
        client_nonce: &str,
    ) -> String {
        let Credentials { user, password } = credentials;
        let Self { realm, nonce, .. } = self;
        let algorithm = self.algorithm();

        let mut secret = algorithm.hash(&format!("{user}:{realm}:{password}"));
        if algorithm.is_session() {
            secret = algorithm.hash(&format!("{secret}:{nonce}:{client_nonce}"));
        }
        let request = algorithm.hash(&format!("{method}:{uri}"));
        let response = algorithm.hash(&match self.protection {
            Protection::Legacy => format!("{secret}:{nonce}:{request}"),
            Protection::Auth => format!("{secret}:{nonce}:{count:08x}:{client_nonce}:auth:{request}"),
        });

        let mut text = format!("Digest username={}, realm={}, uri={}", quoted(user), quoted(realm), quoted(uri));
        if let Some(algorithm) = self.algorithm {
            text += &format!(", algorithm={}", algorithm.name());
        }
        text += &format!(", nonce={}", quoted(nonce));
        if self.protection == Protection::Auth {
            text += &format!(", nc={count:08x}, cnonce={}, qop=auth", quoted(client_nonce));
        } else if algorithm.is_session() {
            text += &format!(", cnonce={}", quoted(client_nonce));
        }
        text += &format!(", response=\"{response}\"");
        if let Some(opaque) = &self.opaque {
            text += &format!(", opaque={}", quoted(opaque));
        }
        text
    }
}

impl Algorithm {
    const ALL: [Self; 4] = [Self::Md5, Self::Md5Session, Self::Sha256, Self::Sha256Session];

    fn read(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name)).ok_or(())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Session => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Session => "SHA-256-sess",
        }
    }

    fn is_session(self) -> bool {
        matches!(self, Self::Md5Session | Self::Sha256Session)
    }

    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 | Self::Md5Session => hex(&Md5::digest(text)),
            Self::Sha256 | Self::Sha256Session => hex(&Sha256::digest(text)),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::challenge;
    use super::*;

    /// The challenge of RFC 7616, section 3.9.1, with one algorithm.
    const RFC_7616: &str = r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=ALGORITHM,
        nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
    const RFC_7616_CLIENT_NONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

    fn terms(line: &str) -> Option<Terms> {
        challenge::parse(&line.replace('\n', " ")).iter().find_map(Terms::read)
    }

    fn mufasa(password: &str) -> Credentials {
        Credentials { user: "Mufasa".to_owned(), password: password.to_owned() }
    }

    fn rfc_7616_answer(algorithm: &str) -> String {
        let terms = terms(&RFC_7616.replace("ALGORITHM", algorithm)).unwrap();
        terms.authorization(&mufasa("Circle of Life"), "GET", "/dir/index.html", 1, RFC_7616_CLIENT_NONCE)
    }

    #[test]
    fn the_md5_example_of_rfc_7616_comes_out() {
        assert_eq!(
            rfc_7616_answer("MD5"),
            "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm=MD5, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, \
             cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, \
             response=\"8ca523f5e9506fed4657c9700eebdbec\", \
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        );
    }

    #[test]
    fn the_sha_256_example_of_rfc_7616_comes_out() {
        let answer = rfc_7616_answer("SHA-256");
        assert!(answer.contains("algorithm=SHA-256, "), "{answer}");
        assert!(
            answer.contains("response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\""),
            "{answer}"
        );
    }

    #[test]
    fn the_example_of_rfc_2617_comes_out() {
        let terms = terms(
            r#"Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
               opaque="5ccc069c403ebaf9f0171e9517f40e41""#,
        );
        let answer = terms.unwrap().authorization(&mufasa("Circle Of Life"), "GET", "/dir/index.html", 1, "0a4f113b");
        assert_eq!(
            answer,
            "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", uri=\"/dir/index.html\", \
             nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", nc=00000001, cnonce=\"0a4f113b\", qop=auth, \
             response=\"6629fae49393a05397450978507c4ef1\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""
        );
    }

    #[test]
    fn the_example_of_rfc_2069_comes_out() {
        // With the response as corrected by the RFC's erratum 749.
        let terms = terms(
            r#"Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
               opaque="5ccc069c403ebaf9f0171e9517f40e41""#,
        );
        let answer = terms.unwrap().authorization(&mufasa("CircleOfLife"), "GET", "/dir/index.html", 1, "");
        assert!(answer.contains("response=\"1949323746fe6a43ef61f9606e7febea\""), "{answer}");
        assert!(!answer.contains("nc="), "{answer}");
    }

    #[test]
    fn requests_of_one_session_are_counted_in_hex() {
        let session =
            DigestSession::new(terms(r#"Digest realm="r", nonce="n", qop="auth""#).unwrap(), &fanfare_core::SystemHost);
        let answers: Vec<String> = (0..16).map(|_| session.authorization(&mufasa("x"), "POST", "/")).collect();
        assert!(answers[0].contains(", nc=00000001, "));
        assert!(answers[15].contains(", nc=00000010, "));
    }

    #[test]
    fn what_is_not_spoken_here_is_no_offer() {
        assert!(terms(r#"Digest realm="r", nonce="n", qop="auth-int""#).is_none());
        assert!(terms(r#"Digest realm="r", nonce="n", algorithm=SHA-512-256"#).is_none());
        assert!(terms(r#"Digest realm="r""#).is_none());
        assert!(terms(r#"Digest nonce="n""#).is_none());
    }

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        let terms = terms(r#"Digest realm="a \"b\" \\c", nonce="n", qop="auth""#).unwrap();
        let answer = terms.authorization(&mufasa("x"), "POST", "/", 1, "c");
        assert!(answer.contains(r#"realm="a \"b\" \\c""#), "{answer}");
    }
}
