//! The client against a simulated org.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::ask::{KEPT_BODY, LONGEST_MESSAGE};
use super::*;
use crate::oauth::Credentials;
use rstest::rstest;
use secrecy::ExposeSecret as _;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::remote::Meaning;
use sync_monitor_orgsim::{Answer, OrgSim, OrgSpec, Rule, TokenServer};
use tokio::sync::Semaphore;

mod odd_servers;
mod tokens;

struct MachineClock(Instant);

#[async_trait]
impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "these tests run in real time")]
    fn now(&self) -> Millis {
        chrono::Utc::now().into()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn wait_until(&self, _: Millis) {}
}

/// A secret store in memory that can be made to fail, or to wait before it writes.
#[derive(Default)]
struct Memory {
    secrets: Mutex<HashMap<String, String>>,
    broken: AtomicBool,
    door: Mutex<Option<Arc<Door>>>,
}

/// Where a write waits: a permit in `arrived` says that one does, a permit in `open` lets one on.
struct Door {
    arrived: Semaphore,
    open: Semaphore,
}

impl Memory {
    fn break_down(&self, broken: bool) {
        self.broken.store(broken, Ordering::Relaxed);
    }

    /// From now on each write waits at this door.
    fn put_door(&self) -> Arc<Door> {
        let door = Arc::new(Door { arrived: Semaphore::new(0), open: Semaphore::new(0) });
        *self.door.lock().unwrap() = Some(Arc::clone(&door));
        door
    }

    /// The only secret.
    fn only(&self) -> String {
        let secrets = self.secrets.lock().unwrap();
        assert_eq!(secrets.len(), 1);
        secrets.values().next().cloned().unwrap()
    }

    fn is_empty(&self) -> bool {
        self.secrets.lock().unwrap().is_empty()
    }
}

impl Door {
    async fn wait_arrived(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    /// Lets on whoever waits or comes.
    fn open(&self) {
        self.open.add_permits(1_000);
    }
}

#[async_trait]
impl SecretStore for Memory {
    async fn get(&self, name: &str) -> Result<Option<SecretString>, SecretError> {
        Ok(self.secrets.lock().unwrap().get(name).cloned().map(SecretString::from))
    }

    async fn set(&self, name: &str, secret: SecretString) -> Result<(), SecretError> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(SecretError("The keychain is locked. Unlock it.".into()));
        }
        let door = self.door.lock().unwrap().clone();
        if let Some(door) = door {
            door.arrived.add_permits(1);
            door.open.acquire().await.unwrap().forget();
        }
        self.secrets.lock().unwrap().insert(name.into(), secret.expose_secret().into());
        Ok(())
    }

    async fn remove(&self, name: &str) -> Result<(), SecretError> {
        self.secrets.lock().unwrap().remove(name);
        Ok(())
    }
}

struct World {
    org: OrgSim,
    secrets: Arc<Memory>,
    client: Arc<Client>,
    address: OrgAddress,
}

impl World {
    async fn new(rotating: bool) -> Self {
        Self::with_timeout(rotating, Duration::from_secs(20)).await
    }

    async fn with_timeout(rotating: bool, request_timeout: Duration) -> Self {
        let spec = OrgSpec::new("00D00000000000A".parse().unwrap());
        let org = OrgSim::start(if rotating { spec.rotating() } else { spec }).await.unwrap();
        let secrets = Arc::new(Memory::default());
        let client = client(Settings { request_timeout, ..Settings::default() }, &secrets);
        let connected = client.connect_with_auth_url(SecretString::from(org.auth_url())).await.unwrap();
        assert_eq!(connected.org_id, org.id());
        let address = OrgAddress {
            tokens: TokenSource::Stored,
            org_id: org.id(),
            instance_url: connected.instance_url,
            endpoint_path: "/services/apexrest/dlhub/delivery/sync".into(),
        };
        Self { org, secrets, client: Arc::new(client), address }
    }

    async fn deliver(&self, external_id: &str) -> Report {
        self.client.deliver(&self.address, payload(external_id)).await
    }

    /// The refresh token that the org takes now.
    fn good_refresh_token(&self) -> String {
        let url = self.org.auth_url();
        url.split([':', '@']).find(|part| part.starts_with("5Aep")).unwrap().to_owned()
    }

