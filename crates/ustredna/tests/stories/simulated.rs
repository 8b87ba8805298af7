//! The stage that needs no switch: the exchange and the simulated FreeSWITCH in one process, TCP
//! between them, and virtual time.

#[path = "simulated/people.rs"]
mod people;
#[path = "simulated/place.rs"]
mod place;

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use fakeswitch::{Invite, Switch};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinHandle,
};

use crate::{
    language::{Act, Call, Callee, Event, Moment, PhoneAccount, Setup, Stage},
    time::VirtualTime,
};
pub(crate) use people::Person;
pub(crate) use place::Place;

/// One story's stage.
pub(crate) struct Simulated {
    place: Place,
    time: VirtualTime,
}

impl Simulated {
    pub(crate) fn new(setup: &Setup) -> Self {
        let time = VirtualTime::new();
        let mut place = time.run(Place::new(setup, time.outside()));
        if setup.exchange {
            time.run(place.start_exchange());
            time.run(place.import(setup.data));
        }
        Self { place, time }
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        // What still runs would wait for time that does not pass any more.
        self.time.run(self.place.close());
    }
}

impl Stage for Simulated {
    fn act(&mut self, act: &Act) -> Vec<PhoneAccount> {
        self.time.run(play(&mut self.place, act))
    }

    fn command(&mut self, arguments: &[&str], input: &str) -> Result<String, String> {
        // What reads its standard input, or has no exchange in this process, is a process.
        if input.is_empty() && self.place.is_running() {
            return self.time.run(self.place.command(arguments));
        }
        self.time.run(self.place.run(arguments, input))
    }

    fn waits(&mut self, time: Duration) {
        self.time.run(self.place.passes(time));
    }

    fn happens(&mut self, event: Event) {
        self.time.run(self.place.happens(event));
    }

    fn folder(&self) -> &Path {
        self.place.folder()
    }
}

/// Legs in the order they were rung, each with the account of its phone once it is over.
pub(crate) type Legs = Arc<Mutex<Vec<JoinHandle<PhoneAccount>>>>;

async fn play(place: &mut Place, act: &Act) -> Vec<PhoneAccount> {
    let switch = place.switch().clone();
    let before = switch.rung().len();
    let (tell, mut told) = mpsc::unbounded_channel();
    let legs = Legs::default();
    switch.clear_phones();
    let attendants: Vec<JoinHandle<()>> =
        act.phones.iter().map(|callee| attend(&switch, callee, &legs, &tell)).collect();
    let mut callers = make(&switch, &act.calls, &tell);
    if let Some(meanwhile) = &act.meanwhile {
        while told.recv().await.expect("somebody is on the phone") != meanwhile.when {}
        tokio::time::sleep(Duration::from_secs(1)).await;
        place.happens(meanwhile.event).await;
        callers.extend(make(&switch, &meanwhile.late, &tell));
    }
    let mut accounts = Vec::new();
    for caller in callers {
        accounts.push(caller.await.unwrap());
    }
    // The last leg's hang-up reaches its phone a moment after the caller's.
    while switch.legs() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    attendants.iter().for_each(JoinHandle::abort);
    place.finish_stopping().await;
    let mut rung = std::mem::take(&mut *legs.lock().await).into_iter();
    for leg in &switch.rung()[before..] {
        if act.phones.iter().any(|callee| callee.number == leg.number) {
            accounts.push(rung.next().expect("each rung leg has a phone").await.unwrap());
        } else {
            accounts.push(PhoneAccount {
                number: leg.number.clone(),
                called: true,
                shown: Some((leg.shown.number.clone(), leg.shown.name.clone())),
                codes: vec![404],
                heard: Vec::new(),
                spoken: Vec::new(),
                keys: String::new(),
            });
        }
    }
    accounts
}

/// Each call to this phone is taken by somebody of its own.
pub(crate) fn attend(
    switch: &Switch,
    callee: &Callee,
    legs: &Legs,
    tell: &mpsc::UnboundedSender<Moment>,
) -> JoinHandle<()> {
    let mut ringing = switch.attend(&callee.number);
    let (callee, legs, tell) = (callee.clone(), Arc::clone(legs), tell.clone());
    tokio::spawn(async move {
        while let Some(phone) = ringing.recv().await {
            let person = Person::called(phone, &callee, tell.clone());
            legs.lock().await.push(tokio::spawn(person.does(callee.steps.clone())));
        }
    })
}

fn make(
    switch: &Switch,
    calls: &[Call],
    tell: &mpsc::UnboundedSender<Moment>,
) -> Vec<JoinHandle<PhoneAccount>> {
    let make = |call: &Call| {
        let name = call.name.as_ref().unwrap_or(&call.from);
        let mut invite = Invite::new(&call.from, &call.dials).name(name);
        invite = invite.asserted(call.asserted.as_deref());
        if let Some(privacy) = &call.privacy {
            invite = invite.privacy(privacy);
        }
        if let Some(to) = &call.to {
            invite = invite.variable("sip_full_to", to);
        }
        for (name, value) in &call.headers {
            // As mod_sofia names it.
            let variable = match *name {
                "History-Info" => "sip_history_info".to_owned(),
                _ => format!("sip_h_{name}"),
            };
            invite = invite.variable(&variable, value);
        }
        let person = Person::calling(switch.call(invite), call, tell.clone());
        tokio::spawn(person.does(call.steps.clone()))
    };
    calls.iter().map(make).collect()
}

/// Runs the built `ustredna` to its end.
fn run(folder: &Path, arguments: &[String], input: &str) -> Result<String, String> {
    use std::io::Write as _;
    let mut command = Command::new(env!("CARGO_BIN_EXE_ustredna"));
    let settings = std::env::vars_os().map(|(name, _)| name);
    for name in settings.filter(|name| name.to_string_lossy().starts_with("USTREDNA_")) {
        command.env_remove(name);
    }
    command.current_dir(folder).args(arguments).args(["--config", "ustredna.toml"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}
