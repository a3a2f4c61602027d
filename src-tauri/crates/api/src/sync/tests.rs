use std::sync::Mutex;

use rstest::rstest;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

/// 2026-02-27T14:30:00Z.
const NOW: Millis = Millis(1_772_202_600_000);

/// Knows the tokens `good` and `other`, which may speak for different orgs, and takes everything.
#[derive(Default)]
struct Fake {
    fails: bool,
    accepted: Mutex<Vec<String>>,
}

impl Intake for Fake {
    fn authenticate(&self, secret: &str) -> Option<Grant> {
        let (id, source) = match secret {
            "good" => (1, "00D000000000001"),
            "other" => (2, "00D000000000002"),
            _ => return None,
        };
        Some(Grant { id: Uuid::from_u128(id), sources: vec![source.parse().unwrap()] })
    }

    fn now(&self) -> Millis {
        NOW
    }

    async fn accept(&self, change: Change) -> Result<Reply, Error> {
        if self.fails {
            return Err(Error::Store("disk full".into()));
        }
        self.accepted.lock().unwrap().push(change.transaction_id);
        Ok(Reply { status: 200, success: true, records_processed: 1, suppressed: false, faults: Vec::new() })
    }
}

fn payload() -> String {
    json!({"transactionId": "txn_1", "sourceOrgId": "00D000000000001", "timestamp": "2026-02-27T14:30:00.000Z",
        "operation": "upsert", "records": [{"externalId": "WI-001"}]})
    .to_string()
}

fn request(token: Option<&str>, content_type: Option<&str>, body: impl Into<Body>) -> Request {
    let mut request = Request::post("/delivery/sync");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    if let Some(content_type) = content_type {
        request = request.header(header::CONTENT_TYPE, content_type);
    }
    request.body(body.into()).unwrap()
}

