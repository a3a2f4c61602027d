//! Requests that got no answer: what to call it, and what to tell a person.

use std::error::Error as StdError;
use std::io::ErrorKind;

/// What to call it, and what to tell a person.
pub(crate) struct NoAnswer {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// Reads the cause out of the HTTP library's error. Names the host, never the path, a header or a body.
pub(crate) fn no_answer(error: &reqwest::Error, host: &str) -> NoAnswer {
    let said = |code, message: String| NoAnswer { code, message };
    if error.is_timeout() {
        return if error.is_connect() {
            said(
                "CONNECT_TIMEOUT",
                format!(
                    "No connection to {host} in time. The network or a firewall drops it; check the connection."
                ),
            )
        } else {
            said(
                "TIMEOUT",
                format!(
                    "{host} did not answer in time. It may be overloaded, and may have taken the request all the same."
                ),
            )
        };
    }
    match io_kind(error) {
        Some(ErrorKind::ConnectionRefused) => {
            return said(
                "CONNECTION_REFUSED",
                format!(
                    "{host} refused the connection: nothing listens there. Check the address, and that the server runs."
                ),
            );
        }
        Some(
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof,
        ) => {
            return said(
                "CONNECTION_RESET",
                format!(
                    "The connection to {host} broke off in the middle. The request may have been taken all the same."
                ),
            );
        }
        _ => {}
    }
    let text = chain(error);
    if text.contains("dns") || text.contains("lookup") || text.contains("resolve") {
        return said(
            "DNS_FAILURE",
            format!("The name {host} was not found. The network is off, or the host was renamed."),
        );
    }
    if text.contains("certificate") || text.contains("tls") || text.contains("handshake") {
        return said(
            "TLS_FAILURE",
            format!(
                "No secure connection to {host}: its certificate is not trusted here, or something in between intercepts it."
            ),
        );
    }
    if text.contains("incomplete") || text.contains("closed") || text.contains("eof") || error.is_body() {
        return said(
            "CONNECTION_RESET",
            format!(
                "The connection to {host} broke off in the middle. The request may have been taken all the same."
            ),
        );
    }
    said("NETWORK_ERROR", format!("The request to {host} got no answer. Check the network connection."))
}

fn io_kind(error: &reqwest::Error) -> Option<ErrorKind> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>()
            && io.kind() != ErrorKind::Other
        {
            return Some(io.kind());
        }
        source = cause.source();
    }
    None
}

/// The words of the causes, without those of the outermost error, which may name a URL.
fn chain(error: &reqwest::Error) -> String {
    let mut words = String::new();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push_str(&cause.to_string().to_lowercase());
        words.push(' ');
        source = cause.source();
    }
    words
}
