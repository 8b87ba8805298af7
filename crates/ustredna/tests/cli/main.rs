//! The command line as operators and scripts meet it: the built program, in a folder of its own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod changes;
mod check;
mod damaged;
mod database;
mod evidence;
mod exports;
mod facts;
mod forgery;
mod identity;
mod import;
mod keeping;
mod limits;
mod lists;
#[path = "../ports/mod.rs"]
mod ports;
mod readyz;
mod refused;
mod serve;
mod settings;
mod sources;
mod strays;
mod switch;
mod terminal;
mod trouble;
mod verify;
mod words;
mod world;
