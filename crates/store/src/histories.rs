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
    damage::Damage,
    intents::{direction_of, write_leg},
    row::{Fields, fetch, ms},
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

/// What the store knows of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nothing.
    Not,
    /// That it has begun. One that is not among the [`Store::open_calls`] is damaged.
    Open,
    /// Its end.
    Ended,
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
    /// matter: the clock may have been set back since. A call whose row, or whose last leg, is damaged is
    /// left out: what it came to must not be guessed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_calls(&self) -> Result<Vec<OpenCall>, StoreError> {
        let found = self.histories("c.ended_at IS NULL", None).await?;
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
        let found = self.histories(unproven, None).await?;
        let ours = |(call, elsewhere): (EndedCall, bool)| {
            (!elsewhere || !self.is_shared()).then_some(call)
        };
        Ok(found.into_iter().filter_map(ours).collect())
    }

    /// A call that has ended, whoever attended to it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ended_call(&self, call: CallId) -> Result<Option<EndedCall>, StoreError> {
        let found = self.histories("c.ended_at IS NOT NULL AND c.id = $1", Some(call)).await?;
        Ok(found.into_iter().next().map(|(call, _)| call))
    }

    fn is_elsewhere(&self, owner: Option<&str>) -> bool {
        owner != self.owner.as_deref() && (owner.is_some() || self.is_shared())
    }

    /// Whether the call has a row, and an end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_known(&self, call: CallId) -> Result<Known, StoreError> {
        // Of a damaged row not even the columns need be readable.
        let row = sqlx::query(
            "SELECT CASE WHEN ended_at IS NULL THEN 0 ELSE 1 END AS ended FROM calls WHERE id = $1",
        )
        .bind(call.to_string())
        .fetch_optional(&self.read)
        .await?;
        Ok(match row {
            None => Known::Not,
            Some(row) if Fields::new("calls", &row).int("ended")? == 0 => Known::Open,
            Some(_) => Known::Ended,
        })
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
    /// to them. The condition is a text of this file, never anybody's input; `$1` is `call`.
    async fn histories(
        &self,
        condition: &'static str,
        call: Option<CallId>,
    ) -> Result<Vec<(EndedCall, bool)>, StoreError> {
        let chosen = |query: String| {
            let query = sqlx::query(sqlx::AssertSqlSafe(query));
            match call {
                Some(call) => query.bind(call.to_string()),
                None => query,
            }
        };
        let mut tx = self.snapshot().await?;
        let query = chosen(format!(
            "SELECT c.id, c.service, c.caller, c.shopper_id, c.fictitious_number, c.dealer, c.project, c.refusal, \
             c.started_at, c.ended_at, c.hangup_cause, c.owner, c.switch_ahead_ms, \
             t.id AS ticket_id, t.number AS ticket \
             FROM calls c LEFT JOIN tickets t ON t.id = c.ticket_id \
             WHERE {condition} ORDER BY c.started_at, c.id",
        ));
        let calls = fetch(query, &mut tx, (&self.damage, "calls")).await?;
        let query = chosen(format!(
            "SELECT l.id, l.call_id, l.shopper_id, l.direction, l.dialled, l.shown, l.dealer, \
             l.pairing_id, l.ticket_id, l.recording, l.started_at, l.answered_at, l.ended_at, \
             l.outcome, l.hangup_cause, p.number, p.fictitious_number, p.project \
             FROM legs l JOIN pairings p ON p.id = l.pairing_id WHERE l.call_id IN \
             (SELECT c.id FROM calls c WHERE {condition}) ORDER BY l.started_at, l.id",
        ));
        let legs = fetch(query, &mut tx, (&self.damage, "legs")).await?;
        let query = chosen(format!(
            "SELECT l.call_id AS id, MAX(l.started_at) AS started_at FROM legs l \
             WHERE l.call_id IN (SELECT c.id FROM calls c WHERE {condition}) GROUP BY l.call_id",
        ));
        let last = fetch(query, &mut tx, (&self.damage, "legs")).await?;
        tx.rollback().await?;

        let mut of_call: HashMap<CallId, Legs> = HashMap::new();
        let legs = self.damage.readable(&legs, |row| {
            let row = Fields::new("legs", row);
            let shopper = self.damage.noted(row.id_opt("shopper_id"))?.flatten();
            Ok((CallId(row.id("call_id")?), shopper.map(ShopperId), leg(row, &self.damage)?))
        })?;
        for (call, shopper, leg) in legs {
            let legs = of_call.entry(call).or_default();
            legs.shopper = shopper.or(legs.shopper);
            legs.all.push(leg);
        }
        // By raw values, so that it cannot fail: what is no time comes from a damaged leg.
        for row in &last {
            let row = Fields::new("legs", row);
            if let Ok(call) = row.id("id") {
                let legs = of_call.entry(CallId(call)).or_default();
                let last = legs.all.last().map(|leg| ms(leg.started_at));
                legs.lack_the_last = last.is_none() || last != row.int("started_at").ok();
            }
        }
        self.damage.readable(&calls, |row| self.call(Fields::new("calls", row), &mut of_call))
    }

    /// What does not tell what becomes of the call may be damaged.
    fn call(
        &self,
        row: Fields<'_>,
        of_call: &mut HashMap<CallId, Legs>,
    ) -> Result<(EndedCall, bool), StoreError> {
        let damage = &self.damage;
        let id = CallId(row.id("id")?);
        let legs = of_call.remove(&id).unwrap_or_default();
        if legs.lack_the_last {
            return Err(row.damaged("(its last leg)"));
        }
        let mut history = History::new(id, row.word("service")?, row.time("started_at")?);
        let ahead = damage.noted(row.int("switch_ahead_ms"))?.unwrap_or(0);
        history.switch_ahead = SignedDuration::from_millis(ahead);
        history.caller = damage.noted(row.phone_opt("caller"))?.flatten();
        let shopper = damage.noted(row.id_opt("shopper_id"))?.flatten().map(ShopperId);
        history.shopper = shopper.or(legs.shopper);
        if Direction::of(history.service) == Direction::Back {
            history.called_number = match (row.phone_opt("fictitious_number"), legs.all.last()) {
                (number, None) => number?,
                (number, Some(leg)) => damage
                    .noted(number)?
                    .unwrap_or_else(|| Some(leg.dial.pairing.fictitious_number.clone())),
            };
            history.calling_dealer = damage.noted(row.phone_opt("dealer"))?.flatten();
        }
        history.refusal = damage.noted(row.word_opt("refusal"))?.flatten();
        history.legs = legs.all;
        let ended_at = row.time_opt("ended_at")?;
        // The pairing may be another project's by now.
        if let (Some(_), Some(last)) = (ended_at, history.legs.last_mut()) {
            let now = last.dial.pairing.project.take();
            last.dial.pairing.project = damage.noted(row.text_opt("project"))?.unwrap_or(now);
        }
        let owner = damage.noted(row.text_opt("owner"))?.flatten();
        let ticket = row.joined("tickets", "ticket_id").ticket_number_opt("ticket");
        let call = EndedCall {
            history,
            ended_at,
            hangup_cause: damage.noted(row.text_opt("hangup_cause"))?.flatten(),
            ticket: damage.noted(ticket)?.flatten(),
        };
        Ok((call, self.is_elsewhere(owner.as_deref())))
    }
}

