//! The HTTP clients: one for the world, two for this machine.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::redirect::Policy;
use url::Url;

/// The longest body that is read at all; what an org says about a change fits many times.
pub(crate) const READ_AT_MOST: usize = 1024 * 1024;

/// Makes the clients when they are first needed: reading the system's certificates takes longer than starting.
pub(crate) struct Http {
    connect_timeout: Duration,
    request_timeout: Duration,
    world: OnceLock<reqwest::Client>,
    loopback: OnceLock<reqwest::Client>,
    loopback_tls: OnceLock<reqwest::Client>,
}

/// Whom a client is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    World,
    Loopback,
    LoopbackTls,
}

impl Http {
    pub(crate) fn new(connect_timeout: Duration, request_timeout: Duration) -> Self {
        Self {
            connect_timeout,
            request_timeout,
            world: OnceLock::new(),
            loopback: OnceLock::new(),
            loopback_tls: OnceLock::new(),
        }
    }

    /// The client for a URL. A loopback host is never asked through a proxy.
    pub(crate) fn for_url(&self, url: &str) -> Result<&reqwest::Client, reqwest::Error> {
        self.for_reach(reach(url))
    }

    /// The same for a URL that has been read.
    pub(crate) fn for_parsed(&self, url: &Url) -> Result<&reqwest::Client, reqwest::Error> {
        self.for_reach(reach_of(url))
    }

    fn for_reach(&self, reach: Reach) -> Result<&reqwest::Client, reqwest::Error> {
        let cell = match reach {
            Reach::World => &self.world,
            Reach::Loopback => &self.loopback,
            Reach::LoopbackTls => &self.loopback_tls,
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let client = self.build(reach)?;
        Ok(cell.get_or_init(|| client))
    }

    fn build(&self, reach: Reach) -> Result<reqwest::Client, reqwest::Error> {
        // Whoever installed a provider before has chosen the same or a better one.
        drop(rustls::crypto::ring::default_provider().install_default());
        let builder = reqwest::Client::builder()
            .user_agent(concat!("sync-monitor/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(self.connect_timeout)
            .timeout(self.request_timeout)
            .pool_idle_timeout(Duration::from_mins(1));
        match reach {
            Reach::World => return builder.build(),
            Reach::LoopbackTls => return builder.no_proxy().build(),
            Reach::Loopback => {}
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions =
            rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.no_proxy();
        match versions {
            // Plain http needs no certificates; an empty list of them spares reading the system's.
            Ok(config) => {
                let config =
                    config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
                builder.tls_backend_preconfigured(config).build()
            }
            Err(_) => builder.build(),
        }
    }
}

/// `https://host`, or `http://host` for a loopback host: the only ones that may be asked without TLS.
pub(crate) fn base_url(host: &str) -> String {
    let scheme = if is_loopback(host) { "http" } else { "https" };
    format!("{scheme}://{host}")
}

fn reach(url: &str) -> Reach {
    Url::parse(url).map_or(Reach::World, |url| reach_of(&url))
}

fn reach_of(url: &Url) -> Reach {
    match (is_loopback_url(url), url.scheme()) {
        (true, "http") => Reach::Loopback,
        (true, _) => Reach::LoopbackTls,
        (false, _) => Reach::World,
    }
}

fn is_loopback(host: &str) -> bool {
    Url::parse(&format!("http://{host}")).is_ok_and(|url| is_loopback_url(&url))
}

fn is_loopback_url(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// May this URL be asked? `https`, or a loopback host by `http`.
pub(crate) fn is_allowed(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| is_allowed_url(&url))
}

/// The same of a URL that has been read.
pub(crate) fn is_allowed_url(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.host().is_some(),
        "http" => is_loopback_url(url),
        _ => false,
    }
}

/// The address of the org that a token server names: scheme, host and port, whatever else it says. `None` for one that may
/// not be asked.
pub(crate) fn address(instance_url: &str) -> Option<String> {
    let url = Url::parse(instance_url).ok().filter(|_| is_allowed(instance_url))?;
    Some(url.origin().ascii_serialization())
}

/// Reads a body, at most [`READ_AT_MOST`] bytes of it.
pub(crate) async fn read_body(response: &mut reqwest::Response) -> Result<Vec<u8>, reqwest::Error> {
    read_body_up_to(response, READ_AT_MOST).await
}

/// Reads a body, at most `longest` bytes of it.
pub(crate) async fn read_body_up_to(
    response: &mut reqwest::Response,
    longest: usize,
) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = longest - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == longest {
            break;
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("login.salesforce.com", "https://login.salesforce.com")]
    #[case("localhost:8080", "http://localhost:8080")]
    #[case("127.0.0.1:8080", "http://127.0.0.1:8080")]
    #[case("[::1]:8080", "http://[::1]:8080")]
    #[case("localhost.example.com", "https://localhost.example.com")]
    #[case("192.168.0.7", "https://192.168.0.7")]
    fn only_this_machine_is_asked_without_tls(#[case] host: &str, #[case] base: &str) {
        assert_eq!(base_url(host), base);
        assert!(is_allowed(base));
    }

    #[rstest]
    #[case("https://acme.my.salesforce.com/x", Reach::World)]
    #[case("http://localhost:8080/x", Reach::Loopback)]
    #[case("http://[::1]:8080", Reach::Loopback)]
    #[case("https://127.0.0.1:8443", Reach::LoopbackTls)]
    #[case("https://LOCALHOST", Reach::LoopbackTls)]
    #[case("https://127.0.0.1.example.com", Reach::World)]
    fn this_machine_is_never_asked_through_a_proxy(#[case] url: &str, #[case] expected: Reach) {
        assert_eq!(reach(url), expected);
    }

    #[rstest]
    #[case("https://acme.my.salesforce.com", Some("https://acme.my.salesforce.com"))]
    #[case("https://ACME.my.salesforce.com:443/", Some("https://acme.my.salesforce.com"))]
    #[case("https://me:secret@acme.my.salesforce.com/x?sid=y#z", Some("https://acme.my.salesforce.com"))]
    #[case("http://127.0.0.1:8080/", Some("http://127.0.0.1:8080"))]
    #[case("http://[::1]:8080", Some("http://[::1]:8080"))]
    #[case("http://acme.my.salesforce.com", None)]
    #[case("javascript:alert(1)", None)]
    #[case("", None)]
    fn an_orgs_address_is_its_host_and_nothing_else(
        #[case] instance_url: &str,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(address(instance_url).as_deref(), expected);
    }

    #[rstest]
    #[case("http://acme.my.salesforce.com")]
    #[case("http://127.0.0.1.example.com")]
    #[case("ftp://localhost")]
    #[case("acme.my.salesforce.com")]
    fn what_would_send_a_token_in_the_clear_is_refused(#[case] url: &str) {
        assert!(!is_allowed(url));
    }
}
