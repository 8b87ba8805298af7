//! One scenario's world: a switch, an exchange, a carrier with phones.

use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::{
    clock::Clock,
    disk::Disk,
    exchange::{Exchange, Row},
    language::{Setup, number_in},
    phone::{
        self, Callees, Caller, Phone,
        raw::{self, RawPhone},
    },
    phrases::Phrases,
    ports::Ports,
    recorded::Recorded,
    switch::{Addresses, Switch, conf, conf_without},
};

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| Phrases::read(&conf().join("sounds")));

/// Ports for RTP, two a leg.
const RTP_PORTS: u16 = 100;
/// Where recordings are kept if nothing is set.
const RECORDINGS: &str = "recordings";
/// Phones that a scenario starts, one after another.
const PHONES: u16 = 20;

/// See the module.
pub(crate) struct World {
    pub(crate) exchange: Exchange,
    pub(crate) switch: Switch,
    addresses: Addresses,
    ports: Ports,
    phones: AtomicU32,
    disk: Option<Disk>,
    // Last: removed when nobody writes to it any more.
    dir: tempfile::TempDir,
}

impl World {
    /// Prepares everything; nothing is waited for yet.
    pub(crate) fn new(setup: &Setup) -> Self {
        Self::with_ports(setup, RTP_PORTS, PHONES)
    }

    /// With so many ports for RTP, and for so many phones.
    pub(crate) fn with_ports(setup: &Setup, rtp_ports: u16, phones: u16) -> Self {
        let dir = tempfile::Builder::new().prefix("ustredna-e2e").tempdir().unwrap();
        Self::begin(dir, None, setup, (rtp_ports, phones), |_| {})
    }

    /// With settings of the switch.
    pub(crate) fn with_switch(setup: &Setup, settings: &[(&'static str, &'static str)]) -> Self {
        let dir = tempfile::Builder::new().prefix("ustredna-e2e").tempdir().unwrap();
        Self::begin(dir, None, setup, (RTP_PORTS, PHONES), |addresses| {
            addresses.settings = settings.to_vec();
        })
    }

    /// With a switch whose configuration lacks a line.
    pub(crate) fn with_switch_without(setup: &Setup, file: &str, line: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("ustredna-e2e").tempdir().unwrap();
        let conf = conf_without(dir.path(), file, line);
        Self::begin(dir, None, setup, (RTP_PORTS, PHONES), |addresses| addresses.conf = conf)
    }

    /// With recordings on a disk of their own, which `mount` mounts on the folder it is given.
    pub(crate) fn with_disk(setup: &Setup, mount: impl FnOnce(&Path) -> Disk) -> Self {
        Self::with_disk_at(RECORDINGS, setup, (RTP_PORTS, PHONES), mount)
    }

    /// With this folder on a disk of its own, so many ports for RTP, and for so many phones.
    pub(crate) fn with_disk_at(
        folder: &str,
        setup: &Setup,
        (rtp_ports, phones): (u16, u16),
        mount: impl FnOnce(&Path) -> Disk,
    ) -> Self {
        let dir = tempfile::Builder::new().prefix("ustredna-e2e").tempdir().unwrap();
        let disk = mount(&dir.path().join(folder));
        Self::begin(dir, Some(disk), setup, (rtp_ports, phones), |_| {})
    }

    /// With a time of day of the exchange's own.
    pub(crate) fn with_clock(setup: &Setup) -> Self {
        let idle = Setup { exchange: false, ..setup.clone() };
        let mut world = Self::new(&idle);
        world.exchange.gets(Clock::new(world.dir.path()));
        world.exchange.import(setup.data);
        world.exchange.start();
        world
    }

    fn begin(
        dir: tempfile::TempDir,
        disk: Option<Disk>,
        setup: &Setup,
        (rtp_ports, phones): (u16, u16),
        with: impl FnOnce(&mut Addresses),
    ) -> Self {
        // A phone takes up to eight.
        let ports = Ports::find(rtp_ports + phones * 8 + 20);
        let mut addresses = Addresses::find(&ports, rtp_ports);
        with(&mut addresses);
        let switch = Switch::start(dir.path(), &addresses);
        let mut exchange = Exchange::prepare(dir.path(), setup, &addresses, ports.one());
        if setup.exchange {
            exchange.import(setup.data);
            exchange.start();
        }
        Self { exchange, switch, addresses, ports, phones: AtomicU32::new(0), disk, dir }
    }

    /// Waits until calls can be made.
    pub(crate) fn await_ready(&mut self, setup: &Setup) {
        if setup.exchange {
            self.exchange.await_ready();
        }
        self.switch.await_ready();
    }