/// The legs of a call.
#[derive(Default)]
struct Legs {
    all: Vec<Leg>,
    shopper: Option<ShopperId>,
    /// The last one, by which a call is judged, is damaged.
    lack_the_last: bool,
}

/// What does not tell what becomes of the leg may be damaged: it is known from its pairing, or the
/// record of the call tells it.
fn leg(row: Fields<'_>, damage: &Damage) -> Result<Leg, StoreError> {
    let cause = damage.noted(row.text_opt("hangup_cause"))?.flatten();
    let failure = match damage.noted(row.word_opt::<Outcome>("outcome"))?.flatten() {
        Some(Outcome::Busy) => Some(Failure::Busy),
        Some(Outcome::NoAnswer) => Some(Failure::NoAnswer),
        Some(Outcome::Rejected) => Some(Failure::Rejected),
        Some(Outcome::Unreachable) => Some(match cause.as_deref().map(Failure::from_cause) {
            Some(Failure::Unallocated) => Failure::Unallocated,
            _ => Failure::Unreachable,
        }),
        None | Some(Outcome::Answered | Outcome::Abandoned | Outcome::Refused) => None,
    };
    let of_pairing = row.joined("pairings", "pairing_id");
    let pairing = Pairing {
        id: PairingId(row.id("pairing_id")?),
        number: of_pairing.pairing_number("number")?,
        fictitious_number: of_pairing.phone("fictitious_number")?,
        project: damage.noted(of_pairing.text_opt("project"))?.flatten(),
    };
    let number = &pairing.fictitious_number;
    Ok(Leg {
        id: LegId(row.id("id")?),
        dial: Dial {
            to: damage.noted(row.phone("dialled"))?.unwrap_or_else(|| number.clone()),
            shown: damage.noted(row.phone("shown"))?.unwrap_or_else(|| number.clone()),
            dealer: damage.noted(row.phone_opt("dealer"))?.flatten(),
            direction: direction_of(&row.text("direction")?)
                .ok_or_else(|| row.damaged("direction"))?,
            ticket: damage.noted(row.id_opt("ticket_id"))?.flatten().map(TicketId),
            pairing,
        },
        recording: row.recording("recording")?,
        started_at: row.time("started_at")?,
        answered_at: row.time_opt("answered_at")?,
        ended_at: row.time_opt("ended_at")?,
        failure,
        cause,
    })
}
