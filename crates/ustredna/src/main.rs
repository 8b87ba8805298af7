//! `ustredna`: a self-hosted telephone exchange for mystery shopping.
//!
//! This binary is the only place that knows all the other crates: it takes calls from FreeSWITCH
//! (`listener`, `driver`), runs the flows over them (`service`), stores what they come to
//! (`ending`, `proof`, `cdr_intake`, `sms_worker`) and gives operators their commands (`cli`).

mod app;
mod arrival;
mod cdr_intake;
mod cli;
mod clock;
mod driver;
mod ending;
mod inbound;
mod line;
mod listener;
mod logging;
mod proof;
mod reconcile;
mod serve;
mod service;
mod settings;
mod sms_worker;
mod texts;
mod web;

fn main() -> std::process::ExitCode {
    cli::run()
}
