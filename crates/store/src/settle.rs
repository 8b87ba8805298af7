//! The end of a call: its outcome, its ticket and its SMS, in one transaction.

mod missed;

use exchange::{
    destination::Refusal,
    history::History,
    model::{Language, ShopperId, TicketId},
    number::PhoneNumber,
    settle::{Effect, Settlement},
    ticket::TicketNumber,
};
use jiff::Timestamp;

use crate::{
    DamagedRow, SmsTiming, Store, StoreError,
    connections::Link,
    damage::Damage,
    intents::{lock_shopper, talk_ms, write_leg},
    row::{Fields, clean, clean_opt, ms, ms_opt},
    tickets,
};
pub use missed::BURST;
use missed::{Told, miss};

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
    /// There is no ticket to return it by: the shopper may not call this number, or all ticket
    /// numbers are taken, or those that strangers may take.
    NoTicket {
        /// Who called.
        dealer: PhoneNumber,
    },
    /// The dealer withheld their number: there is nobody to call back.
    Withheld,
    /// There were too many to tell each by itself: this one and others.
    Together(Together),
}

/// Several missed calls, told in one SMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Together {
    /// How many calls.
    pub calls: u32,
    /// Whether they were to more fictitious numbers than one.
    pub several_numbers: bool,
    /// Whether dealers are among the callers whom the number has called before; else all are
    /// strangers.
    pub of_dealers: bool,
    /// Whether any of them showed a number that the shopper may call.
    pub returnable: bool,
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
    /// How many calls of strangers the shopper has missed within an hour, in the moment that it
    /// becomes a burst: once each.
    pub burst: Option<u32>,
    /// Why a missed call got no ticket though its caller showed a number: the shopper may not call
    /// it.
    pub unreturnable: Option<Refusal>,
    /// The call had its end already, and nothing was written.
    pub already: bool,
}

struct Locked {
    damage: Damage,
    /// `None`: damaged.
    phone: Option<PhoneNumber>,
    language: Language,
    last_ticket: Option<TicketNumber>,
}

