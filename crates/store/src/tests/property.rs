//! Whatever is written is read: every stored type, with whatever may come from the network, a file, a
//! setting or a person.

use exchange::{
    destination::Refusal,
    facts::Assignment,
    history::{History, Leg},
    model::{CallId, Language, LegId, Outcome, Service},
    number::PhoneNumber,
    recording::RecordingPath,
    settle::settle,
};
use jiff::{SignedDuration, Timestamp};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy as _, any, prop_oneof},
    strategy::BoxedStrategy,
    test_runner::{Config, TestRunner},
};
use tokio::{runtime::Handle, task::block_in_place};
use uuid::Uuid;

use super::fixture::{LEASE, World, f1, morning, new_pairing, new_shopper};
use crate::{
    End, Filter, Limits, NumberChange, RecordingRow, SmsFate, SmsOutcome, SmsText, SmsTiming,
    Store, Throttle,
    row::{clean, clean_opt, ms as ms_of, name},
};

fn number() -> BoxedStrategy<PhoneNumber> {
    "\\+[1-9][0-9]{2,14}".prop_map(|text| PhoneNumber::from_e164(&text).unwrap()).boxed()
}

/// NUL, surrogates' neighbours, right-to-left marks and all.
fn text() -> BoxedStrategy<String> {
    prop_oneof![
        any::<String>(),
        vec(any::<char>(), 0..40).prop_map(|chars| chars.into_iter().collect()),
        Just("\0".to_owned()),
        Just("a\0b".to_owned()),
        Just("x".repeat(3000)),
    ]
    .boxed()
}

fn text_opt() -> BoxedStrategy<Option<String>> {
    proptest::option::of(text()).boxed()
}

fn time() -> BoxedStrategy<Timestamp> {
    let ms = |ms| Timestamp::from_millisecond(ms).unwrap();
    let (first, last) = (Timestamp::MIN.as_millisecond(), ms_of(Timestamp::MAX));
    prop_oneof![
        (first..=last).prop_map(ms),
        (1_795_000_000_000..1_796_000_000_000_i64).prop_map(ms),
        Just(Timestamp::MIN),
        Just(ms(last)),
        Just(Timestamp::UNIX_EPOCH),
        Just(ms(-1)),
    ]
    .boxed()
}

#[derive(Debug, Clone)]
struct Written {
    shopper: PhoneNumber,
    fictitious: PhoneNumber,
    dealer: Option<PhoneNumber>,
    name: Option<String>,
    note: Option<String>,
    project: Option<String>,
    cause: Option<String>,
    path: String,
    sms: String,
    provider: String,
    started: Timestamp,
    answered: Option<Timestamp>,
    ended: Timestamp,
    ahead: i64,
    refusal: Option<Refusal>,
    seconds: f64,
    bytes: u64,
    channels: u16,
    problem: Option<String>,
    call: u128,
}

fn written() -> BoxedStrategy<Written> {
    let people = (number(), number(), proptest::option::of(number()));
    let texts = (text_opt(), text_opt(), text_opt(), text_opt(), text(), text(), text());
    let times = (time(), proptest::option::of(time()), time(), any::<i64>());
    let refusal = proptest::option::of(proptest::sample::select(Refusal::ALL));
    let recording = (any::<f64>(), any::<u64>(), any::<u16>(), text_opt(), any::<u128>());
    (people, texts, times, refusal, recording)
        .prop_map(|(people, texts, times, refusal, recording)| Written {
            shopper: people.0,
            fictitious: people.1,
            dealer: people.2,
            name: texts.0,
            note: texts.1,
            project: texts.2,
            cause: texts.3,
            path: texts.4,
            sms: texts.5,
            provider: texts.6,
            started: times.0,
            answered: times.1,
            ended: times.2,
            ahead: times.3,
            refusal,
            seconds: recording.0,
            bytes: recording.1,
            channels: recording.2,
            problem: recording.3,
            call: recording.4,
        })
        .boxed()
}

