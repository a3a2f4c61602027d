//! Flows through the whole program, against simulated orgs. Each file is a promise of the contract.

#![expect(clippy::unwrap_used, reason = "in a test, what must be there and is not is a failure")]

mod accepting;
mod attacking;
mod auditing;
mod bulk_runs;
mod clients;
mod command_line;
mod delivering;
mod delivering_to_packages;
mod diagnosing;
mod documents;
mod echoes_and_conflicts;
mod explaining;
mod holding;
mod integrating;
mod listing;
mod logging;
mod looking_after;
mod managing;
mod mapping;
mod networking;
mod ordering;
mod own_queues;
mod package_faults;
mod pausing;
mod preflight;
mod pulling;
mod restarting;
mod reviewing;
mod scripting;
mod secrets;
mod settings;
mod signing_in;
mod staying_in_step;
mod testing_orgs;
mod upgrading;
mod using_the_cli;
mod work_items;
mod work_items_first;
