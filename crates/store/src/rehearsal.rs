//! Whether a call could be stored at this moment: all that one writes is written and taken back, and
//! the time of it committed.
//!
//! A look at the database tells too little: a lock on one table, a trigger, a renamed column, a
//! constraint that somebody added are felt only by who writes; a standby server that is waited for
//! only by who commits.

use exchange::{
    call::{Dial, Direction},
    cause::Failure,
    history::{History, Leg},
    model::{CallId, LegId, Pairing, PairingId, PairingNumber, Service, ShopperId},
    number::PhoneNumber,
    recording::RecordingPath,
    settle::settle,
};
use jiff::{SignedDuration, Timestamp};
use sqlx::Executor as _;
use uuid::Uuid;

use crate::{
    End, MissedCall, SmsText, SmsTiming, Store, StoreError,
    connections::{Link, Tx},
    engine::Engine,
    intents::{open_call, write_leg},
    new_id,
    row::ms,
};

const TIMING: SmsTiming = SmsTiming {
    delay: SignedDuration::ZERO,
    ticket_gap: SignedDuration::ZERO,
    expiry: SignedDuration::from_hours(1),
    strangers: 5,
};

impl Store {
    /// Goes through all that is written of a missed call and of a talk, and takes it back; that it was
    /// done is committed. First it looks whether the database is still the one that was opened: until it is again, nothing is read
    /// from another one or written to it.
    ///
    /// # Errors
    /// Why no call could be stored now. What others have locked is called so after five seconds.
    pub async fn rehearse(&self, now: Timestamp) -> Result<(), StoreError> {
        self.read.take_any().await?.recognise(&self.connections).await?;
        let mut tx = self.begin().await?;
        tx.execute("SAVEPOINT rehearsal").await?;
        self.act(&mut tx, now).await?;
        if self.connections.opening.engine() == Engine::Postgres {
            // What is to be looked at when a call is committed is looked at now.
            tx.execute("SET CONSTRAINTS ALL IMMEDIATE").await?;
        }
        tx.execute("ROLLBACK TO SAVEPOINT rehearsal").await?;
        sqlx::query(
            "INSERT INTO rehearsals (owner, at) VALUES ($1, $2) \
             ON CONFLICT (owner) DO UPDATE SET at = excluded.at",
        )
        .bind(self.owner.as_deref().unwrap_or(""))
        .bind(ms(now))
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }

    /// Whether an exchange has rehearsed in this database at exactly this time, as the last time: no other
    /// database holds that, not even a copy.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn was_rehearsed(&self, at: Timestamp) -> Result<bool, StoreError> {
        let found = sqlx::query("SELECT owner FROM rehearsals WHERE owner <> '' AND at = $1")
            .bind(ms(at))
            .fetch_optional(&self.read)
            .await?;
        Ok(found.is_some())
    }

    /// What all can tell who may read this database or a copy of it, and hardly anybody else.
    #[must_use]
    pub fn identity(&self) -> Option<String> {
        self.connections.identity.known()
    }

    async fn act(&self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        let Some(cast) = Cast::new(now) else { return Ok(()) };
        if !cast.enter(tx, now).await? {
            // Somebody has one of the numbers.
            return Ok(());
        }
        let owner = self.owner.as_deref();
        for (service, direction) in [
            (Service::FictitiousNumber, Direction::Back),
            (Service::OutboundHotline, Direction::Out),
        ] {
            let (mut history, leg) = cast.call(service, direction, now);
            self.arriving(&history).execute(&mut **tx).await?;
            open_call(tx, &history, &leg, owner).await?;
            write_leg(tx, &history, &leg, None).await?;
            let is_talk = direction == Direction::Out;
            history.legs.push(Leg {
                answered_at: is_talk.then_some(now),
                failure: (!is_talk).then_some(Failure::NoAnswer),
                ended_at: Some(now),
                ..leg
            });
            let end = End { at: now, now, hangup_cause: None };
            let text = |_: &MissedCall| SmsText { text: "-".to_owned(), segments: 1 };
            self.settle_in(tx, &history, &settle(&history), end, &text, TIMING).await?;
        }
        Ok(())
    }
}

/// Who takes part. Their numbers are random: two exchanges must not wait for each other.
struct Cast {
    shopper: ShopperId,
    phone: PhoneNumber,
    dealer: PhoneNumber,
    pairing: Pairing,
}

impl Cast {
    fn new(now: Timestamp) -> Option<Self> {
        let random = || u32::try_from(Uuid::new_v4().as_u128() % 1_000_000).unwrap_or(0);
        let number = |prefix| PhoneNumber::from_e164(&format!("{prefix}{:06}", random())).ok();
        Some(Self {
            shopper: ShopperId(new_id(now)),
            phone: number("+420601")?,
            dealer: number("+420234")?,
            pairing: Pairing {
                id: PairingId(new_id(now)),
                number: PairingNumber::new(1)?,
                fictitious_number: number("+420777")?,
                project: None,
            },
        })
    }

    /// `false` if somebody else has one of their numbers.
    async fn enter(&self, tx: &mut Link, now: Timestamp) -> Result<bool, StoreError> {
        let shopper = sqlx::query(
            "INSERT INTO shoppers (id, phone, language, created_at) VALUES ($1, $2, 'cs', $3) \
             ON CONFLICT DO NOTHING",
        )
        .bind(self.shopper.to_string())
        .bind(self.phone.as_str())
        .bind(ms(now))
        .execute(&mut *tx)
        .await?;
        let number = sqlx::query(
            "INSERT INTO numbers (number, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(self.pairing.fictitious_number.as_str())
        .bind(ms(now))
        .execute(&mut *tx)
        .await?;
        if shopper.rows_affected() == 0 || number.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO pairings (id, shopper_id, fictitious_number, number, created_at) \
             VALUES ($1, $2, $3, 1, $4)",
        )
        .bind(self.pairing.id.to_string())
        .bind(self.shopper.to_string())
        .bind(self.pairing.fictitious_number.as_str())
        .bind(ms(now))
        .execute(tx)
        .await?;
        Ok(true)
    }

    fn call(&self, service: Service, direction: Direction, now: Timestamp) -> (History, Leg) {
        let mut history = History::new(CallId(Uuid::new_v4()), service, now);
        history.shopper = Some(self.shopper);
        let back = direction == Direction::Back;
        if back {
            history.called_number = Some(self.pairing.fictitious_number.clone());
            history.calling_dealer = Some(self.dealer.clone());
        }
        let dial = Dial {
            to: if back { self.phone.clone() } else { self.dealer.clone() },
            shown: self.pairing.fictitious_number.clone(),
            pairing: self.pairing.clone(),
            dealer: Some(self.dealer.clone()),
            direction,
            ticket: None,
        };
        let leg = Leg {
            id: LegId(Uuid::new_v4()),
            dial,
            recording: RecordingPath::new("rehearsal"),
            started_at: now,
            answered_at: None,
            ended_at: None,
            failure: None,
            cause: None,
        };
        (history, leg)
    }
}
