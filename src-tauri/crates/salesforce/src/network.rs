//! Requests that got no answer: what to call it, and what to tell a person.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};

/// What to call it, and what to tell a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoAnswer {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    ConnectTimeout,
    Timeout,
    Refused,
    Dns,
    Tls,
    /// The connection was there and broke: the request may have arrived.
    Broken,
    /// It broke before a request could be sent over it.
    BrokenEarly,
    Other,
}

/// Reads the cause out of the HTTP library's error. Names the host, never the path, a header or a body.
pub(crate) fn no_answer(error: &reqwest::Error, host: &str) -> NoAnswer {
    let (code, message) = told(cause(error), host);
    NoAnswer { code, message }
}

fn cause(error: &reqwest::Error) -> Cause {
    match (error.is_timeout(), error.is_connect()) {
        (true, true) => Cause::ConnectTimeout,
        (true, false) => Cause::Timeout,
        (false, _) if error.is_dns() => Cause::Dns,
        (false, true) => match cause_in(error) {
            Cause::Broken => Cause::BrokenEarly,
            cause => cause,
        },
        (false, false) => match cause_in(error) {
            // What happens to a connection that stands, and is nothing of the above, is that it ends.
            Cause::Other if error.is_body() || error.is_decode() => Cause::Broken,
            cause => cause,
        },
    }
}

/// The cause in a chain of errors. The types are asked first: a text may hold anything, such as a certificate's `DnsName`.
fn cause_in(error: &(dyn StdError + 'static)) -> Cause {
    let mut words = String::new();
    let mut kind = None;
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return Cause::Tls;
        }
        words.push_str(&error.to_string().to_ascii_lowercase());
        words.push(' ');
        let io = error.downcast_ref::<io::Error>();
        kind = kind.or(io.map(io::Error::kind).filter(|kind| *kind != ErrorKind::Other));
        // The source of an I/O error that wraps another is the source of that one: ask for the wrapped one.
        next = match io.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    let says = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
    match kind {
        Some(ErrorKind::ConnectionRefused) => Cause::Refused,
        _ if says(&["tls handshake", "certificate"]) => Cause::Tls,
        Some(
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof,
        ) => Cause::Broken,
        _ if says(&["closed before message", "incomplete", "connection closed", "unexpected eof"]) => {
            Cause::Broken
        }
        _ => Cause::Other,
    }
}

/// What happened, the likely cause, the next step.
fn told(cause: Cause, host: &str) -> (&'static str, String) {
    match cause {
        Cause::ConnectTimeout => (
            "CONNECT_TIMEOUT",
            format!(
                "No connection to {host} in time. The network or a firewall drops it; check the connection."
            ),
        ),
        Cause::Timeout => (
            "TIMEOUT",
            format!(
                "{host} did not answer in time. It may be overloaded, and may have taken the request all the same."
            ),
        ),
        Cause::Refused => (
            "CONNECTION_REFUSED",
            format!(
                "{host} refused the connection: nothing listens there. Check the address, and that the server runs."
            ),
        ),
        Cause::Dns => (
            "DNS_FAILURE",
            format!(
                "The name {host} was not found. The network is off, or the host was renamed; check both."
            ),
        ),
        Cause::Tls => (
            "TLS_FAILURE",
            format!(
                "No secure connection to {host}: its certificate is not trusted here, or something in between intercepts it. Check the clock and the certificates of this machine, and its proxy."
            ),
        ),
        Cause::Broken => (
            "CONNECTION_RESET",
            format!(
                "The connection to {host} broke off in the middle, and the request may have been taken all the same. If it goes on, check the firewall and the proxy."
            ),
        ),
        Cause::BrokenEarly => (
            "CONNECTION_RESET",
            format!(
                "{host} ended the connection before the request was sent. Something in between may block it; check the firewall and the proxy."
            ),
        ),
        Cause::Other => {
            ("NETWORK_ERROR", format!("The request to {host} got no answer. Check the network connection."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use rustls::CertificateError;

    #[derive(Debug, thiserror::Error)]
    #[error("client error (Connect)")]
    struct Wrapped(#[source] io::Error);

    #[rstest]
    #[case::refused(io::Error::from(ErrorKind::ConnectionRefused), Cause::Refused)]
    #[case::reset(io::Error::from(ErrorKind::ConnectionReset), Cause::Broken)]
    #[case::pipe(io::Error::from(ErrorKind::BrokenPipe), Cause::Broken)]
    #[case::end(io::Error::new(ErrorKind::UnexpectedEof, "early eof"), Cause::Broken)]
    #[case::end_of_the_handshake(io::Error::new(ErrorKind::UnexpectedEof, "tls handshake eof"), Cause::Tls)]
    #[case::nobody_knows(io::Error::other("whatever"), Cause::Other)]
    #[case::unknown_issuer(tls(CertificateError::UnknownIssuer), Cause::Tls)]
    #[case::a_certificate_that_names_a_dns_name(
        tls(CertificateError::NotValidForNameContext {
            expected: rustls::pki_types::ServerName::try_from("lookup.acme.example").unwrap(),
            presented: vec!["DnsName(\"dns.example\")".into()],
        }),
        Cause::Tls
    )]
    fn the_cause_is_read_from_the_type_and_not_from_a_name_in_the_text(
        #[case] error: io::Error,
        #[case] expected: Cause,
    ) {
        assert_eq!(cause_in(&Wrapped(error)), expected);
    }

    fn tls(error: CertificateError) -> io::Error {
        io::Error::new(ErrorKind::InvalidData, rustls::Error::InvalidCertificate(error))
    }
}
