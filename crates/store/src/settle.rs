//! The end of a call: its outcome, its ticket and its SMS, in one transaction.

use exchange::{
    history::History,
    model::{Language, ShopperId, TicketId},
    number::PhoneNumber,
    settle::{Effect, Missed, Settlement},
    ticket::TicketNumber,
};
use jiff::Timestamp;

use crate::{
    SmsTiming, Store, StoreError,
    connections::Link,
    intents::{lock_shopper, talk_ms, write_leg},
    new_id, outbox,
    row::{Fields, ms, ms_opt},
    tickets,
};

/// A missed callback, as its SMS tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissedCall {
    /// Whether there is a ticket to return it by.
    pub kind: MissKind,
    /// The number the dealer called.
    pub fictitious_number: PhoneNumber,
    /// When the call came in.
    pub at: Timestamp,
    /// The shopper's language.
    pub language: Language,
}

/// The kinds of missed callbacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MissKind {
    /// The shopper can return it.
    Ticket {
        /// The number to key on the callback hotline.
        number: TicketNumber,
        /// Who called.
        dealer: PhoneNumber,
        /// How often they have been missed under this ticket.
        missed: u32,
    },
    /// All 99 ticket numbers of the shopper are taken.
    NoNumberFree {
        /// Who called.
        dealer: PhoneNumber,
    },
    /// The dealer withheld their number: there is nobody to call back.
    Withheld,
}

/// The text of an SMS.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsText {
    /// What the shopper reads.
    pub text: String,
    /// How many segments it is sent in.
    pub segments: u32,
}

/// Writes the SMS about a missed call.
pub type SmsTexts<'a> = &'a (dyn Fn(&MissedCall) -> SmsText + Send + Sync);

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// When: by FreeSWITCH's clock, or before the clock was set back, it may be in the future.
    pub at: Timestamp,
    /// The present. Nothing that comes of the call waits for more than that.
    pub now: Timestamp,
    /// FreeSWITCH's name for the reason.
    pub hangup_cause: Option<&'a str>,
}

/// What the end of a call brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// The ticket of the call: opened or counted by it, or the one it returned.
    pub ticket: Option<TicketNumber>,
    /// Whether an SMS was put in the outbox. One that still waited there is brought up to date
    /// instead.
    pub sms_queued: bool,
    /// The call had its end already, and nothing was written.
    pub already: bool,
}

struct Locked {
    phone: PhoneNumber,
    language: Language,
    last_ticket: Option<TicketNumber>,
}

impl Store {
    /// Writes what a call came to. A call that has its end already stays as it is, so a call
    /// settled twice gets no second ticket and no second SMS.
    ///
    /// A missed callback opens a ticket or counts one more on the open one, and queues the SMS
    /// that `texts` writes for `timing.delay` after the end, or `timing.ticket_gap` after the
    /// ticket's last SMS if that is later, unless that one still waits: it then gets the new text.
    /// A talk closes the ticket it returned and the one open for its shopper, dealer and fictitious
    /// number, and their waiting SMS are skipped.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is written then, and the call can be settled again.
    pub async fn settle(
        &self,
        history: &History,
        settlement: &Settlement,
        end: End<'_>,
        texts: SmsTexts<'_>,
        timing: SmsTiming,
    ) -> Result<Settled, StoreError> {
        let ended_at = end.at;
        let noticed = ended_at.min(end.now);
        let mut tx = self.begin().await?;
        let locked = match history.shopper {
            None => None,
            Some(id) => {
                let row = lock_shopper(&mut tx, id).await?;
                let row = Fields::new("shoppers", &row);
                let last_ticket = TicketNumber::new(row.number("last_ticket")?);
                let (phone, language) = (row.phone("phone")?, row.word("language")?);
                Some(Locked { phone, language, last_ticket })
            }
        };
        if let Some(settled) = already(&mut tx, history).await? {
            tx.rollback().await?;
            return Ok(settled);
        }
        let returned = history.legs.last().and_then(|leg| leg.dial.ticket);
        let (ticket, sms_queued) = match (&settlement.effect, locked) {
            (Effect::Missed(missed), Some(shopper)) => {
                let at = (history.started_at, noticed);
                miss(&mut tx, &shopper, missed, at, timing, texts).await?
            }
            (Effect::Talked(talked), _) => {
                (tickets::close(&mut tx, talked, noticed).await?.or(returned), false)
            }
            (Effect::None | Effect::Missed(_), _) => (returned, false),
        };
        write_call(&mut tx, history, settlement, &end, ticket).await?;
        for leg in &history.legs {
            write_leg(&mut tx, history, leg, Some(leg.ended_at.unwrap_or(ended_at))).await?;
            if leg.answered_at.is_some() {
                sqlx::query(
                    "INSERT INTO recordings (leg_id, call_id, path, verdict) \
                     VALUES ($1, $2, $3, 'pending') ON CONFLICT (leg_id) DO NOTHING",
                )
                .bind(leg.id.to_string())
                .bind(history.id.to_string())
                .bind(leg.recording.as_str())
                .execute(&mut *tx)
                .await?;
            }
        }
        // Legs of a controller that died while it had this call: nobody will end them any more.
        sqlx::query(
            "UPDATE legs SET ended_at = $2, outcome = 'abandoned' \
             WHERE call_id = $1 AND ended_at IS NULL",
        )
        .bind(history.id.to_string())
        .bind(ms(ended_at))
        .execute(&mut *tx)
        .await?;
        let number = match ticket {
            None => None,
            Some(id) => tickets::number_of(&mut tx, id).await?,
        };
        tx.commit().await?;
        Ok(Settled { ticket: number, sms_queued, already: false })
    }
}

