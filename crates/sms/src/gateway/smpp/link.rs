//! The connection to the SMSC: made, bound, kept, and made again.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use futures::StreamExt as _;
use rusmpp::pdus::{DataSmResp, DeliverSmResp, SubmitSm};
use rusmpp::{CommandStatus, Pdu};
use rustls::ClientConfig;
use tokio::io::{AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::codec::FramedRead;
use tokio_util::sync::CancellationToken;

use super::pdu::{self, Frame, Frames, Kind};
use super::receipt::{self, Receipt, ReceiptError};
use super::settings::SmppSettings;
use crate::gateway::SendError;
use crate::gateway::net::{self, Stream};

/// How long an SMSC may take to answer our good-bye.
const FAREWELL: Duration = Duration::from_secs(1);
/// The first pause after a connection was lost.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// A request that waits for its turn; answered with the SMSC's id.
pub(super) struct Submit {
    pub(super) pdu: SubmitSm,
    /// Set by whoever is first: the link to write it, or who asked to give it up.
    pub(super) claimed: Arc<AtomicBool>,
    pub(super) reply: Reply,
}

type Reply = oneshot::Sender<Result<Option<String>, SendError>>;

/// How the connection is.
pub(super) enum State {
    /// The first attempt is under way.
    Connecting,
    Bound,
    Down {
        /// The SMSC was there and did not want us.
        refused: bool,
        why: String,
    },
}

/// Why a connection did not come about.
struct NoLink {
    refused: bool,
    why: String,
}

/// How a connection ended.
enum End {
    /// Nobody needs it any more.
    Dropped,
    Lost(String),
}

/// Makes connections, one at a time.
pub(super) struct Keeper {
    pub(super) settings: Arc<SmppSettings>,
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) reports: mpsc::UnboundedSender<Receipt>,
    pub(super) state: watch::Sender<State>,
    pub(super) ended: CancellationToken,
}

impl Keeper {
    pub(super) async fn run(self, mut queue: mpsc::Receiver<Submit>) {
        let mut attempt = 0;
        loop {
            let Some(opened) = self.ended.run_until_cancelled(self.open()).await else { return };
            let down = match opened {
                Ok(mut link) => {
                    attempt = 0;
                    tracing::info!(host = self.settings.host, "bound to the SMSC");
                    self.state.send_replace(State::Bound);
                    match link.serve(&self, &mut queue).await {
                        End::Dropped => return,
                        End::Lost(why) => NoLink { refused: false, why },
                    }
                }
                Err(down) => down,
            };
            let pause = pause(attempt, self.settings.reconnect_max.0);
            attempt = attempt.saturating_add(1);
            tracing::warn!(
                host = self.settings.host,
                pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                why = down.why,
                "no connection to the SMSC"
            );
            let why = down.why.clone();
            self.state.send_replace(State::Down { refused: down.refused, why: down.why });
            if !self.wait(pause, &why, &mut queue).await {
                return;
            }
        }
    }

    /// Lets the time go by, while those who ask are told that there is no connection.
    async fn wait(&self, pause: Duration, why: &str, queue: &mut mpsc::Receiver<Submit>) -> bool {
        let over = sleep(pause);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return true,
                () = self.ended.cancelled() => return false,
                submit = queue.recv() => match submit {
                    Some(submit) => answer(submit.reply, Err(SendError::Temporary(why.into()))),
                    None => return false,
                },
            }
        }
    }

    async fn open(&self) -> Result<Link, NoLink> {
        let limit = self.settings.connect_timeout.0;
        timeout(limit, self.bind()).await.unwrap_or_else(|_| {
            Err(NoLink { refused: false, why: "the SMSC did not answer in time".into() })
        })
    }

    async fn bind(&self) -> Result<Link, NoLink> {
        let lost = |why: String| NoLink { refused: false, why };
        let settings = &*self.settings;
        let limit = settings.connect_timeout.0;
        let stream = net::connect(&settings.host, settings.port, self.tls.as_ref(), limit)
            .await
            .map_err(|error| lost(format!("no connection to the SMSC: {error}")))?;
        let (reader, writer) = tokio::io::split(stream);
        let mut link = Link {
            reader: FramedRead::new(reader, Frames),
            writer,
            limit: settings.response_timeout.0,
            sequence: 0,
            pending: BTreeMap::new(),
            overdue: BTreeMap::new(),
            heard: Instant::now(),
            enquired: None,
        };
        let bind = pdu::bind(settings).ok_or_else(|| lost("`system_id` cannot be sent".into()))?;
        let sequence = link.request(bind).await.map_err(|()| lost(BROKEN.into()))?;
        loop {
            let frame = link.next().await.map_err(lost)?;
            let ours = matches!(frame.kind, Kind::BindResp | Kind::GenericNack);
            if ours && frame.sequence == sequence {
                let bound = frame.kind == Kind::BindResp && frame.status == CommandStatus::EsmeRok;
                let refused = NoLink {
                    refused: true,
                    why: format!("the SMSC refuses the bind: {}", pdu::shown(frame.status)),
                };
                return if bound { Ok(link) } else { Err(refused) };
            }
            // Some greet with a question before they have answered ours.
            if frame.kind == Kind::EnquireLink {
                link.answer(&frame, Pdu::EnquireLinkResp)
                    .await
                    .map_err(|()| lost(BROKEN.into()))?;
            }
        }
    }
}

