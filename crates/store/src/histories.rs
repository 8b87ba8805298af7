//! Calls as the store has them: those without an end, and those whose recording nobody has
//! verified, for whoever completes them.

use std::collections::HashMap;

use exchange::{
    call::{Dial, Direction},
    cause::Failure,
    history::{History, Leg},
    model::{CallId, LegId, Outcome, Pairing, PairingId, ShopperId, TicketId},
    ticket::TicketNumber,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Store, StoreError,
    intents::{direction_of, write_leg},
    row::Fields,
};

/// A call without an end.
#[derive(Debug, Clone)]
pub struct OpenCall {
    /// What is known of it.
    pub history: History,
    /// Whether another exchange attends to it, or did. On PostgreSQL a call that nobody put a name
    /// to is another's, too; on SQLite there is hardly anybody else.
    pub elsewhere: bool,
}

/// A call as the store has it.
#[derive(Debug, Clone)]
pub struct EndedCall {
    /// What happened in it.
    pub history: History,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// FreeSWITCH's name for how it ended.
    pub hangup_cause: Option<String>,
    /// The ticket it opened, counted or returned.
    pub ticket: Option<TicketNumber>,
}

impl Store {
    /// The calls that have no end, oldest first, as far as their intents tell: a leg without an
    /// end counts as given up by the caller until a CDR file says more. When they began does not
    /// matter: the clock may have been set back since.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_calls(&self) -> Result<Vec<OpenCall>, StoreError> {
        let found = self.histories("c.ended_at IS NULL").await?;
        Ok(found
            .into_iter()
            .map(|(call, elsewhere)| OpenCall { history: call.history, elsewhere })
            .collect())
    }

    /// The ended calls of this exchange whose recording nobody has verified yet: what a crash
    /// between a call's end and its proof leaves. On SQLite those of every exchange, since its
    /// recordings can be seen from here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unproven_calls(&self) -> Result<Vec<EndedCall>, StoreError> {
        let unproven = "c.ended_at IS NOT NULL AND c.id IN \
            (SELECT r.call_id FROM recordings r WHERE r.verdict = 'pending')";
        let found = self.histories(unproven).await?;
        let ours = |(call, elsewhere): (EndedCall, bool)| {
            (!elsewhere || !self.is_shared()).then_some(call)
        };
        Ok(found.into_iter().filter_map(ours).collect())
    }

    fn is_elsewhere(&self, owner: Option<&str>) -> bool {
        owner != self.owner.as_deref() && (owner.is_some() || self.is_shared())
    }

    /// Whether the call has a row, with or without an end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_known(&self, call: CallId) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT id FROM calls WHERE id = $1")
            .bind(call.to_string())
            .fetch_optional(&self.read)
            .await?;
        Ok(row.is_some())
    }

    /// Writes what is known by now of the legs of a call, before the exchange lets go of it.
    /// Nothing, should it have ended meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep(&self, history: &History) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let open = sqlx::query(
            "UPDATE calls SET owner = owner WHERE id = $1 AND ended_at IS NULL RETURNING id",
        )
        .bind(history.id.to_string())
        .fetch_optional(&mut *tx)
        .await?;
        if open.is_none() {
            return tx.rollback().await;
        }
        for leg in &history.legs {
            write_leg(&mut tx, history, leg, leg.ended_at).await?;
        }
        tx.commit().await
    }

    /// The calls that `condition` chooses, with their legs, and whether another exchange attends
    /// to them. The condition is a text of this file, never anybody's input.
    async fn histories(
        &self,
        condition: &'static str,
    ) -> Result<Vec<(EndedCall, bool)>, StoreError> {
        let mut tx = self.snapshot().await?;
        let calls = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT c.id, c.service, c.caller, c.shopper_id, c.fictitious_number, c.dealer, c.refusal, \
             c.started_at, c.ended_at, c.hangup_cause, c.owner, c.switch_ahead_ms, \
             (SELECT t.number FROM tickets t WHERE t.id = c.ticket_id) AS ticket \
             FROM calls c WHERE {condition} ORDER BY c.started_at, c.id",
        )))
        .fetch_all(&mut *tx)
        .await?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT l.id, l.call_id, l.direction, l.dialled, l.shown, l.dealer, l.pairing_id, \
             l.ticket_id, l.recording, l.started_at, l.answered_at, l.ended_at, l.outcome, \
             l.hangup_cause, p.number, p.fictitious_number, p.project \
             FROM legs l JOIN pairings p ON p.id = l.pairing_id WHERE l.call_id IN \
             (SELECT c.id FROM calls c WHERE {condition}) ORDER BY l.started_at, l.id",
        )))
        .fetch_all(&mut *tx)
        .await?;
        tx.rollback().await?;

        let mut legs: HashMap<CallId, Vec<Leg>> = HashMap::new();
        for row in &rows {
            let row = Fields::new("legs", row);
            legs.entry(CallId(row.id("call_id")?)).or_default().push(leg(row)?);
        }
        calls
            .iter()
            .map(|row| {
                let row = Fields::new("calls", row);
                let id = CallId(row.id("id")?);
                let mut history = History::new(id, row.word("service")?, row.time("started_at")?);
                history.switch_ahead = SignedDuration::from_millis(row.int("switch_ahead_ms")?);
                history.caller = row.phone_opt("caller")?;
                history.shopper = row.id_opt("shopper_id")?.map(ShopperId);
                if Direction::of(history.service) == Direction::Back {
                    history.called_number = row.phone_opt("fictitious_number")?;
                    history.calling_dealer = row.phone_opt("dealer")?;
                }
                history.refusal = row.word_opt("refusal")?;
                history.legs = legs.remove(&id).unwrap_or_default();
                let elsewhere = self.is_elsewhere(row.text_opt("owner")?.as_deref());
                let call = EndedCall {
                    history,
                    ended_at: row.time_opt("ended_at")?,
                    hangup_cause: row.text_opt("hangup_cause")?,
                    ticket: row
                        .int_opt("ticket")?
                        .and_then(|number| u8::try_from(number).ok().and_then(TicketNumber::new)),
                };
                Ok((call, elsewhere))
            })
            .collect()
    }
}

