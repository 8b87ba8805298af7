//! Killed at random under a load of short calls, with a full disk or a locked database at times, and
//! everything at once as when the power fails.

mod spell;

use std::{env, thread, time::Duration};

use self::spell::Spell;
use super::{Victim, await_settled};
use crate::{
    Scenario,
    disk::Disk,
    exchange::Row,
    language::{DEALER_HZ, OUTBOUND, SHOPPER, SHOPPER_HZ, Setup},
    phone::{Callees, Caller, Phone, Reaction, Steps},
    process::{now, wait_for},
    sip_trace::Trace,
    world::World,
};

/// Random kills; `USTREDNA_E2E_MEASURE=1` makes it twenty in each of twenty-five worlds: each phone has
/// ports of its own, of which there are not enough for more.
const KILLS: usize = 8;
const MANY_KILLS: usize = 20;
const WORLDS: usize = 25;
/// Shoppers whose fictitious numbers dealers call: of one there are but 99 tickets.
const SHOPPERS: [(&str, &str); 10] = [
    (SHOPPER, "+420777000111"),
    ("+420601000001", "+420777000001"),
    ("+420601000002", "+420777000002"),
    ("+420601000003", "+420777000003"),
    ("+420601000004", "+420777000004"),
    ("+420601000005", "+420777000005"),
    ("+420601000006", "+420777000006"),
    ("+420601000007", "+420777000007"),
    ("+420601000008", "+420777000008"),
    ("+420601000009", "+420777000009"),
];
const DATA: &str = "\
+420601123456,,cs,+420777000111,1,,,
+420601000001,,cs,+420777000001,1,,,
+420601000002,,cs,+420777000002,1,,,
+420601000003,,cs,+420777000003,1,,,
+420601000004,,cs,+420777000004,1,,,
+420601000005,,cs,+420777000005,1,,,
+420601000006,,cs,+420777000006,1,,,
+420601000007,,cs,+420777000007,1,,,
+420601000008,,cs,+420777000008,1,,,
+420601000009,,cs,+420777000009,1,,,";
/// Calls under load at once.
const AT_ONCE: usize = 4;
/// Calls when the power fails: talking, listening to a prompt, ringing.
const TALKING: usize = 8;
const LISTENING: usize = 6;
const RINGING: usize = 6;
/// For how long a shopper must have heard the dealer for it to be a talk, in seconds.
const HEARD: f64 = 0.8;

pub(super) fn all() -> Vec<Scenario> {
    let setup = |ring| Setup {
        settings: vec![("callbacks.ring_timeout", ring), ("callbacks.sms_delay", "1s")],
        ..Setup::default()
    };
    let measured = env::var_os("USTREDNA_E2E_MEASURE").is_some();
    let (kills, worlds) = if measured { (MANY_KILLS, WORLDS) } else { (KILLS, 1) };
    let phones = u16::try_from(kills * 14 + 40).unwrap();
    let random = |number: usize| {
        let mut setup = setup("2s");
        setup.settings.push(("database.url", spell::DATABASE));
        // Each of the dealers is a stranger, and each is to be told of by an SMS of its own.
        setup.settings.push(("callbacks.strangers", "1000"));
        setup.data = DATA;
        let name = match number {
            0 => "random_kills_under_load".to_owned(),
            _ => format!("random_kills_under_load_{number}"),
        };
        Scenario::with(name, setup, move |world| random(world, kills, number)).in_world(
            move |setup| {
                let small = |at: &std::path::Path| Disk::in_memory(at, "32m");
                World::with_disk_at(spell::FOLDER, setup, (200, phones), small)
            },
        )
    };
    let mut all: Vec<Scenario> = (0..worlds).map(random).collect();
    let setup = Setup { data: DATA, ..setup("40s") };
    all.push(
        Scenario::with("the_power_fails", setup, power_failure)
            .in_world(|setup| World::with_ports(setup, 200, 40)),
    );
    all
}

