//! Everything that can go wrong on a connection, at every step of a call.
//!
//! Each combination is a call of its own, by a shopper of their own; all of them are under way at
//! once. Whatever happens to a call: it ends, its row is closed, a missed dealer's ticket is there, and
//! nothing is left in the exchange or in the switch.

use std::{collections::HashMap, time::Duration};

use fakeswitch::{Fate, Faults, Invite, RecordingFault, WireFault};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::{
    language::{
        Call, Callee, DEALER, DEALER_HZ, OUTBOUND, PhoneAccount, SHOPPER_HZ, Setup, Step, phone,
        secs,
    },
    simulated::{Legs, Person, Place, attend},
    time::VirtualTime,
};

/// More frames than the switch sends in any of these calls; proven by the last ones, whose fault
/// must change nothing.
const FRAMES: usize = 40;
/// The same for completions.
const COMPLETIONS: usize = 8;
/// Nobody stays on the phone for longer, whatever they hear.
const PATIENCE: Duration = Duration::from_mins(2);
/// FreeSWITCH's longest prompt, its completion lost, and the CDR intake after it.
const SETTLED: Duration = Duration::from_mins(7);

/// One thing that goes wrong.
struct Trouble {
    name: String,
    faults: Faults,
}

fn troubles() -> Vec<Trouble> {
    let mut all = Vec::new();
    let mut add = |name: String, faults: Faults| all.push(Trouble { name, faults });
    let wire = |fault: WireFault| Faults { wire: vec![fault], ..Faults::default() };
    for frame in 0..FRAMES {
        for byte in [0, 1, 30, 200] {
            let pause = Duration::from_millis(300);
            add(
                format!("frame {frame} in two pieces at byte {byte}"),
                wire(WireFault::Split { frame, byte, pause }),
            );
            add(format!("frame {frame} ends at byte {byte}"), wire(WireFault::Cut { frame, byte }));
        }
        for by in [Duration::from_millis(300), secs(15)] {
            add(format!("frame {frame} comes {by:?} late"), wire(WireFault::Delay { frame, by }));
        }
        add(format!("a flood before frame {frame}"), wire(WireFault::Flood { frame, events: 200 }));
        add(format!("a reset before frame {frame}"), wire(WireFault::Disconnect { frame }));
    }
    for nth in 0..COMPLETIONS {
        for fate in
            [Fate::Late(Duration::from_millis(700)), Fate::Late(secs(30)), Fate::Twice, Fate::Never]
        {
            add(format!("completion {nth}: {fate:?}"), wire(WireFault::Completion { nth, fate }));
        }
    }
    add("silence".to_owned(), Faults { silent: true, ..Faults::default() });
    for after_bytes in [0, 44, 1000, 20_000] {
        let recording = Some(RecordingFault::DiskFull { after_bytes });
        add(
            format!("the disk is full after {after_bytes} bytes"),
            Faults { recording, ..Faults::default() },
        );
    }
    let recording = Some(RecordingFault::CannotStart);
    add("no recording".to_owned(), Faults { recording, ..Faults::default() });
    all
}

/// The shopper of a combination, and their fictitious number.
fn numbers(index: usize) -> (String, String) {
    (format!("+4206011{index:05}"), format!("+4207770{index:05}"))
}

fn setup(count: usize) -> String {
    let line = |index| {
        let (shopper, number) = numbers(index);
        format!("{shopper},,cs,{number},1,Auto,,\n")
    };
    (0..count).map(line).collect()
}

/// What is left when all is over.
struct Aftermath {
    calls: HashMap<String, Value>,
    tickets: Vec<Value>,
}

/// Plays one call for each trouble, all at once, and looks at what is left.
fn play(
    troubles: &[Trouble],
    call: impl Fn(usize) -> Call,
    callees: impl Fn() -> Vec<Callee>,
) -> Aftermath {
    let time = VirtualTime::new();
    time.run(async {
        let mut place = Place::new(&Setup::default(), time.outside()).await;
        place.start_exchange().await;
        place.import(&setup(troubles.len())).await;
        let switch = place.switch().clone();
        let (tell, _told) = tokio::sync::mpsc::unbounded_channel();
        let legs = Legs::default();
        let attendants: Vec<JoinHandle<()>> =
            callees().into_iter().map(|callee| attend(&switch, &callee, &legs, &tell)).collect();
        let people: Vec<JoinHandle<PhoneAccount>> = troubles
            .iter()
            .enumerate()
            .map(|(index, trouble)| {
                switch.set_faults(trouble.faults.clone());
                let call = call(index);
                let phone = switch.call(Invite::new(&call.from, &call.dials));
                tokio::spawn(Person::calling(phone, &call, tell.clone()).does(call.steps))
            })
            .collect();
        for (person, trouble) in people.into_iter().zip(troubles) {
            assert!(person.await.is_ok(), "{}: the caller is left on the phone", trouble.name);
        }
        tokio::time::sleep(SETTLED).await;
        // One connection is the exchange's own, by which it watches FreeSWITCH.
        assert_eq!((switch.legs(), switch.connections()), (0, 1), "legs, connections");
        assert_eq!(place.calls(), 0, "calls that a task looks after");
        let calls = place.list("calls").await;
        assert_eq!(calls.len(), troubles.len(), "a row for each call");
        let tickets = place.list("tickets").await;
        let messages = place.list("sms").await;
        assert_eq!(messages.len(), tickets.len(), "a message for each ticket");
        for recording in place.list("recordings").await {
            assert_ne!(recording["verdict"], "pending", "nobody looked at {recording:#}");
        }
        attendants.iter().for_each(JoinHandle::abort);
        place.close().await;
        let calls = calls
            .into_iter()
            .map(|call| (call["shopper"].as_str().unwrap_or_default().to_owned(), call));
        Aftermath { calls: calls.collect(), tickets }
    })
}

