//! Servers that no HTTP library would make: bytes over a socket.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A server on a port of its own, which does what a test says with each connection.
pub(super) struct Odd {
    listener: TcpListener,
    host: String,
}

impl Odd {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        Self { listener, host }
    }

    async fn accept(&self) -> TcpStream {
        self.listener.accept().await.unwrap().0
    }

    /// Reads one request, and answers it with these bytes and the end of the connection.
    pub(super) async fn answer(&self, bytes: &str) -> String {
        let mut stream = self.accept().await;
        let request = read_request(&mut stream).await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        request
    }
}

/// A request, headers and body.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0, "a whole request");
    }
}

pub(super) fn json_answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A client that is signed in to the org at `odd`, as after a restart: its access token is asked for there first.
pub(super) fn stored(odd: &Odd, settings: Settings, client_secret: Option<&str>) -> (Client, OrgAddress) {
    let org_id: OrgId = "00D00000000000A".parse().unwrap();
    let credentials = Credentials {
        client_id: "app".into(),
        client_secret: client_secret.map(SecretString::from),
        refresh_token: SecretString::from("5Aep.stored.refresh"),
        host: odd.host.clone(),
    };
    let secrets = Arc::new(Memory::default());
    let kept = credentials.to_secret().expose_secret().to_owned();
    secrets.secrets.lock().unwrap().insert(crate::session::secret_name(org_id), kept);
    let address = OrgAddress {
        tokens: TokenSource::Stored,
        org_id,
        instance_url: format!("http://{}", odd.host),
        endpoint_path: "/services/apexrest/dlhub/delivery/sync".into(),
    };
    (client(settings, &secrets), address)
}

const GRANT: &str = r#"{"access_token":"00Dodd!access.token","token_type":"Bearer"}"#;

/// What comes of one delivery that `serve` answers, after an access token was given.
async fn delivered<T>(
    settings: Settings,
    serve: impl AsyncFnOnce(&Odd) -> T,
    endpoint: impl FnOnce(&str) -> String,
) -> (Try, T) {
    let odd = Odd::start().await;
    let (client, mut address) = stored(&odd, settings, None);
    address.instance_url = endpoint(&odd.host);
    let (report, served) = tokio::join!(client.deliver(&address, payload("WI-1")), async {
        odd.answer(&json_answer("200 OK", GRANT)).await;
        serve(&odd).await
    });
    (report.tries.into_iter().next_back().unwrap(), served)
}

fn plain(host: &str) -> String {
    format!("http://{host}")
}

fn secured(host: &str) -> String {
    format!("https://{host}")
}

