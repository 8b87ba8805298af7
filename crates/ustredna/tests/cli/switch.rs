//! A FreeSWITCH's event socket, set up for this exchange, and all the ways in which it may not be.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

use jiff::Timestamp;

use crate::world::World;

/// FreeSWITCH's event socket: each question (a prefix) with its answer, the first that fits. Without
/// one it answers as a FreeSWITCH that is set up for this exchange.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Switch(pub(crate) Vec<(&'static str, String)>);

pub(crate) const STATUS: &str = "UP 0 years, 0 days, 0 hours, 13 minutes, 0 seconds, 187 milliseconds, 96 microseconds\nFreeSWITCH (Version 1.11.2-release git 3f13ad1 2026-08-09 16:23:10Z 64bit) is ready\n27 session(s) since startup\n0 session(s) - peak 2, last 5min 0 \n0 session(s) per Sec out of max 1000, peak 2, last 5min 0 \n2000 session(s) max\nmin idle cpu 0.00/98.43\nCurrent Stack Size/Max 240K/8192K\n";

impl Switch {
    pub(crate) fn with(mut self, question: &'static str, answer: impl Into<String>) -> Self {
        self.0.insert(0, (question, answer.into()));
        self
    }

    /// Starts it; where it listens.
    pub(crate) fn start(self) -> String {
        Self::start_changing(&Arc::new(Mutex::new(self)))
    }

    /// The same; once it is changed it hangs up, as one that is started again does.
    pub(crate) fn start_changing(switch: &Arc<Mutex<Self>>) -> String {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = socket.local_addr().unwrap().to_string();
        let switch = Arc::clone(switch);
        thread::spawn(move || {
            for stream in socket.incoming() {
                let switch = Arc::clone(&switch);
                // The end comes when the program hangs up.
                thread::spawn(move || drop(Self::converse(&switch, stream.unwrap())));
            }
        });
        at
    }

    fn answer(&self, question: &str) -> String {
        if let Some((_, answer)) = self.0.iter().find(|(asked, _)| question.starts_with(asked)) {
            return answer.clone();
        }
        let conf = |file: &str| {
            let conf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../freeswitch-conf");
            std::fs::read_to_string(conf.join(file)).unwrap()
        };
        let words: Vec<&str> = question.split(' ').collect();
        match words[..] {
            ["status"] => STATUS.to_owned(),
            ["sofia", "status", "gateway", "carrier"] => UP.to_owned(),
            ["sofia", "status"] => PROFILES.to_owned(),
            ["sofia", "status", "profile", "trunk"] => {
                "=====\nName             \ttrunk\nRTP-IP           \t127.0.0.1\nSIP-IP           \t127.0.0.1\n".to_owned()
            }
            ["hostname"] => rustix::system::uname().nodename().to_str().unwrap().to_owned(),
            ["file_exists" | "module_exists", _] => "true".to_owned(),
            ["acl", address, "carrier"] => (address == "127.0.0.1").to_string(),
            ["fsctl", "api_expansion"] => "+OK api_expansion is off \n".to_owned(),
            ["strepoch"] => {
                let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
                now.as_secs().to_string()
            }
            ["xml_locate", "dialplan", ..] => conf("dialplan.xml"),
            ["xml_locate", "configuration", "configuration", "name", name] => {
                let file = name.trim_end_matches(".conf");
                conf(&format!("{file}.xml"))
            }
            ["global_getvar", "carrier_cidr"] => "198.51.100.0/28".to_owned(),
            ["global_getvar", "log_level"] => "warning".to_owned(),
            ["global_getvar", "cdr_dir"] => "/var/spool/cdr".to_owned(),
            ["global_getvar", "rtp_start_port"] => "16384".to_owned(),
            ["global_getvar", "rtp_end_port"] => "32768".to_owned(),
            // As shipped.
            ["global_getvar", name] if name != "controllers" => {
                let main = conf("freeswitch.xml");
                let set = main.split_once(&format!("cmd=\"set\" data=\"{name}="));
                let value = set.and_then(|(_, rest)| rest.split_once('"'));
                value.map_or("-ERR no reply\n", |(value, _)| value).to_owned()
            }
            _ => format!("-ERR {question} Command not found!\n"),
        }
    }

