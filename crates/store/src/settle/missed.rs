//! A missed callback: its ticket, and what the shopper is told of it.

use exchange::{
    destination::Refusal,
    model::{ShopperId, TicketId},
    number::PhoneNumber,
    settle::Missed,
};
use jiff::{SignedDuration, Timestamp};

use super::{Locked, MissKind, MissedCall, SmsText, SmsTexts};
use crate::{
    SmsTiming, StoreError,
    connections::Link,
    damage::Damage,
    numbers,
    outbox::{self, Precedence, together},
    row::{Fields, ms},
    tickets,
};

/// So many calls of strangers in an hour are a burst.
pub const BURST: u32 = 20;
/// In milliseconds.
const HOUR: i64 = 3_600_000;

/// What came of a call.
pub(super) struct Told {
    pub(super) ticket: Option<TicketId>,
    /// Whether there is a new SMS.
    pub(super) sms_queued: bool,
    pub(super) burst: Option<u32>,
    /// Why there is no ticket, if the shopper may not call who called.
    pub(super) unreturnable: Option<Refusal>,
}

impl Told {
    /// A ticket, and nothing to tell.
    pub(super) fn of(ticket: Option<TicketId>) -> Self {
        Self { ticket, sms_queued: false, burst: None, unreturnable: None }
    }
}

/// When it was missed.
#[derive(Clone, Copy)]
pub(super) struct Times {
    /// When the call came in.
    pub(super) at: Timestamp,
    /// When it ended.
    pub(super) noticed: Timestamp,
    /// The present: later, where a record completes the call.
    pub(super) now: Timestamp,
}

/// Opens or counts the ticket and queues the SMS.
pub(super) async fn miss(
    tx: &mut Link,
    shopper: &Locked,
    missed: &Missed,
    times: Times,
    timing: SmsTiming,
    texts: SmsTexts<'_>,
) -> Result<Told, StoreError> {
    let known = match &missed.dealer {
        None => false,
        Some(dealer) => tickets::is_known(tx, &missed.fictitious_number, dealer).await?,
    };
    let burst = if known { None } else { burst(tx, shopper, missed.shopper, times.now).await? };
    let unreturnable = refusal(tx, missed).await?;
    let counted = match &missed.dealer {
        None => None,
        // One that was opened under other rules could not be returned any more either.
        Some(dealer) if unreturnable.is_some() => {
            tickets::cancel(tx, &shopper.damage, missed, dealer, times.noticed).await?;
            None
        }
        Some(dealer) => {
            let stand = tickets::Stand { last: shopper.last_ticket, known };
            tickets::count(tx, &shopper.damage, stand, missed, dealer, times.at, times.noticed)
                .await?
        }
    };
    let kind = match (&missed.dealer, counted) {
        (None, _) => MissKind::Withheld,
        (Some(dealer), None) => MissKind::NoTicket { dealer: dealer.clone() },
        (Some(dealer), Some(counted)) => MissKind::Ticket {
            number: counted.number,
            dealer: dealer.clone(),
            missed: counted.missed,
        },
    };
    let write = |kind| {
        texts(&MissedCall {
            kind,
            fictitious_number: missed.fictitious_number.clone(),
            at: times.at,
            language: shopper.language,
        })
    };
    let ticket = counted.map(|counted| counted.id);
    // Without a phone there is nobody to tell.
    let Some(phone) = &shopper.phone else {
        return Ok(Told { ticket, sms_queued: false, burst, unreturnable });
    };
    let precedence = if known { Precedence::Dealer } else { Precedence::Stranger };
    let damage = &shopper.damage;
    let returnable = missed.dealer.is_some() && unreturnable.is_none();
    let notice = Notice { damage, phone, missed, returnable, ticket, precedence, times, timing };
    let text = write(kind);
    let together = |together| write(MissKind::Together(together));
    let sms_queued = notice.queue(tx, &text, together).await?;
    Ok(Told { ticket, sms_queued, burst, unreturnable })
}

