use rstest::rstest;

use super::*;

#[rstest]
#[case(Duration::ZERO, "0s")]
#[case(Duration::from_millis(500), "500ms")]
#[case(Duration::from_millis(1_500), "1500ms")]
#[case(Duration::from_secs(30), "30s")]
#[case(Duration::from_secs(90), "90s")]
#[case(Duration::from_mins(2), "2m")]
#[case(Duration::from_hours(1), "1h")]
#[case(Duration::from_hours(25), "25h")]
fn a_wait_is_written_as_in_the_settings(#[case] wait: Duration, #[case] text: &str) {
    assert_eq!(duration(wait), text);
}

#[rstest]
#[case("https://acme.my.salesforce.com", "acme.my.salesforce.com")]
#[case(
    "https://power-tiger-1-dev-ed.scratch.my.salesforce.com/",
    "power-tiger-1-dev-ed.scratch.my.salesforce.com"
)]
#[case("http://127.0.0.1:8443", "127.0.0.1")]
#[case("https://evil.example.com/.my.salesforce.com", "evil.example.com")]
fn an_orgs_host_is_read_from_its_address(#[case] url: &str, #[case] host: &str) {
    assert_eq!(url_host(url), host);
}
