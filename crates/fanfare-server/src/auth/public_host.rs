//! The name by which a server is known, for requests that browsers send.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use url::{Host, Url};

/// The host of the server's public URL. A program that serves the [`router`](crate::api::router) puts it into the extensions of
/// each request; without, browsers reach the server by addresses and by names of this machine alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicHost(Option<Arc<str>>);

impl PublicHost {
    /// The host of that URL.
    pub fn of(url: &str) -> Self {
        let url = Url::parse(url).ok();
        Self(url.and_then(|url| url.host_str().map(|host| host.to_ascii_lowercase().into())))
    }

    /// Whether a web page of another place sent a request through its reader's browser.
    ///
    /// What a page of the server's own sends has the server as its origin. That origin has to be a name that nobody else can lead
    /// here: whoever owns another name can let it lead to this machine after their page was loaded (DNS rebinding).
    pub(crate) fn is_foreign(head: &Parts) -> bool {
        let public = head.extensions.get::<Self>().and_then(|host| host.0.as_deref());
        let host = text(&head.headers, header::HOST.as_str());
        match text(&head.headers, header::ORIGIN.as_str()) {
            Some(origin) => {
                let from = origin.split_once("://").map(|(_, from)| from);
                from.is_none() || from != host || !is_own(from, public)
            }
            // Browsers name the origin of some requests only, and the kind of site of all of them.
            None => head.headers.contains_key("sec-fetch-site") && !is_own(host, public),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?;
    // What is no text is no origin of this server's either.
    Some(value.to_str().unwrap_or_default())
}

/// Whether a host, perhaps with a port, is an address, a name of this machine, or the public one.
fn is_own(host: Option<&str>, public: Option<&str>) -> bool {
    let url = host.and_then(|host| Url::parse(&format!("http://{host}/")).ok());
    match url.as_ref().and_then(Url::host) {
        // A page whose origin is an address was loaded from there.
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        Some(Host::Domain(name)) => {
            name == "localhost" || name.ends_with(".localhost") || public.is_some_and(|public| public == name)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn is_foreign(host: &str, origin: Option<&str>, site: Option<&str>) -> bool {
        let mut request = Request::builder().header("host", host);
        for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
            request = value.into_iter().fold(request, |request, value| request.header(name, value));
        }
        let mut request = request.body(()).unwrap();
        request.extensions_mut().insert(PublicHost::of("https://SNS.example.com:8443/path"));
        PublicHost::is_foreign(&request.into_parts().0)
    }

    #[test]
    fn a_page_is_the_servers_own_under_names_that_nobody_else_can_lead_here() {
        for own in ["127.0.0.1:9911", "[::1]:9911", "192.0.2.1", "localhost:9911", "a.localhost", "sns.example.com"] {
            assert!(!is_foreign(own, Some(&format!("http://{own}")), Some("same-origin")), "{own}");
            assert!(!is_foreign(own, None, Some("same-origin")), "{own}");
        }
        let rebound = "attacker.example:9911";
        assert!(is_foreign(rebound, Some(&format!("http://{rebound}")), Some("same-origin")));
        assert!(is_foreign(rebound, None, Some("same-origin")));
        for other in ["http://attacker.example", "null", "", "http://localhost:3000"] {
            assert!(is_foreign("localhost:9911", Some(other), None), "{other}");
        }
    }

    #[test]
    fn what_no_browser_sent_may_name_the_server_as_it_likes() {
        assert!(!is_foreign("fanfare:9911", None, None));
    }
}
