//! Networks as admins have them: with a proxy, with a certificate authority of their own, with a page in between that wants
//! a click first. docs/network.md says what to set.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kit::{App, ORG_A, ORG_B, Payload, Program};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rstest::rstest;
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;
use sync_monitor_orgsim::{Answer, OrgSim, Rule};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const HOST: &str = "acme.my.salesforce.com";

/// A proxy with an org behind it, which has a certificate from an authority that only this network knows.
struct Network {
    proxy: String,
    authority: PathBuf,
    asked_for: Arc<Mutex<Vec<String>>>,
}

impl Network {
    async fn with(org: &OrgSim, folder: &Path) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let file = folder.join("authority.pem");
        std::fs::write(&file, authority.pem()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![HOST.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let network = Self {
            proxy: format!("http://{}", listener.local_addr().unwrap()),
            authority: file,
            asked_for: Arc::default(),
        };
        let org = org.url().trim_start_matches("http://").to_owned();
        tokio::spawn(serve(
            listener,
            TlsAcceptor::from(Arc::new(config)),
            org,
            Arc::clone(&network.asked_for),
        ));
        network
    }

    fn asked_for(&self) -> Vec<String> {
        self.asked_for.lock().unwrap().clone()
    }
}

/// A proxy's work, and behind it the org's TLS.
async fn serve(listener: TcpListener, tls: TlsAcceptor, org: String, asked_for: Arc<Mutex<Vec<String>>>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        asked_for.lock().unwrap().push(head.lines().next().unwrap().to_owned());
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        // Whoever does not know the authority ends it here.
        let Ok(mut client) = tls.accept(client).await else { continue };
        let mut org = TcpStream::connect(&org).await.unwrap();
        tokio::spawn(async move { copy_bidirectional(&mut client, &mut org).await });
    }
}

async fn import(folder: &TempDir, auth_url: &str) -> Output {
    let mut child = Program::command(folder, &["org", "import"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(auth_url.as_bytes()).await.unwrap();
    drop(stdin);
    tokio::time::timeout(Duration::from_secs(30), child.wait_with_output()).await.unwrap().unwrap()
}

/// The org's address as the world has it.
fn in_the_world(org: &OrgSim) -> String {
    org.auth_url().replace(org.url().trim_start_matches("http://"), HOST)
}

#[rstest]
#[case::a_variable_of_its_own("HTTPS_PROXY")]
#[case::in_small_letters("https_proxy")]
#[case::for_everything("ALL_PROXY")]
#[tokio::test]
async fn orgs_are_reached_through_the_proxy_and_trusted_by_the_authority_that_is_named(
    #[case] variable: &str,
) {
    let folder = tempfile::tempdir().unwrap();
    let org = kit::sim(ORG_A).await;
    let network = Network::with(&org, folder.path()).await;
    let authority = network.authority.to_str().unwrap();
    let environment = [(variable, &*network.proxy), ("SSL_CERT_FILE", authority)];
    let program = Program::serve_with(&folder, &[], &environment).await;
    let imported = import(&folder, &in_the_world(&org)).await;
    assert!(imported.status.success(), "{imported:?}");
    assert_eq!(network.asked_for()[0], format!("CONNECT {HOST}:443 HTTP/1.1"));
    // From here on the org is asked at the address that it named, on this machine; which no proxy is asked for.
    let asked = network.asked_for().len();
    let tested = Program::command(&folder, &["org", "test", &org.id().to_string()]).output().await.unwrap();
    assert!(tested.status.success(), "{tested:?}");
    assert_eq!(network.asked_for().len(), asked);
    program.kill().await;
}

#[tokio::test]
async fn an_authority_that_nobody_named_is_not_trusted_and_it_is_said_what_to_look_at() {
    let folder = tempfile::tempdir().unwrap();
    let org = kit::sim(ORG_A).await;
    let network = Network::with(&org, folder.path()).await;
    let program = Program::serve_with(&folder, &[], &[("HTTPS_PROXY", &network.proxy)]).await;
    let refused = import(&folder, &in_the_world(&org)).await;
    assert_eq!(refused.status.code(), Some(1));
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains(HOST) && why.contains("certificate"), "{why}");
    assert_eq!(org.token_requests(), 0, "nothing was sent");
    program.kill().await;
}

#[tokio::test]
async fn a_host_that_needs_no_proxy_is_asked_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let org = kit::sim(ORG_A).await;
    let network = Network::with(&org, folder.path()).await;
    let environment = [("HTTPS_PROXY", &*network.proxy), ("NO_PROXY", "invalid")];
    let program = Program::serve_with(&folder, &[], &environment).await;
    // A name that no server has (RFC 6761): asked without a proxy, it is not found.
    let refused = import(&folder, &in_the_world(&org).replace(HOST, "org.invalid")).await;
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(network.asked_for(), [""; 0]);
    program.kill().await;
}

#[rstest]
#[case::a_page_in_place_of_the_answer(Answer::html(200))]
#[case::a_redirect_to_the_page(Answer::redirect(302, "http://portal.example/welcome"))]
#[case::as_rfc_6585_has_it(Answer::html(511))]
#[tokio::test]
async fn a_page_that_wants_a_click_first_is_never_taken_for_a_delivery(#[case] portal: Answer) {
    let (app, pair) = App::with_two_orgs().await;
    pair.b.script(Rule::always(portal));
    let change = Payload::from(ORG_A, app.now()).record("WI-1", "x");
    app.accept(&pair.token_a, &change).await;
    let tried = async {
        while app.item(change.id(), ORG_B).await["attemptLog"] == json!([]) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), tried).await.unwrap();
    assert!(pair.b.record("WI-1").is_none());
    // Somebody has clicked.
    pair.b.heal();
    app.clock.advance(Duration::from_mins(1));
    let item = app.wait_status(change.id(), ORG_B, "synced").await;
    let tries = item["attemptLog"].as_array().unwrap();
    assert!(tries.len() >= 2 && tries[0]["outcome"] != "synced", "{item}");
    app.stop().await;
}
