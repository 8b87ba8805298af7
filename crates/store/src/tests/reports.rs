//! Delivery reports by providers that do not write ids as they did when they took the SMS.

use exchange::model::SmsId;

use super::fixture::{World, after, member};
use crate::{Delivery, Filter, LeasedSms, Named, SmsFate, SmsRow};

/// So many messages to as many phones, taken by the gateway under these names.
async fn sent(world: &World, names: &[&str]) -> Vec<LeasedSms> {
    world.crowd(u32::try_from(names.len()).unwrap()).await;
    let mut leased = world.lease(after(100), 1000).await;
    leased.sort_by(|a, b| a.to.as_str().cmp(b.to.as_str()));
    for (sms, name) in leased.iter().zip(names) {
        world.sent(sms, after(101), name).await;
    }
    leased
}

/// What a receipt tells: its first name, others, twins, and a number.
async fn told(
    world: &World,
    (id, others, twins, number): (&str, &[&str], &[&str], &str),
    delivery: Delivery<'_>,
) -> Option<SmsId> {
    let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let (others, twins) = (owned(others), owned(twins));
    let numbers = [String::new(), number.to_owned(), "Ustredna".to_owned()];
    let named = Named { id, others: &others, twins: &twins, numbers: &numbers };
    world.store.sms_reported(named, delivery, after(200)).await.unwrap()
}

async fn delivered(world: &World, receipt: (&str, &[&str], &[&str], &str)) -> Option<SmsId> {
    told(world, receipt, Delivery::Delivered).await
}

async fn row(world: &World, id: SmsId) -> SmsRow {
    let all = Filter { limit: Some(1000), ..Filter::default() };
    let rows = world.store.sms(&all).await.unwrap();
    rows.into_iter().find(|row| row.id == id).unwrap()
}

pub(super) async fn ids_meet_though_they_are_written_otherwise(world: World) {
    let world = world.with_eva().await;
    let names =
        ["00B8BE19", "0221067780", "33E95179", "1891273321", "1f3c-AA", "7", "000", "d2d3a04", "x"];
    let sms = sent(&world, &names).await;
    let phone = |index: usize| sms[index].to.as_str();
    let national = |index: usize| phone(index).strip_prefix("+420").unwrap().to_owned();
    for (index, receipt) in [
        // Zeros and case, whether or not the phone is told.
        (0, ("B8BE19", &[][..], &[][..], "")),
        (0, ("0000b8be19", &[], &[], phone(0))),
        (1, ("221067780", &[], &[], &national(1))),
        (4, ("1F3C-aa", &[], &[], "420***")),
        (5, ("0000007", &[], &[], "")),
        // The other base.
        (2, ("870928761", &[], &["33e95179", "9a8c1"], phone(2))),
        (3, ("70BA8A69", &[], &["1891273321"], phone(3))),
        (7, ("0221067780", &[], &["d2d3a04"], phone(7))),
        // The TLV has a name that nobody knows, the text the right one.
        (8, ("other", &["x"], &[], phone(8))),
        (6, ("other", &["000"], &[], &national(6))),
    ] {
        let found = delivered(&world, receipt).await;
        assert_eq!(found, Some(sms[index].id), "{:?}", (receipt.0, receipt.1, receipt.2));
        assert_eq!(row(&world, sms[index].id).await.status.as_str(), "delivered");
    }
}

