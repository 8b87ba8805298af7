//! Walks every flow through every sequence of answers, to a depth, and looks at each walk: it
//! ends, nothing is asked after the hang-up, the settlement fits, and no digit shows in a log.

use std::{collections::BTreeSet, io::Write as _};

use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version, password_hash::SaltString};
use futures::executor::block_on;
use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::{
    call::{Answer, Desk, Dialled, Digits, Entry, Verb, call},
    cause::Failure,
    facts::{Assignment, Rules, ShopperFacts},
    history::{History, Leg},
    model::{CallId, LegId, Outcome, Service},
    number::PhoneNumber,
    pin::Pin,
    recording::RecordingPath,
    settle::{Effect, settle},
};

/// Entries and calls whose outcome is chosen freely in one walk; the [`Tail`] decides the others. Every
/// hang-up in a prompt before that is walked as well.
const DEPTH: usize = 4;
/// A flow that asks more than this would go on for ever.
const MOST_VERBS: usize = 400;

/// What an entry may be answered with.
const KEYS: [&str; 9] = ["", "*", "0", "1", "2", "7", "112", PIN, "234567890"];
/// The PIN of the shopper who has one.
const PIN: &str = "1234";

const OUTCOMES: [Dialled; 7] = [
    Dialled::Failed(Failure::NoAnswer),
    Dialled::Failed(Failure::Busy),
    Dialled::Failed(Failure::Unallocated),
    Dialled::Talked,
    Dialled::Refused(Refusal::ExchangeNumber),
    Dialled::Refused(Refusal::CallsAtOnce),
    Dialled::NotRecordable,
];

/// What comes after the free decisions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// Nothing more is keyed.
    Silent,
    /// What is asked for is keyed, and the number is busy.
    Busy,
}

/// The decisions of one walk, as digits of a number whose places have different bases.
struct Choices {
    tail: Tail,
    taken: Vec<(usize, usize)>,
    at: usize,
    /// Entries and calls so far.
    deep: usize,
}

impl Choices {
    fn new(tail: Tail) -> Self {
        Self { tail, taken: Vec::new(), at: 0, deep: 0 }
    }

    /// The outcome of an entry or a call, `None` when the tail decides.
    fn choose(&mut self, alternatives: usize) -> Option<usize> {
        self.deep += 1;
        (self.deep <= DEPTH).then(|| self.pick(alternatives))
    }

    /// Whether the caller hangs up, or a wrong PIN was one too many.
    fn chance(&mut self) -> bool {
        self.deep < DEPTH && self.pick(2) == 1
    }

    fn pick(&mut self, alternatives: usize) -> usize {
        let at = self.at;
        self.at += 1;
        if let Some((choice, _)) = self.taken.get(at) {
            return *choice;
        }
        self.taken.push((0, alternatives));
        0
    }

    /// What is keyed after the free decisions, by how long the answer may be.
    fn keyed(&self, most: u8) -> Entry {
        match (self.tail, most) {
            (Tail::Silent, _) => Entry::Nothing,
            (Tail::Busy, 0..=4) => Entry::Digits(Digits::new("1")),
            (Tail::Busy, 5..=9) => Entry::Digits(Digits::new(PIN)),
            (Tail::Busy, _) => Entry::Digits(Digits::new("234567890")),
        }
    }

    /// Goes on to the next sequence; `false` when all have been walked.
    fn next(&mut self) -> bool {
        (self.at, self.deep) = (0, 0);
        while let Some((choice, alternatives)) = self.taken.pop() {
            if choice + 1 < alternatives {
                self.taken.push((choice + 1, alternatives));
                return true;
            }
        }
        false
    }
}

/// What a walk came to.
struct Walk {
    history: History,
    refusals: Vec<Refusal>,
    log: String,
    /// The call was ended by the exchange, by a talk's end or by the caller.
    over: bool,
}

