//! Short messages: what they say, what they cost, and who takes them.
//!
//! - [`segments`] counts what a network will charge for a text, [`strip_accents`] makes Czech cheap.
//! - [`Template`] is an operator's text with placeholders, checked before the first message needs it.
//! - [`Gateway`] takes them: [`SpoolGateway`] as files, [`HttpGateway`] to a provider's web interface,
//!   [`SmppGateway`] to an SMSC. [`Report`] tells what became of one.
//!
//! Nothing here knows of tickets or calls; when to send and how often to retry is the caller's.

#![warn(missing_docs)]

mod gateway;
mod template;
mod text;

pub use gateway::{
    Accepted, Answer, Basic, CheckError, Clues, Gateway, HttpGateway, HttpReports, HttpSettings,
    HttpSettingsError, IdForm, LongForm, Message, Method, NumberForm, OAuth, Pick, PickError,
    Receipt, ReceiptError, Report, ReportError, Reports, Rule, SendError, SmppGateway,
    SmppSettings, SmppSettingsError, Span, SpoolError, SpoolForm, SpoolGateway,
};
pub use template::{Kind, Language, Placeholder, Template, TemplateError, Values};
pub use text::{Alphabet, Charset, Segmented, segments, strip_accents};
