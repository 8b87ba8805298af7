//! Short messages: what they say, what they cost, and who takes them.
//!
//! - [`segments`] counts what a network will charge for a text, [`strip_accents`] makes Czech cheap.
//! - [`Template`] is an operator's text with placeholders, checked before the first message needs it.
//! - [`SpoolGateway`] hands messages over as files, each once.
//!
//! Nothing here knows of tickets or calls; when to send and how often to retry is the caller's.

#![warn(missing_docs)]

mod gateway;
mod template;
mod text;

pub use gateway::{Message, Outcome, SendError, SpoolError, SpoolGateway};
pub use template::{Kind, Language, Placeholder, Template, TemplateError, Values};
pub use text::{Alphabet, Segmented, segments, strip_accents};