    fn converse(switch: &Mutex<Self>, mut stream: TcpStream) -> std::io::Result<()> {
        let now = switch.lock().unwrap().clone();
        // An answer is written in parts, and the next one must not wait for the system's sake.
        stream.set_nodelay(true)?;
        write!(stream, "Content-Type: auth/request\n\n")?;
        loop {
            let mut command = Vec::new();
            while !command.ends_with(b"\n\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte)?;
                command.extend(byte);
            }
            let command = String::from_utf8(command).unwrap();
            if let Some(password) = command.trim().strip_prefix("auth ") {
                if password != PASSWORD && password != "ClueCon" {
                    write!(stream, "Content-Type: command/reply\nReply-Text: -ERR invalid\n\n")?;
                    return Ok(());
                }
                write!(stream, "Content-Type: command/reply\nReply-Text: +OK accepted\n\n")?;
                continue;
            }
            if *switch.lock().unwrap() != now {
                return Ok(());
            }
            let body = now.answer(command.trim().strip_prefix("api ").unwrap());
            write!(stream, "Content-Type: api/response\nContent-Length: {}\n\n{body}", body.len())?;
        }
    }
}

pub(crate) const PASSWORD: &str = "not-the-usual-one";

pub(crate) const UP: &str = "=====\nName    \tcarrier\nProfile \ttrunk\nProxy   \tsip:127.0.0.1:5090\nPingFreq\t15\nState   \tNOREG\nStatus  \tUP\n=====\n";

const PROFILES: &str = "                     Name\t   Type\t                                      Data\tState\n=====\n                    trunk\tprofile\t                  sip:trunk@127.0.0.1:5060\tRUNNING (0)\n           trunk::carrier\tgateway\t                  sip:trunk@127.0.0.1:5090\tNOREG\n                     test\tprofile\t             sip:mod_sofia@127.0.0.1:41234\tRUNNING (0)\n=====\n2 profiles 0 aliases\n";

pub(crate) fn prompts(folder: &Path) {
    for language in ["cs", "en"] {
        std::fs::create_dir_all(folder.join(language)).unwrap();
        for name in exchange::prompt::files() {
            std::fs::write(folder.join(language).join(format!("{name}.wav")), [0; 100]).unwrap();
        }
    }
}

/// Everything that `serve` and FreeSWITCH would have made.
pub(crate) fn ready() -> World {
    let world = World::imported();
    prompts(&world.path("freeswitch-conf/sounds"));
    for folder in ["recordings", "sms", "cdr"] {
        std::fs::create_dir(world.path(folder)).unwrap();
    }
    world
}

/// There is no running exchange that could tell.
pub(crate) const NO_START: &str = "(it does not start)";

/// Something set up wrongly.
pub(crate) struct Mistake {
    pub(crate) switch: Switch,
    pub(crate) setting: Option<(&'static str, &'static str)>,
    /// What is done in its folder before.
    pub(crate) plant: Option<fn(&Path)>,
    /// The line of `check` that fails, and what it says.
    pub(crate) check: &'static str,
    pub(crate) says: &'static str,
    /// What a running exchange says in `/readyz`.
    pub(crate) readyz: &'static str,
}

impl Mistake {
    fn of(switch: Switch, check: &'static str, says: &'static str, readyz: &'static str) -> Self {
        Self { switch, setting: None, plant: None, check, says, readyz }
    }

    fn set(
        key: &'static str,
        value: &'static str,
        check: &'static str,
        says: &'static str,
        readyz: &'static str,
    ) -> Self {
        Self { setting: Some((key, value)), ..Self::of(Switch::default(), check, says, readyz) }
    }

    fn after(self, plant: fn(&Path)) -> Self {
        Self { plant: Some(plant), ..self }
    }
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap()
}