async fn send_to(fake: &Fake, limiter: &Limiter, request: Request) -> (Response, String) {
    let response = judge(fake, limiter, request).await.into_response();
    let (head, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (Response::from_parts(head, Body::empty()), String::from_utf8(body.to_vec()).unwrap())
}

async fn send(request: Request) -> (u16, Value) {
    let (response, body) = send_to(&Fake::default(), &Limiter::new(100), request).await;
    (response.status().as_u16(), serde_json::from_str(&body).unwrap())
}

const JSON: Option<&str> = Some("application/json");

#[tokio::test]
async fn a_payload_that_is_taken_is_answered_in_the_documented_form() {
    let fake = Fake::default();
    let (response, body) = send_to(&fake, &Limiter::new(100), request(Some("good"), JSON, payload())).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    assert_eq!(body, r#"{"success":true,"transactionId":"txn_1","recordsProcessed":1,"errors":[]}"#);
    assert_eq!(*fake.accepted.lock().unwrap(), ["txn_1"]);
}

#[tokio::test]
async fn a_suppressed_payload_says_so() {
    let reply =
        Reply { status: 200, success: true, records_processed: 0, suppressed: true, faults: Vec::new() };
    let response = Answer::reply("txn_1".into(), reply).into_response();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert_eq!(
        body,
        r#"{"success":true,"transactionId":"txn_1","recordsProcessed":0,"errors":[],"suppressed":true}"#
    );
}

/// Each request is wrong in its own way and in every way that is judged later.
#[rstest]
#[case::no_token(None, Some("text/plain"), vec![b'x'; body::MAX_BODY + 1], 401, "UNAUTHORIZED")]
#[case::unknown_token(Some("admin"), Some("text/plain"), vec![b'x'; body::MAX_BODY + 1], 401, "UNAUTHORIZED")]
#[case::too_large(Some("other"), Some("text/plain"), vec![b'x'; body::MAX_BODY + 1], 413, "PAYLOAD_TOO_LARGE")]
#[case::no_type(Some("other"), None, b"nonsense".to_vec(), 415, "UNSUPPORTED_MEDIA_TYPE")]
#[case::wrong_type(Some("other"), Some("text/plain"), b"nonsense".to_vec(), 415, "UNSUPPORTED_MEDIA_TYPE")]
#[case::no_json(Some("other"), JSON, b"nonsense".to_vec(), 400, "INVALID_JSON")]
#[case::empty(Some("other"), JSON, Vec::new(), 400, "INVALID_JSON")]
#[case::bad_field(Some("other"), JSON, payload().replace("upsert", "merge").into_bytes(), 400, "INVALID_FIELD")]
#[case::anothers_org(Some("other"), JSON, payload().into_bytes(), 401, "UNAUTHORIZED")]
#[tokio::test]
async fn what_is_wrong_first_is_told(
    #[case] token: Option<&str>,
    #[case] content_type: Option<&str>,
    #[case] body: Vec<u8>,
    #[case] status: u16,
    #[case] code: &str,
) {
    let (answered, envelope) = send(request(token, content_type, body)).await;
    assert_eq!((answered, &envelope["errors"][0]["code"]), (status, &code.into()));
    assert_eq!((&envelope["success"], &envelope["recordsProcessed"]), (&false.into(), &0.into()));
    assert!(envelope.get("suppressed").is_none());
    assert!(!envelope["errors"][0]["message"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn the_transaction_is_named_as_soon_as_it_can_be_read() {
    let (_, envelope) = send(request(Some("other"), JSON, payload())).await;
    assert_eq!(envelope["transactionId"], "txn_1");
    assert_eq!(envelope["errors"][0]["field"], "/sourceOrgId");
    let (_, envelope) = send(request(Some("good"), JSON, payload().replace("upsert", "merge"))).await;
    assert_eq!(envelope["transactionId"], "txn_1");
    let (_, envelope) = send(request(None, JSON, payload())).await;
    assert_eq!(envelope["transactionId"], Value::Null);
}

#[tokio::test]
async fn a_body_in_chunks_is_taken_and_one_that_grows_too_large_is_not() {
    let chunks = payload()
        .into_bytes()
        .chunks(7)
        .map(|c| Ok::<_, std::io::Error>(Bytes::copy_from_slice(c)))
        .collect::<Vec<_>>();
    let body = Body::from_stream(futures_util::stream::iter(chunks));
    assert_eq!(send(request(Some("good"), JSON, body)).await.0, 200);
    let endless =
        futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 4096])));
    assert_eq!(send(request(Some("good"), JSON, Body::from_stream(endless))).await.0, 413);
}

#[tokio::test]
async fn a_large_payload_is_taken() {
    let title = "x".repeat(LARGE_BODY);
    let large = payload().replace("\"WI-001\"", &format!("\"WI-001\", \"title\": \"{title}\""));
    assert_eq!(send(request(Some("good"), JSON, large)).await.0, 200);
}

#[tokio::test]
async fn a_failing_store_is_a_server_error_that_tells_nothing_of_it() {
    let fake = Fake { fails: true, ..Fake::default() };
    let (response, body) = send_to(&fake, &Limiter::new(100), request(Some("good"), JSON, payload())).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(body.contains("SERVER_ERROR") && body.contains("txn_1") && !body.contains("disk full"), "{body}");
}

#[tokio::test]
async fn a_token_over_its_rate_is_told_when_to_come_back() {
    let (fake, limiter) = (Fake::default(), Limiter::new(1));
    send_to(&fake, &limiter, request(Some("good"), JSON, payload())).await;
    let (response, body) =
        send_to(&fake, &limiter, request(Some("good"), Some("text/plain"), "nonsense")).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()[header::RETRY_AFTER], "60");
    assert!(body.contains("RATE_LIMITED"), "{body}");
}

#[tokio::test]
async fn a_401_says_how_to_sign_in() {
    let (response, _) = send_to(&Fake::default(), &Limiter::new(1), request(None, JSON, payload())).await;
    assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
}