/// Answers as decided; keeps the history as the driver does.
async fn answer(mut desk: Desk, choices: &mut Choices, history: History) -> Walk {
    let mut walk = Walk { history, refusals: Vec::new(), log: String::new(), over: false };
    let at = Timestamp::UNIX_EPOCH;
    let mut verbs = 0;
    while let Some(request) = desk.next().await {
        let (verb, reply) = request.split();
        verbs += 1;
        assert!(verbs < MOST_VERBS, "it does not end: {}", walk.log);
        assert!(!walk.over, "{verb:?} after the end: {}", walk.log);
        walk.log.extend([format!("{verb:?}"), "\n".to_owned()]);
        let answer = match verb {
            Verb::Answer | Verb::Refused(_) => {
                if let Verb::Refused(refusal) = verb {
                    walk.history.refusal = Some(refusal);
                    walk.refusals.push(refusal);
                }
                Answer::Done
            }
            Verb::Play(_) if choices.chance() => {
                walk.over = true;
                return walk;
            }
            Verb::Play(_) => Answer::Done,
            Verb::PinTried(right) => Answer::Locked(!right && choices.chance()),
            Verb::Gather(gather) => match choices.choose(KEYS.len() + 1).map(|at| KEYS.get(at)) {
                None => Answer::Entry(choices.keyed(gather.max_digits)),
                Some(Some(&"")) => Answer::Entry(Entry::Nothing),
                Some(Some(&"*")) => Answer::Entry(Entry::StartAgain),
                Some(Some(keys)) => Answer::Entry(Entry::Digits(Digits::new(keys))),
                Some(None) => {
                    walk.over = true;
                    return walk;
                }
            },
            Verb::Connect(dial) => {
                let outcome = match choices.choose(OUTCOMES.len() + 1) {
                    None => Some(&Dialled::Failed(Failure::Busy)),
                    Some(at) => OUTCOMES.get(at),
                };
                let refused = matches!(outcome, Some(Dialled::Refused(_)));
                let (failure, answered_at) = match outcome {
                    Some(Dialled::Failed(failure)) => (Some(*failure), None),
                    Some(Dialled::NotRecordable) => (Some(Failure::Unreachable), None),
                    Some(Dialled::Talked) => (None, Some(at)),
                    Some(Dialled::Refused(_)) | None => (None, None),
                };
                if !refused {
                    walk.history.legs.push(Leg {
                        id: LegId(Uuid::nil()),
                        dial: *dial,
                        recording: RecordingPath::default(),
                        started_at: at,
                        answered_at,
                        ended_at: Some(at),
                        failure,
                        cause: None,
                    });
                }
                let Some(outcome) = outcome else {
                    walk.over = true;
                    return walk;
                };
                walk.over = *outcome == Dialled::Talked;
                Answer::Dialled(outcome.clone())
            }
            Verb::Hangup(_) => {
                walk.over = true;
                Answer::Done
            }
        };
        reply.send(answer);
    }
    walk
}

/// The flow of a service, with what it knows.
enum Situation {
    Outbound(Option<ShopperFacts>),
    Callback(Option<ShopperFacts>),
    Fictitious(Option<Assignment>, Option<PhoneNumber>),
}

impl Situation {
    fn service(&self) -> Service {
        match self {
            Self::Outbound(_) => Service::OutboundHotline,
            Self::Callback(_) => Service::CallbackHotline,
            Self::Fictitious(..) => Service::FictitiousNumber,
        }
    }

    fn walk(&self, rules: &Rules, choices: &mut Choices) -> Walk {
        let mut history = History::new(CallId(Uuid::nil()), self.service(), Timestamp::UNIX_EPOCH);
        history.shopper = Some(tests::shopper().id);
        let (mut call, desk) = call();
        block_on(async {
            let flow = async move {
                let ended = match self {
                    Self::Outbound(facts) => {
                        outbound_hotline(&mut call, rules, facts.as_ref()).await
                    }
                    Self::Callback(facts) => {
                        callback_hotline(&mut call, rules, facts.as_ref()).await
                    }
                    Self::Fictitious(assignment, dealer) => {
                        fictitious_number(&mut call, rules, assignment.as_ref(), dealer.as_ref())
                            .await
                    }
                };
                drop(call);
                ended
            };
            futures::join!(flow, answer(desk, choices, history)).1
        })
    }