const BROKEN: &str = "the connection to the SMSC broke";

struct Pending {
    reply: Reply,
    until: Instant,
}

/// One connection that is bound.
struct Link {
    reader: FramedRead<ReadHalf<Box<dyn Stream>>, Frames>,
    writer: WriteHalf<Box<dyn Stream>>,
    /// How long an answer may take.
    limit: Duration,
    sequence: u32,
    /// What fills the window, by sequence number, and so by age.
    pending: BTreeMap<u32, Pending>,
    /// What had its time, for as long as somebody waits for it.
    overdue: BTreeMap<u32, Reply>,
    heard: Instant,
    /// By when an `enquire_link` must be answered.
    enquired: Option<Instant>,
}

impl Link {
    /// Works until the connection is over; whatever then has no answer has an unknown fate.
    async fn serve(&mut self, keeper: &Keeper, queue: &mut mpsc::Receiver<Submit>) -> End {
        let end = self.work(keeper, queue).await;
        let pending = std::mem::take(&mut self.pending).into_values().map(|pending| pending.reply);
        for reply in pending.chain(std::mem::take(&mut self.overdue).into_values()) {
            let unknown = "the connection to the SMSC broke before the answer";
            answer(reply, Err(SendError::Unknown(unknown.into())));
        }
        end
    }

    async fn work(&mut self, keeper: &Keeper, queue: &mut mpsc::Receiver<Submit>) -> End {
        let window = usize::from(keeper.settings.window);
        let quiet = keeper.settings.enquire_link.0;
        loop {
            let oldest = self.pending.first_key_value().map(|(_, pending)| pending.until);
            let enquiry = self.enquired.unwrap_or(self.heard + quiet);
            let next = oldest.map_or(enquiry, |oldest| oldest.min(enquiry));
            // What has come is read first: a connection that is already over takes no more requests.
            tokio::select! {
                biased;
                () = keeper.ended.cancelled() => {
                    self.farewell().await;
                    return End::Dropped;
                }
                frame = self.next() => match frame {
                    Ok(frame) => if let Some(end) = self.take(keeper, &frame).await { return end },
                    Err(why) => return End::Lost(why),
                },
                () = sleep_until(next) => if let Some(end) = self.late(quiet).await { return end },
                Some(submit) = queue.recv(), if self.pending.len() < window => {
                    if self.submit(submit).await.is_err() {
                        return End::Lost(BROKEN.into());
                    }
                }
            }
        }
    }

    async fn next(&mut self) -> Result<Frame, String> {
        match self.reader.next().await {
            Some(Ok(frame)) => {
                self.heard = Instant::now();
                self.enquired = None;
                Ok(frame)
            }
            Some(Err(error)) => Err(format!("{BROKEN}: {error}")),
            None => Err("the SMSC closed the connection".into()),
        }
    }

    async fn submit(&mut self, submit: Submit) -> Result<(), ()> {
        // Nobody would learn the answer, and the message would be sent once more.
        if submit.reply.is_closed() || submit.claimed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        // A part of a request is none: what could not be written whole was not taken.
        if let Ok(sequence) = self.request(Pdu::SubmitSm(submit.pdu)).await {
            let until = Instant::now() + self.limit;
            self.pending.insert(sequence, Pending { reply: submit.reply, until });
            Ok(())
        } else {
            answer(submit.reply, Err(SendError::Temporary(BROKEN.into())));
            Err(())
        }
    }

    /// Does what one frame asks for.
    async fn take(&mut self, keeper: &Keeper, frame: &Frame) -> Option<End> {
        let broken = |()| End::Lost(BROKEN.into());
        match frame.kind {
            Kind::SubmitResp | Kind::GenericNack => {
                let in_time = self.pending.remove(&frame.sequence).map(|pending| pending.reply);
                if let Some(reply) = in_time.or_else(|| self.overdue.remove(&frame.sequence)) {
                    answer(reply, pdu::outcome(&keeper.settings, frame));
                }
                None
            }
            Kind::Deliver | Kind::Data => {
                let status = take_receipt(keeper, frame);
                let resp = if frame.kind == Kind::Data {
                    Pdu::DataSmResp(DataSmResp::default())
                } else {
                    Pdu::DeliverSmResp(DeliverSmResp::default())
                };
                self.write(status, frame.sequence, resp).await.err().map(broken)
            }
            Kind::EnquireLink => self.answer(frame, Pdu::EnquireLinkResp).await.err().map(broken),
            Kind::Unbind => {
                // It is over whether or not the answer still gets there.
                self.answer(frame, Pdu::UnbindResp).await.ok();
                Some(End::Lost("the SMSC ended the session".into()))
            }
            Kind::OtherRequest => self
                .write(CommandStatus::EsmeRinvcmdid, frame.sequence, Pdu::GenericNack)
                .await
                .err()
                .map(broken),
            Kind::BindResp | Kind::OtherResponse => None,
        }
    }