fn leg(row: Fields<'_>) -> Result<Leg, StoreError> {
    let cause = row.text_opt("hangup_cause")?;
    let failure = match row.word_opt::<Outcome>("outcome")? {
        Some(Outcome::Busy) => Some(Failure::Busy),
        Some(Outcome::NoAnswer) => Some(Failure::NoAnswer),
        Some(Outcome::Rejected) => Some(Failure::Rejected),
        Some(Outcome::Unreachable) => Some(match cause.as_deref().map(Failure::from_cause) {
            Some(Failure::Unallocated) => Failure::Unallocated,
            _ => Failure::Unreachable,
        }),
        None | Some(Outcome::Answered | Outcome::Abandoned | Outcome::Refused) => None,
    };
    Ok(Leg {
        id: LegId(row.id("id")?),
        dial: Dial {
            to: row.phone("dialled")?,
            shown: row.phone("shown")?,
            pairing: Pairing {
                id: PairingId(row.id("pairing_id")?),
                number: row.pairing_number("number")?,
                fictitious_number: row.phone("fictitious_number")?,
                project: row.text_opt("project")?,
            },
            dealer: row.phone_opt("dealer")?,
            direction: direction_of(&row.text("direction")?)
                .ok_or_else(|| row.damaged("direction"))?,
            ticket: row.id_opt("ticket_id")?.map(TicketId),
        },
        recording: row.recording("recording")?,
        started_at: row.time("started_at")?,
        answered_at: row.time_opt("answered_at")?,
        ended_at: row.time_opt("ended_at")?,
        failure,
        cause,
    })
}