pub(super) async fn whatever_is_written_is_read(world: World) {
    let handle = Handle::current();
    let config = Config { cases: 96, failure_persistence: None, ..Config::default() };
    block_in_place(|| {
        let run = TestRunner::new(config).run(&written(), |case| {
            handle.block_on(write_and_read(&world, case));
            Ok(())
        });
        run.unwrap();
    });
    assert_eq!(world.store.damaged_rows().await.unwrap(), []);
}

async fn write_and_read(world: &World, case: Written) {
    let store = world.store.clone().of_exchange(&case.sms);
    let now = morning();
    let mut shopper = new_shopper(case.shopper.clone());
    shopper.name.clone_from(&case.name);
    // A number that an earlier case has is no news.
    if store.add_shopper(&shopper, case.started).await.is_err()
        || store.add_number(&case.fictitious, case.note.as_deref(), case.ended).await.is_err()
    {
        return;
    }
    let note = NumberChange { active: Some(true), note: Some(case.note.clone()) };
    store.change_number(&case.fictitious, &note).await.unwrap();
    let mut pairing = new_pairing(case.shopper.clone(), case.fictitious.clone());
    pairing.project.clone_from(&case.project);
    let (from, to) = (case.started.min(case.ended), case.started.max(case.ended));
    (pairing.valid_from, pairing.valid_to) = (Some(from), (from < to).then_some(to));
    store.add_pairing(&pairing, now).await.unwrap();

    let rows = store.shoppers().await.unwrap();
    let row = rows.iter().find(|row| row.phone == case.shopper).unwrap();
    assert_eq!((&row.name, row.language), (&clean_opt(case.name.as_deref()), Language::Czech));
    assert_eq!(row.created_at, case.started);
    let rows = store.numbers().await.unwrap();
    let row = rows.iter().find(|row| row.number == case.fictitious).unwrap();
    assert_eq!(row.note, clean_opt(case.note.as_deref()));
    let rows = store.pairings(&Filter::default(), true).await.unwrap();
    let row = rows.iter().find(|row| row.fictitious_number == case.fictitious).unwrap();
    assert_eq!(row.project, clean_opt(case.project.as_deref()));
    assert_eq!((row.valid_from, row.valid_to), (pairing.valid_from, pairing.valid_to));
    if let Some(project) = case.project.clone() {
        let filter = Filter { project: Some(project), ..Filter::default() };
        assert!(!store.pairings(&filter, true).await.unwrap().is_empty());
    }

    let found = store.assignment(&case.fictitious, from, from).await.unwrap();
    call(world, &store, &case, found.expect("the pairing has begun")).await;
}