#[tokio::test]
async fn a_request_says_who_sends_what_and_asks_for_no_compression() {
    let odd = Odd::start().await;
    let (client, address) = stored(&odd, Settings::default(), None);
    let body = payload("WI-1");
    let (report, request) = tokio::join!(client.deliver(&address, body.clone()), async {
        odd.answer(&json_answer("200 OK", GRANT)).await;
        odd.answer(&json_answer("200 OK", "{}")).await
    });
    assert_eq!(meanings(&report), [Meaning::Synced]);
    let (head, sent) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /services/apexrest/dlhub/delivery/sync HTTP/1.1\r\n"), "{head}");
    let lower = head.to_lowercase();
    for line in [
        "content-type: application/json",
        "authorization: bearer 00dodd!access.token",
        concat!("user-agent: sync-monitor/", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(lower.lines().any(|l| l == line), "{line} in {head}");
    }
    assert!(!lower.contains("accept-encoding"), "{head}");
    assert_eq!(sent.as_bytes(), body, "byte for byte");
}

#[rstest]
#[case::of_an_app_with_a_secret(Some("TOPSECRET"))]
#[case::of_a_public_app(None)]
#[tokio::test]
async fn a_refresh_is_a_form_with_the_secret_in_it_where_there_is_one(#[case] secret: Option<&str>) {
    let odd = Odd::start().await;
    let (client, address) = stored(&odd, Settings::default(), secret);
    let (_, request) = tokio::join!(client.deliver(&address, payload("WI-1")), async {
        let request = odd.answer(&json_answer("200 OK", GRANT)).await;
        odd.answer(&json_answer("200 OK", "{}")).await;
        request
    });
    assert!(request.starts_with("POST /services/oauth2/token HTTP/1.1\r\n"), "{request}");
    assert!(!request.to_lowercase().contains("authorization:"), "{request}");
    let form = request.split_once("\r\n\r\n").unwrap().1;
    let fields: HashMap<_, _> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    assert_eq!(fields["grant_type"], "refresh_token");
    assert_eq!(fields["refresh_token"], "5Aep.stored.refresh");
    assert_eq!(fields["client_id"], "app");
    assert_eq!(fields.get("client_secret").map(String::as_str), secret);
}

#[tokio::test]
async fn a_token_server_that_repeats_what_it_was_told_is_kept_without_it() {
    let odd = Odd::start().await;
    let (client, address) = stored(&odd, Settings::default(), Some("TOPSECRET"));
    let refusal =
        r#"{"error":"invalid_grant","error_description":"5Aep.stored.refresh of TOPSECRET is bad"}"#;
    let refused = json_answer("400 Bad Request", refusal);
    let (report, _) = tokio::join!(client.deliver(&address, payload("WI-1")), odd.answer(&refused));
    assert_eq!(meanings(&report), [Meaning::SignInRequired]);
    let shown = format!("{report:?}");
    assert!(shown.contains("[token removed] of [token removed] is bad"), "{shown}");
    assert!(!shown.contains("5Aep") && !shown.contains("TOPSECRET"), "{shown}");
}

#[rstest]
#[case::a_page(json_answer("200 OK", "<html>Please log in</html>"))]
#[case::nothing(json_answer("200 OK", ""))]
#[case::a_page_for_a_refusal(json_answer("403 Forbidden", "<html>Blocked by the proxy</html>"))]
#[case::a_redirect("HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".into())]
#[tokio::test]
async fn a_token_server_that_makes_no_sense_asks_nobody_to_sign_in(#[case] answer: String) {
    let odd = Odd::start().await;
    let (client, address) = stored(&odd, Settings::default(), None);
    let (report, _) = tokio::join!(client.deliver(&address, payload("WI-1")), odd.answer(&answer));
    assert_eq!(meanings(&report), [Meaning::Unreachable], "{report:?}");
}

#[tokio::test]
async fn a_gibibyte_of_answer_is_not_read() {
    const GIBIBYTE: usize = 1 << 30;
    let serve = async |odd: &Odd| {
        let mut stream = odd.accept().await;
        read_request(&mut stream).await;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {GIBIBYTE}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut sent = 0;
        let chunk = vec![b'x'; 1 << 20];
        while sent < GIBIBYTE && stream.write_all(&chunk).await.is_ok() {
            sent += chunk.len();
        }
        sent
    };
    let (last, sent) = delivered(Settings::default(), serve, plain).await;
    assert_eq!(last.meaning, Meaning::Retry { retry_after: None }, "{last:?}");
    assert_eq!(last.response_body.unwrap().len(), KEPT_BODY);
    assert!(sent < GIBIBYTE / 8, "{sent} bytes were taken");
}

#[rstest]
#[case::before_the_answer("")]
#[case::in_the_status_line("HTTP/1.1 20")]
#[case::in_the_headers("HTTP/1.1 200 OK\r\ncontent-le")]
#[case::in_the_body("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"success\":tr")]
#[case::in_a_chunk("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\n{\"success\":tr")]
#[tokio::test]
async fn a_connection_that_is_reset_is_unreachable_wherever_it_was(#[case] sent: &str) {
    let serve = async |odd: &Odd| {
        let mut stream = odd.accept().await;
        read_request(&mut stream).await;
        stream.write_all(sent.as_bytes()).await.unwrap();
        // The end is a reset and no orderly close.
        stream.set_zero_linger().unwrap();
    };
    let (last, ()) = delivered(Settings::default(), serve, plain).await;
    assert_eq!(
        (last.meaning, last.error_code.as_deref()),
        (Meaning::Unreachable, Some("CONNECTION_RESET")),
        "{last:?}"
    );
}

#[tokio::test]
async fn what_is_no_http_at_all_is_unreachable() {
    let serve = async |odd: &Odd| odd.answer("220 mail.example ESMTP\r\n").await;
    let (last, _) = delivered(Settings::default(), serve, plain).await;
    assert_eq!(
        (last.meaning, last.error_code.as_deref()),
        (Meaning::Unreachable, Some("NETWORK_ERROR")),
        "{last:?}"
    );
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_a_tls_failure() {
    let serve = async |odd: &Odd| {
        let mut stream = odd.accept().await;
        stream.read_u8().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        // Until the client has seen it: closing at once could reset what is on its way.
        drop(stream.read_to_end(&mut Vec::new()).await);
    };
    let (last, ()) = delivered(Settings::default(), serve, secured).await;
    assert_eq!(
        (last.meaning, last.error_code.as_deref()),
        (Meaning::Unreachable, Some("TLS_FAILURE")),
        "{last:?}"
    );
}

#[tokio::test]
async fn a_connection_that_is_never_ready_ends_by_the_time_out_for_connecting() {
    let settings = Settings { connect_timeout: Duration::from_millis(300), ..Settings::default() };
    let serve = async |odd: &Odd| odd.accept().await;
    let (last, _) = delivered(settings, serve, secured).await;
    assert_eq!(
        (last.meaning, last.error_code.as_deref()),
        (Meaning::Unreachable, Some("CONNECT_TIMEOUT")),
        "{last:?}"
    );
}