fn of<'a>(aftermath: &'a Aftermath, index: usize, trouble: &Trouble) -> &'a Value {
    let (shopper, _) = numbers(index);
    let call = aftermath.calls.get(&shopper);
    let call = call.unwrap_or_else(|| panic!("{}: no row", trouble.name));
    assert!(!call["ended_at"].is_null(), "{}: an open row {call:#}", trouble.name);
    assert!(!call["outcome"].is_null(), "{}: no outcome {call:#}", trouble.name);
    call
}

/// A shopper calls out, the dealer answers.
pub(crate) fn outbound_calls() -> String {
    let troubles = troubles();
    let aftermath = play(
        &troubles,
        |index| {
            let steps = vec![
                Step::Waits(Duration::from_millis(1500)),
                Step::Keys("234567890#"),
                Step::Waits(PATIENCE),
                Step::HangsUp,
            ];
            Call { steps, ..phone(numbers(index).0).who_shops().calls(OUTBOUND) }
        },
        || {
            let steps = vec![
                Step::Rings(Duration::from_millis(700)),
                Step::Answers,
                Step::Talks(secs(2)),
                Step::HangsUp,
            ];
            vec![Callee { number: DEALER.to_owned(), voice: DEALER_HZ, steps }]
        },
    );
    let rows: Vec<&Value> = troubles
        .iter()
        .enumerate()
        .map(|(index, trouble)| of(&aftermath, index, trouble))
        .collect();
    // What only delays or cuts in pieces harms nobody, nor does what comes after the end.
    for (trouble, row) in troubles.iter().zip(rows) {
        let harmless = trouble.name.contains("pieces")
            || trouble.name.contains("flood")
            || trouble.name.contains("300ms")
            || trouble.name.contains("Twice")
            || trouble.name.ends_with(&format!("frame {}", FRAMES - 1))
            || trouble.name.contains(&format!("frame {} ", FRAMES - 1))
            || trouble.name.contains(&format!("completion {}:", COMPLETIONS - 1));
        assert!(!harmless || row["outcome"] == "answered", "{}: {row:#}", trouble.name);
    }
    format!("{} combinations", troubles.len())
}

/// A dealer calls back, the shopper does not answer: whatever goes wrong, there is a ticket.
pub(crate) fn missed_callbacks() -> String {
    // A recording has no part in a call that nobody answers.
    let troubles: Vec<Trouble> =
        troubles().into_iter().filter(|trouble| trouble.faults.recording.is_none()).collect();
    let dealer = |index: usize| format!("+4202222{index:05}");
    let aftermath = play(
        &troubles,
        |index| {
            let steps = vec![Step::Waits(PATIENCE), Step::HangsUp];
            Call { steps, ..phone(dealer(index)).calls(&numbers(index).1) }
        },
        || {
            let shopper = |index| Callee {
                number: numbers(index).0,
                voice: SHOPPER_HZ,
                steps: vec![Step::RingsOn],
            };
            (0..troubles.len()).map(shopper).collect()
        },
    );
    for (index, trouble) in troubles.iter().enumerate() {
        of(&aftermath, index, trouble);
        let (shopper, _) = numbers(index);
        let tickets: Vec<&Value> =
            aftermath.tickets.iter().filter(|ticket| ticket["shopper"] == shopper).collect();
        let [ticket] = tickets[..] else { panic!("{}: tickets {tickets:#?}", trouble.name) };
        assert_eq!(ticket["dealer"], dealer(index), "{}", trouble.name);
        assert_eq!(ticket["missed"], 1, "{}: counted twice", trouble.name);
    }
    format!("{} combinations", troubles.len())
}