pub(super) async fn what_only_looks_alike_is_another(world: World) {
    let world = world.with_eva().await;
    let sms = sent(&world, &["aB3x", "Ab3X", "16", "870928761", "33E95179", "5", "0"]).await;
    let phone = |index: usize| sms[index].to.as_str();
    let stranger = member(900);
    for receipt in [
        // Two look alike, and the phone is not told.
        ("AB3X", &[][..], &[][..], ""),
        // Another's phone.
        ("ab3X", &[], &[], stranger.as_str()),
        ("70BA8A69", &[], &["33e95179"], phone(0)),
        ("70BA8A69", &[], &["33e95179"], ""),
        ("other", &["aB3x"], &[], stranger.as_str()),
        ("other", &["aB3x"], &[], ""),
        // A short one is another in the other base.
        ("16", &[], &[], stranger.as_str()),
        ("00", &[], &[], phone(5)),
        ("", &[], &[], ""),
    ] {
        let found = delivered(&world, receipt).await;
        assert_eq!(found, None, "{:?}", (receipt.0, receipt.1, receipt.2));
    }
    // The same text, but of two: the phone tells which.
    let twin = ("870928761", &[][..], &["33e95179"][..], phone(4));
    assert_eq!(delivered(&world, twin).await, Some(sms[4].id));
    let same = ("870928761", &[][..], &["33e95179"][..], phone(3));
    assert_eq!(delivered(&world, same).await, Some(sms[3].id));
    // Used again after the provider's restart.
    world.sent(&sms[6], after(102), "5").await;
    assert_eq!(delivered(&world, ("5", &[], &[], phone(5))).await, Some(sms[5].id));
    assert_eq!(delivered(&world, ("5", &[], &[], phone(6))).await, Some(sms[6].id));
}

pub(super) async fn an_answer_that_is_awaited_may_bring_a_better_match(world: World) {
    let world = world.with_eva().await;
    world.crowd(2).await;
    let leased = world.lease(after(100), 10).await;
    let [first, second] = &leased[..] else { panic!("{}", leased.len()) };
    world.sent(first, after(101), "aB3x").await;
    // Both are to one phone now, and the second has no answer yet.
    world.sql("UPDATE sms SET recipient = '+420602000001'").await;
    let receipt = ("Ab3X", &[][..], &[][..], first.to.as_str());
    assert_eq!(delivered(&world, receipt).await, None);
    assert_eq!(row(&world, first.id).await.status.as_str(), "sent");
    world.sent(second, after(102), "Ab3X").await;
    assert_eq!(delivered(&world, receipt).await, Some(second.id));
    assert_eq!(row(&world, first.id).await.status.as_str(), "sent");
}

pub(super) async fn an_sms_is_there_when_all_its_parts_are(world: World) {
    let world = world.with_eva().await;
    world.crowd(1).await;
    let sms = world.lease(after(100), 1).await.remove(0);
    let provider_id = Some("p2".to_owned());
    let earlier_parts = vec![Some("p1".to_owned())];
    world.came_to(&sms, SmsFate::Sent { at: after(101), provider_id, earlier_parts }).await;
    let status = async || {
        let row = row(&world, sms.id).await;
        (row.status.as_str(), row.error)
    };
    let failed = Delivery::Failed("not delivered: EXPIRED");
    let expired = Some("not delivered: EXPIRED".to_owned());
    assert_eq!(delivered(&world, ("p1", &[], &[], "")).await, Some(sms.id));
    assert_eq!(status().await, ("sent", None));
    // That it has it stands against a failure, for parts as well.
    assert_eq!(told(&world, ("P1", &[], &[], ""), failed).await, Some(sms.id));
    assert_eq!(status().await, ("sent", None));
    assert_eq!(delivered(&world, ("p2", &[], &[], "")).await, Some(sms.id));
    assert_eq!(status().await, ("delivered", None));

    // Sent again under other names: the first part never arrives, whatever the last one does.
    let provider_id = Some("q2".to_owned());
    let earlier_parts = vec![Some("q1".to_owned())];
    world.sql("UPDATE sms SET status = 'sent', delivered_at = NULL").await;
    world.came_to(&sms, SmsFate::Sent { at: after(101), provider_id, earlier_parts }).await;
    assert_eq!(told(&world, ("q1", &[], &[], ""), failed).await, Some(sms.id));
    assert_eq!(status().await, ("failed", expired.clone()));
    assert_eq!(delivered(&world, ("q2", &[], &[], "")).await, Some(sms.id));
    assert_eq!(status().await, ("failed", expired));
    assert_eq!(delivered(&world, ("q1", &[], &[], "")).await, Some(sms.id));
    assert_eq!(status().await, ("delivered", None));
}