async fn call(world: &World, store: &Store, case: &Written, found: Assignment) {
    let now = morning();
    let mut history =
        History::new(CallId(Uuid::from_u128(case.call)), Service::FictitiousNumber, case.started);
    history.switch_ahead = SignedDuration::from_millis(case.ahead);
    history.caller.clone_from(&case.dealer);
    history.calling_dealer.clone_from(&case.dealer);
    history.called_number = Some(case.fictitious.clone());
    history.shopper = Some(found.shopper.id);
    history.refusal = case.refusal;
    store.arrive(&history).await.unwrap();
    let rules = (f1(), found.clone());
    let dial = exchange::call::Dial {
        to: found.shopper.phone.clone(),
        shown: rules.0,
        pairing: found.pairing,
        dealer: case.dealer.clone(),
        direction: exchange::call::Direction::Back,
        ticket: None,
    };
    let leg = Leg {
        id: LegId(Uuid::new_v4()),
        dial,
        recording: RecordingPath::new(case.path.clone()),
        started_at: case.started,
        answered_at: None,
        ended_at: None,
        failure: None,
        cause: case.cause.clone(),
    };
    store.begin_leg(&history, &leg, &Limits::default(), now, now).await.unwrap().unwrap();
    history.legs.push(Leg { answered_at: case.answered, ended_at: Some(case.ended), ..leg });
    store.keep(&history).await.unwrap();
    let open = store.open_calls().await.unwrap();
    let read = &open.iter().find(|call| call.history.id == history.id).unwrap().history;
    assert_eq!(read.caller, case.dealer);
    assert_eq!((read.started_at, read.switch_ahead), (case.started, history.switch_ahead));
    assert_eq!(read.legs[0].recording.reveal(), clean(&case.path));
    assert_eq!(
        (read.legs[0].answered_at, read.legs[0].ended_at),
        (case.answered, Some(case.ended))
    );

    let texts = |_: &crate::MissedCall| SmsText { text: case.sms.clone(), segments: u32::MAX };
    let timing = SmsTiming {
        delay: SignedDuration::ZERO,
        ticket_gap: SignedDuration::ZERO,
        expiry: SignedDuration::MAX,
        strangers: 9,
    };
    let end = End { at: case.ended, now: case.ended, hangup_cause: case.cause.as_deref() };
    let settled = store.settle(&history, &settle(&history), end, &texts, timing).await.unwrap();
    let calls = store.calls(&Filter::default()).await.unwrap();
    // The list's end is open, so the last moment of all times is in no list.
    if let Some(call) = calls.iter().find(|call| call.id == history.id) {
        assert_eq!((&call.caller, &call.dealer), (&case.dealer, &case.dealer));
        assert_eq!(call.hangup_cause, clean_opt(case.cause.as_deref()));
        assert_eq!(call.refusal, case.refusal);
        assert_eq!((call.started_at, call.ended_at), (case.started, Some(case.ended)));
        assert_eq!(call.attempts.len(), 1);
        assert_eq!(call.ticket, settled.ticket);
        let talked = call.outcome == Some(Outcome::Answered);
        let path = || RecordingPath::new(clean(&case.path));
        assert_eq!(call.recording, talked.then(path));
    } else {
        panic!("the call is not listed");
    }
    if case.answered.is_some() {
        record(world, case, &history).await;
    } else {
        send(world, case, &found.shopper.phone).await;
    }
}

async fn record(world: &World, case: &Written, history: &History) {
    let leg = history.legs[0].id;
    let found = world.store.recording(leg).await.unwrap().unwrap();
    assert_eq!(found.path.reveal(), clean(&case.path));
    let proven = RecordingRow {
        path: found.path.clone(),
        seconds: Some(case.seconds),
        bytes: Some(case.bytes),
        channels: Some(case.channels),
        sha256: case.problem.clone(),
        verdict: "short".to_owned(),
        levels: case.name.clone(),
        problem: case.problem.clone(),
        verified_at: Some(case.ended),
        ..found
    };
    world.store.record_verdict(&proven).await.unwrap();
    world.store.hold_recording(leg, &case.sms, case.started).await.unwrap();
    let read = world.store.recording(leg).await.unwrap().unwrap();
    assert_eq!((read.channels, read.verified_at), (Some(case.channels), Some(case.ended)));
    assert_eq!(read.problem, clean_opt(case.problem.as_deref()));
    assert_eq!(read.bytes, i64::try_from(case.bytes).ok().map(|_| case.bytes));
    assert_eq!((read.held_at, read.held_because), (Some(case.started), Some(clean(&case.sms))));
}

async fn send(world: &World, case: &Written, phone: &PhoneNumber) {
    let store = &world.store;
    let leased = store.lease_sms(Timestamp::MAX, LEASE, 999, Throttle::NONE).await.unwrap();
    let ours = leased.sms.iter().find(|sms| sms.to == *phone);
    // One that had expired meanwhile, at the end of all times, is not.
    let Some(sms) = ours else { return };
    assert_eq!(sms.text, clean(&case.sms));
    let provider_id = Some(case.provider.clone());
    let fate = SmsFate::Sent { at: case.started, provider_id, earlier_parts: vec![] };
    let outcome = SmsOutcome { id: sms.id, leased_until: sms.leased_until, fate };
    assert_eq!(store.sms_outcomes(&[outcome]).await, []);
    let found = store.sms_reported(&case.provider, crate::Delivery::Delivered, case.ended).await;
    assert!(found.unwrap().is_some());
    let rows = store.sms(&Filter::default()).await.unwrap();
    let row = rows.iter().find(|row| row.id == sms.id).unwrap();
    assert_eq!(row.provider_id, Some(name(&case.provider)));
    assert_eq!((row.segments, row.sent_at), (u32::MAX, Some(case.started)));
}
