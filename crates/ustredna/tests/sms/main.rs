//! The SMS about missed calls, from the outbox to a provider's HTTP server and back: what the
//! provider does, what becomes of it in `ustredna sms --json`, and what outlives a `kill -9`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says where")]

mod cuts;
mod downtime;
mod house;
mod killed;
mod outcomes;
#[path = "../ports/mod.rs"]
mod ports;
mod provider;
mod receipts;
mod reports;
mod secrets;
mod smpp;
mod smsc;
mod throughput;
#[path = "../stories/time.rs"]
#[expect(dead_code, reason = "the stories use more of it")]
mod time;