/// What a call is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Errand {
    /// A shopper calls a dealer, who talks for a moment and hangs up.
    Talk,
    /// A shopper listens to the prompt.
    Listen,
    /// A dealer calls back; the shopper does not answer.
    Missed,
}

/// A call with a dealer of its own, so that its row can be told from all others.
struct Party {
    errand: Errand,
    /// E.164.
    dealer: String,
    phone: Phone,
    over: bool,
    /// The database failed at some time in it.
    in_spell: bool,
    /// The switch was killed in it.
    cut: bool,
}

struct Crowd {
    called: Phone,
    parties: Vec<Party>,
}

impl Crowd {
    /// Dealers who talk for so long.
    fn new(world: &World, talk_ms: u32) -> Self {
        let then = Steps::new().sings(DEALER_HZ, talk_ms).hangs_up();
        let phones =
            SHOPPERS.iter().fold(Callees::new(), |phones, (shopper, _)| phones.rings(shopper));
        let phones = phones.others(Reaction::Answers { rings_ms: 300, then });
        Self { called: world.callees(&phones), parties: Vec::new() }
    }

    fn add(&mut self, world: &World, errand: Errand) {
        let index = self.parties.len();
        let (dealer, caller) = match errand {
            Errand::Missed => {
                let dealer = format!("+4202223{index:05}");
                let steps = Steps::new().listens_until_hangup(15_000);
                let (_, number) = SHOPPERS[index % SHOPPERS.len()];
                let caller = Caller::new(&dealer, number).open(steps);
                (dealer, caller)
            }
            Errand::Talk => {
                let dealer = format!("+4202345{index:05}");
                let keys = format!("{}#", dealer.trim_start_matches("+420"));
                let steps = Steps::new().hears("enter-destination").keys(&keys);
                let steps = steps.sings_until_hangup(SHOPPER_HZ, 15_000);
                (dealer, Caller::new(SHOPPER, OUTBOUND).open(steps))
            }
            Errand::Listen => {
                let steps = Steps::new().listens_until_hangup(30_000);
                (String::new(), Caller::new(SHOPPER, OUTBOUND).open(steps))
            }
        };
        let phone = world.call(&format!("party{index}"), &caller);
        self.parties.push(Party {
            errand,
            dealer,
            phone,
            over: false,
            in_spell: false,
            cut: false,
        });
    }

    /// How many calls are under way.
    fn under_way(&mut self) -> usize {
        let mut count = 0;
        for party in &mut self.parties {
            party.over = party.over || !party.phone.is_busy();
            count += usize::from(!party.over);
        }
        count
    }

    /// The switch is gone, and with it all calls.
    fn falls_silent(&mut self) {
        for party in self.parties.iter_mut().filter(|party| !party.over) {
            party.phone.breaks();
            (party.over, party.cut) = (true, true);
        }
    }

    /// The database fails for all who are calling.
    fn in_spell(&mut self) {
        for party in self.parties.iter_mut().filter(|party| !party.over) {
            party.in_spell = true;
        }
    }

