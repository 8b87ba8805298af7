use std::{fs, time::Duration};

use super::*;

mod mistakes;

fn read(text: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ustredna.toml");
    fs::write(&path, text).unwrap();
    let environment = environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    // The folder's name is random, and must not be taken for a word of the message.
    let place = folder.path().display().to_string();
    load(&path, true, environment).map_err(|error| format!("{error:#}").replace(&place, "folder"))
}

#[test]
fn the_documented_example_is_the_default() {
    let documented = r#"
[exchange]
outbound_hotline = "+420234234399"
callback_hotline = "+420234234390"
country = "CZ"
language = "cs"
timezone = "Europe/Prague"
[database]
url = "sqlite://ustredna.db"
[switch]
listen = "127.0.0.1:8084"
allow = ["127.0.0.0/8"]
gateway = "carrier"
inbound = "127.0.0.1:8021"
ring_timeout = "40s"
max_calls = 1000
[callbacks]
ring_timeout = "25s"
sms_delay = "60s"
ticket_ttl = "7d"
[recordings]
dir = "recordings"
switch_dir = ""
required = true
min_free = "500MB"
when_broken = "go_on"
[alarm]
command = []
[cdr]
dir = "cdr"
[prompts]
dir = "freeswitch-conf/sounds"
[sms]
gateway = "spool"
in_flight = 32
lease = "60s"
expiry = "6h"
ticket_gap = "10m"
foreign = false
premium = false
charset = "gsm7"
[sms.throttle]
minute = 1
quarter_hour = 5
hour = 12
[sms.spool]
dir = "sms"
form = "json"
[sms.texts.cs]
[sms.texts.en]
[web]
listen = "127.0.0.1:8080"
"#;
    let settings = read(documented, &[]).unwrap();
    assert_eq!(format!("{settings:?}"), format!("{:?}", Settings::default()));
    assert_eq!(settings.callbacks.ticket_ttl.std(), Duration::from_hours(7 * 24));
}

#[test]
fn a_missing_file_means_the_defaults_unless_it_was_named() {
    let nowhere = std::path::Path::new("no/such/ustredna.toml");
    assert!(load(nowhere, false, []).is_ok());
    assert!(
        format!("{:#}", load(nowhere, true, []).unwrap_err()).contains("no/such/ustredna.toml")
    );
}

#[test]
fn errors_name_the_key_the_line_and_what_is_allowed() {
    for (text, told) in [
        ("[exchange]\n\ncountri = \"CZ\"\n", vec!["line 3", "countri", "country"]),
        ("[exchnage]\n", vec!["line 1", "exchnage", "exchange"]),
        ("[exchange]\nlanguage = \"de\"\n", vec!["line 2", "language", "\"cs\"", "\"en\""]),
        ("[switch]\nring_timeout = 40\n", vec!["line 2", "ring_timeout"]),
        ("[switch]\nring_timeout = \"soon\"\n", vec!["line 2", "soon", "40s"]),
        ("[switch]\nmax_calls = -1\n", vec!["line 2", "max_calls"]),
        ("[exchange]\ntimezone = \"Praha\"\n", vec!["line 2", "Europe/Prague"]),
        ("[exchange]\noutbound_hotline = \"234234399\"\n", vec!["line 2", "+420234234399"]),
        ("[sms]\ngateway = \"pigeon\"\n", vec!["line 2", "gateway", "spool"]),
        ("[switch]\ngateway = \"a,b\"\n", vec!["line 2", "letters"]),
        ("[prompts]\ndir = \"my sounds\"\n", vec!["line 2", "letters"]),
        ("[exchange\n", vec!["line 1"]),
    ] {
        let error = read(text, &[]).unwrap_err();
        for part in told {
            assert!(error.contains(part), "{text:?} does not say {part:?}:\n{error}");
        }
    }
}

