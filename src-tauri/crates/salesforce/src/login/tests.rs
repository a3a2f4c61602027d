use super::*;
use rstest::rstest;

#[rstest]
#[case::denied("access_denied", "choose Allow")]
#[case::another_callback("redirect_uri_mismatch", "callback URLs")]
#[case::no_scope("invalid_scope", "scopes api and refresh_token")]
#[case::blocked("OAUTH_APP_BLOCKED", "not blocked the app")]
#[case::unknown_app("invalid_client_id", "client ID")]
#[case::anything_else("server_error", "server_error: as it said")]
fn what_the_login_page_refuses_is_told_with_what_to_do(#[case] code: &str, #[case] advice: &str) {
    let told = refusal(code, Some("as it said"));
    assert!(told.contains(advice) && told.contains("as it said"), "{told}");
}
