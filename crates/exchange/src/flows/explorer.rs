//! Walks every flow through every sequence of answers, to a depth, and looks at each walk: it
//! ends, nothing is asked after the hang-up, the settlement fits, and no digit shows in a log.

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
    settle::{Effect, settle},
};

/// Decisions taken freely in one walk; after them nothing more is keyed and nobody answers.
const DEPTH: usize = 4;
/// A flow that asks more than this would go on for ever.
const MOST_VERBS: usize = 400;

/// What an entry may be answered with.
const KEYS: [&str; 8] = ["", "*", "0", "1", "2", "7", "112", "234567890"];

const OUTCOMES: [Dialled; 7] = [
    Dialled::Failed(Failure::NoAnswer),
    Dialled::Failed(Failure::Busy),
    Dialled::Failed(Failure::Unallocated),
    Dialled::Talked,
    Dialled::Refused(Refusal::ExchangeNumber),
    Dialled::Refused(Refusal::CallsAtOnce),
    Dialled::NotRecordable,
];

/// The decisions of one walk, as digits of a number whose places have different bases.
#[derive(Default)]
struct Choices {
    taken: Vec<(usize, usize)>,
    at: usize,
}

impl Choices {
    fn choose(&mut self, alternatives: usize) -> usize {
        let at = self.at;
        self.at += 1;
        match self.taken.get(at) {
            Some((choice, _)) => *choice,
            None if at < DEPTH => {
                self.taken.push((0, alternatives));
                0
            }
            None => 0,
        }
    }

    /// Goes on to the next sequence; `false` when all have been walked.
    fn next(&mut self) -> bool {
        self.at = 0;
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
    log: String,
    /// The call was ended by the exchange, by a talk's end or by the caller.
    over: bool,
}

/// Answers as decided; keeps the history as the driver does.
async fn answer(mut desk: Desk, choices: &mut Choices, history: History) -> Walk {
    let mut walk = Walk { history, log: String::new(), over: false };
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
                }
                Answer::Done
            }
            Verb::Play(_) if choices.choose(2) == 1 => {
                walk.over = true;
                return walk;
            }
            Verb::Play(_) => Answer::Done,
            Verb::PinTried(right) => Answer::Locked(!right && choices.choose(2) == 1),
            Verb::Gather(_) => match KEYS.get(choices.choose(KEYS.len() + 1)) {
                Some(&"") => Answer::Entry(Entry::Nothing),
                Some(&"*") => Answer::Entry(Entry::StartAgain),
                Some(keys) => Answer::Entry(Entry::Digits(Digits::new(keys))),
                None => {
                    walk.over = true;
                    return walk;
                }
            },
            Verb::Connect(dial) => {
                let outcome = OUTCOMES.get(choices.choose(OUTCOMES.len() + 1));
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
                        recording: String::new(),
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
        let Walk { history, log, over } = walk;
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

#[test]
fn every_walk_ends_well() {
    let dealer = "+420234567890";
    let tickets = || vec![tests::ticket(1, dealer), tests::ticket(2, "+420222333444")];
    let mut guarded = tests::facts(&[1], &[]);
    guarded.shopper.pin = Some(Pin::hash("1234", &[0; 16]).unwrap());
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
    for situation in &situations {
        let mut choices = Choices::default();
        loop {
            situation.check(&situation.walk(&rules, &mut choices));
            walks += 1;
            if !choices.next() {
                break;
            }
        }
    }
    println!("{walks} walks");
    assert!(walks > 5_000, "only {walks} walks");
}