impl Store {
    /// Writes what a call came to. A call that has its end already stays as it is, so a call
    /// settled twice gets no second ticket and no second SMS.
    ///
    /// A missed callback opens a ticket or counts one more on the open one, unless the shopper may not
    /// call the caller: then an open one is cancelled. It queues the SMS
    /// that `texts` writes for `timing.delay` after the end, or `timing.ticket_gap` after the
    /// ticket's last SMS if that is later, unless that one still waits: it then gets the new text.
    ///
    /// A caller whom the fictitious number has never called is a stranger, and so is one who
    /// withholds their number. Theirs are at most [`STRANGERS_NUMBERS`] of the ticket numbers; while
    /// the last SMS about their ticket is of use, more of their calls are only counted; and beyond
    /// `timing.strangers` SMS in an hour their calls are told together in one that waits for
    /// more. Dealers' calls are told so beyond [`DEALERS_WAITING`] that wait.
    ///
    /// [`STRANGERS_NUMBERS`]: crate::STRANGERS_NUMBERS
    /// [`DEALERS_WAITING`]: crate::DEALERS_WAITING
    ///
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
        let mut tx = self.begin().await?;
        let settled = self.settle_in(&mut tx, history, settlement, end, texts, timing).await?;
        if settled.already {
            tx.rollback().await?;
        } else {
            tx.commit().await?;
        }
        Ok(settled)
    }

    /// The same in a transaction that somebody else ends.
    pub(crate) async fn settle_in(
        &self,
        tx: &mut Link,
        history: &History,
        settlement: &Settlement,
        end: End<'_>,
        texts: SmsTexts<'_>,
        timing: SmsTiming,
    ) -> Result<Settled, StoreError> {
        let ended_at = end.at;
        let noticed = ended_at.min(end.now);
        let stranger;
        let (history, locked) = match history.shopper {
            None => (history, None),
            Some(id) => match self.lock(&mut *tx, id).await {
                // Somebody deleted the shopper's row: the call ends all the same.
                Err(StoreError::NotFound(_)) => {
                    stranger = History { shopper: None, ..history.clone() };
                    (&stranger, None)
                }
                locked => (history, locked?),
            },
        };
        if let Some(settled) = self.already(&mut *tx, history).await? {
            return Ok(settled);
        }
        let returned = history.legs.last().and_then(|leg| leg.dial.ticket);
        let Told { ticket, sms_queued, burst, unreturnable } = match (&settlement.effect, locked) {
            (Effect::Missed(missed), Some(shopper)) => {
                let times = missed::Times { at: history.started_at, noticed, now: end.now };
                miss(&mut *tx, &shopper, missed, times, timing, texts).await?
            }
            (Effect::Talked(talked), _) => {
                let closed = tickets::close(&mut *tx, &self.damage, talked, noticed).await?;
                Told::of(closed.or(returned))
            }
            (Effect::None | Effect::Missed(_), _) => Told::of(returned),
        };
        let (ticket, number) = match ticket {
            None => (None, None),
            Some(id) => tickets::found(&mut *tx, &self.damage, id).await?,
        };
        write_call(&mut *tx, history, settlement, &end, ticket).await?;
        for leg in &history.legs {
            write_leg(&mut *tx, history, leg, Some(leg.ended_at.unwrap_or(ended_at))).await?;
            if leg.answered_at.is_some() {
                sqlx::query(
                    "INSERT INTO recordings (leg_id, call_id, path, verdict) \
                     VALUES ($1, $2, $3, 'pending') ON CONFLICT (leg_id) DO NOTHING",
                )
                .bind(leg.id.to_string())
                .bind(history.id.to_string())
                .bind(clean(leg.recording.reveal()))
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
        Ok(Settled { ticket: number, sms_queued, burst, unreturnable, already: false })
    }

    /// Takes the shopper's row; `None` if nothing of it can be read.
    async fn lock(&self, tx: &mut Link, shopper: ShopperId) -> Result<Option<Locked>, StoreError> {
        let row = lock_shopper(tx, shopper).await;
        if matches!(row, Err(StoreError::NotFound(_))) {
            let id = shopper.to_string();
            self.damage.note(DamagedRow { table: "shoppers", id, column: "id" });
        }
        let Some(row) = self.damage.noted(row)? else { return Ok(None) };
        let row = Fields::new("shoppers", &row);
        let last_ticket = self.damage.noted(row.number("last_ticket"))?;
        Ok(Some(Locked {
            damage: self.damage.clone(),
            phone: self.damage.noted(row.phone("phone"))?,
            language: self.damage.noted(row.word("language"))?.unwrap_or(Language::Czech),
            last_ticket: last_ticket.and_then(TicketNumber::new),
        }))
    }

    async fn already(
        &self,
        tx: &mut Link,
        history: &History,
    ) -> Result<Option<Settled>, StoreError> {
        let row = sqlx::query(
            "SELECT c.id, t.id AS ticket, t.number FROM calls c \
             LEFT JOIN tickets t ON t.id = c.ticket_id \
             WHERE c.id = $1 AND c.ended_at IS NOT NULL",
        )
        .bind(history.id.to_string())
        .fetch_optional(tx)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let ticket = Fields::new("calls", &row).joined("tickets", "ticket");
        let ticket = self.damage.noted(ticket.ticket_number_opt("number"))?.flatten();
        Ok(Some(Settled {
            ticket,
            sms_queued: false,
            burst: None,
            unreturnable: None,
            already: true,
        }))
    }
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
    .bind(clean_opt(last.and_then(|leg| leg.dial.pairing.project.as_deref())))
    .bind(ms(history.started_at))
    .bind(ms_opt(settlement.answered_at))
    .bind(ms(ended_at))
    .bind(talk)
    .bind(settlement.outcome.as_str())
    .bind(history.refusal.map(exchange::destination::Refusal::as_str))
    .bind(clean_opt(end.hangup_cause))
    .bind(ticket.map(|id| id.to_string()))
    .bind(history.caller.as_ref().map(|caller| caller.as_str().to_owned()))
    .execute(tx)
    .await?;
    Ok(())
}
