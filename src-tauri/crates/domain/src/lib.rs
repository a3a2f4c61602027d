//! The rules of syncing, and nothing else.
//!
//! This crate is pure: it reads no clock, opens no file, knows neither SQL nor HTTP. What it decides can be tested with
//! tables. Everything that reaches outside is a trait here ([`clock::Clock`], [`remote::Remote`], [`remote::SecretStore`])
//! which another crate implements and `runtime` plugs in.

pub mod cause;
pub mod change;
pub mod clock;
pub mod conflict;
pub mod echo;
pub mod error_code;
pub mod help;
pub mod hub;
pub mod ids;
pub mod intake;
pub mod item;
mod json;
pub mod remote;
pub mod retry;
pub mod sign_in;

pub use change::{Change, Operation, Record};
pub use clock::{Clock, Millis};
pub use error_code::ErrorCode;
pub use ids::{Digest, OrgId};
