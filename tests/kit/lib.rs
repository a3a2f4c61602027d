//! What the tests of the whole program need: the program itself on a free port, simulated orgs, a clock that is moved by
//! hand, and waiting for what is to happen instead of for time to pass.

mod app;
mod browser;
mod clock;
pub mod hub;
mod payload;
mod program;
mod raw;
mod salesforce_cli;

pub use app::{App, Pair, Setup, sim};
pub use browser::browse;
pub use clock::MockClock;
pub use payload::{ORG_A, ORG_B, ORG_C, Payload, org_id};
pub use program::{Program, executable};
pub use raw::{Reply, exchange, raw};
pub use salesforce_cli::SalesforceCli;
pub use sync_monitor_orgsim::OrgSim;