/// Why the shopper may not call who called, as the hotline would say it.
async fn refusal(tx: &mut Link, missed: &Missed) -> Result<Option<Refusal>, StoreError> {
    match &missed.dealer {
        Some(dealer) if missed.refusal.is_none() && numbers::is_ours(tx, dealer).await? => {
            Ok(Some(Refusal::ExchangeNumber))
        }
        Some(_) => Ok(missed.refusal),
        None => Ok(None),
    }
}

/// Counts a stranger's call; tells how many there were within the hour if that is news.
async fn burst(
    tx: &mut Link,
    Locked { damage, .. }: &Locked,
    shopper: ShopperId,
    now: Timestamp,
) -> Result<Option<u32>, StoreError> {
    // An hour that lies far in the future began before the clock was set back.
    let row = sqlx::query(
        "UPDATE shoppers SET \
         strangers = CASE WHEN strangers_since > $2 AND strangers_since <= $3 \
          AND strangers BETWEEN 0 AND 999999 THEN strangers + 1 ELSE 1 END, \
         strangers_since = CASE WHEN strangers_since > $2 AND strangers_since <= $3 \
          THEN strangers_since ELSE $4 END \
         WHERE id = $1 RETURNING id, strangers, strangers_told",
    )
    .bind(shopper.to_string())
    .bind(ms(now) - HOUR)
    .bind(ms(now) + HOUR)
    .bind(ms(now))
    .fetch_one(&mut *tx)
    .await
    .map_err(StoreError::from);
    let Some(row) = damage.noted(row)? else { return Ok(None) };
    let row = Fields::new("shoppers", &row);
    let calls: u32 = row.number("strangers")?;
    if calls < BURST {
        return Ok(None);
    }
    let told = damage.noted(row.int_opt("strangers_told"))?.flatten();
    // As long as it goes on, it is one burst.
    sqlx::query("UPDATE shoppers SET strangers_told = $2 WHERE id = $1")
        .bind(shopper.to_string())
        .bind(ms(now) + HOUR)
        .execute(tx)
        .await?;
    let is_news = told.is_none_or(|until| until <= ms(now) || until > ms(now) + 2 * HOUR);
    Ok(is_news.then_some(calls))
}

/// What is to be told of one missed call.
struct Notice<'a> {
    damage: &'a Damage,
    phone: &'a PhoneNumber,
    missed: &'a Missed,
    returnable: bool,
    ticket: Option<TicketId>,
    precedence: Precedence,
    times: Times,
    timing: SmsTiming,
}

impl Notice<'_> {
    /// Sees that the shopper will be told; whether that takes a new SMS.
    async fn queue(
        &self,
        tx: &mut Link,
        text: &SmsText,
        together: impl Fn(super::Together) -> SmsText,
    ) -> Result<bool, StoreError> {
        let Times { noticed, now, .. } = self.times;
        let expires_at = after(noticed, self.timing.expiry);
        let mut due = after(noticed, self.timing.delay);
        if let Some(ticket) = self.ticket {
            if outbox::refresh(tx, ticket, self.precedence, text, expires_at).await? {
                return Ok(false);
            }
            if let Some(last) = outbox::last_of(tx, self.damage, ticket).await? {
                // By a clock that was set back since, it lies in the future.
                let last = last.min(noticed);
                match self.precedence {
                    Precedence::Dealer => due = due.max(after(last, self.timing.ticket_gap)),
                    // The shopper knows of them.
                    Precedence::Stranger | Precedence::Together
                        if noticed < after(last, self.timing.expiry) =>
                    {
                        return Ok(false);
                    }
                    Precedence::Stranger | Precedence::Together => {}
                }
            }
        }
        let new = outbox::NewSms {
            shopper: self.missed.shopper,
            recipient: self.phone,
            precedence: self.precedence,
            ticket: self.ticket,
            due,
            created_at: noticed,
            expires_at,
        };
        if together::is_crowded(tx, &new, self.timing.strangers, now).await? {
            let call = together::Call {
                number: &self.missed.fictitious_number,
                returnable: self.returnable,
            };
            return together::add(tx, new, call, now, together).await;
        }
        new.insert(tx, text).await?;
        Ok(true)
    }
}

fn after(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.saturating_add(span).unwrap_or(Timestamp::MAX)
}
