//! `ustredna`: a self-hosted telephone exchange for mystery shopping.
//!
//! This crate is the only place that knows all the others: it takes calls from FreeSWITCH
//! (`listener`, `driver`), runs the flows over them (`service`), stores what they come to
//! (`ending`, `proof`, `cdr_intake`, `sms_worker`) and gives operators their commands (`cli`).
//!
//! It is a library so that an exchange can also run inside another process, beside a simulated
//! switch: see [`Running`]. Operators run the binary.
#![warn(missing_docs)]

mod alarm;
mod app;
mod archive;
mod arrival;
mod cdr_intake;
mod cli;
mod clock;
mod colours;
mod counted;
mod demo;
mod disk;
mod driver;
mod ending;
mod files;
mod finding;
mod folders;
mod given;
mod health;
mod hotlines;
mod identity;
mod inbound;
mod line;
mod listener;
mod logging;
mod media;
mod metrics;
mod nearest;
mod persist;
mod place;
mod prompts;
mod proof;
mod reconcile;
mod retention;
mod ringing;
mod running;
mod seats;
mod serve;
mod service;
mod settings;
mod sidecars;
mod signals;
mod sms_gateway;
mod sms_reports;
mod sms_worker;
mod switch;
mod talks;
mod test_call;
mod text;
mod texts;
mod web;

pub use cli::run as main;
pub use clock::Clock;
pub use running::Running;
