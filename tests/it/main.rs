//! Flows through the whole program, against simulated orgs. Each file is a promise of the contract.

#![expect(clippy::unwrap_used, reason = "in a test, what must be there and is not is a failure")]

mod accepting;
mod attacking;
mod auditing;
mod bulk_runs;
mod clients;
mod command_line;
mod delivering;
mod diagnosing;
mod echoes_and_conflicts;
mod holding;
mod listing;
mod looking_after;
mod managing;
mod ordering;
mod pausing;
mod preflight;
mod restarting;
mod reviewing;
mod scripting;
mod secrets;
mod settings;
mod signing_in;
mod testing_orgs;
mod using_the_cli;
mod work_items;