    async fn answered(&self, answer: Answer) -> Report {
        self.org.script(Rule::always(answer).times(1));
        self.deliver("WI-1").await
    }
}

fn client(settings: Settings, secrets: &Arc<Memory>) -> Client {
    Client::new(settings, Arc::clone(secrets) as _, Arc::new(MachineClock(Instant::now()))).unwrap()
}

fn payload(external_id: &str) -> Bytes {
    format!(
        r#"{{"transactionId":"{external_id}-{:?}","sourceOrgId":"00D00000000000B","timestamp":"2026-02-27T14:30:00Z","operation":"upsert","records":[{{"externalId":"{external_id}"}}]}}"#,
        Instant::now()
    )
    .into()
}

fn meanings(report: &Report) -> Vec<Meaning> {
    report.tries.iter().map(|t| t.meaning).collect()
}

#[tokio::test]
async fn a_change_is_delivered_as_sent_and_the_answer_tells_of_the_org() {
    let world = World::new(false).await;
    let report = world.deliver("WI-1").await;
    assert_eq!(meanings(&report), [Meaning::Synced]);
    assert_eq!(world.org.received()[0].external_ids, ["WI-1"]);
    assert_eq!(report.api_usage.unwrap().max, 100_000);
    assert!(report.clock_skew_ms.unwrap().abs() < 2_000, "{report:?}");
}

#[tokio::test]
async fn an_expired_token_is_renewed_once_and_the_request_repeated() {
    let world = World::new(false).await;
    world.org.expire_access_tokens();
    let report = world.deliver("WI-1").await;
    assert_eq!(meanings(&report), [Meaning::TokenRenewed, Meaning::Synced]);
    assert_eq!(
        (report.tries[0].http_status, report.tries[0].error_code.as_deref()),
        (Some(401), Some("INVALID_SESSION_ID"))
    );
}

#[tokio::test]
async fn a_401_that_a_renewal_does_not_mend_asks_for_a_sign_in() {
    let world = World::new(false).await;
    world.org.script(Rule::always(Answer::platform(
        401,
        "INVALID_SESSION_ID",
        "This session is not valid for use with the REST API",
    )));
    let report = world.deliver("WI-1").await;
    assert_eq!(meanings(&report), [Meaning::TokenRenewed, Meaning::SignInRequired]);
}

#[tokio::test]
async fn a_refused_renewal_asks_for_a_sign_in_in_the_servers_words() {
    let world = World::new(false).await;
    world.org.revoke_everything();
    let report = world.deliver("WI-1").await;
    assert_eq!(meanings(&report), [Meaning::TokenRenewed, Meaning::SignInRequired]);
    let last = &report.tries[1];
    assert_eq!((last.http_status, last.error_code.as_deref()), (Some(400), Some("invalid_grant")));
    assert!(last.message.as_deref().unwrap().contains("expired access/refresh token"), "{last:?}");
}

#[tokio::test]
async fn a_token_server_that_is_down_is_a_network_error_and_no_sign_in() {
    let world = World::new(false).await;
    for behaviour in [TokenServer::Unavailable, TokenServer::Reset, TokenServer::Busy] {
        world.org.expire_access_tokens();
        world.org.token_server(behaviour);
        let report = world.deliver("WI-1").await;
        assert_eq!(
            meanings(&report),
            [Meaning::TokenRenewed, Meaning::Unreachable],
            "{behaviour:?}: {report:?}"
        );
    }
}

#[tokio::test]
async fn twenty_waiting_requests_make_one_renewal() {
    let world = World::new(true).await;
    world.org.expire_access_tokens();
    let before = world.org.token_requests();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let (client, address) = (Arc::clone(&world.client), world.address.clone());
        tasks.spawn(async move { client.deliver(&address, payload(&format!("WI-{n}"))).await });
    }
    for report in tasks.join_all().await {
        assert_eq!(report.tries.last().unwrap().meaning, Meaning::Synced);
    }
    assert_eq!(world.org.token_requests() - before, 1);
}