async fn already(tx: &mut Link, history: &History) -> Result<Option<Settled>, StoreError> {
    let row = sqlx::query(
        "SELECT c.id, t.number FROM calls c LEFT JOIN tickets t ON t.id = c.ticket_id \
         WHERE c.id = $1 AND c.ended_at IS NOT NULL",
    )
    .bind(history.id.to_string())
    .fetch_optional(tx)
    .await?;
    row.map(|row| {
        let ticket = Fields::new("calls", &row).ticket_number_opt("number")?;
        Ok(Settled { ticket, sms_queued: false, already: true })
    })
    .transpose()
}

async fn write_call(
    tx: &mut Link,
    history: &History,
    settlement: &Settlement,
    end: &End<'_>,
    ticket: Option<TicketId>,
) -> Result<(), StoreError> {
    let ended_at = end.at;
    let last = history.legs.last();
    let (fictitious_number, dealer) = match last {
        Some(leg) => (Some(&leg.dial.pairing.fictitious_number), leg.dial.dealer.as_ref()),
        None => (history.called_number.as_ref(), history.calling_dealer.as_ref()),
    };
    let talk: i64 =
        history.legs.iter().map(|leg| talk_ms(leg, Some(leg.ended_at.unwrap_or(ended_at)))).sum();
    sqlx::query(
        "INSERT INTO calls (id, service, shopper_id, fictitious_number, dealer, project, \
         started_at, answered_at, ended_at, talk_ms, outcome, refusal, hangup_cause, ticket_id, \
         caller) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
         ON CONFLICT (id) DO UPDATE SET shopper_id = excluded.shopper_id, \
         fictitious_number = excluded.fictitious_number, dealer = excluded.dealer, \
         project = excluded.project, answered_at = excluded.answered_at, \
         ended_at = excluded.ended_at, talk_ms = excluded.talk_ms, outcome = excluded.outcome, \
         refusal = excluded.refusal, hangup_cause = excluded.hangup_cause, \
         ticket_id = excluded.ticket_id",
    )
    .bind(history.id.to_string())
    .bind(history.service.as_str())
    .bind(history.shopper.map(|id| id.to_string()))
    .bind(fictitious_number.map(|number| number.as_str().to_owned()))
    .bind(dealer.map(|number| number.as_str().to_owned()))
    .bind(last.and_then(|leg| leg.dial.pairing.project.clone()))
    .bind(ms(history.started_at))
    .bind(ms_opt(settlement.answered_at))
    .bind(ms(ended_at))
    .bind(talk)
    .bind(settlement.outcome.as_str())
    .bind(history.refusal.map(exchange::destination::Refusal::as_str))
    .bind(end.hangup_cause.map(str::to_owned))
    .bind(ticket.map(|id| id.to_string()))
    .bind(history.caller.as_ref().map(|caller| caller.as_str().to_owned()))
    .execute(tx)
    .await?;
    Ok(())
}

/// Opens or counts the ticket and queues the SMS; tells the ticket and whether the SMS is new.
async fn miss(
    tx: &mut Link,
    shopper: &Locked,
    missed: &Missed,
    (at, now): (Timestamp, Timestamp),
    timing: SmsTiming,
    texts: SmsTexts<'_>,
) -> Result<(Option<TicketId>, bool), StoreError> {
    let counted = match &missed.dealer {
        None => None,
        Some(dealer) => tickets::count(tx, shopper.last_ticket, missed, dealer, at, now).await?,
    };
    let kind = match (&missed.dealer, counted) {
        (None, _) => MissKind::Withheld,
        (Some(dealer), None) => MissKind::NoNumberFree { dealer: dealer.clone() },
        (Some(dealer), Some(counted)) => MissKind::Ticket {
            number: counted.number,
            dealer: dealer.clone(),
            missed: counted.missed,
        },
    };
    let text = texts(&MissedCall {
        kind,
        fictitious_number: missed.fictitious_number.clone(),
        at,
        language: shopper.language,
    });
    let ticket = counted.map(|counted| counted.id);
    let queued = queue(tx, missed.shopper, shopper, ticket, &text, (now, timing)).await?;
    Ok((ticket, queued))
}

async fn queue(
    tx: &mut Link,
    shopper: ShopperId,
    locked: &Locked,
    ticket: Option<TicketId>,
    text: &SmsText,
    (now, timing): (Timestamp, SmsTiming),
) -> Result<bool, StoreError> {
    let after = |at: Timestamp, span| at.saturating_add(span).unwrap_or(Timestamp::MAX);
    let expires_at = after(now, timing.expiry);
    let mut due = after(now, timing.delay);
    if let Some(ticket) = ticket {
        if outbox::refresh(tx, ticket, text, expires_at).await? {
            return Ok(false);
        }
        if let Some(last) = outbox::last_of(tx, ticket).await? {
            // By a clock that was set back since, it lies in the future.
            due = due.max(after(last.min(now), timing.ticket_gap));
        }
    }
    sqlx::query(
        "INSERT INTO sms (id, shopper_id, ticket_id, recipient, text, segments, status, \
         not_before, due_at, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, $7, $8, $9)",
    )
    .bind(new_id(now).to_string())
    .bind(shopper.to_string())
    .bind(ticket.map(|id| id.to_string()))
    .bind(locked.phone.as_str())
    .bind(text.text.as_str())
    .bind(i64::from(text.segments.max(1)))
    .bind(ms(due))
    .bind(ms(now))
    .bind(ms(expires_at))
    .execute(tx)
    .await?;
    Ok(true)
}