    /// Takes out of the window what had its time, and asks whether anybody is there.
    async fn late(&mut self, quiet: Duration) -> Option<End> {
        let now = Instant::now();
        while let Some(oldest) = self.pending.first_entry()
            && oldest.get().until <= now
        {
            let (sequence, pending) = oldest.remove_entry();
            self.overdue.insert(sequence, pending.reply);
        }
        self.overdue.retain(|_, reply| !reply.is_closed());
        match self.enquired {
            Some(until) if until <= now => {
                return Some(End::Lost("the SMSC does not answer enquire_link".into()));
            }
            Some(_) => return None,
            None if self.heard + quiet > now => return None,
            None => {}
        }
        match self.request(Pdu::EnquireLink).await {
            Ok(_) => {
                self.enquired = Some(now + self.limit);
                None
            }
            Err(()) => Some(End::Lost(BROKEN.into())),
        }
    }

    /// Tells the SMSC that we go, and waits a moment for its answer.
    async fn farewell(&mut self) {
        let gone = async {
            if self.request(Pdu::Unbind).await.is_ok() {
                // A receipt that comes now is not acknowledged: the SMSC keeps it for the next bind.
                while self.next().await.is_ok_and(|f| f.kind != Kind::OtherResponse) {}
            }
        };
        timeout(FAREWELL, gone).await.ok();
    }

    async fn request(&mut self, pdu: Pdu) -> Result<u32, ()> {
        // SMPP 3.4 section 3.2: 1 to 0x7FFFFFFF.
        self.sequence = self.sequence % 0x7fff_ffff + 1;
        self.write(CommandStatus::EsmeRok, self.sequence, pdu).await?;
        Ok(self.sequence)
    }

    async fn answer(&mut self, frame: &Frame, pdu: Pdu) -> Result<(), ()> {
        self.write(CommandStatus::EsmeRok, frame.sequence, pdu).await
    }

    /// `Err` means that the connection is of no more use.
    async fn write(&mut self, status: CommandStatus, sequence: u32, pdu: Pdu) -> Result<(), ()> {
        let mut octets = BytesMut::new();
        pdu::encode(status, sequence, pdu, &mut octets)?;
        let writing = async {
            self.writer.write_all(&octets).await?;
            self.writer.flush().await
        };
        match timeout(self.limit, writing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(()),
        }
    }
}

/// Passes on what a unit tells of a message, and says what its sender is answered.
fn take_receipt(keeper: &Keeper, frame: &Frame) -> CommandStatus {
    let Some(deliver) = frame.deliver() else {
        keeper.reports.send(Err(ReceiptError::Malformed)).ok();
        // It would come again and again.
        return CommandStatus::EsmeRxPAppn;
    };
    let Some(receipt) = receipt::read(&deliver, &keeper.settings) else {
        // A person's answer, for which nobody waits.
        return CommandStatus::EsmeRok;
    };
    if keeper.reports.send(receipt).is_ok() {
        CommandStatus::EsmeRok
    } else {
        // Nobody listens any more: the SMSC is to try again later.
        CommandStatus::EsmeRxTAppn
    }
}

fn answer(reply: Reply, outcome: Result<Option<String>, SendError>) {
    // Who asked may have gone; then nobody wants to know.
    reply.send(outcome).ok();
}

/// Doubles from a second on, and is shortened by up to a half: after an outage not all clients of an SMSC
/// shall come at once.
fn pause(attempt: u32, most: Duration) -> Duration {
    let full = FIRST_PAUSE.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX)).min(most);
    // The keys of std's hash maps are random; a crate for this one number is not needed.
    let random = RandomState::new().hash_one(attempt) % 1_000;
    let half = full / 2;
    half + half.mul_f64(f64::from(u32::try_from(random).unwrap_or_default()) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit_and_are_not_all_the_same() {
        let most = Duration::from_mins(1);
        for (attempt, full) in [(0, 1), (1, 2), (3, 8), (6, 60), (31, 60), (32, 60), (u32::MAX, 60)]
        {
            let full = Duration::from_secs(full);
            let paused: Vec<_> = (0..20).map(|_| pause(attempt, most)).collect();
            assert!(paused.iter().all(|p| (full / 2..=full).contains(p)), "{attempt}: {paused:?}");
            assert!(paused.iter().any(|p| *p != paused[0]), "{attempt}: {paused:?}");
        }
    }
}
