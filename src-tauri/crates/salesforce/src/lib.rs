//! Talking to Salesforce: signing in, sending changes, and reading what the answers mean.
//!
//! [`Client`] implements the engine's port [`Remote`](sync_monitor_domain::remote::Remote). Tokens live here and in the
//! [secret stores](secrets), and nowhere else: no error, log line, stored body or `Debug` output of this crate holds one.

mod auth_url;
mod call;
mod client;
mod examine;
mod http;
mod identity;
pub mod login;
mod network;
mod oauth;
mod outcome;
mod redact;
pub mod secrets;
mod session;
mod sf_cli;

pub use auth_url::{AuthUrl, AuthUrlError};
pub use client::{Client, ClientError, DEFAULT_CLIENT_ID, Settings};
