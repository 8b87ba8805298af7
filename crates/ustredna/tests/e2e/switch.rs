//! A real FreeSWITCH with the project's own configuration, on ports of its own.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    ports::Ports,
    process::{Running, tail, wait_for},
};

/// The project's `freeswitch-conf`.
pub(crate) fn conf() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../freeswitch-conf").canonicalize().unwrap()
}

/// A copy of it in this folder, without this line.
pub(crate) fn conf_without(dir: &Path, file: &str, line: &str) -> PathBuf {
    let copy = dir.join("switch-conf");
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(conf()).unwrap() {
        let entry = entry.unwrap();
        symlink(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    let text = fs::read_to_string(conf().join(file)).unwrap();
    let rest = text.lines().filter(|text| !text.contains(line)).collect::<Vec<_>>().join("\n");
    assert!(rest.len() + line.len() < text.len(), "{line} is not in {file}");
    fs::remove_file(copy.join(file)).unwrap();
    fs::write(copy.join(file), rest).unwrap();
    copy
}

/// The password of the switch's own event socket in all scenarios.
pub(crate) const PASSWORD: &str = "e2e-password";

/// Where the switch listens and what it finds there.
pub(crate) struct Addresses {
    pub(crate) sip: u16,
    pub(crate) event_socket: u16,
    pub(crate) controller: u16,
    /// Where FreeSWITCH turns when nobody listens at the first.
    pub(crate) second_controller: u16,
    pub(crate) carrier: u16,
    rtp: u16,
    rtp_count: u16,
    /// Settings of this scenario's switch.
    pub(crate) settings: Vec<(&'static str, &'static str)>,
    /// Its configuration.
    pub(crate) conf: PathBuf,
}

impl Addresses {
    pub(crate) fn find(ports: &Ports, rtp_count: u16) -> Self {
        Self {
            sip: ports.one(),
            event_socket: ports.one(),
            controller: ports.one(),
            second_controller: ports.one(),
            carrier: ports.one(),
            rtp: ports.row(rtp_count),
            rtp_count,
            settings: Vec::new(),
            conf: conf(),
        }
    }
}

/// A running FreeSWITCH.
pub(crate) struct Switch {
    process: Running,
    log: PathBuf,
}

impl Switch {
    /// Starts it, without waiting. What an earlier one has logged is set aside.
    pub(crate) fn start(dir: &Path, addresses: &Addresses) -> Self {
        let sub = |name: &str| {
            let path = dir.join(name);
            fs::create_dir_all(&path).unwrap();
            path
        };
        let (log, cdr) = (sub("switch-log"), sub("cdr"));
        // There is none at the first start.
        drop(fs::rename(log.join("freeswitch.log"), log.join("freeswitch.log.earlier")));
        let mut command = Command::new("freeswitch");
        command.arg("-conf").arg(&addresses.conf).arg("-log").arg(&log);
        for (option, name) in
            [("-db", "switch-db"), ("-run", "switch-run"), ("-temp", "switch-temp")]
        {
            command.arg(option).arg(sub(name));
        }
        command.args(["-nf", "-nc", "-nonat"]).current_dir(dir);
        for (name, value) in [
            ("SIP_PORT", addresses.sip),
            ("ESL_PORT", addresses.event_socket),
            ("RTP_START_PORT", addresses.rtp),
            ("RTP_END_PORT", addresses.rtp + addresses.rtp_count - 1),
            ("SESSIONS_PER_SECOND", 200),
        ] {
            command.env(name, value.to_string());
        }
        command
            .env(
                "CONTROLLERS",
                format!(
                    "127.0.0.1:{}|127.0.0.1:{}",
                    addresses.controller, addresses.second_controller
                ),
            )
            .env("CARRIER_PROXY", format!("127.0.0.1:{}", addresses.carrier))
            .env("CDR_DIR", cdr)
            // The phones behind the carrier come and go, and answer calls alone.
            .env("CARRIER_PING", "0")
            .env("LOG_LEVEL", "info")
            // The carrier's phones are at this address, strangers at others.
            .env("CARRIER_CIDR", "127.0.0.1/32")
            .env("ESL_PASSWORD", PASSWORD);
        command.envs(addresses.settings.iter().copied());
        let process = Running::start("freeswitch", &mut command, &dir.join("switch.out"));
        Self { process, log: log.join("freeswitch.log") }
    }

    /// Waits until it takes calls: it answers OPTIONS a second earlier, and calls with 503.
    pub(crate) fn await_ready(&mut self) {
        wait_for(Duration::from_secs(40), "FreeSWITCH has started", || {
            if let Some(status) = self.process.ended() {
                panic!("FreeSWITCH ended at its start, {status}:\n{}", self.process.tail());
            }
            let log = fs::read(&self.log).unwrap_or_default();
            log.windows(18).any(|bytes| bytes == b"FreeSWITCH Started").then_some(())
        });
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    pub(crate) fn log_tail(&self) -> String {
        format!("{}\n{}", self.process.tail(), tail(&self.log, 40))
    }
}
