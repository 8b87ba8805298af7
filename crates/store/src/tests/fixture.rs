//! A small exchange: shoppers, numbers and calls as the driver would report them.

use std::path::Path;

use exchange::{
    call::{Dial, Direction},
    cause::Failure,
    history::{History, Leg},
    model::{CallId, Language, LegId, Pairing, PairingNumber, Service, ShopperId, TicketId},
    number::PhoneNumber,
    recording::RecordingPath,
    settle::settle,
};
use jiff::{SignedDuration, Timestamp};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};
use uuid::Uuid;

use crate::{
    End, Filter, LeasedSms, MissKind, MissedCall, NewPairing, NewShopper, Settled, SmsFate,
    SmsOutcome, SmsText, SmsTiming, Store, Throttle,
};

pub(super) const DAY: SignedDuration = SignedDuration::from_hours(24);
pub(super) const TTL: SignedDuration = SignedDuration::from_hours(7 * 24);
pub(super) const TIMING: SmsTiming = SmsTiming {
    delay: SignedDuration::from_secs(60),
    ticket_gap: SignedDuration::ZERO,
    expiry: SignedDuration::from_hours(6),
    strangers: 5,
};

/// How long a worker may be at an SMS.
pub(super) const LEASE: SignedDuration = SignedDuration::from_secs(30);

