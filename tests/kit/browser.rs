//! A browser that follows where it is sent, and nothing else.

use crate::raw::{Reply, exchange};

/// Opens a URL of this machine and follows redirects; the page it ends on.
///
/// # Panics
/// When it is sent in circles, or to another machine.
pub async fn browse(url: &str) -> Reply {
    let mut url = url.to_owned();
    for _ in 0..5 {
        let (host, path) = split(&url);
        let head = format!("GET {path} HTTP/1.1\r\nHost: {host}");
        let reply = exchange(&format!("http://{host}"), &head, b"").await;
        match reply.header("location") {
            Some(location) if (300..400).contains(&reply.status) => {
                location.clone_into(&mut url);
            }
            _ => return reply,
        }
    }
    panic!("sent in circles, last to {url}")
}

fn split(url: &str) -> (String, String) {
    let Some(rest) = url.strip_prefix("http://") else { panic!("{url} is not on this machine") };
    match rest.split_once('/') {
        Some((host, path)) => (host.to_owned(), format!("/{path}")),
        None => (rest.to_owned(), "/".to_owned()),
    }
}
