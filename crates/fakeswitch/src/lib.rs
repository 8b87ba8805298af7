//! A simulated FreeSWITCH for controllers of its outbound event socket.
//!
//! A [`Switch`] dials a controller for every call, as the dialplan's `socket` application does,
//! and keeps channels with state behind it: unanswered, early or answered; parked, running an
//! application, bridged or hung up. [`Phone`]s stand at both ends, held by scripts or by hand.
//! All time is tokio's, so that a paused clock makes hours pass in no time.
#![warn(missing_docs)]

mod api;
mod apps;
mod callee;
mod cause;
mod cdr;
mod clock;
mod command;
mod config;
mod dial;
mod encode;
mod event;
mod faults;
mod inbound;
mod leg;
mod listener;
mod obey;
mod office;
mod originate;
mod outbound;
mod phone;
mod record;
mod recording;
mod script;
mod session;
mod sound;
mod subscription;
mod switch;
mod variables;
mod wire;

pub use callee::Callee;
pub use config::{Config, Invite, Rung};
pub use faults::{Fate, Faults, RecordingFault, WireFault};
pub use phone::{Phone, Seen, Shown, Sight};
pub use script::{Script, ScriptError, Transcript};
pub use switch::Switch;
