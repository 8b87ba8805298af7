//! Messages by SMPP 3.4, to an SMSC or a provider that speaks like one.

mod deliver;
mod link;
mod pdu;
mod receipt;
mod settings;

pub use receipt::{Receipt, ReceiptError};
pub use settings::{IdForm, LongForm, SmppSettings, SmppSettingsError};

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rusmpp::pdus::SubmitSm;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::link::{Keeper, State, Submit};
use super::{Accepted, CheckError, Gateway, Message, SendError, net};

/// Keeps one connection to the SMSC, bound as a transceiver, for as long as it lives.
///
/// The protocol has no key by which an SMSC would know a message again: one whose fate is unknown may
/// arrive twice when it is sent again. Texts in GSM-7 go with `data_coding` 0, one octet a septet, any
/// other with 8 (UCS-2, big endian).
pub struct SmppGateway {
    settings: Arc<SmppSettings>,
    submits: mpsc::Sender<Submit>,
    state: watch::Receiver<State>,
    _ends: DropGuard,
}

impl fmt::Debug for SmppGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmppGateway").finish_non_exhaustive()
    }
}

impl SmppGateway {
    /// Begins to connect, in a task of its own that ends when this is dropped; within a Tokio runtime.
    ///
    /// Receipts go to `reports` in the order they come, those of no use among them, and are acknowledged to
    /// the SMSC as they do. One may come before [`Gateway::send`] has returned the id it names.
    ///
    /// # Errors
    /// See [`SmppSettingsError`].
    pub fn start(
        settings: SmppSettings,
        reports: mpsc::UnboundedSender<Receipt>,
    ) -> Result<Self, SmppSettingsError> {
        settings.check()?;
        let tls = settings
            .tls
            .then(|| net::tls(settings.ca_file.as_deref()).map(Arc::new))
            .transpose()
            .map_err(SmppSettingsError::Tls)?;
        let settings = Arc::new(settings);
        // What waits here has not been written: the window is the link's.
        let (submits, queue) = mpsc::channel(1);
        let (told, state) = watch::channel(State::Connecting);
        let ended = CancellationToken::new();
        let keeper = Keeper {
            settings: Arc::clone(&settings),
            tls,
            reports,
            state: told,
            ended: ended.clone(),
        };
        tokio::spawn(keeper.run(queue));
        Ok(Self { settings, submits, state, _ends: ended.drop_guard() })
    }

    async fn attempt(&self, message: &Message) -> Result<Accepted, SendError> {
        message.check()?;
        let until = Instant::now() + self.settings.longest();
        let mut ids = Vec::new();
        // One after the other: a phone shows nothing before it has all parts, and if a part is refused
        // the others need not be paid. Sent again, the parts have the same reference, and the phone takes
        // them for what they are.
        for pdu in pdu::submits(&self.settings, message)? {
            let id = match self.part(pdu, until).await {
                Err(SendError::Temporary(why) | SendError::Throttled { why, .. })
                    if !ids.is_empty() =>
                {
                    // Only of this part is it true that nothing was taken.
                    return Err(SendError::Unknown(format!(
                        "the first part was taken, then {why}"
                    )));
                }
                told => told?,
            };
            ids.push(id);
        }
        let provider_id = ids.pop().flatten();
        Ok(Accepted { provider_id, earlier_parts: ids, again: false })
    }

    async fn part(&self, pdu: SubmitSm, until: Instant) -> Result<Option<String>, SendError> {
        if let State::Down { why, .. } = &*self.state.borrow() {
            return Err(SendError::Temporary(why.clone()));
        }
        let (reply, answer) = oneshot::channel();
        let claimed = Arc::new(AtomicBool::new(false));
        let submit = Submit { pdu, claimed: Arc::clone(&claimed), reply };
        let gone = || SendError::Temporary("the connection to the SMSC is given up".into());
        let asking = async {
            self.submits.send(submit).await.map_err(|_| gone())?;
            // The link answers everything it wrote; what is left in the queue was never written.
            answer.await.map_err(|_| gone())?
        };
        timeout_at(until, asking).await.unwrap_or_else(|_| {
            Err(if claimed.swap(true, Ordering::AcqRel) {
                SendError::Unknown("the SMSC gave no answer in time".into())
            } else {
                SendError::Temporary("there was no room for it in the window in time".into())
            })
        })
    }
}

impl Gateway for SmppGateway {
    /// Waits until the SMSC has accepted or refused the bind.
    fn check(&self) -> BoxFuture<'_, Result<(), CheckError>> {
        async move {
            let place = format!("{}:{}", self.settings.host, self.settings.port);
            let mut state = self.state.clone();
            let settled = state.wait_for(|state| !matches!(state, State::Connecting)).await;
            match settled.as_deref() {
                Ok(State::Bound) => Ok(()),
                Ok(State::Down { refused: true, why }) => {
                    Err(CheckError::Refused { place, why: why.clone() })
                }
                Ok(State::Down { refused: false, why }) => {
                    Err(CheckError::Unreachable { place, why: why.clone() })
                }
                Ok(State::Connecting) | Err(_) => {
                    Err(CheckError::Unreachable { place, why: "the attempt was given up".into() })
                }
            }
        }
        .boxed()
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Accepted, SendError>> {
        self.attempt(message).boxed()
    }
}

#[cfg(test)]
mod tests;
