//! A thousand talks at once, through the whole manual, in one process with their switch.

use std::{fs, time::Duration};

use fakeswitch::{Invite, Switch};
use serde_json::Value;
use tokio::{sync::mpsc::UnboundedSender, task::JoinHandle};

use crate::{
    language::{
        CALLBACK, Call, Callee, DEALER, DEALER_HZ, HALF_A_SECOND, Moment, OTHER_DEALER, OUTBOUND,
        PhoneAccount, SHOPPER_HZ, Setup, Step, phone, secs,
    },
    simulated::{Legs, Person, Place, attend},
    time::{VirtualTime, real_now},
};

/// Shoppers, each of them talking in one and the same moment.
const TALKS: usize = 1000;
/// Callers beside them whom nobody knows.
const STRANGERS: usize = 250;
/// A quarter of the talks go each way through the manual.
const QUARTER: usize = TALKS / 4;
/// So long that all of them talk at the same time.
const TALK: Duration = secs(30);
/// By then all of them have keyed what they had to, and nobody has hung up.
const AMID: Duration = secs(25);

/// A shopper, their two numbers, and a dealer of their own who calls them back.
struct Party {
    shopper: String,
    numbers: [String; 2],
    dealer: String,
}

impl Party {
    fn new(index: usize) -> Self {
        Self {
            shopper: format!("+4206011{index:05}"),
            numbers: [format!("+4207770{index:05}"), format!("+4207771{index:05}")],
            dealer: format!("+4202222{index:05}"),
        }
    }

    /// Makes a call and sees it to its end.
    async fn calls(
        &self,
        stage: &Crowd,
        from: &str,
        dials: &str,
        steps: Vec<Step>,
    ) -> PhoneAccount {
        let mut person = phone(from);
        if from == self.shopper {
            person = person.who_shops();
        }
        let call = Call { steps, ..person.calls(dials) };
        let phone = stage.switch.call(Invite::new(from, dials));
        Person::calling(phone, &call, stage.tell.clone()).does(call.steps).await
    }

    /// One of four ways through the manual, by the party's index.
    async fn lives(self, stage: Crowd, index: usize) {
        let talks = vec![Step::TalksUntilHangup];
        match index % 4 {
            // Calls out by the second number, after listening to the list.
            0 => {
                let mut steps = vec![
                    Step::Hears("enter-id"),
                    Step::Keys("0#"),
                    Step::Hears("listing-number"),
                    Step::Keys("2#"),
                    Step::Hears("enter-destination"),
                    Step::Keys("234567890#"),
                ];
                steps.extend(talks);
                self.calls(&stage, &self.shopper, OUTBOUND, steps).await;
            }
            // The first dealer is busy, another one answers.
            1 => {
                let mut steps = vec![
                    Step::Hears("enter-id"),
                    Step::Keys("1#"),
                    Step::Hears("enter-destination"),
                    Step::Keys("222333444#"),
                    Step::Hears("enter-another"),
                    Step::Keys("234567890#"),
                ];
                steps.extend(talks);
                self.calls(&stage, &self.shopper, OUTBOUND, steps).await;
            }
            // The dealer calls back and reaches the shopper.
            2 => {
                let steps = vec![Step::TalksUntilHangup];
                self.calls(&stage, &self.dealer, &self.numbers[0], steps).await;
            }
            // The dealer does not reach the shopper, who returns the call.
            _ => {
                let steps = vec![Step::ListensUntilHangup];
                let missed = self.calls(&stage, &self.dealer, &self.numbers[1], steps).await;
                assert_eq!(missed.heard, ["not-available"]);
                // Nobody returns a call in the moment it is missed; the row takes a moment, too.
                tokio::time::sleep(secs(10)).await;
                let mut steps = vec![Step::Hears("one-missed-call")];
                steps.extend(talks);
                self.calls(&stage, &self.shopper, CALLBACK, steps).await;
            }
        }
    }

    /// The phones that this party's calls ring.
    fn phones(&self, index: usize) -> Vec<Callee> {
        let phone = |number: &str, voice, steps| Callee { number: number.to_owned(), voice, steps };
        match index % 4 {
            2 => vec![phone(&self.shopper, SHOPPER_HZ, answers())],
            3 => vec![
                phone(&self.shopper, SHOPPER_HZ, vec![Step::Rejects(486)]),
                phone(&self.dealer, DEALER_HZ, answers()),
            ],
            _ => Vec::new(),
        }
    }
}

/// Nobody knows this caller.
async fn stranger(stage: Crowd, index: usize) {
    let number = format!("+4206089{index:05}");
    let steps = vec![Step::Hears("unknown-caller"), Step::ListensUntilHangup];
    Party::new(index).calls(&stage, &number, OUTBOUND, steps).await;
}

fn answers() -> Vec<Step> {
    vec![Step::Rings(HALF_A_SECOND), Step::Answers, Step::Talks(TALK), Step::HangsUp]
}

/// What every party needs.
#[derive(Clone)]
struct Crowd {
    switch: Switch,
    tell: UnboundedSender<Moment>,
    legs: Legs,
}

impl Crowd {
    fn attend(&self, callee: &Callee) -> JoinHandle<()> {
        attend(&self.switch, callee, &self.legs, &self.tell)
    }
}