    /// Holds what the phones saw against what was written, and tells the sums.
    fn assert_nothing_lost(&mut self, world: &World) -> String {
        let rung = self.called.breaks();
        let (calls, tickets) = (world.exchange.list("calls"), world.exchange.list("tickets"));
        let (recordings, sms) = (world.exchange.list("recordings"), world.exchange.list("sms"));
        let (mut talked, mut cut, mut missed, mut asked, mut untold) = (0, 0, 0, 0, 0);
        for party in &self.parties {
            let dealer = party.dealer.as_str();
            let rows: Vec<_> = calls.iter().filter(|call| call["dealer"] == dealer).collect();
            assert!(rows.len() <= 1, "{dealer} has several rows: {rows:#?}");
            let outcome = rows.first().map(|row| row["outcome"].as_str().unwrap());
            match party.errand {
                Errand::Listen => {}
                Errand::Talk => match talk(&rung, dealer) {
                    Talk::None => assert_ne!(outcome, Some("answered"), "{rows:#?}"),
                    Talk::Rung => assert!(outcome.is_some(), "{dealer} was rung and has no row"),
                    Talk::Cut => {
                        assert!(outcome.is_some(), "{dealer} answered and has no row");
                        // A talk that was cut in its first moment is whatever the exchange saw of it.
                        let begun = party.phone.started();
                        if party.phone.ear().seconds_of(DEALER_HZ, begun) >= HEARD {
                            assert_recorded(world, rows[0], &recordings);
                        }
                        cut += 1;
                    }
                    Talk::Whole => {
                        assert_recorded(world, rows[0], &recordings);
                        talked += 1;
                    }
                },
                Errand::Missed => {
                    let heard_ringing = party.phone.trace().answered_at(180).is_some();
                    assert!(outcome.is_some() || !heard_ringing, "{dealer} called, no row");
                    assert_ne!(outcome, Some("answered"), "{rows:#?}");
                    let count = usize::from(outcome.is_some());
                    let of_dealer = |row: &&Row| row["dealer"] == dealer;
                    assert_eq!(tickets.iter().filter(of_dealer).count(), count, "{dealer}");
                    let tells = |row: &&Row| row["text"].as_str().unwrap().contains(dealer);
                    assert_eq!(sms.iter().filter(tells).count(), count, "SMS about {dealer}");
                    missed += count;
                }
            }
            let was_asked =
                party.errand != Errand::Missed && party.phone.ear().speech(None).len() > 4000;
            // The database did not take that somebody called, and FreeSWITCH died without a record.
            let is_untold = party.in_spell && party.cut && rows.is_empty();
            asked += usize::from(was_asked);
            untold += usize::from(was_asked && is_untold);
        }
        let hotline = calls.iter().filter(|call| call["service"] == "outbound_hotline").count();
        // Those who got no dealer have none in their row, so nobody knows which is whose.
        assert!(
            hotline + untold >= asked,
            "{asked} shoppers heard a prompt, {hotline} calls have a row"
        );
        let unknown = asked.saturating_sub(hotline);
        format!(
            "{} calls: {talked} whole talks, {cut} cut, {missed} missed callbacks, {asked} heard a \
             prompt, {unknown} of them in no record; {} rows, {} recordings, {} tickets, {} SMS; lost: 0",
            self.parties.len(),
            calls.len(),
            recordings.len(),
            tickets.len(),
            sms.len()
        )
    }
}

/// The call has its talk and its file.
fn assert_recorded(world: &World, call: &Row, recordings: &[Row]) {
    assert_eq!(call["outcome"], "answered", "they talked: {call:#}");
    let recording = recordings.iter().find(|row| row["call"] == call["id"]).unwrap();
    let verdict = recording["verdict"].as_str().unwrap();
    let seconds = recording["seconds"].as_f64().unwrap_or_default();
    assert!(["ok", "repaired", "short"].contains(&verdict) && seconds > 0.3, "{recording:#}");
    let path = world.dir().join("recordings").join(recording["path"].as_str().unwrap());
    hound::WavReader::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

/// How far a dealer's leg came, by their phone.
enum Talk {
    None,
    Rung,
    /// Answered, and the switch was gone before anybody hung up.
    Cut,
    Whole,
}

fn talk(rung: &Trace, dealer: &str) -> Talk {
    let invites = rung.invites();
    let Some(invite) = invites.iter().find(|invite| invite.user("INVITE ") == dealer) else {
        return Talk::None;
    };
    let leg = rung.leg(invite);
    match leg.request_at("ACK") {
        Some(_) if leg.was_hung_up() => Talk::Whole,
        Some(_) => Talk::Cut,
        None => Talk::Rung,
    }
}

/// A small generator: a failure tells its seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % limit
    }
}