#[test]
fn values_of_no_use_are_refused() {
    for (text, told) in [
        ("[exchange]\ncallback_hotline = \"+420234234399\"\n", "exchange.callback_hotline"),
        ("[switch]\nmax_calls = 0\n", "switch.max_calls"),
        ("[exchange]\nname = \"north\\nsouth\"\n", "exchange.name"),
        ("[cdr]\ndir = \"records\"\nkeep = \"records/\"\n", "cdr.keep"),
        ("[switch]\nring_timeout = \"0s\"\n", "switch.ring_timeout"),
        ("[callbacks]\nring_timeout = \"10ms\"\n", "callbacks.ring_timeout"),
        ("[sms]\nin_flight = 0\n", "sms.in_flight"),
        ("[sms]\ngateway = \"http\"\n", "[sms.http]"),
        ("[sms]\ngateway = \"smpp\"\n", "[sms.smpp]"),
        ("[sms]\nlease = \"4s\"\n", "sms.lease"),
        (
            "[sms]\ngateway = \"http\"\n[sms.http]\nurl = \"https://x\"\nbasic = { user = \"u\", password = \"\" }\n",
            "USTREDNA_SMS__HTTP__BASIC__PASSWORD",
        ),
        ("[sms]\nexpiry = \"10m\"\n", "sms.ticket_gap"),
        ("[callbacks]\nsms_delay = \"6h\"\n", "callbacks.sms_delay"),
        (
            "[sms.reports]\nsecret = \"short\"\nid = \"i\"\nstatus = \"s\"\ndelivered = [\"D\"]\nfailed = [\"F\"]\n",
            "[sms.reports]",
        ),
    ] {
        let error = read(text, &[]).unwrap_err();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn a_lease_is_longer_than_a_try_may_take() {
    let http = "gateway = \"http\"\n[sms.http]\nurl = \"https://x\"\n";
    let backup = "backup_url = \"https://y\"\n";
    let oauth = "oauth = { url = \"https://z\", client_id = \"i\", client_secret = \"s\" }\n";
    let smpp =
        "gateway = \"smpp\"\n[sms.smpp]\nhost = \"x\"\nsystem_id = \"u\"\npassword = \"p\"\n";
    // What a try may take is less than nine tenths of the lease.
    for (gateway, longest, timeouts, enough) in [
        (format!("{http}timeout = \"9s\"\n"), "9s", "sms.http.timeout", "11s"),
        (format!("{http}timeout = \"10s\"\n{backup}"), "20s", "sms.http.timeout", "23s"),
        (format!("{http}timeout = \"10s\"\n{oauth}"), "20s", "sms.http.timeout", "23s"),
        (format!("{http}timeout = \"10s\"\n{backup}{oauth}"), "30s", "sms.http.timeout", "34s"),
        (smpp.to_owned(), "20s", "sms.smpp.response_timeout", "23s"),
        (format!("{smpp}long = \"udh\"\n"), "30s", "sms.smpp.response_timeout", "34s"),
    ] {
        let with = |lease: &str| read(&format!("[sms]\nlease = \"{lease}\"\n{gateway}"), &[]);
        let error = with("10s").unwrap_err();
        let told = ["sms.lease = \"10s\"", &format!("may take {longest} ("), timeouts];
        for part in told {
            assert!(error.contains(part), "{part:?} is not in {error}");
        }
        assert!(error.contains(&format!("set sms.lease to \"{enough}\" or longer")), "{error}");
        let seconds: u32 = enough.trim_end_matches('s').parse().unwrap();
        with(enough).unwrap();
        assert!(with(&format!("{}s", seconds - 1)).is_err(), "{enough} is the shortest");
    }
    // By the gateways' own timeouts the usual lease does for one URL and no more.
    assert!(read(&format!("[sms]\n{http}"), &[]).is_ok());
    let error = read(&format!("[sms]\n{http}{backup}"), &[]).unwrap_err();
    assert!(error.contains("sms.lease = \"1m\"") && error.contains("sms.http.timeout"), "{error}");
}

#[test]
fn the_presets_of_providers_go_with_the_usual_lease() {
    for preset in [
        include_str!("../../../sms/presets/gosms.toml"),
        include_str!("../../../sms/presets/smsbrana.toml"),
        include_str!("../../../sms/presets/twilio.toml"),
        include_str!("../../../sms/presets/webhook.toml"),
    ] {
        let reports = [("USTREDNA_SMS__REPORTS__SECRET", "correct-horse-battery")];
        let own: &[_] = if preset.contains("[sms.reports]") { &reports } else { &[] };
        assert_eq!(read(preset, own).unwrap().sms.gateway, SmsGateway::Http);
    }
}

#[test]
fn the_environment_overrides_every_kind_of_value() {
    let settings = read(
        "[switch]\nmax_calls = 5\n",
        &[
            ("USTREDNA_SWITCH__MAX_CALLS", "7"),
            ("USTREDNA_SWITCH__LISTEN", "127.0.0.1:9000"),
            ("USTREDNA_SWITCH__ALLOW", "[\"10.0.0.0/8\"]"),
            ("USTREDNA_SMS__SPOOL__DIR", "elsewhere"),
            ("USTREDNA_RECORDINGS__REQUIRED", "false"),
            ("USTREDNA_CALLBACKS__SMS_DELAY", "2s"),
            // A number where a text is wanted.
            ("USTREDNA_SWITCH__PASSWORD", "1234"),
            ("OTHER", "1"),
        ],
    )
    .unwrap();
    assert_eq!(settings.switch.max_calls, 7);
    assert_eq!(settings.switch.listen.port(), 9000);
    assert_eq!(settings.switch.allow[0].to_string(), "10.0.0.0/8");
    assert_eq!(settings.sms.spool.dir.to_str(), Some("elsewhere"));
    assert!(!settings.recordings.required);
    assert_eq!(settings.callbacks.sms_delay.std(), Duration::from_secs(2));
}

#[test]
fn a_wrong_variable_is_named_with_what_is_allowed() {
    let error = read("", &[("USTREDNA_SWITCH__MAX_CALLS", "many")]).unwrap_err();
    assert!(
        error.contains("USTREDNA_SWITCH__MAX_CALLS") && error.contains("whole number"),
        "{error}"
    );
    let error = read("", &[("USTREDNA_SWITCH__NOTHING", "1")]).unwrap_err();
    assert!(error.contains("USTREDNA_SWITCH__NOTHING") && error.contains("max_calls"), "{error}");
    assert!(read("", &[("USTREDNA_SWITCH", "1")]).is_err());
    assert!(read("", &[("USTREDNA_SWITCH__MAX_CALLS", "")]).is_err());
}

#[test]
fn an_error_shows_no_secret() {
    for text in [
        "[database]\nurl = \"postgres://u:hunter2@localhost/x\n",
        "[database]\nurl = postgres://u:hunter2@localhost/x\n",
        "[switch]\npassword = hunter2\n",
        "[switch]\npasword = \"hunter2\"\n",
        "[switch]\npassword = [\"hunter2\"]\n",
        "[switch]\npassword \"hunter2\"\n",
        "[switch]\npassword: \"hunter2\"\n",
        "\ndatabase = \"postgres://u:hunter2@localhost/x\"\n",
        "[exchange]\nlanguage = \"hunter2\"\n",
        "[sms]\ngateway = \"hunter2, expected hunter2\"\n",
        "[switch]\nmax_calls = { a = \"hunter2\" }\n",
        "[sms.http]\n  basic = \"hunter2\"\n",
        "[switch]\nhunter2\n",
    ] {
        let error = read(text, &[]).unwrap_err();
        assert!(error.contains("line 2") && !error.contains("hunter2"), "{text}\n{error}");
    }
    for text in [
        "[switch]\n  password = 12345678\n",
        "[switch]\n\tmax_calls = 12345678.0\n",
        "[switch]\nmax_calls = 1234567812345678\n",
        "[sms]\nhttp = 12345678\n",
        "[sms]\nhttp = { url = \"x\", basic = { user = \"x\", password = 12345678 } }\n",
        "[recordings]\nrequired = 12345678\n",
    ] {
        let error = read(text, &[]).unwrap_err();
        assert!(error.contains("line 2") && !error.contains("12345678"), "{text}\n{error}");
    }
    for (name, value) in [
        ("SMS__HTTP__BASIC", "{ user=\"x\", pass=\"hunter2\" }"),
        ("SMS__HTTP__BASIC", "hunter2"),
        ("SMS__HTTP__OAUTH", "[\"hunter2\"]"),
        ("SMS__HTTP", "{ url = \"https://x\", basic = \"hunter2\" }"),
        ("SMS__SMPP", "hunter2"),
        ("SMS__GATEWAY", "hunter2"),
        ("EXCHANGE__LANGUAGE", "hunter2"),
        ("SWITCH__MAX_CALLS", "hunter2"),
        ("SWITCH__PASSWORD", "[\"hunter2\"]"),
    ] {
        let file = "[sms.http]\nurl = \"https://x\"\n";
        let name = format!("USTREDNA_{name}");
        if let Err(error) = read(file, &[(&name, value)]) {
            assert!(error.contains(&name) && !error.contains("hunter2"), "{value}\n{error}");
        } else {
            assert!(name.ends_with("PASSWORD"), "{name} is taken as a text");
        }
    }
    let error = read(
        "[sms.http]\nurl = \"https://x\"\n",
        &[("USTREDNA_SMS__HTTP__BASIC", "{ user=\"x\", pass=\"hunter2\" }")],
    );
    assert!(error.unwrap_err().contains("`password`"), "tells what is allowed");
}

/// Those of the settings' documentation for users, with each secret in the environment alone.
#[test]
fn the_readme_s_gateways_take_their_secrets_from_the_environment() {
    let readme = include_str!("../../../../README.md");
    let block = |of: &str| {
        let mut blocks = readme.split("```toml\n").skip(1);
        blocks.find_map(|block| block.split("```").next().filter(|b| b.contains(of))).unwrap()
    };
    let reports = ("USTREDNA_SMS__REPORTS__SECRET", "correct-horse-battery");
    let (http, smpp) = (block("[sms.http]\n"), block("[sms.smpp]\n"));
    assert!(http.contains("[sms.reports]"), "{http}");
    let settings = read(http, &[("USTREDNA_SMS__HTTP__SECRETS__TOKEN", "t"), reports]).unwrap();
    assert!(settings.sms.reports.unwrap().is_secret("correct-horse-battery"));
    assert!(settings.sms.http.unwrap().secrets.contains_key("token"));
    let settings = read(smpp, &[("USTREDNA_SMS__SMPP__PASSWORD", "12345678")]).unwrap();
    let password = settings.sms.smpp.unwrap().password;
    assert_eq!(secrecy::ExposeSecret::expose_secret(&password), "12345678");

    // And say so where it is in neither.
    let error = read(http, &[("USTREDNA_SMS__HTTP__SECRETS__TOKEN", "t")]).unwrap_err();
    assert!(error.contains("[sms.reports]") && error.contains("`secret`"), "{error}");
    let error = read(smpp, &[]).unwrap_err();
    assert!(error.contains("USTREDNA_SMS__SMPP__PASSWORD"), "{error}");
}

#[test]
fn a_secret_for_a_gateway_that_is_not_chosen_is_left_alone() {
    let secrets = [
        ("USTREDNA_SMS__HTTP__SECRETS__TOKEN", "t"),
        ("USTREDNA_SMS__HTTP__OAUTH__CLIENT_SECRET", "hunter2"),
        ("USTREDNA_SMS__REPORTS__SECRET", "correct-horse-battery"),
        ("USTREDNA_SMS__SMPP__PASSWORD", "12345678"),
    ];
    let settings = read("[sms]\ngateway = \"spool\"\n", &secrets).unwrap();
    assert!(settings.sms.smpp.is_none() && settings.sms.http.is_none());
    assert!(settings.sms.reports.is_none());

    // For the one that is chosen it is not enough.
    for (gateway, (name, value), lacks) in [
        ("http", secrets[0], "`sms.http.url` is missing"),
        ("http", secrets[2], "`sms.reports.id` is missing"),
        ("smpp", secrets[3], "`sms.smpp.host` is missing"),
    ] {
        let file = format!("[sms]\ngateway = \"{gateway}\"\n");
        let error = read(&file, &[(name, value)]).unwrap_err();
        assert!(error.contains(name) && error.contains(lacks), "{error}");
        // Also when the environment chooses.
        let chosen = ("USTREDNA_SMS__GATEWAY", gateway);
        assert!(read("", &[(name, value), chosen]).unwrap_err().contains(lacks), "{name}");
    }
    let file = "[sms]\ngateway = \"http\"\n[sms.http]\nurl = \"https://x\"\n";
    let error = read(file, &secrets[1..2]).unwrap_err();
    assert!(error.contains("`sms.http.oauth.url` is missing"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    // What is no secret is no leftover.
    let error = read("", &[("USTREDNA_SMS__SMPP__SYSTEM_TYPE", "x")]).unwrap_err();
    assert!(error.contains("`sms.smpp.host` is missing"), "{error}");
}

#[test]
fn an_empty_secret_is_refused_with_its_variable() {
    let file =
        "[sms]\ngateway = \"http\"\n[sms.http]\nurl = \"https://x\"\nsecrets = { token = \"\" }\n";
    let error = read(file, &[]).unwrap_err();
    assert!(error.contains("USTREDNA_SMS__HTTP__SECRETS__TOKEN"), "{error}");
    assert!(read(file, &[("USTREDNA_SMS__HTTP__SECRETS__TOKEN", "t")]).is_ok());
}

/// The debug form is what a panic would show.
#[test]
fn secrets_are_not_in_the_debug_form() {
    let text = "[database]\nurl = \"postgres://u:hunter2@localhost/x\"\n\
        [sms.http]\nurl = \"https://x\"\nsecrets = { key = \"hunter2\" }\n\
        basic = { user = \"u\", password = \"hunter2\" }\n\
        oauth = { url = \"https://x\", client_id = \"i\", client_secret = \"hunter2\" }\n\
        [sms.smpp]\nhost = \"x\"\nsystem_id = \"u\"\npassword = \"hunter2\"\n\
        [sms.reports]\nsecret = \"hunter2-hunter2-hunter2\"\nid = \"i\"\nstatus = \"s\"\n\
        delivered = [\"D\"]\nfailed = [\"F\"]\n";
    let settings = read(text, &[("USTREDNA_SWITCH__PASSWORD", "hunter2")]).unwrap();
    assert!(settings.sms.http.is_some() && settings.sms.smpp.is_some());
    assert!(settings.sms.reports.is_some() && settings.switch.password.is_some());
    for shown in [format!("{settings:?}"), format!("{settings:#?}")] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn amounts_of_bytes_are_written_with_or_without_a_unit() {
    let bytes = |text: &str| {
        let toml = format!("recordings.min_free = {text}");
        read(&toml, &[]).map(|settings| settings.recordings.min_free.0)
    };
    for (text, expected) in [
        ("0", 0),
        ("4096", 4096),
        ("\"1GiB\"", 1 << 30),
        ("\"500 MB\"", 500_000_000),
        ("\"2TB\"", 2_000_000_000_000),
    ] {
        assert_eq!(bytes(text).unwrap(), expected, "{text}");
    }
    for wrong in ["\"much\"", "\"1 XB\"", "-1", "\"99999999999TB\"", "true", "\"GB\""] {
        let error = bytes(wrong).unwrap_err();
        assert!(error.contains("bytes"), "{wrong}: {error}");
    }
}

#[test]
fn an_alarm_s_webhook_is_never_shown() {
    let webhook = "https://hooks.example/hunter2";
    let settings = read(&format!("alarm.webhook = \"{webhook}\""), &[]).unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
    for wrong in ["\"hunter2\"", "[\"hunter2\"]", "2"] {
        let error = read(&format!("alarm.webhook = {wrong}"), &[]).unwrap_err();
        assert!(error.contains("webhook") && !error.contains("hunter2"), "{error}");
    }
    let error = read("alarm.command = [\"page-me\"]", &[]).unwrap_err();
    assert!(error.contains("whole path"), "{error}");
}

#[test]
fn how_long_recordings_are_kept_is_read_by_project() {
    let text = "[recordings.retention]\ndays = 30\nprojects = { Auto = 90, \"Two words\" = 0 }\n\
        [recordings.archive]\nafter_days = 7\n";
    let settings =
        read(text, &[("USTREDNA_RECORDINGS__RETENTION__DAYS", "60")]).unwrap().recordings;
    assert_eq!((settings.retention.days, settings.archive.after_days), (60, 7));
    assert_eq!(settings.retention.projects["Auto"], 90);
    assert_eq!(settings.retention.projects["Two words"], 0);
    let none = read("", &[]).unwrap().recordings;
    assert_eq!((none.retention.days, none.archive.after_days), (0, 0), "for ever, as they are");
    assert!(none.retention.projects.is_empty());
    for (wrong, told) in [
        ("[recordings.retention]\ndays = 36501", "at most 36500"),
        ("[recordings.retention.projects]\nAuto = 36501", "at most 36500"),
        ("[recordings.archive]\nafter_days = -1", "after_days"),
        ("[recordings.archive]\nafter = 1", "after_days"),
        ("[recordings.retention]\nprojects = 5", "projects"),
    ] {
        let error = read(wrong, &[]).unwrap_err();
        assert!(error.contains(told), "{wrong}: {error}");
    }
}
