//! The exchange's domain: who may call whom under which number, what callers hear, and what a
//! call comes to.
//!
//! The three services are plain `async fn`s in [`flows`]. They await nothing but the verbs of a
//! [`call::Call`]; everything they must know comes in as [`facts`], and everything that
//! must outlive the call is in the [`history::History`] that the driver keeps, from which
//! [`settle::settle`] derives the call's outcome, its ticket and its SMS. Nothing here opens a
//! socket, runs SQL, looks at a clock or draws a random number.
#![warn(missing_docs)]

pub mod call;
pub mod cause;
pub mod destination;
pub mod facts;
pub mod flows;
pub mod history;
pub mod model;
pub mod number;
pub mod pin;
mod plan;
pub mod prompt;
pub mod recording;
pub mod settle;
pub mod ticket;
