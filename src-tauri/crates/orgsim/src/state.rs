//! What a simulated org knows.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use sync_monitor_domain::change::{Change, Operation};
use sync_monitor_domain::conflict::Timestamp;
use sync_monitor_domain::ids::OrgId;

use crate::answer::{Answer, Rule};
use crate::hub::Hub;
use crate::oauth::{Code, Consent};

/// Requests that an org may get in 24 hours, where nothing else is said.
const DAILY_CALLS: u64 = 100_000;

/// A request that arrived at the sync endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// As sent, where the body could be read.
    pub transaction_id: Option<String>,
    /// The org that it names as its source, where the body could be read.
    pub source_org_id: Option<OrgId>,
    /// Its records.
    pub external_ids: Vec<String>,
    /// The body, byte for byte.
    pub body: Bytes,
    /// What was answered; `None` where nothing was.
    pub status: Option<u16>,
    /// Was it taken?
    pub taken: bool,
    /// When it came.
    pub at: Instant,
}

/// How the token server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenServer {
    /// Gives tokens for the refresh token that is good.
    #[default]
    Healthy,
    /// Answers 503 with a page.
    Unavailable,
    /// Says `invalid_grant` to everything.
    Refusing,
    /// Says that it is at work on another request with this refresh token, as Salesforce does to all but the first of
    /// several (release notes, "Simultaneous Token Requests Are Blocked During the Refresh Token Flow").
    Busy,
    /// Refuses with this code and these words, and HTTP 400.
    Says(&'static str, &'static str),
    /// Waits, then is healthy.
    Delayed(Duration),
    /// Closes each connection without an answer.
    Reset,
}

/// A record as the org holds it.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) timestamp: Timestamp,
    pub(crate) value: Option<Value>,
}

/// Everything that a simulated org knows.
#[derive(Debug)]
pub(crate) struct State {
    /// Another one after a refresh of the sandbox.
    pub(crate) org_id: OrgId,
    /// Codes that were given to browsers and not yet exchanged.
    pub(crate) codes: HashMap<String, Code>,
    /// Every code that was ever given.
    pub(crate) codes_given: Vec<String>,
    pub(crate) consent: Consent,
    /// The org, and its address, that token responses name in place of this one's.
    pub(crate) answers_for: Option<(OrgId, String)>,
    /// What is answered where the org was before it moved.
    pub(crate) left_behind: Option<Answer>,
    /// What the REST API answers to everything, if something is wrong with it.
    pub(crate) api: Option<Answer>,
    /// What its clock is ahead of the machine's, in seconds.
    pub(crate) clock_ahead: i64,
    /// Each with the time when it ends, if it does.
    pub(crate) access_tokens: HashMap<String, Option<Instant>>,
    pub(crate) refresh_token: Option<String>,
    pub(crate) tokens_given: u64,
    pub(crate) token_requests: u64,
    pub(crate) revocations: u64,
    pub(crate) token_server: TokenServer,
    pub(crate) rules: Vec<Rule>,
    pub(crate) received: Vec<Received>,
    pub(crate) in_flight: usize,
    pub(crate) most_in_flight: usize,
    pub(crate) records: HashMap<String, Held>,
    pub(crate) transactions: HashSet<String>,
    pub(crate) calls: u64,
    /// Requests that it may get in 24 hours.
    pub(crate) daily_calls: u64,
    pub(crate) hub: Hub,
}

impl State {
    pub(crate) fn new(org_id: OrgId, refresh_token: String) -> Self {
        Self {
            org_id,
            codes: HashMap::new(),
            codes_given: Vec::new(),
            consent: Consent::default(),
            answers_for: None,
            left_behind: None,
            api: None,
            clock_ahead: 0,
            access_tokens: HashMap::new(),
            refresh_token: Some(refresh_token),
            tokens_given: 0,
            token_requests: 0,
            revocations: 0,
            token_server: TokenServer::default(),
            rules: Vec::new(),
            received: Vec::new(),
            in_flight: 0,
            most_in_flight: 0,
            records: HashMap::new(),
            transactions: HashSet::new(),
            calls: 0,
            daily_calls: DAILY_CALLS,
            hub: Hub::default(),
        }
    }

    /// The rule that every request gets, if there is one: what a look at the endpoint sees.
    pub(crate) fn answer_to_all(&self) -> Option<Answer> {
        let to_all = |rule: &&Rule| rule.times != Some(0) && rule.external_id.is_none();
        self.rules.iter().find(to_all).map(|rule| rule.answer.clone())
    }

    /// The answer for a request with these records, by the first rule that fits.
    pub(crate) fn answer_for(&mut self, external_ids: &[String]) -> Answer {
        let fits = |rule: &Rule| {
            rule.times != Some(0) && rule.external_id.as_ref().is_none_or(|id| external_ids.contains(id))
        };
        let Some(at) = self.rules.iter().position(fits) else { return Answer::Normal };
        let rule = &mut self.rules[at];
        let answer = rule.answer.clone();
        if let Some(times) = &mut rule.times {
            *times -= 1;
            if *times == 0 {
                self.rules.remove(at);
            }
        }
        answer
    }

    /// Has it got all the requests that it takes in 24 hours?
    pub(crate) fn is_used_up(&self) -> bool {
        self.calls >= self.daily_calls
    }

    /// Is this access token good?
    pub(crate) fn accepts(&self, access_token: &str) -> bool {
        let now = Instant::now();
        self.access_tokens.get(access_token).is_some_and(|end| end.is_none_or(|end| now < end))
    }

    /// Takes a change by last write wins, and returns the status and body of the answer.
    pub(crate) fn take(&mut self, change: &Change) -> (u16, String) {
        let envelope = |success: bool, processed: usize, errors: Vec<Value>| {
            serde_json::json!({ "success": success, "transactionId": change.transaction_id, "recordsProcessed": processed, "errors": errors }).to_string()
        };
        if !self.transactions.insert(change.transaction_id.clone()) {
            return (200, envelope(true, 0, Vec::new()));
        }
        let body: Value = serde_json::from_slice(change.body()).unwrap_or_default();
        let mut processed = 0;
        for (index, record) in change.records.iter().enumerate() {
            if self.records.get(&record.external_id).is_some_and(|held| held.timestamp > change.timestamp) {
                continue;
            }
            let value = (change.operation == Operation::Upsert).then(|| body["records"][index].clone());
            let held = self
                .records
                .entry(record.external_id.clone())
                .or_insert(Held { timestamp: change.timestamp, value: None });
            held.timestamp = change.timestamp;
            held.value = match (held.value.take(), value) {
                (Some(Value::Object(mut old)), Some(Value::Object(new))) => {
                    old.extend(new);
                    Some(Value::Object(old))
                }
                (_, new) => new,
            };
            processed += 1;
        }
        if processed == 0 {
            let error = serde_json::json!({ "code": "CONFLICT", "message": "a newer version exists" });
            return (409, envelope(false, 0, vec![error]));
        }
        (200, envelope(true, processed, Vec::new()))
    }
}