/// Numbers without end, the same at every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    fn index(&mut self, most: usize) -> usize {
        usize::try_from(self.below(u64::try_from(most).unwrap())).unwrap()
    }
}

/// How a provider may write a number.
const FORMS: [fn(u64) -> String; 6] = [
    |id| id.to_string(),
    |id| format!("{id:x}"),
    |id| format!("{id:X}"),
    |id| format!("{id:010}"),
    |id| format!("{id:08X}"),
    |id| format!("{id:x}").chars().map(|c| if c == 'a' { 'A' } else { c }).collect(),
];

fn twins(id: &str) -> Vec<String> {
    let decimal = id.parse::<u64>().ok().map(|number| format!("{number:x}"));
    let hexadecimal = u64::from_str_radix(id, 16).ok().map(|number| number.to_string());
    let long = |twin: &String| twin.len() >= 6 && id.len() >= 6;
    decimal.into_iter().chain(hexadecimal).filter(long).collect()
}

/// Whatever the two forms of ids are, in whatever order receipts and answers come, and though strangers'
/// receipts come between them.
pub(super) async fn a_report_never_settles_another(world: World) {
    const PHONES: usize = 12;
    let world = world.with_eva().await;
    let sms = sent(&world, &["x"; PHONES]).await;
    for round in 0..40_u64 {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (round + 1));
        let (in_answer, in_receipt) =
            (FORMS[dice.index(FORMS.len())], FORMS[dice.index(FORMS.len())]);
        // Counters from 1, from a million, and without order.
        let first = [1, 1_100_000, 0x3000_0000][dice.index(3)];
        let mut number = first;
        let mut numbers = Vec::new();
        for _ in 0..PHONES * 2 {
            number += 1 + dice.below(if first == 0x3000_0000 { 0x0100_0000 } else { 2 });
            numbers.push(number);
        }
        // Every other is of somebody else, to the same phones.
        let (ours, theirs): (Vec<_>, Vec<_>) =
            numbers.iter().enumerate().partition(|(index, _)| index % 2 == 0);
        world.sql("UPDATE sms SET status = 'sending', leased_until = 1, provider_id = NULL, delivered_at = NULL").await;
        let mut events: Vec<(bool, usize, bool)> = (0..PHONES)
            .flat_map(|index| [(false, index, true), (true, index, true), (true, index, false)])
            .collect();
        for at in (1..events.len()).rev() {
            events.swap(at, dice.index(at + 1));
        }
        // And all receipts once more, when every answer is there.
        events.extend((0..PHONES).map(|index| (true, index, true)));
        let mut found_at_last = 0;
        for (at, (is_receipt, index, is_ours)) in events.iter().copied().enumerate() {
            if !is_receipt {
                let id = in_answer(*ours[index].1);
                world.sent(&sms[index], after(102), &id).await;
                continue;
            }
            let id = in_receipt(if is_ours { *ours[index].1 } else { *theirs[index].1 });
            // A stranger's is to the phone of some other message of ours; but what is called 22 and what
            // is called 0x22 are not told apart if both go to one phone.
            let to = match (is_ours, first) {
                (true, _) => sms[index].to.clone(),
                (false, 1) => member(900),
                (false, _) => sms[(index + 5) % PHONES].to.clone(),
            };
            let twins = twins(&id);
            let twins: Vec<&str> = twins.iter().map(String::as_str).collect();
            let receipt = (id.as_str(), &[][..], &twins[..], to.as_str());
            let found = delivered(&world, receipt).await;
            let right = if is_ours {
                found.is_none_or(|found| found == sms[index].id)
            } else {
                found.is_none()
            };
            assert!(right, "round {round}, event {at}: {id} of {index} settled another");
            found_at_last += usize::from(at >= events.len() - PHONES && found.is_some());
        }
        if first > 1 {
            assert_eq!(found_at_last, PHONES, "round {round}");
        }
    }
}