/// Makes the calls and checks what they came to; tells what they cost.
pub(crate) fn thousand_calls() -> String {
    let time = VirtualTime::new();
    let setup = Setup { settings: vec![("switch.max_calls", "2000")], ..Setup::default() };
    let mut place = time.run(async {
        let mut place = Place::new(&setup, time.outside()).await;
        place.start_exchange().await;
        let table = |party: Party| {
            let Party { shopper, numbers: [first, second], .. } = party;
            format!("{shopper},,cs,{first},1,Auto,,\n{shopper},,cs,{second},2,Auto,,\n")
        };
        let lines: String = (0..TALKS).map(Party::new).map(table).collect();
        place.import(&lines).await;
        // The workers have begun.
        tokio::time::sleep(secs(3)).await;
        place
    });
    let (tasks, sockets) = (time.tasks(), open_files());
    let (memory, cpu, began) = (resident_kb(), cpu_seconds(), real_now());
    let (at_once, peak) = time.run(play(&place));
    let (took, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    // Recordings are proven, CDR files taken in, closed sockets gone.
    time.run(async { tokio::time::sleep(secs(30)).await });
    let left = (place.switch().legs(), place.switch().connections(), place.calls());
    // The one connection is the exchange's, over which it watches its switch.
    assert_eq!(left, (0, 1, 0), "legs, connections, calls looked after");
    assert_eq!(time.tasks(), tasks, "tasks");
    assert_eq!(open_files(), sockets, "sockets and files");
    let (calls, tickets) =
        time.run(async { (place.list("calls").await, place.list("tickets").await) });
    assert_eq!(at_once, TALKS, "talks at the same time");
    check(&calls, &tickets);
    let recordings = time.run(async { place.list("recordings").await });
    assert_eq!(recordings.len(), TALKS);
    let alarming = recordings.iter().find(|recording| recording["verdict"] != "ok");
    assert_eq!(alarming, None, "a false alarm");
    let records = fs::read_dir(place.folder().join("cdr")).unwrap().count();
    assert_eq!(records, 0, "call detail records that were not taken in");
    let legs = calls.len();
    time.run(place.close());
    #[expect(clippy::cast_precision_loss, reason = "figures of a report")]
    let (legs, peak) = (legs as f64, (peak.saturating_sub(memory)) as f64);
    format!(
        "{legs} calls, {at_once} talks at once: {:.0} calls/s, {:.1} ms of CPU a call, \
         {:.0} kB resident a talk (exchange, switch, phones and both ends of every socket)",
        legs / took,
        cpu * 1000.0 / legs,
        peak / f64::from(u32::try_from(at_once).unwrap()),
    )
}

/// How many calls were bridged at once, and the memory used then.
async fn play(place: &Place) -> (usize, u64) {
    let (tell, _told) = tokio::sync::mpsc::unbounded_channel();
    let stage = Crowd { switch: place.switch().clone(), tell, legs: Legs::default() };
    let mut phones = vec![stage.attend(&Callee {
        number: DEALER.to_owned(),
        voice: DEALER_HZ,
        steps: answers(),
    })];
    let busy = vec![Step::Rejects(486)];
    phones.push(stage.attend(&Callee {
        number: OTHER_DEALER.to_owned(),
        voice: DEALER_HZ,
        steps: busy,
    }));
    for index in 0..TALKS {
        phones
            .extend(Party::new(index).phones(index).into_iter().map(|phone| stage.attend(&phone)));
    }
    let mut lives: Vec<JoinHandle<()>> = (0..TALKS)
        .map(|index| tokio::spawn(Party::new(index).lives(stage.clone(), index)))
        .collect();
    lives.extend((0..STRANGERS).map(|index| tokio::spawn(stranger(stage.clone(), index))));
    tokio::time::sleep(AMID).await;
    let (at_once, peak) = (place.calls(), resident_kb());
    assert_eq!(stage.switch.legs(), at_once * 2, "a leg for each side of each talk");
    for life in lives {
        life.await.unwrap();
    }
    phones.iter().for_each(JoinHandle::abort);
    (at_once, peak)
}

fn check(calls: &[Value], tickets: &[Value]) {
    let count = |service: &str, outcome: &str| {
        let of = |call: &&Value| call["service"] == service && call["outcome"] == outcome;
        calls.iter().filter(of).count()
    };
    assert_eq!(calls.len(), TALKS + QUARTER + STRANGERS);
    assert_eq!(count("outbound_hotline", "answered"), QUARTER * 2);
    assert_eq!(count("fictitious_number", "answered"), QUARTER);
    assert_eq!(count("fictitious_number", "busy"), QUARTER);
    assert_eq!(count("callback_hotline", "answered"), QUARTER);
    assert_eq!(count("outbound_hotline", "refused"), STRANGERS);
    assert!(calls.iter().all(|call| !call["ended_at"].is_null()), "an open row");
    let twice = calls.iter().filter(|call| call["attempts"].as_array().unwrap().len() == 2);
    assert_eq!(twice.count(), QUARTER);
    assert_eq!(tickets.len(), QUARTER);
    assert!(tickets.iter().all(|ticket| ticket["status"] == "called_back"), "an open ticket");
}

/// Sockets and files, but those of the database: under load it opens more connections, and keeps them
/// for a while.
fn open_files() -> usize {
    let open = fs::read_dir("/proc/self/fd").unwrap();
    // The folder that is being read is gone when its own entry is looked up.
    let targets = open.filter_map(|file| fs::read_link(file.unwrap().path()).ok());
    targets.filter(|target| !target.to_string_lossy().contains("ustredna.db")).count()
}

/// Resident memory, kB.
fn resident_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Processor time of this process so far, its threads' together: user and system, in ticks of
/// 10 ms.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let ticks: u32 = fields[11..13].iter().map(|field| field.parse::<u32>().unwrap()).sum();
    f64::from(ticks) / 100.0
}
