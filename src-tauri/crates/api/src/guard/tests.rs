use http::StatusCode;
use rstest::rstest;

use super::*;

const NOON: Millis = Millis(43_200_000);

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pairs =
        pairs.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name, value);
    }
    headers
}

#[rstest]
#[case::ipv4("127.0.0.1:7437", true)]
#[case::ipv4_without_port("127.0.0.1", true)]
#[case::another_loopback_address("127.8.8.8:80", true)]
#[case::name("localhost:7437", true)]
#[case::name_without_port("LocalHost", true)]
#[case::ipv6("[::1]:7437", true)]
#[case::ipv6_without_port("[::1]", true)]
#[case::configured("Relay.example.com:7437", true)]
#[case::rebound("evil.example.com:7437", false)]
#[case::looks_like_loopback("127.0.0.1.evil.example.com", false)]
#[case::begins_like_localhost("localhost.evil.example.com", false)]
#[case::credentials("127.0.0.1@evil.example.com", false)]
#[case::credentials_before_loopback("evil@127.0.0.1", false)]
#[case::wildcard_address("0.0.0.0:7437", false)]
#[case::lan("192.168.1.2:7437", false)]
#[case::empty("", false)]
#[case::nonsense("a b", false)]
fn only_loopback_and_configured_names_are_answered(#[case] host: &str, #[case] allowed: bool) {
    let hosts = Hosts::new(&["relay.Example.com".into()]);
    let judged = hosts.judge(&Uri::from_static("/api/v1/status"), &headers(&[("host", host)]));
    assert_eq!(judged.is_ok(), allowed);
}

#[rstest]
#[case::none("/", &[])]
#[case::two("/", &[("host", "localhost"), ("host", "localhost")])]
#[case::another_in_the_request_line("http://evil.example.com/", &[("host", "localhost")])]
fn a_request_that_does_not_say_clearly_whom_it_means_is_refused(
    #[case] uri: &'static str,
    #[case] sent: &[(&str, &str)],
) {
    let problem = Hosts::new(&[]).judge(&Uri::from_static(uri), &headers(sent)).unwrap_err();
    assert_eq!(problem.into_response().status(), StatusCode::FORBIDDEN);
}

#[rstest]
#[case(&[("authorization", "Bearer abc")], Some("abc"))]
#[case(&[("authorization", "bearer   abc ")], Some("abc"))]
#[case(&[("authorization", "Basic abc")], None)]
#[case(&[("authorization", "Bearer")], None)]
#[case(&[("authorization", "Bearer ")], None)]
#[case(&[("authorization", "abc")], None)]
#[case(&[("authorization", "Bearer abc"), ("authorization", "Bearer abc")], None)]
#[case(&[], None)]
fn a_bearer_token_is_read(#[case] sent: &[(&str, &str)], #[case] secret: Option<&str>) {
    assert_eq!(bearer(&headers(sent)), secret);
}

/// What whoever asks with these headers is told; `SESSION` stands for a good session's secret.
fn ask(method: &Method, sent: &[(&str, &str)]) -> u16 {
    let sessions = Sessions::default();
    let (link, _) = sessions.make_link(NOON).unwrap();
    let session = sessions.open(link.expose_secret(), NOON).unwrap().unwrap();
    let sent: Vec<(&str, String)> =
        sent.iter().map(|(name, value)| (*name, value.replace("SESSION", session.expose_secret()))).collect();
    let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let headers = headers(&sent);
    let claim = Claim { method, headers: &headers, now: NOON };
    let admin = AdminToken::new(&"admin".into());
    match claim.judge(&admin, &sessions, |secret| secret == "integration") {
        Ok(_) => 200,
        Err(problem) => problem.into_response().status().as_u16(),
    }
}

const COOKIE: (&str, &str) = ("cookie", "sync_monitor_session=SESSION");
const OWN: (&str, &str) = ("x-sync-monitor", "1");
const HOST: (&str, &str) = ("host", "127.0.0.1:7437");

#[rstest]
#[case::nobody(&[], 401)]
#[case::admin(&[("authorization", "Bearer admin")], 200)]
#[case::an_integration(&[("authorization", "Bearer integration")], 403)]
#[case::a_stranger(&[("authorization", "Bearer admim")], 401)]
#[case::another_scheme(&[("authorization", "Basic admin")], 401)]
#[case::a_bad_token_is_not_mended_by_a_good_cookie(&[("authorization", "Bearer x"), COOKIE, OWN], 401)]
#[case::session(&[COOKIE, OWN], 200)]
#[case::session_without_our_header(&[COOKIE], 403)]
#[case::session_with_another_value(&[COOKIE, ("x-sync-monitor", "0")], 403)]
#[case::unknown_session(&[("cookie", "sync_monitor_session=x"), OWN], 401)]
fn only_the_admin_gets_through(#[case] sent: &[(&str, &str)], #[case] status: u16) {
    assert_eq!(ask(&Method::GET, sent), status);
}

#[rstest]
#[case::no_origin(&[COOKIE, OWN, HOST], 200)]
#[case::our_page(&[COOKIE, OWN, HOST, ("origin", "http://127.0.0.1:7437")], 200)]
#[case::another_port(&[COOKIE, OWN, HOST, ("origin", "http://127.0.0.1:8080")], 403)]
#[case::another_scheme(&[COOKIE, OWN, HOST, ("origin", "https://127.0.0.1:7437")], 403)]
#[case::another_site(&[COOKIE, OWN, HOST, ("origin", "http://evil.example.com")], 403)]
#[case::a_sandboxed_page(&[COOKIE, OWN, HOST, ("origin", "null")], 403)]
fn another_sites_page_changes_nothing_with_the_cookie(#[case] sent: &[(&str, &str)], #[case] status: u16) {
    assert_eq!(ask(&Method::POST, sent), status);
    assert_eq!(ask(&Method::GET, sent), 200);
}