pub(super) struct World {
    pub(super) store: Store,
    /// Where a scenario can do by hand what the API does not.
    pub(super) url: String,
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The Sunday morning that every scenario begins on.
pub(super) fn morning() -> Timestamp {
    at("2026-11-22T09:00:00Z")
}

pub(super) fn after(seconds: i64) -> Timestamp {
    morning() + SignedDuration::from_secs(seconds)
}

pub(super) fn phone(text: &str) -> PhoneNumber {
    PhoneNumber::from_e164(text).unwrap()
}

/// The shopper of most scenarios.
pub(super) fn eva() -> PhoneNumber {
    phone("+420601123456")
}

/// The fictitious number of most scenarios.
pub(super) fn f1() -> PhoneNumber {
    phone("+420777000111")
}

pub(super) fn f2() -> PhoneNumber {
    phone("+420777000112")
}

pub(super) fn dealer(number: u32) -> PhoneNumber {
    phone(&format!("+420234{number:06}"))
}

pub(super) fn id(number: u16) -> PairingNumber {
    PairingNumber::new(number).unwrap()
}

pub(super) fn new_shopper(phone: PhoneNumber) -> NewShopper {
    NewShopper { phone, name: None, language: Language::Czech, pin: None }
}

pub(super) fn new_pairing(shopper: PhoneNumber, number: PhoneNumber) -> NewPairing {
    NewPairing {
        shopper,
        fictitious_number: number,
        number: None,
        project: Some("jaro".to_owned()),
        valid_from: None,
        valid_to: None,
    }
}

/// The PostgreSQL database that the tests may fill and empty.
pub(super) fn postgres_url() -> String {
    std::env::var("USTREDNA_TEST_POSTGRES")
        .expect("USTREDNA_TEST_POSTGRES must hold the URL of a PostgreSQL database for tests")
}

pub(super) async fn drop_schema(schema: &str) {
    let mut connection = AnyConnection::connect(&postgres_url()).await.unwrap();
    connection.execute(AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"))).await.unwrap();
    connection.close().await.unwrap();
}

/// Of [`World::crowd`].
pub(super) fn member(number: u32) -> PhoneNumber {
    phone(&format!("+420602{number:06}"))
}

fn fictitious(number: u32) -> PhoneNumber {
    phone(&format!("+420778{number:06}"))
}

pub(super) fn text_of(missed: &MissedCall) -> SmsText {
    let at = missed.at.strftime("%H:%M:%S");
    let text = match &missed.kind {
        MissKind::Ticket { number, missed, .. } => format!("ticket {number} x{missed} {at}"),
        MissKind::NoTicket { .. } => "no ticket".to_owned(),
        MissKind::Withheld => "withheld".to_owned(),
        MissKind::Together(together) => {
            let calls = together.calls;
            let of = if together.of_dealers { "dealers" } else { "strangers" };
            let to = if together.several_numbers { "several numbers" } else { "one number" };
            let back = if together.returnable { "returnable" } else { "not returnable" };
            format!("{calls} more of {of} to {to}, {back}")
        }
    };
    SmsText { text, segments: 1 }
}

impl World {
    pub(super) async fn sqlite(folder: &Path) -> Self {
        let url = format!("sqlite://{}/exchange.db", folder.display());
        Self { store: Store::open(&url).await.unwrap(), url }
    }

    /// In a schema of its own.
    pub(super) async fn postgres() -> (Self, String) {
        sqlx::any::install_default_drivers();
        let url = postgres_url();
        let schema = format!("t{}", Uuid::new_v4().simple());
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        connection.execute(AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).await.unwrap();
        connection.close().await.unwrap();
        let joint = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{joint}options=-c%20search_path%3D{schema}");
        (Self { store: Store::open(&url).await.unwrap(), url }, schema)
    }

    pub(super) async fn sql(&self, sql: &'static str) {
        let mut connection = AnyConnection::connect(&self.url).await.unwrap();
        connection.execute(sql).await.unwrap();
        connection.close().await.unwrap();
    }

    /// What a broken disk, or somebody by hand, may write: `false` if the engine does not take it.
    pub(super) async fn damage(&self, sql: String) -> bool {
        let mut connection = AnyConnection::connect(&self.url).await.unwrap();
        if self.url.starts_with("sqlite") {
            let lax = "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON";
            connection.execute(lax).await.unwrap();
        }
        let done = connection.execute(AssertSqlSafe(sql)).await;
        connection.close().await.unwrap();
        done.is_ok_and(|done| done.rows_affected() > 0)
    }

    /// Eva with `f1` as ID 1.
    pub(super) async fn with_eva(self) -> Self {
        self.store.add_shopper(&new_shopper(eva()), morning()).await.unwrap();
        self.pair(eva(), f1()).await;
        self
    }

    pub(super) async fn pair(&self, shopper: PhoneNumber, number: PhoneNumber) -> PairingNumber {
        self.store.add_number(&number, None, morning()).await.unwrap();
        self.store.add_pairing(&new_pairing(shopper, number), morning()).await.unwrap()
    }

    /// So many shoppers beside Eva, each missed once, in the order of their numbers: their SMS are
    /// due from `after(60)` on.
    pub(super) async fn crowd(&self, count: u32) {
        for number in 1..=count {
            let (shopper, theirs) = (member(number), fictitious(number));
            self.store.add_shopper(&new_shopper(shopper.clone()), morning()).await.unwrap();
            self.pair(shopper, theirs.clone()).await;
            let now = morning() + SignedDuration::from_millis(i64::from(number));
            let mut history = self.callback(&theirs, Some(dealer(number)), now).await;
            fail(&mut history, now, Failure::NoAnswer);
            self.end(&history, now).await;
        }
    }

    /// A worker takes what it may, without limits.
    pub(super) async fn lease(&self, now: Timestamp, limit: u32) -> Vec<LeasedSms> {
        self.store.lease_sms(now, LEASE, limit, Throttle::NONE).await.unwrap().sms
    }

    /// What a try came to.
    pub(super) async fn came_to(&self, sms: &LeasedSms, fate: SmsFate) {
        let LeasedSms { id, leased_until, .. } = *sms;
        let unstored = self.store.sms_outcomes(&[SmsOutcome { id, leased_until, fate }]).await;
        assert_eq!(unstored, []);
    }

    /// The gateway took it.
    pub(super) async fn sent(&self, sms: &LeasedSms, now: Timestamp, name: &str) {
        let provider_id = Some(name.to_owned());
        self.came_to(sms, SmsFate::Sent { at: now, provider_id, earlier_parts: vec![] }).await;
    }

    /// What the driver looks up for a call to a number.
    pub(super) async fn assigned(&self, number: &PhoneNumber) -> (ShopperId, Pairing) {
        let assignment =
            self.store.assignment(number, morning(), morning()).await.unwrap().unwrap();
        (assignment.shopper.id, assignment.pairing)
    }

    /// A dealer calls `number` and Eva's phone rings.
    pub(super) async fn callback(
        &self,
        number: &PhoneNumber,
        dealer: Option<PhoneNumber>,
        now: Timestamp,
    ) -> History {
        let (shopper, pairing) = self.assigned(number).await;
        let mut history = History::new(CallId(Uuid::new_v4()), Service::FictitiousNumber, now);
        history.shopper = Some(shopper);
        history.called_number = Some(number.clone());
        history.calling_dealer = dealer.clone();
        let dial = Dial {
            to: eva(),
            shown: phone("+420234234390"),
            pairing,
            dealer,
            direction: Direction::Back,
            ticket: None,
        };
        history.legs.push(new_leg(dial, now));
        history
    }

    /// Eva calls a dealer, or returns a ticket.
    pub(super) async fn outbound(
        &self,
        dealer: PhoneNumber,
        ticket: Option<TicketId>,
        now: Timestamp,
    ) -> History {
        let (shopper, pairing) = self.assigned(&f1()).await;
        let service =
            if ticket.is_some() { Service::CallbackHotline } else { Service::OutboundHotline };
        let mut history = History::new(CallId(Uuid::new_v4()), service, now);
        history.shopper = Some(shopper);
        let dial = Dial {
            to: dealer.clone(),
            shown: f1(),
            pairing,
            dealer: Some(dealer),
            direction: Direction::of(service),
            ticket,
        };
        history.legs.push(new_leg(dial, now));
        history
    }

    /// The end of a call, at `now`.
    pub(super) async fn end(&self, history: &History, now: Timestamp) -> Settled {
        self.end_with(history, now, TIMING).await
    }

    /// The same, with another timing of its SMS.
    pub(super) async fn end_with(
        &self,
        history: &History,
        now: Timestamp,
        timing: SmsTiming,
    ) -> Settled {
        let end = End { at: now, now, hangup_cause: Some("NORMAL_CLEARING") };
        self.store.settle(history, &settle(history), end, &text_of, timing).await.unwrap()
    }

    /// Eva calls a dealer in vain: they are no stranger any more.
    pub(super) async fn tries(&self, dealer: &PhoneNumber, now: Timestamp) {
        let mut call = self.outbound(dealer.clone(), None, now).await;
        fail(&mut call, now, Failure::NoAnswer);
        self.end(&call, now).await;
    }

    /// A dealer calls back and is missed.
    pub(super) async fn miss(&self, dealer: &PhoneNumber, now: Timestamp) -> Settled {
        let mut history = self.callback(&f1(), Some(dealer.clone()), now).await;
        fail(&mut history, now, Failure::NoAnswer);
        self.end(&history, now).await
    }

    /// The texts and states of all SMS, newest first.
    pub(super) async fn sms(&self) -> Vec<(String, &'static str)> {
        let rows = self.store.sms(&Filter::default()).await.unwrap();
        rows.into_iter().map(|sms| (sms.text, sms.status.as_str())).collect()
    }

    /// Number, state and misses of all tickets, in the order of their numbers.
    pub(super) async fn tickets(&self) -> Vec<(u8, &'static str, u32)> {
        let rows = self.store.tickets(&Filter::default()).await.unwrap();
        let mut tickets: Vec<_> = rows
            .into_iter()
            .map(|ticket| (ticket.number.value(), ticket.status.as_str(), ticket.missed))
            .collect();
        tickets.sort_unstable();
        tickets
    }
}

fn new_leg(dial: Dial, now: Timestamp) -> Leg {
    let id = LegId(Uuid::new_v4());
    Leg {
        id,
        dial,
        recording: RecordingPath::new(format!("2026/11/22/{id}.wav")),
        started_at: now,
        answered_at: None,
        ended_at: None,
        failure: None,
        cause: None,
    }
}

/// The last leg is answered at `from` and ends at `to`.
pub(super) fn talk(history: &mut History, from: Timestamp, to: Timestamp) {
    let leg = history.legs.last_mut().unwrap();
    leg.answered_at = Some(from);
    leg.ended_at = Some(to);
    leg.cause = Some("NORMAL_CLEARING".to_owned());
}

/// The last leg fails at `now`.
pub(super) fn fail(history: &mut History, now: Timestamp, failure: Failure) {
    let leg = history.legs.last_mut().unwrap();
    leg.ended_at = Some(now);
    leg.failure = Some(failure);
}