    /// What the next FreeSWITCH is started with, beside what all are.
    pub(crate) fn set_switch(&mut self, settings: &[(&'static str, &'static str)]) {
        self.addresses.settings = settings.to_vec();
    }

    /// Starts another FreeSWITCH where the last one was, and waits until it takes calls.
    pub(crate) fn restart_switch(&mut self) {
        self.switch = Switch::start(self.dir.path(), &self.addresses);
        self.switch.await_ready();
    }

    /// Another exchange on the same state, not yet started: the second in FreeSWITCH's list.
    pub(crate) fn second_exchange(&self, setup: &Setup) -> Exchange {
        Exchange::prepare_second(self.dir.path(), setup, &self.addresses, self.ports.one())
    }

    /// Makes a call.
    pub(crate) fn call(&self, name: &str, caller: &Caller) -> Phone {
        caller.start(self.dir.path(), &self.phone_name(name), &self.ports, self.addresses.sip)
    }

    /// Puts phones behind the carrier. One set at a time.
    pub(crate) fn callees(&self, callees: &Callees) -> Phone {
        let name = self.phone_name("callees");
        callees.start(self.dir.path(), &name, &self.ports, self.addresses.carrier)
    }

    /// A phone of our own, at 127.0.0.`last`: one of the carrier's at 1, else a stranger.
    pub(crate) fn raw_phone(&self, last: u8) -> RawPhone {
        RawPhone::at(raw::loopback(last, self.ports.one()))
    }

    /// The phone of our own behind the carrier, for all numbers.
    pub(crate) fn raw_callee(&self) -> RawPhone {
        RawPhone::at(raw::loopback(1, self.addresses.carrier))
    }

    /// Where FreeSWITCH speaks SIP.
    pub(crate) fn sip(&self) -> SocketAddr {
        raw::loopback(1, self.addresses.sip)
    }

    fn phone_name(&self, name: &str) -> String {
        format!("phone-{}-{name}", self.phones.fetch_add(1, Ordering::Relaxed))
    }

    /// Rows of a list as soon as there are `count` that `look` accepts.
    pub(crate) fn rows(
        &self,
        noun: &str,
        count: usize,
        accepts: impl Fn(&Row) -> bool,
    ) -> Vec<Row> {
        let mut last = Vec::new();
        let end = crate::process::now() + Duration::from_secs(10);
        while crate::process::now() < end {
            last = self.exchange.list(noun);
            let rows: Vec<Row> = last.iter().filter(|row| accepts(row)).cloned().collect();
            if rows.len() == count {
                return rows;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("not {count} of these {noun} are as expected: {last:#?}");
    }

    /// The sound of a recording, by its row.
    pub(crate) fn recorded(&self, recording: &Row) -> Recorded {
        let path = recording["path"].as_str().unwrap();
        Recorded::read(&fs::read(self.dir.path().join(RECORDINGS).join(path)).unwrap())
    }

    /// The disk of its own.
    pub(crate) fn disk(&self) -> &Disk {
        self.disk.as_ref().expect("there is a disk of its own")
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What FreeSWITCH has written: its log and its records of calls, taken in or not.
    pub(crate) fn switch_files(&self) -> Vec<String> {
        let mut files = files_below(&self.dir.path().join("cdr"), "json");
        files.push(self.dir.path().join("switch-log/freeswitch.log"));
        files.iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
    }

    pub(crate) fn phrases() -> &'static Phrases {
        &PHRASES
    }

    pub(crate) fn ports(&self) -> &Ports {
        &self.ports
    }

    pub(crate) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// What the exchange logs by default holds nobody's number.
    pub(crate) fn assert_discreet(&self) {
        for line in self.exchange.log().lines() {
            let level = ["ERROR", "WARN", "INFO"].map(|level| format!("\"level\":\"{level}\""));
            if level.iter().any(|level| line.contains(level)) {
                assert_eq!(number_in(line), None, "is logged: {line}");
            }
        }
    }

    /// All that may explain a failure.
    pub(crate) fn report(&self) -> String {
        let mut report = String::new();
        let mut phones: Vec<PathBuf> = fs::read_dir(self.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.file_name().unwrap_or_default().to_string_lossy().starts_with("phone-")
            })
            .collect();
        phones.sort();
        for files in phones {
            write!(report, "\n===== {}\n{}", files.display(), phone::report(&files)).unwrap();
        }
        write!(
            report,
            "\n===== ustredna\n{}\n===== freeswitch\n{}",
            self.exchange.log_tail(),
            self.switch.log_tail()
        )
        .unwrap();
        report
    }
}

/// Files of this extension in a folder and its folders.
pub(crate) fn files_below(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}
