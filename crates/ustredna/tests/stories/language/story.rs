//! A story as it is told: acts, commands and time, and the account that is kept of them.

use std::{path::Path, time::Duration};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Act, Callee, Calls, Event, PhoneAccount, Setup, Stage, millis,
    told::{self, Ledger},
};

/// Looks at the lists are so far apart.
const LOOK_AGAIN: Duration = millis(200);
/// How often at most: rows and proofs take no longer than this after a call.
const LOOKS: u32 = 60;

/// See the module.
pub(crate) struct Story<'a> {
    stage: &'a mut dyn Stage,
    /// Real numbers of shoppers, which no other phone may see.
    shoppers: Vec<String>,
    exchange_runs: bool,
    /// How many calls of each act the exchange was there to take.
    calls: Vec<usize>,
    phones: String,
    /// `recordings.shopper_in_sidecar`.
    shopper_in_sidecar: bool,
    /// What the phones of the last act heard, word by word.
    spoken: Vec<Vec<String>>,
}

impl<'a> Story<'a> {
    pub(crate) fn new(stage: &'a mut dyn Stage, setup: &Setup) -> Self {
        Self {
            stage,
            shoppers: setup.shoppers(),
            exchange_runs: setup.exchange,
            calls: Vec::new(),
            phones: String::new(),
            shopper_in_sidecar: setup.settings.contains(&("recordings.shopper_in_sidecar", "true")),
            spoken: Vec::new(),
        }
    }

    /// These call at once, and these phones may ring.
    pub(crate) fn act(
        &mut self,
        calls: impl Into<Calls>,
        phones: impl IntoIterator<Item = Callee>,
    ) {
        self.play(&Act::new(calls, phones));
    }

    /// Plays an act.
    pub(crate) fn play(&mut self, act: &Act) {
        let accounts = self.stage.act(act);
        if self.exchange_runs {
            self.calls.push(act.calls.len());
        }
        if let Some(meanwhile) = &act.meanwhile {
            self.note(meanwhile.event);
        }
        for account in &accounts {
            self.assert_no_real_number(account);
        }
        self.spoken = accounts.iter().map(|account| account.spoken.clone()).collect();
        self.phones.push_str(&told::phones(act, accounts));
        if self.exchange_runs {
            self.await_lists(|calls, _| calls.iter().all(|call| !call["ended_at"].is_null()));
        }
    }

    /// A caller of the last act, by their place in it, heard this and no word else: numbers and
    /// ringing as well, which [`told`](Self::told) leaves out.
    #[track_caller]
    pub(crate) fn assert_spoken(&self, place: usize, words: &str) {
        assert_eq!(self.spoken[place].join(" "), words);
    }

    /// Runs a command, which must work; what it printed.
    #[track_caller]
    pub(crate) fn command(&mut self, arguments: &[&str]) -> String {
        self.command_reading(arguments, "")
    }

    /// Runs a command with this on its standard input.
    #[track_caller]
    pub(crate) fn command_reading(&mut self, arguments: &[&str], input: &str) -> String {
        self.stage
            .command(arguments, input)
            .unwrap_or_else(|error| panic!("ustredna {}: {error}", arguments.join(" ")))
    }

    /// Runs a command that must fail; what it told.
    #[track_caller]
    pub(crate) fn refused_command(&mut self, arguments: &[&str]) -> String {
        match self.stage.command(arguments, "") {
            Ok(told) => panic!("ustredna {} works: {told}", arguments.join(" ")),
            Err(told) => told,
        }
    }

    /// Time passes.
    pub(crate) fn waits(&mut self, time: Duration) {
        self.stage.waits(time);
    }

    /// Something happens between acts.
    pub(crate) fn happens(&mut self, event: Event) {
        self.stage.happens(event);
        self.note(event);
    }

    /// Where `recordings`, `sms` and `cdr` are.
    pub(crate) fn folder(&self) -> &Path {
        self.stage.folder()
    }