#[tokio::test]
async fn twenty_waiting_requests_share_one_refusal() {
    let world = World::new(false).await;
    world.org.revoke_everything();
    let before = world.org.token_requests();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let (client, address) = (Arc::clone(&world.client), world.address.clone());
        tasks.spawn(async move { client.deliver(&address, payload(&format!("WI-{n}"))).await });
    }
    for report in tasks.join_all().await {
        assert_eq!(report.tries.last().unwrap().meaning, Meaning::SignInRequired);
    }
    // Those whose 401 came in after the first renewal had ended may ask once more.
    assert!(world.org.token_requests() - before < 20, "{}", world.org.token_requests() - before);
}

#[tokio::test]
async fn a_rotated_refresh_token_is_stored_before_the_new_access_token_is_used() {
    let world = World::new(true).await;
    world.org.expire_access_tokens();
    world.secrets.break_down(true);
    let report = world.deliver("WI-1").await;
    assert_eq!(meanings(&report), [Meaning::TokenRenewed, Meaning::Retry { retry_after: None }]);
    assert_eq!(report.tries[1].error_code.as_deref(), Some("SECRETS_UNAVAILABLE"));
    assert!(
        world.org.received().iter().all(|r| !r.taken),
        "nothing was sent with a token whose refresh token is not safe"
    );
    // The keychain is unlocked: the rotated token was not lost meanwhile.
    world.secrets.break_down(false);
    assert_eq!(meanings(&world.deliver("WI-1").await).last(), Some(&Meaning::Synced));
    assert!(world.secrets.only().contains(&world.good_refresh_token()));
}

#[tokio::test]
async fn an_answer_that_repeats_a_token_is_kept_without_it() {
    let world = World::new(false).await;
    world.deliver("WI-0").await;
    let tokens = world.org.secrets();
    assert!(tokens.len() >= 2);
    let echo =
        serde_json::json!([{ "errorCode": "BAD", "message": format!("bad tokens {}", tokens.join(" ")) }])
            .to_string();
    let report = world.answered(Answer::json(400, echo)).await;
    let shown = format!("{report:?}");
    for token in tokens {
        assert!(!shown.contains(&token), "{shown}");
    }
    assert!(shown.contains("[token removed]"));
}