fn random(world: &mut World, kills: usize, number: usize) {
    let seed = u64::from(std::process::id()) + u64::try_from(number).unwrap() * 7919;
    eprintln!("random_kills_under_load: seed {seed}");
    let mut chance = Chance(seed);
    let mut crowd = Crowd::new(world, 1200);
    let mut spells = [0, 0];
    for _ in 0..kills {
        load(world, &mut crowd, &mut chance, 3000);
        // None, and full or locked from before the kill until after it, or over by then.
        let mut spell = Spell::begins(world, chance.below(4));
        if let Some(begun) = &spell {
            spells[usize::from(begun.is_lock())] += 1;
            crowd.in_spell();
            load(world, &mut crowd, &mut chance, 500);
            crowd.in_spell();
            if let Some(over) = spell.take_if(|_| chance.below(2) == 0) {
                over.ends(world);
                load(world, &mut crowd, &mut chance, 500);
            }
        }
        // Of both, nothing can be known that the database did not take.
        let victims = if spell.is_some() { 2 } else { 3 };
        let victim = Victim::ALL[usize::try_from(chance.below(victims)).unwrap()];
        victim.is_killed_in(world);
        if victim.has_switch() {
            crowd.falls_silent();
        }
        thread::sleep(Duration::from_millis(chance.below(1000)));
        if let Some(spell) = spell {
            spell.ends(world);
        }
        victim.is_restarted_in(world);
    }
    wait_for(Duration::from_secs(40), "the last calls are over", || {
        (crowd.under_way() == 0).then_some(())
    });
    await_settled(world, 1);
    let [full, locked] = spells;
    eprintln!(
        "random_kills_under_load: {kills} kills, full {full} times, locked {locked} times, {}",
        crowd.assert_nothing_lost(world)
    );
}

/// Calls for so many ms and up to two and a half seconds more.
fn load(world: &World, crowd: &mut Crowd, chance: &mut Chance, least_ms: u64) {
    let until = now() + Duration::from_millis(least_ms + chance.below(2500));
    while now() < until {
        if crowd.under_way() < AT_ONCE {
            let errand = [Errand::Talk, Errand::Talk, Errand::Missed];
            crowd.add(world, errand[usize::try_from(chance.below(3)).unwrap()]);
        }
        thread::sleep(Duration::from_millis(100 + chance.below(150)));
    }
}

fn power_failure(world: &mut World) {
    let mut crowd = Crowd::new(world, 30_000);
    for (errand, count) in
        [(Errand::Talk, TALKING), (Errand::Listen, LISTENING), (Errand::Missed, RINGING)]
    {
        for _ in 0..count {
            crowd.add(world, errand);
        }
    }
    wait_for(Duration::from_secs(20), "the dealers are talked to", || {
        let talking = crowd.parties.iter().filter(|party| party.errand == Errand::Talk);
        let mut heard =
            talking.map(|party| party.phone.ear().seconds_of(DEALER_HZ, party.phone.started()));
        heard.all(|seconds| seconds > 1.5).then_some(())
    });
    Victim::Both.is_killed_in(world);
    crowd.falls_silent();
    Victim::Both.is_restarted_in(world);
    await_settled(world, TALKING + LISTENING + RINGING);
    let told = crowd.assert_nothing_lost(world);
    let calls = world.exchange.list("calls");
    assert_eq!(calls.len(), TALKING + LISTENING + RINGING, "{told}");
    let answered = calls.iter().filter(|call| call["outcome"] == "answered").count();
    assert_eq!(answered, TALKING, "{told}");
    for recording in world.exchange.list("recordings") {
        let (verdict, seconds) = (recording["verdict"].as_str(), recording["seconds"].as_f64());
        assert!(matches!(verdict, Some("repaired" | "short")), "{recording:#}");
        assert!(seconds.unwrap_or_default() > 0.5, "{recording:#}");
    }
    eprintln!("the_power_fails: {told}");
}