    /// Everything that was heard, dialled, stored and sent, without ids and times. Every call has
    /// ended and every recording has been looked at, or they never will.
    pub(crate) fn told(&mut self) -> String {
        if !self.exchange_runs {
            return self.phones.clone();
        }
        self.await_lists(|calls, recordings| {
            calls.iter().all(|call| !call["ended_at"].is_null())
                && recordings.iter().all(|recording| recording["verdict"] != "pending")
        });
        let ledger = Ledger {
            calls: self.oldest_first("calls", "started_at"),
            acts: self.calls.clone(),
            tickets: self.oldest_first("tickets", "first_missed_at"),
            sms: self.oldest_first("sms", "created_at"),
            recordings: self.list("recordings"),
            shopper_in_sidecar: self.shopper_in_sidecar,
        };
        let stored = ledger.told(self.stage.folder(), &self.shoppers);
        format!("{}{stored}", self.phones)
    }

    /// [`told`](Self::told) without how long talks and recordings were, for those that were cut
    /// off at a moment nobody chose.
    pub(crate) fn told_roughly(&mut self) -> String {
        let mut told = self.told();
        for (before, after) in [("talked ", " s"), ("recording ", " s")] {
            if let Some(begin) = told.find(before).map(|at| at + before.len())
                && let Some(end) = told[begin..].find(after)
            {
                told.replace_range(begin..begin + end, "some");
            }
        }
        told
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::ExchangeStarts => self.exchange_runs = true,
            Event::ExchangeStops | Event::ExchangeKilled => self.exchange_runs = false,
            Event::SwitchKilled => {}
        }
    }

    /// The objects of a list, such as `calls`.
    pub(crate) fn list(&mut self, noun: &str) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap();
        self.command(&[noun, "--json"]).lines().map(parse).collect()
    }

    /// For how many seconds each call was on the line, the oldest first.
    pub(crate) fn lasted(&mut self) -> Vec<f64> {
        let seconds = |call: &Value| {
            moment(call, "ended_at").duration_since(moment(call, "started_at")).as_secs_f64()
        };
        self.oldest_first("calls", "started_at").iter().map(seconds).collect()
    }

    fn oldest_first(&mut self, noun: &str, time: &str) -> Vec<Value> {
        let mut rows = self.list(noun);
        rows.sort_by_key(|row| moment(row, time));
        rows
    }

    /// Waits until every call is listed and the lists are as wanted. Those that never are so will
    /// be seen in the account.
    fn await_lists(&mut self, wanted: impl Fn(&[Value], &[Value]) -> bool) {
        for _ in 0..LOOKS {
            let calls = self.list("calls");
            if calls.len() >= self.calls.iter().sum() && wanted(&calls, &self.list("recordings")) {
                return;
            }
            self.stage.waits(LOOK_AGAIN);
        }
    }

    fn assert_no_real_number(&self, account: &PhoneAccount) {
        if self.shoppers.contains(&account.number) {
            return;
        }
        let (number, name) = account.shown.clone().unwrap_or_default();
        for shopper in &self.shoppers {
            let national = shopper.trim_start_matches("+420");
            let is_shown = number.contains(national) || name.contains(national);
            assert!(!is_shown, "{} is shown a shopper's number: {number} {name}", account.number);
        }
    }
}

/// RFC 3339 in UTC, with as many decimals as there are.
fn moment(row: &Value, key: &str) -> Timestamp {
    row[key].as_str().unwrap_or_default().parse().unwrap_or_default()
}

impl Setup {
    /// The real numbers in its table.
    pub(crate) fn shoppers(&self) -> Vec<String> {
        let number = |line: &str| line.split(',').next().map(str::to_owned);
        let mut numbers: Vec<String> = self.data.lines().filter_map(number).collect();
        numbers.dedup();
        numbers
    }
}