#[tokio::test]
async fn an_answer_that_writes_a_token_in_escapes_is_kept_without_it() {
    let world = World::new(false).await;
    world.deliver("WI-0").await;
    let writings: [fn(char) -> String; 4] = [
        |c| format!("\\u{:04x}", u32::from(c)),
        |c| format!("&#x{:x};", u32::from(c)),
        |c| format!("%{:02X}", u32::from(c)),
        |c| format!("\\\\u{:04x}", u32::from(c)),
    ];
    for token in world.org.secrets() {
        for write in writings {
            let written: String = token.chars().map(write).collect();
            let body = format!(r#"[{{"errorCode":"BAD","message":"bad token {written}."}}]"#);
            let only = world.answered(Answer::json(400, body)).await.tries.remove(0);
            assert_eq!(only.message.as_deref(), Some("bad token [token removed]."));
            let kept = r#"[{"errorCode":"BAD","message":"bad token [token removed]."}]"#;
            assert_eq!(only.response_body.as_deref(), Some(kept));
        }
    }
}

#[tokio::test]
async fn a_page_of_maintenance_is_a_failure_that_passes_when_the_org_says_so() {
    let world = World::new(false).await;
    let report = world.answered(Answer::html(503).with_header("retry-after", "120")).await;
    assert_eq!(meanings(&report), [Meaning::Retry { retry_after: Some(Duration::from_mins(2)) }]);
    let only = &report.tries[0];
    assert_eq!((only.http_status, only.message.as_deref()), (Some(503), Some("Down for maintenance")));
    assert!(only.response_body.as_deref().unwrap().starts_with("<html>"));
}

#[tokio::test]
async fn the_clock_of_an_org_is_compared_with_ours() {
    let world = World::new(false).await;
    let report =
        world.answered(Answer::status(200).with_header("date", "Fri, 27 Feb 2026 14:30:00 GMT")).await;
    let expected = 1_772_202_600_000 - report.tries[0].started_at.0;
    assert!((report.clock_skew_ms.unwrap() - expected).abs() < 5_000, "{report:?}");
}

#[tokio::test]
async fn the_name_of_who_signed_in_is_asked_for_and_not_needed() {
    let spec = OrgSpec::new("00D00000000000A".parse().unwrap());
    let (named, nameless) = (spec.clone(), spec.with_access_token_ttl(Duration::ZERO));
    for (spec, expected) in [(named.clone(), Some(named.username.as_str())), (nameless, None)] {
        let org = OrgSim::start(spec).await.unwrap();
        let client = client(Settings::default(), &Arc::default());
        let connected = client.connect_with_auth_url(SecretString::from(org.auth_url())).await.unwrap();
        assert_eq!(connected.username.as_deref(), expected);
        assert_eq!(connected.instance_url, org.url());
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let world = World::new(false).await;
    let report = world.answered(Answer::redirect(302, &format!("{}/services/data/", world.org.url()))).await;
    assert_eq!((meanings(&report), report.tries[0].http_status), (vec![Meaning::EndpointMissing], Some(302)));
}

#[tokio::test]
async fn what_breaks_off_is_unreachable_whenever_it_breaks() {
    let world = World::new(false).await;
    for answer in [Answer::Reset, Answer::ResetInBody, Answer::LostAfterCommit] {
        let report = world.answered(answer.clone()).await;
        assert_eq!(meanings(&report), [Meaning::Unreachable], "{answer:?}");
        assert_eq!(report.tries[0].error_code.as_deref(), Some("CONNECTION_RESET"), "{answer:?}: {report:?}");
    }
}

#[tokio::test]
async fn an_org_that_is_down_refuses_the_connection() {
    let world = World::new(false).await;
    world.org.wait_down().await;
    let report = world.deliver("WI-1").await;
    assert_eq!(meanings(&report), [Meaning::Unreachable]);
    assert_eq!(report.tries[0].error_code.as_deref(), Some("CONNECTION_REFUSED"), "{report:?}");
    assert!(!world.client.answers(&world.address).await);
    world.org.come_up().await.unwrap();
    assert!(world.client.answers(&world.address).await);
}

#[tokio::test]
async fn an_answer_that_drips_or_never_comes_ends_by_the_time_out() {
    let world = World::with_timeout(false, Duration::from_millis(300)).await;
    for answer in [Answer::Hang, Answer::Drip(Duration::from_millis(20))] {
        let report = world.answered(answer.clone()).await;
        assert_eq!(meanings(&report), [Meaning::Unreachable], "{answer:?}");
        assert_eq!(report.tries[0].error_code.as_deref(), Some("TIMEOUT"), "{answer:?}: {report:?}");
    }
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let world = World::new(false).await;
    let report = world.answered(Answer::Flood).await;
    let body = report.tries[0].response_body.as_deref().unwrap();
    assert_eq!(body.len(), KEPT_BODY);
}

#[tokio::test]
async fn an_address_without_tls_elsewhere_is_never_asked() {
    let world = World::new(false).await;
    let address =
        OrgAddress { instance_url: "http://acme.my.salesforce.com".into(), ..world.address.clone() };
    let report = world.client.deliver(&address, payload("WI-1")).await;
    assert_eq!(report.tries[0].error_code.as_deref(), Some("INSECURE_URL"));
    assert!(!world.client.answers(&address).await);
}

#[tokio::test]
async fn disconnecting_revokes_and_forgets() {
    let world = World::new(false).await;
    world.client.disconnect(&world.address).await.unwrap();
    assert_eq!(world.org.revocations(), 1);
    assert!(world.secrets.is_empty());
    let report = world.deliver("WI-1").await;
    assert_eq!(
        (meanings(&report), report.tries[0].error_code.as_deref()),
        (vec![Meaning::SignInRequired], Some("SIGNED_OUT"))
    );
}

#[tokio::test]
async fn connecting_with_a_dead_token_says_so_and_stores_nothing() {
    let world = World::new(false).await;
    let dead = world.org.auth_url();
    world.client.disconnect(&world.address).await.unwrap();
    let error = world.client.connect_with_auth_url(SecretString::from(dead.clone())).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused(_)), "{error}");
    let token = dead.split([':', '@']).find(|part| part.starts_with("5Aep")).unwrap();
    assert!(!error.to_string().contains(token) && !format!("{error:?}").contains(token));
    assert!(world.secrets.is_empty());
}
