//! Flows against a scripted switch: what was asked of it, in order, for what callers keyed.

use futures::executor::block_on;
use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::{
    call::{Answer, Desk, Dialled, Digits, Entry, Verb, call},
    cause::Failure,
    destination::DialPolicy,
    facts::{Assignment, Rules, ShopperFacts},
    model::{OpenTicket, Pairing, PairingId, PairingNumber, Shopper, ShopperId, TicketId},
    number::PhoneNumber,
    pin::Pin,
    ticket::TicketNumber,
};

/// What happens next on the scripted line.
#[derive(Clone)]
enum Line {
    Keys(&'static str),
    Dial(Dialled),
    HangsUp,
}
use Line::{Dial, HangsUp, Keys};

pub(super) fn phone(text: &str) -> PhoneNumber {
    PhoneNumber::from_e164(text).unwrap()
}

pub(super) fn rules() -> Rules {
    Rules {
        outbound_hotline: phone("+420234234399"),
        callback_hotline: phone("+420234234390"),
        country: "CZ".parse().unwrap(),
        language: Language::Czech,
        policy: DialPolicy::default(),
    }
}

pub(super) fn shopper() -> Shopper {
    Shopper {
        id: ShopperId(Uuid::from_u128(1)),
        phone: phone("+420601123456"),
        language: Language::Czech,
        active: true,
        pin: None,
    }
}

pub(super) fn pairing(number: u16) -> Pairing {
    Pairing {
        id: PairingId(Uuid::from_u128(u128::from(number))),
        number: PairingNumber::new(number).unwrap(),
        fictitious_number: phone(&format!("+42077700011{number}")),
        project: None,
    }
}

pub(super) fn ticket(number: u8, dealer: &str) -> OpenTicket {
    OpenTicket {
        id: TicketId(Uuid::from_u128(u128::from(number) + 100)),
        number: TicketNumber::new(number).unwrap(),
        dealer: phone(dealer),
        pairing: pairing(u16::from(number)),
        last_missed_at: Timestamp::UNIX_EPOCH,
    }
}

pub(super) fn facts(pairings: &[u16], tickets: &[OpenTicket]) -> ShopperFacts {
    ShopperFacts {
        shopper: shopper(),
        pin_locked: false,
        pairings: pairings.iter().map(|number| pairing(*number)).collect(),
        tickets: tickets.to_vec(),
        unread_pairings: false,
        unread_tickets: false,
    }
}

/// Writes down each verb as a word or two and answers it from the script; at the script's end
/// nothing more is keyed and nobody answers.
async fn play_script(mut desk: Desk, script: Vec<Line>) -> Vec<String> {
    let mut script = script.into_iter().peekable();
    let mut heard = Vec::new();
    let mut wrong_pins = 0;
    while let Some(request) = desk.next().await {
        let (verb, reply) = request.split();
        let answer = match verb {
            Verb::Answer => {
                heard.push("answer".to_owned());
                Answer::Done
            }
            Verb::Play(prompt) => {
                heard.push(format!("play {}", words(&prompt)));
                Answer::Done
            }
            Verb::Gather(gather) => {
                heard.push(format!("ask {}", words(&gather.prompt)));
                match script.peek() {
                    Some(Keys(keys)) => {
                        let entry = match *keys {
                            "" | "#" => Entry::Nothing,
                            "*" => Entry::StartAgain,
                            digits => Entry::Digits(Digits::new(digits)),
                        };
                        script.next();
                        Answer::Entry(entry)
                    }
                    Some(HangsUp) => return heard,
                    Some(Dial(_)) | None => Answer::Entry(Entry::Nothing),
                }
            }
            Verb::Connect(dial) => {
                heard.push(format!("dial {} as {}", dial.to, dial.shown));
                match script.next() {
                    Some(Dial(dialled)) => Answer::Dialled(dialled),
                    Some(HangsUp) => return heard,
                    Some(Keys(_)) | None => Answer::Dialled(Dialled::Failed(Failure::NoAnswer)),
                }
            }
            Verb::PinTried(right) => {
                heard.push(format!("pin {right}"));
                wrong_pins += u32::from(!right);
                Answer::Locked(wrong_pins >= crate::pin::TRIES)
            }
            Verb::Refused(refusal) => {
                heard.push(format!("refused {refusal}"));
                Answer::Done
            }
            Verb::Hangup(cause) => {
                heard.push(format!("hangup {}", cause.as_str()));
                Answer::Done
            }
        };
        reply.send(answer);
    }
    heard
}

fn words(prompt: &Prompt) -> String {
    let clips: Vec<&str> = prompt.clips().map(Clip::as_str).collect();
    clips.join("+")
}

fn outbound(facts: Option<&ShopperFacts>, script: &[Line]) -> Vec<String> {
    let (mut call, desk) = call();
    let rules = rules();
    block_on(async {
        let flow = async move {
            let ended = outbound_hotline(&mut call, &rules, facts).await;
            drop(call);
            ended
        };
        futures::join!(flow, play_script(desk, script.to_vec())).1
    })
}

fn callback(facts: &ShopperFacts, script: &[Line]) -> Vec<String> {
    let (mut call, desk) = call();
    let rules = rules();
    block_on(async {
        let flow = async move {
            let ended = callback_hotline(&mut call, &rules, Some(facts)).await;
            drop(call);
            ended
        };
        futures::join!(flow, play_script(desk, script.to_vec())).1
    })
}

fn dealer_calls(
    assignment: Option<&Assignment>,
    dealer: Option<&PhoneNumber>,
    script: &[Line],
) -> Vec<String> {
    let (mut call, desk) = call();
    let rules = rules();
    block_on(async {
        let flow = async move {
            let ended = fictitious_number(&mut call, &rules, assignment, dealer).await;
            drop(call);
            ended
        };
        futures::join!(flow, play_script(desk, script.to_vec())).1
    })
}

const TALKED: Line = Dial(Dialled::Talked);

#[test]
fn one_pairing_is_taken_silently() {
    assert_eq!(
        outbound(Some(&facts(&[1], &[])), &[Keys("234567890"), TALKED]),
        ["answer", "ask enter-destination", "dial +420234567890 as +420777000111"]
    );
}

#[test]
fn the_only_one_that_can_be_read_is_asked_for() {
    // The shopper may have meant another: nobody is called under a number that was not chosen.
    let pairing = ShopperFacts { unread_pairings: true, ..facts(&[1], &[]) };
    assert_eq!(
        outbound(Some(&pairing), &[Keys("1"), Keys("234567890"), TALKED]),
        ["answer", "ask enter-id", "ask enter-destination", "dial +420234567890 as +420777000111"]
    );
    let ticket =
        ShopperFacts { unread_tickets: true, ..facts(&[1], &[ticket(1, "+420234567890")]) };
    let told = callback(&ticket, &[Keys("1"), TALKED]);
    assert!(told.iter().any(|step| step.contains("enter-ticket")), "{told:?}");
    assert_eq!(told.last().map(String::as_str), Some("dial +420234567890 as +420777000111"));
}

#[test]
fn several_pairings_ask_for_the_id() {
    assert_eq!(
        outbound(Some(&facts(&[1, 2], &[])), &[Keys("2"), Keys("234567890"), TALKED]),
        ["answer", "ask enter-id", "ask enter-destination", "dial +420234567890 as +420777000112"]
    );
}

#[test]
fn zero_reads_the_list_and_keys_typed_over_it_count() {
    let heard = outbound(Some(&facts(&[1, 2], &[])), &[Keys("0"), Keys("1"), Keys("234567890")]);
    assert_eq!(heard[2], "ask listing-id+listing-number+listing-id+listing-number+enter-id");
    assert_eq!(heard[4], "dial +420234567890 as +420777000111");
}

#[test]
fn a_long_list_is_read_in_pieces_and_can_be_keyed_over() {
    let many: Vec<u16> = (1..=9).chain(1..=9).collect();
    let heard = outbound(Some(&facts(&many, &[])), &[Keys("0"), Keys("2"), Keys("234567890")]);
    assert!(!heard[2].contains("enter-id"), "the question comes after the last piece");
    assert_eq!(heard[3], "ask enter-destination");
}

#[test]
fn three_wrong_ids_end_the_call_politely() {
    assert_eq!(
        outbound(Some(&facts(&[1, 2], &[])), &[Keys("7"), Keys("8"), Keys("9999")]),
        [
            "answer",
            "ask enter-id",
            "refused wrong_id",
            "ask wrong-id+enter-id",
            "refused wrong_id",
            "ask wrong-id+enter-id",
            "refused wrong_id",
            "play wrong-id+too-many-attempts",
            "hangup NORMAL_CLEARING"
        ]
    );
}

#[test]
fn a_star_starts_the_entry_again() {
    assert_eq!(
        outbound(Some(&facts(&[1], &[])), &[Keys("*"), Keys("234567890"), TALKED])[1..3],
        ["ask enter-destination", "ask enter-destination"]
    );
}

#[test]
fn what_is_wrong_with_a_destination_is_said_and_three_end_the_call() {
    assert_eq!(
        outbound(Some(&facts(&[1], &[])), &[Keys("112"), Keys("906123456"), Keys("")])[1..],
        [
            "ask enter-destination",
            "refused emergency_or_short",
            "ask emergency-number+enter-destination",
            "refused premium_rate",
            "ask premium-number+enter-destination",
            "refused nothing_entered",
            "play nothing-entered+too-many-attempts",
            "hangup NORMAL_CLEARING"
        ]
    );
}

#[test]
fn a_busy_dealer_is_told_and_another_number_may_be_called_three_times() {
    let busy = || Dial(Dialled::Failed(Failure::Busy));
    let number = || Keys("234567890");
    let heard = outbound(
        Some(&facts(&[1], &[])),
        &[
            number(),
            busy(),
            number(),
            Dial(Dialled::Failed(Failure::Unallocated)),
            number(),
            busy(),
        ],
    );
    assert_eq!(
        heard[1..],
        [
            "ask enter-destination",
            "dial +420234567890 as +420777000111",
            "ask dealer-busy+enter-another",
            "dial +420234567890 as +420777000111",
            "ask dealer-unallocated+enter-another",
            "dial +420234567890 as +420777000111",
            "play dealer-busy+goodbye",
            "hangup NORMAL_CLEARING"
        ]
    );
}

#[test]
fn a_fictitious_number_of_the_exchange_is_asked_again_and_a_used_up_limit_ends_the_call() {
    let heard = outbound(
        Some(&facts(&[1], &[])),
        &[
            Keys("777000115"),
            Dial(Dialled::Refused(Refusal::ExchangeNumber)),
            Keys("234567890"),
            Dial(Dialled::Refused(Refusal::CallsPerDay)),
        ],
    );
    assert_eq!(
        heard[3..],
        [
            "refused exchange_number",
            "ask own-exchange-number+enter-destination",
            "dial +420234567890 as +420777000111",
            "refused calls_per_day",
            "play limit-calls-day",
            "hangup NORMAL_CLEARING"
        ]
    );
}

#[test]
fn strangers_inactive_shoppers_and_shoppers_without_a_number_are_turned_away() {
    let turned = |facts: Option<&ShopperFacts>| outbound(facts, &[])[1..].join(", ");
    assert_eq!(turned(None), "refused unknown_caller, play unknown-caller, hangup NORMAL_CLEARING");
    let mut inactive = facts(&[1], &[]);
    inactive.shopper.active = false;
    assert_eq!(
        turned(Some(&inactive)),
        "refused inactive_shopper, play unknown-caller, hangup NORMAL_CLEARING"
    );
    assert_eq!(
        turned(Some(&facts(&[], &[]))),
        "refused no_pairing, play no-number-assigned, hangup NORMAL_CLEARING"
    );
}

#[test]
fn a_pin_lets_in_and_three_wrong_ones_lock_out() {
    let mut guarded = facts(&[1], &[]);
    guarded.shopper.pin = Some(Pin::hash("1234", &[0; 16]).unwrap());
    assert_eq!(
        outbound(Some(&guarded), &[Keys("1234"), HangsUp])[1..],
        ["ask enter-pin", "pin true", "ask enter-destination"]
    );
    let heard = outbound(Some(&guarded), &[Keys("1"), Keys("2"), Keys("3"), Keys("1234")]);
    assert_eq!(heard.iter().filter(|line| *line == "pin false").count(), 3);
    assert_eq!(heard[heard.len() - 2..], ["play pin-locked", "hangup NORMAL_CLEARING"]);
    guarded.pin_locked = true;
    assert_eq!(outbound(Some(&guarded), &[])[1], "refused pin_locked");
}

#[test]
fn without_a_recording_nobody_is_rung() {
    assert_eq!(
        outbound(Some(&facts(&[1], &[])), &[Keys("234567890"), Dial(Dialled::NotRecordable)])[3..],
        ["refused not_recordable", "play calls-not-possible", "hangup NORMAL_CLEARING"]
    );
}

#[test]
fn an_unpaired_number_is_unallocated_and_never_answered() {
    assert_eq!(
        dealer_calls(None, Some(&phone("+420234567890")), &[]),
        ["refused unpaired_number", "hangup UNALLOCATED_NUMBER"]
    );
}

#[test]
fn a_dealer_rings_the_shopper_under_the_callback_hotline() {
    let assignment = Assignment { shopper: shopper(), pairing: pairing(1) };
    let dealer = phone("+420234567890");
    for dealer in [Some(&dealer), None] {
        assert_eq!(
            dealer_calls(Some(&assignment), dealer, &[TALKED]),
            ["dial +420601123456 as +420234234390"]
        );
        for (failure, cause) in [
            (Failure::NoAnswer, "NO_ANSWER"),
            (Failure::Busy, "USER_BUSY"),
            (Failure::Rejected, "CALL_REJECTED"),
            (Failure::Unreachable, "SUBSCRIBER_ABSENT"),
        ] {
            assert_eq!(
                dealer_calls(Some(&assignment), dealer, &[Dial(Dialled::Failed(failure))])[1..],
                ["play not-available".to_owned(), format!("hangup {cause}")]
            );
        }
    }
}

#[test]
fn a_shopper_calling_their_own_fictitious_number_hears_busy() {
    let assignment = Assignment { shopper: shopper(), pairing: pairing(1) };
    assert_eq!(
        dealer_calls(Some(&assignment), Some(&phone("+420601123456")), &[]),
        ["refused own_pairing", "hangup USER_BUSY"]
    );
}

#[test]
fn no_ticket_is_said_and_one_is_connected_by_itself() {
    assert_eq!(
        callback(&facts(&[1], &[]), &[])[1..],
        ["refused no_ticket", "play no-missed-calls", "hangup NORMAL_CLEARING"]
    );
    assert_eq!(
        callback(&facts(&[1], &[ticket(1, "+420234567890")]), &[TALKED])[1..],
        ["play one-missed-call", "dial +420234567890 as +420777000111"]
    );
}

#[test]
fn of_several_tickets_the_keyed_one_is_called_under_its_own_number() {
    let tickets = [ticket(1, "+420234567890"), ticket(2, "+420222333444")];
    assert_eq!(
        callback(&facts(&[1, 2], &tickets), &[Keys("2"), TALKED])[1..],
        ["ask you-have+missed-calls-few+enter-ticket", "dial +420222333444 as +420777000112"]
    );
    let heard = callback(&facts(&[1, 2], &tickets), &[Keys("0"), Keys("5"), Keys("1")]);
    assert_eq!(
        heard[2..5],
        [
            "ask listing-ticket+listing-from+listing-ticket+listing-from+enter-ticket",
            "refused wrong_ticket",
            "ask wrong-ticket+enter-ticket"
        ]
    );
}

#[test]
fn an_unanswered_callback_says_why() {
    let heard = callback(
        &facts(&[1], &[ticket(1, "+420234567890")]),
        &[Dial(Dialled::Failed(Failure::Busy))],
    );
    assert_eq!(heard[3..], ["play dealer-busy", "hangup NORMAL_CLEARING"]);
}

#[test]
fn a_missed_premium_number_is_not_called_back() {
    let heard = callback(&facts(&[1], &[ticket(1, "+420906123456")]), &[TALKED]);
    assert_eq!(heard[2..4], ["refused premium_rate", "play premium-number"]);
}

/// Answers the questions in turn, with the first call failing; tells which of them forget what was
/// keyed before.
fn forgetful(facts: &ShopperFacts, answers: &[&str]) -> Vec<String> {
    let (mut call, mut desk) = call();
    let rules = rules();
    let mut answers = answers.iter();
    let mut asked = Vec::new();
    block_on(async {
        let flow = async move {
            let ended = outbound_hotline(&mut call, &rules, Some(facts)).await;
            drop(call);
            ended
        };
        let answer = async {
            while let Some(request) = desk.next().await {
                let (verb, reply) = request.split();
                reply.send(match verb {
                    Verb::Gather(gather) => {
                        if gather.ahead == Ahead::Forgotten {
                            asked.push(words(&gather.prompt));
                        }
                        let Some(digits) = answers.next() else { return };
                        Answer::Entry(match *digits {
                            "" => Entry::Nothing,
                            "*" => Entry::StartAgain,
                            digits => Entry::Digits(Digits::new(digits)),
                        })
                    }
                    Verb::Connect(_) => Answer::Dialled(Dialled::Failed(Failure::Busy)),
                    Verb::PinTried(_) => Answer::Locked(false),
                    Verb::Answer | Verb::Play(_) | Verb::Refused(_) | Verb::Hangup(_) => {
                        Answer::Done
                    }
                });
            }
        };
        let _ = futures::join!(flow, answer).0;
    });
    asked
}

#[test]
fn keys_from_before_count_but_after_a_wrong_entry_and_a_failed_call() {
    let mut guarded = facts(&[1, 2], &[]);
    guarded.shopper.pin = Some(Pin::hash("1234", &[0; 16]).unwrap());
    let right = ["1234", "0", "1", "*", "", "234567890"];
    assert_eq!(forgetful(&guarded, &right), ["dealer-busy+enter-another"]);
    let wrong = ["9", "1234", "7", "1", "112", "234567890"];
    assert_eq!(
        forgetful(&guarded, &wrong),
        [
            "wrong-pin+enter-pin",
            "wrong-id+enter-id",
            "emergency-number+enter-destination",
            "dealer-busy+enter-another"
        ]
    );
}

/// Nobody knows whose phone it is; but no dealer calls a hotline.
#[test]
fn a_hotlines_caller_whose_facts_cannot_be_read_hears_that_calls_are_not_possible() {
    let (mut call, desk) = call();
    let heard = block_on(async {
        let flow = async move {
            let ended = unreadable(&mut call, &rules()).await;
            drop(call);
            ended
        };
        futures::join!(flow, play_script(desk, Vec::new())).1
    });
    assert_eq!(
        heard,
        ["answer", "refused unavailable", "play calls-not-possible", "hangup NORMAL_CLEARING"]
    );
}
