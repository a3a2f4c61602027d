//! What an attacker may try at the listener: a page of another site in the admin's browser, a sender with a token that may do
//! less, a client that does not keep to the protocol.

use std::time::Duration;

use kit::{App, ORG_A, Payload, Reply, Setup, exchange, raw};
use rstest::rstest;
use serde_json::{Value, json};

/// A path of every kind that there is.
const PATHS: [(&str, &str); 11] = [
    ("GET", "/"),
    ("GET", "/index.html"),
    ("GET", "/assets/app.js"),
    ("GET", "/open?link=0"),
    ("GET", "/healthz"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/api/v1/status"),
    ("POST", "/api/v1/items/retry"),
    ("POST", "/services/apexrest/dlhub/delivery/sync"),
    ("POST", "/delivery/sync"),
];

async fn ask(app: &App, method: &str, path: &str, headers: &str) -> Reply {
    exchange(app.url(), &format!("{method} {path} HTTP/1.1\r\n{headers}"), b"{}").await
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\nContent-Type: application/json")
}

/// The cookie of a browser that was let in.
async fn session(app: &App) -> String {
    let link = app.order("POST", "/api/v1/session/link", json!({})).await;
    let path = link["url"].as_str().unwrap().strip_prefix(app.url()).unwrap().to_owned();
    let opened = ask(app, "GET", &path, "Host: localhost").await;
    opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

async fn tokens(app: &App) -> usize {
    app.get("/api/v1/tokens").await["tokens"].as_array().unwrap().len()
}

#[rstest]
#[case::rebound("Host: evil.example.com")]
#[case::rebound_with_our_port("Host: evil.example.com:7437")]
#[case::looks_like_us("Host: 127.0.0.1.evil.example.com")]
#[case::begins_like_us("Host: localhost.evil.example.com")]
#[case::credentials("Host: 127.0.0.1@evil.example.com")]
#[case::any_address("Host: 0.0.0.0")]
#[case::another_machine("Host: 192.168.1.7")]
#[case::decimal_loopback("Host: 2130706433")]
#[case::nothing("Host:")]
#[case::none("X-Nothing: 1")]
#[case::two("Host: localhost\r\nHost: evil.example.com")]
#[case::hidden_by_a_proxys_header(
    "Host: evil.example.com\r\nX-Forwarded-Host: localhost\r\nForwarded: host=localhost"
)]
#[tokio::test]
async fn whatever_was_meant_for_another_host_gets_nothing(#[case] host: &str) {
    let app = App::start().await;
    let cookie = session(&app).await;
    for (method, path) in PATHS {
        for credentials in
            [bearer(app.admin_token()), format!("Cookie: {cookie}\r\nX-Sync-Monitor: 1"), "X-A: 1".into()]
        {
            let reply = ask(&app, method, path, &format!("{host}\r\n{credentials}")).await;
            assert_eq!(reply.status, 403, "{method} {path}: {reply:?}");
            assert!(reply.text.contains("listener.allowed_hosts"), "{method} {path}: {reply:?}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn a_host_in_the_request_line_counts_too() {
    let app = App::start().await;
    let head = format!(
        "GET http://evil.example.com/api/v1/status HTTP/1.1\r\nHost: localhost\r\n{}",
        bearer(app.admin_token())
    );
    assert_eq!(exchange(app.url(), &head, b"").await.status, 403);
    app.stop().await;
}

#[tokio::test]
async fn no_other_site_is_allowed_to_read_or_to_ask_first() {
    let (app, pair) = App::with_two_orgs().await;
    let cookie = session(&app).await;
    let origin = "Host: localhost\r\nOrigin: http://evil.example.com";
    let preflight = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,content-type,x-sync-monitor\r\nAccess-Control-Request-Private-Network: true";
    let mut replies = Vec::new();
    for (method, path) in PATHS {
        let credentials = [
            bearer(app.admin_token()),
            bearer(&pair.token_a),
            format!("Cookie: {cookie}\r\nX-Sync-Monitor: 1"),
            "X-A: 1".into(),
        ];
        for credentials in credentials {
            replies.push(ask(&app, method, path, &format!("{origin}\r\n{credentials}")).await);
            let asked_first =
                ask(&app, "OPTIONS", path, &format!("{origin}\r\n{preflight}\r\n{credentials}")).await;
            assert!((400..500).contains(&asked_first.status), "OPTIONS {path}: {asked_first:?}");
            replies.push(asked_first);
        }
    }
    for reply in replies {
        assert!(!reply.headers.iter().any(|(name, _)| name.starts_with("access-control-")), "{reply:?}");
        // Neither is it taken for a script or a picture of that site's.
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{reply:?}");
        assert_eq!(reply.header("cross-origin-resource-policy"), Some("same-origin"), "{reply:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn another_sites_page_changes_nothing_with_the_admins_cookie() {
    let app = App::start().await;
    let cookie = session(&app).await;
    let our_origin = app.url().to_owned();
    let host = our_origin.strip_prefix("http://").unwrap().to_owned();
    let body = json!({ "name": "stolen", "sourceOrgIds": [ORG_A] }).to_string();
    let post = async |headers: &str| {
        let head = format!("POST /api/v1/tokens HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n{headers}");
        exchange(app.url(), &head, body.as_bytes()).await.status
    };
    let json = "Content-Type: application/json";
    for (what, headers) in [
        ("a form", "Content-Type: text/plain\r\nOrigin: http://evil.example.com".to_owned()),
        ("a form without an origin", "Content-Type: text/plain".to_owned()),
        ("without our header", format!("{json}\r\nOrigin: {our_origin}")),
        ("with another value", format!("{json}\r\nX-Sync-Monitor: 0\r\nOrigin: {our_origin}")),
        ("another site", format!("{json}\r\nX-Sync-Monitor: 1\r\nOrigin: http://evil.example.com")),
        ("a sandboxed frame", format!("{json}\r\nX-Sync-Monitor: 1\r\nOrigin: null")),
        ("another port", format!("{json}\r\nX-Sync-Monitor: 1\r\nOrigin: http://127.0.0.1:1")),
        ("another scheme", format!("{json}\r\nX-Sync-Monitor: 1\r\nOrigin: https://{host}")),
        ("a longer name", format!("{json}\r\nX-Sync-Monitor: 1\r\nOrigin: {our_origin}.evil.example.com")),
    ] {
        assert_eq!(post(&headers).await, 403, "{what}");
    }
    assert_eq!(post("Content-Type: text/plain\r\nX-Sync-Monitor: 1").await, 415);
    assert_eq!(tokens(&app).await, 0);
    assert_eq!(post(&format!("{json}\r\nX-Sync-Monitor: 1\r\nOrigin: {our_origin}")).await, 201);
    app.stop().await;
}

#[tokio::test]
async fn a_link_is_good_once_and_for_a_minute_and_no_secret_is_good_for_another() {
    let app = App::start().await;
    let link = async || {
        let link = app.order("POST", "/api/v1/session/link", json!({})).await;
        link["url"].as_str().unwrap().strip_prefix(app.url()).unwrap().to_owned()
    };
    let open = async |path: &str| ask(&app, "GET", path, "Host: localhost").await;
    let (first, second) = (link().await, link().await);
    for wrong in ["/open?link=0", "/open?link=", "/open", &first[..first.len() - 1], &format!("{first}0")] {
        assert_eq!(open(wrong).await.status, 403, "{wrong}");
    }
    let opened = open(&first).await;
    assert_eq!((opened.status, opened.header("location")), (303, Some("/")));
    assert_eq!(open(&first).await.status, 403, "a second time");
    app.clock.advance(Duration::from_mins(1));
    assert_eq!(open(&second).await.status, 403, "after a minute");
    assert!(open(&second).await.header("set-cookie").is_none());

    let cookie = session(&app).await;
    let secret = cookie.split_once('=').unwrap().1;
    let status = async |headers: &str| {
        ask(&app, "GET", "/api/v1/status", &format!("Host: localhost\r\n{headers}")).await.status
    };
    assert_eq!(status(&format!("Cookie: {cookie}\r\nX-Sync-Monitor: 1")).await, 200);
    assert_eq!(status(&bearer(secret)).await, 401, "a session is no token");
    let as_cookie = |secret: &str| format!("Cookie: sync_monitor_session={secret}\r\nX-Sync-Monitor: 1");
    assert_eq!(status(&as_cookie(app.admin_token())).await, 401, "a token is no session");
    let unused = link().await;
    assert_eq!(status(&as_cookie(unused.split_once('=').unwrap().1)).await, 401, "nor is a link");
    assert_eq!(open(&format!("/open?link={secret}")).await.status, 403);
    app.clock.advance(Duration::from_hours(12));
    assert_eq!(
        status(&format!("Cookie: {cookie}\r\nX-Sync-Monitor: 1")).await,
        401,
        "nobody used it for half a day"
    );
    app.stop().await;
}

/// The answer, but for the time that it was given at.
fn shape(reply: Reply) -> (u16, Vec<(String, String)>, String) {
    (reply.status, reply.headers.into_iter().filter(|(name, _)| name != "date").collect(), reply.text)
}

/// How long the comparison takes is not measured: it is of hashes, in constant time (`guard::AdminToken`), or a look-up by
/// hash (`engine::tokens`).
#[tokio::test]
async fn a_token_that_is_nearly_right_is_answered_like_one_that_is_not() {
    let (app, pair) = App::with_two_orgs().await;
    for (path, token) in [("/api/v1/status", app.admin_token()), ("/delivery/sync", &pair.token_a)] {
        let method = if path.starts_with("/api") { "GET" } else { "POST" };
        let answer = async |token: &str| {
            shape(ask(&app, method, path, &format!("Host: localhost\r\n{}", bearer(token))).await)
        };
        let stranger = answer(&"x".repeat(token.len())).await;
        assert_eq!(stranger.0, 401);
        for n in 1..=token.len() {
            let (prefix, rest) = token.split_at(n);
            let wrong_after = format!("{prefix}{}", "x".repeat(rest.len()));
            if n < token.len() {
                assert_eq!(answer(prefix).await, stranger, "{n} characters");
                assert_eq!(answer(&wrong_after).await, stranger, "{n} right, the rest wrong");
            }
            let wrong_there = format!("{}x{rest}", &prefix[..n - 1]);
            assert_eq!(answer(&wrong_there).await, stranger, "all right but character {n}");
        }
        assert_eq!(answer(&format!("{token}x")).await, stranger, "one too many");
        assert_eq!(answer(&token.to_uppercase()).await.0, 401, "in capitals");
    }
    app.stop().await;
}

#[tokio::test]
async fn an_integration_token_manages_nothing_and_a_dead_one_is_nobodys() {
    let (app, pair) = App::with_two_orgs().await;
    let id = pair.b.id();
    let none = "00000000-0000-0000-0000-000000000000";
    let calls = [
        ("GET", "status".to_owned()),
        ("GET", "orgs".into()),
        ("POST", "orgs/import".into()),
        ("POST", format!("orgs/{id}/pause")),
        ("DELETE", format!("orgs/{id}")),
        ("GET", "routes".into()),
        ("POST", "routes".into()),
        ("DELETE", format!("routes/{none}")),
        ("GET", "tokens".into()),
        ("POST", "tokens".into()),
        ("DELETE", format!("tokens/{none}")),
        ("GET", "items".into()),
        ("GET", "items/export".into()),
        ("POST", "items/retry".into()),
        ("POST", "items/dismiss".into()),
        ("GET", "failures".into()),
        ("GET", "activity".into()),
        ("GET", "stats".into()),
        ("GET", "events".into()),
        ("POST", "session/link".into()),
        ("GET", "settings".into()),
        ("PATCH", "settings".into()),
        ("GET", "store".into()),
        ("POST", "store/check".into()),
        ("POST", "store/backup".into()),
        ("GET", "diagnostics".into()),
        ("GET", "log".into()),
        ("PATCH", "log".into()),
        ("DELETE", "crash".into()),
        ("GET", "nonsense".into()),
        ("PUT", "status".into()),
    ];
    let status = async |method: &str, path: &str, token: &str| {
        ask(&app, method, &format!("/api/v1/{path}"), &format!("Host: localhost\r\n{}", bearer(token)))
            .await
            .status
    };
    for (method, path) in &calls {
        assert_eq!(status(method, path, &pair.token_a).await, 403, "{method} {path}");
        assert_eq!(status(method, path, "nobody").await, 401, "{method} {path}");
    }
    let tokens = app.get("/api/v1/tokens").await;
    let revoked = tokens["tokens"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(app.ask("DELETE", &format!("/api/v1/tokens/{revoked}"), None).await.0, 204);
    let body = Payload::from(ORG_A, app.now()).record("WI-1", "x").text();
    for token in [&pair.token_a, &pair.token_b] {
        let is_revoked = tokens["tokens"][0]["sourceOrgIds"][0] == pair.a.id().to_string().as_str();
        if (token == &pair.token_a) == is_revoked {
            assert_eq!(app.post(token, &body).await.status, 401);
            assert_eq!(status("GET", "status", token).await, 401);
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn a_token_over_its_rate_waits_and_others_do_not() {
    let (app, pair) = Setup::default().set("listener.rate_limit_per_minute", "1").start_with_two_orgs().await;
    let body = |n: u32| Payload::from(ORG_A, app.now()).record(&format!("WI-{n}"), "x").text();
    assert_eq!(app.post(&pair.token_a, &body(1)).await.status, 200);
    let over = app.post(&pair.token_a, &body(2)).await;
    assert_eq!((over.status, over.codes()), (429, vec!["RATE_LIMITED".to_owned()]));
    let wait: u64 = over.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(app.post(&pair.token_b, &body(3)).await.status, 401, "another's token has its own");
    assert_eq!(app.items("").await.len(), 1);
    app.stop().await;
}

#[rstest]
#[case::more_than_6_mib("Content-Length: 6291457", 413)]
#[case::more_than_memory("Content-Length: 9223372036854775807", 413)]
#[case::more_than_a_number("Content-Length: 99999999999999999999999", 400)]
#[case::less_than_nothing("Content-Length: -1", 400)]
#[case::with_a_sign("Content-Length: +5", 400)]
#[case::in_hexadecimal("Content-Length: 0x5", 400)]
#[tokio::test]
async fn a_size_that_cannot_be_is_refused_before_a_byte_is_sent(#[case] length: &str, #[case] status: u16) {
    let (app, pair) = App::with_two_orgs().await;
    for (path, token) in [("/delivery/sync", pair.token_a.as_str()), ("/api/v1/routes", app.admin_token())] {
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{}\r\n{length}\r\n\r\n", bearer(token));
        let replies = raw(app.url(), head.as_bytes()).await;
        assert_eq!(
            replies.iter().map(|reply| reply.status).collect::<Vec<_>>(),
            [status],
            "{path}: {replies:?}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn a_body_without_an_end_is_cut_off() {
    let (app, pair) = App::with_two_orgs().await;
    let mib = 1024 * 1024;
    let chunk = [format!("{mib:x}\r\n").into_bytes(), vec![b' '; mib], b"\r\n".to_vec()].concat();
    for (path, token) in [("/delivery/sync", pair.token_a.as_str()), ("/api/v1/routes", app.admin_token())] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\n{}\r\nTransfer-Encoding: chunked\r\n\r\n",
            bearer(token)
        );
        let replies = raw(app.url(), &[head.into_bytes(), chunk.repeat(8)].concat()).await;
        assert_eq!(replies[0].status, 413, "{path}: {replies:?}");
        assert_eq!(replies.len(), 1);
    }
    app.stop().await;
}

#[tokio::test]
async fn json_that_is_nested_without_end_is_refused_and_not_followed() {
    let (app, pair) = App::with_two_orgs().await;
    for deep in
        ["[".repeat(1_000_000), "{\"a\":".repeat(1_000_000), format!("{{\"ids\":{}", "[".repeat(1_000_000))]
    {
        let refused = app.post(&pair.token_a, &deep).await;
        assert_eq!((refused.status, refused.codes()), (400, vec!["INVALID_JSON".to_owned()]));
        for path in ["items/retry", "settings", "routes", "orgs/import"] {
            let method = if path == "settings" { "PATCH" } else { "POST" };
            let head = format!(
                "{method} /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\n{}",
                bearer(app.admin_token())
            );
            assert_eq!(exchange(app.url(), &head, deep.as_bytes()).await.status, 400, "{path}");
        }
    }
    app.stop().await;
}

#[rstest]
#[case::many(&"X-A: 1\r\n".repeat(200))]
#[case::long(&format!("X-A: {}\r\n", "a".repeat(200_000)))]
#[case::a_long_cookie(&format!("Cookie: {}\r\n", "sync_monitor_session=a;".repeat(10_000)))]
#[tokio::test]
async fn more_headers_than_anyone_sends_are_refused(#[case] headers: &str) {
    let app = App::start().await;
    let head = format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    let replies = raw(app.url(), head.as_bytes()).await;
    assert_eq!(replies.iter().map(|reply| reply.status).collect::<Vec<_>>(), [431]);
    app.stop().await;
}

#[tokio::test]
async fn an_address_longer_than_anyone_needs_is_refused() {
    let app = App::start().await;
    let head = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(70_000));
    let replies = raw(app.url(), head.as_bytes()).await;
    assert!(replies.len() == 1 && (400..500).contains(&replies[0].status), "{replies:?}");
    app.stop().await;
}

/// A second request, which must be answered where it is one, and must not be found where it is a part of the first.
fn second(app: &App) -> String {
    let body = json!({ "name": "smuggled", "sourceOrgIds": [ORG_A] }).to_string();
    format!(
        "POST /api/v1/tokens HTTP/1.1\r\nHost: localhost\r\n{}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        bearer(app.admin_token()),
        body.len()
    )
}

#[tokio::test]
async fn requests_in_one_breath_are_answered_one_by_one() {
    let app = App::start().await;
    let health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let refused = "POST /delivery/sync HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\nGET /x ";
    let chunked = format!(
        "POST /api/v1/items/retry HTTP/1.1\r\nHost: localhost\r\n{}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n",
        bearer(app.admin_token())
    );
    let replies =
        raw(app.url(), [health, refused, &chunked, health, &second(&app)].concat().as_bytes()).await;
    assert_eq!(replies.iter().map(|reply| reply.status).collect::<Vec<_>>(), [200, 401, 400, 200, 201]);
    assert_eq!(tokens(&app).await, 1);
    app.stop().await;
}

#[rstest]
#[case::two_lengths("Content-Length: 0\r\nContent-Length: 5", "")]
#[case::two_lengths_in_one("Content-Length: 0, 5", "")]
#[case::length_and_chunks("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n")]
#[case::chunks_and_length("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n")]
#[case::chunks_that_are_not_last("Transfer-Encoding: chunked, identity", "0\r\n\r\n")]
#[case::chunks_of_another_name("Transfer-Encoding: xchunked", "0\r\n\r\n")]
#[case::twice_chunked("Transfer-Encoding: chunked\r\nTransfer-Encoding: cow", "0\r\n\r\n")]
#[case::a_space_before_the_colon("Content-Length : 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n")]
#[case::a_folded_line("Transfer-Encoding:\r\n chunked", "0\r\n\r\n")]
#[case::a_bare_return("X-A: 1\rTransfer-Encoding: chunked", "0\r\n\r\n")]
#[case::a_null("X-A: 1\0\r\nTransfer-Encoding: chunked", "0\r\n\r\n")]
#[case::a_broken_chunk("Transfer-Encoding: chunked", "zz\r\n\r\n")]
#[case::a_chunk_of_negative_size("Transfer-Encoding: chunked", "-1\r\n\r\n")]
#[case::a_chunk_that_overflows("Transfer-Encoding: chunked", "10000000000000000\r\n\r\n")]
#[tokio::test]
async fn what_ends_in_two_places_is_never_taken_for_two_requests(#[case] headers: &str, #[case] body: &str) {
    let (app, pair) = App::with_two_orgs().await;
    let before = tokens(&app).await;
    for (path, credentials) in [
        ("/delivery/sync", "X-A: 1".to_owned()),
        ("/delivery/sync", bearer(&pair.token_a)),
        ("/api/v1/routes", bearer(app.admin_token())),
    ] {
        let first =
            format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{credentials}\r\n{headers}\r\n\r\n{body}");
        let replies = raw(app.url(), [first, second(&app)].concat().as_bytes()).await;
        assert_eq!(replies.len(), 1, "{path}: {replies:?}");
        assert!((400..500).contains(&replies[0].status), "{path}: {replies:?}");
    }
    assert_eq!(tokens(&app).await, before, "nothing was smuggled in");
    app.stop().await;
}

#[rstest]
#[case::tls(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")]
#[case::http_2(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
#[case::http_0_9(b"GET /api/v1/status\r\n\r\n")]
#[case::no_http(b"HELO evil.example.com\r\n\r\n")]
#[case::unknown_version(b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n")]
#[case::a_proxys_request(
    b"CONNECT evil.example.com:443 HTTP/1.1\r\nHost: evil.example.com:443\r\nConnection: close\r\n\r\n"
)]
#[case::without_a_host(b"GET /api/v1/status HTTP/1.0\r\n\r\n")]
#[tokio::test]
async fn what_is_not_meant_for_us_is_refused_and_hurts_nobody(#[case] bytes: &[u8]) {
    let app = App::start().await;
    for reply in raw(app.url(), bytes).await {
        assert!((400..500).contains(&reply.status), "{reply:?}");
    }
    assert_eq!(ask(&app, "GET", "/healthz", "Host: localhost").await.status, 200);
    app.stop().await;
}

#[rstest]
#[case("/api/v1/../v1/status")]
#[case("//api/v1/status")]
#[case("/api//v1/status")]
#[case("/api%2fv1/status")]
#[case("/api/v1%2fstatus")]
#[case("/api/v1/status/")]
#[case("/API/V1/STATUS")]
#[case("/./api/v1/status")]
#[case("/healthz/../api/v1/status")]
#[case("/assets/../../../../etc/passwd")]
#[case("/assets/%2e%2e/%2e%2e/etc/passwd")]
#[tokio::test]
async fn no_way_of_writing_a_path_leads_around_the_guard(#[case] path: &str) {
    let app = App::start().await;
    for headers in ["X-A: 1", "X-Original-URL: /api/v1/status", "X-Rewrite-URL: /api/v1/status"] {
        let reply = ask(&app, "GET", path, &format!("Host: localhost\r\n{headers}")).await;
        assert!(matches!(reply.status, 401 | 404), "{path}: {reply:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_header_does_not_make_one_method_another() {
    let (app, pair) = App::with_two_orgs().await;
    let path = format!("/api/v1/orgs/{}/pause", pair.b.id());
    for header in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        let headers = format!("Host: localhost\r\n{}\r\n{header}: POST", bearer(app.admin_token()));
        assert_eq!(ask(&app, "GET", &path, &headers).await.status, 405);
    }
    assert_eq!(app.get("/api/v1/orgs").await["orgs"][1]["health"], "connected");
    app.stop().await;
}

#[tokio::test]
async fn what_the_api_says_is_kept_by_nobody_in_between() {
    let (app, _pair) = App::with_two_orgs().await;
    for path in ["status", "items", "tokens", "settings", "diagnostics", "items/export", "nonsense"] {
        let headers = format!("Host: localhost\r\n{}", bearer(app.admin_token()));
        let reply = ask(&app, "GET", &format!("/api/v1/{path}"), &headers).await;
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}: {reply:?}");
    }
    app.stop().await;
}

/// A sender that never finishes is answered all the same, by what its head says, and holds nobody up.
#[tokio::test]
async fn a_request_that_does_not_come_is_not_waited_for_where_it_would_be_refused() {
    let app = App::start().await;
    let head = "POST /delivery/sync HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{";
    let replies = raw(app.url(), head.as_bytes()).await;
    assert_eq!(replies[0].status, 401, "{replies:?}");
    let _: Value = replies[0].json();
    app.stop().await;
}