    /// What must hold of every walk.
    fn check(&self, walk: &Walk) {
        let Walk { history, log, over, .. } = walk;
        assert!(over, "the caller is left in silence: {log}");
        let settlement = settle(history);
        let rung = !history.legs.is_empty();
        match settlement.effect {
            Effect::Missed(_) => {
                assert_eq!(self.service(), Service::FictitiousNumber, "{log}");
                assert!(settlement.answered_at.is_none(), "{log}");
            }
            Effect::Talked(_) => assert_eq!(settlement.outcome, Outcome::Answered, "{log}"),
            Effect::None => assert!(
                self.service() != Service::FictitiousNumber || !rung,
                "a dealer who was not reached is forgotten: {log}"
            ),
        }
        assert_eq!(settlement.outcome == Outcome::Answered, settlement.answered_at.is_some());
        for secret in ["234567890", "601123456", "77700011", "1234"] {
            assert!(!log.contains(secret), "{secret} in a log: {log}");
        }
    }
}

/// The least that Argon2 may cost: thousands of walks key a PIN.
fn cheap_pin() -> Pin {
    let params = Params::new(8, 1, 1, None).unwrap();
    let salt = SaltString::encode_b64(&[0; 16]).unwrap();
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    Pin::from_phc(&hasher.hash_password(PIN.as_bytes(), &salt).unwrap().to_string()).unwrap()
}

/// The situations in which somebody is rung.
const DIALS: [usize; 7] = [4, 5, 6, 9, 10, 12, 13];
/// What walks must meet, each at least once.
const REFUSALS: [&str; 12] = [
    "unknown_caller",
    "no_pairing",
    "wrong_id",
    "nothing_entered",
    "emergency_or_short",
    "invalid_number",
    "exchange_number",
    "wrong_pin",
    "pin_locked",
    "no_ticket",
    "wrong_ticket",
    "unpaired_number",
];

#[test]
fn every_walk_ends_well() {
    let dealer = "+420234567890";
    let tickets = || vec![tests::ticket(1, dealer), tests::ticket(2, "+420222333444")];
    let mut guarded = tests::facts(&[1], &[]);
    guarded.shopper.pin = Some(cheap_pin());
    let mut locked = guarded.clone();
    locked.pin_locked = true;
    let mut inactive = tests::facts(&[1], &[]);
    inactive.shopper.active = false;
    let assignment = || Assignment { shopper: tests::shopper(), pairing: tests::pairing(1) };
    let situations = [
        Situation::Outbound(None),
        Situation::Outbound(Some(inactive)),
        Situation::Outbound(Some(locked)),
        Situation::Outbound(Some(tests::facts(&[], &[]))),
        Situation::Outbound(Some(tests::facts(&[1], &[]))),
        Situation::Outbound(Some(tests::facts(&[1, 2], &[]))),
        Situation::Outbound(Some(guarded)),
        Situation::Callback(None),
        Situation::Callback(Some(tests::facts(&[1], &[]))),
        Situation::Callback(Some(tests::facts(&[1], &tickets()[..1]))),
        Situation::Callback(Some(tests::facts(&[1, 2], &tickets()))),
        Situation::Fictitious(None, Some(tests::phone(dealer))),
        Situation::Fictitious(Some(assignment()), Some(tests::phone(dealer))),
        Situation::Fictitious(Some(assignment()), None),
        Situation::Fictitious(Some(assignment()), Some(tests::shopper().phone)),
    ];
    let rules = tests::rules();
    let mut walks = 0;
    let (mut most_legs, mut refusals) = (0, BTreeSet::new());
    for (index, situation) in situations.iter().enumerate() {
        let mut dialled = false;
        for tail in [Tail::Silent, Tail::Busy] {
            let mut choices = Choices::new(tail);
            loop {
                let walk = situation.walk(&rules, &mut choices);
                situation.check(&walk);
                walks += 1;
                most_legs = most_legs.max(walk.history.legs.len());
                dialled |= !walk.history.legs.is_empty();
                refusals.extend(walk.refusals.iter().map(ToString::to_string));
                if !choices.next() {
                    break;
                }
            }
        }
        assert_eq!(dialled, DIALS.contains(&index), "situation {index}");
    }
    // Past the capture: how far the walks went is to be seen with every run.
    let told = writeln!(std::io::stderr(), "{walks} walks through the flows");
    assert!(told.is_ok() && walks > 20_000, "only {walks} walks");
    assert_eq!(most_legs, 3, "a shopper may call three numbers, and no more");
    for refusal in REFUSALS {
        assert!(refusals.contains(refusal), "{refusal} was met by no walk: {refusals:?}");
    }
}
