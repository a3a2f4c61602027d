//! What a simulated org can be told to answer.

use std::time::Duration;

/// An answer of the sync endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// What a healthy org answers: takes the change by last write wins.
    Normal,
    /// This, and takes nothing.
    Http {
        /// The status.
        status: u16,
        /// More headers.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: String,
    },
    /// Waits, then answers normally.
    Delayed(Duration),
    /// Closes the connection without an answer, and takes nothing.
    Reset,
    /// Takes the change, then closes the connection without an answer.
    LostAfterCommit,
    /// Takes nothing, and breaks off in the middle of the answer's body.
    ResetInBody,
    /// Sends an answer a byte at a time with this pause between two, without end.
    Drip(Duration),
    /// Takes nothing and never answers.
    Hang,
    /// Sends spaces without end as fast as they are read: an answer of any size.
    Flood,
}

impl Answer {
    /// A JSON body.
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self::Http {
            status,
            headers: vec![("content-type", "application/json;charset=UTF-8".into())],
            body: body.into(),
        }
    }

    /// The platform's form of an error: a list with `message` and `errorCode`.
    pub fn platform(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, serde_json::json!([{ "message": message, "errorCode": code }]).to_string())
    }

    /// An application's form of an error: `{"error": …}`.
    pub fn application(status: u16, message: &str) -> Self {
        Self::json(status, serde_json::json!({ "error": message }).to_string())
    }

    /// A page, as proxies and maintenance windows send.
    pub fn html(status: u16) -> Self {
        Self::Http {
            status,
            headers: vec![("content-type", "text/html".into())],
            body: "<html><head><title>Down for maintenance</title></head><body><h1>We are down for maintenance.</h1></body></html>".into(),
        }
    }

    /// A redirect.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::Http { status, headers: vec![("location", location.into())], body: String::new() }
    }

    /// A status without a body.
    pub fn status(status: u16) -> Self {
        Self::Http { status, headers: Vec::new(), body: String::new() }
    }

    /// A record that somebody else has locked.
    pub fn locked() -> Self {
        Self::platform(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Http { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }
}

/// Which requests get which answer. Rules are looked through in the order they were made; the first that fits is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(crate) external_id: Option<String>,
    pub(crate) times: Option<u32>,
    pub(crate) answer: Answer,
}

impl Rule {
    /// Every request gets this.
    pub fn always(answer: Answer) -> Self {
        Self { external_id: None, times: None, answer }
    }

    /// Only requests with this record.
    #[must_use]
    pub fn for_record(mut self, external_id: impl Into<String>) -> Self {
        self.external_id = Some(external_id.into());
        self
    }

    /// Only the next `times` requests that it fits.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }
}
