//! Every code is explained, and an error leads to its page.

use kit::{App, ORG_A, Payload, Program, exchange};
use serde_json::json;

/// The pages that an answer leads to.
fn led_to(reply: &kit::Reply) -> Vec<String> {
    let links = reply.headers.iter().filter(|(name, _)| name == "link");
    let path = |link: &str| link.strip_prefix('<')?.strip_suffix(">; rel=\"help\"").map(str::to_owned);
    links.filter_map(|(_, link)| path(link)).collect()
}

#[tokio::test]
async fn an_error_leads_to_the_page_that_explains_it() {
    let app = App::start().await;
    let page =
        async |path: &str| exchange(app.url(), &format!("GET {path} HTTP/1.1\r\nHost: localhost"), b"").await;
    let token = app.token(&[ORG_A]).await;
    let body = Payload::from(ORG_A, app.now()).record("WI-1", "x").text();
    let refused = app.post(&token, &body).await;
    assert_eq!(refused.codes(), ["NO_ROUTE"]);
    assert_eq!(led_to(&refused), ["/errors/NO_ROUTE"]);
    let explained = page("/errors/NO_ROUTE").await;
    assert_eq!(explained.status, 200);
    assert!(
        explained.header("content-type") == Some("text/markdown; charset=utf-8")
            && explained.text.contains("## What to do"),
        "{}",
        explained.text
    );

    let forbidden = exchange(
        app.url(),
        &format!("GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}"),
        b"",
    )
    .await;
    assert_eq!(led_to(&forbidden), ["/errors/ADMIN_TOKEN_REQUIRED"]);
    assert!(page("/errors/ADMIN_TOKEN_REQUIRED").await.text.contains("api.json"));
    assert!(page("/errors").await.text.contains("| [NO_ROUTE]"));
    assert_eq!(page("/errors/NONSENSE").await.status, 404);
    assert_eq!(page("/errors/..%2Fapi.json").await.status, 404);
    app.stop().await;
}

#[tokio::test]
async fn two_faults_of_one_code_lead_to_one_page() {
    let app = App::start().await;
    let token = app.token(&[ORG_A]).await;
    let refused = app.post(&token, &json!({ "records": [{}, {}] }).to_string()).await;
    assert!(refused.codes().len() > 2, "{}", refused.text);
    assert_eq!(led_to(&refused), ["/errors/MISSING_FIELD"]);
    app.stop().await;
}

#[tokio::test]
async fn the_command_line_explains_codes_without_a_program() {
    let folder = tempfile::tempdir().unwrap();
    let explain = async |code: &[&str]| {
        Program::command(&folder, &[&["explain"], code].concat()).output().await.unwrap()
    };
    for code in ["NO_ROUTE", "REDIRECT_PORT_TAKEN", "unable_to_lock_row"] {
        let page = explain(&[code]).await;
        assert!(page.status.success(), "{code}");
        assert!(String::from_utf8(page.stdout).unwrap().starts_with(&format!("# {}\n", code.to_uppercase())));
    }
    assert!(String::from_utf8(explain(&[]).await.stdout).unwrap().contains("NO_ROUTE"));
    let unknown = explain(&["NONSENSE"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("sync-monitor explain"));
}