/// Where a recording of today goes: the folder of its year, of its month in it, or of its day.
pub(crate) fn today(world: &Path, depth: usize) -> PathBuf {
    let zone = jiff::tz::TimeZone::get("Europe/Prague").unwrap();
    let at = now().to_zoned(zone).strftime("%Y/%m/%d").to_string();
    let parts: PathBuf = at.split('/').take(depth + 1).collect();
    let folder = world.join("recordings").join(parts);
    std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
    folder
}

/// The record of a call to a number that nobody has, a minute ago.
fn unattended(world: &Path, more: &str) {
    let ended = now().as_microsecond() - 60_000_000;
    let record = format!(
        r#"{{"variables":{{"uuid":"ee067b11-8021-4b48-a0f9-8cb0b822be37","end_uepoch":"{ended}"{more}}}}}"#
    );
    std::fs::write(world.join("cdr/a_ee067b11.cdr.json"), record).unwrap();
}

fn json_cdr(dir: &str) -> String {
    let answer = "xml_locate configuration configuration name json_cdr.conf";
    Switch::default().answer(answer).replace("$${cdr_dir}", dir)
}

/// All that is planted: in FreeSWITCH's answers, in settings, and in folders.
#[expect(clippy::too_many_lines, reason = "it is a list")]
pub(crate) fn mistakes() -> Vec<Mistake> {
    let good = Switch::default;
    let gateway = |text: &str| good().with("sofia status gateway", text);
    let sofia = good().answer("xml_locate configuration configuration name sofia.conf");
    let dialplan = good().answer("xml_locate dialplan context name public");
    let tampered = |from: &str, to: &str| {
        assert!(sofia.contains(from), "{from}");
        let question = "xml_locate configuration configuration name sofia.conf";
        good().with(question, sofia.replace(from, to))
    };
    let down = "Name    \tcarrier\nState   \tFAIL_WAIT\nStatus  \tDOWN (ping)\n";
    vec![
        Mistake::of(
            gateway("Invalid Gateway!\n"),
            "gateway",
            "switch.gateway",
            "FreeSWITCH has no gateway carrier",
        ),
        Mistake::of(
            gateway(down),
            "gateway",
            "carrier is down (FAIL_WAIT)",
            "the gateway carrier is down (FAIL_WAIT)",
        ),
        Mistake::of(
            good().with("status", STATUS.replace("is ready", "is not ready")),
            "freeswitch",
            "log",
            "FreeSWITCH is not ready for calls",
        ),
        Mistake::of(
            good().with("status", STATUS.replace("1.11.2", "1.8.7")),
            "version",
            "too old",
            "version: FreeSWITCH 1.8.7-release is too old",
        ),
        Mistake::of(
            good().with("status", STATUS.replace("2000 session", "1000 session")),
            "capacity",
            "MAX_SESSIONS=2000",
            "capacity: FreeSWITCH carries 500 calls",
        ),
        Mistake::of(
            good().with("status", STATUS.replace("max 1000,", "max 1,")),
            "capacity",
            "SESSIONS_PER_SECOND",
            "capacity: FreeSWITCH takes 1 leg a second",
        ),
        Mistake::of(
            good().with("global_getvar rtp_end_port", "16483"),
            "capacity",
            "RTP_END_PORT",
            "capacity: the RTP ports",
        ),
        Mistake::of(
            good().with("global_getvar controllers", "127.0.0.1:9|10.0.0.1:9"),
            "controllers",
            "start FreeSWITCH with CONTROLLERS=127.0.0.1:",
            "controllers: FreeSWITCH hands calls to 127.0.0.1:9",
        ),
        Mistake::of(
            good().with("file_exists /var/spool/cdr", "false"),
            "its records",
            "start FreeSWITCH with CDR_DIR=/",
            "its records: FreeSWITCH writes",
        ),
        Mistake::of(
            good().with("global_getvar cdr_dir", "cdr"),
            "its records",
            "start FreeSWITCH with CDR_DIR=/",
            "its records: FreeSWITCH takes CDR_DIR=cdr for a folder in its log folder",
        ),
        // As an edited json_cdr.xml has it, whatever the variable says.
        Mistake::of(
            good()
                .with("xml_locate configuration configuration name json_cdr.conf", json_cdr("cdr")),
            "its records",
            "start FreeSWITCH with CDR_DIR=/",
            "its records: FreeSWITCH takes CDR_DIR=cdr for a folder in its log folder",
        ),
        Mistake::of(
            good().with(
                "xml_locate configuration configuration name json_cdr.conf",
                json_cdr("/cdr\"/><param name=\"url\" value=\"http://192.0.2.1/"),
            ),
            "its records",
            "to a URL and writes none",
            "its records: FreeSWITCH sends its call records to a URL",
        ),
        Mistake::of(
            good().with("sofia status profile trunk", "RTP-IP           \t192.0.2.7\n"),
            "media",
            "start FreeSWITCH with RTP_IP=",
            "media: sound is to come to 192.0.2.7, which is no address of this machine",
        ),
        // As shipped, with a real carrier.
        Mistake::of(
            gateway(&UP.replace("127.0.0.1:5090", "192.0.2.1")),
            "media",
            "start FreeSWITCH with RTP_IP=",
            "media: the carrier at 192.0.2.1 would be told to send sound to 127.0.0.1",
        ),
        Mistake::of(
            gateway(&UP.replace("5090", "5060")),
            "proxy",
            "start FreeSWITCH with CARRIER_PROXY=",
            "proxy: the gateway carrier leads back here: sip:trunk@127.0.0.1:5060 is FreeSWITCH's own",
        ),
        Mistake::of(
            gateway(&UP.replace("127.0.0.1:5090", "127.0.0.1:41234;transport=udp")),
            "proxy",
            "start FreeSWITCH with CARRIER_PROXY=",
            "is FreeSWITCH's own profile test",
        ),
        Mistake::of(
            gateway(UP).with("global_getvar controllers", "127.0.0.1:5090"),
            "proxy",
            "leads back here: 127.0.0.1:5090 is one of CONTROLLERS",
            "127.0.0.1:5090 is one of CONTROLLERS",
        ),
        Mistake::of(
            good().with("module_exists mod_spandsp", "false"),
            "modules",
            "not loaded: mod_spandsp",
            "modules: not loaded: mod_spandsp",
        ),
        Mistake::of(
            tampered(
                "name=\"caller-id-type\" value=\"none\"",
                "name=\"caller-id-type\" value=\"rpid\"",
            ),
            "protections",
            "param caller-id-type is not",
            "param caller-id-type is not",
        ),
        Mistake::of(
            tampered("name=\"disable-transfer\"", "name=\"was\""),
            "protections",
            "disable-transfer",
            "disable-transfer",
        ),
        Mistake::of(
            good().with(
                "xml_locate dialplan",
                dialplan.replace("sip_copy_custom_headers=false", "x=false"),
            ),
            "protections",
            "set sip_copy_custom_headers",
            "set sip_copy_custom_headers",
        ),
        Mistake::of(
            good().with(
                "xml_locate configuration configuration name acl.conf",
                "can't find anything\n",
            ),
            "protections",
            "acl.xml: list carrier",
            "acl.xml: list carrier",
        ),
        Mistake::of(
            good().with("global_getvar execute_on_answer", "-ERR no reply"),
            "protections",
            "freeswitch.xml: execute_on_answer",
            "freeswitch.xml: execute_on_answer",
        ),
        Mistake::of(
            good().with("fsctl api_expansion", "+OK api_expansion is on \n"),
            "protections",
            "api-exp",
            "api-expansion is on",
        ),
        Mistake::of(
            good().with("global_getvar carrier_cidr", "0.0.0.0/0"),
            "carrier",
            "strangers",
            "carrier: CARRIER_CIDR: 0.0.0.0/0 lets strangers in",
        ),
        Mistake::of(
            good().with("global_getvar carrier_cidr", "198.51.100.7"),
            "carrier",
            "no network",
            "carrier: CARRIER_CIDR: `198.51.100.7` is no network",
        ),
        Mistake::of(
            good().with("global_getvar carrier_media", "198.51.100.0/24,198.51.101.7"),
            "carrier",
            "no network",
            "carrier: CARRIER_MEDIA: `198.51.101.7` is no network",
        ),
        Mistake::of(
            good().with("acl ", "true"),
            "carrier",
            "from anybody",
            "carrier: FreeSWITCH takes calls from anybody",
        ),
        Mistake::of(
            good().with("file_exists /", "false"),
            "its folders",
            "does not see the prompt",
            "its records: FreeSWITCH writes",
        ),
        // Where a year, a month and a day of recordings belong.
        Mistake::of(
            good(),
            "recordings",
            "is in the way",
            "is in the way of the folder for recordings",
        )
        .after(|world| std::fs::write(today(world, 0), "").unwrap()),
        Mistake::of(
            good(),
            "recordings",
            "is in the way",
            "is in the way of the folder for recordings",
        )
        .after(|world| std::os::unix::fs::symlink("/nowhere", today(world, 1)).unwrap()),
        Mistake::of(
            good(),
            "recordings",
            "cannot be written",
            "cannot be written: check its rights",
        )
        // Not `/proc`: a process may have the number of a sample rate.
        .after(|world| std::os::unix::fs::symlink("/proc/self", today(world, 2)).unwrap()),
        Mistake::of(good(), "recordings", "remove the folder", "FreeSWITCH records into it")
            .after(|world| std::fs::create_dir_all(today(world, 2).join("8000")).unwrap()),
        Mistake::set(
            "USTREDNA_CDR__KEEP",
            "/proc",
            "cdr",
            "cdr.keep: /proc: ",
            "a call detail record is stored, but it cannot be taken away: cdr.keep (/proc)",
        )
        .after(|world| unattended(world, "")),
        // One of another exchange, of which nothing can be made.
        Mistake::of(good(), "cdr", "cdr/unmatched", "it cannot be taken away: cdr.dir (cdr)")
            .after(|world| {
                std::fs::write(world.join("cdr/unmatched"), "").unwrap();
                unattended(world, r#","bridge_uepoch":"1""#);
            }),
        Mistake::set(
            "USTREDNA_SWITCH__PASSWORD",
            "hunter2",
            "freeswitch",
            "refuses the password",
            "refuses the password",
        ),
        Mistake::set(
            "USTREDNA_SWITCH__PASSWORD",
            "ClueCon",
            "password",
            "everybody knows",
            "password: the event socket has the password that everybody knows",
        ),
        Mistake::set(
            "USTREDNA_SWITCH__INBOUND",
            "127.0.0.1:1",
            "freeswitch",
            "start FreeSWITCH",
            "FreeSWITCH at 127.0.0.1:1: ",
        ),
        Mistake::set(
            "USTREDNA_SWITCH__ALLOW",
            "[\"10.0.0.0/8\"]",
            "controllers",
            "switch.allow",
            "which switch.allow keeps out",
        ),
        Mistake::set(
            "USTREDNA_SWITCH__MAX_CALLS",
            "5000",
            "capacity",
            "MAX_SESSIONS=10000",
            "fewer than switch.max_calls (5000)",
        ),
        Mistake::set(
            "USTREDNA_PROMPTS__DIR",
            "/nowhere",
            "prompts",
            "prompts.dir",
            "callers hear nothing; missing in /nowhere",
        ),
        Mistake::set(
            "USTREDNA_RECORDINGS__MIN_FREE",
            "9000000TB",
            "disk",
            "make room",
            "recordings.min_free",
        ),
        Mistake::set(
            "USTREDNA_EXCHANGE__CALLBACK_HOTLINE",
            "+420777000111",
            "hotlines",
            "exchange.callback_hotline is a fictitious number",
            "exchange.callback_hotline is a fictitious number",
        ),
        Mistake::set(
            "USTREDNA_EXCHANGE__OUTBOUND_HOTLINE",
            "+420601123456",
            "hotlines",
            "exchange.outbound_hotline is a shopper's phone",
            "exchange.outbound_hotline is a shopper's phone",
        ),
        Mistake::set(
            "USTREDNA_DATABASE__URL",
            "sqlite:///nowhere/at/all.db",
            "database",
            "change database.url",
            NO_START,
        ),
    ]
}
