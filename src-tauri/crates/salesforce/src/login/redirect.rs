//! The address that the browser comes back to: a listener on this machine, there only while somebody waits for it.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The path that the Salesforce CLI uses too, so that an app which is registered for it serves both.
pub(super) const PATH: &str = "/OauthRedirect";
/// A browser sends its few headers at once.
const HEADERS: Duration = Duration::from_secs(10);
/// The longest that a page may wait for the token server and the keychain.
const PAGE: Duration = Duration::from_mins(5);

/// What the browser brought back.
#[derive(Debug)]
pub struct Redirected {
    /// Which sign-in it belongs to.
    pub state: Option<String>,
    /// What came of that.
    pub brought: Brought,
}

/// What came of a sign-in at the login page.
#[derive(Debug)]
pub enum Brought {
    /// What tokens are given for.
    Code(SecretString),
    /// The login page's error.
    Error {
        /// Its name (RFC 6749 4.1.2.1).
        code: String,
        /// Its words.
        words: Option<String>,
    },
    /// Neither.
    Nothing,
}

/// What the page that the browser ends on says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Did it go well?
    pub good: bool,
    /// In a few words.
    pub title: String,
    /// What happened, and what to do.
    pub text: String,
}

/// Whoever judges what the browser brought back.
#[async_trait]
pub(super) trait Judge: Send + Sync + 'static {
    async fn judge(&self, redirected: Redirected) -> Page;
}

/// Listens on both loopback addresses: a browser may know `localhost` as either.
///
/// # Errors
/// When the port cannot be had on one of them.
pub(super) async fn listen(port: u16, judge: Arc<dyn Judge>, end: CancellationToken) -> io::Result<()> {
    let v4 = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let v6 = match TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await {
        Ok(listener) => Some(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
        // A machine without IPv6.
        Err(_) => None,
    };
    for listener in [Some(v4), v6].into_iter().flatten() {
        tokio::spawn(accept(listener, Arc::clone(&judge), end.clone()));
    }
    Ok(())
}

async fn accept(listener: TcpListener, judge: Arc<dyn Judge>, end: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = end.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        let judge = Arc::clone(&judge);
        // Goes on after the listener has ended: the page still has to be told.
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let judge = Arc::clone(&judge);
                async move { Ok::<_, Infallible>(answer(request, judge.as_ref()).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            // A browser that went away needs no page.
            drop(tokio::time::timeout(PAGE, connection).await);
        });
    }
}

async fn answer(request: Request<Incoming>, judge: &dyn Judge) -> Response<Full<Bytes>> {
    if request.uri().path() != PATH {
        return page(
            StatusCode::NOT_FOUND,
            &Page::bad("Nothing here", "Sync Monitor waits here for a sign-in, and for nothing else."),
        );
    }
    if request.method() != Method::GET || !asks_for_this_machine(&request) {
        return page(
            StatusCode::BAD_REQUEST,
            &Page::bad(
                "Not understood",
                "Sync Monitor waits here for the browser to come back from a sign-in.",
            ),
        );
    }
    let told = judge.judge(Redirected::read(request.uri().query().unwrap_or_default())).await;
    page(if told.good { StatusCode::OK } else { StatusCode::BAD_REQUEST }, &told)
}

/// A name that somebody else's DNS may lead here is none of ours.
fn asks_for_this_machine(request: &Request<Incoming>) -> bool {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    ["localhost", "127.0.0.1", "[::1]"].contains(&name)
}

impl Redirected {
    /// Reads the query of the address that the browser came to. A member that is there twice makes no sense, and counts as not
    /// there.
    pub fn read(query: &str) -> Self {
        let one = |name: &str| {
            let mut values = url::form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
            match (values.next(), values.next()) {
                (Some((_, value)), None) if !value.is_empty() => Some(value.into_owned()),
                _ => None,
            }
        };
        let brought = match (one("error"), one("code")) {
            (Some(code), _) => Brought::Error { code, words: one("error_description") },
            (None, Some(code)) => Brought::Code(SecretString::from(code)),
            (None, None) => Brought::Nothing,
        };
        Self { state: one("state"), brought }
    }
}

impl Page {
    pub(super) fn good(title: &str, text: &str) -> Self {
        Self { good: true, title: title.to_owned(), text: text.to_owned() }
    }

    pub(super) fn bad(title: &str, text: &str) -> Self {
        Self { good: false, title: title.to_owned(), text: text.to_owned() }
    }

    /// The page as a browser gets it. Whatever the words are, they stay words.
    pub fn html(&self) -> String {
        let (sign, colour) = if self.good { ("✓", "#1b7f3b") } else { ("!", "#b3261e") };
        let (title, text) = (escape(&self.title), escape(&self.text));
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
<title>{title} – Sync Monitor</title><style>\
:root{{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}}\
body{{display:grid;place-items:center;min-height:90vh;margin:0}}main{{max-width:32rem;padding:2rem;text-align:center}}\
.sign{{display:inline-grid;place-items:center;width:3rem;height:3rem;border-radius:50%;background:{colour};color:#fff;font-size:1.5rem;font-weight:700}}\
h1{{font-size:1.4rem}}</style></head><body><main><div class=\"sign\" aria-hidden=\"true\">{sign}</div><h1>{title}</h1><p>{text}</p>\
<p>You may close this page and go back to Sync Monitor.</p></main></body></html>"
        )
    }
}

fn page(status: StatusCode, page: &Page) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(page.html())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        // The page's address holds the code: nobody is told where the browser came from.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
    ] {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    response
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn what_the_browser_brings_back_is_read() {
        let came = Redirected::read("code=aPrx%2B%3D&state=s1");
        assert_eq!(came.state.as_deref(), Some("s1"));
        assert!(matches!(came.brought, Brought::Code(code) if code.expose_secret() == "aPrx+="));
        let denied =
            Redirected::read("error=access_denied&error_description=end-user+denied+authorization&state=s1");
        assert!(
            matches!(denied.brought, Brought::Error { code, words } if code == "access_denied" && words.as_deref() == Some("end-user denied authorization"))
        );
        assert!(matches!(Redirected::read("").brought, Brought::Nothing));
    }

    #[test]
    fn what_is_said_twice_is_not_said() {
        assert_eq!(Redirected::read("code=a&state=s1&state=s2").state, None);
        assert!(matches!(Redirected::read("code=a&code=b&state=s1").brought, Brought::Nothing));
    }

    #[test]
    fn words_from_elsewhere_stay_words_on_the_page() {
        assert_eq!(
            escape("<script>\"a\" & b</script>"),
            "&lt;script&gt;&quot;a&quot; &amp; b&lt;/script&gt;"
        );
    }
}
