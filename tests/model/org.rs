//! Orgs in this process: each request waits until the test says what it comes to.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::SecretString;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::remote::{
    Call, Called, CliError, CliTrouble, ConnectError, ConnectedOrg, Examination, Identity, Meaning,
    OrgAddress, Remote, Report, SecretError, ServiceKey, Try,
};
use sync_monitor_domain::sign_in::{CliOrg, SignInRequest, WaitsForSignIn};
use tokio::sync::oneshot;
use uuid::Uuid;

/// A transaction on its way to an org.
type Name = (String, OrgId);

#[derive(Default)]
pub(crate) struct Orgs {
    waiting: Mutex<BTreeMap<Name, oneshot::Sender<Meaning>>>,
    taken: Mutex<BTreeMap<Name, u32>>,
}

impl Orgs {
    /// Answers a request; false where there is none yet.
    pub(crate) fn answer(&self, name: &Name, meaning: Meaning) -> bool {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        // One that was in flight when the program died is asked by nobody any more.
        let is_answered = waiting.is_some_and(|waiting| waiting.send(meaning).is_ok());
        if is_answered && meaning == Meaning::Synced {
            *self.taken.lock().unwrap_or_else(PoisonError::into_inner).entry(name.clone()).or_default() += 1;
        }
        is_answered
    }

    /// How often each change was taken.
    pub(crate) fn taken(&self) -> BTreeMap<Name, u32> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn report(meaning: Meaning) -> Report {
    let one = Try {
        started_at: Millis(0),
        duration: Duration::ZERO,
        meaning,
        http_status: None,
        error_code: None,
        message: None,
        response_body: None,
    };
    Report { tries: vec![one], api_usage: None, clock_skew_ms: None, moved_to: None }
}

#[async_trait]
impl Remote for Orgs {
    async fn deliver(&self, org: &OrgAddress, body: Bytes) -> Report {
        let payload: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let name = (payload["transactionId"].as_str().unwrap_or_default().to_owned(), org.org_id);
        let (answer, answered) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(name, answer);
        match answered.await {
            Ok(meaning) => report(meaning),
            // Nobody answers any more.
            Err(_) => std::future::pending().await,
        }
    }

    async fn answers(&self, _: &OrgAddress) -> bool {
        true
    }

    async fn connect_with_auth_url(&self, _: SecretString) -> Result<ConnectedOrg, ConnectError> {
        Err(ConnectError::Refused("nobody signs in here".into()))
    }

    async fn begin_sign_in(
        &self,
        _: SignInRequest,
        _: Box<dyn WaitsForSignIn>,
    ) -> Result<String, ConnectError> {
        Err(ConnectError::Refused("nobody signs in here".into()))
    }

    fn give_up_sign_in(&self, _: Uuid) {}

    async fn cli_orgs(&self) -> Result<Vec<CliOrg>, CliError> {
        Err(CliError { trouble: CliTrouble::Missing, message: "there is none here".into() })
    }

    async fn connect_with_cli(&self, _: &str) -> Result<ConnectedOrg, ConnectError> {
        Err(ConnectError::Refused("nobody signs in here".into()))
    }

    async fn examine(&self, _: &OrgAddress) -> Examination {
        Examination {
            sign_in: Ok(()),
            endpoint: Some(Ok(())),
            api_usage: None,
            clock_skew_ms: None,
            identity: Identity::default(),
            moved_to: None,
        }
    }

    /// What an org speaks is not found out, and so it is the documented endpoint.
    async fn call(&self, _: &OrgAddress, _: Call) -> Called {
        Called { report: report(Meaning::Unreachable), body: None }
    }

    async fn set_service_key(&self, _: OrgId, _: Option<ServiceKey>) -> Result<(), SecretError> {
        Ok(())
    }

    async fn keep_alive(&self, _: &OrgAddress) -> Result<Option<String>, Box<Try>> {
        Ok(None)
    }

    async fn disconnect(&self, _: &OrgAddress) -> Result<(), SecretError> {
        Ok(())
    }
}
